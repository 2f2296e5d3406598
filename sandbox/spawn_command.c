/*
 * From the first process of a run to the command: one clone that shares
 * memory and descriptors until exec.
 * Runs in: assent-exec, as the first process of a run.  Trusts: the plan.
 * Owns: nothing.
 */
#include "spawn_command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "domain.h"
#include "filter.h"
#include "sys.h"

#define STACK_BYTES ((size_t)64 * 1024)
#define SHELL "/bin/sh"

static int
fail(struct command_spawn *c, const char *step)
{
	c->error = errno == 0 ? EINVAL : errno;
	c->step = step;
	return 127;
}

static int
set_limit(int what, uint64_t value)
{
	struct rlimit now;
	rlim_t v = (rlim_t)value;

	if (getrlimit((__rlimit_resource_t)what, &now) != 0)
		return -1;
	/* Never more than the caller has. */
	if (now.rlim_max != RLIM_INFINITY && v > now.rlim_max)
		v = now.rlim_max;
	now.rlim_cur = now.rlim_max = v;
	return setrlimit((__rlimit_resource_t)what, &now);
}

static int
set_limits(const struct plan_limits *l)
{
	if (set_limit(RLIMIT_CORE, 0) != 0 ||
	    set_limit(RLIMIT_NOFILE, l->descriptors) != 0 ||
	    set_limit(RLIMIT_NPROC, l->processes) != 0 ||
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

static int
child(void *ctx)
{
	struct command_spawn *c = ctx;

	errno = 0;
	(void)setsid();
	if (set_stdio(c) != 0)
		return fail(c, "connect its input and output");
	unblock_signals();
	(void)umask(022);
	if (chdir(c->plan->cwd) != 0)
		return fail(c, "enter the working folder");
	if (set_limits(&c->plan->limits) != 0)
		return fail(c, "set resource limits");
	if (domain_enter(c->domain) != 0)
		return fail(c, "enter its Landlock domain");
	c->listener = filter_install(c->filter, c->supervised);
	if (c->listener < 0)
		return fail(c, "install the system call filter");
	execute(c);
	return fail(c, "execute it");
}

pid_t
command_spawn(struct command_spawn *c)
{
	char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pid_t pid;

	c->error = 0;
	c->listener = -1;
	if (stack == MAP_FAILED) {
		(void)fail(c, "get memory");
		return -1;
	}
	/* Descriptors are shared until exec, which is how the listener that
	 * the child makes reaches this process. */
	pid = clone(child, stack + STACK_BYTES,
	    CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, c);
	if (pid < 0)
		(void)fail(c, "start a process");
	(void)munmap(stack, STACK_BYTES);
	if (c->error != 0 && !c->supervised)
		c->listener = -1;
	return pid;
}
