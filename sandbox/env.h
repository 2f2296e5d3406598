#ifndef SANDBOX_ENV_H
#define SANDBOX_ENV_H
/* The environment of a run: an allow-list, then what the plan sets. */
#include <stdbool.h>

#include "sandbox/plan.h"

/* NAME=value strings in the arena. */
int env_build(const struct plan_options *o, struct arena *a, const char ***ret,
    size_t *ret_count, struct err *e);
/* That of our own process: it would stay readable in /proc/1/environ. */
void env_wipe(void);
/* True when a variable of the caller may pass. */
bool env_allowed(const struct profile *p, const char *name, size_t len);

#endif
