#ifndef SANDBOX_GATE_H
#define SANDBOX_GATE_H
/*
 * The gate: the supervisor of a run's names and writes.
 *
 * The run's Landlock domain has no right to make, rename or write anything in
 * the workspace. Calls that would are held by seccomp and come here, to the
 * first process of the run, which resolves the path once, asks guard.h,
 * and does the deed itself: the file that is judged is the file that is
 * opened. "Go on by yourself" is a safe answer to everything else, for then
 * the domain decides.
 *
 *     gate_open(&gate, plan, listener, e)
 *     gate_serve(&gate)        when the listener is readable
 */
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"
#include "gate/guard.h"
#include "init/memory.h"
#include "sandbox/plan.h"

#define GATE_VIOLATIONS_MAX 32
#define GATE_VIOLATION_BYTES 256
#define GATE_OWN_MAX 4096
#define GATE_ROOTS_MAX 34
#define GATE_WORKERS_MAX 64
#define GATE_ALSO_MAX 64

struct gate_root {
	const char *path;
	size_t len;
	bool guarded; /* names are judged */
};

struct gate_id {
	dev_t dev;
	ino_t ino;
};

struct gate {
	int listener;
	struct guard guard;
	bool learned; /* where protected names lead */
	bool obeys; /* the repository has git obey files of the workspace */
	char *also[GATE_ALSO_MAX]; /* owned; see guard.h */
	size_t also_count;
	struct gate_root roots[GATE_ROOTS_MAX];
	size_t root_count;
	dev_t tmp_dev; /* the run's own /tmp */
	size_t own_count;
	uint64_t files_left, bytes_left;
	unsigned workers;
	/* Without namespaces; else both are NULL. Borrowed. */
	const struct plan *plan;
	const char *private; /* the run's own temporary folder */
	struct memory *memory; /* NULL: a control group counts; borrowed */
	bool strict; /* what the filter does not list comes here */
	bool offline; /* nothing but its own loopback can be reached */
	bool traces; /* the run may have left some in its namespaces */
	bool asked; /* for more than to open what shells open each time */
	size_t violation_count, violation_total;
	struct seccomp_notif_sizes sizes;
	struct seccomp_notif *req; /* owned */
	struct seccomp_notif_resp *resp; /* owned */
	/* Last what few runs touch. Sockets and hard links that this one made;
	 * what it was denied. */
	struct gate_id own[GATE_OWN_MAX];
	char violations[GATE_VIOLATIONS_MAX][GATE_VIOLATION_BYTES];
};

/* Which names are judged; all that edits need. */
void gate_init(struct gate *g, const struct plan *p);
/* Where protected names lead now; the first call of a run does it, too. */
void gate_learn(struct gate *g);
/* Before gate_open: there are no mounts, so names are held here. */
void gate_bare(struct gate *g, const struct plan *p, const char *private);
/* listener is taken. The gate is large: it is not put on a stack. */
int gate_open(
    struct gate *g, const struct plan *p, int listener, struct err *e);
void gate_close(struct gate *g);
/* Answers one call. False when there is nobody left to ask. */
bool gate_serve(struct gate *g);
/* A child of the gate ended. */
void gate_worker_ended(struct gate *g);

#endif
