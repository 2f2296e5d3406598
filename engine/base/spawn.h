#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H
/*
 * Start a program: the one place outside sandbox/ that forks and execs.
 *
 *     struct spawn_fd fds[] = { { .fd = sock, .as = 3 } };
 *     r = spawn(&(struct spawn_options){ .path = path, .argv = argv,
 *         .fds = fds, .fd_count = 1 }, &pid, &pidfd, e);
 *
 * The child has exactly the named descriptors (0-2 as given or /dev/null),
 * the given environment, default signals, a session of its own (so that a
 * terminal's Ctrl-C reaches only the supervisor; or ours, keep_session), and
 * dies with its parent.
 * A failure up to and including exec is the caller's error, not a dead child.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "err.h"

#define SPAWN_FDS_MAX 16

struct spawn_fd {
	int fd; /* borrowed */
	int as; /* number in the child, below SPAWN_FDS_MAX */
};

struct spawn_options {
	const char *path; /* executed; absolute; or NULL and path_fd */
	int path_fd;
	char *const *argv;
	char *const *envp; /* NULL: empty */
	const struct spawn_fd *fds;
	size_t fd_count;
	bool keep_session; /* a person works with it on our terminal */
	bool set_umask; /* else ours */
	mode_t umask;
	bool set_user; /* no supplementary groups, setresgid, setresuid */
	uid_t uid;
	gid_t gid;
};

int spawn(const struct spawn_options *o, pid_t *ret_pid, int *ret_pidfd,
    struct err *e);
/* Whether a child of ours can have the namespaces of a sandbox without a
 * user namespace (root's runs): one tries, and ends. ERR_SYS says why not. */
int spawn_namespaces_check(struct err *e);
/*
 * After the pidfd became readable: reaps, and says how it ended ("exit 3",
 * "signal 9 (Killed)"). *ret_exit is its exit status, or minus the signal
 * that ended it.
 */
int spawn_reap(
    int pidfd, int *ret_exit, char *ret_how, size_t how_size, struct err *e);

#endif
