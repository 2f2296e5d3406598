/*
 * Answer the calls that seccomp holds back.
 * Runs in: assent-exec, as the first process of a run: the run's user, no
 * capabilities, the run's own mounts.
 * Trusts: nothing; every argument was written by the run.
 * Owns: the listener and its two records.
 */
#include "gate/gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "gate/filter.h"
#include "gate/gate_int.h"
#include "sys.h"

static void
add_root(struct gate *g, const char *path, bool guarded)
{
	if (g->root_count == GATE_ROOTS_MAX)
		return;
	g->roots[g->root_count++] = (struct gate_root){
		.path = path,
		.len = strlen(path),
		.guarded = guarded,
	};
}

static int
open_records(struct gate *g, struct err *e)
{
	if (sys_seccomp(SECCOMP_GET_NOTIF_SIZES, 0, &g->sizes) != 0)
		return err_sys(e, "cannot ask for the size of notifications");
	if (g->sizes.seccomp_notif < sizeof(*g->req))
		g->sizes.seccomp_notif = sizeof(*g->req);
	if (g->sizes.seccomp_notif_resp < sizeof(*g->resp))
		g->sizes.seccomp_notif_resp = sizeof(*g->resp);
	g->req = mem_new(1, g->sizes.seccomp_notif);
	g->resp = mem_new(1, g->sizes.seccomp_notif_resp);
	return g->req == NULL || g->resp == NULL ? err_nomem(e) : ERR_OK;
}

void
gate_bare(struct gate *g, const struct plan *p, const char *private)
{
	g->plan = p;
	g->private = private;
	g->tmp_dev = (dev_t)-1;
}

bool
gate_is_private(const struct gate *g, const char *folder)
{
	return g->private != NULL && plan_path_within(folder, g->private);
}

void
gate_init(struct gate *g, const struct plan *p)
{
	struct stat st;

	g->listener = -1;
	g->strict = p->strict;
	g->guard.protect = p->protect;
	g->guard.protect_count = p->protect_count;
	g->guard.deny = p->deny;
	g->guard.deny_count = p->deny_count;
	g->files_left = p->limits.new_files;
	g->bytes_left = p->limits.disk_bytes;
	if (p->write || p->deny_count > 0) {
		add_root(g, p->workspace, true);
		for (size_t i = 0; i < p->write_root_count; i++)
			add_root(g, p->write_roots[i], true);
	}
	/* Where a workspace lies in /tmp, all of /tmp is in the gate's care. */
	if (plan_path_within(p->workspace, "/tmp") && g->plan == NULL)
		add_root(g, "/tmp", false);
	if (g->plan == NULL && stat("/tmp", &st) == 0)
		g->tmp_dev = st.st_dev;
}

int
gate_open(struct gate *g, const struct plan *p, int listener, struct err *e)
{
	gate_init(g, p);
	g->listener = listener;
	g->offline = !p->online;
	/* One switch between caller and gate costs less than two wake-ups. */
	(void)ioctl(
	    listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYS_SECCOMP_SYNC_WAKE_UP);
	return open_records(g, e);
}

void
gate_close(struct gate *g)
{
	fd_closep(&g->listener);
	g->listener = -1;
	free(g->req);
	free(g->resp);
	for (size_t i = 0; i < g->also_count; i++)
		free(g->also[i]);
	g->also_count = 0;
	g->guard.also_count = 0;
	g->learned = false;
	g->obeys = false;
	g->req = NULL;
	g->resp = NULL;
}

void
gate_send(struct gate *g, int error, int64_t value, bool native)
{
	memset(g->resp, 0, g->sizes.seccomp_notif_resp);
	g->resp->id = g->req->id;
	g->resp->error = error;
	g->resp->val = value;
	g->resp->flags = native ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0U;
	/* ENOENT: the caller was killed meanwhile. */
	(void)ioctl(g->listener, SECCOMP_IOCTL_NOTIF_SEND, g->resp);
}

void
gate_send_fd(struct gate *g, int fd, bool cloexec)
{
	struct seccomp_notif_addfd add = {
		.id = g->req->id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.srcfd = (uint32_t)fd,
		.newfd_flags = cloexec ? 02000000 : 0,
	};
	int n = ioctl(g->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);

	if (n >= 0 || errno == ENOENT)
		return;
	if (errno == EMFILE) {
		gate_violation(g, "limit: open files of one process", NULL);
		errno = EMFILE;
	}
	if (errno != EINVAL) {
		gate_send(g, -errno, 0, false);
		return;
	}
	add.flags = 0; /* before 5.14: in two steps */
	n = ioctl(g->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	gate_send(g, n < 0 ? -errno : 0, n < 0 ? 0 : n, false);
}

bool
gate_valid(const struct gate *g)
{
	return ioctl(g->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &g->req->id) ==
	    0;
}

void
gate_violation(struct gate *g, const char *what, const char *path)
{
	char text[GATE_VIOLATION_BYTES];

	g->violation_total++;
	(void)snprintf(text, sizeof(text), "%s%s%s", what,
	    path == NULL ? "" : " ", path == NULL ? "" : path);
	for (size_t i = 0; i < g->violation_count; i++) {
		if (strcmp(g->violations[i], text) == 0)
			return;
	}
	if (g->violation_count < GATE_VIOLATIONS_MAX)
		memcpy(g->violations[g->violation_count++], text, sizeof(text));
}

bool
gate_is_own(const struct gate *g, dev_t dev, ino_t ino)
{
	for (size_t i = 0; i < g->own_count; i++) {
		if (g->own[i].dev == dev && g->own[i].ino == ino)
			return true;
	}
	return false;
}

void
gate_add_own(struct gate *g, dev_t dev, ino_t ino)
{
	/* Beyond the limit a later use is denied, which is the safe side. */
	if (g->own_count < GATE_OWN_MAX && !gate_is_own(g, dev, ino))
		g->own[g->own_count++] =
		    (struct gate_id){ .dev = dev, .ino = ino };
}

/* For calls that may wait for another process of the run. */
bool
gate_fork(struct gate *g, int *ret_answer)
{
	pid_t pid;

	*ret_answer = GATE_SENT;
	if (g->workers >= GATE_WORKERS_MAX) {
		*ret_answer = -EAGAIN;
		return false;
	}
	pid = sys_fork(0, NULL);
	if (pid == 0)
		return true;
	if (pid < 0)
		*ret_answer = -EAGAIN;
	else
		g->workers++;
	return false;
}

void
gate_worker_ended(struct gate *g)
{
	if (g->workers > 0)
		g->workers--;
}

static int
dispatch(struct gate *g)
{
	const int nr = g->req->data.nr;
	const char *denied = filter_denied_name(nr);
	char number[32];

	if (gate_is_refused(&g->req->data))
		return gate_call_refused(g);
	/* Nothing to judge: the filter has looked at its arguments. */
	if (filter_is_trace(nr, g->strict)) {
		g->traces = true;
		return GATE_NATIVE;
	}
	if (denied == NULL && !filter_asks(nr)) {
		(void)snprintf(number, sizeof(number), "number %d", nr);
		denied = number;
	}
	if (denied != NULL) {
		gate_violation(g, "system call", denied);
		return -EPERM;
	}
	if (gate_opens_node(g))
		return GATE_PLAIN;
	gate_learn(g);
	if (gate_is_open(nr))
		return gate_call_open(g);
	if (gate_is_attr(nr))
		return gate_call_attr(g);
	if (g->plan != NULL && gate_is_bare(nr))
		return gate_call_bare(g);
	if (gate_is_socket(nr))
		return gate_call_socket(g);
	return gate_call_names(g);
}

bool
gate_serve(struct gate *g)
{
	int answer;

	memset(g->req, 0, g->sizes.seccomp_notif);
	if (ioctl(g->listener, SECCOMP_IOCTL_NOTIF_RECV, g->req) != 0)
		return errno == EINTR || errno == ENOENT || errno == EAGAIN;
	answer = dispatch(g);
	g->asked = g->asked || answer != GATE_PLAIN;
	if (answer == GATE_NATIVE || answer == GATE_PLAIN)
		gate_send(g, 0, 0, true);
	else if (answer != GATE_SENT)
		gate_send(g, answer, 0, false);
	return true;
}
