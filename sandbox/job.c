/*
 * Hand a plan and three descriptors to a prepared process.
 * Runs in: assent-exec, on both sides of the link.
 * Trusts: the launcher; only a process that it made holds the other end.
 * Owns: nothing.
 */
#include "job.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STDIO_COUNT 3

union fd_space {
	char bytes[CMSG_SPACE(STDIO_COUNT * sizeof(int))];
	struct cmsghdr align;
};

int
job_send(int ctl, struct str record, const int stdio[static 3], struct err *e)
{
	union fd_space space = { .bytes = { 0 } };
	/* The kernel reads it, and takes no const. */
	struct iovec io = {
		.iov_base = (void *)(uintptr_t)record.s,
		.iov_len = record.len,
	};
	struct msghdr m = {
		.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = space.bytes,
		.msg_controllen = sizeof(space.bytes),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	ssize_t n;

	if (record.len > JOB_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "the plan is too long");
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(STDIO_COUNT * sizeof(int));
	memcpy(CMSG_DATA(c), stdio, STDIO_COUNT * sizeof(int));
	do
		n = sendmsg(ctl, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)record.len
	    ? ERR_OK
	    : err_sys(e, "cannot hand the command over");
}

static int
take_descriptors(struct msghdr *m, int stdio[static 3])
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);

	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(STDIO_COUNT * sizeof(int)))
		return -1;
	memcpy(stdio, CMSG_DATA(c), STDIO_COUNT * sizeof(int));
	return (m->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 ? 0 : -1;
}

int
job_receive(int ctl, struct arena *a, struct str *ret, int ret_stdio[static 3],
    struct err *e)
{
	union fd_space space = { .bytes = { 0 } };
	char *bytes = arena_alloc(a, JOB_BYTES_MAX);
	struct iovec io = { .iov_base = bytes, .iov_len = JOB_BYTES_MAX };
	struct msghdr m = {
		.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = space.bytes,
		.msg_controllen = sizeof(space.bytes),
	};
	ssize_t n;

	if (bytes == NULL)
		return err_nomem(e);
	do
		n = recvmsg(ctl, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return err_set(e, ERR_NOTFOUND, "the launcher is gone");
	if (take_descriptors(&m, ret_stdio) != 0)
		return err_set(e, ERR_INTERNAL, "the job is incomplete");
	*ret = str_n(bytes, (size_t)n);
	return ERR_OK;
}
