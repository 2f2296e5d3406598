/*
 * Execute: only with a receipt, once, and the end is recorded (I1, I7).
 * Runs in: engine.  Trusts: the executor's events.  Owns: nothing.
 */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/log.h"
#include "engine_int.h"
#include "stage.h"

#define ROW_BODY_MAX ((size_t)256 << 10)
#define LAUNCHED_WITHIN_NS ((int64_t)30 * 1000000000)

void
engine_run_failed(struct engine *g, struct live *l, const char *why)
{
	const struct outcome o = {
		.exit = -1,
		.failure = why,
	};

	engine_executor_events.ended(g, l->a->id, &o);
}

void
engine_start_now(struct engine *g, struct live *l)
{
	AUTO(receipt_freep) struct receipt *intent = TAKE_PTR(l->intent);
	struct err why = ERR_INIT;

	if (l->plan.output_bytes > 0 && l->plan.output_bytes < LIVE_OUTPUT_MAX)
		outflow_keep_less(&l->output, (size_t)l->plan.output_bytes);
	if (g->o.executor_port->start(
		g->o.executor, l->a, &l->plan, intent, &why) != 0)
		engine_run_failed(g, l, why.msg);
}

static void
start_now(struct engine *g, struct live *l)
{
	if (!engine_broker_first(g, l))
		engine_start_now(g, l);
}

/* Text for a program that runs already: no process of its own. */
static void
feed_now(struct engine *g, struct live *l)
{
	AUTO(receipt_freep) struct receipt *intent = TAKE_PTR(l->intent);
	const struct tool_input *in = &l->a->proposal.input;
	const struct outcome fed = { .exit = 0 };
	struct err why = ERR_INIT;

	(void)intent; /* used up here: freed at the end */
	if (g->o.executor_port->send_stdin(g->o.executor, in->target_action,
		str_of(in->stdin_text), &why) != 0)
		engine_run_failed(g, l, why.msg);
	else
		engine_executor_events.ended(g, l->a->id, &fed);
}

/* Only root changes to another account; files are looked at with the
 * proposer's eyes alone. */
static uid_t
launcher_uid(const struct live *l)
{
	return !l->looking && l->plan.elevated ? 0 : l->a->proposer.uid;
}

static gid_t
launcher_gid(const struct live *l)
{
	return !l->looking && l->plan.elevated ? 0 : l->a->proposer.gid;
}

bool
engine_launch(struct engine *g, struct live *l)
{
	struct launch *launch;

	if (g->launch_count == LAUNCHES_MAX)
		return false;
	launch = &g->launches[g->launch_count++];
	launch->ticket = ++g->next_ticket;
	launch->deadline_ns = g->o.env.boot_ns() + LAUNCHED_WITHIN_NS;
	launch->broker = false;
	memcpy(launch->id, l->a->id, sizeof(launch->id));
	g->o.out.launch(
	    g->o.out.ctx, launch->ticket, launcher_uid(l), launcher_gid(l));
	return true;
}

void
engine_run(struct engine *g, struct live *l)
{
	g->n.runs++;
	if (l->a->proposal.tool == TOOL_STDIN) {
		feed_now(g, l);
		return;
	}
	if (g->o.executor_port->has_launcher(
		g->o.executor, launcher_uid(l), launcher_gid(l))) {
		start_now(g, l);
		return;
	}
	if (!engine_launch(g, l))
		engine_run_failed(g, l, "too many runs wait to be started");
}

struct live *
engine_take_launch(struct engine *g, uint64_t ticket)
{
	for (size_t i = 0; i < g->launch_count; i++) {
		struct live *l;

		if (g->launches[i].ticket != ticket)
			continue;
		l = live_find(g->live, g->launches[i].id);
		g->launches[i] = g->launches[--g->launch_count];
		return l != NULL && (l->intent != NULL || l->looking) ? l
								      : NULL;
	}
	return NULL;
}

void
engine_launched(struct engine *g, uint64_t ticket, int fd)
{
	struct live *l = engine_take_launch(g, ticket);
	AUTO_FD int launcher = fd;
	struct err why = ERR_INIT;
	int r;

	if (l == NULL)
		return;
	r = g->o.executor_port->add_launcher(g->o.executor, launcher_uid(l),
	    launcher_gid(l), TAKE_FD(launcher), &why);
	if (l->looking)
		engine_look_launched(g, l, r == 0 ? NULL : why.msg);
	else if (r != 0)
		engine_run_failed(g, l, why.msg);
	else
		start_now(g, l);
}

void
engine_launch_failed(struct engine *g, uint64_t ticket, const char *why)
{
	struct live *l = engine_take_launch(g, ticket);

	if (l != NULL && l->looking)
		engine_look_launched(g, l, why);
	else if (l != NULL)
		engine_run_failed(g, l, why);
}

/* Whoever is to start it may be stopped himself. */
void
engine_launches_tick(struct engine *g, int64_t now_ns)
{
	for (size_t i = 0; i < g->launch_count; i++) {
		if (g->launches[i].broker ||
		    g->launches[i].deadline_ns > now_ns)
			continue;
		engine_launch_failed(g, g->launches[i].ticket,
		    "no sandbox launcher was started in time; propose it "
		    "again");
		return; /* the list is another; the rest with the next tick */
	}
}

static void
on_silent(void *ctx, uid_t uid, gid_t gid)
{
	const struct engine *g = ctx;

	if (g->o.out.end_launcher != NULL)
		g->o.out.end_launcher(g->o.out.ctx, uid, gid);
}

static void
on_started(void *ctx, const char *action_id)
{
	(void)ctx;
	log_debug("started", "id=%s", action_id);
}

/* That it ran as somebody else than it should have is said with the rest. */
static void
add_note(struct live *l, struct outcome *to)
{
	AUTO_BUF struct buf note = BUF_INIT(ERR_MSG_MAX);
	const char *copy;

	buf_printf(
	    &note, "note: this run was not elevated: %s", l->a->mode_why);
	copy = arena_strdup(l->a->arena, buf_cstr(&note));
	if (copy != NULL)
		to->violations[to->violation_count++] = copy;
}

/* Deep copy into the action: the event's text is the executor's. */
static void
keep_outcome(struct live *l, const struct outcome *o)
{
	struct arena *a = l->a->arena;
	struct outcome *to = &l->a->outcome;

	*to = *o;
	to->out = outflow_text(&l->output, 1, OUTCOME_OUTPUT_BYTES_MAX);
	to->err_out = outflow_text(&l->output, 2, OUTCOME_OUTPUT_BYTES_MAX);
	to->truncated = o->truncated || outflow_is_cut(&l->output);
	to->shortened = l->output.total[0] > to->out.len ||
	    l->output.total[1] > to->err_out.len;
	to->failure = o->failure == NULL ? NULL : arena_strdup(a, o->failure);
	to->violations =
	    arena_array(a, o->violation_count + 1, sizeof(*to->violations));
	to->violation_count = 0;
	if (to->violations != NULL && l->a->mode_why != NULL)
		add_note(l, to);
	for (size_t i = 0; to->violations != NULL && i < o->violation_count;
	     i++) {
		const char *copy = arena_strdup(a, o->violations[i]);

		if (copy != NULL)
			to->violations[to->violation_count++] = copy;
	}
}

static int
record_outcome(struct engine *g, struct live *l, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct change c = { .live = l, .to = STAGE_DONE };
	int r;

	row_body_outcome(g, l, &l->a->outcome, &body);
	r = buf_done(&body, e);
	if (r == 0)
		r = engine_append(g, &c, ROW_OUTCOME, buf_str(&body), NULL, e);
	if (r == 0)
		r = engine_put_open(g, &c, e);
	if (r == 0)
		r = engine_push(g, &c, e);
	return r;
}

static void
on_ended(void *ctx, const char *action_id, const struct outcome *o)
{
	struct engine *g = ctx;
	struct live *l = live_find(g->live, action_id);
	struct err why = ERR_INIT;
	size_t held;

	if (l == NULL || l->a->stage != STAGE_RUNNING)
		return;
	engine_settle(g, l);
	engine_net_run_over(g, action_id);
	held = outflow_size(&l->output);
	keep_outcome(l, o);
	live_kept(g->live, l, outflow_size(&l->output) - held);
	if (o->failure != NULL)
		g->n.run_failures++;
	engine_output_ended(g, l);
	/* Without a store the row is missing: the action stays running here
	 * and becomes unknown at the next start. It is never run again. */
	if (record_outcome(g, l, &why) != 0)
		log_err("store", "id=%s its end is not recorded: %s", action_id,
		    why.msg);
}

const struct executor_events engine_executor_events = {
	.net_asked = engine_net_asked,
	.net_happened = engine_net_happened,
	.started = on_started,
	.looked = engine_looked,
	.changed = engine_changed,
	.output = engine_on_output,
	.silent = on_silent,
	.ended = on_ended,
};

/* An approval that is still good, for exactly this action, unused (I7). */
static int
check_approval(struct engine *g, const struct live *l, struct err *e)
{
	const struct ruling *r = &l->a->ruling;

	if (l->a->stage == STAGE_PENDING)
		return err_set(e, ERR_CONFLICT,
		    "this action waits for an answer; read it again later");
	if (l->a->stage != STAGE_DECIDED || r->decision != DECISION_ALLOW)
		return err_set(
		    e, ERR_DENIED, "this action is not allowed to run");
	if (r->expires_real_ns != 0 &&
	    (r->expires_real_ns <= g->o.env.real_ns() ||
		(r->expires_boot_ns != 0 &&
		    r->expires_boot_ns <= g->o.env.boot_ns())))
		return err_set(e, ERR_CONFLICT,
		    "the approval has expired; propose the action again");
	return ERR_OK;
}

/*
 * Rules alone allowed it and nothing was planned then. A person's approval
 * covers a plan, so without one there is nothing to run.
 */
static int
plan_late(struct engine *g, struct live *l, struct err *e)
{
	const struct classification *c = &l->a->classification;

	if (l->has_plan)
		return ERR_OK;
	if (l->a->ruling.by != BY_RULE && l->a->ruling.by != BY_DEFAULT)
		return err_set(e, ERR_CONFLICT,
		    "what was approved had no sandbox plan; propose it again "
		    "with 'execute'");
	if (c->decision != DECISION_ALLOW ||
	    memcmp(c->policy_sha256, g->policy_sha256, SHA256_LEN) != 0 ||
	    !engine_project_is_same(g, l->a))
		return err_set(e, ERR_CONFLICT,
		    "the rules have changed since this was allowed; propose "
		    "it again");
	return engine_plan(g, l, e);
}

static int
record_intent(
    struct engine *g, const struct call *c, struct live *l, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct change change = {
		.live = l,
		.has_deadline = true,
		.run = true,
		.answer = ANSWER_CALL_CREATED,
		.call_id = c->id,
		.wait_ms = c->wait_ms,
	};
	int r;

	row_body_intent(l, &body);
	r = engine_append(
	    g, &change, ROW_INTENT, buf_str(&body), &change.receipt, e);
	if (r == 0)
		r = engine_put_open(g, &change, e);
	if (r == 0)
		r = engine_push(g, &change, e);
	if (r != 0)
		receipt_free(change.receipt);
	else
		l->run_requested = true;
	return r;
}

static int
execute(struct engine *g, const struct call *c, struct live *l, struct err *e)
{
	int r;

	if (l->a->proposal.executor != EXECUTOR_ASSENT ||
	    l->a->proposal.tool == TOOL_MCP ||
	    l->a->proposal.tool == TOOL_PERMISSION)
		return err_set(
		    e, ERR_INVALID, "this kind of action is not executed here");
	if (g->o.executor_port == NULL)
		return err_set(e, ERR_SYS, "no executor is available");
	r = engine_check_hash(c, l, e);
	if (r == 0)
		r = check_approval(g, l, e);
	if (r == 0 && l->a->proposal.tool != TOOL_STDIN)
		r = plan_late(g, l, e);
	if (r == 0)
		r = record_intent(g, c, l, e);
	return r;
}

void
engine_execute(struct engine *g, const struct call *c)
{
	struct live *l = engine_target(g, c);
	struct err why = ERR_INIT;

	if (l == NULL)
		return;
	if (l->a->stage == STAGE_RUNNING || l->a->stage == STAGE_DONE ||
	    l->a->stage == STAGE_UNKNOWN) {
		if (engine_check_hash(c, l, &why) != 0)
			engine_problem_err(g, c->id, &why);
		else
			engine_reply_decision(g, c->id, l, 200);
		return;
	}
	if (execute(g, c, l, &why) != 0)
		engine_problem_err(g, c->id, &why);
}

static int
signal_of(const char *name)
{
	static const struct {
		const char *name;
		int signo;
	} signals[] = {
		{ "HUP", SIGHUP },
		{ "INT", SIGINT },
		{ "QUIT", SIGQUIT },
		{ "KILL", SIGKILL },
		{ "TERM", SIGTERM },
		{ "USR1", SIGUSR1 },
		{ "USR2", SIGUSR2 },
		{ "WINCH", SIGWINCH },
	};

	for (size_t i = 0; name != NULL && i < ARRAY_LEN(signals); i++) {
		if (strcmp(name, signals[i].name) == 0 ||
		    (strncmp(name, "SIG", 3) == 0 &&
			strcmp(name + 3, signals[i].name) == 0))
			return signals[i].signo;
	}
	return 0;
}

static uint16_t
size_of(const char *text)
{
	uint64_t v = 0;

	if (text == NULL || num_parse_u64(str_of(text), 1, UINT16_MAX, &v) != 0)
		return 0;
	return (uint16_t)v;
}

/* A changed size is its terminal's business, and becomes a signal there. */
static int
send_signal(struct engine *g, const struct call *c, const char *id, int signo,
    struct err *e)
{
	const uint16_t rows = size_of(call_field(c, "rows"));
	const uint16_t columns = size_of(call_field(c, "columns"));
	const struct executor_port *port = g->o.executor_port;

	if (signo != SIGWINCH)
		return port->kill(g->o.executor, id, signo, e);
	if (rows == 0 || columns == 0 || port->resize == NULL)
		return err_set(e, ERR_INVALID,
		    "WINCH needs 'rows' and 'columns', the new size");
	return port->resize(g->o.executor, id, rows, columns, e);
}

void
engine_signal(struct engine *g, const struct call *c)
{
	struct live *l = engine_target(g, c);
	const int signo = signal_of(call_field(c, "signal"));
	struct err why = ERR_INIT;

	if (l == NULL)
		return;
	if (signo == 0)
		engine_problem(g, c->id, 422, "invalid",
		    "'signal' must be HUP, INT, QUIT, KILL, TERM, USR1, USR2 "
		    "or WINCH");
	else if (l->a->stage != STAGE_RUNNING)
		engine_problem(
		    g, c->id, 409, "conflict", "this action is not running");
	else if (send_signal(g, c, l->a->id, signo, &why) != 0)
		engine_problem_err(g, c->id, &why);
	else
		engine_reply_decision(g, c->id, l, 202);
}
