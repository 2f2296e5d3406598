#ifndef BASE_CONFINE_H
#define BASE_CONFINE_H
/*
 * Give up what a role does not need, and report what is enforced (I10).
 *
 *     struct confine_report report;
 *     r = confine(&(struct confine_options){ .role = "front",
 *         .syscalls = front_syscalls, .syscall_count = N,
 *         .paths = paths, .path_count = 1 }, &report, e);
 *
 * Order: not dumpable, no_new_privs, capabilities, Landlock, seccomp. What
 * the kernel lacks is a fact in the report, never a silent success; a
 * configuration's require: list decides whether the role may go on. An
 * error is what the kernel has but refused.
 *
 * A system call that is not listed fails with EPERM; one that only an
 * intruder would make (execve, ptrace, mount, socket, ...) kills the process,
 * unless it is listed. Memory can be writable or executable, not both.
 */
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"

enum confine_access {
	CONFINE_READ = 1,
	CONFINE_WRITE = 2, /* create, write, rename, delete below it */
};

struct confine_path {
	const char *path; /* one that is not there stays out of reach */
	unsigned access;
};

struct confine_options {
	const char *role;
	/* Numbers (SYS_*) beyond those that base/ itself needs: memory, time,
	 * the loop, links, reading and writing of open descriptors. */
	const int *syscalls;
	size_t syscall_count;
	const struct confine_path *paths; /* everything else is out of reach */
	size_t path_count;
	bool allow_connect; /* else Landlock denies TCP connect and bind */
	bool threads; /* may start threads (a resolver's), no processes */
};

/* What is in force in this process. */
struct confine_report {
	bool no_new_privs, not_dumpable, caps_dropped, seccomp;
	int landlock_abi; /* 0: not enforced */
	bool landlock_net, landlock_scope;
	/* A sanitizer's build: unlisted system calls are permitted, /proc can
	 * be read, and the process stays dumpable, so that leaks are found. */
	bool relaxed;
};

/* The first step alone, for the time until a role is confined. */
void confine_forbid_dumps(void);
int confine(
    const struct confine_options *o, struct confine_report *ret, struct err *e);
/* As a record, for the message in which a role reports to the supervisor. */
void confine_report_put(struct buf *b, const struct confine_report *r);
int confine_report_get(struct rec *r, struct confine_report *ret);
void confine_report_json(struct buf *out, const struct confine_report *r);
/*
 * Is a feature of a require: list in force: landlock (min: its ABI), seccomp,
 * no_new_privs, capabilities, not_dumpable? -1 for a feature that is not one
 * of a role.
 */
int confine_report_has(
    const struct confine_report *r, const char *feature, unsigned long min);

#endif
