#ifndef SANDBOX_GROUND_H
#define SANDBOX_GROUND_H
/*
 * What the plans of several fresh runs begin with, so that it can be built
 * before the next one is known: the system, the tools of a home. Never a
 * workspace, nor what writes.
 */
#include <stdbool.h>
#include <stddef.h>

#include "sandbox/plan.h"

struct ground {
	const struct plan *plan; /* borrowed */
	size_t op_count; /* of its operations */
	int idmap; /* that they are built with, or -1; borrowed */
};

/* How many of a plan's operations can be built ahead. */
size_t ground_end(const struct plan *p);
/* How many of them two plans have in common. */
size_t ground_common(const struct plan *p, const struct plan *q);
/* Does a plan begin with this, and map owners alike? */
bool ground_fits(const struct ground *g, const struct plan *p, int idmap);

#endif
