#ifndef SANDBOX_INIT_INT_H
#define SANDBOX_INIT_INT_H
/* What the files of a run's first process share. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/bare.h"
#include "gate/bpf.h"
#include "gate/gate.h"
#include "init/again.h"
#include "init/init.h"
#include "start/job.h"
#include "init/begun.h"
#include "init/net_apart.h"
#include "init/net_listen.h"
#include "root/root.h"
#include "init/spawn_command.h"
#include "init/watch.h"

/* In the order of use: of a large part that a run does not touch no page is
 * made for it. */
struct init {
	struct job *job;
	pid_t command;
	int received; /* whether there is a job: 0, or an error and why */
	pid_t joining; /* enters the control group for us, or 0 */
	int signals; /* signalfd */
	int64_t deadline_ms;
	uint32_t flags;
	bool supervised, ended, killing;
	bool started; /* and that has been told */
	bool not_joined; /* there was a group, and it could not be entered */
	bool alone; /* no other process of the run is left */
	bool others; /* it had more than its command */
	bool told; /* its launcher said something */
	bool as_new; /* it can serve another run */
	int status;
	const struct plan *template; /* what the job began with */
	struct arena *arena; /* of the job's plan */
	int domain; /* Landlock ruleset of all its runs; -1: none */
	bool has_domain;
	struct memory *memory; /* where no control group bounds it */
	struct command_spawn spawn;
	struct watch watch;
	struct net_listen net;
	struct net_apart apart; /* fresh alone */
	struct root root;
	struct gate gate;
	struct bare bare; /* without namespaces */
	struct again again;
	struct err why;
	char text[512];
	struct bpf_program filter;
	size_t record_len;
	char record[JOB_BYTES_MAX]; /* of the job */
};

/* A terminal for the command, which is told of. */
int init_terminal(struct job *j, struct err *e);
/* The command's input, output and values. */
void init_connect(struct init *in);
/* Nothing is left to do before the command: its first call that has to be
 * answered waits until this process is there. */
bool init_is_at_once(const struct init *in);
/* After all others have ended: sets as_new. */
void init_judge(struct init *in);
/* Prepared, and told of its end: waits. False: there is nothing more to do. */
bool init_begins_again(struct init *in);
/* After init_judge. */
void init_report(struct init *in);

#endif
