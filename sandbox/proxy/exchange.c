/*
 * One plain HTTP request and its answer, both written anew; then the
 * connection is over, so that nothing can be taken for a second request.
 * Runs in: assent-proxy.  Trusts: nothing that either side sends.
 * Owns: nothing.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "conn.h"
#include "http_head.h"
#include "idn.h"

#define HTTP_PORT 80

/* The Host field says what the address (or the tunnel) says. */
static int
check_host(const struct http_head *h, const struct http_where *to,
    bool required, struct err *e)
{
	struct net_host said;
	uint16_t port;
	struct str text;
	const int r = http_head_only(h, "host", &text);

	if (r == ERR_NOTFOUND && !required)
		return ERR_OK;
	if (r != 0)
		return err_set(e, ERR_INVALID,
		    "malformed HTTP: it must have one Host field");
	if (http_authority_parse(text, HTTP_PORT, &said, &port, e) != 0)
		return err_wrap(e, ERR_INVALID, "its Host field");
	if (strcmp(said.name, to->host.name) != 0 || port != to->port)
		return err_set(e, ERR_DENIED,
		    "the Host field names %s:%u, the connection is for %s:%u",
		    said.name, port, to->host.name, to->port);
	return ERR_OK;
}

/* By proxy: http://host/path; in a tunnel: /path, as to the server. */
static int
parse_where(struct conn *c, const struct http_head *h, struct http_where *to,
    struct err *e)
{
	const bool in_tunnel = c->welcomed || c->front == &front_transparent;

	if (!in_tunnel)
		return http_absolute_parse(h->target, to, e);
	*to = (struct http_where){ .host = c->host, .port = c->port };
	if (str_eqz(h->target, "*") && str_eqz(h->method, "OPTIONS"))
		return ERR_OK;
	to->path = h->target;
	if (str_at(h->target, 0) != '/')
		return err_set(
		    e, ERR_INVALID, "malformed HTTP: its target is not a path");
	return ERR_OK;
}

static void
keep_request(
    struct conn *c, const struct http_head *h, const struct http_where *to)
{
	c->host = to->host;
	c->port = to->port;
	c->plain = true;
	c->protocol = NET_HTTP;
	c->to_head = str_eqz(h->method, "HEAD");
	memcpy(c->method, h->method.s, h->method.len);
	c->method[h->method.len] = '\0';
	c->request_frame = http_frame_of(h);
	http_request_write(&c->request, h, to);
	buf_consume(&c->in, h->bytes);
}

int
exchange_request(struct conn *c)
{
	struct http_head h;
	struct http_where to = { .port = 0 };
	struct err e = ERR_INIT;
	int r = http_request_parse(buf_str(&c->in), &h, &e);

	if (r == 0)
		return 0;
	if (r == 1)
		r = parse_where(c, &h, &to, &e);
	if (r == 0)
		r = check_host(&h, &to, c->welcomed || h.minor == 1, &e);
	if (r == 0) {
		keep_request(c, &h, &to);
		r = buf_done(&c->request, &e);
	}
	if (r == 0)
		return 1;
	conn_refuse(c,
	    r == ERR_DENIED      ? CAUSE_DENIED
		: r == ERR_LIMIT ? CAUSE_TOO_LARGE
				 : CAUSE_MALFORMED,
	    "%s", e.msg);
	return -1;
}

void
exchange_begin(struct conn *c)
{
	const char *over;
	struct err e = ERR_INIT;
	int r;

	c->state = CONN_ANSWER;
	c->welcomed = true;
	c->up.frame = c->request_frame;
	c->up.from = c->client.fd;
	c->up.to = c->server.fd;
	c->down.from = -1;
	c->down.shuts = false;
	r = flow_put_head(&c->up, buf_str(&c->request), &e);
	if (r == 0)
		r = flow_feed(&c->up, buf_str(&c->in), &e);
	/* It was read whole before it could be counted: none of it is sent. */
	over = meter_over(&c->p->tools.meter);
	if (over != NULL) {
		c->limited = true;
		conn_refuse(c, CAUSE_DENIED, "%s", over);
		return;
	}
	if (r != 0) {
		conn_refuse(c, CAUSE_MALFORMED, "%s", e.msg);
		return;
	}
	buf_free(&c->request);
	buf_free(&c->in);
	conn_pump(c);
}

/* ---- the answer -------------------------------------------------------- */

static bool
read_reply(struct conn *c)
{
	const size_t max = c->p->policy.limits.head_bytes;
	const size_t room = max - c->reply.len;
	const ssize_t n = recv(c->server.fd, c->p->tools.scratch,
	    room < FLOW_SCRATCH_BYTES ? room : FLOW_SCRATCH_BYTES,
	    MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		conn_refuse(c, CAUSE_BAD_ANSWER,
		    "%s:%u closed without a whole answer", c->host.name,
		    c->port);
		return false;
	}
	c->moved_ns = loop_now_ns();
	buf_put(&c->reply, c->p->tools.scratch, (size_t)n);
	return true;
}

static void
pass_head(struct conn *c, const struct http_head *h)
{
	AUTO_BUF struct buf out = BUF_INIT(c->reply.max);
	struct err e = ERR_INIT;
	int r;

	http_response_write(&out, h);
	r = buf_done(&out, &e);
	if (r == 0)
		r = flow_put_head(&c->down, buf_str(&out), &e);
	if (r != 0)
		conn_end(c, e.msg);
}

/* The last head: what follows is the body. */
static void
begin_body(struct conn *c, const struct http_head *h)
{
	const struct http_frame frame = http_frame_of(h);
	const size_t head_bytes = h->bytes;
	struct err e = ERR_INIT;

	pass_head(c, h);
	if (c->state == CONN_DEAD)
		return;
	buf_consume(&c->reply, head_bytes);
	c->down.frame = frame;
	c->down.from = c->server.fd;
	c->state = CONN_RELAY;
	if (flow_feed(&c->down, buf_str(&c->reply), &e) != 0) {
		conn_end(c, e.msg);
		return;
	}
	buf_free(&c->reply);
	conn_pump(c);
}

/* 1 when a head was dealt with and there may be another. */
static int
take_head(struct conn *c)
{
	struct http_head h;
	struct err e = ERR_INIT;
	const int r =
	    http_response_parse(buf_str(&c->reply), c->to_head, &h, &e);

	if (r < 0) {
		conn_refuse(c, CAUSE_BAD_ANSWER, "%s", e.msg);
	} else if (r == 0 && c->reply.len >= c->p->policy.limits.head_bytes) {
		conn_refuse(
		    c, CAUSE_BAD_ANSWER, "the head of the answer is too long");
	} else if (r == 1 && h.status == 101) {
		conn_refuse(c, CAUSE_BAD_ANSWER,
		    "the server changed the protocol unasked");
	} else if (r == 1 && h.status < 200) {
		pass_head(c, &h);
		buf_consume(&c->reply, h.bytes);
		return c->state == CONN_ANSWER && c->reply.len > 0;
	} else if (r == 1) {
		begin_body(c, &h);
	}
	return 0;
}

void
exchange_answer(struct conn *c)
{
	if (read_reply(c)) {
		while (c->state == CONN_ANSWER && take_head(c) == 1)
			continue;
	}
	if (c->state == CONN_ANSWER)
		conn_pump(c);
}
