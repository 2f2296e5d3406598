/*
 * What passes between a run's pipes and the engine, both ways.
 * Runs in: assent-exec --launcher.  Trusts: nothing that comes from a run.
 * Owns: nothing.
 */
#include "launcher/lrun.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fdio.h"
#include "model/limits.h"
#include "proto.h"

#define ENGINE_QUEUE_MAX ((size_t)4 << 20) /* then the pipes wait */
#define RESUME_AFTER_MS 5
#define REST_READS_MAX 128 /* more than a pipe holds */

void
lrun_unwatch(struct lrun *r, int *fd)
{
	if (*fd < 0)
		return;
	/* Forgetting what is not watched does nothing. */
	loop_forget(r->l->loop, *fd);
	fd_closep(fd);
	*fd = -1;
}

/* Who reads the output is behind: the pipe fills, the run waits. What a run
 * that is over has left is little, and read whoever waits. */
static bool
must_wait(const struct lrun *r)
{
	return !r->reported && !r->gone && r->under_way >= RUN_WINDOW_BYTES;
}

static void
go_on(struct lrun *r)
{
	for (size_t i = 0; i < 2 && !must_wait(r); i++) {
		if (!r->out[i].waiting || r->out[i].fd < 0)
			continue;
		r->out[i].waiting = false;
		(void)loop_fd(r->l->loop, r->out[i].fd, LOOP_READ,
		    lrun_on_output, &r->out[i], NULL);
	}
}

static void
resume(void *ctx)
{
	struct launcher *l = ctx;

	l->resume = NULL;
	for (struct lrun *r = l->runs; r != NULL; r = r->next)
		go_on(r);
}

static void
hold(struct stream *s)
{
	s->waiting = true;
	loop_forget(s->run->l->loop, s->fd);
}

/* The engine is behind with the words of all runs. */
static void
hold_a_while(struct stream *s)
{
	struct launcher *l = s->run->l;

	hold(s);
	if (l->resume == NULL)
		(void)loop_after(
		    l->loop, RESUME_AFTER_MS, resume, l, &l->resume, NULL);
}

void
lrun_taken(struct lrun *r, uint64_t bytes)
{
	r->under_way -= bytes < r->under_way ? bytes : r->under_way;
	go_on(r);
}

void
lrun_listen(struct lrun *r)
{
	go_on(r);
}

static void
pass(struct stream *s, const char *bytes, size_t n)
{
	AUTO_BUF struct buf b = BUF_INIT(PROTO_OUTPUT_BYTES + 64);

	s->passed += n;
	if (s->passed > s->run->plan->limits.stream_bytes) {
		if (!s->run->too_much)
			lrun_kill(s->run);
		s->run->too_much = s->run->truncated = true;
		return;
	}
	rec_put_u64(&b, s->run->number);
	rec_put_u8(&b, s->number);
	rec_put_str(&b, str_n(bytes, n));
	if (launcher_tell(s->run->l, LX_OUTPUT, &b, NULL) != 0)
		s->run->truncated = true;
	s->run->under_way += n;
}

/* False: there is nothing now. At its end the stream is closed. */
static bool
read_some(struct stream *s)
{
	char bytes[PROTO_OUTPUT_BYTES - 1024];
	const ssize_t n = read(s->fd, bytes, sizeof(bytes));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n > 0)
		pass(s, bytes, (size_t)n);
	else
		lrun_unwatch(s->run, &s->fd);
	return true;
}

static bool
is_engine_behind(const struct lrun *r)
{
	return r->l->engine != NULL &&
	    ipc_queued(r->l->engine) > ENGINE_QUEUE_MAX;
}

/* At once, not by one event after the other: most runs end with both. */
void
lrun_drain(struct lrun *r)
{
	assert(r->reported || r->gone);
	for (size_t i = 0; i < 2; i++) {
		for (unsigned n = 0; n < REST_READS_MAX && r->out[i].fd >= 0 &&
		     !is_engine_behind(r);
		     n++) {
			if (!read_some(&r->out[i]))
				break;
		}
	}
	go_on(r);
}

void
lrun_on_output(void *ctx, int fd, unsigned events)
{
	struct stream *s = ctx;

	(void)fd;
	(void)events;
	if (!read_some(s))
		return;
	if (s->fd < 0)
		lrun_end_if_over(s->run);
	else if (must_wait(s->run))
		hold(s);
	else if (is_engine_behind(s->run))
		hold_a_while(s);
}

void
lrun_on_input(void *ctx, int fd, unsigned events)
{
	struct lrun *r = ctx;
	ssize_t n = 0;

	if ((events & LOOP_HUP) != 0) {
		lrun_unwatch(r, &r->in);
		return;
	}
	if (r->in_bytes.len > 0)
		n = write(fd, r->in_bytes.s, r->in_bytes.len);
	if (n > 0)
		buf_consume(&r->in_bytes, (size_t)n);
	if ((n < 0 && errno != EAGAIN && errno != EINTR) ||
	    (r->in_bytes.len == 0 && r->in_ends)) {
		lrun_unwatch(r, &r->in);
		return;
	}
	if (r->in_bytes.len == 0)
		(void)loop_change(r->l->loop, fd, 0, NULL);
}

void
lrun_add_input(struct lrun *r, struct str bytes)
{
	/* As at a terminal, ^D at the end closes the input; one that is there
	 * knows that itself. */
	if (!r->plan->tty && bytes.len > 0 &&
	    bytes.s[bytes.len - 1] == '\004') {
		bytes.len--;
		r->in_ends = true;
	}
	buf_put_str(&r->in_bytes, bytes);
	if (r->in >= 0)
		(void)loop_change(r->l->loop, r->in, LOOP_WRITE, NULL);
}

int
lrun_take_terminal(struct lrun *r, int master, struct err *e)
{
	struct loop *loop = r->l->loop;
	int code;

	if (r->in >= 0 || r->out[0].fd >= 0) {
		(void)close(master);
		return err_set(e, ERR_INTERNAL, "a second terminal");
	}
	r->out[0].fd = master;
	r->in = fcntl(master, F_DUPFD_CLOEXEC, 0);
	if (r->in < 0)
		return err_sys(e, "cannot use the run's terminal");
	lrun_resize(r);
	code = fdio_nonblock(master, e);
	if (code == 0)
		code = loop_fd(
		    loop, master, LOOP_READ, lrun_on_output, &r->out[0], e);
	if (code == 0)
		code = loop_fd(loop, r->in, LOOP_WRITE, lrun_on_input, r, e);
	return code;
}

void
lrun_resize(struct lrun *r)
{
	const struct winsize size = {
		.ws_row = r->rows,
		.ws_col = r->columns,
	};

	if (r->rows > 0 && r->columns > 0 && r->in >= 0)
		(void)ioctl(r->in, TIOCSWINSZ, &size);
}

bool
lrun_type_signal(struct lrun *r, uint32_t signo)
{
	const char key = signo == SIGINT ? '\003' : '\034';

	if (!r->plan->tty || (signo != SIGINT && signo != SIGQUIT))
		return false;
	lrun_add_input(r, str_n(&key, 1));
	return true;
}
