/*
 * The life of one run in a launcher: pipes, start, last word, end.
 * Runs in: assent-exec --launcher, under the identity of who proposed.
 * Trusts: the engine's plans; nothing that comes from a run.
 * Owns: the run, its pipes and its link.
 */
#include "launcher/lrun.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "start/ending.h"
#include "start/hints.h"
#include "root/identity.h"
#include "start/net_link.h"
#include "proto.h"
#include "sys.h"

#define RUN_ARENA ((size_t)64 << 20)
#define KILL_GRACE_MS 500
/* Its first process ends a run in time; if it can. */
#define LATE_GRACE_MS 3000
/* The kernel takes several namespaces down for little more than one. */
#define RELEASE_AFTER_MS 20
#define RELEASE_AT 8

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
	loop_cancel(r->l->loop, r->late_timer);
	lrun_audit_done(r);
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

static void
tell_started(struct lrun *r)
{
	AUTO_BUF struct buf b = BUF_INIT(64);

	if (r->told)
		return;
	r->told = true;
	rec_put_u64(&b, r->number);
	(void)launcher_tell(r->l, LX_STARTED, &b, NULL);
}

/* First processes that have reported wait for the end of the link. */
static void
release(void *ctx)
{
	struct launcher *l = ctx;

	l->release = NULL;
	l->unreleased = 0;
	for (struct lrun *r = l->runs; r != NULL; r = r->next) {
		if (r->answered && !r->released)
			(void)shutdown(r->run.ctl, SHUT_RDWR);
		r->released = r->answered;
	}
}

static void
release_soon(struct launcher *l)
{
	if (l->release == NULL)
		(void)loop_after(
		    l->loop, RELEASE_AFTER_MS, release, l, &l->release, NULL);
	if (++l->unreleased < RELEASE_AT && l->release != NULL)
		return;
	loop_cancel(l->loop, l->release);
	release(l);
}

/* Of a run that was prepared most of the plan is the template's: where there
 * is something to explain, it is read again. */
static const struct plan *
whole_plan(struct lrun *r)
{
	struct plan *p;

	if (!r->prepared || (r->end.violation_count == 0 && r->end.code == 0) ||
	    plan_decode(r->record, r->arena, &p, NULL) != 0)
		return r->plan;
	return p;
}

static void
answer(struct lrun *r)
{
	struct outcome o = {
		.exit = -1,
		.truncated = r->truncated,
		.wall_ms = (loop_now_ns() - r->started_ns) / 1000000,
	};
	char text[ENDING_TEXT_MAX];

	if (r->too_much)
		r->end.flags |= CTL_OUTPUT;
	lrun_net_violations(r, &r->end);
	lrun_audit_violations(r, &r->end);
	ending_add_limits(&r->end, r->plan, &r->run, r->arena);
	hints_add_all(&r->end, whole_plan(r), r->arena);
	if (r->reported)
		ending_fill(&o, &r->end, r->plan, text);
	else if (r->late)
		o.failure =
		    "its first process did not end in time (limits.wall), as "
		    "one that was stopped; the run was killed";
	else
		o.failure = ending_without_report(
		    r->run.pidfd, r->run.group.events, r->plan, text);
	if (r->reported && r->end.type == CTL_ENDED)
		tell_started(r);
	launcher_send_ended(r->l, r->number, &o);
	if (r->l->engine != NULL)
		ipc_flush(r->l->engine);
}

/* What its first process says of itself is not all that is asked for. */
static bool
serves_again(struct lrun *r)
{
	if (!r->reported || r->gone || r->spoken || r->too_much ||
	    r->end.type != CTL_ENDED || (r->end.flags & CTL_AS_NEW) == 0 ||
	    r->net != NULL || r->value_count > 0)
		return false;
	if (!pool_may_take(r->l->pool, &r->run, &r->lent))
		return false;
	loop_forget(r->l->loop, r->run.ctl);
	loop_forget(r->l->loop, r->run.pidfd);
	pool_take(r->l->pool, &r->run, &r->lent);
	return true;
}

/* Who waits for the answer has it: now to the rest. */
static void
clear_up(struct lrun *r)
{
	struct launcher *l = r->l;

	l->run_count--;
	l->ending++;
	lrun_unwatch(r, &r->in);
	if (serves_again(r))
		r->gone = true;
	/* Its first process uses neither on its way out. */
	else if (r->reported)
		pool_give_back(
		    l->pool, &r->lent, (r->end.flags & CTL_NO_TRACES) != 0);
	pool_ended(l->pool, r->record);
	if (!r->prepared)
		pool_ended_fresh(l->pool, r->plan, r->record);
	if (r->gone)
		return;
	loop_forget(l->loop, r->run.ctl);
	release_soon(l);
}

/*
 * The report is there and the pipes are empty: when it was sent, nothing of
 * the run was alive but its first process, whose own end, and that of its
 * namespaces, nobody need wait for.
 */
void
lrun_end_if_over(struct lrun *r)
{
	if (!r->answered && may_be_told(r) && r->out[0].fd < 0 &&
	    r->out[1].fd < 0 && lrun_net_is_over(r) && lrun_audit_is_over(r)) {
		answer(r);
		r->answered = true;
		clear_up(r);
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

static void
on_late(void *ctx)
{
	struct lrun *r = ctx;

	r->late_timer = NULL;
	if (r->gone || r->reported)
		return;
	r->late = true;
	(void)sys_pidfd_kill(r->run.pidfd, SIGKILL);
}

void
lrun_kill(struct lrun *r)
{
	const struct ctl c = { .type = CTL_KILL, .code = SIGKILL };

	r->spoken = true;
	(void)ctl_send(r->run.ctl, &c);
	if (r->kill_timer == NULL)
		(void)loop_after(r->l->loop, KILL_GRACE_MS, kill_now, r,
		    &r->kill_timer, NULL);
}

static void
tell_of_copy(struct ctl *end)
{
	if (end->has_fd)
		ctl_add_violation(end,
		    "note: it ran on a copy of the workspace; 'assent changes' "
		    "shows what it changed, and applies it");
}

static void
on_control(void *ctx, int fd, unsigned events)
{
	struct lrun *r = ctx;
	struct ctl m;

	(void)events;
	if (ctl_receive(fd, r->arena, &m, NULL) <= 0) {
		loop_forget(r->l->loop, fd);
		return;
	}
	if (m.type == CTL_COMMAND) {
		r->audit.command = m.pid;
	} else if (m.type == CTL_STARTED) {
		tell_started(r);
		lrun_listen(r);
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
		} else if (m.type == CTL_COMMAND) {
			r->audit.command = m.pid;
		} else if (m.type == CTL_LISTENER) {
			lrun_net_listener(r, &m);
		}
	}
	loop_forget(r->l->loop, fd);
	r->gone = true;
	lrun_drain(r);
	lrun_end_if_over(r);
}

static void
take_pipes(struct lrun *r, const int pipes[static 3])
{
	r->in = pipes[0];
	r->out[0].fd = pipes[1];
	r->out[1].fd = pipes[2];
}

/* What a run writes before it says that it has started, two milliseconds long,
 * is read then; most have ended by that time. */
static int
watch_pipes(struct lrun *r, struct err *e)
{
	r->out[0].waiting = r->out[1].waiting = true;
	if (r->in_ends && r->in_bytes.len == 0) {
		fd_closep(&r->in);
		return ERR_OK;
	}
	return loop_fd(r->l->loop, r->in, LOOP_WRITE, lrun_on_input, r, e);
}

static int
watch(struct lrun *r, struct err *e)
{
	struct loop *loop = r->l->loop;
	int code = r->plan->tty ? ERR_OK : watch_pipes(r, e);

	if (code == 0)
		code = loop_fd(loop, r->run.ctl, LOOP_READ, on_control, r, e);
	if (code == 0)
		code = loop_fd(loop, r->run.pidfd, LOOP_READ, on_gone, r, e);
	if (code == 0)
		code = loop_after(loop, r->plan->limits.wall_ms + LATE_GRACE_MS,
		    on_late, r, &r->late_timer, e);
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

/* Everything fresh. */
static int
start_fresh(struct lrun *r, struct err *e)
{
	struct run_with with = {
		.stdio = { -1, -1, -1 },
		.tty = -1,
		.groups = &r->l->groups,
	};
	int ours[3], code = ERR_OK;

	/* A terminal is made in the run, and comes from there. */
	if (!r->plan->tty)
		code = run_open_pipes(with.stdio, ours, e);
	if (code != 0)
		return code;
	if (!r->plan->tty)
		take_pipes(r, ours);
	r->lent = pool_lend(r->l->pool, r->plan, &with);
	with.record = r->record;
	with.values = r->values;
	with.value_count = r->value_count;
	code = run_start(r->plan, &with, &r->run, e);
	for (size_t i = 0; i < 3; i++)
		fd_closep(&with.stdio[i]);
	return code == 0 ? fdio_nonblock(r->run.ctl, e) : code;
}

static int
start(struct lrun *r, struct err *e)
{
	struct pool_run started;
	int code;

	if (!r->prepared)
		return start_fresh(r, e);
	/* What waits prepared has its descriptors already. */
	if (r->value_count == 0 &&
	    pool_start(r->l->pool, r->record, &started)) {
		r->run = started.run;
		r->lent = started.lent;
		take_pipes(r, started.pipes);
		return ERR_OK;
	}
	/* Or the template has just ended. */
	r->prepared = false;
	code = plan_decode(r->record, r->arena, &r->plan, e);
	return code == 0 ? start_fresh(r, e) : code;
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
lrun_read_plan(struct lrun *r, struct err *e)
{
	r->plan = pool_plan(r->l->pool, r->record, r->arena);
	r->prepared = r->plan != NULL;
	return r->prepared ? ERR_OK
			   : plan_decode(r->record, r->arena, &r->plan, e);
}

int
lrun_begin(struct lrun *r, struct err *e)
{
	int code = check_identity(r->plan, e);

	if (code == 0 && r->plan->overlay)
		code = open_workspace(r, e);
	if (code == 0)
		code = lrun_take_values(r, e);
	if (code == 0)
		code = lrun_net_start(r, e);
	lrun_audit_begin(r);
	if (code == 0)
		code = start(r, e);
	lrun_close_values(r);
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
