/*
 * A handshake with one of the addresses that were checked.
 * Runs in: assent-proxy.  Trusts: nothing.  Owns: the socket until it is the
 * connection's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/num.h"
#include "conn.h"

#define NS_PER_MS 1000000
/* One address among several gets no more than this before the next. */
#define TRY_MS_MAX 3000

union address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t
to_sockaddr(const struct net_addr *a, uint16_t port, union address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (a->len == 4) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(port);
		memcpy(&ret->v4.sin_addr, a->bytes, a->len);
		return sizeof(ret->v4);
	}
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = htons(port);
	memcpy(&ret->v6.sin6_addr, a->bytes, a->len);
	return sizeof(ret->v6);
}

/*
 * An address that is this machine's own is the machine itself, however public
 * it looks. The kernel's route says so, without a packet.
 */
static bool
is_own(const struct net_addr *a)
{
	AUTO_FD int fd = -1;
	union address to, from;
	socklen_t len = to_sockaddr(a, 9, &to);

	fd = socket(to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &to.sa, len) != 0)
		return false; /* no way there at all */
	len = sizeof(from);
	if (getsockname(fd, &from.sa, &len) != 0)
		return true;
	if (a->len == 4)
		return memcmp(&from.v4.sin_addr, a->bytes, a->len) == 0;
	return memcmp(&from.v6.sin6_addr, a->bytes, a->len) == 0;
}

static void dial_next(struct conn *c, int error);

static void
drop_server(struct conn *c)
{
	if (c->server.fd >= 0)
		loop_forget(c->p->loop, c->server.fd);
	fd_closep(&c->server.fd);
	c->server = (struct watch){ .fd = -1, .mask = -1 };
}

static void
on_slow(void *ctx)
{
	struct conn *c = ctx;

	c->timer = NULL;
	drop_server(c);
	dial_next(c, ETIMEDOUT);
	conn_watch(c);
}

static void
set_deadline(struct conn *c)
{
	int64_t ms = (c->deadline_ns - loop_now_ns()) / NS_PER_MS;

	if (c->addr_next < c->addr_count && ms > TRY_MS_MAX)
		ms = TRY_MS_MAX;
	conn_set_timer(c, ms < 1 ? 1 : ms, on_slow);
}

static void
connected(struct conn *c)
{
	const int on = 1;

	(void)setsockopt(
	    c->server.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(
	    c->server.fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (c->to_upstream)
		upstream_greet(c);
	else
		conn_connected(c);
}

void
conn_on_server(void *ctx, int fd, unsigned events)
{
	struct conn *c = ctx;
	int error = 0;
	socklen_t len = sizeof(error);

	(void)events;
	switch (c->state) {
	case CONN_WAITING:
		if (c->greeted) {
			upstream_reply(c);
		} else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) !=
			0 ||
		    error != 0) {
			drop_server(c);
			dial_next(c, error);
		} else {
			connected(c);
		}
		break;
	case CONN_ANSWER:
		exchange_answer(c);
		break;
	case CONN_SNIFF:
	case CONN_RELAY:
		conn_pump(c);
		break;
	case CONN_HEAD:
	case CONN_REQUEST:
	case CONN_LAST_WORDS:
	case CONN_DEAD:
		break;
	}
	conn_watch(c);
}

static uint16_t
port_of(const struct conn *c)
{
	const struct str up = str_of(c->p->policy.upstream);
	uint64_t port = c->port;

	if (c->to_upstream)
		(void)num_parse_u64(
		    str_from(up, str_rfind(up, ':') + 1), 1, UINT16_MAX, &port);
	return (uint16_t)port;
}

/* 0, or the errno of a connect that did not even begin. */
static int
try_one(struct conn *c)
{
	union address to;
	const socklen_t len = to_sockaddr(&c->addr, port_of(c), &to);
	AUTO_FD int fd = socket(to.sa.sa_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);

	if (fd < 0)
		return errno;
	if (connect(fd, &to.sa, len) != 0 && errno != EINPROGRESS)
		return errno;
	if (loop_fd(c->p->loop, fd, LOOP_WRITE, conn_on_server, c, NULL) != 0)
		return ENOMEM;
	c->server = (struct watch){ .fd = TAKE_FD(fd), .mask = LOOP_WRITE };
	set_deadline(c);
	return 0;
}

static void
give_up(struct conn *c, int error)
{
	char text[NET_ADDR_TEXT_MAX];
	enum cause cause = CAUSE_UNREACHABLE;

	if (error == ECONNREFUSED)
		cause = CAUSE_REFUSED;
	else if (error == ETIMEDOUT)
		cause = CAUSE_TIMEOUT;
	net_addr_print(&c->addr, text);
	conn_refuse(c, cause, "cannot connect to %s:%u (%s): %s", c->host.name,
	    c->port, text, strerrordesc_np(error));
}

/* By a rule; other addresses get here where they are public, or where a name
 * may lead to a private one. */
static bool
is_named(const struct conn *c)
{
	const enum net_class class = net_addr_class(&c->addr);

	return net_policy_names_addr(&c->p->policy, &c->addr, c->port) ||
	    (class != NET_PUBLIC && c->host.is_addr) ||
	    (class != NET_PUBLIC && class != NET_PRIVATE &&
		class != NET_SHARED);
}

static bool
refuse_own(struct conn *c)
{
	char text[NET_ADDR_TEXT_MAX];

	if (c->to_upstream || is_named(c) || !is_own(&c->addr))
		return false;
	net_addr_print(&c->addr, text);
	conn_refuse(c, CAUSE_DENIED,
	    "host '%s': its address %s is this machine's own, which must be "
	    "named by a rule",
	    c->host.name, text);
	return true;
}

static void
dial_next(struct conn *c, int error)
{
	while (c->addr_next < c->addr_count) {
		c->addr = c->addrs[c->addr_next++];
		if (refuse_own(c))
			return;
		error = try_one(c);
		if (error == 0)
			return;
	}
	give_up(c, error);
}

void
conn_dial(struct conn *c)
{
	dial_next(c, EHOSTUNREACH);
}
