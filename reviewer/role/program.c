/*
 * Talk to a reviewer that is a program.
 * Runs in: reviewer.  Trusts: nothing that the program writes.  Owns: the
 * sockets to programs.
 */
#include "program.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "core/messages.h"
#include "http.h"

#define CHUNK 16384

struct programs {
	struct loop *loop;
	struct ipc *supervisor;
	struct program_call *calls;
	uint64_t next_ticket;
};

struct program_call {
	struct program_call *next;
	struct programs *ps;
	uint64_t ticket;
	int fd; /* -1: not yet, or closed */
	struct buf body;
	struct buf answer;
	bool at_end, ended;
	call_done_fn *done;
	void *ctx;
};

int
programs_new(struct loop *l, struct ipc *supervisor, struct programs **ret,
    struct err *e)
{
	struct programs *ps = mem_new(1, sizeof(*ps));

	if (ps == NULL)
		return err_nomem(e);
	ps->loop = l;
	ps->supervisor = supervisor;
	*ret = ps;
	return ERR_OK;
}

static void
close_socket(struct program_call *c)
{
	if (c->fd < 0)
		return;
	loop_forget(c->ps->loop, c->fd);
	fd_closep(&c->fd);
}

static void
free_call(struct program_call *c)
{
	AUTO_BUF struct buf b = BUF_INIT(16);
	struct program_call **at = &c->ps->calls;

	while (*at != NULL && *at != c)
		at = &(*at)->next;
	if (*at != NULL)
		*at = c->next;
	close_socket(c);
	if (!c->ended) {
		rec_put_u64(&b, c->ticket);
		(void)ipc_send(
		    c->ps->supervisor, RS_PROGRAM_DONE, buf_str(&b), -1, NULL);
	}
	buf_free(&c->body);
	buf_free(&c->answer);
	mem_freep(&c);
}

void
programs_free(struct programs *ps)
{
	if (ps == NULL)
		return;
	while (ps->calls != NULL)
		free_call(ps->calls);
	mem_freep(&ps);
}

void
program_cancel(struct program_call *c)
{
	if (c != NULL)
		free_call(c);
}

static void
finish(struct program_call *c, const char *cause)
{
	const struct call_result r = {
		.cause = cause,
		.wait_ms = -1,
		.body = buf_str(&c->answer),
	};

	c->done(c->ctx, &r);
	free_call(c);
}

static void
read_some(struct program_call *c)
{
	char *to = buf_reserve(&c->answer, CHUNK);
	ssize_t n;

	if (to == NULL) {
		finish(c, "too_large");
		return;
	}
	n = read(c->fd, to, CHUNK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		buf_advance(&c->answer, (size_t)n);
		return;
	}
	/* The end, or an error: how it ended says whether it counts. */
	c->at_end = n == 0;
	close_socket(c);
	if (n < 0)
		finish(c, "program");
	else if (c->ended)
		finish(c, NULL);
}

/* Everything is written, or it does not listen, which is its right. */
static void
write_some(struct program_call *c)
{
	const ssize_t n =
	    send(c->fd, c->body.s, c->body.len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		buf_consume(&c->body, (size_t)n);
	if (n > 0 && c->body.len > 0)
		return;
	(void)shutdown(c->fd, SHUT_WR);
	(void)loop_change(c->ps->loop, c->fd, LOOP_READ, NULL);
}

static void
on_socket(void *ctx, int fd, unsigned events)
{
	struct program_call *c = ctx;

	(void)fd;
	if ((events & LOOP_WRITE) != 0)
		write_some(c);
	if ((events & (LOOP_READ | LOOP_HUP)) != 0)
		read_some(c);
}

static struct program_call *
find(struct programs *ps, uint64_t ticket)
{
	struct program_call *c = ps->calls;

	while (c != NULL && c->ticket != ticket)
		c = c->next;
	return c;
}

int
programs_started(struct programs *ps, struct ipc_msg *m, struct err *e)
{
	struct rec in = rec_of(m->payload);
	struct program_call *c = find(ps, rec_u64(&in));
	int r = rec_done(&in, e);

	if (r != 0 || c == NULL || c->fd >= 0)
		return r;
	r = fdio_nonblock(m->fd, e);
	if (r == 0)
		r = loop_fd(
		    ps->loop, m->fd, LOOP_READ | LOOP_WRITE, on_socket, c, e);
	if (r == 0)
		c->fd = TAKE_FD(m->fd);
	return r;
}

int
programs_ended(struct programs *ps, struct ipc_msg *m, struct err *e)
{
	struct rec in = rec_of(m->payload);
	struct program_call *c = find(ps, rec_u64(&in));
	const bool well = rec_u8(&in) != 0;
	const int r = rec_done(&in, e);

	if (r != 0 || c == NULL)
		return r;
	c->ended = true;
	if (!well)
		finish(c, "program");
	else if (c->at_end)
		finish(c, NULL);
	return ERR_OK;
}

int
program_start(struct programs *ps, const struct call_order *o,
    struct program_call **ret, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(16);
	struct program_call *c = mem_new(1, sizeof(*c));
	int r;

	if (c == NULL) {
		buf_free(o->body);
		return err_nomem(e);
	}
	*c = (struct program_call){
		.ps = ps,
		.next = ps->calls,
		.ticket = ++ps->next_ticket,
		.fd = -1,
		.body = *o->body,
		.answer = BUF_INIT(HTTP_ANSWER_MAX),
		.done = o->done,
		.ctx = o->ctx,
	};
	*o->body = (struct buf)BUF_INIT(0);
	ps->calls = c;
	rec_put_u64(&b, c->ticket);
	rec_put_u32(&b, o->number);
	r = ipc_send(ps->supervisor, RS_PROGRAM, buf_str(&b), -1, e);
	if (r != 0) {
		free_call(c);
		return r;
	}
	*ret = c;
	return ERR_OK;
}
