/*
 * Decide what is made ahead for fresh runs, and make it.
 * Runs in: assent-exec --launcher.  Trusts: the plans of runs.
 * Owns: a process, what it is made from, and watches of that.
 */
#include "launcher/ahead.h"

#include <unistd.h>

#include "base/mem.h"
#include "start/facts.h"

#define PLAN_ARENA ((size_t)4 << 20)

static void
forget_ground(struct ahead *a)
{
	blank_done(&a->blank);
	facts_freep(&a->facts);
	a->op_count = 0;
	fd_closep(&a->idmap);
	a->idmap = -1;
}

void
ahead_done(struct ahead *a)
{
	forget_ground(a);
	arena_free(a->arena);
	*a = (struct ahead)AHEAD_INIT;
}

/* False: there is no plan any more. */
static bool
keep_plan(struct ahead *a, struct str record)
{
	struct plan *p;

	arena_free(a->arena);
	a->plan = NULL;
	a->arena = arena_new(PLAN_ARENA);
	if (a->arena == NULL || plan_decode(record, a->arena, &p, NULL) != 0)
		return false;
	a->plan = p;
	return true;
}

/*
 * All that can be built of a plan that came twice, or came first; of two that
 * differ what they have in common, until one of them comes again.
 */
static bool
choose_ground(struct ahead *a, const struct plan *p, struct str record)
{
	const size_t all = ground_end(p);
	const size_t common = a->plan == NULL ? all : ground_common(a->plan, p);

	if (a->plan != NULL && common == all && ground_end(a->plan) == all) {
		if (!a->untold && a->op_count != all) {
			forget_ground(a);
			a->op_count = all;
		}
		return true;
	}
	/* The plan that the ground is part of goes. */
	forget_ground(a);
	a->op_count = common;
	a->untold = false;
	return keep_plan(a, record);
}

/* What nobody would tell of is not built ahead. */
static void
take_facts(struct ahead *a)
{
	struct plan ground;

	if (a->op_count == 0 || a->facts != NULL)
		return;
	ground = *a->plan;
	ground.op_count = a->op_count;
	if (facts_take(&ground, &a->facts, NULL) != 0) {
		a->op_count = 0;
		a->untold = true;
	}
}

void
ahead_make(struct ahead *a, const struct plan *plan, struct str record,
    struct identity_maps *maps)
{
	struct blank_with with = { .ground = { .idmap = -1 } };
	AUTO_FD int idmap = -1;

	if (identity_idmap(&plan->who, plan->workspace, maps, &idmap, NULL) !=
		0 ||
	    !choose_ground(a, plan, record)) {
		ahead_done(a);
		return;
	}
	if (blank_is_current(&a->blank) &&
	    ground_fits(&a->blank.with.ground, plan, idmap))
		return;
	blank_done(&a->blank);
	if (a->facts != NULL && !facts_hold(a->facts))
		facts_freep(&a->facts);
	take_facts(a);
	fd_closep(&a->idmap);
	a->idmap = TAKE_FD(idmap);
	with.ground = (struct ground){
		.plan = a->plan,
		.op_count = a->op_count,
		.idmap = a->idmap,
	};
	with.facts = a->facts;
	/* Where none can be made each run finds out, and says so. */
	(void)blank_make(&with, &a->blank, NULL);
}
