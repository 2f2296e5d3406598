/*
 * Prepare the namespaces of a plan once, and clone runs in them.
 * Runs in: assent-exec, on the host's side and as the template itself, which
 * reads nothing but its launcher's requests.
 * Trusts: the plan; nothing that comes from a run, and nothing does.
 * Owns: the template's process and link.
 */
#include "start/template.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "start/ctl.h"
#include "start/fds.h"
#include "root/identity.h"
#include "init/init.h"
#include "root/root.h"
#include "sys.h"

#define CLONE_TIMEOUT_MS 2000
#define STDIO_COUNT 3

enum request_kind {
	REQUEST_INVALID,
	REQUEST_CLONE, /* with descriptors, see take_descriptors */
	REQUEST_NET_CLEAN, /* nothing was changed in this network */
	REQUEST_NET_USED, /* it is not used again */
};

struct request {
	uint8_t kind;
	uint8_t has_userns, has_events, join_count;
	int16_t net;
	uint16_t controls;
};

/* The process, or minus errno; and the number of its network, or -1. */
struct reply {
	int32_t pid;
	int16_t net;
};

/*
 * Making a network costs more than all the rest of a run. One in which no
 * socket was ever made is as good as new, and so is an IPC namespace without
 * objects; each pair serves one run at a time.
 */
struct nets {
	int dir; /* ns of this process in the host's /proc */
	struct {
		int net, ipc; /* -1: not made */
		bool lent;
	} at[TEMPLATE_NETS_MAX];
};

static int
send_with(int link, const void *bytes, size_t len, const int *fds, size_t count)
{
	return fds_send(link, str_n(bytes, len), STR(""), fds, count);
}

/* A message of just this length; the descriptors that came with it. */
static int
receive_with(int link, void *bytes, size_t len, int fds[static FDS_MAX])
{
	return fds_receive(link, bytes, len, len, fds) < 0 ? -1 : 0;
}

static int
new_pair(struct nets *n, int i)
{
	AUTO_FD int net = -1;
	AUTO_FD int ipc = -1;

	if (unshare(CLONE_NEWIPC) != 0 || identity_new_network(NULL) != 0)
		return -1;
	net = openat(n->dir, "net", O_RDONLY | O_CLOEXEC);
	ipc = openat(n->dir, "ipc", O_RDONLY | O_CLOEXEC);
	if (net < 0 || ipc < 0)
		return -1;
	n->at[i].net = TAKE_FD(net);
	n->at[i].ipc = TAKE_FD(ipc);
	return 0;
}

/* -1: the run makes its own. */
static int
lend(struct nets *n)
{
	int none = -1;

	for (int i = 0; i < TEMPLATE_NETS_MAX; i++) {
		if (n->at[i].net >= 0 && !n->at[i].lent) {
			n->at[i].lent = true;
			return i;
		}
		if (n->at[i].net < 0 && none < 0)
			none = i;
	}
	if (none < 0 || new_pair(n, none) != 0)
		return -1;
	n->at[none].lent = true;
	return none;
}

static void
take_back(struct nets *n, int i, bool clean)
{
	if (i < 0 || i >= TEMPLATE_NETS_MAX || !n->at[i].lent)
		return;
	n->at[i].lent = false;
	if (clean)
		return;
	fd_closep(&n->at[i].net);
	fd_closep(&n->at[i].ipc);
	n->at[i].net = n->at[i].ipc = -1;
}

/* In this order: link, input and outputs, user space, those to enter a group,
 * its events. */
static void
take_descriptors(struct job *j, const struct request *q, const int *fds)
{
	struct cgroup g = CGROUP_INIT;
	size_t n = 0;

	j->ctl = fds[n++];
	for (size_t i = 0; i < STDIO_COUNT; i++)
		j->stdio[i] = fds[n++];
	j->userns = q->has_userns != 0 ? fds[n++] : -1;
	while (g.join_count < q->join_count)
		g.join[g.join_count++] = fds[n++];
	g.events = q->has_events != 0 ? fds[n] : -1;
	g.controls = q->controls;
	init_take_group(j, &g);
}

static bool
is_complete(const struct request *q, const int *fds)
{
	const size_t count = 1U + STDIO_COUNT + (q->has_userns != 0) +
	    q->join_count + (q->has_events != 0);

	return q->join_count <= CGROUP_PLACES_MAX && fds[count - 1] >= 0 &&
	    (count == FDS_MAX || fds[count] < 0);
}

/* 0, or -1 when the template is to end. */
static int
clone_run(const struct job *like, struct nets *n, int link,
    const struct request *q, const int *fds)
{
	/* Nobody can change the host's name, so that is the template's. */
	const unsigned long flags = CLONE_PARENT | CLONE_NEWNS | CLONE_NEWPID;
	struct job job = *like;
	struct reply reply = { .net = (int16_t)lend(n) };
	AUTO_FD int pidfd = -1;

	job.netns = reply.net < 0 ? -1 : n->at[reply.net].net;
	job.ipcns = reply.net < 0 ? -1 : n->at[reply.net].ipc;
	take_descriptors(&job, q, fds);
	reply.pid = sys_fork(flags, &pidfd);
	if (reply.pid == 0) {
		run_keep_only_own(&job);
		init_main(&job);
	}
	if (reply.pid < 0) {
		reply.pid = -errno;
		take_back(n, reply.net, true);
		pidfd = -1;
	}
	return send_with(
	    link, &reply, sizeof(reply), &pidfd, pidfd >= 0 ? 1 : 0);
}

static _Noreturn void
serve(const struct job *like, int link, int namespaces)
{
	struct nets nets = { .dir = namespaces };
	struct request q;
	int fds[FDS_MAX], r = 0;

	for (size_t i = 0; i < TEMPLATE_NETS_MAX; i++)
		nets.at[i].net = nets.at[i].ipc = -1;
	while (r == 0 && receive_with(link, &q, sizeof(q), fds) == 0) {
		if (q.kind == REQUEST_CLONE && is_complete(&q, fds))
			r = clone_run(like, &nets, link, &q, fds);
		else if (q.kind == REQUEST_NET_CLEAN ||
		    q.kind == REQUEST_NET_USED)
			take_back(&nets, q.net, q.kind == REQUEST_NET_CLEAN);
		else
			r = -1;
		for (size_t i = 0; i < FDS_MAX; i++)
			fd_closep(&fds[i]);
	}
	_exit(0);
}

static int
build(const struct job *j, struct root *root, struct err *e)
{
	int r = identity_map_self(&j->plan->who, e);

	*root = (struct root)ROOT_INIT;
	root->idmap = j->idmap;
	(void)umask(0);
	if (r == 0)
		r = root_build(root, j->plan, e);
	if (r == 0)
		r = root_enter(root, e);
	root_free(root);
	/* Nobody of this user looks at it, and it never outlives its
	 * launcher. */
	if (r == 0 &&
	    (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0))
		r = err_sys(e, "cannot tie the template to its launcher");
	return r;
}

static _Noreturn void
template_main(struct job *j)
{
	struct ctl ready = { .type = CTL_STARTED };
	const int link = j->ctl;
	const int namespaces =
	    open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct bpf_program *filter = mem_new(1, sizeof(*filter));
	struct err e = ERR_INIT;
	struct root root;
	int r = build(j, &root, &e);

	init_signals();
	(void)setsid(); /* for all its runs: the launcher may have a terminal */
	if (r == 0)
		r = filter == NULL
		    ? err_nomem(&e)
		    : init_filter(j->plan, true, j->controls, filter, &e);
	j->filter = filter;
	j->notes = root.notes;
	j->note_count = root.note_count;
	if (r != 0) {
		ready.type = CTL_FAILED;
		ready.code = (int32_t)e.code;
		ready.text = e.msg;
	}
	(void)ctl_send(link, &ready);
	if (ready.type == CTL_FAILED)
		_exit(1);
	j->idmap = -1;
	serve(j, link, namespaces);
}

int
template_start(const struct plan *p, struct str frame, unsigned controls,
    struct identity_maps *maps, struct tmpl *ret, struct err *e)
{
	struct job job = {
		.plan = p,
		.stdio = { -1, -1, -1 },
		.tty = -1,
		.netns = -1,
		.ipcns = -1,
		.userns = -1,
		.join = { -1, -1, -1 },
		.group_events = -1,
		.controls = controls,
		.frame = frame,
	};
	unsigned long flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWCGROUP;
	AUTO_FD int idmap = -1;
	AUTO_FD int mine = -1;
	AUTO_FD int theirs = -1;
	int pair[2], pidfd = -1;
	pid_t pid;
	int r = identity_idmap(&p->who, p->workspace, maps, &idmap, e);

	if (r != 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(e, "cannot make a link to the template");
	mine = pair[0];
	theirs = pair[1];
	if (p->who.identity == IDENTITY_SAME)
		flags |= CLONE_NEWUSER;
	pid = sys_fork(flags, &pidfd);
	if (pid < 0)
		return err_sys(e, "cannot make the template's namespaces");
	if (pid == 0) {
		job.ctl = theirs;
		job.idmap = idmap;
		run_keep_only_own(&job);
		template_main(&job);
	}
	ret->process = (struct run){
		.pid = pid,
		.pidfd = pidfd,
		.ctl = TAKE_FD(mine),
	};
	return ERR_OK;
}

static int
wait_for(int fd, int timeout_ms, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return err_set(e, ERR_LIMIT, "the template does not answer");
	return n > 0 ? ERR_OK : err_sys(e, "cannot wait for the template");
}

int
template_ready(struct tmpl *t, int timeout_ms, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(CTL_BYTES_MAX);
	struct ctl m;
	int r =
	    a == NULL ? err_nomem(e) : wait_for(t->process.ctl, timeout_ms, e);

	if (r != 0)
		return r;
	if (ctl_receive(t->process.ctl, a, &m, e) <= 0)
		return err_set(e, ERR_SYS, "the template ended");
	return m.type == CTL_STARTED
	    ? ERR_OK
	    : err_set(e, ERR_SYS, "%s", m.text == NULL ? "failed" : m.text);
}

int
template_order(
    struct tmpl *t, const struct template_with *with, int *ret, struct err *e)
{
	AUTO_FD int mine = -1;
	AUTO_FD int theirs = -1;
	const struct cgroup *group = with->group;
	const struct request q = {
		.kind = REQUEST_CLONE,
		.has_userns = with->userns >= 0,
		.has_events = group->events >= 0,
		.join_count = (uint8_t)group->join_count,
		.controls = (uint16_t)group->controls,
	};
	int fds[FDS_MAX];
	size_t n = 0;

	if (ctl_pair(&mine, &theirs, e) != 0)
		return ERR_SYS;
	fds[n++] = theirs;
	for (size_t i = 0; i < STDIO_COUNT; i++)
		fds[n++] = with->stdio[i];
	if (with->userns >= 0)
		fds[n++] = with->userns;
	for (size_t i = 0; i < group->join_count; i++)
		fds[n++] = group->join[i];
	if (group->events >= 0)
		fds[n++] = group->events;
	if (send_with(t->process.ctl, &q, sizeof(q), fds, n) != 0)
		return err_sys(e, "cannot ask the template");
	*ret = TAKE_FD(mine);
	return ERR_OK;
}

int
template_collect(
    struct tmpl *t, int ctl, struct run *ret, int *ret_net, struct err *e)
{
	AUTO_FD int mine = ctl;
	struct reply reply;
	int fds[FDS_MAX];
	int r = wait_for(t->process.ctl, CLONE_TIMEOUT_MS, e);

	if (r != 0)
		return r;
	if (receive_with(t->process.ctl, &reply, sizeof(reply), fds) != 0)
		return err_set(e, ERR_SYS, "the template ended");
	if (reply.pid <= 0 || fds[0] < 0) {
		fd_closep(&fds[0]);
		errno = reply.pid < 0 ? -reply.pid : EPROTO;
		return err_sys(e, "the template cannot clone a run");
	}
	*ret = (struct run){
		.pid = reply.pid,
		.pidfd = fds[0],
		.ctl = TAKE_FD(mine),
	};
	*ret_net = reply.net;
	return ERR_OK;
}

void
template_return_net(struct tmpl *t, int net, bool clean)
{
	const struct request q = {
		.kind = clean ? REQUEST_NET_CLEAN : REQUEST_NET_USED,
		.net = (int16_t)net,
	};

	/* Lost, it is only one that is not used again. */
	if (net >= 0)
		(void)send_with(t->process.ctl, &q, sizeof(q), NULL, 0);
}

void
template_done(struct tmpl *t)
{
	if (t->process.pid > 0)
		run_done(&t->process);
}
