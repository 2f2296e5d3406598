#ifndef SANDBOX_FACTS_H
#define SANDBOX_FACTS_H
/*
 * What a template took from the host: which of a plan's paths are there and
 * what they are. The kernel tells of every change (inotify), so that asking
 * before a run costs a few system calls, however large the workspace is.
 *
 *     facts_take(plan, &facts, e)     before the template is built
 *     facts_hold(facts)               before each run: false, build anew
 *
 * Only a change of a name that the plan mentions counts, also when it was
 * undone; everything that cannot be watched makes facts_take fail, and then
 * runs have everything fresh.
 */
#include <stdbool.h>

#include "base/err.h"
#include "sandbox/plan.h"

struct facts;

/* The plan is borrowed for the call. */
int facts_take(const struct plan *p, struct facts **ret, struct err *e);
bool facts_hold(struct facts *f);
/* Readable when something happened: facts_hold drains it. */
int facts_fd(const struct facts *f);
void facts_free(struct facts *f);
void facts_freep(struct facts **f);

#endif
