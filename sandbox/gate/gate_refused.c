/*
 * Calls that no run may make with these arguments: refused here, so that the
 * person hears of it.
 * Runs in: assent-exec, as the first process of a run.
 * Trusts: nothing; arguments are judged as the kernel gave them.
 * Owns: nothing beyond a call.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "gate/gate_int.h"

#define TYPE_BITS 0xfU
#define PAIR 2
#define TERMINAL_REQUESTS 'T'

/* As the filter: of unix sockets no datagrams, of netlink only routes. */
static bool
is_refused_socket(const struct seccomp_data *d)
{
	const uint32_t family = (uint32_t)d->args[0];
	const uint32_t type = (uint32_t)d->args[1] & TYPE_BITS;

	if (family == AF_UNIX)
		return type != SOCK_STREAM && type != SOCK_SEQPACKET;
	return family == AF_NETLINK && (uint32_t)d->args[2] != 0;
}

bool
gate_is_refused(const struct seccomp_data *d)
{
	switch (d->nr) {
	/* Only with what is refused do these come here. */
	case SYS_unshare:
	case SYS_clone:
	case SYS_ioctl:
		return true;
	case SYS_socket:
	case SYS_socketpair:
		return is_refused_socket(d);
	default:
		return false;
	}
}

/* ---- pairs of datagram sockets --------------------------------------------- */

static int
write_pair(struct gate *g, const int fds[static PAIR])
{
	const size_t len = PAIR * sizeof(fds[0]);
	const struct iovec mine = {
		.iov_base = (void *)(uintptr_t)fds,
		.iov_len = len,
	};
	const struct iovec theirs = {
		/* An address in the caller's memory, not in ours. */
		.iov_base = (void *)(uintptr_t)g->req->data.args[3],
		.iov_len = len,
	};

	return process_vm_writev((pid_t)g->req->pid, &mine, 1, &theirs, 1, 0) ==
		(ssize_t)len
	    ? 0
	    : -EFAULT;
}

static int
hand_over(struct gate *g, int fd, bool cloexec)
{
	struct seccomp_notif_addfd add = {
		.id = g->req->id,
		.srcfd = (uint32_t)fd,
		.newfd_flags = cloexec ? 02000000 : 0,
	};
	const int n = ioctl(g->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);

	return n < 0 ? -errno : n;
}

/*
 * Each message on a datagram socket may name a receiver, and a socket file of
 * the host may be in sight. A pair that keeps messages whole, too, and sends
 * to its other end whatever is named, does for programs that talk to
 * themselves.
 */
static int
make_pair(struct gate *g)
{
	const int flags = (int)g->req->data.args[1];
	const bool cloexec = (flags & SOCK_CLOEXEC) != 0;
	const int kept = (flags & SOCK_NONBLOCK) | SOCK_CLOEXEC;
	AUTO_FD int one = -1;
	AUTO_FD int other = -1;
	int pair[PAIR] = { -1, -1 }, r;

	/* Before anything is in its table. */
	if (!gate_valid(g) || write_pair(g, pair) != 0)
		return -EFAULT;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | kept, 0, pair) != 0)
		return -errno;
	one = pair[0];
	other = pair[1];
	pair[0] = hand_over(g, one, cloexec);
	if (pair[0] < 0)
		return pair[0];
	pair[1] = hand_over(g, other, cloexec);
	if (pair[1] < 0)
		return pair[1];
	r = write_pair(g, pair);
	if (r == 0)
		gate_send(g, 0, 0, false);
	return r == 0 ? (int)GATE_SENT : r;
}

static bool
is_datagram_pair(const struct seccomp_data *d)
{
	return d->nr == SYS_socketpair && (uint32_t)d->args[0] == AF_UNIX &&
	    ((uint32_t)d->args[1] & TYPE_BITS) == SOCK_DGRAM &&
	    (uint32_t)d->args[2] == 0;
}

/* ---- what is said ------------------------------------------------------------ */

static bool
is_of_terminal(uint32_t request)
{
	return (request >> 8 & 0xff) == TERMINAL_REQUESTS;
}

static const char *
name_of(const struct seccomp_data *d)
{
	switch (d->nr) {
	case SYS_unshare:
		return "unshare: new namespaces";
	case SYS_clone:
		return "clone: new namespaces";
	case SYS_ioctl:
		return is_of_terminal((uint32_t)d->args[1])
		    ? "ioctl: input of the terminal"
		    : "ioctl: attributes of a file";
	default:
		return (uint32_t)d->args[0] == AF_UNIX
		    ? "socket: a unix socket of another type than stream or "
		      "seqpacket"
		    : "socket: netlink beyond routes";
	}
}

int
gate_call_refused(struct gate *g)
{
	const struct seccomp_data *d = &g->req->data;

	if (is_datagram_pair(d)) {
		g->traces = true;
		return make_pair(g);
	}
	gate_violation(g, "system call", name_of(d));
	return -EPERM;
}
