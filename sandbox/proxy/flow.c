/*
 * Bytes from one socket to another: copied when few, spliced when many.
 * Runs in: assent-proxy.  Trusts: nothing.  Owns: what is held, its pipe.
 */
#include "flow.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

/* Held when the other side takes nothing: one scratch and a head. */
#define HELD_BYTES_MAX ((size_t)1 << 20)
/* At one wake-up, so that one stream does not starve the others. */
#define TURN_BYTES ((size_t)4 << 20)
/* A read that fills this much belongs to a long stream. */
#define BULK_BYTES ((size_t)32 * 1024)

enum step {
	STEP_WAIT, /* for a socket, or for tokens */
	STEP_MORE,
};

void
flow_init(struct flow *f, struct flow_tools *tools, bool up)
{
	*f = (struct flow){ .tools = tools,
		.from = -1,
		.to = -1,
		.up = up,
		.frame = http_frame_to_end(),
		.held = BUF_INIT(HELD_BYTES_MAX) };
}

void
flow_done(struct flow *f)
{
	buf_free(&f->held);
	if (f->pipe != NULL && f->piped > 0)
		pipes_drop(f->pipe);
	else if (f->pipe != NULL)
		pipes_give(f->pipe);
	f->pipe = NULL;
	f->piped = 0;
}

void
flow_stop(struct flow *f)
{
	flow_done(f);
	f->from = -1;
	f->to = -1;
	f->starved = false;
	f->eof = true;
}

int
flow_put(struct flow *f, struct str bytes, struct err *e)
{
	buf_put_str(&f->held, bytes);
	return buf_done(&f->held, e);
}

int
flow_put_head(struct flow *f, struct str bytes, struct err *e)
{
	meter_count(&f->tools->meter, f->up, bytes.len);
	return flow_put(f, bytes, e);
}

static bool
is_complete(const struct flow *f)
{
	return f->frame.done || f->eof;
}

int
flow_feed(struct flow *f, struct str bytes, struct err *e)
{
	size_t n = 0;
	const int r = http_frame_take(&f->frame, bytes, &n, e);

	if (r != 0 || n == 0)
		return r;
	meter_count(&f->tools->meter, f->up, n);
	f->bytes += n;
	return flow_put(f, str_head(bytes, n), e);
}

/* ---- out --------------------------------------------------------------- */

static bool
is_later(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static int
cannot_write(struct flow *f, struct err *e)
{
	f->broken = true;
	return err_sys(e, "cannot send to the %s", f->up ? "server" : "client");
}

static int
cannot_read(const struct flow *f, struct err *e)
{
	return err_sys(
	    e, "cannot read from the %s", f->up ? "client" : "server");
}

static int
write_held(struct flow *f, enum step *ret, struct err *e)
{
	const ssize_t n =
	    send(f->to, f->held.s, f->held.len, MSG_NOSIGNAL | MSG_DONTWAIT);

	*ret = STEP_WAIT;
	if (n < 0)
		return is_later() ? ERR_OK : cannot_write(f, e);
	buf_consume(&f->held, (size_t)n);
	if (f->held.len > 0)
		return ERR_OK;
	buf_free(&f->held); /* most connections are idle most of the time */
	*ret = STEP_MORE;
	return ERR_OK;
}

static int
write_piped(struct flow *f, enum step *ret, struct err *e)
{
	const ssize_t n = splice(f->pipe->out, NULL, f->to, NULL, f->piped,
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	*ret = STEP_WAIT;
	if (n < 0)
		return is_later() ? ERR_OK : cannot_write(f, e);
	f->piped -= (size_t)n;
	*ret = STEP_MORE;
	return ERR_OK;
}

/* ---- in ---------------------------------------------------------------- */

static void
give_pipe(struct flow *f)
{
	if (f->pipe == NULL || f->piped > 0)
		return;
	pipes_give(f->pipe);
	f->pipe = NULL;
}

static int
at_eof(struct flow *f, struct err *e)
{
	f->eof = true;
	give_pipe(f);
	if (f->frame.kind != HTTP_BODY_TO_END)
		return err_set(e, ERR_INVALID,
		    "%s closed in the middle of a body",
		    f->up ? "the client" : "the server");
	return ERR_OK;
}

static int
nothing_read(struct flow *f, ssize_t n, enum step *ret, struct err *e)
{
	*ret = n == 0 ? STEP_MORE : STEP_WAIT;
	if (n == 0)
		return at_eof(f, e);
	if (!is_later())
		return cannot_read(f, e);
	give_pipe(f);
	return ERR_OK;
}

static int
read_copied(struct flow *f, size_t want, enum step *ret, struct err *e)
{
	const ssize_t n = recv(f->from, f->tools->scratch, want, MSG_DONTWAIT);
	ssize_t sent = 0;
	struct str bytes;
	size_t mine = 0;

	*ret = STEP_WAIT;
	if (n <= 0)
		return nothing_read(f, n, ret, e);
	if (http_frame_take(
		&f->frame, str_n(f->tools->scratch, (size_t)n), &mine, e) != 0)
		return ERR_INVALID;
	meter_count(&f->tools->meter, f->up, mine);
	f->bytes += mine;
	f->bulk = (size_t)n >= BULK_BYTES;
	bytes = str_n(f->tools->scratch, mine);
	if (mine > 0)
		sent = send(
		    f->to, bytes.s, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0 && !is_later())
		return cannot_write(f, e);
	*ret = STEP_MORE;
	return flow_put(f, str_from(bytes, sent > 0 ? (size_t)sent : 0), e);
}

static int
read_spliced(struct flow *f, size_t want, enum step *ret, struct err *e)
{
	const ssize_t n = splice(f->from, NULL, f->pipe->in, NULL, want,
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	*ret = STEP_WAIT;
	if (n <= 0)
		return nothing_read(f, n, ret, e);
	f->piped += (size_t)n;
	f->bytes += (uint64_t)n;
	meter_count(&f->tools->meter, f->up, (size_t)n);
	if (f->frame.kind == HTTP_BODY_LENGTH) {
		f->frame.left -= (uint64_t)n;
		f->frame.done = f->frame.left == 0;
	}
	*ret = STEP_MORE;
	return ERR_OK;
}

/* Chunks must be looked at, so they are copied. */
static bool
may_splice(struct flow *f)
{
	if (!f->bulk || f->frame.kind == HTTP_BODY_CHUNKED)
		return false;
	if (f->pipe == NULL)
		f->pipe = pipes_take(&f->tools->pipes);
	return f->pipe != NULL;
}

static int
read_more(struct flow *f, int64_t now_ns, enum step *ret, struct err *e)
{
	const bool spliced = may_splice(f);
	size_t want = spliced ? f->pipe->size : FLOW_SCRATCH_BYTES;

	if (spliced && f->frame.kind == HTTP_BODY_LENGTH &&
	    f->frame.left < want)
		want = (size_t)f->frame.left;
	want = meter_allow(&f->tools->meter, f->up, now_ns, want);
	f->starved = want == 0;
	*ret = STEP_WAIT;
	if (f->starved)
		return ERR_OK;
	return spliced ? read_spliced(f, want, ret, e)
		       : read_copied(f, want, ret, e);
}

/* ---- together ---------------------------------------------------------- */

static void
pass_on_the_end(struct flow *f)
{
	give_pipe(f);
	if (!f->shuts || f->shut)
		return;
	f->shut = true;
	(void)shutdown(f->to, SHUT_WR);
}

static int
step(struct flow *f, int64_t now_ns, enum step *ret, struct err *e)
{
	*ret = STEP_WAIT;
	if (f->held.len > 0)
		return f->to < 0 ? ERR_OK : write_held(f, ret, e);
	if (f->piped > 0)
		return write_piped(f, ret, e);
	if (f->from < 0)
		return ERR_OK;
	if (is_complete(f)) {
		pass_on_the_end(f);
		return ERR_OK;
	}
	return read_more(f, now_ns, ret, e);
}

int
flow_pump(struct flow *f, int64_t now_ns, struct err *e)
{
	const uint64_t before = f->bytes;
	enum step next = STEP_MORE;
	int r = ERR_OK;

	while (r == 0 && next == STEP_MORE && f->bytes - before < TURN_BYTES)
		r = step(f, now_ns, &next, e);
	return r;
}

bool
flow_reads(const struct flow *f)
{
	return f->from >= 0 && !is_complete(f) && !f->starved &&
	    f->held.len == 0 && f->piped == 0;
}

bool
flow_writes(const struct flow *f)
{
	return f->to >= 0 && (f->held.len > 0 || f->piped > 0);
}

bool
flow_ended(const struct flow *f)
{
	return is_complete(f) && f->held.len == 0 && f->piped == 0;
}
