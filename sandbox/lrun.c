/*
 * The life of one run in a launcher: pipes, start, last word, end.
 * Runs in: assent-exec --launcher, under the identity of who proposed.
 * Trusts: the engine's plans; nothing that comes from a run.
 * Owns: the run, its pipes and its link.
 */
#include "lrun.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fdio.h"
#include "ending.h"
#include "identity.h"
#include "net_link.h"
#include "proto.h"
#include "sys.h"

#define RUN_ARENA ((size_t)64 << 20)
#define KILL_GRACE_MS 500

void
lrun_free(struct lrun *r)
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
	lrun_unwatch(r, &r->out[0].fd);
	lrun_unwatch(r, &r->out[1].fd);
	lrun_unwatch(r, &r->in);
	if (r->run.pid > 0) {
		loop_forget(r->l->loop, r->run.pidfd);
		loop_forget(r->l->loop, r->run.ctl);
		run_done(&r->run);
	}
	pool_give_back(r->l->pool, &r->lent, false);
	net_link_free(r->net);
	fd_closep(&r->broker);
	lrun_close_values(r);
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
void
lrun_end_if_over(struct lrun *r)
{
	struct launcher *l = r->l;
	struct outcome o;
	char text[ENDING_TEXT_MAX];

	if (!r->answered && may_be_told(r) && r->out[0].fd < 0 &&
	    r->out[1].fd < 0 && lrun_net_is_over(r)) {
		o = (struct outcome){
			.exit = -1,
			.truncated = r->truncated,
			.wall_ms = (loop_now_ns() - r->started_ns) / 1000000,
		};
		if (r->too_much)
			r->end.flags |= CTL_OUTPUT;
		lrun_net_violations(r, &r->end);
		if (r->reported)
			ending_fill(&o, &r->end, r->plan, text);
		else
			o.failure = ending_without_report(
			    r->run.group.events, r->plan, text);
		launcher_send_ended(l, r->number, &o);
		r->answered = true;
		l->run_count--;
		l->ending++;
		lrun_unwatch(r, &r->in);
		if (l->engine != NULL)
			ipc_flush(l->engine);
		/* Its first process uses neither on its way out. */
		if (r->reported)
			pool_give_back(l->pool, &r->lent,
			    (r->end.flags & CTL_NO_TRACES) != 0);
		pool_ended(l->pool, r->plan, r->record);
	}
	if (r->answered && r->gone)
		lrun_free(r);
}

static void
kill_now(void *ctx)
{
	struct lrun *r = ctx;

	r->kill_timer = NULL;
	(void)sys_pidfd_kill(r->run.pidfd, SIGKILL);
}

void
lrun_kill(struct lrun *r)
{
	const struct ctl c = { .type = CTL_KILL, .code = SIGKILL };

	(void)ctl_send(r->run.ctl, &c);
	if (r->kill_timer == NULL)
		(void)loop_after(r->l->loop, KILL_GRACE_MS, kill_now, r,
		    &r->kill_timer, NULL);
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
		(void)launcher_tell(r->l, LX_STARTED, &b, NULL);
	} else if (m.type == CTL_LISTENER) {
		lrun_net_listener(r, &m);
	} else if (m.type == CTL_TERMINAL && m.has_fd) {
		/* Without it the run is of no use to anybody. */
		if (lrun_take_terminal(r, m.fd, NULL) != 0)
			(void)sys_pidfd_kill(r->run.pidfd, SIGKILL);
	} else if (m.type == CTL_ENDED || m.type == CTL_FAILED) {
		r->end = m;
		r->reported = true;
		tell_of_copy(&r->end);
		if (m.type == CTL_FAILED && r->lent.template != 0)
			pool_failed(r->l->pool);
		lrun_drain(r);
		lrun_end_if_over(r);
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
			tell_of_copy(&r->end);
		} else if (m.type == CTL_LISTENER) {
			lrun_net_listener(r, &m);
		}
	}
	loop_forget(r->l->loop, fd);
	r->gone = true;
	lrun_drain(r);
	lrun_end_if_over(r);
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
watch_pipes(struct lrun *r, struct err *e)
{
	struct loop *loop = r->l->loop;
	int code = fdio_nonblock(r->out[0].fd, e);

	if (code == 0)
		code = fdio_nonblock(r->out[1].fd, e);
	if (code == 0)
		code = fdio_nonblock(r->in, e);
	if (code == 0)
		code = loop_fd(loop, r->out[0].fd, LOOP_READ, lrun_on_output,
		    &r->out[0], e);
	if (code == 0)
		code = loop_fd(loop, r->out[1].fd, LOOP_READ, lrun_on_output,
		    &r->out[1], e);
	if (code == 0)
		code = loop_fd(loop, r->in, LOOP_WRITE, lrun_on_input, r, e);
	return code;
}

static int
watch(struct lrun *r, struct err *e)
{
	struct loop *loop = r->l->loop;
	int code = r->plan->tty ? ERR_OK : watch_pipes(r, e);

	if (code == 0)
		code = fdio_nonblock(r->run.ctl, e);
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

	/* What waits prepared has its descriptors already. */
	if (r->value_count == 0 &&
	    pool_start(pool, r->plan, r->record, theirs, &r->run, &r->lent))
		return ERR_OK;
	r->lent = pool_lend(pool, r->plan);
	with.values = r->values;
	with.value_count = r->value_count;
	with.userns = r->lent.userns;
	with.groups = &r->l->groups;
	return run_start(r->plan, &with, &r->run, e);
}

/* Held open from before the run: what is applied later goes there. */
static int
open_workspace(struct lrun *r, struct err *e)
{
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &r->began);
	r->workspace = identity_open(&r->plan->who, AT_FDCWD,
	    r->plan->workspace, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
	    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	return r->workspace >= 0
	    ? ERR_OK
	    : err_sys(e, "cannot open the workspace '%s'", r->plan->workspace);
}

int
lrun_begin(struct lrun *r, struct err *e)
{
	int theirs[3] = { -1, -1, -1 };
	int code = check_identity(r->plan, e);

	if (code == 0 && r->plan->overlay)
		code = open_workspace(r, e);
	/* A terminal is made in the run, and comes from there. */
	if (code == 0 && !r->plan->tty)
		code = open_pipes(r, theirs, e);
	if (code == 0)
		code = lrun_take_values(r, e);
	if (code == 0)
		code = lrun_net_start(r, e);
	if (code == 0)
		code = start(r, theirs, e);
	lrun_close_values(r);
	for (size_t i = 0; i < 3; i++)
		fd_closep(&theirs[i]);
	if (code != 0)
		return code;
	/* An empty input that was given stays open for more to come. */
	r->in_ends = !r->plan->tty &&
	    (!r->plan->has_stdin || r->plan->stdin_text.len > 0);
	buf_put_str(&r->in_bytes, r->plan->stdin_text);
	return watch(r, e);
}

struct lrun *
lrun_new(struct launcher *l, uint64_t number)
{
	struct lrun *r = mem_new(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->l = l;
	r->number = number;
	r->arena = arena_new(RUN_ARENA);
	r->in = -1;
	r->workspace = -1;
	r->broker = -1;
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
		lrun_free(r);
		return NULL;
	}
	return r;
}
