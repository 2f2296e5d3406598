/*
 * Messages between a run's first process and its starter.
 * Runs in: assent-exec.  Trusts: nothing that it reads.  Owns: nothing.
 */
#include "start/ctl.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

union fd_space {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

union control_space {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

static ssize_t
send_with(int fd, struct str bytes, const struct ctl *m)
{
	union fd_space space = { .bytes = { 0 } };
	struct iovec part = {
		.iov_base = (void *)(uintptr_t)bytes.s,
		.iov_len = bytes.len,
	};
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };

	if (m->has_fd) {
		msg.msg_control = space.bytes;
		msg.msg_controllen = sizeof(space.bytes);
		space.head.cmsg_level = SOL_SOCKET;
		space.head.cmsg_type = SCM_RIGHTS;
		space.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&space.head), &m->fd, sizeof(int));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

int
ctl_pair(int *ret_ours, int *ret_theirs, struct err *e)
{
	const int one = 1;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(e, "cannot make a link to the run");
	/* Without it a pid is 0, and nobody's. */
	(void)setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	*ret_ours = pair[0];
	*ret_theirs = pair[1];
	return ERR_OK;
}

static void
take_control(struct msghdr *msg, struct ctl *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	     c = CMSG_NXTHDR(msg, c)) {
		struct ucred who;

		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS &&
		    c->cmsg_len == CMSG_LEN(sizeof(int))) {
			memcpy(&m->fd, CMSG_DATA(c), sizeof(int));
			m->has_fd = true;
		} else if (c->cmsg_type == SCM_CREDENTIALS &&
		    c->cmsg_len == CMSG_LEN(sizeof(who))) {
			memcpy(&who, CMSG_DATA(c), sizeof(who));
			m->pid = who.pid;
		}
	}
}

static ssize_t
receive_with(int fd, char *bytes, size_t len, struct ctl *m)
{
	union control_space space;
	struct iovec part = { .iov_base = bytes, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = space.bytes,
		.msg_controllen = sizeof(space.bytes),
	};
	const ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);

	if (n >= 0)
		take_control(&msg, m);
	return n;
}

void
ctl_add_violation(struct ctl *m, const char *text)
{
	if (text != NULL && m->violation_count < CTL_VIOLATIONS_MAX)
		m->violations[m->violation_count++] = text;
}

int
ctl_send(int fd, const struct ctl *m)
{
	AUTO_BUF struct buf b = BUF_INIT(CTL_BYTES_MAX);
	ssize_t n;

	rec_put_u8(&b, (uint8_t)m->type);
	rec_put_u32(&b, (uint32_t)m->code);
	rec_put_u32(&b, m->flags);
	rec_put_u64(&b, m->violation_total);
	rec_put_u32(&b, (uint32_t)m->violation_count);
	for (size_t i = 0; i < m->violation_count; i++)
		rec_put_cstr(&b, m->violations[i]);
	rec_put_cstr(&b, m->text);
	if (buf_done(&b, NULL) != 0)
		return ERR_LIMIT;
	do
		n = send_with(fd, buf_str(&b), m);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)b.len ? ERR_OK : ERR_SYS;
}

int
ctl_receive(int fd, struct arena *a, struct ctl *ret, struct err *e)
{
	char bytes[CTL_BYTES_MAX];
	struct ctl got = { .type = CTL_INVALID };
	struct rec r;
	ssize_t n;

	/* The other end has gone before it read our last word: an error, once,
	 * in front of its own last word. */
	do
		n = receive_with(fd, bytes, sizeof(bytes), &got);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n == 0)
		return 0;
	if (n < 0)
		return err_sys(e, "cannot read from the run");
	r = rec_of(str_n(bytes, (size_t)n));
	*ret = got;
	ret->type = (enum ctl_type)rec_u8(&r);
	ret->code = (int32_t)rec_u32(&r);
	ret->flags = rec_u32(&r);
	ret->violation_total = rec_u64(&r);
	ret->violation_count = rec_count(&r, CTL_VIOLATIONS_MAX);
	for (size_t i = 0; !r.failed && i < ret->violation_count; i++)
		ret->violations[i] = rec_cstr(&r, a);
	ret->text = rec_cstr(&r, a);
	return rec_done(&r, e) == 0 ? 1 : ERR_INVALID;
}
