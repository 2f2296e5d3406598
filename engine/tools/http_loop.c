/*
 * HTTP exchanges on a loop: none waits for another.
 * Runs in: assent.  Trusts: nothing that comes back.  Owns: connections.
 */
#include "http_loop.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "http_int.h"

struct http_running {
	struct loop *loop;
	struct http_call call; /* on_body and others; request is in out */
	struct exchange x;
	struct buf out;
	char *name; /* call.socket */
	char *bytes;
	struct loop_timer *late;
	http_done_fn *on_done;
	void *ctx;
};

void
http_stop(struct http_running *h)
{
	if (h == NULL)
		return;
	loop_cancel(h->loop, h->late);
	if (h->x.fd >= 0) {
		loop_forget(h->loop, h->x.fd);
		(void)close(h->x.fd);
	}
	buf_free(&h->out);
	free(h->name);
	free(h->bytes);
	free(h);
}

static void
end(struct http_running *h, int r, const struct err *why)
{
	http_done_fn *const on_done = h->on_done;
	void *const ctx = h->ctx;
	const struct err copy = *why;

	http_stop(h);
	on_done(ctx, r, &copy);
}

static void
on_late(void *ctx)
{
	struct http_running *h = ctx;
	struct err e = ERR_INIT;

	h->late = NULL;
	end(h, http_late(&h->x, &e), &e);
}

/* A daemon that answers before it read everything is heard, too. */
static int
send_some(struct http_running *h, struct err *e)
{
	while (h->out.len > 0) {
		const ssize_t n = send(
		    h->x.fd, h->out.s, h->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			buf_consume(&h->out, (size_t)n);
		else if (errno == EAGAIN)
			return ERR_OK;
		else if (errno == EPIPE || errno == ECONNRESET)
			buf_reset(&h->out);
		else if (errno != EINTR)
			return http_broken(&h->x, e);
	}
	return loop_change(h->loop, h->x.fd, LOOP_READ, e);
}

static int
receive_some(struct http_running *h, struct err *e)
{
	int r = ERR_OK;

	while (r == 0 && !h->x.is_whole) {
		const ssize_t n =
		    recv(h->x.fd, h->bytes, HTTP_READ_BYTES, MSG_DONTWAIT);

		if (n >= 0)
			r = http_feed(&h->x, h->bytes, (size_t)n, e);
		else if (errno == EAGAIN)
			return ERR_OK;
		else if (errno != EINTR)
			r = http_broken(&h->x, e);
	}
	return r;
}

static void
on_ready(void *ctx, int fd, unsigned events)
{
	struct http_running *h = ctx;
	struct err e = ERR_INIT;
	int r = ERR_OK;

	(void)fd;
	if (h->out.len > 0 && (events & (LOOP_WRITE | LOOP_HUP)) != 0)
		r = send_some(h, &e);
	if (r == 0 && (events & (LOOP_READ | LOOP_HUP)) != 0)
		r = receive_some(h, &e);
	if (r != 0 || h->x.is_whole)
		end(h, r, &e);
}

static int
begin(struct http_running *h, struct err *e)
{
	int r;

	h->name = strdup(h->call.socket);
	h->bytes = mem_new(1, HTTP_READ_BYTES);
	if (h->name == NULL || h->bytes == NULL)
		return err_nomem(e);
	buf_put_str(&h->out, h->call.request);
	r = buf_done(&h->out, e);
	if (r != 0)
		return r;
	h->call.socket = h->name;
	h->call.request = STR_NONE;
	http_begin(&h->x, &h->call);
	r = http_connect(&h->call, false, &h->x.fd, e);
	if (r == 0)
		r = loop_fd(
		    h->loop, h->x.fd, LOOP_READ | LOOP_WRITE, on_ready, h, e);
	if (r == 0 && h->call.timeout_ms > 0)
		r = loop_after(
		    h->loop, h->call.timeout_ms, on_late, h, &h->late, e);
	return r;
}

int
http_start(struct loop *l, const struct http_call *call, http_done_fn *on_done,
    void *ctx, struct http_running **ret, struct err *e)
{
	struct http_running *h = mem_new(1, sizeof(*h));
	int r;

	if (h == NULL)
		return err_nomem(e);
	h->loop = l;
	h->call = *call;
	h->x.fd = -1;
	h->out = (struct buf)BUF_INIT(call->request.len + 1);
	h->on_done = on_done;
	h->ctx = ctx;
	r = begin(h, e);
	if (r != 0)
		http_stop(h);
	else
		*ret = h;
	return r;
}
