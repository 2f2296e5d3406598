#ifndef SANDBOX_FILTER_H
#define SANDBOX_FILTER_H
/*
 * Which system calls a run may make: a deny-list whose entries look at
 * arguments where that is enough, and ask the supervisor (gate.h) where the
 * answer depends on a path.
 */
#include <stdbool.h>

#include "gate/bpf.h"

enum filter_flags {
	/* A supervisor answers; without one its calls are allowed where other
	 * walls hold, and denied where none does. */
	FILTER_SUPERVISED = 1,
	FILTER_READS = 2, /* it is asked about every file that is opened */
	FILTER_STRICT = 4, /* what is not listed is denied */
	/* The supervisor learns of sockets and of System V and POSIX objects
	 * that outlive processes. */
	FILTER_TRACES = 8,
	FILTER_BARE = 32, /* there are no namespaces and mounts */
	FILTER_SIGNALS = 64, /* bare, and nothing holds signals */
	FILTER_SHARES = 16, /* it is asked about shared mappings */
};

int filter_build(unsigned flags, struct bpf_program *ret);
/* True for calls that come to the supervisor to be judged. */
bool filter_asks(int nr);
/* True for calls that the supervisor learns of by FILTER_TRACES alone. */
bool filter_is_trace(int nr, bool strict);
/* The name of a call that the table denies, or NULL. */
const char *filter_denied_name(int nr);
/* The listener when supervised (CLOEXEC), else 0; -1 and errno. */
int filter_install(const struct bpf_program *p, bool supervised);

#endif
