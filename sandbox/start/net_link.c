/*
 * Start, feed, hear and end the proxy of one run.
 * Runs in: assent-exec, on the host's side.  Trusts: the plan; of the proxy
 * nothing but the form of its words.
 * Owns: the proxy's process and its link.
 */
#include "start/net_link.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ipc.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "sandbox/plan_credentials.h"
#include "sys.h"

#define HELPER "assent-proxy"
#define PROXY_LINK 3
#define STOP_GRACE_MS 1000
#define DENIED_TEXT_MAX 1024
#define KEY_MAX (NET_HOST_MAX + 16)
#define LINK_ARENA ((size_t)256 << 10)
#define MESSAGE_ARENA ((size_t)64 << 10)

struct net_link {
	struct loop *loop;
	const struct net_link_events *ev;
	void *ctx;
	struct ipc *ipc;
	pid_t pid;
	int pidfd; /* -1: reaped */
	struct loop_timer *grace;
	bool stopping, over;
	struct arena *arena;
	char failure[ERR_MSG_MAX];
	/* and one for each limit */
	const char *denied[NET_DENIED_MAX + PROXY_LIMIT_LAST];
	bool limits_told[PROXY_LIMIT_LAST + 1];
	char keys[NET_DENIED_MAX][KEY_MAX];
	size_t denied_count, key_count;
};

/* ---- what it says ---------------------------------------------------------- */

static bool
was_denied(const struct net_link *n, const char *key)
{
	for (size_t i = 0; i < n->key_count; i++) {
		if (strcmp(n->keys[i], key) == 0)
			return true;
	}
	return false;
}

/* A name that was not answered has no port. */
static void
print_key(const struct proxy_event *ev, char key[static KEY_MAX])
{
	const char *host = ev->host == NULL ? "?" : ev->host;

	if (ev->port == 0)
		(void)snprintf(key, KEY_MAX, "%s", host);
	else
		(void)snprintf(key, KEY_MAX,
		    strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host,
		    (unsigned)ev->port);
}

/* The sentence tells what to do, for it is an agent that reads it. */
static void
remember_denied(struct net_link *n, const struct proxy_event *ev)
{
	char key[KEY_MAX], text[DENIED_TEXT_MAX];

	if (n->key_count == NET_DENIED_MAX)
		return;
	print_key(ev, key);
	if (was_denied(n, key))
		return;
	(void)snprintf(text, sizeof(text), "network: %s was refused%s%s%s%s",
	    key, ev->reason == NULL ? "" : ": ",
	    ev->reason == NULL ? "" : ev->reason,
	    n->ev->flag == NULL ? "; do without it, or propose the call again "
				  "and say what it is needed for"
				: "; to let it through: ",
	    n->ev->flag == NULL ? "" : n->ev->flag);
	if (n->ev->flag != NULL && key[0] == '?') {
		const size_t len = strlen(text);

		(void)snprintf(text + len, sizeof(text) - len,
		    " and its name (a run's loopback is its own, not the "
		    "machine's)");
	} else if (n->ev->flag != NULL) {
		const size_t len = strlen(text);

		(void)snprintf(text + len, sizeof(text) - len, " %s", key);
	}
	n->denied[n->denied_count] = arena_strdup(n->arena, text);
	if (n->denied[n->denied_count] == NULL)
		return;
	memcpy(n->keys[n->key_count++], key, sizeof(key));
	n->denied_count++;
}

/* Once, however many transfers it cuts. */
static void
remember_limit(struct net_link *n, const struct proxy_event *ev)
{
	static const struct {
		const char *what, *came, *key;
	} words[] = {
		[PROXY_LIMIT_UP] = { "the run has sent all that it may", "cut",
		    "up" },
		[PROXY_LIMIT_DOWN] = { "the run has received all that it may",
		    "cut", "down" },
		[PROXY_LIMIT_IDLE] = { "nothing moved for as long as it may",
		    "cut", "idle" },
		[PROXY_LIMIT_CONNECTIONS] = { "the run has as many connections "
					      "at once as it may",
		    "refused", "connections" },
	};
	char key[KEY_MAX], text[DENIED_TEXT_MAX];

	if (ev->limit == PROXY_LIMIT_NONE || n->limits_told[ev->limit])
		return;
	print_key(ev, key);
	(void)snprintf(text, sizeof(text),
	    "limit: %s, so the connection to %s was %s; 'network_limits: "
	    "{%s: ...}' in a profile is more",
	    words[ev->limit].what, key, words[ev->limit].came,
	    words[ev->limit].key);
	n->denied[n->denied_count] = arena_strdup(n->arena, text);
	if (n->denied[n->denied_count] == NULL)
		return;
	n->denied_count++;
	n->limits_told[ev->limit] = true;
}

static int
on_ready(void *ctx, struct ipc_msg *m, struct err *e)
{
	(void)ctx;
	(void)m;
	(void)e;
	return ERR_OK;
}

static int
on_ask(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(MESSAGE_ARENA);
	struct net_link *n = ctx;
	struct rec r = rec_of(m->payload);
	struct proxy_ask ask;
	int code = a == NULL ? err_nomem(e) : proxy_ask_get(&r, a, &ask, e);

	if (code == 0)
		code = rec_done(&r, e);
	if (code == 0)
		n->ev->ask(n->ctx, &ask);
	return code;
}

static int
on_event(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(MESSAGE_ARENA);
	struct net_link *n = ctx;
	struct rec r = rec_of(m->payload);
	struct proxy_event ev;
	int code = a == NULL ? err_nomem(e) : proxy_event_get(&r, a, &ev, e);

	if (code == 0)
		code = rec_done(&r, e);
	if (code != 0)
		return code;
	remember_limit(n, &ev);
	if (!ev.allow && ev.limit == PROXY_LIMIT_NONE)
		remember_denied(n, &ev);
	n->ev->event(n->ctx, &ev);
	return ERR_OK;
}

static const struct ipc_row rows[] = {
	{ .type = PL_READY,
	    .flags = IPC_ONCE,
	    .len_max = PROXY_MESSAGE_BYTES,
	    .handler = on_ready },
	{ .type = PL_ASK, .len_max = PROXY_MESSAGE_BYTES, .handler = on_ask },
	{ .type = PL_EVENT,
	    .len_max = PROXY_MESSAGE_BYTES,
	    .handler = on_event },
};

/* ---- its end --------------------------------------------------------------- */

/* Both the link and the process have to be gone: what it said before its end
 * is in the link. */
static void
end_if_over(struct net_link *n)
{
	if (n->over || n->ipc != NULL || n->pidfd >= 0)
		return;
	n->over = true;
	loop_cancel(n->loop, n->grace);
	n->grace = NULL;
	n->ev->over(n->ctx);
}

static void
on_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct net_link *n = ctx;

	if (why != NULL)
		(void)snprintf(n->failure, sizeof(n->failure), "%s", why->msg);
	ipc_free(i);
	n->ipc = NULL;
	if (n->pidfd >= 0)
		(void)sys_pidfd_kill(n->pidfd, SIGTERM);
	if (why != NULL && n->pidfd >= 0)
		(void)sys_pidfd_kill(n->pidfd, SIGKILL);
	end_if_over(n);
}

static void
on_gone(void *ctx, int fd, unsigned events)
{
	struct net_link *n = ctx;
	char how[64];
	int status = 0;

	(void)events;
	loop_forget(n->loop, fd);
	if (spawn_reap(fd, &status, how, sizeof(how), NULL) == 0 &&
	    !n->stopping && n->failure[0] == '\0')
		(void)snprintf(n->failure, sizeof(n->failure),
		    "the run's proxy ended: %s", how);
	(void)close(fd);
	n->pidfd = -1;
	end_if_over(n);
}

static void
kill_now(void *ctx)
{
	struct net_link *n = ctx;

	n->grace = NULL;
	if (n->pidfd >= 0)
		(void)sys_pidfd_kill(n->pidfd, SIGKILL);
}

void
net_link_stop(struct net_link *n)
{
	if (n == NULL || n->over || n->stopping)
		return;
	n->stopping = true;
	if (n->ipc != NULL) {
		(void)ipc_send(n->ipc, LP_STOP, STR_NONE, -1, NULL);
		ipc_flush(n->ipc);
	}
	if (loop_after(n->loop, STOP_GRACE_MS, kill_now, n, &n->grace, NULL) !=
	    0)
		kill_now(n);
}

bool
net_link_is_over(const struct net_link *n)
{
	return n == NULL || n->over;
}

size_t
net_link_denied(const struct net_link *n, const char *const **ret)
{
	*ret = n == NULL ? NULL : n->denied;
	return n == NULL ? 0 : n->denied_count;
}

const char *
net_link_failure(const struct net_link *n)
{
	return n == NULL || n->failure[0] == '\0' ? NULL : n->failure;
}

void
net_link_free(struct net_link *n)
{
	if (n == NULL)
		return;
	loop_cancel(n->loop, n->grace);
	ipc_free(n->ipc);
	if (n->pidfd >= 0) {
		loop_forget(n->loop, n->pidfd);
		(void)sys_pidfd_kill(n->pidfd, SIGKILL);
		(void)spawn_reap(
		    n->pidfd, &(int){ 0 }, (char[64]){ 0 }, 64, NULL);
		(void)close(n->pidfd);
	}
	arena_free(n->arena);
	free(n);
}

/* ---- its start ------------------------------------------------------------- */

/* The helper beside our own program, wherever that is installed. */
static int
helper_path(char path[static PATH_MAX], struct err *e)
{
	const ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (n <= 0)
		return err_sys(e, "cannot find the folder of assent");
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL ||
	    (size_t)(slash - path) + sizeof("/" HELPER) > PATH_MAX)
		return err_set(e, ERR_LIMIT, "the path of assent is too long");
	memcpy(slash, "/" HELPER, sizeof("/" HELPER));
	return access(path, X_OK) == 0
	    ? ERR_OK
	    : err_set(e, ERR_NOTFOUND, "there is no '%s'", path);
}

static int
start_process(struct net_link *n, int link, struct err *e)
{
	char path[PATH_MAX], name[] = HELPER;
	char *const argv[] = { name, NULL };
	const struct spawn_fd fds[] = {
		{ .fd = link, .as = PROXY_LINK },
		{ .fd = STDERR_FILENO, .as = STDERR_FILENO },
	};
	const bool root = geteuid() == 0;
	int r = helper_path(path, e);

	return r != 0 ? r
		      : spawn(&(struct spawn_options){ .path = path,
				  .argv = argv,
				  .fds = fds,
				  .fd_count = ARRAY_LEN(fds),
				  .set_user = root,
				  .uid = NET_PROXY_UID,
				  .gid = NET_PROXY_UID },
			    &n->pid, &n->pidfd, e);
}

static int
send_policy(struct net_link *n, const struct plan *p, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(NET_POLICY_BYTES_MAX);
	int r;

	net_policy_put(&b, &p->net);
	r = buf_done(&b, e);
	return r == 0 ? ipc_send(n->ipc, LP_START, buf_str(&b), -1, e) : r;
}

static int
start(struct net_link *n, const struct plan *p, struct err *e)
{
	AUTO_FD int theirs = -1;
	int pair[2];
	int r = ipc_pair(pair, e);

	if (r != 0)
		return r;
	theirs = pair[1];
	r = ipc_new(n->loop, pair[0], "proxy", rows, ARRAY_LEN(rows), n,
	    on_closed, &n->ipc, e);
	if (r == 0)
		r = start_process(n, theirs, e);
	if (r == 0)
		r = loop_fd(n->loop, n->pidfd, LOOP_READ, on_gone, n, e);
	return r == 0 ? send_policy(n, p, e) : r;
}

int
net_link_start(struct loop *l, const struct plan *p,
    const struct net_link_events *ev, void *ctx, struct net_link **ret,
    struct err *e)
{
	struct net_link *n = mem_new(1, sizeof(*n));
	int r;

	if (n == NULL)
		return err_nomem(e);
	n->loop = l;
	n->ev = ev;
	n->ctx = ctx;
	n->pidfd = -1;
	n->arena = arena_new(LINK_ARENA);
	r = n->arena == NULL ? err_nomem(e) : start(n, p, e);
	if (r != 0) {
		net_link_free(n);
		return err_wrap(e, r, "the run's proxy cannot be started");
	}
	*ret = n;
	return ERR_OK;
}

int
net_link_broker(
    struct net_link *n, const struct plan *p, int link, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(PROXY_BROKER_BYTES);
	int r;

	if (n->ipc == NULL)
		return err_set(e, ERR_CONFLICT, "the run's proxy has ended");
	plan_credentials_put(&b, p->credentials, p->credential_count);
	r = buf_done(&b, e);
	return r == 0 ? ipc_send(n->ipc, LP_BROKER, buf_str(&b), link, e) : r;
}

int
net_link_listener(
    struct net_link *n, enum proxy_listener kind, int fd, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(8);

	if (n->ipc == NULL)
		return err_set(e, ERR_CONFLICT, "the run's proxy has ended");
	rec_put_u8(&b, (uint8_t)kind);
	return ipc_send(n->ipc, LP_LISTENER, buf_str(&b), fd, e);
}

int
net_link_verdict(
    struct net_link *n, const struct proxy_verdict *v, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(PROXY_MESSAGE_BYTES);
	int r;

	if (n->ipc == NULL)
		return err_set(e, ERR_CONFLICT, "the run's proxy has ended");
	proxy_verdict_put(&b, v);
	r = buf_done(&b, e);
	return r == 0 ? ipc_send(n->ipc, LP_VERDICT, buf_str(&b), -1, e) : r;
}
