#ifndef SANDBOX_BLANK_H
#define SANDBOX_BLANK_H
/*
 * A first process in namespaces of its own that does not know its run yet:
 * the part of a fresh start that is the same for all, made ahead.
 *
 *     blank_make(&b, e)
 *     if (blank_is_current(&b) && blank_start(&b, &job, record, &run) == 0)
 *             ... else everything is made now
 *     blank_done(&b)
 *
 * It serves one run and ends with it. What it has seen of the host is only
 * its mounts; when those change it is not used.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "init/init.h"
#include "start/run.h"

struct blank {
	struct run process; /* pid 0: there is none */
	int mounts; /* our mount table; owned */
	bool stale; /* that has changed */
};

int blank_make(struct blank *ret, struct err *e);
bool blank_is_current(struct blank *b);
/* job: without values; its descriptors are borrowed. 0: the job is handed
 * over, b is empty, and *ret has the process and its link. */
int blank_start(
    struct blank *b, const struct job *job, struct str record, struct run *ret);
void blank_done(struct blank *b);

#endif
