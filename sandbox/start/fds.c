/*
 * Pass descriptors along with a message.
 * Runs in: assent-exec.  Trusts: its own processes on both ends.
 * Owns: nothing.
 */
#include "start/fds.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union fd_space {
	char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	struct cmsghdr align;
};

int
fds_send(
    int link, struct str head, struct str body, const int *fds, size_t count)
{
	union fd_space space = { .bytes = { 0 } };
	/* The kernel reads them, and takes no const. */
	struct iovec io[] = {
		{ (void *)(uintptr_t)head.s, head.len },
		{ (void *)(uintptr_t)body.s, body.len },
	};
	struct msghdr m = {
		.msg_iov = io,
		.msg_iovlen = body.len > 0 ? 2 : 1,
	};
	struct cmsghdr *c;
	ssize_t n;

	if (count > 0) {
		m.msg_control = space.bytes;
		m.msg_controllen = CMSG_SPACE(count * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	}
	do
		n = sendmsg(link, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)(head.len + body.len) ? 0 : -1;
}

long
fds_receive(
    int link, void *bytes, size_t min, size_t max, int fds[static FDS_MAX])
{
	union fd_space space = { .bytes = { 0 } };
	struct iovec io = { .iov_base = bytes, .iov_len = max };
	struct msghdr m = {
		.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = space.bytes,
		.msg_controllen = sizeof(space.bytes),
	};
	const struct cmsghdr *c;
	ssize_t n;

	for (size_t i = 0; i < FDS_MAX; i++)
		fds[i] = -1;
	do
		n = recvmsg(link, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);
	if (c != NULL && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len <= CMSG_LEN(FDS_MAX * sizeof(int)))
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	return n >= (ssize_t)min &&
		(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0
	    ? n
	    : -1;
}
