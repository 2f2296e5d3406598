#ifndef REVIEWER_ROLE_REVIEWER_ROLE_H
#define REVIEWER_ROLE_REVIEWER_ROLE_H
/*
 * The role that holds the keys of LLM providers and talks to them. It has a
 * program of its own, assent-reviewer, which assentd starts when providers
 * are configured and `assent review` starts for itself.
 *
 *     return role_run(&reviewer_role, NULL);
 *
 * It gets a question and what it may say is: once, a person, no. It has no
 * way to the store, to rules, or to other files, and starts no programs.
 */
#include "core/role.h"

extern const struct role reviewer_role;

#endif
