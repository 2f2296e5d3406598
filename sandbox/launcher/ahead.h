#ifndef SANDBOX_AHEAD_H
#define SANDBOX_AHEAD_H
/*
 * The start of the next fresh run, made while nobody waits for it: its first
 * process in namespaces of its own, with as much of its mounts as the last
 * two such runs had in common.
 *
 *     with.blank = &a.blank;                     run_start takes it, or not
 *     ahead_make(&a, plan, record, &maps)        after the answer
 *     ahead_done(&a)                             nobody needs one any more
 *
 * The kernel tells of every change of what it was built from (facts.h); where
 * it would not, mounts are left to the run itself.
 */
#include "root/identity.h"
#include "start/blank.h"

struct facts;

struct ahead {
	struct blank blank;
	struct arena *arena;
	const struct plan *plan; /* of the last run that differed; or NULL */
	struct facts *facts; /* of the blank's ground */
	size_t op_count; /* of that */
	bool untold; /* nobody tells what changes of that plan's ground */
	int idmap; /* of that, or -1 */
};

#define AHEAD_INIT                                                             \
	{                                                                      \
		.blank = BLANK_INIT, .idmap = -1,                              \
	}

/* plan, with its record, is what ran last. Without success the next run
 * makes all itself, and says what could not be made. */
void ahead_make(struct ahead *a, const struct plan *plan, struct str record,
    struct identity_maps *maps);
void ahead_done(struct ahead *a);

#endif
