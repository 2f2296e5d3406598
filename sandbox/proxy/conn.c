/*
 * The life of one connection; its end is one event.
 * Runs in: assent-proxy.  Trusts: nothing that either side sends.  Owns: both
 * sockets, what was read and not passed on.
 */
#include "conn.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define NS_PER_MS 1000000
/* A client that was told no may read that before its socket is reset. */
#define LAST_WORDS_MS 2000
#define HELD_WORDS_MAX 1024

static void on_client(void *ctx, int fd, unsigned events);

/* ---- watching ---------------------------------------------------------- */

static void
set_watch(struct conn *c, struct watch *w, loop_fn *fn, int mask)
{
	int r = 0;

	if (w->fd < 0 || w->mask == mask)
		return;
	/* Without any interest a hang-up would be reported for ever. */
	if (mask < 0)
		loop_forget(c->p->loop, w->fd);
	else if (w->mask < 0)
		r = loop_fd(c->p->loop, w->fd, (unsigned)mask, fn, c, NULL);
	else
		r = loop_change(c->p->loop, w->fd, (unsigned)mask, NULL);
	w->mask = mask;
	if (r != 0) {
		w->mask = -1;
		conn_end(c, "memory is short");
	}
}

static int
mask_of(bool reads, bool writes)
{
	return (reads ? (int)LOOP_READ : 0) | (writes ? (int)LOOP_WRITE : 0);
}

static int
or_nothing(int mask)
{
	return mask == 0 ? -1 : mask;
}

static bool
has_room(const struct conn *c)
{
	return !c->client_eof && c->in.len < c->p->policy.limits.head_bytes;
}

void
conn_watch(struct conn *c)
{
	const bool down = flow_writes(&c->down);
	int client = -1, server = -1;

	switch (c->state) {
	case CONN_HEAD:
	case CONN_REQUEST:
		client = mask_of(true, down);
		break;
	case CONN_WAITING:
		client = mask_of(has_room(c), down);
		server = c->server.mask; /* dial.c's */
		break;
	case CONN_SNIFF:
		client = or_nothing(mask_of(has_room(c), down));
		server = or_nothing(mask_of(flow_reads(&c->down), false));
		break;
	case CONN_ANSWER:
		client = or_nothing(mask_of(flow_reads(&c->up), down));
		server = mask_of(true, flow_writes(&c->up));
		break;
	case CONN_RELAY:
		client = or_nothing(mask_of(flow_reads(&c->up), down));
		server = or_nothing(
		    mask_of(flow_reads(&c->down), flow_writes(&c->up)));
		break;
	case CONN_LAST_WORDS:
		client = mask_of(!down, down);
		break;
	case CONN_DEAD:
		return;
	}
	set_watch(c, &c->server, conn_on_server, server);
	if (c->state != CONN_DEAD)
		set_watch(c, &c->client, on_client, client);
}

void
conn_set_timer(struct conn *c, int64_t ms, loop_timer_fn *fn)
{
	loop_cancel(c->p->loop, TAKE_PTR(c->timer));
	if (ms > 0 && loop_after(c->p->loop, ms, fn, c, &c->timer, NULL) != 0)
		conn_end(c, "memory is short");
}

/* ---- the end ----------------------------------------------------------- */

static const char *
by_whom(const struct conn *c)
{
	if (c->who[0] != '\0')
		return c->who;
	return c->ruling.rule == NULL ? NULL : c->ruling.rule->id;
}

static void
report(struct conn *c)
{
	char address[NET_ADDR_TEXT_MAX] = "";

	if (c->reported || c->silent)
		return;
	c->reported = true;
	if (c->addr.len > 0)
		net_addr_print(&c->addr, address);
	proxy_event(c->p,
	    &(struct proxy_event){
		.allow = c->allowed,
		.host = c->host.name[0] == '\0' ? NULL : c->host.name,
		.port = c->port,
		.address = address[0] == '\0' ? NULL : address,
		.protocol = c->protocol,
		.bytes_up = c->up.bytes,
		.bytes_down = c->down.bytes,
		.ms = (loop_now_ns() - c->began_ns) / NS_PER_MS,
		.method = c->method[0] == '\0' ? NULL : c->method,
		.by = by_whom(c),
		.reason = c->reason[0] == '\0' ? NULL : c->reason,
		.limit = c->limited ? meter_limit(&c->p->tools.meter) : c->met,
	    });
}

static void
close_watch(struct conn *c, struct watch *w)
{
	if (w->fd >= 0)
		loop_forget(c->p->loop, w->fd);
	w->mask = -1;
	fd_closep(&w->fd);
	w->fd = -1;
}

static void
set_reason(struct conn *c, const char *why)
{
	if (why != NULL && c->reason[0] == '\0')
		(void)snprintf(c->reason, sizeof(c->reason), "%s", why);
}

static void
let_go(struct conn *c)
{
	asks_cancel(&c->ask);
	resolver_cancel(&c->name);
	loop_cancel(c->p->loop, TAKE_PTR(c->timer));
	close_watch(c, &c->server);
}

void
conn_end(struct conn *c, const char *why)
{
	struct proxy *p = c->p;

	if (c->state == CONN_DEAD)
		return;
	set_reason(c, why);
	report(c);
	let_go(c);
	close_watch(c, &c->client);
	c->state = CONN_DEAD;
	*c->at = c->next;
	if (c->next != NULL)
		c->next->at = c->at;
	c->next = p->dead;
	p->dead = c;
	p->conn_count--;
}

void
conn_free_dead(struct proxy *p)
{
	while (p->dead != NULL) {
		AUTO_FREE struct conn *c = p->dead;

		p->dead = c->next;
		flow_done(&c->up);
		flow_done(&c->down);
		buf_free(&c->in);
		buf_free(&c->request);
		buf_free(&c->reply);
	}
}

static void
on_silence(void *ctx)
{
	struct conn *c = ctx;

	c->timer = NULL;
	conn_end(c, NULL);
}

/* Written, then the other side is drained, so that no reset takes the words
 * away before they were read. */
static void
say_last_words(struct conn *c)
{
	struct err e = ERR_INIT;
	char drained[4096];
	ssize_t n = 1;

	if (flow_pump(&c->down, loop_now_ns(), &e) != 0) {
		conn_end(c, NULL);
		return;
	}
	if (flow_writes(&c->down))
		return;
	if (!c->down.shut)
		(void)shutdown(c->client.fd, SHUT_WR);
	c->down.shut = true;
	for (int i = 0; i < 16 && n > 0; i++)
		n = recv(c->client.fd, drained, sizeof(drained), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		conn_end(c, NULL);
}

void
conn_last_words(struct conn *c)
{
	let_go(c);
	report(c);
	c->state = CONN_LAST_WORDS;
	c->down.from = -1;
	c->down.to = c->client.fd;
	c->down.frame = http_frame_to_end();
	conn_set_timer(c, LAST_WORDS_MS, on_silence);
	if (c->state == CONN_LAST_WORDS)
		say_last_words(c);
	conn_watch(c);
}

/* What can be said inside of a tunnel, in the language that is spoken. */
static void
refuse_inside(struct conn *c, enum cause cause, struct buf *out)
{
	/* fatal, access_denied */
	static const char alert[] = "\x15\x03\x03\x00\x02\x02\x31";

	if (c->protocol == NET_HTTP)
		front_http_refusal(cause, c->reason, out);
	else if (c->protocol == NET_TLS && c->down.bytes == 0)
		buf_put(out, alert, sizeof(alert) - 1);
}

void
conn_refuse(struct conn *c, enum cause cause, const char *fmt, ...)
{
	AUTO_BUF struct buf out = BUF_INIT(HELD_WORDS_MAX);
	char why[PROXY_REASON_MAX];
	va_list ap;

	if (c->state == CONN_DEAD || c->state == CONN_LAST_WORDS)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	set_reason(c, why);
	if (cause < CAUSE_NO_NAME)
		c->allowed = false;
	if (c->welcomed)
		refuse_inside(c, cause, &out);
	else
		c->front->refuse(c, cause, c->reason, &out);
	conn_say(c, buf_str(&out));
	conn_last_words(c);
}

void
conn_say(struct conn *c, struct str words)
{
	c->down.to = c->client.fd;
	(void)flow_put(&c->down, words, NULL);
	if (c->down.from < 0 && flow_pump(&c->down, 0, NULL) != 0)
		c->client_eof = true;
}

/* ---- reading ----------------------------------------------------------- */

static void
on_slow_head(void *ctx)
{
	struct conn *c = ctx;

	c->timer = NULL;
	if (c->in.len == 0)
		conn_end(c, "the client said nothing");
	else
		conn_refuse(c, CAUSE_SLOW, "the request was not whole in %u ms",
		    c->p->policy.limits.head_ms);
}

/* Into c->in, up to the size of a head. */
static void
read_client(struct conn *c)
{
	const size_t max = c->p->policy.limits.head_bytes;
	const size_t room = c->in.len < max ? max - c->in.len : 0;
	const bool first = c->in.len == 0;
	ssize_t n;

	if (c->client_eof || room == 0)
		return;
	n = recv(c->client.fd, c->p->tools.scratch,
	    room < FLOW_SCRATCH_BYTES ? room : FLOW_SCRATCH_BYTES,
	    MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		conn_end(c, "the client went away");
		return;
	}
	c->client_eof = n == 0;
	buf_put(&c->in, c->p->tools.scratch, (size_t)n);
	if (buf_done(&c->in, NULL) != 0)
		conn_end(c, "memory is short");
	else if (first && n > 0 && c->state <= CONN_REQUEST)
		conn_set_timer(c, c->p->policy.limits.head_ms, on_slow_head);
}

static void
more_wanted(struct conn *c)
{
	if (c->client_eof)
		conn_end(c, "the client closed before it had asked");
	else if (c->in.len >= c->p->policy.limits.head_bytes)
		conn_refuse(c, CAUSE_TOO_LARGE,
		    "the head of the request is longer than %u bytes",
		    c->p->policy.limits.head_bytes);
}

/* In a tunnel to a port of plain requests: what is asked for decides. */
void
conn_read_request(struct conn *c)
{
	int r;

	c->state = CONN_REQUEST;
	if (c->in.len > 0 && c->timer == NULL)
		conn_set_timer(c, c->p->policy.limits.head_ms, on_slow_head);
	c->protocol = NET_HTTP;
	r = exchange_request(c);
	if (r == 1)
		conn_decide(c);
	else if (r == 0)
		more_wanted(c);
}

static void
welcome(struct conn *c)
{
	AUTO_BUF struct buf out = BUF_INIT(HELD_WORDS_MAX);

	if (c->welcomed)
		return;
	c->welcomed = true;
	c->front->welcome(c, &out);
	conn_say(c, buf_str(&out));
}

/* Who is wanted is known. Where no request could be allowed none is read. */
static void
ready(struct conn *c)
{
	if (c->plain || !conn_expects_requests(c) ||
	    !net_policy_knows_name(&c->p->policy, &c->host)) {
		conn_decide(c);
		return;
	}
	welcome(c);
	conn_read_request(c);
}

static void
read_head(struct conn *c)
{
	switch (c->front->read(c)) {
	case FRONT_MORE:
		more_wanted(c);
		break;
	case FRONT_READY:
		ready(c);
		break;
	case FRONT_OVER:
		break;
	}
}

/* ---- flowing ----------------------------------------------------------- */

static void
end_idle(struct conn *c)
{
	c->met = PROXY_LIMIT_IDLE;
	if (c->state == CONN_ANSWER)
		conn_refuse(c, CAUSE_TIMEOUT,
		    "the server did not answer in %u ms",
		    c->p->policy.limits.idle_ms);
	else
		conn_end(c, "nothing moved for too long");
}

static void
on_idle(void *ctx)
{
	struct conn *c = ctx;
	const int64_t limit = c->p->policy.limits.idle_ms;
	const int64_t idle = (loop_now_ns() - c->moved_ns) / NS_PER_MS;

	c->timer = NULL;
	if (idle < limit)
		conn_set_timer(c, limit - idle, on_idle);
	else
		end_idle(c);
}

static bool
is_over(struct conn *c)
{
	if (c->plain)
		return flow_ended(&c->down);
	return flow_ended(&c->up) && flow_ended(&c->down);
}

/* A server that takes no more may have said why before that: it is heard to
 * its end, and the client is told. */
static int
pump_up(struct conn *c, int64_t now, struct err *e)
{
	const int r = flow_pump(&c->up, now, e);

	if (r == 0 || !c->up.broken)
		return r;
	set_reason(c, e->msg);
	flow_stop(&c->up);
	return ERR_OK;
}

/* Whatever was read of the server goes to the client; then it is over. */
static int
pump_down(struct conn *c, int64_t now, struct err *e)
{
	const int r = flow_pump(&c->down, now, e);

	if (r == 0 || c->down.broken)
		return r;
	set_reason(c, e->msg);
	conn_last_words(c);
	return ERR_OK;
}

void
conn_pump(struct conn *c)
{
	const uint64_t before = c->up.bytes + c->down.bytes;
	const int64_t now = loop_now_ns();
	struct err e = ERR_INIT;
	const char *over;
	int r;

	r = pump_up(c, now, &e);
	if (r == 0)
		r = pump_down(c, now, &e);
	if (c->up.bytes + c->down.bytes != before)
		c->moved_ns = now;
	over = meter_over(&c->p->tools.meter);
	c->limited = c->limited || over != NULL;
	if (over != NULL)
		conn_end(c, over);
	else if (r != 0)
		conn_end(c, e.msg);
	else if (c->state == CONN_RELAY && is_over(c) &&
	    (c->plain || c->up.broken))
		conn_last_words(c);
	else if (c->state == CONN_RELAY && is_over(c))
		conn_end(c, NULL);
	if (c->up.starved || c->down.starved)
		proxy_refill_later(c->p);
}

void
conn_relay(struct conn *c)
{
	struct err e = ERR_INIT;

	c->state = CONN_RELAY;
	c->up.shuts = true;
	c->up.from = c->client.fd;
	if (flow_feed(&c->up, buf_str(&c->in), &e) != 0) {
		conn_end(c, e.msg);
		return;
	}
	buf_free(&c->in);
	conn_pump(c);
}

/* Where the run has a credential for the host, the broker is the server. */
static bool
put_broker(struct conn *c)
{
	const struct net_rule *rule = c->ruling.rule;
	struct err e = ERR_INIT;
	struct inject_call call = {
		.host = c->host.name,
		.port = c->port,
		.tls = !c->plain,
	};

	call.credential = rule != NULL && rule->inject != NULL
	    ? rule->inject
	    : inject_find(&c->p->inject, call.host, call.port);
	if (call.credential == NULL)
		return true;
	set_watch(c, &c->server, conn_on_server, -1);
	if (inject_replace(&c->p->inject, &call, &c->server.fd, &e) == 0)
		return true;
	conn_refuse(c, CAUSE_DENIED, "%s", e.msg);
	return false;
}

void
conn_connected(struct conn *c)
{
	if (c->state == CONN_DEAD || !put_broker(c))
		return;
	c->up.to = c->server.fd;
	c->down.to = c->client.fd;
	c->moved_ns = loop_now_ns();
	conn_set_timer(c, c->p->policy.limits.idle_ms, on_idle);
	if (c->state == CONN_DEAD)
		return;
	if (c->plain) {
		exchange_begin(c);
		return;
	}
	welcome(c);
	c->down.from = c->server.fd;
	c->down.shuts = true; /* a server may speak and end first */
	if (conn_is_opaque(c)) {
		c->protocol = NET_TCP;
		conn_relay(c);
		return;
	}
	c->state = CONN_SNIFF;
	conn_sniff(c);
}

/* ---- events ------------------------------------------------------------ */

static void
turn(struct conn *c, unsigned events)
{
	switch (c->state) {
	case CONN_HEAD:
	case CONN_REQUEST:
		(void)flow_pump(&c->down, 0, NULL);
		read_client(c);
		if (c->state == CONN_HEAD)
			read_head(c);
		else if (c->state == CONN_REQUEST)
			conn_read_request(c);
		break;
	case CONN_WAITING:
		(void)flow_pump(&c->down, 0, NULL);
		if ((events & LOOP_HUP) != 0)
			conn_end(c, "the client went away");
		else
			read_client(c);
		break;
	case CONN_SNIFF:
		read_client(c);
		if (c->state == CONN_SNIFF)
			conn_sniff(c);
		if (c->state == CONN_SNIFF)
			conn_pump(c);
		break;
	case CONN_ANSWER:
	case CONN_RELAY:
		conn_pump(c);
		break;
	case CONN_LAST_WORDS:
		say_last_words(c);
		break;
	case CONN_DEAD:
		break;
	}
}

static void
on_client(void *ctx, int fd, unsigned events)
{
	struct conn *c = ctx;

	(void)fd;
	turn(c, events);
	conn_watch(c);
}

/* ---- the beginning ----------------------------------------------------- */

static void
begin(struct conn *c)
{
	const struct net_limits *l = &c->p->policy.limits;
	const char *over = meter_over(&c->p->tools.meter);
	enum front_result r = FRONT_MORE;

	conn_set_timer(c, l->idle_ms, on_slow_head);
	if (c->state == CONN_DEAD)
		return;
	if (c->p->conn_count > l->connections) {
		c->met = PROXY_LIMIT_CONNECTIONS;
		conn_refuse(c, CAUSE_BUSY,
		    "the run has %u connections at once, which is all that "
		    "it may",
		    l->connections);
		return;
	}
	if (over != NULL) {
		c->limited = true;
		conn_refuse(c, CAUSE_DENIED, "%s", over);
		return;
	}
	if (c->front->begin != NULL)
		r = c->front->begin(c);
	if (r == FRONT_READY)
		ready(c);
}

void
conn_open(struct proxy *p, enum proxy_listener kind, int fd)
{
	AUTO_FD int own = fd;
	const int on = 1;
	struct conn *c = mem_new(1, sizeof(*c));

	if (c == NULL)
		return;
	*c = (struct conn){ .p = p,
		.front = front_of(kind),
		.state = CONN_HEAD,
		.client = { .fd = TAKE_FD(own), .mask = -1 },
		.server = { .fd = -1, .mask = -1 },
		.in = BUF_INIT(2 * p->policy.limits.head_bytes),
		.request = BUF_INIT(2 * p->policy.limits.head_bytes),
		.reply = BUF_INIT(2 * p->policy.limits.head_bytes),
		.began_ns = loop_now_ns() };
	assert(c->front != NULL);
	flow_init(&c->up, &p->tools, true);
	flow_init(&c->down, &p->tools, false);
	c->down.to = c->client.fd;
	c->next = p->conns;
	c->at = &p->conns;
	if (c->next != NULL)
		c->next->at = &c->next;
	p->conns = c;
	p->conn_count++;
	(void)setsockopt(
	    c->client.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	begin(c);
	/* Most clients have spoken by the time that they are accepted. */
	if (c->state == CONN_HEAD)
		turn(c, LOOP_READ);
	conn_watch(c);
}
