#ifndef SANDBOX_RUN_H
#define SANDBOX_RUN_H
/*
 * Start a run with everything fresh, seen from outside.
 *
 *     r = run_start(plan, &with, &run, e);
 *     ... ctl_receive(run.ctl), until run.pidfd is readable
 *     run_done(&run);
 */
#include <stdbool.h>

#include "base/cgroup.h"
#include "base/err.h"
#include "base/str.h"
#include "sandbox/plan.h"

struct blank;
struct identity_maps;

struct run {
	pid_t pid;
	int pidfd;
	int ctl;
	struct cgroup group; /* goes with it */
	struct cgroup_places *groups; /* where that is; borrowed */
};

struct run_with {
	int stdio[3]; /* what the command gets as 0, 1, 2; borrowed */
	int tty; /* the terminal among them, or -1 */
	int userns; /* that counts its processes apart, or -1; borrowed */
	const int *values; /* that it is handed; borrowed */
	size_t value_count;
	struct cgroup_places *groups; /* or NULL; kept until run_done */
	struct identity_maps *maps; /* or NULL */
	struct blank *blank; /* to be taken, with the plan's record; or NULL */
	struct str record;
};

/* Takes as many open files as may be had; says so when they are too few. */
int run_raise_files(struct err *e);
int run_start(const struct plan *p, const struct run_with *with,
    struct run *ret, struct err *e);
/* A control group with the plan's limits, where there can be one. */
int run_make_group(const struct plan *p, struct cgroup_places *groups,
    struct cgroup *ret, struct err *e);
/* For the command and for us; ours do not block. All are closed and -1 on
 * failure. */
int run_open_pipes(
    int ret_theirs[static 3], int ret_ours[static 3], struct err *e);
/* Lets the run's user open its pipes again by name. */
void run_give_pipes(const struct plan *p, const int stdio[3]);
struct job;
/* What clone makes for a run; user: also a user namespace; net_apart: all but
 * the network. */
unsigned long run_namespaces(bool user, bool net_apart);
/* In a run's first process: nothing stays open but what the job names. */
void run_keep_only_own(struct job *j);
/* Kills what is left and reaps; nothing of the run is alive afterwards. */
void run_done(struct run *r);

#endif
