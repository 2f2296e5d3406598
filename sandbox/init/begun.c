/*
 * Begin with what all runs of a plan's kind have.
 * Runs in: the first process of a run.  Trusts: the plan.
 * Owns: nothing; all is the caller's.
 */
#include "init/begun.h"

#include "root/identity.h"

int
begun_make(
    struct begun *b, const struct plan *p, size_t op_count, struct err *e)
{
	const int r = identity_map_self(&p->who, e);

	return r == 0 ? root_begin(&b->root, p, op_count, e) : r;
}
