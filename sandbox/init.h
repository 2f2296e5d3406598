#ifndef SANDBOX_INIT_H
#define SANDBOX_INIT_H
/*
 * The first process of a run: builds what each run has anew, gives up every
 * right, starts the command, reaps, guards (gate.h) and watches limits.
 */
#include <stdbool.h>

#include "sandbox/plan.h"

struct job {
	const struct plan *plan;
	int stdio[3]; /* for the command */
	int tty; /* the terminal among them, or -1 */
	int ctl; /* to whoever started us */
	int idmap; /* or -1 */
	int userns; /* that counts this run's processes apart, or -1 */
	bool fresh; /* no template: everything is made here */
	/* Prepared: what the record of a job must begin with. */
	struct str frame;
};

/* Prepared (not fresh): waits for its job (job.h) with nothing left to give
 * up; the plan here is the template's. */
_Noreturn void init_main(struct job *j);

#endif
