/*
 * Propose: take a claim, judge it by rules, record what follows.
 * Runs in: engine.  Trusts: nothing of the proposal.  Owns: nothing.
 */
#include <string.h>

#include "base/log.h"
#include "core/ids.h"
#include "engine_int.h"
#include "whereabouts.h"
#include "model/action_json.h"
#include "model/trace.h"

#define ROW_BODY_MAX ((size_t)256 << 10)

/* I4: what is approved is the canonical action, its plan, and the profile
 * under which it would run. */
static int
hash_action(struct live *l, struct err *e)
{
	static const uint8_t no_plan[SHA256_LEN];
	AUTO(sha256_freep) struct sha256 *h = NULL;
	int r;

	r = sha256_new(&h, e);
	if (r == 0)
		r = sha256_add(h, l->record.s, l->record.len, e);
	if (r == 0)
		r = sha256_add(
		    h, l->has_plan ? l->plan.sha256 : no_plan, SHA256_LEN, e);
	if (r == 0)
		r = sha256_end(h, l->a->sha256, e);
	return r;
}

int
engine_plan(struct engine *g, struct live *l, struct err *e)
{
	struct action *a = l->a;
	const int r =
	    g->o.executor_port->plan(g->o.executor, a, a->arena, &l->plan, e);

	l->has_plan = r == 0;
	a->mode = r != 0       ? MODE_NONE
	    : l->plan.elevated ? MODE_ELEVATED
			       : MODE_UNELEVATED;
	a->mode_why = r != 0 ? NULL : l->plan.why_not;
	if (r == 0 && l->plan.network != NULL)
		a->classification.profile.network = l->plan.network;
	return r;
}

/*
 * What will run here at once is planned before it is hashed, and so is what a
 * person may approve for a run here later. What rules alone allow is planned
 * when it is asked for.
 */
static int
make_plan(struct engine *g, struct live *l, struct err *e)
{
	const struct proposal *p = &l->a->proposal;
	struct err ignored = ERR_INIT;
	int r;

	l->has_plan = false;
	l->a->mode = MODE_NONE;
	l->a->mode_why = NULL;
	if (g->o.executor_port == NULL || p->executor != EXECUTOR_ASSENT ||
	    p->tool == TOOL_STDIN || p->tool == TOOL_MCP ||
	    p->tool == TOOL_PERMISSION)
		return ERR_OK;
	if (!p->execute &&
	    ruling_asks(&l->a->classification, &g->o.set.policy) == ASKS_NOBODY)
		return ERR_OK;
	r = engine_plan(g, l, p->execute ? e : &ignored);
	return p->execute ? r : ERR_OK;
}

/* More than the session has is a person's to give, whatever is done with
 * it. */
static int
raise_if_wider(struct engine *g, struct action *a, struct err *e)
{
	const struct executor_port *x = g->o.executor_port;
	const char *name = a->proposal.profile;
	struct classification *c = &a->classification;
	bool wider = false;

	if (x == NULL || x->profile == NULL || name == NULL ||
	    c->decision >= DECISION_ASK ||
	    x->profile(g->o.executor, a, &wider, NULL) != 0 || !wider)
		return ERR_OK;
	AUTO_BUF struct buf why = BUF_INIT(512);

	buf_printf(&why,
	    "It asks for the profile '%.64s', which permits more than '%s'.",
	    name, "workspace-write");
	c->decision = DECISION_ASK;
	c->by = BY_POLICY;
	c->rule = (struct rule_ref){ .id = NULL };
	c->reason = arena_strdup(a->arena, buf_cstr(&why));
	return c->reason == NULL ? err_nomem(e) : ERR_OK;
}

/* For the log: enough to judge it again. */
static int
keep_input(struct engine *g, struct live *l, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(ROW_BODY_MAX);
	struct arena *arena = l->a->arena;

	l->input = STR_NONE;
	if (g->o.classifier_port->input == NULL)
		return ERR_OK;
	g->o.classifier_port->input(l->a, arena, &b);
	if (b.len == 0)
		return ERR_OK;
	l->input = str_n(arena_strndup(arena, b.s, b.len), b.len);
	return l->input.s == NULL ? err_nomem(e) : ERR_OK;
}

int
engine_judge(struct engine *g, struct live *l, struct err *e)
{
	struct action *a = l->a;
	AUTO_BUF struct buf record = BUF_INIT(ACTION_BYTES_MAX);
	int r;

	action_encode(a, &record);
	r = buf_done(&record, e);
	if (r != 0)
		return r;
	l->record =
	    str_n(arena_strndup(a->arena, record.s, record.len), record.len);
	if (l->record.s == NULL)
		return err_nomem(e);
	r = engine_classify(g, a, e);
	if (r == 0 && l->use != NULL)
		r = engine_broker_show(l, e);
	if (r == 0)
		r = keep_input(g, l, e);
	if (r != 0)
		return r;
	a->asking.need = ruling_approvals(&a->classification, &g->o.set.policy);
	if (engine_keep_group(g, a) != 0)
		return err_nomem(e);
	r = raise_if_wider(g, a, e);
	if (r == 0)
		r = engine_hold_to_ceiling(g, a, e);
	if (r == 0)
		r = make_plan(g, l, e);
	return r != 0 ? r : hash_action(l, e);
}

int
engine_record_ruling(struct engine *g, struct change *c, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	int r;

	if (c->ruling.decided_real_ns == 0)
		c->ruling.decided_real_ns = g->o.env.real_ns();
	row_body_decided(g, c, &body);
	r = buf_done(&body, e);
	if (r == 0)
		r = engine_append(g, c, ROW_DECIDED, buf_str(&body), NULL, e);
	if (r == 0 && c->run) {
		buf_reset(&body);
		row_body_intent(c->live, &body);
		r = engine_append(
		    g, c, ROW_INTENT, buf_str(&body), &c->receipt, e);
	}
	if (r == 0)
		r = engine_put_open(g, c, e);
	return r;
}

static int
record_pending(struct engine *g, struct change *c, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	int r;

	row_body_proposed(g, c->live, &body);
	r = buf_done(&body, e);
	if (r == 0)
		r = engine_append(g, c, ROW_PROPOSED, buf_str(&body), NULL, e);
	if (r == 0)
		r = engine_put_open(g, c, e);
	return r;
}

/*
 * How long an allow that nothing has used yet stays good. What rules allow
 * needs no clock of its own: rules are asked again when it is used.
 */
static void
limit_approval(struct engine *g, struct change *c)
{
	c->has_deadline = true;
	c->deadline_ns = 0;
	if (c->ruling.by == BY_GRANT && !c->run)
		c->deadline_ns = g->o.env.boot_ns() + APPROVAL_LIFE_NS;
	if (c->ruling.decision != DECISION_ALLOW || c->run)
		return;
	c->ruling.expires_boot_ns = g->o.env.boot_ns() + APPROVAL_LIFE_NS;
	c->ruling.expires_real_ns = g->o.env.real_ns() + APPROVAL_LIFE_NS;
}

/* Decided without a question. */
static int
record_at_once(struct engine *g, struct change *c, struct err *e)
{
	const struct proposal *p = &c->live->a->proposal;

	c->has_ruling = true;
	c->to = STAGE_DECIDED;
	c->run = c->ruling.decision == DECISION_ALLOW && p->execute;
	c->live->run_requested = c->run;
	limit_approval(g, c);
	return engine_record_ruling(g, c, e);
}

int
engine_rule(struct engine *g, struct live *l, struct change *c, struct err *e)
{
	const struct classification *cl = &l->a->classification;
	const struct answer none = { .kind = ANSWER_NONE };

	c->live = l;
	if (engine_grant_rules(g, l, &c->ruling))
		return record_at_once(g, c, e);
	switch (ruling_asks(cl, &g->o.set.policy)) {
	case ASKS_NOBODY:
		if (ruling_of(cl, &g->o.set.policy, &none, &c->ruling, e) != 0)
			return e == NULL ? ERR_INTERNAL : (int)e->code;
		return record_at_once(g, c, e);
	case ASKS_REVIEWER:
	case ASKS_PERSON:
		break;
	case ASKS_INVALID:
		return err_set(e, ERR_INTERNAL, "nobody was named to ask");
	}
	if (cl->decision == DECISION_REVIEW)
		g->n.reviewed++;
	else
		g->n.asked++;
	c->to = STAGE_PENDING;
	c->has_deadline = true;
	c->deadline_ns = g->o.env.boot_ns() + g->o.set.ask_timeout_ms * 1000000;
	return record_pending(g, c, e);
}

bool
engine_rule_by_grant(struct engine *g, struct live *l)
{
	struct change c = { .live = l, .answer = ANSWER_CALL_NONE };
	struct err why = ERR_INIT;
	int r;

	if (!engine_grant_rules(g, l, &c.ruling))
		return false;
	r = record_at_once(g, &c, &why);
	if (r == 0)
		r = engine_push(g, &c, &why);
	if (r == 0) {
		engine_review_left(g, l);
		return true;
	}
	receipt_free(c.receipt);
	l->run_requested = false;
	log_warn("grant", "id=%s is not answered by it: %s", l->a->id, why.msg);
	return false;
}

/* The record as the peer that sent it, with a home the kernel vouches for. */
static int
take_claim(
    struct engine *g, const struct call *c, struct action *a, struct err *e)
{
	uint8_t random[ID_RANDOM_LEN];
	int r;

	r = action_decode(c->action_record, a, e);
	if (r != 0)
		return r;
	a->proposer.uid = c->uid;
	a->proposer.gid = c->gid;
	a->proposer.pid = c->pid;
	a->proposer.home = NULL;
	if (g->o.env.meet != NULL)
		g->o.env.meet(&a->proposer);
	r = g->o.env.home(c->uid, a->arena, &a->proposer.home, e);
	if (r != 0 && r != ERR_NOTFOUND)
		return r;
	if (g->o.env.random(random, sizeof(random)) != 0)
		return err_sys(e, "cannot get random bytes");
	a->proposed_real_ns = g->o.env.real_ns();
	id_make("act", a->proposed_real_ns, random, a->id);
	return ERR_OK;
}

static bool
is_profile(const char *name)
{
	static const char *const names[] = {
		"read-only",
		"workspace-write",
		"workspace-write-online",
		"danger-full-access",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static int
check_ceiling(struct engine *g, const struct action *a, struct err *e)
{
	const struct proposal *p = &a->proposal;
	bool wider;

	if (g->o.executor_port != NULL && g->o.executor_port->profile != NULL)
		return g->o.executor_port->profile(g->o.executor, a, &wider, e);
	if (p->profile != NULL && !is_profile(p->profile))
		return err_set(e, ERR_INVALID,
		    "there is no profile '%.64s'; leave it out, or name "
		    "'read-only', 'workspace-write' or "
		    "'workspace-write-online'",
		    p->profile);
	if (p->profile != NULL &&
	    strcmp(p->profile, "danger-full-access") == 0 &&
	    !g->o.set.full_access)
		return err_set(e, ERR_DENIED,
		    "profile 'danger-full-access' is above the "
		    "administrator's ceiling; ask for less");
	return ERR_OK;
}

static int
check_execute(const struct engine *g, const struct proposal *p, struct err *e)
{
	if (!p->execute)
		return ERR_OK;
	if (g->o.executor_port == NULL)
		return err_set(e, ERR_SYS, "no executor is available");
	if (p->executor != EXECUTOR_ASSENT)
		return err_set(e, ERR_INVALID,
		    "'execute' is for executor 'assent'; a client that runs "
		    "the call itself leaves it out");
	if (p->tool == TOOL_MCP)
		return err_set(e, ERR_INVALID,
		    "an mcp call cannot be executed here; leave 'execute' "
		    "out and let the client call the server");
	return ERR_OK;
}

/* Text goes only to what runs here, for the one who had it run. */
static int
check_target(const struct engine *g, const struct action *a, struct err *e)
{
	const char *id = a->proposal.input.target_action;
	const struct live *l = id == NULL ? NULL : live_find(g->live, id);

	if (a->proposal.tool != TOOL_STDIN)
		return ERR_OK;
	if (l == NULL || l->a->proposer.uid != a->proposer.uid)
		return err_set(
		    e, ERR_NOTFOUND, "'input.action' names no action of yours");
	if (l->a->stage != STAGE_RUNNING)
		return err_set(e, ERR_CONFLICT,
		    "the action named by 'input.action' is not running");
	return ERR_OK;
}

int
engine_check_claim(struct engine *g, struct action *a, struct err *e)
{
	int r;

	r = check_execute(g, &a->proposal, e);
	if (r == 0 && a->proposal.session != NULL)
		r = sessions_use(
		    g->sessions, a->proposal.session, a->proposer.uid, e);
	if (r == 0)
		r = check_target(g, a, e);
	if (r == 0)
		r = check_ceiling(g, a, e);
	if (r == 0 &&
	    (a->proposal.workspace != NULL || a->proposal.tool == TOOL_SHELL ||
		a->proposal.tool == TOOL_EXEC || a->proposal.tool == TOOL_FILE))
		r = g->o.env.check_place(a, e);
	if (r == 0)
		r = whereabouts_not_own(
		    a, g->o.own_dirs, g->o.own_dir_count, e);
	return r;
}

/* A key that was used before gives the action it made then. */
static bool
answer_repeat(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf id = BUF_INIT(ACTION_ID_MAX);
	struct call again = *c;
	struct live *l;

	if (c->idempotency_key == NULL ||
	    g->o.recorder_port->find_idempotent(
		g->o.recorder, c->uid, c->idempotency_key, &id, NULL) != 0)
		return false;
	l = live_find(g->live, buf_cstr(&id));
	if (l != NULL && l->busy)
		engine_commit(g);
	l = live_find(g->live, buf_cstr(&id));
	AUTO(action_freep) struct action *a = NULL;
	struct err why = ERR_INIT;
	AUTO_BUF struct buf record = BUF_INIT(ACTION_BYTES_MAX);

	if (l != NULL && action_new(&a, &why) == 0 &&
	    take_claim(g, c, a, &why) == 0 &&
	    engine_check_claim(g, a, &why) == 0)
		action_encode(a, &record);
	if (l != NULL && !str_eq(buf_str(&record), l->record)) {
		engine_problem(g, c->id, 422, "idempotency_key_reused",
		    "this Idempotency-Key was used for another action; use "
		    "a new one");
		return true;
	}
	again.target = id.s;
	again.route = ROUTE_GET;
	engine_get(g, &again);
	return true;
}

static bool
refuse_now(struct engine *g, const struct call *c)
{
	struct err why = ERR_INIT;

	if (!g->o.recorder_port->healthy(g->o.recorder, &why)) {
		engine_problem(g, c->id, 503, "store_unavailable", why.msg);
		return true;
	}
	if (live_pending(g->live) >= PENDING_MAX ||
	    live_pending_of(g->live, c->uid) >= PENDING_PER_UID_MAX) {
		engine_problem(g, c->id, 429, "too_many_pending",
		    "too many actions wait for a person; have them answered "
		    "or cancelled first");
		return true;
	}
	return false;
}

/* Adds the judged action to the batch. */
static int
enter(struct engine *g, struct live *l, uint64_t call_id, int64_t wait_ms,
    struct err *e)
{
	struct change change = {
		.is_new = true,
		.answer = ANSWER_CALL_PROPOSED,
		.call_id = call_id,
		.wait_ms = wait_ms,
	};
	int r;

	r = engine_rule(g, l, &change, e);
	if (r == 0)
		r = engine_push(g, &change, e);
	if (r != 0)
		receipt_free(change.receipt);
	return r;
}

static void
refuse(struct engine *g, struct live *l, uint64_t call_id, const struct err *e)
{
	if (l != NULL)
		live_remove(g->live, l);
	g->n.refused++;
	engine_problem_err(g, call_id, e);
}

void
engine_enter(
    struct engine *g, struct live *l, uint64_t call_id, int64_t wait_ms)
{
	struct err why = ERR_INIT;
	int r = engine_judge(g, l, &why);

	if (r == 0 && l->a->asking.revises != NULL)
		r = engine_supersede(g, l, &why);
	if (r == 0)
		r = enter(g, l, call_id, wait_ms, &why);
	if (r != 0)
		refuse(g, l, call_id, &why);
}

/* The run's spans are below ours. */
static void
take_trace(struct live *l, const char *traceparent)
{
	struct action *a = l->a;
	char text[TRACEPARENT_LEN + 1];
	struct trace_place place;

	l->traceparent = arena_strdup(a->arena, traceparent);
	if (trace_place(traceparent, a->id, TRACE_SPAN_RUN, &place) != 0 ||
	    !place.has_parent)
		return;
	trace_print(&place, text);
	a->run_traceparent = arena_strdup(a->arena, text);
}

static int
take_proposal(
    struct engine *g, const struct call *c, struct live **ret, struct err *e)
{
	AUTO(action_freep) struct action *a = NULL;
	struct live *l;
	int r;

	r = action_new(&a, e);
	if (r == 0)
		r = take_claim(g, c, a, e);
	if (r == 0)
		r = engine_check_claim(g, a, e);
	if (r == 0 && engine_parks(g, c, a))
		return ERR_OK;
	if (r == 0)
		r = live_add(g->live, &a, &l, e);
	if (r != 0)
		return r;
	if (c->idempotency_key != NULL)
		l->idempotency_key =
		    arena_strdup(l->a->arena, c->idempotency_key);
	if (c->traceparent != NULL)
		take_trace(l, c->traceparent);
	*ret = l;
	return ERR_OK;
}

static void
propose(struct engine *g, const struct call *c)
{
	struct live *l = NULL;
	struct err why = ERR_INIT;
	int r = take_proposal(g, c, &l, &why);

	if (r == 0 && l == NULL)
		return; /* parked: it comes again */
	if (r == 0)
		r = engine_judge(g, l, &why);
	if (r == 0 && engine_look(g, c, l))
		return; /* goes on when its files were seen */
	if (r == 0)
		r = enter(g, l, c->id, c->wait_ms, &why);
	if (r != 0)
		refuse(g, l, c->id, &why);
}

void
engine_propose(struct engine *g, const struct call *c)
{
	g->n.proposed += !g->resuming;
	if (!refuse_now(g, c) && !answer_repeat(g, c))
		propose(g, c);
}

/* What would be decided: nothing is kept but the fact that it was asked. */
void
engine_evaluate(struct engine *g, const struct call *c)
{
	AUTO(action_freep) struct action *a = NULL;
	AUTO_BUF struct buf body = BUF_INIT((size_t)8 << 20);
	struct change change = { .answer = ANSWER_CALL_NONE };
	struct err why = ERR_INIT;
	char *stated_home;
	int r;

	r = action_new(&a, &why);
	if (r == 0)
		r = action_decode(c->action_record, a, &why);
	if (r == 0) {
		stated_home = a->proposer.home;
		r = take_claim(g, c, a, &why);
		if (r == 0 && stated_home != NULL)
			a->proposer.home = stated_home;
	}
	if (r == 0 && engine_parks(g, c, a))
		return;
	if (r == 0)
		r = engine_classify(g, a, &why);
	if (r == 0)
		r = raise_if_wider(g, a, &why);
	if (r == 0)
		r = engine_hold_to_ceiling(g, a, &why);
	if (r == 0) {
		row_body_note(g, "text", a->classification.display, &body);
		r = engine_append(
		    g, &change, ROW_EVALUATED, buf_str(&body), NULL, &why);
	}
	if (r == 0)
		r = engine_push(g, &change, &why);
	if (r != 0) {
		engine_problem_err(g, c->id, &why);
		return;
	}
	buf_reset(&body);
	explain_to_json(a, &body);
	engine_reply_json(g, c->id, 200, buf_str(&body));
}
