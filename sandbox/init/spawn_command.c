/*
 * From the first process of a run to the command: one clone that shares
 * memory and descriptors until exec, and waits for the word to go on.
 * Runs in: assent-exec, as the first process of a run.  Trusts: the plan.
 * Owns: nothing.
 */
#include "init/spawn_command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sanitizer/asan_interface.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "init/domain.h"
#include "gate/filter.h"
#include "start/ctl.h"
#include "sys.h"

#define STACK_BYTES ((size_t)64 * 1024)
#define SHELL "/bin/sh"
#define BEHIND_GROUP 4U /* times the limit of the group */

enum {
	PREPARED = 1,
	NOT_PREPARED,
};

enum {
	GO_WAIT,
	GO_EXECUTE,
	GO_END
};

static int
fail(struct command_spawn *c, const char *step)
{
	c->error = errno == 0 ? EINVAL : errno;
	c->step = step;
	return 127;
}

/* Nobody here may raise what the caller has: then that is the limit. */
static int
set_limit(int what, uint64_t value)
{
	struct rlimit limit = {
		.rlim_cur = (rlim_t)value,
		.rlim_max = (rlim_t)value,
	};

	if (setrlimit((__rlimit_resource_t)what, &limit) == 0)
		return 0;
	if (errno != EPERM || getrlimit((__rlimit_resource_t)what, &limit) != 0)
		return -1;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit((__rlimit_resource_t)what, &limit);
}

/*
 * The kernel counts what one user has, also in other runs where that is not
 * apart. A control group counts this run's alone, and tells when there were too
 * many: it stands in front, and this behind it.
 */
static uint64_t
process_limit(const struct command_spawn *c)
{
	const uint64_t limit = c->plan->limits.processes;

	return c->counted ? BEHIND_GROUP * limit : limit;
}

static int
set_limits(const struct command_spawn *c)
{
	const struct plan_limits *l = &c->plan->limits;

	/* One byte, not none: then no program of the host gets a core either. */
	if (set_limit(RLIMIT_CORE, 1) != 0 ||
	    set_limit(RLIMIT_NOFILE, l->descriptors) != 0 ||
	    set_limit(RLIMIT_NPROC, process_limit(c)) != 0 ||
	    set_limit(RLIMIT_FSIZE, l->file_bytes) != 0 ||
	    set_limit(RLIMIT_RTPRIO, 0) != 0 ||
	    set_limit(RLIMIT_NICE, 0) != 0 ||
	    set_limit(RLIMIT_SIGPENDING, 4096) != 0 ||
	    set_limit(RLIMIT_MSGQUEUE, 819200) != 0 ||
	    set_limit(RLIMIT_MEMLOCK, (uint64_t)64 << 20) != 0)
		return -1;
	return 0;
}

static int
set_stdio(const struct command_spawn *c)
{
	for (int i = 0; i < 3; i++) {
		if (dup2(c->stdio[i], i) < 0)
			return -1;
	}
	if (c->tty >= 0 && ioctl(0, TIOCSCTTY, 0) != 0)
		return -1;
	for (size_t i = 0; i < c->value_count; i++) {
		if (fcntl(c->values[i], F_SETFD, 0) != 0)
			return -1;
	}
	return 0;
}

/* The dispositions are the defaults already (init.c). */
static void
unblock_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A text without "#!" is run by the shell, as shells do. */
static void
execute_text(const struct command_spawn *c, const char *path)
{
	const char **argv = c->plan->argv;
	const char *words[4] = { SHELL, path, NULL, NULL };

	if (c->plan->argc > 2)
		return; /* keep it simple: no copy of a long list here */
	words[2] = c->plan->argc == 2 ? argv[1] : NULL;
	(void)execve(SHELL, (char *const *)(uintptr_t)words,
	    (char *const *)(uintptr_t)c->plan->env);
	errno = ENOEXEC;
}

static void
execute_at(const struct command_spawn *c, const char *path)
{
	(void)execve(path, (char *const *)(uintptr_t)c->plan->argv,
	    (char *const *)(uintptr_t)c->plan->env);
	if (errno == ENOEXEC)
		execute_text(c, path);
}

static const char *
variable(const struct plan *p, const char *name)
{
	const size_t n = strlen(name);

	for (size_t i = 0; i < p->env_count; i++) {
		if (strncmp(p->env[i], name, n) == 0 && p->env[i][n] == '=')
			return p->env[i] + n + 1;
	}
	return NULL;
}

/* Returns only on failure; errno of the most telling attempt. */
static void
execute(const struct command_spawn *c)
{
	const char *name = c->plan->argv[0];
	const char *at = variable(c->plan, "PATH");
	int error = ENOENT;

	if (strchr(name, '/') != NULL || at == NULL) {
		execute_at(c, name);
		return;
	}
	while (*at != '\0') {
		const size_t n = strcspn(at, ":");
		char path[PATH_MAX];

		/* Relative entries would run what lies in the workspace. */
		if (at[0] == '/' &&
		    snprintf(path, sizeof(path), "%.*s/%s", (int)n, at, name) <
			(int)sizeof(path)) {
			execute_at(c, path);
			if (errno != ENOENT && errno != ENOTDIR)
				error = errno;
		}
		at += n;
		at += *at == ':';
	}
	errno = error;
}

static bool
is_alive(struct command_spawn *c)
{
	return __atomic_load_n(&c->alive, __ATOMIC_ACQUIRE) == 1;
}

/* Also ends when the child does; the kernel wakes those who wait on alive. */
static void
wait_while(struct command_spawn *c, int *word, int value)
{
	const struct timespec now_and_then = { .tv_nsec = 50000000 };

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value && is_alive(c))
		(void)syscall(SYS_futex, word, FUTEX_WAIT, value,
		    word == &c->alive ? NULL : &now_and_then, NULL, 0);
}

static void
tell(int *word, int value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	(void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* The kernel's records name the process that entered the domain. */
static void
say_who(const struct command_spawn *c)
{
	const struct ctl m = { .type = CTL_COMMAND };

	if (c->plan->records != PLAN_RECORDS_OFF)
		(void)ctl_send(c->ctl, &m);
}

/* What does not depend on the command. */
static int
give_up(struct command_spawn *c)
{
	errno = 0;
	(void)setsid();
	(void)umask(022);
	if (c->bare && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return fail(c, "tie it to its launcher");
	if (set_limits(c) != 0)
		return fail(c, "set resource limits");
	if (domain_enter(c->domain, c->plan->records != PLAN_RECORDS_OFF) != 0)
		return fail(c, "enter its Landlock domain");
	say_who(c);
	c->listener = filter_install(c->filter, c->supervised);
	if (c->listener < 0)
		return fail(c, "install the system call filter");
	return 0;
}

static bool
is_told(struct command_spawn *c)
{
	wait_while(c, &c->go, GO_WAIT);
	return __atomic_load_n(&c->go, __ATOMIC_ACQUIRE) == GO_EXECUTE &&
	    (c->receive == NULL || c->receive(c->ctx));
}

/*
 * Memory is shared with the first process of the run until exec, so that one
 * waits while this one acts, as after vfork.
 */
static int
child(void *ctx)
{
	struct command_spawn *c = ctx;
	const int r = give_up(c);

	tell(&c->prepared, r == 0 ? PREPARED : NOT_PREPARED);
	if (r != 0)
		return r;
	if (!is_told(c))
		return 0;
	errno = 0;
	if (set_stdio(c) != 0)
		return fail(c, "connect its input and output");
	if (chdir(c->plan->cwd) != 0)
		return fail(c, "enter the working folder");
	unblock_signals();
	execute(c);
	return fail(c, "execute it");
}

pid_t
command_prepare(struct command_spawn *c)
{
	pid_t pid;

	c->error = 0;
	c->listener = -1;
	c->prepared = 0;
	c->go = c->at_once ? GO_EXECUTE : GO_WAIT;
	c->alive = 1;
	c->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (c->stack == MAP_FAILED) {
		(void)fail(c, "get memory");
		return -1;
	}
	/* A child that executed left its calls there without a return: to a
	 * sanitizer what is mapped in that place again would still be theirs. */
	ASAN_UNPOISON_MEMORY_REGION(c->stack, STACK_BYTES);
	/* Descriptors are shared until exec, which is how the listener that
	 * the child makes reaches this process. The kernel clears the word
	 * when the child's use of this memory ends. */
	pid = clone(child, c->stack + STACK_BYTES,
	    CLONE_VM | CLONE_FILES | CLONE_CHILD_CLEARTID | SIGCHLD, c, NULL,
	    NULL, &c->alive);
	if (pid < 0)
		(void)fail(c, "start a process");
	else
		wait_while(c, &c->prepared, 0);
	if (pid >= 0 && c->error == 0 && c->prepared == 0) {
		errno = ECHILD;
		(void)fail(c,
		    "prepare the command's process, which was killed (a filter "
		    "that is in force here may do that)");
	}
	/* What fails later command_go tells. */
	return pid >= 0 && c->prepared == PREPARED ? pid : -1;
}

static void
end_with(struct command_spawn *c, int how)
{
	tell(&c->go, how);
	wait_while(c, &c->alive, 1);
	(void)munmap(c->stack, STACK_BYTES);
}

void
command_go(struct command_spawn *c)
{
	end_with(c, GO_EXECUTE);
}

void
command_end(struct command_spawn *c)
{
	end_with(c, GO_END);
}
