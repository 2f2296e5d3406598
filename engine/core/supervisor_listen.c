/*
 * The sockets that clients come to: bound here, served by front.
 * Runs in: supervisor.  Trusts: the kernel.  Owns: the sockets, for as long
 * as the daemon lives, so that clients wait while front starts again.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "supervisor_int.h"

#define BACKLOG 1024
#define APPROVER_GROUP "assent-approvers"
#define GROUP_BYTES_MAX ((size_t)1 << 16)
#define SOCKET_TYPE (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)

/* What a daemon that was killed left behind; the lock says it is gone. */
static int
remove_stale(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? ERR_OK
				       : err_sys(e, "cannot stat '%s'", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_CONFLICT,
		    "'%s' is there and is not a socket; move it away", path);
	if (unlink(path) != 0)
		return err_sys(e, "cannot remove '%s'", path);
	return ERR_OK;
}

/* The group whose members may approve, where root has made it. */
static int
approver_group(gid_t *ret)
{
	AUTO_FREE char *bytes = mem_new(GROUP_BYTES_MAX, 1);
	struct group entry, *found = NULL;

	if (bytes == NULL)
		return ERR_NOMEM;
	(void)getgrnam_r(
	    APPROVER_GROUP, &entry, bytes, GROUP_BYTES_MAX, &found);
	if (found == NULL)
		return ERR_NOTFOUND;
	*ret = found->gr_gid;
	return ERR_OK;
}

/* A plain user's daemon serves that user. Root's serves everybody as agents
 * (front asks the kernel who it is), and approvers by group. */
static int
set_access(const struct listener *l, struct err *e)
{
	mode_t mode = 0600;
	gid_t group;

	if (geteuid() == 0 && l->kind == LISTENER_AGENT)
		mode = 0666;
	if (geteuid() == 0 && l->kind == LISTENER_APPROVER &&
	    approver_group(&group) == 0) {
		if (chown(l->path, 0, group) != 0)
			return err_sys(e, "cannot give '%s' to group %s",
			    l->path, APPROVER_GROUP);
		mode = 0660;
	}
	if (chmod(l->path, mode) != 0)
		return err_sys(e, "cannot set the mode of '%s'", l->path);
	return ERR_OK;
}

static int
listen_unix(struct supervisor *s, enum listener_kind kind, const char *name,
    struct err *e)
{
	struct listener *l = &s->listeners[s->listener_count];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	AUTO_FD int fd = -1;
	int r;

	_Static_assert(sizeof(l->path) == sizeof(address.sun_path),
	    "a listener's path is a socket's");
	l->kind = kind;
	if (snprintf(l->path, sizeof(l->path), "%s/%s", s->config->runtime_dir,
		name) >= (int)sizeof(l->path))
		return err_set(e, ERR_INVALID,
		    "'%s' is too long for a socket; choose a shorter --runtime",
		    s->config->runtime_dir);
	r = remove_stale(l->path, e);
	if (r != 0)
		return r;
	fd = socket(AF_UNIX, SOCKET_TYPE, 0);
	if (fd < 0)
		return err_sys(e, "cannot create a socket");
	memcpy(address.sun_path, l->path, sizeof(address.sun_path));
	/* Under umask 077: nobody connects before its mode is set. */
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return err_sys(e, "cannot bind '%s'", l->path);
	r = set_access(l, e);
	if (r != 0)
		return r;
	if (listen(fd, BACKLOG) != 0)
		return err_sys(e, "cannot listen on '%s'", l->path);
	l->fd = TAKE_FD(fd);
	s->listener_count++;
	return ERR_OK;
}

/* ---- TCP, loopback only (the configuration has checked it) ------------- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int
parse_address(const char *text, union address *ret, socklen_t *ret_len)
{
	const struct str s = str_of(text);
	const size_t colon = str_rfind(s, ':');
	char host[INET_ADDRSTRLEN] = "";
	uint64_t port;

	*ret = (union address){ .any.sa_family = AF_UNSPEC };
	if (num_parse_u64(str_from(s, colon + 1), 0, UINT16_MAX, &port) != 0)
		return ERR_INVALID;
	if (str_eqz(str_head(s, colon), "[::1]")) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_addr = in6addr_loopback;
		ret->v6.sin6_port = htons((uint16_t)port);
		*ret_len = sizeof(ret->v6);
		return ERR_OK;
	}
	if (colon >= sizeof(host))
		return ERR_INVALID;
	memcpy(host, text, colon);
	ret->v4.sin_family = AF_INET;
	ret->v4.sin_port = htons((uint16_t)port);
	*ret_len = sizeof(ret->v4);
	return inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1 ? ERR_OK
								: ERR_INVALID;
}

static unsigned
bound_port(int fd)
{
	union address a = { .any.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.any, &len) != 0)
		return 0;
	return ntohs(
	    a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

static int
listen_tcp(struct supervisor *s, const char *text, struct err *e)
{
	struct listener *l = &s->listeners[s->listener_count];
	const int on = 1;
	AUTO_FD int fd = -1;
	union address address = { .any.sa_family = AF_UNSPEC };
	socklen_t len = 0;

	if (parse_address(text, &address, &len) != 0)
		return err_set(e, ERR_INVALID, "'%s' is not an address", text);
	fd = socket(address.any.sa_family, SOCKET_TYPE, 0);
	if (fd < 0)
		return err_sys(e, "cannot create a socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &address.any, len) != 0)
		return err_sys(e, "cannot bind '%s'", text);
	if (listen(fd, BACKLOG) != 0)
		return err_sys(e, "cannot listen on '%s'", text);
	/* Port 0 lets the kernel choose: here is what it chose. */
	log_info("listening", "tcp=%s port=%u", text, bound_port(fd));
	l->kind = LISTENER_TCP;
	l->path[0] = '\0';
	l->fd = TAKE_FD(fd);
	s->listener_count++;
	return ERR_OK;
}

int
supervisor_listen(struct supervisor *s, struct err *e)
{
	int r = listen_unix(s, LISTENER_AGENT, "agent.sock", e);

	if (r == 0)
		r = listen_unix(s, LISTENER_APPROVER, "approver.sock", e);
	if (r == 0 && s->config->listen_tcp != NULL)
		r = listen_tcp(s, s->config->listen_tcp, e);
	return r;
}

void
supervisor_unlisten(struct supervisor *s)
{
	for (size_t i = 0; i < s->listener_count; i++) {
		struct listener *l = &s->listeners[i];

		fd_closep(&l->fd);
		if (l->path[0] != '\0')
			(void)unlink(l->path);
	}
	s->listener_count = 0;
}
