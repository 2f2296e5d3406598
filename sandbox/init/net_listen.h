#ifndef SANDBOX_NET_LISTEN_H
#define SANDBOX_NET_LISTEN_H
/*
 * Sockets that wait inside of a run for what it wants from outside: made by
 * its first process, in its network and its file system, and handed to
 * whoever started it. They are the only way out.
 *
 *     r = net_listen_ports(&sockets, plan, e);   while the network is ours
 *     r = net_listen_names(&sockets, plan, e);   in the run's own root
 *     net_listen_send(&sockets, ctl, e);         before the command starts
 *
 * Each arrives as CTL_LISTENER: code is an enum proxy_listener, or 0 and text
 * the name of a socket in PLAN_SOCKETS_DIR.
 */
#include "base/err.h"
#include "sandbox/plan.h"

#define NET_HTTP_PORT 3128
#define NET_SOCKS_PORT 1080
#define NET_PROXY_URL "http://127.0.0.1:3128"
#define NET_SOCKS_URL "socks5h://127.0.0.1:1080"
#define NET_LISTENERS_MAX (4 + PLAN_PORTS_MAX + PLAN_SOCKETS_MAX)

struct net_listen {
	struct {
		int fd;
		int kind;
		const char *name;
	} at[NET_LISTENERS_MAX];
	size_t count;
};

int net_listen_ports(struct net_listen *n, const struct plan *p, struct err *e);
int net_listen_names(struct net_listen *n, const struct plan *p, struct err *e);
/* Closes all of them here. */
int net_listen_send(struct net_listen *n, int ctl, struct err *e);

#endif
