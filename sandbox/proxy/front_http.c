/*
 * CONNECT and absolute-form requests.
 * Runs in: assent-proxy.  Trusts: nothing.  Owns: nothing.
 */
#include "conn.h"
#include "http_head.h"

struct status {
	unsigned code;
	const char *text;
};

static const struct status statuses[] = {
	[CAUSE_DENIED] = { 403, "Forbidden" },
	[CAUSE_MALFORMED] = { 400, "Bad Request" },
	[CAUSE_TOO_LARGE] = { 431, "Request Header Fields Too Large" },
	[CAUSE_SLOW] = { 408, "Request Timeout" },
	[CAUSE_UNSUPPORTED] = { 501, "Not Implemented" },
	[CAUSE_BUSY] = { 503, "Service Unavailable" },
	[CAUSE_NO_NAME] = { 502, "Bad Gateway" },
	[CAUSE_UNREACHABLE] = { 502, "Bad Gateway" },
	[CAUSE_REFUSED] = { 502, "Bad Gateway" },
	[CAUSE_TIMEOUT] = { 504, "Gateway Timeout" },
	[CAUSE_BAD_ANSWER] = { 502, "Bad Gateway" },
};

void
front_http_refusal(enum cause cause, const char *why, struct buf *out)
{
	const struct status *s = &statuses[cause];

	buf_printf(out,
	    "HTTP/1.1 %u %s\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Length: %zu\r\n"
	    "Cache-Control: no-store\r\n"
	    "Connection: close\r\n"
	    "\r\n"
	    "assent: %s\n",
	    s->code, s->text, strlen(why) + strlen("assent: \n"), why);
}

static enum front_result
take_connect(struct conn *c, const struct http_head *h)
{
	struct err e = ERR_INIT;

	if (h->body != HTTP_BODY_NONE) {
		conn_refuse(c, CAUSE_MALFORMED, "CONNECT does not have a body");
		return FRONT_OVER;
	}
	if (http_authority_parse(h->target, 0, &c->host, &c->port, &e) != 0) {
		conn_refuse(c, CAUSE_MALFORMED, "%s", e.msg);
		return FRONT_OVER;
	}
	buf_consume(&c->in, h->bytes);
	return FRONT_READY;
}

static enum front_result
http_read(struct conn *c)
{
	struct http_head h;
	struct err e = ERR_INIT;
	const int r = http_request_parse(buf_str(&c->in), &h, &e);

	if (r == 0)
		return FRONT_MORE;
	if (r < 0) {
		conn_refuse(c,
		    r == ERR_LIMIT ? CAUSE_TOO_LARGE : CAUSE_MALFORMED, "%s",
		    e.msg);
		return FRONT_OVER;
	}
	if (str_eqz(h.method, "CONNECT"))
		return take_connect(c, &h);
	return exchange_request(c) == 1 ? FRONT_READY : FRONT_OVER;
}

static void
http_welcome(struct conn *c, struct buf *out)
{
	(void)c;
	buf_puts(out, "HTTP/1.1 200 Connection established\r\n\r\n");
}

static void
http_refuse(struct conn *c, enum cause cause, const char *why, struct buf *out)
{
	(void)c;
	front_http_refusal(cause, why, out);
}

const struct front front_http = {
	.read = http_read,
	.welcome = http_welcome,
	.refuse = http_refuse,
};
