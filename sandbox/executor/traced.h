#ifndef SANDBOX_TRACED_H
#define SANDBOX_TRACED_H
/*
 * A run that knows its place in the caller's trace: TRACEPARENT in its
 * environment, unless what was approved has one of its own. It names no
 * program, path or host, and it is not part of what is approved: the same
 * call is the same whatever trace it belongs to.
 */
#include "base/buf.h"
#include "model/action.h"

/* The plan's record, or that with the variable, in out. */
int traced_record(
    const struct action *a, struct str record, struct buf *out, struct err *e);

#endif
