#ifndef SANDBOX_CTL_H
#define SANDBOX_CTL_H
/*
 * What the first process of a run and whoever started it say to each other,
 * one record a message on a SOCK_SEQPACKET pair.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define CTL_BYTES_MAX 12288
#define CTL_VIOLATIONS_MAX 32

enum ctl_type {
	CTL_INVALID,
	CTL_FAILED, /* the run could not be set up; code, text */
	CTL_STARTED, /* not of a run that ends at once */
	CTL_TERMINAL, /* with the run's terminal, before it starts */
	CTL_ENDED,
	CTL_LISTENER, /* see net_listen.h */
	CTL_SIGNAL, /* to the run: code is the signal */
	CTL_KILL, /* to the run: everything ends, the report comes */
	CTL_COMMAND, /* from the process that becomes the command: see pid */
};

enum ctl_flags {
	CTL_TIMED_OUT = 1,
	CTL_MEMORY = 2, /* killed for its memory */
	CTL_DISK = 4, /* killed for its disk use */
	CTL_NOT_FOUND = 8, /* the command could not be executed; text */
	CTL_NO_TRACES = 16, /* its namespaces are as they were */
	CTL_OUTPUT = 32, /* killed for what it wrote; its starter's own word */
	CTL_CROWDED = 64, /* it had as many processes as it may */
	CTL_TMP_FULL = 128, /* /tmp and what else is the run's own */
	CTL_AS_NEW = 256, /* its first process, too: it waits for another run */
};

struct ctl {
	enum ctl_type type;
	int32_t code; /* error code, wait status or signal */
	pid_t pid; /* received: who sent it, as its receiver counts processes */
	uint32_t flags;
	uint64_t violation_total;
	size_t violation_count;
	const char *violations[CTL_VIOLATIONS_MAX];
	const char *text;
	bool has_fd;
	int fd; /* with has_fd: an overlay's layer, a terminal, a
		 * listener; the receiver's to close */
};

/* Ours and the run's; of what comes to ours the kernel tells who sent it. */
int ctl_pair(int *ret_ours, int *ret_theirs, struct err *e);
/* Leaves out what is NULL, or one too many; text is borrowed. */
void ctl_add_violation(struct ctl *m, const char *text);
/* 0, or a negative error code. Never blocks for long: messages are few. */
int ctl_send(int fd, const struct ctl *m);
/* 1 when a message came (strings live in the arena), 0 at the end of the
 * link, negative on errors. */
int ctl_receive(int fd, struct arena *a, struct ctl *ret, struct err *e);

#endif
