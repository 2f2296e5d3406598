/*
 * SOCKS5: CONNECT by name and by address; BIND and UDP are refused.
 * Runs in: assent-proxy.  Trusts: nothing.  Owns: nothing.
 */
#include "conn.h"
#include "idn.h"
#include "socks.h"

enum socks_step {
	SOCKS_GREETING,
	SOCKS_REQUEST,
};

static enum front_result
refuse_greeting(struct conn *c, const char *why)
{
	c->silent = false;
	/* A client that speaks another version understands none of ours. */
	c->step = SOCKS_GREETING;
	conn_refuse(c, CAUSE_MALFORMED, "%s", why);
	return FRONT_OVER;
}

static enum front_result
read_greeting(struct conn *c)
{
	struct err e = ERR_INIT;
	bool no_auth = false;
	const int n = socks_greeting_parse(buf_str(&c->in), &no_auth, &e);

	if (n == 0)
		return FRONT_MORE;
	if (n < 0)
		return refuse_greeting(c, e.msg);
	buf_consume(&c->in, (size_t)n);
	if (!no_auth) {
		conn_say(c, STR("\x05\xff"));
		return refuse_greeting(
		    c, "the client wants to log in; nothing is needed here");
	}
	conn_say(c, str_n("\x05\x00", 2));
	c->step = SOCKS_REQUEST;
	return FRONT_READY;
}

static int
take_host(struct conn *c, const struct socks_request *q, struct err *e)
{
	if (q->port == 0)
		return err_set(e, ERR_INVALID, "its port is 0");
	c->port = q->port;
	if (q->addr_len == 0)
		return idn_host_parse(q->name, &c->host, e);
	c->host.is_addr = true;
	c->host.addr = net_addr_of(q->addr, q->addr_len);
	net_addr_print(&c->host.addr, c->host.name);
	return ERR_OK;
}

static enum front_result
take_request(struct conn *c, const struct socks_request *q)
{
	struct err e = ERR_INIT;

	if (take_host(c, q, &e) != 0 && q->command == SOCKS_CONNECT) {
		conn_refuse(c, CAUSE_MALFORMED, "%s", e.msg);
		return FRONT_OVER;
	}
	if (q->command == SOCKS_CONNECT)
		return FRONT_READY;
	if (q->command == SOCKS_UDP)
		c->protocol = NET_UDP;
	conn_refuse(c, CAUSE_UNSUPPORTED, "%s",
	    q->command == SOCKS_UDP
		? "UDP is not carried; use TCP"
		: "only CONNECT is offered, nothing from outside comes in");
	return FRONT_OVER;
}

static enum front_result
read_request(struct conn *c)
{
	struct socks_request q;
	struct err e = ERR_INIT;
	enum front_result got;
	const int n = socks_request_parse(buf_str(&c->in), &q, &e);

	if (n == 0)
		return FRONT_MORE;
	if (n < 0) {
		conn_refuse(c,
		    n == ERR_NOTFOUND ? CAUSE_UNSUPPORTED : CAUSE_MALFORMED,
		    "%s", e.msg);
		return FRONT_OVER;
	}
	got = take_request(c, &q); /* q.name points into c->in */
	if (got == FRONT_READY)
		buf_consume(&c->in, (size_t)n);
	return got;
}

static enum front_result
socks_read(struct conn *c)
{
	enum front_result r = FRONT_READY;

	if (c->step == SOCKS_GREETING)
		r = read_greeting(c);
	return r == FRONT_READY ? read_request(c) : r;
}

static void
reply(struct buf *out, enum socks_reply r)
{
	uint8_t bytes[SOCKS_REPLY_BYTES];

	socks_reply_write(r, bytes);
	buf_put(out, bytes, sizeof(bytes));
}

static void
socks_welcome(struct conn *c, struct buf *out)
{
	(void)c;
	reply(out, SOCKS_OK);
}

static const enum socks_reply replies[] = {
	[CAUSE_DENIED] = SOCKS_DENIED,
	[CAUSE_MALFORMED] = SOCKS_FAILED,
	[CAUSE_TOO_LARGE] = SOCKS_FAILED,
	[CAUSE_SLOW] = SOCKS_FAILED,
	[CAUSE_UNSUPPORTED] = SOCKS_BAD_COMMAND,
	[CAUSE_BUSY] = SOCKS_FAILED,
	[CAUSE_NO_NAME] = SOCKS_HOST_UNREACHABLE,
	[CAUSE_UNREACHABLE] = SOCKS_NET_UNREACHABLE,
	[CAUSE_REFUSED] = SOCKS_REFUSED,
	[CAUSE_TIMEOUT] = SOCKS_TIMED_OUT,
	[CAUSE_BAD_ANSWER] = SOCKS_FAILED,
};

static void
socks_refuse(struct conn *c, enum cause cause, const char *why, struct buf *out)
{
	const uint8_t kind = (uint8_t)str_at(buf_str(&c->in), 3);

	(void)why;
	if (c->step != SOCKS_REQUEST)
		return;
	if (cause == CAUSE_UNSUPPORTED && kind != 1 && kind != 3 && kind != 4)
		reply(out, SOCKS_BAD_ADDRESS);
	else
		reply(out, replies[cause]);
}

const struct front front_socks = {
	.read = socks_read,
	.welcome = socks_welcome,
	.refuse = socks_refuse,
};
