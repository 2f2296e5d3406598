/*
 * The run's name service: a name that may lead somewhere gets an address that
 * stands for it; nothing is looked up, nothing is sent on.
 * Runs in: assent-proxy.  Trusts: nothing.  Owns: nothing.
 */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "conn.h"
#include "dns.h"

#define ANSWER_BYTES_MAX 1024
/* At one wake-up. */
#define QUESTIONS_MAX 64
#define LENGTH_BYTES 2

static const struct net_addr loopback_v4 = {
	.len = 4,
	.bytes = { 127, 0, 0, 1 },
};

/* One event for each name, however often it is asked for. */
static void
report_denied(struct proxy *p, const char *name)
{
	const size_t before = p->denied.count;
	struct net_addr unused;

	if (before >= PROXY_REPORTED_NAMES_MAX ||
	    names_address(&p->denied, name, false, &unused) != 0 ||
	    p->denied.count == before)
		return;
	proxy_event(p,
	    &(struct proxy_event){ .host = name,
		.protocol = NET_DNS,
		.reason = "no rule allows anything with this name" });
}

static bool
is_localhost(const char *name)
{
	return strcmp(name, "localhost") == 0 ||
	    str_ends(str_of(name), STR(".localhost"));
}

static void
answer_address(struct proxy *p, const struct dns_query *q, const char *name,
    struct buf *out)
{
	const bool v6 =
	    q->type == DNS_AAAA && (p->policy.flags & NET_POLICY_NAMES_V6) != 0;
	struct net_addr addr;
	int r;

	if (q->type != DNS_A && !v6) {
		dns_answer_write(out, q, DNS_OK, NULL);
		return;
	}
	r = names_address(&p->names, name, v6, &addr);
	dns_answer_write(
	    out, q, r == 0 ? DNS_OK : DNS_FAILED, r == 0 ? &addr : NULL);
}

static void
answer(struct proxy *p, const struct dns_query *q, struct buf *out)
{
	struct net_host host;

	if (net_host_parse(str_of(q->name), &host, NULL) != 0 || host.is_addr) {
		dns_answer_write(out, q, DNS_NO_NAME, NULL);
	} else if (is_localhost(host.name)) {
		dns_answer_write(
		    out, q, DNS_OK, q->type == DNS_A ? &loopback_v4 : NULL);
	} else if (!net_policy_knows_name(&p->policy, &host)) {
		report_denied(p, host.name);
		dns_answer_write(out, q, DNS_NO_NAME, NULL);
	} else {
		answer_address(p, q, host.name, out);
	}
}

void
name_service_answer(struct proxy *p, struct str query, struct buf *out)
{
	struct dns_query q;
	bool answerable;

	if (dns_query_parse(query, &q, &answerable, NULL) == 0)
		answer(p, &q, out);
	else if (answerable)
		dns_answer_write(out, &q, DNS_FORMAT, NULL);
}

/* ---- datagrams --------------------------------------------------------- */

void
name_service_udp(struct proxy *p, int fd)
{
	for (int i = 0; i < QUESTIONS_MAX; i++) {
		AUTO_BUF struct buf out = BUF_INIT(ANSWER_BYTES_MAX);
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		char query[DNS_UDP_BYTES_MAX];
		const ssize_t n = recvfrom(fd, query, sizeof(query),
		    MSG_DONTWAIT, (struct sockaddr *)&from, &len);

		if (n < 0)
			return;
		name_service_answer(p, str_n(query, (size_t)n), &out);
		if (out.len > 0 && buf_done(&out, NULL) == 0)
			(void)sendto(fd, out.s, out.len,
			    MSG_DONTWAIT | MSG_NOSIGNAL,
			    (struct sockaddr *)&from, len);
	}
}

/* ---- connections ------------------------------------------------------- */

static enum front_result
dns_begin(struct conn *c)
{
	c->silent = true; /* denied names have events of their own */
	return FRONT_MORE;
}

static void
say_answer(struct conn *c, struct str query)
{
	AUTO_BUF struct buf out = BUF_INIT(ANSWER_BYTES_MAX);
	char length[LENGTH_BYTES];

	name_service_answer(c->p, query, &out);
	length[0] = (char)(out.len >> 8);
	length[1] = (char)out.len;
	if (out.len == 0 || buf_done(&out, NULL) != 0)
		return;
	conn_say(c, str_n(length, sizeof(length)));
	conn_say(c, buf_str(&out));
}

static enum front_result
dns_read(struct conn *c)
{
	for (;;) {
		const struct str in = buf_str(&c->in);
		const size_t len = (size_t)(uint8_t)str_at(in, 0) << 8 |
		    (uint8_t)str_at(in, 1);

		if (in.len >= LENGTH_BYTES && len > DNS_UDP_BYTES_MAX) {
			conn_end(c, NULL);
			return FRONT_OVER;
		}
		if (in.len < LENGTH_BYTES || in.len < LENGTH_BYTES + len)
			return FRONT_MORE;
		say_answer(c, str_n(in.s + LENGTH_BYTES, len));
		buf_consume(&c->in, LENGTH_BYTES + len);
	}
}

static void
dns_welcome(struct conn *c, struct buf *out)
{
	(void)c;
	(void)out;
}

static void
dns_refuse(struct conn *c, enum cause cause, const char *why, struct buf *out)
{
	(void)c;
	(void)cause;
	(void)why;
	(void)out;
}

const struct front front_dns = {
	.begin = dns_begin,
	.read = dns_read,
	.welcome = dns_welcome,
	.refuse = dns_refuse,
};
