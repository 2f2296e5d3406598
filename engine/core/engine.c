/*
 * The batch: changes are recorded together, then applied and answered.
 * Runs in: engine.  Trusts: its ports.  Owns: the live actions.
 */
#include "engine.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "engine_int.h"
#include "stage.h"

#define SCRATCH_BYTES_MAX ((size_t)8 << 20)
#define ROLES_BYTES_MAX ((size_t)64 << 10)
#define TRACED_BODY_MAX ((size_t)9 << 20)

int
engine_new(const struct engine_options *o, struct engine **ret, struct err *e)
{
	struct engine *g = mem_new(1, sizeof(*g));
	int r;

	if (g == NULL)
		return err_nomem(e);
	r = live_table_new(&g->live, e);
	if (r == 0)
		r = sessions_new(&g->sessions, e);
	if (r == 0)
		r = review_sessions_new(&g->review_sessions, e);
	if (r == 0)
		r = projects_new(o->classifier_port, &g->projects, e);
	if (r != 0) {
		review_sessions_free(g->review_sessions);
		sessions_free(g->sessions);
		live_table_free(g->live);
		mem_freep(&g);
		return r;
	}
	g->o = *o;
	g->classifier = o->classifier;
	g->scratch = (struct buf)BUF_INIT(SCRATCH_BYTES_MAX);
	g->roles_json = (struct buf)BUF_INIT(ROLES_BYTES_MAX);
	g->reviewer_json = (struct buf)BUF_INIT(REVIEW_STATUS_BYTES_MAX);
	o->classifier_port->digest(g->classifier, g->policy_sha256);
	*ret = g;
	return ERR_OK;
}

/* At the end of the process: nobody is told. */
static void
undo_quietly(struct change *c)
{
	receipt_freep(&c->receipt);
	engine_grant_undo(c);
}

void
engine_free(struct engine *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->change_count; i++)
		undo_quietly(&g->changes[i]);
	mem_freep(&g->changes);
	mem_freep(&g->output_calls);
	grants_done(&g->grants);
	live_table_free(g->live);
	sessions_free(g->sessions);
	review_sessions_free(g->review_sessions);
	engine_unpark(g, 0);
	projects_free(g->projects);
	g->o.classifier_port->close(g->classifier);
	buf_free(&g->scratch);
	buf_free(&g->roles_json);
	buf_free(&g->reviewer_json);
	mem_freep(&g);
}

void
engine_set_executor(struct engine *g, struct executor *x)
{
	g->o.executor = x;
}

/* So that telemetry goes on where the caller's began: a member more. */
static void
put_trace(const char *traceparent, struct str body, struct buf *out)
{
	const struct str rest = str_from(body, 1);
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "traceparent", traceparent);
	if (!str_starts(rest, STR("}")))
		buf_putc(out, ',');
	buf_put_str(out, rest);
}

/* Stricter rules that matched are named first, also where another one covers
 * what they ask about: the one that decided says what was decided. */
static const char *
rule_of(const struct classification *c)
{
	if (c->rule.id != NULL && c->rule.decision == c->decision)
		return c->rule.id;
	for (size_t i = 0; i < c->part_count; i++) {
		const struct part *p = &c->parts[i];

		if (p->decision != c->decision || p->rule_count == 0)
			continue;
		for (size_t k = 0; k < p->rule_count; k++) {
			if (p->rules[k].decision == p->decision)
				return p->rules[k].id;
		}
		return p->rules[0].id;
	}
	return NULL;
}

int
engine_append(struct engine *g, struct change *c, enum row_kind kind,
    struct str body, struct receipt **receipt, struct err *e)
{
	const struct action *a = c->live == NULL ? NULL : c->live->a;
	const struct ruling *ruling = c->has_ruling ? &c->ruling : NULL;
	AUTO_BUF struct buf traced = BUF_INIT(TRACED_BODY_MAX);
	struct row row = {
		.kind = kind,
		.session = c->session,
		.uid = c->uid,
		.time_real_ns = g->o.env.real_ns(),
		.body = body,
		.policy_sha256 = g->policy_sha256,
	};

	if (a != NULL) {
		row.action_id = a->id;
		row.session = a->proposal.session;
		row.uid = a->proposer.uid;
		row.tool = a->proposal.tool;
		row.action_sha256 = a->sha256;
		row.decision = a->ruling.decision;
		row.by = a->ruling.by;
		if (row.decision == DECISION_INVALID)
			row.decision = a->classification.decision;
		row.rule_id = rule_of(&a->classification);
	}
	if (ruling != NULL) {
		row.decision = ruling->decision;
		row.by = ruling->by;
	}
	if (c->live != NULL && c->live->traceparent != NULL) {
		put_trace(c->live->traceparent, body, &traced);
		if (buf_done(&traced, e) != 0)
			return ERR_LIMIT;
		row.body = buf_str(&traced);
	}
	return g->o.recorder_port->append(
	    g->o.recorder, &row, &c->seq, c->log_hash, receipt, e);
}

int
engine_put_open(struct engine *g, const struct change *c, struct err *e)
{
	AUTO_BUF struct buf state = BUF_INIT(SCRATCH_BYTES_MAX);
	const struct action *a = c->live->a;
	const int64_t deadline =
	    c->has_deadline ? c->deadline_ns : c->live->deadline_ns;
	int r;

	engine_state_put(c, g->o.env.boot_id, &state);
	r = buf_done(&state, e);
	if (r != 0)
		return r;
	const struct open_action open = {
		.id = a->id,
		/* A durable intent counts as running: whoever restarts cannot
		 * know how far it came. */
		.stage = c->run              ? STAGE_RUNNING
		    : c->to == STAGE_INVALID ? a->stage
					     : c->to,
		.record = c->is_new ? c->live->record : STR_NONE,
		.idempotency_key = c->live->idempotency_key,
		.uid = a->proposer.uid,
		.deadline_real_ns = deadline == 0
		    ? 0
		    : g->o.env.real_ns() + deadline - g->o.env.boot_ns(),
		.state = buf_str(&state),
	};

	return g->o.recorder_port->put_open(g->o.recorder, &open, e);
}

int
engine_push(struct engine *g, const struct change *c, struct err *e)
{
	if (mem_grow(&g->changes, &g->change_cap, g->change_count + 1,
		sizeof(*g->changes)) != 0)
		return err_nomem(e);
	g->changes[g->change_count++] = *c;
	if (c->live != NULL) {
		assert(!c->live->busy);
		c->live->busy = true;
	}
	return ERR_OK;
}

void
engine_settle(struct engine *g, struct live *l)
{
	if (l->busy)
		engine_commit(g);
	assert(!l->busy);
}

static void
count_ruling(struct engine *g, const struct ruling *r)
{
	if (r->decision == DECISION_ALLOW)
		g->n.allowed++;
	else
		g->n.denied++;
	if ((unsigned)r->by < ARRAY_LEN(g->n.by))
		g->n.by[r->by]++;
}

/* What people see of it is by the clock on the wall; what holds is not. */
void
engine_set_deadline(struct engine *g, struct live *l, int64_t boot_ns)
{
	l->deadline_ns = boot_ns;
	l->a->answer_by_real_ns = boot_ns == 0
	    ? 0
	    : g->o.env.real_ns() + boot_ns - g->o.env.boot_ns();
}

/* The row is durable: make it so in memory. */
static void
apply(struct engine *g, struct change *c)
{
	struct live *l = c->live;

	engine_grant_apply(g, c);
	if (l == NULL)
		return;
	l->busy = false;
	if (c->has_asking)
		l->a->asking = c->asking;
	if (c->has_ruling) {
		l->a->ruling = c->ruling;
		l->decided_ns = g->o.env.boot_ns();
		count_ruling(g, &c->ruling);
	}
	if (c->has_deadline)
		engine_set_deadline(g, l, c->deadline_ns);
	l->a->seq = c->seq;
	memcpy(l->a->log_hash, c->log_hash, SHA256_LEN);
	if (c->to == STAGE_PENDING)
		memset(&l->a->ruling, 0, sizeof(l->a->ruling));
	if (c->to != STAGE_INVALID && c->to != STAGE_PENDING)
		engine_review_left(g, l);
	if (c->has_ruling && c->ruling.by == BY_HUMAN)
		engine_review_person(g, l);
	if (c->to != STAGE_INVALID)
		live_set_stage(g->live, l, c->to);
	if (c->run) {
		assert(l->intent == NULL);
		l->intent = TAKE_PTR(c->receipt);
		live_set_stage(g->live, l, STAGE_RUNNING);
	}
}

static void
finish(struct engine *g, struct change *c)
{
	if (c->use != 0)
		engine_broker_used(g, c, true);
	if (c->live == NULL) {
		if (c->answer == ANSWER_CALL_EMPTY)
			engine_reply_json(g, c->call_id, 204, STR_NONE);
		return;
	}
	if (c->run)
		engine_run(g, c->live);
	if (c->to == STAGE_PENDING)
		engine_ask(g, c->live);
	if (c->to != STAGE_INVALID)
		engine_net_decided(g, c->live);
	engine_answer_or_wait(g, c->live, c);
	engine_wake(g, c->live);
}

/* Nothing of the batch is durable: nobody may hear of it. */
static void
undo(struct engine *g, struct change *c, const struct err *why)
{
	receipt_freep(&c->receipt);
	engine_grant_undo(c);
	if (c->use != 0)
		engine_broker_used(g, c, false);
	if (c->live != NULL)
		c->live->busy = false;
	if (c->answer != ANSWER_CALL_NONE)
		engine_problem(
		    g, c->call_id, 503, "store_unavailable", why->msg);
	if (c->is_new) {
		engine_net_undone(g, c->live);
		live_remove(g->live, c->live);
	}
}

static void
count_commit(struct engine *g, int64_t ns)
{
	g->n.commits++;
	g->n.commit_ns += ns;
	if (ns > g->n.commit_max_ns)
		g->n.commit_max_ns = ns;
}

void
engine_commit(struct engine *g)
{
	const size_t count = g->change_count;
	struct change *changes = g->changes;
	struct err why = ERR_INIT;
	bool granted = false;
	int64_t start;
	int r;

	if (count == 0)
		return;
	/* Answers may lead to new changes: those form the next batch. */
	g->changes = NULL;
	g->change_count = 0;
	g->change_cap = 0;
	start = g->o.env.boot_ns();
	r = g->o.recorder_port->commit(g->o.recorder, &why);
	if (r != 0) {
		g->n.commit_failures++;
		log_err("store", "commit failed, %zu changes undone: %s", count,
		    why.msg);
		for (size_t i = 0; i < count; i++)
			undo(g, &changes[i], &why);
		mem_freep(&changes);
		return;
	}
	count_commit(g, g->o.env.boot_ns() - start);
	g->n.rows += count;
	for (size_t i = 0; i < count; i++) {
		granted |= changes[i].grant_change == GRANT_ADDS;
		apply(g, &changes[i]);
	}
	for (size_t i = 0; i < count; i++)
		finish(g, &changes[i]);
	engine_events_send(g);
	mem_freep(&changes);
	if (granted)
		engine_grants_answer(g);
	live_trim(g->live);
}

void
engine_gone(struct engine *g, uint64_t call_id)
{
	struct live *l = NULL;

	engine_unpark(g, call_id);
	while ((l = live_next(g->live, l)) != NULL) {
		live_gone(l, call_id);
		if (l->output.readers != NULL)
			engine_output_gone(g, l, call_id);
	}
	for (size_t i = 0; i < g->event_count; i++) {
		if (g->events[i].call_id == call_id)
			g->events[i--] = g->events[--g->event_count];
	}
}

void
engine_all_gone(struct engine *g)
{
	struct live *l = NULL;

	g->event_count = 0;
	engine_unpark(g, 0);
	while ((l = live_next(g->live, l)) != NULL) {
		while (l->waiters != NULL)
			live_gone(l, l->waiters->call_id);
		engine_output_gone(g, l, 0);
	}
}

static engine_call_fn *const routes[] = {
	[ROUTE_PROPOSE] = engine_propose,
	[ROUTE_GET] = engine_get,
	[ROUTE_LIST] = engine_list,
	[ROUTE_CANCEL] = engine_cancel,
	[ROUTE_DECIDE] = engine_decide,
	[ROUTE_UNDO] = engine_undo,
	[ROUTE_EXPLAIN] = engine_explain,
	[ROUTE_EXECUTE] = engine_execute,
	[ROUTE_OUTPUT] = engine_output,
	[ROUTE_SIGNAL] = engine_signal,
	[ROUTE_CHANGES] = engine_changes,
	[ROUTE_EVALUATE] = engine_evaluate,
	[ROUTE_EVENTS] = engine_events,
	[ROUTE_LOG] = engine_log,
	[ROUTE_VERIFY] = engine_verify,
	[ROUTE_CHECKPOINT] = engine_checkpoint,
	[ROUTE_RULES] = engine_rules,
	[ROUTE_RELOAD] = engine_reload_call,
	[ROUTE_RULES_PREVIEW] = engine_rules_preview,
	[ROUTE_OUTCOME] = engine_outcome,
	[ROUTE_SESSION_EVENT] = engine_session_event,
	[ROUTE_GRANTS] = engine_grants_call,
	[ROUTE_REVOKE] = engine_revoke_call,
	[ROUTE_GRANT_PREVIEW] = engine_grant_preview,
	[ROUTE_RULE_DRAFT] = engine_rule_draft,
	[ROUTE_ESCALATE] = engine_escalate,
	[ROUTE_PRESENT] = engine_present,
	[ROUTE_REVISE] = engine_revise,
	[ROUTE_METRICS] = engine_metrics,
	[ROUTE_READY] = engine_ready,
	[ROUTE_VERSION] = engine_version,
	[ROUTE_REQUIREMENTS] = engine_requirements,
	[ROUTE_CREDENTIALS] = engine_credentials,
	[ROUTE_REFUSED] = engine_refused,
};

void
engine_call(struct engine *g, const struct call *c)
{
	engine_call_fn *fn =
	    (unsigned)c->route < ARRAY_LEN(routes) ? routes[c->route] : NULL;

	g->n.calls++;
	if (fn == NULL)
		engine_problem(g, c->id, 404, "not_found",
		    "there is no such resource in this version");
	else
		fn(g, c);
}

static void
wake_late(struct engine *g, struct live *l, int64_t now)
{
	struct waiter *w, *next;

	for (w = l->waiters; w != NULL; w = next) {
		const uint64_t call_id = w->call_id;
		const bool not_modified = w->not_modified;

		next = w->next;
		if (w->deadline_ns > now)
			continue;
		live_gone(l, call_id);
		if (not_modified)
			engine_reply_decision(g, call_id, l, 304);
		else
			engine_reply_decision(g, call_id, l, 0);
		next = l->waiters; /* the list has changed: look again */
	}
}

void
engine_tick(struct engine *g)
{
	const int64_t now = g->o.env.boot_ns();
	struct live *l = NULL;
	struct err why = ERR_INIT;

	while ((l = live_next(g->live, l)) != NULL) {
		if (l->waiters != NULL)
			wake_late(g, l, now);
		if (l->a->stage == STAGE_PENDING)
			engine_present_over(l, now);
		if (l->in_review && l->review_deadline_ns <= now)
			engine_review_late(g, l);
		engine_output_tick(g, l, now);
		if (l->looking && l->look_deadline_ns <= now)
			engine_look_late(g, l);
		if (l->deadline_ns != 0 && l->deadline_ns <= now && !l->busy)
			engine_expire(g, l);
	}
	engine_launches_tick(g, now);
	engine_project_tick(g, now);
	engine_grants_expire(g);
	engine_review_pump(g);
	engine_commit(g);
	if (!g->o.recorder_port->healthy(g->o.recorder, &why) &&
	    g->o.recorder_port->recover(g->o.recorder, &why) == 0)
		log_info("store", "works again");
	if (g->change_count == 0 && g->o.recorder_port->idle != NULL &&
	    now - g->idle_ns >= SECOND_NS) {
		g->idle_ns = now;
		g->o.recorder_port->idle(g->o.recorder);
		engine_retain_tick(g);
	}
	engine_events_ping(g);
	engine_checkpoint_tick(g);
	engine_feeds_tick(g);
}
