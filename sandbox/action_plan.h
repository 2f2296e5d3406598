#ifndef SANDBOX_ACTION_PLAN_H
#define SANDBOX_ACTION_PLAN_H
/* The plan that an action asks for: pure. */
#include "model/action.h"
#include "profile_set.h"
#include "sandbox/plan.h"

/* ERR_DENIED or ERR_INVALID where the sandbox cannot run it. */
int action_plan(const struct action *a, const struct profile_set *profiles,
    struct arena *arena, struct plan **ret, struct err *e);

#endif
