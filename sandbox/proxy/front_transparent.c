/*
 * Programs that know of no proxy: the address they connected to inside of the
 * run says which name they meant.
 * Runs in: assent-proxy.  Trusts: the kernel for that address.  Owns: nothing.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "conn.h"

union address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int
read_local(int fd, struct net_addr *ret, uint16_t *ret_port)
{
	union address a = { .sa.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.sa, &len) != 0)
		return ERR_SYS;
	if (a.sa.sa_family == AF_INET) {
		*ret = net_addr_of((const uint8_t *)&a.v4.sin_addr, 4);
		*ret_port = ntohs(a.v4.sin_port);
	} else if (a.sa.sa_family == AF_INET6) {
		*ret = net_addr_of((const uint8_t *)&a.v6.sin6_addr, 16);
		*ret_port = ntohs(a.v6.sin6_port);
	} else {
		return ERR_INVALID;
	}
	return ERR_OK;
}

static enum front_result
transparent_begin(struct conn *c)
{
	struct net_addr addr;
	const char *name = NULL;

	if (read_local(c->client.fd, &addr, &c->port) == 0)
		name = names_find(&c->p->names, &addr);
	if (name == NULL || net_host_parse(str_of(name), &c->host, NULL) != 0) {
		conn_refuse(c, CAUSE_DENIED,
		    "nobody asked for a name that has this address");
		return FRONT_OVER;
	}
	return FRONT_READY;
}

static enum front_result
transparent_read(struct conn *c)
{
	(void)c;
	return FRONT_READY;
}

static void
transparent_welcome(struct conn *c, struct buf *out)
{
	(void)c;
	(void)out;
}

/* The program thinks that it talks to its server: it is hung up on. */
static void
transparent_refuse(
    struct conn *c, enum cause cause, const char *why, struct buf *out)
{
	if (c->protocol == NET_HTTP)
		front_http_refusal(cause, why, out);
}

const struct front front_transparent = {
	.begin = transparent_begin,
	.read = transparent_read,
	.welcome = transparent_welcome,
	.refuse = transparent_refuse,
};

const struct front *
front_of(enum proxy_listener kind)
{
	switch (kind) {
	case PROXY_HTTP:
		return &front_http;
	case PROXY_SOCKS5:
		return &front_socks;
	case PROXY_TRANSPARENT:
		return &front_transparent;
	case PROXY_DNS_TCP:
		return &front_dns;
	case PROXY_DNS_UDP:
	case PROXY_LISTENER_INVALID:
		break;
	}
	return NULL;
}
