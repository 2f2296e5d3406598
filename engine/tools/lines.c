/*
 * Lines of two peers that talk over pipes.
 * Runs in: assent.  Trusts: nothing.  Owns: what is under way.
 */
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define READ_BYTES 65536
#define QUEUE_MAX ((size_t)256 << 20)

struct line_in {
	struct line_in_options o;
	struct buf bytes;
	struct loop_timer *again; /* of a file, which a loop cannot watch */
	bool is_file, paused, ended;
};

struct line_out {
	struct loop *loop;
	int fd, flags;
	void (*on_room)(void *ctx);
	void *ctx;
	struct buf bytes;
	bool watched, gone;
};

/* ---- in ----------------------------------------------------------------- */

static void read_file(void *ctx);

static void
read_again(struct line_in *in)
{
	if (in->is_file && !in->paused && !in->ended && in->again == NULL)
		(void)loop_after(
		    in->o.loop, 0, read_file, in, &in->again, NULL);
}

static void
finish(struct line_in *in, const struct err *why)
{
	if (in->ended)
		return;
	in->ended = true;
	if (!in->is_file)
		loop_forget(in->o.loop, in->o.fd);
	in->o.on_end(in->o.ctx, why);
}

/* A line that is too long ends it: what follows is not known to be one. */
static void
give_lines(struct line_in *in)
{
	struct err e = ERR_INIT;
	size_t end;

	while (!in->paused &&
	    (end = str_find(buf_str(&in->bytes), '\n')) < in->bytes.len) {
		in->o.on_line(
		    in->o.ctx, str_trim(str_head(buf_str(&in->bytes), end)));
		buf_consume(&in->bytes, end + 1);
	}
	if (in->paused || in->bytes.len <= in->o.line_max)
		return;
	(void)err_set(&e, ERR_LIMIT,
	    "a line has more than %zu bytes; nothing after it is read",
	    in->o.line_max);
	finish(in, &e);
}

static void
read_some(struct line_in *in)
{
	char *to = buf_reserve(&in->bytes, READ_BYTES);
	struct err e = ERR_INIT;
	ssize_t n;

	if (to == NULL) {
		(void)err_nomem(&e);
		finish(in, &e);
		return;
	}
	n = read(in->o.fd, to, READ_BYTES);
	if (n > 0) {
		buf_advance(&in->bytes, (size_t)n);
		give_lines(in);
	} else if (n == 0) {
		finish(in, &e);
	} else if (errno != EAGAIN && errno != EINTR) {
		(void)err_sys(&e, "cannot read");
		finish(in, &e);
	}
}

static void
read_file(void *ctx)
{
	struct line_in *in = ctx;

	in->again = NULL;
	if (!in->paused)
		read_some(in);
	read_again(in);
}

static void
on_readable(void *ctx, int fd, unsigned events)
{
	struct line_in *in = ctx;

	(void)fd;
	(void)events;
	if (!in->paused)
		read_some(in);
}

static void
watch_input(struct line_in *in)
{
	struct err e = ERR_INIT;

	if (loop_fd(in->o.loop, in->o.fd, LOOP_READ, on_readable, in, &e) != 0)
		finish(in, &e);
}

int
line_in_new(
    const struct line_in_options *o, struct line_in **ret, struct err *e)
{
	struct line_in *in = mem_new(1, sizeof(*in));

	if (in == NULL)
		return err_nomem(e);
	in->o = *o;
	in->bytes = (struct buf)BUF_INIT(o->line_max + 2 * READ_BYTES);
	if (loop_fd(o->loop, o->fd, LOOP_READ, on_readable, in, NULL) != 0) {
		in->is_file = true;
		read_again(in);
	}
	*ret = in;
	return ERR_OK;
}

void
line_in_free(struct line_in *in)
{
	if (in == NULL)
		return;
	loop_cancel(in->o.loop, in->again);
	if (!in->is_file && !in->ended && !in->paused)
		loop_forget(in->o.loop, in->o.fd);
	buf_free(&in->bytes);
	free(in);
}

void
line_in_pause(struct line_in *in, bool pause)
{
	if (in == NULL || in->paused == pause || in->ended)
		return;
	in->paused = pause;
	/* not by loop_change: the end of the input is always reported */
	if (!in->is_file && pause)
		loop_forget(in->o.loop, in->o.fd);
	if (pause)
		return;
	give_lines(in);
	if (!in->is_file && !in->paused && !in->ended)
		watch_input(in);
	read_again(in);
}

/* ---- out ---------------------------------------------------------------- */

static void
drain(struct line_out *out)
{
	while (out->bytes.len > 0) {
		const ssize_t n = write(out->fd, out->bytes.s, out->bytes.len);

		if (n >= 0) {
			buf_consume(&out->bytes, (size_t)n);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR) {
			out->gone = true;
			buf_reset(&out->bytes);
		}
	}
}

static void on_writable(void *ctx, int fd, unsigned events);

static void
watch(struct line_out *out)
{
	const bool wants = out->bytes.len > 0;

	if (wants == out->watched)
		return;
	if (!wants)
		loop_forget(out->loop, out->fd);
	else if (loop_fd(out->loop, out->fd, LOOP_WRITE, on_writable, out,
		     NULL) != 0)
		out->gone = true;
	out->watched = wants && !out->gone;
}

static void
on_writable(void *ctx, int fd, unsigned events)
{
	struct line_out *out = ctx;

	(void)fd;
	(void)events;
	drain(out);
	watch(out);
	if (out->bytes.len == 0 && out->on_room != NULL)
		out->on_room(out->ctx);
}

int
line_out_new(struct loop *l, int fd, void (*on_room)(void *ctx), void *ctx,
    struct line_out **ret, struct err *e)
{
	struct line_out *out = mem_new(1, sizeof(*out));

	if (out == NULL)
		return err_nomem(e);
	out->loop = l;
	out->fd = fd;
	out->on_room = on_room;
	out->ctx = ctx;
	out->bytes = (struct buf)BUF_INIT(QUEUE_MAX);
	out->flags = fcntl(fd, F_GETFL);
	/* who has closed it is told by write, not by a signal */
	if (out->flags < 0 ||
	    fcntl(fd, F_SETFL, out->flags | O_NONBLOCK) != 0 ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
		free(out);
		return err_sys(e, "cannot set up descriptor %d", fd);
	}
	*ret = out;
	return ERR_OK;
}

void
line_out_free(struct line_out *out)
{
	if (out == NULL)
		return;
	if (out->watched)
		loop_forget(out->loop, out->fd);
	(void)fcntl(out->fd, F_SETFL, out->flags);
	buf_free(&out->bytes);
	free(out);
}

void
line_out_put(struct line_out *out, struct str line)
{
	if (out->gone)
		return;
	buf_put_str(&out->bytes, line);
	buf_putc(&out->bytes, '\n');
	/* half a line would end in the next one */
	if (buf_done(&out->bytes, NULL) != 0) {
		out->gone = true;
		buf_reset(&out->bytes);
	}
	drain(out);
	watch(out);
}

size_t
line_out_len(const struct line_out *out)
{
	return out->bytes.len;
}

bool
line_out_gone(const struct line_out *out)
{
	return out->gone;
}
