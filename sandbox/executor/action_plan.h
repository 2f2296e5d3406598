#ifndef SANDBOX_ACTION_PLAN_H
#define SANDBOX_ACTION_PLAN_H
/* The plan that an action asks for, and as which account it runs. */
#include "executor/elevate.h"
#include "model/action.h"
#include "profile_set.h"
#include "sandbox/plan.h"

struct action_plan_with {
	const struct profile_set *profiles;
	const struct config *config; /* credentials, requirements; or NULL */
	struct elevation *elevation;
	uint64_t busy; /* accounts with a run, see elevate.h */
};

/* ERR_DENIED or ERR_INVALID where the sandbox cannot run it. */
int action_plan(const struct action *a, const struct action_plan_with *with,
    struct arena *arena, struct plan **ret, struct elevate_choice *ret_who,
    struct err *e);

/* The hosts that the requirements deny, for whatever plan. */
void action_plan_deny(const struct config *c, struct plan_options *o);
/* What becomes of the kernel's records of denials. */
void action_plan_records(const struct config *c, struct plan_options *o);

/* action_fetch.c: the command of a request; has_stdin and argv of o. */
int action_fetch(const struct action *a, struct arena *arena,
    struct plan_options *o, struct err *e);

#endif
