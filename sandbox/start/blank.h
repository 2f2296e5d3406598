#ifndef SANDBOX_BLANK_H
#define SANDBOX_BLANK_H
/*
 * A first process in namespaces of its own that does not know its run yet:
 * the part of a fresh start that is the same for all, made ahead.
 *
 *     blank_make(&with, &b, e)
 *     if (blank_fits(&b, &job) && blank_start(&b, &job, record, &run) == 0)
 *             ... else everything is made now
 *     blank_done(&b)
 *
 * It serves one run and ends with it. When the mounts of the host change, or
 * anything else that it has been built from, it is not used.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "init/init.h"
#include "start/ground.h"
#include "start/run.h"

struct facts;

struct blank_with {
	struct ground ground; /* what is built ahead */
	/* Of the host, of that ground; or NULL. */
	struct facts *facts;
	bool at_once; /* its job comes in a moment: nothing is watched */
	bool net_apart; /* the network is made beside what is left */
};

struct blank {
	struct run process; /* pid 0: there is none */
	struct blank_with with; /* what it points to is borrowed */
	int mounts; /* our mount table, or -1; owned */
	bool stale; /* that has changed, or one of the facts */
};

#define BLANK_INIT                                                             \
	{                                                                      \
		.mounts = -1,                                                  \
	}

int blank_make(const struct blank_with *with, struct blank *ret, struct err *e);
/* Is there one, and is nothing on the host another than it was? */
bool blank_is_current(struct blank *b);
/* The same, and is it what this job begins with? */
bool blank_fits(struct blank *b, const struct job *job);
/* job: without values; its descriptors are borrowed. 0: the job is handed
 * over, b is empty, and *ret has the process and its link. */
int blank_start(
    struct blank *b, const struct job *job, struct str record, struct run *ret);
void blank_done(struct blank *b);

#endif
