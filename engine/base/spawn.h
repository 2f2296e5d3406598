#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H
/*
 * Start a program: the one place outside sandbox/ that forks and execs.
 *
 *     struct spawn_fd fds[] = { { .fd = sock, .as = 3 } };
 *     r = spawn(&(struct spawn_options){ .path_fd = self, .argv = argv,
 *         .fds = fds, .fd_count = 1, .uid = uid, .gid = gid },
 *         &pid, &pidfd, e);
 *
 * The child has exactly the named descriptors (0-2 as given or /dev/null),
 * the given environment, default signals, and dies with its parent.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "err.h"

struct spawn_fd {
	int fd; /* borrowed */
	int as; /* number in the child */
};

struct spawn_options {
	const char *path; /* executed; absolute */
	char *const *argv;
	char *const *envp; /* NULL: empty */
	const struct spawn_fd *fds;
	size_t fd_count;
	bool set_user; /* setgroups(0), setresgid, setresuid */
	uid_t uid;
	gid_t gid;
};

int spawn(const struct spawn_options *o, pid_t *ret_pid, int *ret_pidfd,
    struct err *e);

#endif
