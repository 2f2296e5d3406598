/*
 * Hand a plan to a prepared process.
 * Runs in: assent-exec, on both sides of the link.
 * Trusts: the launcher; only a process that it made holds the other end.
 * Owns: nothing.
 */
#include "start/job.h"

#include <errno.h>
#include <sys/socket.h>

int
job_send(int ctl, struct str record, struct err *e)
{
	ssize_t n;

	if (record.len > JOB_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "the plan is too long");
	do
		n = send(
		    ctl, record.s, record.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)record.len
	    ? ERR_OK
	    : err_sys(e, "cannot hand the command over");
}

int
job_receive(
    int ctl, char bytes[static JOB_BYTES_MAX], struct str *ret, struct err *e)
{
	ssize_t n;

	do
		n = recv(ctl, bytes, JOB_BYTES_MAX, MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return err_set(e, ERR_NOTFOUND, "the launcher is gone");
	if ((size_t)n > JOB_BYTES_MAX)
		return err_set(e, ERR_INTERNAL, "the job is too long");
	*ret = str_n(bytes, (size_t)n);
	return ERR_OK;
}
