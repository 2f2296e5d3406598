#ifndef SANDBOX_EDIT_H
#define SANDBOX_EDIT_H
/*
 * Apply a plan's file edits, by the process that guards the run: the same
 * names are protected as for commands. All of them or, with everything put
 * back, none.
 */
#include "base/err.h"
#include "sandbox/plan.h"

struct gate;

/* One line on out for each edit. ERR_CONFLICT when a file is not what was
 * shown. */
int edit_apply(struct gate *g, const struct plan *p, int out, struct err *e);

#endif
