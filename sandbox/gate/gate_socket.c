/*
 * Connect and bind sockets on behalf of the run: a path may lead to a socket
 * that a program outside listens on, and a read-only mount does not stop that.
 * Runs in: assent-exec, as the first process of a run.
 * Trusts: nothing.  Owns: nothing beyond a call.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "gate/gate_int.h"
#include "sys.h"

struct naming {
	int sock; /* a duplicate of the caller's; owned */
	int domain;
	socklen_t len;
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_storage storage;
	} to;
};

bool
gate_is_socket(int nr)
{
	return nr == SYS_connect || nr == SYS_bind;
}

/* pidfd_open wants the process, a notification names the thread. */
static pid_t
process_of(const struct gate *g)
{
	return (pid_t)gate_status(g, "\nTgid:", 10);
}

static int
read_call(struct gate *g, struct naming *ret)
{
	const struct seccomp_data *d = &g->req->data;
	const pid_t pid = process_of(g);
	AUTO_FD int pidfd = pid <= 0 ? -1 : sys_pidfd_open(pid);
	socklen_t n = sizeof(ret->domain);
	int r;

	/* The length is an int: the kernel looks at its low half alone. */
	ret->len = (socklen_t)d->args[2];
	if (pidfd < 0 || !gate_valid(g))
		return -EACCES;
	if (ret->len > sizeof(ret->to.storage) ||
	    ret->len < sizeof(sa_family_t))
		return -EINVAL;
	r = gate_read(g, d->args[1], &ret->to, ret->len);
	if (r != 0)
		return r;
	ret->sock = sys_pidfd_getfd(pidfd, (int)d->args[0]);
	if (ret->sock < 0)
		return -errno;
	if (getsockopt(ret->sock, SOL_SOCKET, SO_DOMAIN, &ret->domain, &n) != 0)
		return -errno;
	return 0;
}

/* The path in a unix address; false for an abstract or empty name. */
static bool
unix_path(const struct naming *n, char *path)
{
	const size_t head = offsetof(struct sockaddr_un, sun_path);
	size_t len;

	if (n->domain != AF_UNIX || n->to.any.sa_family != AF_UNIX ||
	    n->len <= head || n->to.un.sun_path[0] == '\0')
		return false;
	len = n->len - head;
	if (len > sizeof(n->to.un.sun_path))
		len = sizeof(n->to.un.sun_path);
	len = strnlen(n->to.un.sun_path, len);
	memcpy(path, n->to.un.sun_path, len);
	path[len] = '\0';
	return true;
}

static int
set_path(struct naming *n, const char *folder, const char *name)
{
	const int len =
	    snprintf(n->to.un.sun_path, sizeof(n->to.un.sun_path), "%s%s%s",
		folder, name == NULL ? "" : "/", name == NULL ? "" : name);

	if (len < 0 || (size_t)len >= sizeof(n->to.un.sun_path))
		return -ENAMETOOLONG;
	n->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    (size_t)len + 1);
	return 0;
}

/* A connection may have to wait: then a child of the gate does. */
static int
do_connect(struct gate *g, const struct naming *n)
{
	const int flags = fcntl(n->sock, F_GETFL);
	int answer;

	if (flags < 0)
		return -errno;
	if ((flags & O_NONBLOCK) != 0)
		return connect(n->sock, &n->to.any, n->len) == 0 ? 0 : -errno;
	if (!gate_fork(g, &answer))
		return answer;
	gate_send(g, connect(n->sock, &n->to.any, n->len) == 0 ? 0 : -errno, 0,
	    false);
	_exit(0);
}

/* An address beyond the run's own loopback, as text; false: it is not. */
static bool
far_address(const struct naming *n, char *text, size_t size)
{
	const struct sockaddr_in *v4 = (const void *)&n->to.storage;
	const struct sockaddr_in6 *v6 = (const void *)&n->to.storage;
	char host[INET6_ADDRSTRLEN];
	const void *address;
	uint32_t last;
	unsigned port;

	if (n->to.any.sa_family == AF_INET && n->len >= sizeof(*v4)) {
		address = &v4->sin_addr;
		last = ntohl(v4->sin_addr.s_addr);
		port = ntohs(v4->sin_port);
	} else if (n->to.any.sa_family == AF_INET6 && n->len >= sizeof(*v6)) {
		if (IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
		    IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
			return false;
		address = &v6->sin6_addr;
		port = ntohs(v6->sin6_port);
		last = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)
		    ? ntohl(v6->sin6_addr.s6_addr32[3])
		    : UINT32_MAX;
	} else {
		return false;
	}
	if (last == INADDR_ANY || last >> 24 == IN_LOOPBACKNET ||
	    inet_ntop(n->to.any.sa_family, address, host, sizeof(host)) == NULL)
		return false;
	(void)snprintf(text, size, "%s port %u: offline", host, port);
	return true;
}

/* The kernel refuses these by itself; the person is told why. */
static void
note_far(struct gate *g, const struct naming *n)
{
	char text[INET6_ADDRSTRLEN + 32];

	if (g->offline && far_address(n, text, sizeof(text)))
		gate_violation(g, "connect to", text);
}

static int
connect_path(struct gate *g, struct naming *n, const char *path)
{
	struct gate_place p = GATE_PLACE_INIT;
	AUTO_FD int fd = -1;
	char link[64];
	bool private;
	struct stat st;
	int r = gate_resolve(g, AT_FDCWD, path, true, &p);

	if (r == 0 && p.exists)
		fd = sys_openat2(p.parent, p.name, O_PATH | O_NOFOLLOW,
		    RESOLVE_NO_MAGICLINKS);
	private = p.root == NULL && gate_is_private(g, p.rel);
	gate_place_done(&p);
	if (r != 0)
		return -EACCES;
	if (!p.exists)
		return -ENOENT;
	if (fd < 0 || fstat(fd, &st) != 0)
		return -EACCES;
	if (!S_ISSOCK(st.st_mode))
		return -ECONNREFUSED;
	if (st.st_dev != g->tmp_dev && !private &&
	    !gate_is_own(g, st.st_dev, st.st_ino)) {
		gate_violation(g, "connect to a socket of the host:", path);
		return -EACCES;
	}
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	r = set_path(n, link, NULL);
	return r == 0 ? do_connect(g, n) : r;
}

/* Takes the parts of path off the beginning of whole. */
static bool
take_parts(struct str *whole, const char *path)
{
	struct str rest = str_of(path);

	while (rest.len > 0) {
		const struct str part = str_cut(&rest, '/');

		if (part.len == 0 || str_eqz(part, "."))
			continue;
		if (str_at(*whole, 0) != '/' ||
		    !str_starts(str_from(*whole, 1), part))
			return false;
		*whole = str_from(*whole, part.len + 1);
		if (whole->len > 0 && whole->s[0] != '/')
			return false;
	}
	return true;
}

/*
 * True when the way to p is by folders alone, as the caller wrote it: then a
 * bind by that name reaches p and nothing else, for what the run renames waits
 * for this, and links in folders that nobody looks after are not on the way.
 * Programs read the name back, and remove it by what they read.
 */
static bool
is_way_to(int cwd, const char *path, const struct gate_place *p)
{
	char whole[PATH_MAX], link[64], folder[PATH_MAX];
	const int len =
	    snprintf(whole, sizeof(whole), "%s/%s", p->root->path, p->rel);
	struct str left = str_of(whole);
	ssize_t n = 0;

	if (len < 0 || (size_t)len >= sizeof(whole))
		return false;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", cwd);
	if (path[0] != '/')
		n = readlink(link, folder, sizeof(folder) - 1);
	if (n < 0 || n == (ssize_t)sizeof(folder) - 1)
		return false;
	folder[n] = '\0';
	return take_parts(&left, folder) && take_parts(&left, path) &&
	    left.len == 0;
}

/* Makes the socket's name, by the caller's own word where that is certain. */
static int
make_name(struct gate *g, struct naming *n, const char *path,
    const struct gate_place *p)
{
	AUTO_FD int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int cwd = gate_folder(g, AT_FDCWD);
	const mode_t old = umask(gate_umask(g));
	char link[64];
	int r;

	if (here >= 0 && cwd >= 0 && is_way_to(cwd, path, p) &&
	    fchdir(cwd) == 0) {
		r = bind(n->sock, &n->to.any, n->len) == 0 ? 0 : -errno;
		(void)umask(old);
		return fchdir(here) == 0 ? r : -errno;
	}
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", p->parent);
	r = set_path(n, link, p->name);
	if (r == 0)
		r = bind(n->sock, &n->to.any, n->len) == 0 ? 0 : -errno;
	(void)umask(old);
	return r;
}

static int
bind_path(struct gate *g, struct naming *n, const char *path)
{
	struct gate_place p = GATE_PLACE_INIT;
	struct stat st;
	int r = gate_resolve(g, AT_FDCWD, path, false, &p);

	if (r == 0 && p.root == NULL)
		r = GATE_NATIVE;
	else if (r == 0 && p.exists)
		r = -EADDRINUSE;
	else if (r == 0 && !gate_permits(g, &p, GUARD_PLACE))
		r = gate_denied(g, "create", &p);
	if (r == 0)
		r = make_name(g, n, path, &p);
	if (r == 0 && fstatat(p.parent, p.name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		gate_add_own(g, st.st_dev, st.st_ino);
	gate_place_done(&p);
	return r;
}

int
gate_call_socket(struct gate *g)
{
	struct naming n = { .sock = -1 };
	char path[PATH_MAX];
	const bool connects = g->req->data.nr == SYS_connect;
	int r = read_call(g, &n);

	if (r == 0 && unix_path(&n, path))
		r = connects ? connect_path(g, &n, path)
			     : bind_path(g, &n, path);
	else if (r == 0 && connects && g->plan != NULL) {
		/* Abstract names are the host's: no namespace is ours. */
		gate_violation(g, "connect to a socket of the host", NULL);
		r = -EACCES;
	} else if (r == 0 && connects) {
		note_far(g, &n);
		r = do_connect(g, &n);
	} else if (r == 0)
		/* The domain has no right to make a socket in the workspace,
		 * whatever the address says by now. */
		r = GATE_NATIVE;
	fd_closep(&n.sock);
	return r;
}
