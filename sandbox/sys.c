/*
 * Thin wrappers of system calls.
 * Runs in: assent-exec.  Trusts: its callers.  Owns: nothing.
 */
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int
sys_openat2(int dirfd, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = resolve,
	};

	return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
}

int
sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

int
sys_pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int
sys_pidfd_getfd(int pidfd, int fd)
{
	return (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
}

int
sys_pidfd_kill(int pidfd, int signo)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0);
}

int
sys_close_range(int first, int last)
{
	return (int)syscall(
	    SYS_close_range, (unsigned)first, (unsigned)last, 0);
}

int
sys_close_from(int first)
{
	return (int)syscall(SYS_close_range, (unsigned)first, ~0U, 0);
}

int
sys_seccomp(unsigned op, unsigned flags, void *args)
{
	return (int)syscall(SYS_seccomp, op, flags, args);
}

int
sys_landlock_abi(void)
{
	const long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

int
sys_landlock_create(const struct sys_landlock_ruleset *r, size_t size)
{
	return (int)syscall(SYS_landlock_create_ruleset, r, size, 0U);
}

int
sys_landlock_add_path(int ruleset, int fd, uint64_t access)
{
	const struct landlock_path_beneath_attr rule = {
		.allowed_access = access,
		.parent_fd = fd,
	};

	return (int)syscall(SYS_landlock_add_rule, ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0U);
}

int
sys_landlock_restrict(int ruleset, unsigned flags)
{
	return (int)syscall(SYS_landlock_restrict_self, ruleset, flags);
}

void *
sys_map(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

pid_t
sys_fork(unsigned long flags, int *ret_pidfd)
{
	unsigned long all = flags | SIGCHLD;

	if (ret_pidfd != NULL)
		all |= CLONE_PIDFD;
	return (pid_t)syscall(SYS_clone, all, NULL, ret_pidfd, NULL, NULL);
}
