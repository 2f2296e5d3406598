/*
 * Clone the first process of a run into new namespaces.
 * Runs in: assent-exec, on the host's side.  Trusts: the plan.
 * Owns: the run's process and link.
 */
#include "start/run.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "init/bare.h"
#include "start/blank.h"
#include "start/ctl.h"
#include "root/identity.h"
#include "init/init.h"
#include "init/net_apart.h"
#include "needed.h"
#include "sandbox/plan_credentials.h"
#include "sys.h"

#define FILES_MIN 128 /* a run's supervisor, with some to spare */
#define AWAY_FD 64 /* beyond all that a first process keeps */
#define TRACE_SCOPE "/proc/sys/kernel/yama/ptrace_scope"
#define TRACE_RIGHTS '2'
#define RUN_OWN_PROCESSES 2 /* its first one, and one that sets it up */

unsigned long
run_namespaces(bool user, bool net_apart)
{
	return (user ? (unsigned long)CLONE_NEWUSER : 0UL) |
	    (net_apart ? 0UL : (unsigned long)CLONE_NEWNET) | CLONE_NEWNS |
	    CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
}

static int
explain(struct err *e)
{
	const int r = err_sys(e, "cannot make the sandbox's namespaces");

	if (e != NULL && e->sys_errno == EAGAIN)
		return err_wrap(e, r,
		    "no more processes may be started here (ulimit -u, or the "
		    "pids.max of a control group)");
	if (e != NULL && (e->sys_errno == EPERM || e->sys_errno == ENOSPC))
		return err_wrap(e, r,
		    "this system does not let a plain user make namespaces "
		    "(see 'assent doctor')");
	return r;
}

static int
open_pipe(bool input, int *ret_theirs, int *ret_ours, struct err *e)
{
	int pair[2];
	int *const ours = input ? &pair[1] : &pair[0];

	if (pipe2(pair, O_CLOEXEC) != 0)
		return err_sys(e, "cannot make a pipe");
	*ret_theirs = input ? pair[0] : pair[1];
	*ret_ours = *ours;
	return fdio_nonblock(*ours, e);
}

int
run_open_pipes(int ret_theirs[static 3], int ret_ours[static 3], struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; i < 3; i++)
		ret_theirs[i] = ret_ours[i] = -1;
	for (size_t i = 0; r == 0 && i < 3; i++)
		r = open_pipe(i == 0, &ret_theirs[i], &ret_ours[i], e);
	for (size_t i = 0; r != 0 && i < 3; i++) {
		fd_closep(&ret_theirs[i]);
		fd_closep(&ret_ours[i]);
	}
	return r;
}

/* "/dev/stderr" opens a pipe again, which only its owner may. */
void
run_give_pipes(const struct plan *p, const int stdio[3])
{
	struct stat st;

	for (int i = 0; i < 3 && p->who.identity != IDENTITY_SAME; i++) {
		if (fstat(stdio[i], &st) == 0 && S_ISFIFO(st.st_mode))
			(void)!fchown(stdio[i], p->who.uid, p->who.gid);
	}
}

int
run_raise_files(struct err *e)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		return err_sys(e, "cannot read the limit of open files");
	l.rlim_cur = l.rlim_max;
	if (l.rlim_max < FILES_MIN)
		return err_set(e, ERR_LIMIT,
		    "here a process may have %llu open files, and a run takes "
		    "up to %d: raise the limit (ulimit -n, LimitNOFILE=)",
		    (unsigned long long)l.rlim_max, FILES_MIN);
	if (setrlimit(RLIMIT_NOFILE, &l) != 0)
		return err_sys(e, "cannot raise the limit of open files");
	return ERR_OK;
}

/*
 * The supervisor reads the names that programs pass to the kernel, and has no
 * rights by then. From this scope on only who has rights may read them.
 */
static int
check_tracing(struct err *e)
{
	AUTO_FD int fd = open(TRACE_SCOPE, O_RDONLY | O_CLOEXEC);
	char scope = '0';

	if (fd < 0 || read(fd, &scope, 1) != 1 || scope < TRACE_RIGHTS)
		return ERR_OK;
	return err_set(e, ERR_DENIED,
	    "kernel.yama.ptrace_scope is %c here, so the supervisor of a run "
	    "cannot read what its programs ask for: set it to 1 (3 stays "
	    "until the next boot)",
	    scope);
}

/* What the job names and is lost would be taken for what it has not. */
static int
move_away(int fd)
{
	const int moved = fcntl(fd, F_DUPFD_CLOEXEC, AWAY_FD);

	if (moved < 0)
		_exit(1);
	return moved;
}

static int
move_to(int fd, int place)
{
	if (dup3(fd, place, O_CLOEXEC) != place)
		_exit(1);
	return place;
}

/* At the numbers that the command has been told, where nothing that is
 * opened later can come to be; and nothing else from first on. */
static void
keep_values(struct job *j, int first)
{
	const int count = (int)j->value_count;

	for (int i = 0; i < count; i++)
		j->values[i] = move_to(j->values[i], PLAN_VALUE_FD + i);
	if (count > 0)
		(void)sys_close_range(first, PLAN_VALUE_FD - 1);
	(void)sys_close_from(count > 0 ? PLAN_VALUE_FD + count : first);
}

/*
 * The first process of a run never executes anything, so close-on-exec does
 * not help: it keeps twelve descriptors and closes all others, above all the
 * ends of other runs' pipes.
 */
void
run_keep_only_own(struct job *j)
{
	int *const kept[] = { &j->ctl, &j->stdio[0], &j->stdio[1], &j->stdio[2],
		&j->idmap, &j->userns, &j->netns, &j->ipcns, &j->join[0],
		&j->join[1], &j->join[2], &j->group_events };
	const int first = STDERR_FILENO + 1;

	/* Out of the way first, then to their places. */
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		if (*kept[i] >= 0)
			*kept[i] = move_away(*kept[i]);
	}
	for (size_t i = 0; i < j->value_count; i++)
		j->values[i] = move_away(j->values[i]);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		if (*kept[i] >= 0)
			*kept[i] = move_to(*kept[i], first + (int)i);
		else
			(void)close(first + (int)i);
	}
	keep_values(j, first + (int)ARRAY_LEN(kept));
}

int
run_make_group(const struct plan *p, struct cgroup_places *groups,
    struct cgroup *ret, struct err *e)
{
	const struct cgroup_limits limits = {
		.memory_bytes = p->limits.memory_bytes,
		.pids = p->limits.processes + RUN_OWN_PROCESSES,
		.cpu_percent = p->limits.cpu_percent,
	};

	*ret = (struct cgroup)CGROUP_INIT;
	return groups == NULL || groups->count == 0
	    ? ERR_OK
	    : cgroup_make(groups, &limits, ret, e);
}

static bool
take_blank(const struct run_with *with, const struct job *job, struct run *ret)
{
	return with->blank != NULL && blank_fits(with->blank, job) &&
	    blank_start(with->blank, job, with->record, ret) == 0;
}

static int
clone_run(struct job *job, struct run *ret, struct err *e)
{
	AUTO_FD int mine = -1;
	AUTO_FD int theirs = -1;
	int pidfd = -1;
	pid_t pid = -1;

	if (ctl_pair(&mine, &theirs, e) != 0)
		return ERR_SYS;
	errno = EPERM;
	if (!job->bare)
		pid = sys_fork(
		    run_namespaces(job->plan->who.identity == IDENTITY_SAME,
			job->net_apart),
		    &pidfd);
	/* Then with what is left, and each run says so. */
	if (pid < 0 && job->value_count == 0 && bare_may_help(errno)) {
		job->bare = true;
		pid = sys_fork(0, &pidfd);
	}
	if (pid < 0)
		return explain(e);
	if (pid == 0) {
		job->ctl = theirs;
		run_keep_only_own(job);
		init_main(job);
	}
	*ret = (struct run){
		.pid = pid,
		.pidfd = pidfd,
		.ctl = TAKE_FD(mine),
	};
	return ERR_OK;
}

int
run_start(const struct plan *p, const struct run_with *with, struct run *ret,
    struct err *e)
{
	struct job job = {
		.plan = p,
		.stdio = { with->stdio[0], with->stdio[1], with->stdio[2] },
		.tty = with->tty,
		.idmap = -1,
		.netns = -1,
		.ipcns = -1,
		.userns = with->userns,
		.fresh = true,
		.bare = bare_namespaces_are_hollow(),
		.net_apart = net_apart_can(),
		.value_count = with->value_count,
	};
	struct cgroup group = CGROUP_INIT;
	AUTO_FD int idmap = -1;
	struct run run;
	int r = run_raise_files(e);

	if (r == 0)
		r = check_tracing(e);
	if (r == 0)
		r = identity_idmap(
		    &p->who, p->workspace, with->maps, &idmap, e);
	if (r == 0)
		r = run_make_group(p, with->groups, &group, e);
	if (r != 0) {
		needed_explain(e);
		return r;
	}
	job.idmap = idmap;
	if (with->value_count > 0)
		memcpy(job.values, with->values,
		    with->value_count * sizeof(*with->values));
	init_take_group(&job, &group);
	run_give_pipes(p, with->stdio);
	if (job.bare || !take_blank(with, &job, &run))
		r = clone_run(&job, &run, e);
	if (r != 0) {
		needed_explain(e);
		if (with->groups != NULL)
			cgroup_remove(with->groups, &group);
		return r;
	}
	run.group = group;
	run.groups = with->groups;
	*ret = run;
	return ERR_OK;
}

/* What is held by a descriptor does not mind; what nobody holds would stay
 * in the process table until we end. */
static void
reap_strays(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

void
run_done(struct run *r)
{
	(void)sys_pidfd_kill(r->pidfd, SIGKILL);
	/* By descriptor: its number may be another's by now. */
	while (waitid(P_PIDFD, (id_t)r->pidfd, NULL, WEXITED) < 0 &&
	    errno == EINTR)
		;
	reap_strays();
	if (r->groups != NULL)
		cgroup_give_back(r->groups, &r->group);
	fd_closep(&r->pidfd);
	fd_closep(&r->ctl);
	*r = (struct run){ .pid = -1, .pidfd = -1, .ctl = -1 };
}
