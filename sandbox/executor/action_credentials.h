#ifndef SANDBOX_ACTION_CREDENTIALS_H
#define SANDBOX_ACTION_CREDENTIALS_H
/*
 * Which credentials a run may use, and how its programs find them: never a
 * value, but where the agent is, whom to trust, and placeholders.
 */
#include "model/config.h"
#include "sandbox/plan.h"

#define ACTION_CREDENTIALS_ENV_MAX 512

/* Fills the plan's options; *ret_env are variables to set besides. config may
 * be NULL: none. */
int action_credentials(const struct action *a, const struct config *config,
    struct arena *arena, struct plan_options *o, struct plan_strings *ret_env,
    struct err *e);

/* Is there a credential of any kind that is for this action under the profile
 * asked, and not under the usual one? */
bool action_credentials_wider(const struct action *a,
    const struct config *config, const char *asked, const char *usual);

#endif
