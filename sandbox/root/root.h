#ifndef SANDBOX_ROOT_H
#define SANDBOX_ROOT_H
/*
 * The file system of a run, built from a plan's operations.
 *
 *     root_begin(&root, plan, n, e)   in a new mount namespace: its first n
 *     root_build(&root, plan, e)      all of it; of a template: but what
 *                                     each of its runs has anew
 *     root_enter(&root, e)            it becomes /, the host's goes away
 *     root_each_run(&root, e)         of a template: in a copy of it
 *     root_let_go(&root, e)           what that has kept of the host goes
 *     root_close_in(&root, e)         chroot: no user namespace can be made
 *
 * Sources and targets are opened without following links and mounted by
 * descriptor, so a name that changes meanwhile changes nothing.
 */
#include <stdbool.h>

#include "base/err.h"
#include "sandbox/plan.h"

/* Where a template keeps the host's /proc, outside of what a run sees. */
#define ROOT_HOST_PROC "/p"

/* What could not be done and was not required. */
#define ROOT_NOTES_MAX 16
#define ROOT_NEAR_MAX 512

/* The folder that was opened last: the next name is often in it, too. */
struct root_near {
	char path[ROOT_NEAR_MAX];
	int fd; /* -1: it is not there */
	bool known;
};

struct root {
	const struct plan *plan;
	int base; /* the mount that becomes / : r, t, and what hides */
	int dir; /* base/r : what a run sees as / */
	int idmap; /* user namespace that maps owners, or -1 */
	int proc; /* the host's, for user namespaces; or -1 */
	int layer; /* what an overlay's run has written, or -1; not freed */
	size_t done; /* operations of the plan, in root_begin */
	bool fresh; /* of one run: no template, all in one phase */
	bool each_run; /* second phase, or an operation of that */
	struct root_near inside, host;
	const char *notes[ROOT_NOTES_MAX];
	size_t note_count;
};

#define ROOT_INIT                                                              \
	{                                                                      \
		.base = -1, .dir = -1, .idmap = -1, .proc = -1, .layer = -1,   \
		.inside = { .fd = -1 }, .host = {                              \
			.fd = -1                                               \
		}                                                              \
	}

/* The plan is borrowed until root_build gets one that begins like it; or not
 * at all, when that does it all. */
int root_begin(
    struct root *r, const struct plan *p, size_t op_count, struct err *e);
int root_build(struct root *r, const struct plan *p, struct err *e);
int root_enter(struct root *r, struct err *e);
int root_each_run(struct root *r, struct err *e);
int root_let_go(struct root *r, struct err *e);
int root_close_in(struct root *r, struct err *e);
void root_free(struct root *r);

/* Where no root is made: files are as the plan says, none is covered. */
int root_check_pins(const struct plan *p, struct err *e);

#endif
