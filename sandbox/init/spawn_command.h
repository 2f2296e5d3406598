#ifndef SANDBOX_SPAWN_COMMAND_H
#define SANDBOX_SPAWN_COMMAND_H
/*
 * Start the command itself, in its own process and two steps.
 *
 *     pid = command_prepare(&c);      filter, domain, limits
 *     c.plan = ...; c.stdio[0] = ...
 *     command_go(&c);                 input, output, folder, exec
 *
 * With c.at_once it is executed as soon as it is prepared. With c.receive the
 * child fetches what it executes itself, in command_go.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "gate/bpf.h"
#include "sandbox/plan.h"

/* In the child: waits for what is to be executed, and sets plan. Its caller,
 * whose memory it shares, waits meanwhile. False: the child ends. */
typedef bool command_receive_fn(void *ctx);

struct command_spawn {
	const struct plan *plan; /* may change until command_go */
	/* command_go is not waited for: all below is set already. */
	bool at_once;
	command_receive_fn *receive; /* or NULL */
	void *ctx; /* for it */
	const struct bpf_program *filter;
	bool supervised;
	bool bare; /* dies with its parent by itself */
	bool counted; /* a control group limits how many processes there are */
	int domain; /* Landlock ruleset or -1 */
	int ctl; /* where it says that it is the command */
	int stdio[3]; /* until command_go */
	int tty; /* the same terminal as stdio, or -1 */
	const int *values; /* stay open in it, under the same numbers */
	size_t value_count;
	/* Results. */
	int listener; /* when supervised and prepared */
	int error; /* errno, 0 when it runs */
	const char *step; /* what failed */
	/* Private: words that the two processes wait on. */
	int prepared, go, alive;
	char *stack;
};

/*
 * A process with everything given up that need not know the command. It is
 * not executed before command_go. The process, or -1 with error and step set.
 * The struct is shared with it until it has executed something or ended.
 */
pid_t command_prepare(struct command_spawn *c);
/* Returns when the command has been executed, or with error and step set, or
 * when receive said no. */
void command_go(struct command_spawn *c);
/* Instead: the process ends. */
void command_end(struct command_spawn *c);

#endif
