/*
 * The life of an action. Nothing is RUNNING unless it was DECIDED, and
 * nothing that ran is ever run again.
 * Runs in: engine.  Trusts: nothing.  Owns: nothing.
 */
#include "stage.h"

#define BIT(s) (1u << (s))

static const unsigned stage_next[] = {
	[STAGE_INVALID] = 0,
	[STAGE_PROPOSED] = BIT(STAGE_PENDING) | BIT(STAGE_DECIDED),
	[STAGE_PENDING] = BIT(STAGE_DECIDED) | BIT(STAGE_CANCELLED),
	/* Back to pending is the undo of a person's answer. */
	[STAGE_DECIDED] = BIT(STAGE_RUNNING) | BIT(STAGE_PENDING) |
	    BIT(STAGE_EXPIRED) | BIT(STAGE_DONE),
	[STAGE_RUNNING] = BIT(STAGE_DONE) | BIT(STAGE_UNKNOWN),
	[STAGE_DONE] = 0,
	[STAGE_UNKNOWN] = 0,
	[STAGE_CANCELLED] = 0,
	[STAGE_EXPIRED] = 0,
};
_Static_assert(ARRAY_LEN(stage_next) == STAGE_EXPIRED + 1,
    "every stage has its successors");

bool
stage_may_follow(enum stage from, enum stage to)
{
	if ((unsigned)from >= ARRAY_LEN(stage_next) ||
	    (unsigned)to >= ARRAY_LEN(stage_next))
		return false;
	return (stage_next[from] & BIT(to)) != 0;
}

bool
stage_is_final(enum stage s)
{
	return (unsigned)s < ARRAY_LEN(stage_next) && stage_next[s] == 0;
}
