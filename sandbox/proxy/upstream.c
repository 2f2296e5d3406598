/*
 * Through the HTTP proxy of a site: CONNECT, for every destination.
 * Runs in: assent-proxy.  Trusts: that proxy for where a name leads; nothing
 * that it says of itself.  Owns: nothing.
 */
#include <errno.h>
#include <sys/socket.h>

#include "conn.h"
#include "http_head.h"

void
upstream_greet(struct conn *c)
{
	AUTO_BUF struct buf out = BUF_INIT(1024);
	const bool v6 = c->host.is_addr && c->host.addr.len == 16;
	const char *open = v6 ? "[" : "", *close = v6 ? "]" : "";

	buf_printf(&out,
	    "CONNECT %s%s%s:%u HTTP/1.1\r\nHost: %s%s%s:%u\r\n\r\n", open,
	    c->host.name, close, c->port, open, c->host.name, close, c->port);
	/* A fresh socket takes this much. */
	if (send(c->server.fd, out.s, out.len, MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)out.len) {
		conn_refuse(
		    c, CAUSE_UNREACHABLE, "the upstream proxy takes nothing");
		return;
	}
	c->greeted = true;
	c->server.mask = LOOP_READ;
	if (loop_change(c->p->loop, c->server.fd, LOOP_READ, NULL) != 0)
		conn_end(c, "memory is short");
}

/* Byte by byte would be safe as well: what follows the head is the server's,
 * so no more than the head is taken from the socket. */
static int
peek_head(struct conn *c, struct http_head *h, struct err *e)
{
	const size_t max = c->p->policy.limits.head_bytes;
	const size_t room = max < FLOW_SCRATCH_BYTES ? max : FLOW_SCRATCH_BYTES;
	char *at = c->p->tools.scratch;
	const ssize_t n = recv(c->server.fd, at, room, MSG_PEEK | MSG_DONTWAIT);
	int r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return err_set(e, ERR_INVALID, "it closed the connection");
	r = http_response_parse(str_n(at, (size_t)n), true, h, e);
	if (r == 0 && (size_t)n == room)
		return err_set(e, ERR_LIMIT, "its answer is too long");
	return r;
}

void
upstream_reply(struct conn *c)
{
	struct http_head h;
	struct err e = ERR_INIT;
	const int r = peek_head(c, &h, &e);

	if (r == 0)
		return;
	if (r < 0) {
		conn_refuse(c, CAUSE_BAD_ANSWER, "upstream proxy: %s", e.msg);
		return;
	}
	if (h.status / 100 != 2) {
		conn_refuse(c, CAUSE_UNREACHABLE,
		    "the upstream proxy answered %u for %s:%u", h.status,
		    c->host.name, c->port);
		return;
	}
	(void)recv(c->server.fd, c->p->tools.scratch, h.bytes, MSG_DONTWAIT);
	conn_connected(c);
}
