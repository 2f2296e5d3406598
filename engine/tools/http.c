/*
 * HTTP/1.1 over a unix socket; http-parser reads the answer.
 * Runs in: assent.  Trusts: nothing that comes back.  Owns: the connection.
 */
#include "http.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"
#include "http_int.h"

static int
time_left_ms(const struct exchange *x, int *ret, struct err *e)
{
	const int64_t left = x->deadline_ns - loop_now_ns();

	*ret = -1;
	if (x->call->timeout_ms == 0)
		return ERR_OK;
	if (left <= 0)
		return http_late(x, e);
	*ret = left / HTTP_NS_PER_MS < INT_MAX
	    ? (int)(left / HTTP_NS_PER_MS) + 1
	    : INT_MAX;
	return ERR_OK;
}

/* Until the connection is ready for these events. */
static int
wait_for(struct exchange *x, short events, struct err *e)
{
	struct pollfd fds[] = {
		{ .fd = x->fd, .events = events },
		{ .fd = x->call->interrupt_fd, .events = POLLIN },
	};
	int left_ms = 0, r;

	do {
		r = time_left_ms(x, &left_ms, e);
		if (r != 0)
			return r;
		if (poll(fds, ARRAY_LEN(fds), left_ms) < 0 && errno != EINTR)
			return err_sys(e, "cannot wait for the daemon");
		if (fds[1].revents != 0) {
			r = x->call->interrupt(x->call->interrupt_ctx, e);
			if (r != 0)
				return r;
		}
	} while (fds[0].revents == 0);
	return ERR_OK;
}

/* A daemon that answers before it read everything is heard, too. */
static int
send_all(struct exchange *x, struct err *e)
{
	struct str rest = x->call->request;

	while (rest.len > 0) {
		const ssize_t n =
		    send(x->fd, rest.s, rest.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		int r = ERR_OK;

		if (n >= 0)
			rest = str_from(rest, (size_t)n);
		else if (errno == EAGAIN)
			r = wait_for(x, POLLOUT, e);
		else if (errno == EPIPE || errno == ECONNRESET)
			return ERR_OK;
		else if (errno != EINTR)
			r = http_broken(x, e);
		if (r != 0)
			return r;
	}
	return ERR_OK;
}

static int
receive(struct exchange *x, struct err *e)
{
	AUTO_FREE char *bytes = mem_new(1, HTTP_READ_BYTES);
	int r = ERR_OK;

	if (bytes == NULL)
		return err_nomem(e);
	while (r == 0 && !x->is_whole) {
		const ssize_t n =
		    recv(x->fd, bytes, HTTP_READ_BYTES, MSG_DONTWAIT);

		if (n >= 0)
			r = http_feed(x, bytes, (size_t)n, e);
		else if (errno == EAGAIN)
			r = wait_for(x, POLLIN, e);
		else if (errno != EINTR)
			r = http_broken(x, e);
	}
	return r;
}

int
http_exchange(const struct http_call *call, struct err *e)
{
	AUTO_FD int fd = -1;
	struct exchange x;
	int r;

	http_begin(&x, call);
	r = http_connect(call, true, &fd, e);
	if (r != 0)
		return r;
	x.fd = fd;
	r = send_all(&x, e);
	return r != 0 ? r : receive(&x, e);
}
