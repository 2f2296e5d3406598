#ifndef SANDBOX_HELD_H
#define SANDBOX_HELD_H
/*
 * Copies of workspaces that runs have left, until somebody says what becomes
 * of them.
 *
 *     held_add(&list, &item)             takes all of it
 *     r = held_answer(list, request, &answer, e);   XL_CHANGES, LX_CHANGES
 */
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sandbox/plan.h"

#define HELD_MAX                                                               \
	4 /* the oldest gives way: each may hold limits.tmp of memory */

struct held {
	uint64_t number; /* of the run */
	struct arena *arena; /* holds the plan */
	const struct plan *plan;
	int layer, workspace;
	bool given; /* the layer, to whoever looks at it */
	struct timespec began;
	struct held *next;
};

/* Takes everything in from but next; on failure, too. */
void held_add(struct held **list, const struct held *from);
void held_free_all(struct held **list);
/* ERR_INVALID: the engine is broken. What went wrong otherwise is in ret. */
int held_answer(
    struct held **list, struct str request, struct buf *ret, struct err *e);

#endif
