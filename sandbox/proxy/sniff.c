/*
 * The first bytes in a tunnel: do they speak of the host that was allowed?
 * Runs in: assent-proxy.  Trusts: nothing.  Owns: nothing.
 */
#include <string.h>

#include "conn.h"
#include "base/text.h"
#include "hello.h"
#include "idn.h"

#define HTTPS_PORT 443
#define METHOD_BYTES_MAX 32

static bool
wants_tls(const struct conn *c)
{
	return c->port == HTTPS_PORT ||
	    (c->ruling.rule != NULL && c->ruling.rule->protocol == NET_TLS);
}

/* The name in the hello is the host; with an address as the host it is a
 * name that may be reached by itself. */
static bool
name_agrees(struct conn *c, const char *name)
{
	struct net_host said;

	if (net_host_parse(str_of(name), &said, NULL) != 0)
		return false;
	if (!c->host.is_addr)
		return strcmp(said.name, c->host.name) == 0;
	return net_policy_match(&c->p->policy,
		   &(struct net_target){ &said, c->port, NET_TLS, STR_NONE })
		   .decision == NET_ALLOW;
}

static bool
hello_agrees(struct conn *c, const struct hello *h)
{
	const bool may_hide =
	    net_policy_may_hide(&c->p->policy, &c->host, c->port);
	AUTO_BUF struct buf name = BUF_INIT(1024);

	if (h->encrypted && !may_hide) {
		conn_refuse(c, CAUSE_DENIED,
		    "the TLS hello for %s has an encrypted part, which could "
		    "name another host",
		    c->host.name);
	} else if (!h->has_name && !c->host.is_addr) {
		conn_refuse(c, CAUSE_DENIED,
		    "the TLS hello for %s names no host", c->host.name);
	} else if (h->has_name && !name_agrees(c, h->name)) {
		text_escape(&name, str_of(h->name));
		conn_refuse(c, CAUSE_DENIED,
		    "the TLS hello names %.100s, the connection is for %s",
		    buf_cstr(&name), c->host.name);
	} else {
		return true;
	}
	return false;
}

static void
sniff_tls(struct conn *c)
{
	struct hello h;
	struct err e = ERR_INIT;
	const int r = hello_parse(buf_str(&c->in), &h, &e);

	c->protocol = NET_TLS;
	if (r < 0)
		conn_refuse(c, CAUSE_MALFORMED, "%s", e.msg);
	else if (r == 1 && hello_agrees(c, &h) && conn_recheck(c, NET_TLS))
		conn_relay(c);
	else if (r == 0 && c->client_eof)
		conn_end(c, "the client closed in its TLS hello");
	else if (r == 0 && c->in.len >= c->p->policy.limits.head_bytes)
		conn_refuse(c, CAUSE_TOO_LARGE, "the TLS hello is too long");
}

/* "METHOD target HTTP/1.1": 1 it is, -1 it cannot be, 0 more is needed. */
static int
looks_like_request(struct str in)
{
	size_t end, at = 0;

	/* Servers skip blank lines before a request. */
	while (in.len > 0 && (in.s[0] == '\r' || in.s[0] == '\n'))
		in = str_from(in, 1);
	if (in.len == 0)
		return 0;
	end = str_find(in, '\n');
	while (at < in.len &&
	    ((in.s[at] >= 'A' && in.s[at] <= 'Z') || in.s[at] == '-'))
		at++;
	if (at == 0 || at > METHOD_BYTES_MAX)
		return -1;
	if (at == in.len)
		return 0;
	if (in.s[at] != ' ')
		return -1;
	if (end == in.len)
		return 0;
	return str_search(str_head(in, end), STR(" HTTP/")) < end ? 1 : -1;
}

static void
sniff_request(struct conn *c)
{
	int r;

	c->protocol = NET_HTTP; /* a refusal is said in it */
	r = exchange_request(c);
	if (r == 0 && c->client_eof)
		conn_end(c, "the client closed in its request");
	else if (r == 0 && c->in.len >= c->p->policy.limits.head_bytes)
		conn_refuse(c, CAUSE_TOO_LARGE, "the request is too long");
	else if (r == 1 && conn_recheck(c, NET_HTTP))
		exchange_begin(c);
}

void
conn_sniff(struct conn *c)
{
	const struct str in = buf_str(&c->in);
	int request;

	if (in.len == 0 && c->client_eof) {
		conn_relay(c); /* it only listens */
		return;
	}
	if (in.len == 0)
		return;
	if (hello_is_tls(in)) {
		sniff_tls(c);
		return;
	}
	if (wants_tls(c)) {
		conn_refuse(c, CAUSE_DENIED,
		    "%s:%u takes TLS, and this is something else", c->host.name,
		    c->port);
		return;
	}
	request = looks_like_request(in);
	if (request == 0 && !c->client_eof &&
	    in.len < c->p->policy.limits.head_bytes)
		return;
	if (request == 1)
		sniff_request(c);
	else if (request == 0 && !c->client_eof)
		conn_refuse(c, CAUSE_TOO_LARGE, "the request is too long");
	else if (conn_recheck(c, NET_TCP))
		conn_relay(c);
}
