#ifndef SANDBOX_TEMPLATE_H
#define SANDBOX_TEMPLATE_H
/*
 * A process in prepared namespaces that clones the first processes of runs:
 * the mounts of a plan are made once, and each run gets a copy of them and
 * everything private anew.
 *
 *     template_start(plan, frame, &t, e)       builds, in its own process
 *     template_ready(&t, timeout_ms, e)        waits until it has
 *     template_order(&t, &with, &ctl, e)       asks for a run's first process
 *     template_collect(&t, ctl, &run, &net, e) here it is: waits for a job on
 *                                              run.ctl; in order
 *
 * A clone is used once and never returns to anything. It is a child of the
 * launcher, not of the template, and lives on when the template ends.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "start/run.h"

#define TEMPLATE_NETS_MAX 32

struct tmpl {
	struct run process; /* ctl is the link to it */
};

/* controls: what its runs' control groups will limit. frame: what every job's record begins with (plan_template_key). Both are
 * borrowed for the call. */
int template_start(const struct plan *p, struct str frame, unsigned controls,
    struct identity_maps *maps, struct tmpl *ret, struct err *e);
/* ERR_LIMIT: not ready after that time. */
int template_ready(struct tmpl *t, int timeout_ms, struct err *e);
/* What a run gets; all borrowed. */
struct template_with {
	int stdio[3]; /* what its command has as 0, 1, 2 */
	int userns; /* see struct job */
	const struct cgroup *group;
};

/* After an error of these two the template is of no use any more. *ret is the
 * end of the new link. */
int template_order(
    struct tmpl *t, const struct template_with *with, int *ret, struct err *e);
/* Waits for the answer to the oldest order; takes ctl, also on failure. */
int template_collect(
    struct tmpl *t, int ctl, struct run *ret, int *ret_net, struct err *e);
/* When nothing of the run is alive. clean: it never had a socket. */
void template_return_net(struct tmpl *t, int net, bool clean);
void template_done(struct tmpl *t);

#endif
