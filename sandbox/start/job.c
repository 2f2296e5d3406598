/*
 * Hand a plan to a prepared process.
 * Runs in: assent-exec, on both sides of the link.
 * Trusts: the launcher; only a process that it made holds the other end.
 * Owns: nothing.
 */
#include "start/job.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "start/fds.h"

#define STDIO_COUNT 3

/* Nothing else that is sent to a first process begins like this. */
static const char again[] = "another run";

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

int
job_send_again(int ctl, const int stdio[static STDIO_COUNT], struct err *e)
{
	return fds_send(ctl, str_n(again, sizeof(again)), STR(""), stdio,
		   STDIO_COUNT) == 0
	    ? ERR_OK
	    : err_sys(e, "cannot begin another run");
}

bool
job_receive_again(int ctl, int ret_stdio[static STDIO_COUNT])
{
	char word[sizeof(again)];
	int fds[FDS_MAX];

	if (fds_receive(ctl, word, sizeof(word), sizeof(word), fds) < 0 ||
	    memcmp(word, again, sizeof(again)) != 0 ||
	    fds[STDIO_COUNT - 1] < 0 || fds[STDIO_COUNT] >= 0)
		return false;
	memcpy(ret_stdio, fds, STDIO_COUNT * sizeof(*ret_stdio));
	return true;
}
