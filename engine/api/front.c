/*
 * Listeners and the table of clients.
 * Runs in: front.  Trusts: the supervisor for listeners.  Owns: listeners,
 * clients.
 */
#include "front.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/log.h"
#include "mcp_hub.h"

#define ACCEPT_BATCH_MAX 64
#define ACCEPT_PAUSE_MS 100
#define OPENAPI_BYTES_MAX ((size_t)1 << 20)
#define ENGINE_MS (HTTP_WAIT_MS_MAX + 60000)
#define REFUSALS_MAX 20 /* recorded at once, then one a second */
#define NS_PER_S ((int64_t)1000000000)

/* ---- the table of clients ---------------------------------------------- */

static struct uid_count *
uid_count_of(struct front *f, uid_t uid)
{
	for (size_t i = 0; i < f->uid_count; i++) {
		if (f->uids[i].uid == uid)
			return &f->uids[i];
	}
	if (mem_grow(
		&f->uids, &f->uid_cap, f->uid_count + 1, sizeof(*f->uids)) != 0)
		return NULL;
	f->uids[f->uid_count] = (struct uid_count){ .uid = uid };
	return &f->uids[f->uid_count++];
}

static int
take_slot(struct front *f, struct client *c)
{
	size_t slot = 0;

	while (slot < f->client_cap && f->clients[slot] != NULL)
		slot++;
	if (slot == f->client_cap &&
	    mem_grow(&f->clients, &f->client_cap, slot + 1,
		sizeof(struct client *)) != 0)
		return ERR_NOMEM;
	f->clients[slot] = c;
	c->slot = slot;
	f->client_count++;
	return ERR_OK;
}

void
front_client_gone(struct front *f, struct client *c)
{
	struct uid_count *of = uid_count_of(f, c->peer.uid);

	if (c->counted && of != NULL) {
		assert(of->count > 0);
		of->count--;
		if (of->count == 0)
			*of = f->uids[--f->uid_count];
	}
	if (c->slot < f->client_cap && f->clients[c->slot] == c) {
		f->clients[c->slot] = NULL;
		f->client_count--;
	}
}

bool
front_may_hold(const struct front *f, size_t bytes)
{
	return f->held <= HTTP_HELD_BYTES_MAX &&
	    bytes <= HTTP_HELD_BYTES_MAX - f->held;
}

/* ---- new clients ------------------------------------------------------- */

/* It follows a run's output and has not read of it for a while. */
static bool
is_stalled(const struct client *c)
{
	return c->paced && c->out.len > 0 &&
	    c->silent >= HTTP_STALL_MS / HTTP_SIGN_OF_LIFE_MS;
}

/* One that has not read for a while of what it follows; of that user, or of
 * any (NULL). */
static struct client *
find_stalled(const struct front *f, const uid_t *uid)
{
	for (struct deadline *d =
		 deadline_oldest(&f->deadlines, DEADLINE_STREAM);
	     d != NULL; d = d->next) {
		struct client *c = d->ctx;

		if (is_stalled(c) && (uid == NULL || c->peer.uid == *uid))
			return c;
	}
	return NULL;
}

/* A connection that asks nothing makes room for one that may, and one that
 * does not read what it asked for. */
static void
make_room(struct front *f, const struct auth_peer *peer)
{
	const struct uid_count *of = uid_count_of(f, peer->uid);
	const bool crowded =
	    of != NULL && of->count >= HTTP_CONNECTIONS_PER_UID_MAX;
	struct deadline *idle = NULL;
	struct client *stalled = NULL;

	if (crowded)
		stalled = find_stalled(f, &peer->uid);
	if (f->client_count >= HTTP_CONNECTIONS_MAX && stalled == NULL) {
		idle = deadline_oldest(&f->deadlines, DEADLINE_IDLE);
		stalled = idle == NULL ? find_stalled(f, NULL) : NULL;
	}
	if (idle != NULL)
		client_close(idle->ctx);
	if (stalled != NULL)
		client_close(stalled);
}

static void
admit(struct front *f, struct client *c)
{
	struct uid_count *of = uid_count_of(f, c->peer.uid);

	if (of == NULL || of->count >= HTTP_CONNECTIONS_PER_UID_MAX ||
	    f->client_count > HTTP_CONNECTIONS_MAX) {
		client_turn_away(c);
		return;
	}
	of->count++;
	c->counted = true;
}

static void
greet(struct front_listener *l, int fd)
{
	struct front *f = l->front;
	struct err e = ERR_INIT;
	struct auth_peer peer;
	struct client *c;

	if (auth_peer(fd, l->kind, f->owner, &peer, &e) == 0)
		make_room(f, &peer);
	if (e.code != 0 || f->client_count >= HTTP_CONNECTIONS_MAX + TOLD_MAX ||
	    client_new(f, fd, &peer, &c, &e) != 0) {
		if (e.code != 0)
			log_warn("client_refused", "error=%s", e.msg);
		fd_closep(&fd);
		return;
	}
	if (take_slot(f, c) != 0) {
		c->slot = SIZE_MAX;
		client_close(c);
		return;
	}
	admit(f, c);
}

static void
listeners_watch(struct front *f, bool on)
{
	for (size_t i = 0; i < f->listener_count; i++)
		(void)loop_change(
		    f->loop, f->listeners[i].fd, on ? LOOP_READ : 0u, NULL);
	f->listeners_off = !on;
}

static void
on_pause_over(void *ctx)
{
	listeners_watch(ctx, true);
}

/* Out of descriptors: a listener that stays ready would spin. */
static void
pause_listening(struct front *f)
{
	log_warn("accept_paused", "reason=%s", "descriptors are short");
	if (loop_after(
		f->loop, ACCEPT_PAUSE_MS, on_pause_over, f, NULL, NULL) == 0)
		listeners_watch(f, false);
}

static void
on_listener(void *ctx, int fd, unsigned events)
{
	struct front_listener *l = ctx;

	(void)events;
	for (int i = 0; i < ACCEPT_BATCH_MAX; i++) {
		const int new =
		    accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (new >= 0) {
			greet(l, new);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS)
			pause_listening(l->front);
		if (errno != ECONNABORTED && errno != EINTR)
			break;
	}
}

int
front_listen(struct front *f, enum listener_kind kind, int fd, struct err *e)
{
	AUTO_FD int own = fd;
	struct front_listener *l;
	int r;

	if (f->listener_count == LISTENERS_MAX)
		return err_set(e, ERR_LIMIT, "too many listeners");
	if (kind != LISTENER_AGENT && kind != LISTENER_APPROVER &&
	    kind != LISTENER_TCP)
		return err_set(e, ERR_INVALID, "listener of an unknown kind");
	l = &f->listeners[f->listener_count];
	*l = (struct front_listener){ .front = f, .kind = kind, .fd = fd };
	r = loop_fd(f->loop, fd, LOOP_READ, on_listener, l, e);
	if (r != 0)
		return r;
	f->listener_count++;
	(void)TAKE_FD(own);
	return ERR_OK;
}

/* ---- refusals are recorded --------------------------------------------- */

/* Twenty at once, then one a second: a log that anybody can fill is none. */
static bool
may_record(struct front *f)
{
	const int64_t now = loop_now_ns();
	const int64_t more = (now - f->refused_ns) / NS_PER_S;

	if (more > 0) {
		f->refused_left = more > REFUSALS_MAX - f->refused_left
		    ? REFUSALS_MAX
		    : f->refused_left + (unsigned)more;
		f->refused_ns = now;
	}
	if (f->refused_left == 0) {
		f->refused_lost++;
		return false;
	}
	f->refused_left--;
	return true;
}

static char *
path_shown(const struct request *rq, struct arena *a)
{
	const struct str path = guard_span(rq->bytes, rq->guard->head.path);

	return arena_strndup(a, path.s, str_head(path, 256).len);
}

void
front_record_refusal(
    struct front *f, const struct request *rq, const struct refusal *why)
{
	AUTO(arena_freep) struct arena *a = arena_new(16384);
	const enum http_method m = rq->guard->head.method;
	struct env_var fields[4];
	struct call call = {
		.route = ROUTE_REFUSED,
		.uid = rq->peer->uid,
		.gid = rq->peer->gid,
		.pid = rq->peer->pid,
		.wait_ms = -1,
		.fields = fields,
		.field_count = ARRAY_LEN(fields),
	};
	char lost[16];

	if (a == NULL || f->engine == NULL || !may_record(f))
		return;
	(void)snprintf(lost, sizeof(lost), "%u", f->refused_lost);
	f->refused_lost = 0;
	fields[0] = (struct env_var){ arena_strdup(a, "reason"),
		arena_strdup(a, why->code) };
	fields[1] = (struct env_var){ arena_strdup(a, "method"),
		arena_strdup(a, http_method_name(m)) };
	fields[2] =
	    (struct env_var){ arena_strdup(a, "path"), path_shown(rq, a) };
	fields[3] = (struct env_var){ arena_strdup(a, "not_recorded"), lost };
	if (!arena_failed(a))
		(void)front_call(f, NULL, &call);
}

/* ---- life -------------------------------------------------------------- */

int
front_new(struct loop *l, uid_t owner, struct front **ret, struct err *e)
{
	struct front *f = mem_new(1, sizeof(*f));
	int r;

	if (f == NULL)
		return err_nomem(e);
	f->loop = l;
	f->owner = owner;
	f->refused_left = REFUSALS_MAX;
	f->refused_ns = loop_now_ns();
	f->record = (struct buf)BUF_INIT(ACTION_BYTES_MAX * 2);
	f->call = (struct buf)BUF_INIT(IPC_PAYLOAD_MAX);
	f->openapi = (struct buf)BUF_INIT(OPENAPI_BYTES_MAX);
	f->deadlines = (struct deadlines){
		.loop = l,
		.fn = client_deadline,
		.period_ms = {
		    [DEADLINE_IDLE] = HTTP_IDLE_MS,
		    [DEADLINE_REQUEST] = HTTP_REQUEST_DEADLINE_MS,
		    [DEADLINE_ENGINE] = ENGINE_MS,
		    [DEADLINE_CLIENT] = HTTP_STALL_MS,
		    [DEADLINE_LINGER] = HTTP_LINGER_MS,
		    [DEADLINE_STREAM] = HTTP_SIGN_OF_LIFE_MS,
		},
	};
	if (getrandom(&f->boot, sizeof(f->boot), 0) != sizeof(f->boot)) {
		r = err_sys(e, "cannot get random bytes");
		front_free(f);
		return r;
	}
	r = mcp_hub_new(f, &mcp_assent, &f->mcp, e);
	if (r == 0)
		r = link_daemon(f, e);
	if (r != 0) {
		front_free(f);
		return r;
	}
	*ret = f;
	return ERR_OK;
}

void
front_free(struct front *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->client_cap; i++) {
		if (f->clients[i] != NULL)
			client_close(f->clients[i]);
	}
	for (size_t i = 0; i < f->listener_count; i++) {
		loop_forget(f->loop, f->listeners[i].fd);
		fd_closep(&f->listeners[i].fd);
	}
	link_daemon_stop(f);
	mcp_hub_free(f->mcp);
	deadlines_done(&f->deadlines);
	ipc_freep(&f->engine);
	tokens_free(f->tokens);
	free(f->clients);
	free(f->uids);
	buf_free(&f->record);
	buf_free(&f->call);
	buf_free(&f->openapi);
	free(f);
}
