/*
 * Serve the engine: start runs, pass their output on, report their ends.
 * Runs in: assent-exec --launcher, under the identity of who proposed.
 * Trusts: the engine's plans; nothing that comes from a run.
 * Owns: its runs and their pipes.
 */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "ctl.h"
#include "ending.h"
#include "held.h"
#include "look.h"
#include "pool.h"
#include "proto.h"
#include "run.h"
#include "sys.h"

#define RUNS_MAX 256
#define ENDING_MAX 2048 /* answered, and the kernel still clears up */
#define RUN_ARENA ((size_t)64 << 20)
#define ENGINE_QUEUE_MAX ((size_t)4 << 20) /* then the pipes wait */
#define RESUME_AFTER_MS 5
#define KILL_GRACE_MS 500

struct stream {
	struct lrun *run;
	int fd; /* -1: at its end */
	uint8_t number;
	uint64_t left;
	bool waiting; /* for the engine to take what is queued */
};

struct lrun {
	struct launcher *l;
	uint64_t number;
	struct arena *arena;
	struct str record; /* of the plan */
	struct plan *plan;
	struct run run;
	struct stream out[2];
	int in; /* -1: closed */
	struct buf in_bytes;
	bool in_ends; /* after in_bytes */
	struct loop_timer *kill_timer;
	struct ctl end;
	bool gone, reported, answered, truncated;
	struct lent lent; /* by the pool */
	int64_t started_ns;
	int workspace; /* of a run on a copy, or -1 */
	struct timespec began;
	struct lrun *next;
};

struct launcher {
	struct loop *loop;
	struct ipc *engine;
	struct lrun *runs;
	size_t run_count; /* that are not answered */
	size_t ending;
	struct loop_timer *resume;
	struct pool *pool;
	struct held *held; /* copies that somebody has to decide on */
	bool over;
};

static struct lrun *
find(const struct launcher *l, uint64_t number)
{
	for (struct lrun *r = l->runs; r != NULL; r = r->next) {
		if (r->number == number)
			return r;
	}
	return NULL;
}

static void
unwatch(struct lrun *r, int *fd)
{
	if (*fd < 0)
		return;
	/* Forgetting what is not watched does nothing. */
	loop_forget(r->l->loop, *fd);
	fd_closep(fd);
	*fd = -1;
}

/* Events of the batch in which the engine's link broke still come. */
static int
tell(struct launcher *l, uint16_t type, const struct buf *b, struct err *e)
{
	const int r = buf_done(b, e);

	if (r != 0)
		return r;
	if (l->engine == NULL)
		return err_set(e, ERR_CONFLICT, "the engine has gone");
	return ipc_send(l->engine, type, buf_str(b), -1, e);
}

static void
send_ended(struct launcher *l, uint64_t number, const struct outcome *o)
{
	AUTO_BUF struct buf b = BUF_INIT(PROTO_ENDED_BYTES);
	struct err e = ERR_INIT;

	rec_put_u64(&b, number);
	proto_outcome_put(&b, o);
	if (tell(l, LX_ENDED, &b, &e) != 0) {
		log_err("run-lost", "why=%s", e.msg);
		l->over = true;
		loop_stop(l->loop);
	}
}

static void
send_failed(struct launcher *l, uint64_t number, const char *why)
{
	const struct outcome o = { .exit = -1, .failure = why };

	send_ended(l, number, &o);
}

static void
free_run(struct lrun *r)
{
	struct lrun **at = &r->l->runs;

	while (*at != NULL && *at != r)
		at = &(*at)->next;
	if (*at == r) {
		*at = r->next;
		if (r->answered)
			r->l->ending--;
		else
			r->l->run_count--;
	}
	loop_cancel(r->l->loop, r->kill_timer);
	unwatch(r, &r->out[0].fd);
	unwatch(r, &r->out[1].fd);
	unwatch(r, &r->in);
	if (r->run.pid > 0) {
		loop_forget(r->l->loop, r->run.pidfd);
		loop_forget(r->l->loop, r->run.ctl);
		run_done(&r->run);
	}
	pool_give_back(r->l->pool, &r->lent, false);
	buf_free(&r->in_bytes);
	if (r->reported && r->end.has_fd)
		held_add(&r->l->held,
		    &(struct held){ .number = r->number,
			.arena = TAKE_PTR(r->arena),
			.plan = r->plan,
			.layer = r->end.fd,
			.workspace = TAKE_FD(r->workspace),
			.began = r->began });
	fd_closep(&r->workspace);
	arena_free(r->arena);
	free(r);
}

/* Who hears of the end may ask for the copy at once: it must be kept. */
static bool
may_be_told(const struct lrun *r)
{
	return r->gone || (r->reported && !r->end.has_fd);
}

/*
 * The report is there and the pipes are empty: when it was sent, nothing of
 * the run was alive but its first process, whose own end, and that of its
 * namespaces, nobody need wait for.
 */
static void
end_if_over(struct lrun *r)
{
	struct launcher *l = r->l;
	struct outcome o;
	char text[ENDING_TEXT_MAX];

	if (!r->answered && may_be_told(r) && r->out[0].fd < 0 &&
	    r->out[1].fd < 0) {
		o = (struct outcome){
			.exit = -1,
			.truncated = r->truncated,
			.wall_ms = (loop_now_ns() - r->started_ns) / 1000000,
		};
		if (r->reported)
			ending_fill(&o, &r->end, r->plan, text);
		else
			o.failure = "the sandbox was killed from outside";
		send_ended(l, r->number, &o);
		r->answered = true;
		l->run_count--;
		l->ending++;
		unwatch(r, &r->in);
		if (l->engine != NULL)
			ipc_flush(l->engine);
		/* Its first process uses neither on its way out. */
		if (r->reported)
			pool_give_back(l->pool, &r->lent,
			    (r->end.flags & CTL_NO_TRACES) != 0);
		pool_ended(l->pool, r->plan, r->record);
	}
	if (r->answered && r->gone)
		free_run(r);
}

static void on_output(void *ctx, int fd, unsigned events);

static void
resume(void *ctx)
{
	struct launcher *l = ctx;

	l->resume = NULL;
	for (struct lrun *r = l->runs; r != NULL; r = r->next) {
		for (size_t i = 0; i < 2; i++) {
			if (!r->out[i].waiting || r->out[i].fd < 0)
				continue;
			r->out[i].waiting = false;
			(void)loop_fd(l->loop, r->out[i].fd, LOOP_READ,
			    on_output, &r->out[i], NULL);
		}
	}
}

/* The engine is slower than the run: the pipe fills, the run waits. */
static void
hold(struct stream *s)
{
	struct launcher *l = s->run->l;

	s->waiting = true;
	loop_forget(l->loop, s->fd);
	if (l->resume == NULL)
		(void)loop_after(
		    l->loop, RESUME_AFTER_MS, resume, l, &l->resume, NULL);
}

static void
pass(struct stream *s, const char *bytes, size_t n)
{
	AUTO_BUF struct buf b = BUF_INIT(PROTO_OUTPUT_BYTES + 64);
	const size_t keep = n > s->left ? (size_t)s->left : n;

	s->left -= keep;
	s->run->truncated = s->run->truncated || keep < n;
	if (keep == 0)
		return;
	rec_put_u64(&b, s->run->number);
	rec_put_u8(&b, s->number);
	rec_put_str(&b, str_n(bytes, keep));
	if (tell(s->run->l, LX_OUTPUT, &b, NULL) != 0)
		s->run->truncated = true;
}

static void
on_output(void *ctx, int fd, unsigned events)
{
	struct stream *s = ctx;
	char bytes[PROTO_OUTPUT_BYTES - 1024];
	ssize_t n;

	(void)events;
	n = read(fd, bytes, sizeof(bytes));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		unwatch(s->run, &s->fd);
		end_if_over(s->run);
		return;
	}
	pass(s, bytes, (size_t)n);
	if (s->run->l->engine != NULL &&
	    ipc_queued(s->run->l->engine) > ENGINE_QUEUE_MAX)
		hold(s);
}

static void
tell_of_copy(struct ctl *end)
{
	if (end->has_fd && end->violation_count < CTL_VIOLATIONS_MAX)
		end->violations[end->violation_count++] =
		    "note: it ran on a copy of the workspace; 'assent changes' "
		    "shows what it changed, and applies it";
}

static void
on_control(void *ctx, int fd, unsigned events)
{
	struct lrun *r = ctx;
	AUTO_BUF struct buf b = BUF_INIT(64);
	struct ctl m;

	(void)events;
	if (ctl_receive(fd, r->arena, &m, NULL) <= 0) {
		loop_forget(r->l->loop, fd);
		return;
	}
	if (m.type == CTL_STARTED) {
		rec_put_u64(&b, r->number);
		(void)tell(r->l, LX_STARTED, &b, NULL);
	} else if (m.type == CTL_ENDED || m.type == CTL_FAILED) {
		r->end = m;
		r->reported = true;
		tell_of_copy(&r->end);
		if (m.type == CTL_FAILED && r->lent.template != 0)
			pool_failed(r->l->pool);
		end_if_over(r);
	}
}

static void
on_gone(void *ctx, int fd, unsigned events)
{
	struct lrun *r = ctx;

	(void)events;
	/* Its last words may still be in the link. */
	while (!r->reported) {
		struct ctl m;

		if (ctl_receive(r->run.ctl, r->arena, &m, NULL) <= 0)
			break;
		if (m.type == CTL_ENDED || m.type == CTL_FAILED) {
			r->end = m;
			r->reported = true;
		}
	}
	loop_forget(r->l->loop, fd);
	r->gone = true;
	end_if_over(r);
}

static void
on_input(void *ctx, int fd, unsigned events)
{
	struct lrun *r = ctx;
	ssize_t n = 0;

	if ((events & LOOP_HUP) != 0) {
		unwatch(r, &r->in);
		return;
	}
	if (r->in_bytes.len > 0)
		n = write(fd, r->in_bytes.s, r->in_bytes.len);
	if (n > 0)
		buf_consume(&r->in_bytes, (size_t)n);
	if ((n < 0 && errno != EAGAIN && errno != EINTR) ||
	    (r->in_bytes.len == 0 && r->in_ends)) {
		unwatch(r, &r->in);
		return;
	}
	if (r->in_bytes.len == 0)
		(void)loop_change(r->l->loop, fd, 0, NULL);
}

static void
add_input(struct lrun *r, struct str bytes)
{
	/* As at a terminal, ^D at the end closes the input. */
	if (bytes.len > 0 && bytes.s[bytes.len - 1] == '\004') {
		bytes.len--;
		r->in_ends = true;
	}
	buf_put_str(&r->in_bytes, bytes);
	if (r->in >= 0)
		(void)loop_change(r->l->loop, r->in, LOOP_WRITE, NULL);
}

static int
open_pipes(struct lrun *r, int theirs[static 3], struct err *e)
{
	int in[2], out[2], err[2];

	if (pipe2(in, O_CLOEXEC) != 0)
		return err_sys(e, "cannot make a pipe");
	theirs[0] = in[0];
	r->in = in[1];
	if (pipe2(out, O_CLOEXEC) != 0)
		return err_sys(e, "cannot make a pipe");
	theirs[1] = out[1];
	r->out[0].fd = out[0];
	if (pipe2(err, O_CLOEXEC) != 0)
		return err_sys(e, "cannot make a pipe");
	theirs[2] = err[1];
	r->out[1].fd = err[0];
	return ERR_OK;
}

static int
watch(struct lrun *r, struct err *e)
{
	struct loop *loop = r->l->loop;
	int code = fdio_nonblock(r->out[0].fd, e);

	if (code == 0)
		code = fdio_nonblock(r->out[1].fd, e);
	if (code == 0)
		code = fdio_nonblock(r->in, e);
	if (code == 0)
		code = fdio_nonblock(r->run.ctl, e);
	if (code == 0)
		code = loop_fd(
		    loop, r->out[0].fd, LOOP_READ, on_output, &r->out[0], e);
	if (code == 0)
		code = loop_fd(
		    loop, r->out[1].fd, LOOP_READ, on_output, &r->out[1], e);
	if (code == 0)
		code = loop_fd(loop, r->in, LOOP_WRITE, on_input, r, e);
	if (code == 0)
		code = loop_fd(loop, r->run.ctl, LOOP_READ, on_control, r, e);
	if (code == 0)
		code = loop_fd(loop, r->run.pidfd, LOOP_READ, on_gone, r, e);
	return code;
}

/* Root runs nothing as root, and nobody runs anything as somebody else. */
static int
check_identity(const struct plan *p, struct err *e)
{
	const bool same = p->who.identity == IDENTITY_SAME;

	if (p->unconfined)
		return err_set(e, ERR_DENIED, "a run without a sandbox");
	if (geteuid() == 0
		? !same
		: same && p->who.uid == geteuid() && p->who.gid == getegid())
		return ERR_OK;
	return err_set(e, ERR_DENIED,
	    "the plan is for user %u, this launcher is of user %u", p->who.uid,
	    geteuid());
}

static int
start(struct lrun *r, const int theirs[static 3], struct err *e)
{
	struct pool *pool = r->l->pool;
	struct run_with with = {
		.stdio = { theirs[0], theirs[1], theirs[2] },
		.tty = -1,
	};

	if (pool_start(pool, r->plan, r->record, theirs, &r->run, &r->lent))
		return ERR_OK;
	r->lent = pool_lend(pool, r->plan);
	with.userns = r->lent.userns;
	return run_start(r->plan, &with, &r->run, e);
}

/* Held open from before the run: what is applied later goes there. */
static int
open_workspace(struct lrun *r, struct err *e)
{
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &r->began);
	r->workspace = sys_openat2(AT_FDCWD, r->plan->workspace,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
	    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	return r->workspace >= 0
	    ? ERR_OK
	    : err_sys(e, "cannot open the workspace '%s'", r->plan->workspace);
}

static int
begin(struct lrun *r, struct err *e)
{
	int theirs[3] = { -1, -1, -1 };
	int code = check_identity(r->plan, e);

	if (code == 0 && r->plan->overlay)
		code = open_workspace(r, e);
	if (code == 0)
		code = open_pipes(r, theirs, e);
	if (code == 0)
		code = start(r, theirs, e);
	for (size_t i = 0; i < 3; i++)
		fd_closep(&theirs[i]);
	if (code != 0)
		return code;
	/* An empty input that was given stays open for more to come. */
	r->in_ends = !r->plan->has_stdin || r->plan->stdin_text.len > 0;
	buf_put_str(&r->in_bytes, r->plan->stdin_text);
	return watch(r, e);
}

static struct lrun *
new_run(struct launcher *l, uint64_t number)
{
	struct lrun *r = mem_new(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->l = l;
	r->number = number;
	r->arena = arena_new(RUN_ARENA);
	r->in = -1;
	r->workspace = -1;
	r->lent = (struct lent){ .net = -1, .userns = -1 };
	r->in_bytes = (struct buf)BUF_INIT(IPC_PAYLOAD_MAX);
	r->started_ns = loop_now_ns();
	for (size_t i = 0; i < 2; i++) {
		r->out[i].run = r;
		r->out[i].fd = -1;
		r->out[i].number = (uint8_t)(i + 1);
	}
	r->next = l->runs;
	l->runs = r;
	l->run_count++;
	if (r->arena == NULL) {
		free_run(r);
		return NULL;
	}
	return r;
}

static int
on_run(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct launcher *l = ctx;
	struct rec rec = rec_of(m->payload);
	const uint64_t number = rec_u64(&rec);
	const struct str record = rec_str(&rec);
	struct err why = ERR_INIT;
	struct lrun *r;
	char *kept;
	int code = rec_done(&rec, e);

	if (code != 0)
		return code;
	if (find(l, number) != NULL)
		return err_set(e, ERR_INVALID, "a run number is used twice");
	r = l->run_count >= RUNS_MAX || l->ending >= ENDING_MAX
	    ? NULL
	    : new_run(l, number);
	if (r == NULL) {
		send_failed(l, number, "too many runs at the same time");
		return ERR_OK;
	}
	kept = arena_strndup(r->arena, record.s, record.len);
	if (kept == NULL)
		return err_nomem(e);
	r->record = str_n(kept, record.len);
	/* A plan that cannot be read is a broken engine: the link ends. */
	code = plan_decode(r->record, r->arena, &r->plan, e);
	if (code != 0)
		return code;
	r->out[0].left = r->out[1].left = r->plan->limits.output_bytes;
	if (begin(r, &why) != 0) {
		free_run(r);
		send_failed(l, number, why.msg);
		return ERR_OK;
	}
	pool_used(l->pool, r->plan, r->record);
	return ERR_OK;
}

static int
on_stdin(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct rec rec = rec_of(m->payload);
	const uint64_t number = rec_u64(&rec);
	const struct str bytes = rec_str(&rec);
	const int code = rec_done(&rec, e);
	struct lrun *r;

	if (code != 0)
		return code;
	r = find(ctx, number);
	if (r != NULL)
		add_input(r, bytes);
	return ERR_OK;
}

static void
kill_now(void *ctx)
{
	struct lrun *r = ctx;

	r->kill_timer = NULL;
	(void)sys_pidfd_kill(r->run.pidfd, SIGKILL);
}

static int
on_signal(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct launcher *l = ctx;
	struct rec rec = rec_of(m->payload);
	struct lrun *r = find(l, rec_u64(&rec));
	const uint32_t signo = rec_u32(&rec);
	const int code = rec_done(&rec, e);
	const struct ctl c = {
		.type = signo == SIGKILL ? CTL_KILL : CTL_SIGNAL,
		.code = (int32_t)signo,
	};

	if (code != 0 || r == NULL)
		return code;
	(void)ctl_send(r->run.ctl, &c);
	if (signo == SIGKILL && r->kill_timer == NULL)
		(void)loop_after(
		    l->loop, KILL_GRACE_MS, kill_now, r, &r->kill_timer, NULL);
	return ERR_OK;
}

static int
on_changes(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct launcher *l = ctx;
	AUTO_BUF struct buf answer = BUF_INIT(2 * PROTO_CHANGES_BYTES);
	const int r = held_answer(&l->held, m->payload, &answer, e);

	return r == 0 ? tell(l, LX_CHANGES, &answer, e) : r;
}

static int
on_look(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct launcher *l = ctx;
	AUTO_BUF struct buf answer = BUF_INIT(PROTO_LOOK_BYTES);
	const int r = look_answer(m->payload, &answer, e);

	return r == 0 ? tell(l, LX_LOOKED, &answer, e) : r;
}

static const struct ipc_row rows[] = {
	{ .type = XL_RUN, .len_max = IPC_PAYLOAD_MAX, .handler = on_run },
	{
	    .type = XL_STDIN,
	    .len_max = PROTO_STDIN_BYTES + 64,
	    .handler = on_stdin,
	},
	{ .type = XL_SIGNAL, .len_max = 12, .handler = on_signal },
	{ .type = XL_CHANGES,
	    .len_max = PROTO_CHANGES_BYTES,
	    .handler = on_changes },
	{ .type = XL_LOOK, .len_max = PROTO_LOOK_BYTES, .handler = on_look },
};

static void
on_engine_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct launcher *l = ctx;

	if (why != NULL)
		log_err("engine-link", "why=%s", why->msg);
	ipc_free(i);
	l->engine = NULL;
	l->over = true;
	loop_stop(l->loop);
}

int
launcher_main(int link)
{
	struct launcher l = { .engine = NULL };
	struct err e = ERR_INIT;
	int r = loop_new(&l.loop, &e);

	if (r == 0)
		r = pool_new(l.loop, &l.pool, &e);
	(void)signal(SIGPIPE, SIG_IGN);
	if (r == 0)
		r = ipc_new(l.loop, link, "engine", rows, ARRAY_LEN(rows), &l,
		    on_engine_closed, &l.engine, &e);
	if (r == 0)
		r = loop_run(l.loop, &e);
	if (r != 0)
		log_err("launcher", "why=%s", e.msg);
	while (l.runs != NULL)
		free_run(l.runs);
	ipc_free(l.engine);
	pool_free(l.pool);
	held_free_all(&l.held);
	loop_free(l.loop);
	return r == 0 ? 0 : 1;
}
