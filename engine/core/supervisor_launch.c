/*
 * Launchers of the sandbox: started here, because engine may not fork, under
 * the identity of who proposed.
 * Runs in: supervisor.  Trusts: engine for the identity, within what this
 * daemon may do at all.  Owns: the launchers' pidfds.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "model/project.h"
#include "supervisor_int.h"

#define REPLY_BYTES_MAX 1024
#define LAUNCHER_ENDED "launcher-ended"
#define MS_NS INT64_C(1000000)
#define LAUNCHER_GRACE_NS (1000 * MS_NS) /* all of them together */

static void
reply_failed(
    struct ipc *engine, uint16_t type, uint64_t ticket, const struct err *why)
{
	AUTO_BUF struct buf b = BUF_INIT(REPLY_BYTES_MAX);

	log_warn("not-launched", "why=%s", why->msg);
	rec_put_u64(&b, ticket);
	rec_put_cstr(&b, why->msg);
	(void)ipc_send(engine, type, buf_str(&b), -1, NULL);
}

static void
on_launcher_ended(void *ctx, int fd, unsigned events)
{
	struct launcher *l = ctx;
	char how[HOW_ENDED_MAX] = "unknown";
	int code = -1;

	(void)events;
	(void)spawn_reap(fd, &code, how, sizeof(how), NULL);
	log_info(l->ended, "pid=%d uid=%u how=%s", (int)l->pid,
	    (unsigned)l->uid, how);
	loop_forget(l->s->loop, fd);
	fd_closep(&l->pidfd);
	if (geteuid() == 0 && l->uid != 0)
		cgroup_take_back(l->uid);
}

static struct launcher *
free_launcher(struct supervisor *s)
{
	for (size_t i = 0; i < LAUNCHERS_MAX; i++) {
		if (s->launchers[i].pidfd < 0)
			return &s->launchers[i];
	}
	return NULL;
}

static int
check_identity(uid_t uid, gid_t gid, struct err *e)
{
	if (geteuid() == 0 || (uid == geteuid() && gid == getegid()))
		return ERR_OK;
	return err_set(e, ERR_DENIED,
	    "a daemon of user %u runs nothing as user %u, group %u",
	    (unsigned)geteuid(), (unsigned)uid, (unsigned)gid);
}

/* Starts what o says under the identity, and watches it. */
static int
start(struct supervisor *s, struct launcher *l, struct spawn_options *o,
    struct err *e)
{
	int r;

	/* What is run makes files as usual, not as private as ours. */
	o->set_umask = true;
	o->umask = 022;
	o->set_user = true;
	r = spawn(o, &l->pid, &l->pidfd, e);
	if (r != 0)
		return r;
	l->s = s;
	l->uid = o->uid;
	l->gid = o->gid;
	return loop_fd(s->loop, l->pidfd, LOOP_READ, on_launcher_ended, l, e);
}

static int
start_launcher(struct supervisor *s, struct launcher *l, uid_t uid, gid_t gid,
    int socket_fd, struct err *e)
{
	char name[] = "assent-exec", mode[] = "--launcher";
	char *const argv[] = { name, mode, NULL };
	const struct spawn_fd fds[] = {
		{ .fd = socket_fd, .as = 3 },
		{ .fd = STDERR_FILENO, .as = STDERR_FILENO },
	};
	struct spawn_options o = {
		.path_fd = s->launcher_fd,
		.argv = argv,
		.fds = fds,
		.fd_count = ARRAY_LEN(fds),
		.uid = uid,
		.gid = gid,
	};

	if (s->launcher_fd < 0)
		return err_set(e, ERR_NOTFOUND,
		    "assent-exec is not beside assentd; install it there and "
		    "start the daemon again");
	l->ended = LAUNCHER_ENDED;
	return start(s, l, &o, e);
}

/* Gives engine's end of the launcher's socket. */
static int
launch(struct supervisor *s, uid_t uid, gid_t gid, int *ret, struct err *e)
{
	struct launcher *l = free_launcher(s);
	AUTO_FD int ours = -1;
	AUTO_FD int theirs = -1;
	int pair[2];
	int r = check_identity(uid, gid, e);

	if (r != 0)
		return r;
	if (l == NULL)
		return err_set(
		    e, ERR_LIMIT, "%d launchers run already", LAUNCHERS_MAX);
	r = ipc_pair(pair, e);
	if (r != 0)
		return r;
	ours = pair[0];
	theirs = pair[1];
	r = start_launcher(s, l, uid, gid, theirs, e);
	if (r != 0)
		return r;
	/* Of other users: where their runs' control groups are theirs. */
	if (geteuid() == 0 && uid != 0)
		cgroup_hand_over(uid, gid, l->pid);
	log_info("launcher-started", "pid=%d uid=%u gid=%u", (int)l->pid,
	    (unsigned)uid, (unsigned)gid);
	*ret = TAKE_FD(ours);
	return ERR_OK;
}

int
supervisor_on_launch(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(REPLY_BYTES_MAX);
	AUTO_FD int fd = -1;
	struct child *c = ctx;
	struct err why = ERR_INIT;
	struct rec rec = rec_of(m->payload);
	const uint64_t ticket = rec_u64(&rec);
	const uid_t uid = rec_u32(&rec);
	const gid_t gid = rec_u32(&rec);
	const int r = rec_done(&rec, e);

	if (r != 0)
		return r;
	if (c->s->stopping)
		(void)err_set(&why, ERR_CONFLICT, "the daemon is stopping");
	else if (launch(c->s, uid, gid, &fd, &why) == 0) {
		rec_put_u64(&b, ticket);
		return ipc_send(m->from, SE_LAUNCHED, buf_str(&b), fd, e);
	}
	reply_failed(m->from, SE_LAUNCH_FAILED, ticket, &why);
	return ERR_OK;
}

/* What it started dies with it, also where it is stopped: its children have
 * asked the kernel for that. */
int
supervisor_on_end_launcher(void *ctx, struct ipc_msg *m, struct err *e)
{
	const struct child *c = ctx;
	struct rec rec = rec_of(m->payload);
	const uid_t uid = rec_u32(&rec);
	const gid_t gid = rec_u32(&rec);
	const int r = rec_done(&rec, e);

	for (size_t i = 0; r == 0 && i < LAUNCHERS_MAX; i++) {
		const struct launcher *l = &c->s->launchers[i];

		if (l->pidfd < 0 || l->uid != uid || l->gid != gid ||
		    strcmp(l->ended, LAUNCHER_ENDED) != 0)
			continue;
		log_err("launcher-killed",
		    "pid=%d uid=%u why=it did not answer", (int)l->pid,
		    (unsigned)uid);
		(void)pidfd_send_signal(l->pidfd, SIGKILL, NULL, 0);
	}
	return r;
}

/* ---- readers of repositories' rules ------------------------------------ */

/* Gives the pipe that the reader writes to. It is this very program, under
 * the identity of who works there, and ends itself after a while. */
static int
start_reader(struct supervisor *s, uid_t uid, gid_t gid, char *workspace,
    int *ret, struct err *e)
{
	char name[] = "rules-reader", mode[] = PROJECT_READER_OPTION;
	char *const argv[] = { name, mode, workspace, NULL };
	struct launcher *l = free_launcher(s);
	AUTO_FD int ours = -1;
	AUTO_FD int theirs = -1;
	int pair[2];
	int r = check_identity(uid, gid, e);

	if (r != 0)
		return r;
	if (l == NULL)
		return err_set(
		    e, ERR_LIMIT, "%d helpers run already", LAUNCHERS_MAX);
	if (pipe2(pair, O_CLOEXEC) != 0)
		return err_sys(e, "cannot make a pipe");
	ours = pair[0];
	theirs = pair[1];
	const struct spawn_fd fds[] = {
		{ .fd = theirs, .as = STDOUT_FILENO },
		{ .fd = STDERR_FILENO, .as = STDERR_FILENO },
	};
	struct spawn_options o = {
		.path_fd = s->self_fd,
		.argv = argv,
		.fds = fds,
		.fd_count = ARRAY_LEN(fds),
		.uid = uid,
		.gid = gid,
	};

	l->ended = "rules-reader-ended";
	r = start(s, l, &o, e);
	if (r == 0)
		*ret = TAKE_FD(ours);
	return r;
}

int
supervisor_on_project(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(PATH_BYTES_MAX * 2);
	AUTO_BUF struct buf b = BUF_INIT(REPLY_BYTES_MAX);
	AUTO_FD int fd = -1;
	struct child *c = ctx;
	struct err why = ERR_INIT;
	struct rec rec = rec_of(m->payload);
	const uint64_t ticket = rec_u64(&rec);
	const uid_t uid = rec_u32(&rec);
	const gid_t gid = rec_u32(&rec);
	char *workspace = a == NULL ? NULL : rec_cstr(&rec, a);
	const int r = rec_done(&rec, e);

	if (r != 0)
		return r;
	if (workspace == NULL || workspace[0] != '/')
		return err_set(e, ERR_INTERNAL, "no workspace");
	if (c->s->stopping)
		(void)err_set(&why, ERR_CONFLICT, "the daemon is stopping");
	else if (start_reader(c->s, uid, gid, workspace, &fd, &why) == 0) {
		rec_put_u64(&b, ticket);
		return ipc_send(m->from, SE_PROJECT, buf_str(&b), fd, e);
	}
	reply_failed(m->from, SE_PROJECT_FAILED, ticket, &why);
	return ERR_OK;
}

/* Engine's end is a launcher's end, too: it takes its mounts and control
 * groups with it, if it is left the time. */
static void
wait_gone(int pidfd, int64_t until_ns)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	const int64_t left_ns = until_ns - loop_now_ns();

	if (left_ns > 0)
		(void)poll(&p, 1, (int)(left_ns / MS_NS) + 1);
}

void
supervisor_launchers_done(struct supervisor *s)
{
	const int64_t until_ns = loop_now_ns() + LAUNCHER_GRACE_NS;

	for (size_t i = 0; i < LAUNCHERS_MAX; i++) {
		struct launcher *l = &s->launchers[i];
		char how[HOW_ENDED_MAX];
		int code;

		if (l->pidfd < 0)
			continue;
		/* What runs in them dies with them. */
		loop_forget(s->loop, l->pidfd);
		wait_gone(l->pidfd, until_ns);
		(void)pidfd_send_signal(l->pidfd, SIGKILL, NULL, 0);
		(void)spawn_reap(l->pidfd, &code, how, sizeof(how), NULL);
		fd_closep(&l->pidfd);
		if (geteuid() == 0 && l->uid != 0)
			cgroup_take_back(l->uid);
	}
}
