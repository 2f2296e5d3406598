#ifndef SANDBOX_REQUIRE_H
#define SANDBOX_REQUIRE_H
/*
 * What must be enforced, and what this kernel leaves out (I10).
 *
 *     r = require_check(plan, e)     ERR_DENIED: a run may not begin
 *     note = require_weaker()        what to tell whoever looks, or NULL
 */
#include <stdbool.h>

#include "base/err.h"
#include "sandbox/plan.h"

/* controls: what a control group limits, see base/cgroup.h. */
int require_check(
    const struct plan *p, unsigned controls, bool bare, struct err *e);
const char *require_weaker(void);

#endif
