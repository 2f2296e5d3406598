#ifndef SANDBOX_RUN_H
#define SANDBOX_RUN_H
/*
 * Start a run with everything fresh, seen from outside.
 *
 *     r = run_start(plan, stdio, &run, e);
 *     ... ctl_receive(run.ctl), until run.pidfd is readable
 *     run_done(&run);
 */
#include "base/err.h"
#include "sandbox/plan.h"

struct run {
	pid_t pid;
	int pidfd;
	int ctl;
};

/* stdio: what the command gets as 0, 1, 2; borrowed. tty: the terminal among
 * them or -1. */
int run_start(const struct plan *p, const int stdio[3], int tty,
    struct run *ret, struct err *e);
/* Kills what is left and reaps; nothing of the run is alive afterwards. */
void run_done(struct run *r);

#endif
