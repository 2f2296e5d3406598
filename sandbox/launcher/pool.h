#ifndef SANDBOX_POOL_H
#define SANDBOX_POOL_H
/*
 * Prepared runs: for plans that come again, templates and in each of them a
 * few first processes that wait. One whose run has left nothing, nowhere, waits
 * for another; every other ends with its run.
 *
 *     plan = pool_plan(pool, record, arena)
 *     if (plan == NULL || !pool_start(pool, record, &started))
 *             ... everything fresh ...
 *     pool_used(pool, NULL or plan, record)   after the start of either kind
 *
 * Whatever is not as it was when a template was made - the plan, a folder on
 * the way, a name that has to be hidden or protected, the mount table - ends
 * the template and all that wait in it.
 */
#include <stdbool.h>

#include "base/loop.h"
#include "start/run.h"
#include "sandbox/plan.h"

struct pool;

/* groups: where control groups can be made; kept. */
int pool_new(struct loop *l, struct cgroup_places *groups, struct pool **ret,
    struct err *e);
void pool_free(struct pool *p);
/* What a run has of the pool, to be given back. */
struct lent {
	uint64_t template; /* 0: none, the run is fresh */
	int net; /* of the template, or -1 */
	int userns; /* or -1 */
	unsigned served; /* runs of its first process before this one */
	int64_t made_ns; /* when that began */
};

/* What a run has that was handed over: its process, and our ends of its
 * input, output and errors, which do not block. */
struct pool_run {
	struct run run;
	struct lent lent;
	int pipes[3];
};

/* Where a template is ready for it: the plan without what that has performed,
 * which is the lists of its frame. Else NULL. */
struct plan *pool_plan(struct pool *p, struct str record, struct arena *a);
/* For a plan of pool_plan. True: the command has been handed to a prepared
 * process. */
bool pool_start(struct pool *p, struct str record, struct pool_run *ret);
/* A prepared run could not be set up: everything fresh for a while. */
void pool_failed(struct pool *p);
/* plan: the whole one, NULL where pool_start has handed it over. */
void pool_used(struct pool *p, const struct plan *plan, struct str record);
/* After its answer was sent. */
void pool_ended(struct pool *p, struct str record);
/* For a fresh run: what is lent, and in with what helps it to start. */
struct lent pool_lend(
    struct pool *p, const struct plan *plan, struct run_with *with);
/* A fresh run was answered: the next may come. */
void pool_ended_fresh(
    struct pool *p, const struct plan *plan, struct str record);
/* A first process that says it is as new, and its answer was sent: may it serve
 * another run? */
bool pool_may_take(struct pool *p, struct run *run, const struct lent *l);
/* Then: takes both. */
void pool_take(struct pool *p, struct run *run, struct lent *l);
/* When nothing of the run is alive but its first process. clean: it never had
 * a socket. Afterwards *l is empty. */
void pool_give_back(struct pool *p, struct lent *l, bool clean);

#endif
