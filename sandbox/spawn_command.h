#ifndef SANDBOX_SPAWN_COMMAND_H
#define SANDBOX_SPAWN_COMMAND_H
/* Start the command itself: the last steps before exec, in its own process. */
#include <stdbool.h>
#include <sys/types.h>

#include "bpf.h"
#include "sandbox/plan.h"

struct command_spawn {
	const struct plan *plan;
	const struct bpf_program *filter;
	bool supervised;
	int domain; /* Landlock ruleset or -1 */
	int stdio[3];
	int tty; /* the same terminal as stdio, or -1 */
	/* Results. */
	int listener; /* when supervised and started */
	int error; /* errno, 0 when it runs */
	const char *step; /* what failed */
};

/* The process, or -1 with error and step set. Ends when exec has happened. */
pid_t command_spawn(struct command_spawn *c);

#endif
