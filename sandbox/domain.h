#ifndef SANDBOX_DOMAIN_H
#define SANDBOX_DOMAIN_H
/*
 * The run's Landlock domain: a second wall behind the mounts, and the gate's
 * foundation - without the gate nothing in the workspace can be written.
 *
 *     fd = domain_make(plan, supervised, &e)    -1: the kernel has none
 *     domain_enter(fd)                          in the command's process
 */
#include <stdbool.h>

#include "base/err.h"
#include "sandbox/plan.h"

/* *ret is -1 where the kernel has no Landlock. */
int domain_make(const struct plan *p, bool supervised, int *ret, struct err *e);
/* 0, or -1 and errno. */
int domain_enter(int ruleset);

#endif
