/*
 * The proxy of one run: its launcher's messages, its listeners, its end.
 * Runs in: assent-proxy.  Trusts: the launcher's messages as far as their
 * table and their records go.  Owns: everything of the proxy.
 */
#include "proxy.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fdio.h"
#include "base/log.h"
#include "confined.h"
#include "conn.h"

#define ARENA_BYTES_MAX ((size_t)4 << 20)
#define MESSAGE_ARENA_BYTES ((size_t)64 << 10)
#define READY_BYTES_MAX 64
#define ACCEPT_MAX 64
#define PAUSE_MS 50
#define REFILL_MS 20
/* What the launcher has not taken yet: until it has, nobody else comes. */
#define EVENTS_QUEUED_MAX ((size_t)4 << 20)
/* Being told no takes a moment, in which the place is not free. */
#define LEAVING_MAX 64

/* ---- to the launcher --------------------------------------------------- */

static int
tell(struct proxy *p, uint16_t type, const struct buf *b)
{
	struct err e = ERR_INIT;
	int r = buf_done(b, &e);

	if (r == 0)
		r = ipc_send(p->link, type, buf_str(b), -1, &e);
	return r;
}

/* What cannot be reported does not go on. */
void
proxy_event(struct proxy *p, const struct proxy_event *ev)
{
	AUTO_BUF struct buf b = BUF_INIT(PROXY_MESSAGE_BYTES);

	proxy_event_put(&b, ev);
	if (tell(p, PL_EVENT, &b) != 0)
		loop_stop(p->loop);
}

static int
send_question(void *ctx, const struct proxy_ask *a)
{
	AUTO_BUF struct buf b = BUF_INIT(PROXY_MESSAGE_BYTES);

	proxy_ask_put(&b, a);
	return tell(ctx, PL_ASK, &b);
}

/* ---- listeners --------------------------------------------------------- */

static void watch_listeners(struct proxy *p, bool wanted);

static void
on_pause_over(void *ctx)
{
	struct proxy *p = ctx;

	p->paused = NULL;
	watch_listeners(p, true);
}

void
proxy_pause(struct proxy *p)
{
	watch_listeners(p, false);
	if (p->paused == NULL &&
	    loop_after(p->loop, PAUSE_MS, on_pause_over, p, &p->paused, NULL) !=
		0)
		loop_stop(p->loop);
}

static bool
is_full(const struct proxy *p)
{
	return p->conn_count >= p->policy.limits.connections + LEAVING_MAX ||
	    ipc_queued(p->link) > EVENTS_QUEUED_MAX;
}

static void
accept_some(struct proxy *p, struct listener *l)
{
	for (int i = 0; i < ACCEPT_MAX; i++) {
		const int fd = is_full(p)
		    ? -2
		    : accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0)
			conn_open(p, l->kind, fd);
		else if (fd == -2 || errno == EMFILE || errno == ENFILE ||
		    errno == ENOMEM || errno == ENOBUFS)
			proxy_pause(p);
		if (fd < 0)
			return;
	}
}

static void
on_listener_ready(void *ctx, int fd, unsigned events)
{
	struct listener *l = ctx;

	if (l->kind == PROXY_DNS_UDP)
		name_service_udp(l->proxy, fd);
	else if ((events & LOOP_READ) != 0)
		accept_some(l->proxy, l);
	else
		proxy_pause(l->proxy);
}

static void
watch_listeners(struct proxy *p, bool wanted)
{
	for (size_t i = 0; i < p->listener_count; i++) {
		struct listener *l = &p->listeners[i];

		if (l->watched == wanted)
			continue;
		if (!wanted)
			loop_forget(p->loop, l->fd);
		else if (loop_fd(p->loop, l->fd, LOOP_READ, on_listener_ready,
			     l, NULL) != 0)
			continue;
		l->watched = wanted;
	}
}

/* ---- from the launcher ------------------------------------------------- */

static int
report_ready(struct proxy *p, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(READY_BYTES_MAX);
	struct confine_report report;
	int r = confined_enter(&report, e);

	if (r != 0)
		return r;
	confine_report_put(&b, &report);
	r = tell(p, PL_READY, &b);
	return r == 0 ? 0 : err_set(e, (enum err_code)r, "cannot report");
}

static void
use_policy(struct proxy *p)
{
	const struct net_limits *l = &p->policy.limits;

	p->tools.meter = (struct meter){ .up_max = l->bytes_up,
		.down_max = l->bytes_down,
		.per_second = l->bytes_per_second };
	p->asks = (struct asks){ .loop = p->loop,
		.send = send_question,
		.ctx = p,
		.max = l->asks,
		.wait_ms = l->ask_ms };
}

static int
on_start(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct proxy *p = ctx;
	struct rec rec = rec_of(m->payload);
	int r = net_policy_get(&rec, p->arena, &p->policy, e);

	if (r == 0)
		r = rec_done(&rec, e);
	if (r != 0)
		return r;
	use_policy(p);
	p->started = true;
	return report_ready(p, e);
}

static int
check_listener(const struct proxy *p, unsigned kind, int fd, struct err *e)
{
	int type = 0;
	socklen_t len = sizeof(type);

	if (!p->started || p->stopping)
		return err_set(e, ERR_INTERNAL, "a listener at a wrong time");
	if (kind == PROXY_LISTENER_INVALID || kind > PROXY_LISTENER_LAST ||
	    p->listener_count == PROXY_LISTENERS_MAX)
		return err_set(
		    e, ERR_INTERNAL, "unknown or too many listeners");
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
	    (type == SOCK_DGRAM) != (kind == PROXY_DNS_UDP))
		return err_set(e, ERR_INTERNAL, "a listener of another kind");
	return ERR_OK;
}

/*
 * Between a run and us lies memory: there is no congestion to look out for,
 * and where the system's own way (bbr) paces what is sent, timers would take
 * half of the time. Connections have it from their listener.
 */
static void
do_not_pace(int fd)
{
	static const char simple[] =
	    "reno"; /* in every kernel, for everybody */

	(void)setsockopt(
	    fd, IPPROTO_TCP, TCP_CONGESTION, simple, sizeof(simple) - 1);
}

static int
on_listener(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct proxy *p = ctx;
	struct rec rec = rec_of(m->payload);
	const unsigned kind = rec_u8(&rec);
	struct listener *l;
	int r = rec_done(&rec, e);

	if (r == 0)
		r = check_listener(p, kind, m->fd, e);
	if (r == 0)
		r = fdio_nonblock(m->fd, e);
	if (r != 0)
		return r;
	do_not_pace(m->fd);
	l = &p->listeners[p->listener_count++];
	*l = (struct listener){ .proxy = p,
		.kind = (enum proxy_listener)kind,
		.fd = TAKE_FD(m->fd) };
	if (p->paused == NULL)
		watch_listeners(p, true);
	return ERR_OK;
}

static int
on_verdict(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(MESSAGE_ARENA_BYTES);
	struct proxy *p = ctx;
	struct rec rec = rec_of(m->payload);
	struct proxy_verdict v;
	int r;

	if (a == NULL)
		return err_nomem(e);
	if (!p->started)
		return err_set(e, ERR_INTERNAL, "an answer before the start");
	r = proxy_verdict_get(&rec, a, &v, e);
	if (r == 0)
		asks_verdict(&p->asks, &v);
	return r;
}

static int
on_broker(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct proxy *p = ctx;

	return inject_set(&p->inject, m->payload, TAKE_FD(m->fd), e);
}

static int
on_stop(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct proxy *p = ctx;

	(void)m;
	(void)e;
	p->stopping = true;
	watch_listeners(p, false);
	while (p->conns != NULL)
		conn_end(p->conns, "the run has ended");
	return ERR_OK;
}

static const struct ipc_row rows[] = {
	{ .type = LP_START,
	    .flags = IPC_ONCE,
	    .len_max = NET_POLICY_BYTES_MAX,
	    .handler = on_start },
	{ .type = LP_LISTENER,
	    .flags = IPC_FD,
	    .len_max = 1,
	    .handler = on_listener },
	{ .type = LP_BROKER,
	    .flags = IPC_FD | IPC_ONCE,
	    .len_max = PROXY_BROKER_BYTES,
	    .handler = on_broker },
	{ .type = LP_VERDICT,
	    .len_max = PROXY_MESSAGE_BYTES,
	    .handler = on_verdict },
	{ .type = LP_STOP, .flags = IPC_ONCE, .handler = on_stop },
};

static void
on_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct proxy *p = ctx;

	(void)i;
	p->failed = why != NULL;
	if (p->failed)
		log_err("refused", "reason=%s", why->msg);
	loop_stop(p->loop);
}

/* ---- the loop ---------------------------------------------------------- */

static void
on_refill(void *ctx)
{
	struct proxy *p = ctx;
	struct conn *next;

	p->refill = NULL;
	for (struct conn *c = p->conns; c != NULL; c = next) {
		next = c->next;
		if (!c->up.starved && !c->down.starved)
			continue;
		c->up.starved = false;
		c->down.starved = false;
		conn_pump(c);
		conn_watch(c);
	}
}

void
proxy_refill_later(struct proxy *p)
{
	if (p->refill == NULL &&
	    loop_after(p->loop, REFILL_MS, on_refill, p, &p->refill, NULL) != 0)
		loop_stop(p->loop);
}

static void
on_idle(void *ctx)
{
	struct proxy *p = ctx;

	conn_free_dead(p);
	if (p->stopping && ipc_queued(p->link) == 0)
		loop_stop(p->loop);
}

static void
proxy_done(struct proxy *p)
{
	while (p->conns != NULL) {
		p->conns->silent = true; /* nobody is there to hear it */
		conn_end(p->conns, NULL);
	}
	conn_free_dead(p);
	watch_listeners(p, false);
	for (size_t i = 0; i < p->listener_count; i++)
		fd_closep(&p->listeners[i].fd);
	inject_done(&p->inject);
	asks_done(&p->asks);
	resolver_free(p->resolver);
	names_done(&p->names);
	names_done(&p->denied);
	pipes_done(&p->tools.pipes);
	mem_freep(&p->tools.scratch);
	ipc_free(p->link);
	loop_cancel(p->loop, p->paused);
	loop_cancel(p->loop, p->refill);
	loop_free(p->loop);
	arena_free(p->arena);
}

static int
proxy_init(struct proxy *p, int link_fd, struct err *e)
{
	AUTO_FD int own = link_fd;
	int r;

	inject_init(&p->inject);
	p->arena = arena_new(ARENA_BYTES_MAX);
	p->tools.scratch = mem_new(FLOW_SCRATCH_BYTES, 1);
	if (p->arena == NULL || p->tools.scratch == NULL)
		return err_nomem(e);
	r = loop_new(&p->loop, e);
	if (r == 0)
		r = ipc_new(p->loop, TAKE_FD(own), "the launcher", rows,
		    ARRAY_LEN(rows), p, on_closed, &p->link, e);
	if (r == 0)
		r = resolver_new(p->loop, &p->resolver, e);
	if (r == 0)
		loop_idle(p->loop, on_idle, p);
	return r;
}

int
proxy_run(int link_fd, struct err *e)
{
	AUTO_FREE struct proxy *p = mem_new(1, sizeof(*p));
	int r;

	if (p == NULL)
		return err_nomem(e);
	r = proxy_init(p, link_fd, e);
	if (r == 0)
		r = loop_run(p->loop, e);
	if (r == 0 && p->failed)
		r = err_set(e, ERR_INTERNAL, "the launcher broke its promise");
	proxy_done(p);
	return r;
}
