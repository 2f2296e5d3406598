#ifndef SANDBOX_POOL_H
#define SANDBOX_POOL_H
/*
 * Prepared runs: for plans that come again, templates and in each of them a
 * few first processes that wait. A prepared process runs one command and ends.
 *
 *     if (!pool_start(pool, plan, record, stdio, &run))
 *             ... everything fresh ...
 *     pool_used(pool, plan, record)     after the start of either kind
 *
 * Whatever is not as it was when a template was made - the plan, a folder on
 * the way, a name that has to be hidden or protected, the mount table - ends
 * the template and all that wait in it.
 */
#include <stdbool.h>

#include "base/loop.h"
#include "run.h"
#include "sandbox/plan.h"

struct pool;

int pool_new(struct loop *l, struct pool **ret, struct err *e);
void pool_free(struct pool *p);
/* True: the command has been handed to a prepared process. */
bool pool_start(struct pool *p, const struct plan *plan, struct str record,
    const int stdio[static 3], struct run *ret, int *ret_userns);
/* A prepared run could not be set up: everything fresh for a while. */
void pool_failed(struct pool *p);
void pool_used(struct pool *p, const struct plan *plan, struct str record);
/* After its answer was sent. */
void pool_ended(struct pool *p, const struct plan *plan, struct str record);
/* A user space for one run of this plan, or -1; give it back when nothing of
 * the run is alive. */
int pool_take_space(struct pool *p, const struct plan *plan);
void pool_give_space(struct pool *p, int userns);

#endif
