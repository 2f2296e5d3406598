#ifndef SANDBOX_NEEDED_H
#define SANDBOX_NEEDED_H
/*
 * System calls without which nothing runs.
 *
 *     if (r != 0)
 *             needed_explain(e);
 */
#include "base/err.h"

/* Names the call that an older kernel or somebody's filter keeps from us,
 * where that is why e came about. */
void needed_explain(struct err *e);

#endif
