/*
 * The sockets by which a run is reached by its proxy.
 * Runs in: assent-exec, as the first process of a run, before it gives its
 * rights up.
 * Trusts: the plan.  Owns: the sockets until they are sent.
 */
#include "init/net_listen.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "start/ctl.h"
#include "sandbox/proxy_proto.h"

#define BACKLOG 512
#define DNS_PORT 53

static int
keep(struct net_listen *n, int fd, int kind, const char *name)
{
	n->at[n->count].fd = fd;
	n->at[n->count].kind = kind;
	n->at[n->count++].name = name;
	return ERR_OK;
}

struct place {
	int kind, type;
	uint32_t address;
	uint16_t port;
};

static int
open_inet(struct net_listen *n, const struct place *p, struct err *e)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(p->port),
		.sin_addr.s_addr = htonl(p->address),
	};
	AUTO_FD int fd =
	    socket(AF_INET, p->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&to, sizeof(to)) != 0 ||
	    (p->type == SOCK_STREAM && listen(fd, BACKLOG) != 0))
		return err_sys(e, "cannot wait at port %u of the run", p->port);
	return keep(n, TAKE_FD(fd), p->kind, NULL);
}

static int
open_unix(struct net_listen *n, const char *name, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	AUTO_FD int fd =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(
	    to.sun_path, sizeof(to.sun_path), PLAN_SOCKETS_DIR "/%s", name);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&to, sizeof(to)) != 0 ||
	    listen(fd, BACKLOG) != 0 || chmod(to.sun_path, 0666) != 0)
		return err_sys(e, "cannot wait at '%s'", to.sun_path);
	return keep(n, TAKE_FD(fd), 0, name);
}

int
net_listen_ports(struct net_listen *n, const struct plan *p, struct err *e)
{
	static const struct place own[] = {
		{ PROXY_HTTP, SOCK_STREAM, INADDR_LOOPBACK, NET_HTTP_PORT },
		{ PROXY_SOCKS5, SOCK_STREAM, INADDR_LOOPBACK, NET_SOCKS_PORT },
		{ PROXY_DNS_UDP, SOCK_DGRAM, INADDR_LOOPBACK, DNS_PORT },
		{ PROXY_DNS_TCP, SOCK_STREAM, INADDR_LOOPBACK, DNS_PORT },
	};
	int r = ERR_OK;

	for (size_t i = 0; p->online && r == 0 && i < ARRAY_LEN(own); i++)
		r = open_inet(n, &own[i], e);
	for (size_t i = 0; p->online && r == 0 && i < p->port_count; i++) {
		const struct place at = { PROXY_TRANSPARENT, SOCK_STREAM,
			INADDR_ANY, p->ports[i] };

		/* Our own are known by their own addresses. */
		if (p->ports[i] != NET_HTTP_PORT &&
		    p->ports[i] != NET_SOCKS_PORT && p->ports[i] != DNS_PORT)
			r = open_inet(n, &at, e);
	}
	return r;
}

int
net_listen_names(struct net_listen *n, const struct plan *p, struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < p->socket_count; i++)
		r = open_unix(n, p->sockets[i], e);
	return r;
}

int
net_listen_send(struct net_listen *n, int ctl, struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; i < n->count; i++) {
		const struct ctl m = {
			.type = CTL_LISTENER,
			.code = n->at[i].kind,
			.text = n->at[i].name,
			.has_fd = true,
			.fd = n->at[i].fd,
		};

		if (r == 0 && ctl_send(ctl, &m) != 0)
			r = err_set(
			    e, ERR_SYS, "cannot hand the run's listeners over");
		(void)close(n->at[i].fd);
	}
	n->count = 0;
	return r;
}
