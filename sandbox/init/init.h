#ifndef SANDBOX_INIT_H
#define SANDBOX_INIT_H
/*
 * The first process of a run: builds what each run has anew, gives up every
 * right, starts the command, reaps, guards (gate.h) and watches limits.
 */
#include <stdbool.h>

#include "base/cgroup.h"
#include "gate/bpf.h"
#include "sandbox/plan.h"

struct begun;

struct job {
	const struct plan *plan;
	int stdio[3]; /* for the command */
	int tty; /* the terminal among them, or -1 */
	int ctl; /* to whoever started us */
	int idmap; /* or -1 */
	/* For this run alone, as they were made; or -1. */
	int netns, ipcns;
	int userns; /* that counts this run's processes apart, or -1 */
	/* Its control group: to be entered first; see base/cgroup.h. */
	int join[CGROUP_PLACES_MAX]; /* -1 from join_count on */
	size_t join_count;
	int group_events; /* or -1 */
	/* Handed to the command, from PLAN_VALUE_FD on. */
	int values[CREDENTIAL_VALUES_MAX];
	size_t value_count;
	unsigned controls; /* what the group limits */
	bool bare; /* no namespaces: see bare.h */
	bool fresh; /* no template: everything is made here */
	bool net_apart; /* the network, too: see net_apart.h */
	struct begun *begun; /* made ahead, with signals and, but for
			      * net_apart, the network; or NULL */
	/* Prepared: what the record of a job must begin with. */
	struct str frame;
	const struct bpf_program *filter; /* NULL: to be built */
	/* What the template could not do and was not required. */
	const char *const *notes;
	size_t note_count;
};

/* What the job has of a group; the descriptors are the group's. */
void init_take_group(struct job *j, const struct cgroup *g);
/* The system call filter of a run of this plan. */
int init_filter(const struct plan *p, bool lent, unsigned controls,
    struct bpf_program *ret, struct err *e);
/* signals: Landlock does not hold them. */
int init_filter_bare(const struct plan *p, bool signals, unsigned controls,
    struct bpf_program *ret, struct err *e);
/* Every signal does what it does by default. */
void init_signals(void);
/* Prepared (not fresh): waits for its job (job.h) with nothing left to give
 * up; the plan here is the template's. */
_Noreturn void init_main(struct job *j);

#endif
