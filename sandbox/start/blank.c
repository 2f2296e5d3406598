/*
 * Make the first process of a fresh run before there is one.
 * Runs in: assent-exec, on the host's side and as that process, which reads
 * nothing but its job.
 * Trusts: its launcher.
 * Owns: the process, its link, a view of the mount table.
 */
#include "start/blank.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "env.h"
#include "init/begun.h"
#include "root/identity.h"
#include "start/ctl.h"
#include "start/facts.h"
#include "start/fds.h"
#include "start/job.h"
#include "sys.h"

#define PLAN_ARENA ((size_t)32 << 20)

struct head {
	uint16_t has; /* a bit for each of descriptors() */
	uint8_t join_count;
	uint8_t controls;
};

struct message {
	struct head head;
	char record[JOB_BYTES_MAX];
};

/* In the order in which they are sent. */
static void
descriptors(struct job *j, int *ret[static FDS_MAX])
{
	int *const all[] = {
		&j->stdio[0],
		&j->stdio[1],
		&j->stdio[2],
		&j->idmap,
		&j->userns,
		&j->group_events,
		&j->join[0],
		&j->join[1],
		&j->join[2],
	};

	_Static_assert(ARRAY_LEN(all) == FDS_MAX, "each has a place");
	memcpy(ret, all, sizeof(all));
}

static struct job
empty_job(void)
{
	return (struct job){
		.stdio = { -1, -1, -1 },
		.tty = -1,
		.idmap = -1,
		.netns = -1,
		.ipcns = -1,
		.userns = -1,
		.join = { -1, -1, -1 },
		.group_events = -1,
		.fresh = true,
	};
}

static int
read_job(struct job *j, struct message *m, struct err *e)
{
	struct arena *a = arena_new(PLAN_ARENA); /* until the end */
	int *to[FDS_MAX], fds[FDS_MAX];
	struct plan *plan;
	size_t n = 0;
	long len;
	int r;

	if (a == NULL)
		return err_nomem(e);
	len = fds_receive(j->ctl, m, sizeof(m->head) + 1, sizeof(*m), fds);
	if (len < 0)
		return ERR_NOTFOUND;
	descriptors(j, to);
	for (size_t i = 0; i < FDS_MAX; i++) {
		if ((m->head.has & 1U << i) != 0)
			*to[i] = fds[n++];
	}
	j->join_count = m->head.join_count;
	j->controls = m->head.controls;
	r = plan_decode(
	    str_n(m->record, (size_t)len - sizeof(m->head)), a, &plan, e);
	if (r == 0)
		j->plan = plan;
	return r;
}

/* What cannot be done is told when there is somebody to tell. */
static void
begin(struct begun *b, const struct blank_with *with, int idmap)
{
	int r;

	(void)umask(0);
	b->root = (struct root)ROOT_INIT;
	b->root.idmap = idmap;
	b->root.fresh = true;
	r = with->net_apart ? ERR_OK : identity_loopback(&b->why);
	if (r == 0)
		(void)begun_make(
		    b, with->ground.plan, with->ground.op_count, &b->why);
	if (b->why.code == ERR_OK)
		(void)identity_drop_bounding(&b->why);
	fd_closep(&idmap); /* the job brings it again */
	b->root.idmap = -1;
}

static _Noreturn void
blank_main(int ctl, const struct blank_with *with)
{
	struct message *m = sys_map(sizeof(*m));
	struct begun *b = sys_map(sizeof(*b));
	struct job job = empty_job();
	struct err e = ERR_INIT;

	job.ctl = ctl;
	job.idmap = with->ground.idmap;
	run_keep_only_own(&job);
	init_signals();
	env_wipe();
	(void)setsid(); /* whoever started us may have a terminal */
	if (m == NULL || b == NULL ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		_exit(1);
	begin(b, with, job.idmap);
	job.idmap = -1;
	job.begun = b;
	job.net_apart = with->net_apart;
	if (read_job(&job, m, &e) != 0)
		_exit(1);
	init_main(&job);
}

static int
watch_mounts(int *ret, struct err *e)
{
	struct pollfd p = { .events = POLLPRI };

	*ret = p.fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (*ret < 0)
		return err_sys(e, "cannot watch the mount table");
	/* What happened before does not count. */
	(void)poll(&p, 1, 0);
	return ERR_OK;
}

int
blank_make(const struct blank_with *with, struct blank *ret, struct err *e)
{
	AUTO_FD int mine = -1;
	AUTO_FD int theirs = -1;
	AUTO_FD int mounts = -1;
	int pidfd = -1;
	pid_t pid;

	if (!with->at_once && watch_mounts(&mounts, e) != 0)
		return ERR_SYS;
	if (ctl_pair(&mine, &theirs, e) != 0)
		return ERR_SYS;
	pid = sys_fork(run_namespaces(geteuid() != 0, with->net_apart), &pidfd);
	if (pid < 0)
		return err_sys(e, "cannot make namespaces");
	if (pid == 0)
		blank_main(theirs, with);
	*ret = (struct blank){
		.with = *with,
		.process = { .pid = pid, .pidfd = pidfd, .ctl = TAKE_FD(mine) },
		.mounts = TAKE_FD(mounts),
	};
	return ERR_OK;
}

/* The kernel tells of a change once. */
bool
blank_is_current(struct blank *b)
{
	struct pollfd p = { .fd = b->mounts, .events = POLLPRI };

	if (b->process.pid <= 0)
		return false;
	b->stale = b->stale || (b->mounts >= 0 && poll(&p, 1, 0) != 0) ||
	    (b->with.facts != NULL && !facts_hold(b->with.facts));
	return !b->stale;
}

bool
blank_fits(struct blank *b, const struct job *job)
{
	return job->value_count == 0 && blank_is_current(b) &&
	    ground_fits(&b->with.ground, job->plan, job->idmap);
}

int
blank_start(
    struct blank *b, const struct job *job, struct str record, struct run *ret)
{
	struct job copy = *job;
	struct head head = {
		.join_count = (uint8_t)job->join_count,
		.controls = (uint8_t)job->controls,
	};
	int *from[FDS_MAX], fds[FDS_MAX];
	size_t n = 0;

	assert(job->value_count == 0);
	if (record.len == 0 || record.len > JOB_BYTES_MAX)
		return ERR_LIMIT;
	descriptors(&copy, from);
	for (size_t i = 0; i < FDS_MAX; i++) {
		if (*from[i] < 0)
			continue;
		head.has |= (uint16_t)(1U << i);
		fds[n++] = *from[i];
	}
	if (fds_send(b->process.ctl, str_n((const char *)&head, sizeof(head)),
		record, fds, n) != 0)
		return ERR_SYS;
	*ret = b->process;
	fd_closep(&b->mounts);
	*b = (struct blank){ .mounts = -1 };
	return ERR_OK;
}

void
blank_done(struct blank *b)
{
	if (b->process.pid > 0)
		run_done(&b->process);
	fd_closep(&b->mounts);
	*b = (struct blank){ .mounts = -1 };
}
