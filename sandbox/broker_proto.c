/*
 * Send and receive over a run's link to the broker.
 * Runs in: assent-exec, assent-proxy, assent-broker.
 * Trusts: nothing of what is received.  Owns: nothing.
 */
#include "sandbox/broker_proto.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fdio.h"
#include "base/mem.h"

#define TYPE_BYTES 2

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(BROKER_FDS_MAX * sizeof(int))];
};

static int
send_fds(
    int link, const struct buf *b, const int *fds, size_t count, struct err *e)
{
	struct iovec iov = { .iov_base = b->s, .iov_len = b->len };
	union control control = { .bytes = { 0 } };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	const int r = buf_done(b, e);

	if (r != 0)
		return r;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	while (sendmsg(link, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno != EINTR)
			return err_sys(e, "cannot reach the broker");
	}
	return ERR_OK;
}

int
broker_give_agent(int link, int listener, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(BROKER_BYTES_MAX);

	rec_put_u16(&b, BL_AGENT);
	return send_fds(link, &b, &listener, 1, e);
}

int
broker_give_value(int link, const char *name, int fd, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(BROKER_BYTES_MAX);

	rec_put_u16(&b, LB_VALUE);
	rec_put_cstr(&b, name);
	return send_fds(link, &b, &fd, 1, e);
}

int
broker_inject(
    int link, const struct broker_inject *i, int *upstream, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(BROKER_BYTES_MAX);
	AUTO_FD int ours = -1;
	AUTO_FD int theirs = -1;
	int pair[2], fds[BROKER_FDS_MAX], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		pair) != 0)
		return err_sys(e, "cannot make a socket to the broker");
	ours = pair[0];
	theirs = pair[1];
	fds[0] = *upstream;
	fds[1] = theirs;
	rec_put_u16(&b, BL_INJECT);
	rec_put_u16(&b, i->port);
	rec_put_u8(&b, i->tls);
	rec_put_cstr(&b, i->host);
	rec_put_cstr(&b, i->credential);
	r = send_fds(link, &b, fds, BROKER_FDS_MAX, e);
	if (r != 0)
		return r;
	fd_closep(upstream);
	*upstream = TAKE_FD(ours);
	return ERR_OK;
}

/* ---- the broker's side --------------------------------------------------- */

static void
drop(struct broker_received *m)
{
	for (size_t i = 0; i < BROKER_FDS_MAX; i++)
		fd_closep(&m->fds[i]);
}

/* Of one or several control messages; too many are closed. */
static void
take_fds(struct msghdr *m, struct broker_received *ret)
{
	size_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
	     c = CMSG_NXTHDR(m, c)) {
		const size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (count < BROKER_FDS_MAX)
				ret->fds[count++] = fd;
			else
				fd_closep(&fd);
		}
	}
}

int
broker_receive(int link, struct broker_received *ret, struct err *e)
{
	struct iovec iov = { .iov_base = ret->bytes,
		.iov_len = sizeof(ret->bytes) };
	union control control = { .bytes = { 0 } };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct rec head;
	ssize_t n;

	for (size_t i = 0; i < BROKER_FDS_MAX; i++)
		ret->fds[i] = -1;
	n = recvmsg(link, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return err_set(e, ERR_CONFLICT, "nothing is there");
	if (n <= 0)
		return n == 0 ? 0 : err_sys(e, "cannot read a run's link");
	take_fds(&m, ret);
	if ((m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || n < TYPE_BYTES) {
		drop(ret);
		return err_set(e, ERR_INVALID, "a message of another form");
	}
	head = rec_of(str_n(ret->bytes, TYPE_BYTES));
	ret->type = rec_u16(&head);
	ret->payload = str_from(str_n(ret->bytes, (size_t)n), TYPE_BYTES);
	return 1;
}

/* ---- the launcher's side ------------------------------------------------- */

static bool
is_sealed(int fd)
{
	const int wanted = F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
	const int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & wanted) == wanted;
}

static bool
is_value_of(const struct broker_received *m, const char *name)
{
	AUTO(arena_freep) struct arena *a = arena_new(2 * BROKER_BYTES_MAX);
	struct rec in = rec_of(m->payload);
	const char *got = a == NULL ? NULL : rec_cstr(&in, a);

	return got != NULL && rec_done(&in, NULL) == 0 && m->type == LB_VALUE &&
	    strcmp(got, name) == 0;
}

int
broker_take_value(int link, const char *name, int *ret, struct err *e)
{
	struct broker_received m;
	int r = broker_receive(link, &m, e);

	if (r == 0)
		r = err_set(e, ERR_DENIED, "the broker is gone");
	if (r < 0)
		return err_wrap(e, r,
		    "the value of the credential '%s' did not come", name);
	r = ERR_OK;
	if (!is_value_of(&m, name) || m.fds[0] < 0 || m.fds[1] >= 0 ||
	    !is_sealed(m.fds[0]))
		r = err_set(e, ERR_DENIED,
		    "something else came than the value of the credential "
		    "'%s'",
		    name);
	if (r == 0)
		*ret = TAKE_FD(m.fds[0]);
	drop(&m);
	return r;
}
