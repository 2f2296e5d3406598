/*
 * fork, take away everything that was not asked for, exec.
 * Runs in: supervisor.  Trusts: its caller.  Owns: nothing after it returns.
 */
#include "spawn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the child keeps what it still needs until exec. */
#define REPORT_FD SPAWN_FDS_MAX
#define PROGRAM_FD (SPAWN_FDS_MAX + 1)
#define FIRST_SPARE_FD (SPAWN_FDS_MAX + 2)

enum step {
	STEP_FDS = 1,
	STEP_SIGNALS,
	STEP_SESSION,
	STEP_USER,
	STEP_PARENT,
	STEP_EXEC,
};

static const char *const step_names[] = {
	[STEP_FDS] = "arrange descriptors",
	[STEP_SIGNALS] = "reset signals",
	[STEP_SESSION] = "start a session",
	[STEP_USER] = "change to its user",
	[STEP_PARENT] = "bind its life to ours",
	[STEP_EXEC] = "execute it",
};

struct failure {
	int step, error;
};

/* ---- in the child: async-signal-safe calls only ------------------------ */

/* Out of the way first, so that no target overwrites a source. */
static int
lift_fds(const struct spawn_options *o, int report, int ret_lifted[])
{
	const int program = o->path == NULL ? o->path_fd : -1;

	for (size_t i = 0; i < o->fd_count; i++) {
		ret_lifted[i] =
		    fcntl(o->fds[i].fd, F_DUPFD_CLOEXEC, FIRST_SPARE_FD);
		if (ret_lifted[i] < 0)
			return -1;
	}
	/* These two are sources as well: lift before they are placed. */
	report = fcntl(report, F_DUPFD_CLOEXEC, FIRST_SPARE_FD);
	if (report < 0)
		return -1;
	if (program >= 0 && dup3(program, PROGRAM_FD, O_CLOEXEC) < 0 &&
	    errno != EINVAL)
		return -1;
	return dup3(report, REPORT_FD, O_CLOEXEC);
}

static int
place_fds(const struct spawn_options *o, const int lifted[])
{
	bool wanted[SPAWN_FDS_MAX] = { false };

	for (size_t i = 0; i < o->fd_count; i++) {
		/* dup2 drops close-on-exec, as wanted here. */
		if (dup2(lifted[i], o->fds[i].as) < 0)
			return -1;
		wanted[o->fds[i].as] = true;
	}
	for (int fd = 0; fd < SPAWN_FDS_MAX; fd++) {
		if (!wanted[fd])
			(void)close(fd);
	}
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		/* The lowest free number is fd. */
		if (!wanted[fd] && open("/dev/null", O_RDWR) != fd)
			return -1;
	}
	if (o->path != NULL)
		(void)close(PROGRAM_FD);
	return close_range(FIRST_SPARE_FD, ~0u, 0);
}

static int
reset_signals(void)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	sigset_t none;

	/* Some numbers are refused (KILL, STOP, libc's own): as they are. */
	for (int signo = 1; signo < NSIG; signo++)
		(void)sigaction(signo, &by_default, NULL);
	(void)sigemptyset(&none);
	return pthread_sigmask(SIG_SETMASK, &none, NULL);
}

static int
change_user(const struct spawn_options *o)
{
	uid_t r, e, s;

	if (!o->set_user)
		return 0;
	/* A plain user cannot drop groups and may only stay himself. */
	if (geteuid() == 0 && setgroups(0, NULL) != 0)
		return -1;
	if (setresgid(o->gid, o->gid, o->gid) != 0 ||
	    setresuid(o->uid, o->uid, o->uid) != 0)
		return -1;
	if (getresuid(&r, &e, &s) != 0 || r != o->uid || e != o->uid ||
	    s != o->uid) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

/* After the change of user, which clears it. */
static int
die_with_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return -1;
	if (getppid() != parent) {
		errno = ESRCH; /* it was gone before we asked */
		return -1;
	}
	return 0;
}

static void __attribute__((noreturn)) fail(int report, int step)
{
	const struct failure f = { .step = step, .error = errno };

	(void)!write(report, &f, sizeof(f));
	_exit(127);
}

static void __attribute__((noreturn))
run_child(const struct spawn_options *o, int report, pid_t parent)
{
	static char *const no_env[] = { NULL };
	char *const *envp = o->envp == NULL ? no_env : o->envp;
	int lifted[SPAWN_FDS_MAX];

	if (lift_fds(o, report, lifted) < 0)
		fail(report, STEP_FDS);
	if (place_fds(o, lifted) != 0)
		fail(REPORT_FD, STEP_FDS);
	if (reset_signals() != 0)
		fail(REPORT_FD, STEP_SIGNALS);
	if (o->set_umask)
		(void)umask(o->umask);
	if (!o->keep_session && setsid() < 0)
		fail(REPORT_FD, STEP_SESSION);
	if (change_user(o) != 0)
		fail(REPORT_FD, STEP_USER);
	if (die_with_parent(parent) != 0)
		fail(REPORT_FD, STEP_PARENT);
	if (o->path != NULL)
		(void)execve(o->path, o->argv, envp);
	else
		(void)fexecve(PROGRAM_FD, o->argv, envp);
	fail(REPORT_FD, STEP_EXEC);
}

/* ---- in the parent ----------------------------------------------------- */

static int
explain(const struct spawn_options *o, const struct failure *f, struct err *e)
{
	const bool known = f->step >= STEP_FDS && f->step <= STEP_EXEC;

	errno = f->error;
	return err_sys(e, "cannot start '%s': cannot %s", o->argv[0],
	    known ? step_names[f->step] : "start");
}

/* Waits until the child has executed its program or said why not. */
static int
await_exec(const struct spawn_options *o, int report, pid_t pid, struct err *e)
{
	struct failure f;
	ssize_t n;

	do {
		n = read(report, &f, sizeof(f));
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return ERR_OK;
	(void)waitpid(pid, NULL, 0);
	if (n == (ssize_t)sizeof(f))
		return explain(o, &f, e);
	return err_set(
	    e, ERR_INTERNAL, "cannot start '%s': it broke off", o->argv[0]);
}

int
spawn(const struct spawn_options *o, pid_t *ret_pid, int *ret_pidfd,
    struct err *e)
{
	AUTO_FD int report = -1;
	AUTO_FD int theirs = -1;
	AUTO_FD int pidfd = -1;
	const pid_t parent = getpid();
	int ends[2];
	pid_t pid;
	int r;

	assert(o->fd_count <= SPAWN_FDS_MAX && o->argv[0] != NULL);
	for (size_t i = 0; i < o->fd_count; i++)
		assert(o->fds[i].as >= 0 && o->fds[i].as < SPAWN_FDS_MAX);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(e, "cannot create a pipe");
	report = ends[0];
	theirs = ends[1];
	pid = fork();
	if (pid < 0)
		return err_sys(e, "cannot fork for '%s'", o->argv[0]);
	if (pid == 0)
		run_child(o, theirs, parent);
	fd_closep(&theirs);
	/* Not reaped yet, so the number is still this child's. */
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0) {
		r = err_sys(e, "cannot watch '%s'", o->argv[0]);
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return r;
	}
	r = await_exec(o, report, pid, e);
	if (r != 0)
		return r;
	*ret_pid = pid;
	*ret_pidfd = TAKE_FD(pidfd);
	return ERR_OK;
}

int
spawn_namespaces_check(struct err *e)
{
	const unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
	    CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
	const pid_t pid =
	    (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid < 0)
		return err_sys(e, "this user may make no namespaces here");
	if (pid == 0)
		_exit(0);
	(void)waitpid(pid, NULL, 0);
	return ERR_OK;
}

int
spawn_reap(
    int pidfd, int *ret_exit, char *ret_how, size_t how_size, struct err *e)
{
	siginfo_t info = { .si_pid = 0 };
	const char *name;

	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) != 0)
		return err_sys(e, "cannot reap a process");
	name = sigdescr_np(info.si_status);
	if (info.si_code == CLD_EXITED) {
		*ret_exit = info.si_status;
		(void)snprintf(ret_how, how_size, "exit %d", info.si_status);
	} else {
		*ret_exit = -info.si_status;
		(void)snprintf(ret_how, how_size, "signal %d (%s)",
		    info.si_status, name == NULL ? "?" : name);
	}
	return ERR_OK;
}
