#ifndef RULES_SUGGEST_ONE_H
#define RULES_SUGGEST_ONE_H
/*
 * A rule file from one action that a person would allow.
 *
 *     r = suggest_one(action, &out, e);     ERR_DENIED: why there is none
 */
#include "base/buf.h"
#include "base/err.h"
#include "model/action.h"

/* The text was parsed again: it loads. */
int suggest_one(const struct action *a, struct buf *out, struct err *e);

#endif
