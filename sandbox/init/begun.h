#ifndef SANDBOX_BEGUN_H
#define SANDBOX_BEGUN_H
/*
 * The part of a fresh start that need not know its run: its user, and the
 * first of its mounts. A first process that is made ahead
 * (start/blank.h) has done it when its run comes.
 *
 *     b->root = (struct root)ROOT_INIT;
 *     b->root.idmap = ...
 *     r = begun_make(b, plan, op_count, e);
 */
#include "root/root.h"

struct begun {
	struct root root;
	struct err why; /* what could not be done ahead */
};

/* plan's first op_count operations. */
int begun_make(
    struct begun *b, const struct plan *p, size_t op_count, struct err *e);

#endif
