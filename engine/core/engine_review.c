/*
 * Ask the reviewer, take its answer: approve once, deny, or a person (I3).
 * Runs in: engine.  Trusts: nothing in an answer but its form.  Owns: nothing.
 *
 * At most review_parallel questions are out; the others wait here, where the
 * action is in memory anyhow.
 */
#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "engine_int.h"
#include "stage.h"

#define EVIDENCE_MAX ((size_t)3 << 20)
#define ROW_BODY_MAX ((size_t)64 << 10)
/* Beyond the reviewer's own budget: then it is taken for dead. */
#define REVIEW_GRACE_NS (5 * SECOND_NS)

/* ---- what is known of the session ----------------------------------------- */

struct histories {
	struct review_session *session, *user;
};

static int
histories_of(struct engine *g, const struct live *l, struct histories *ret,
    struct err *e)
{
	const struct action *a = l->a;
	int r;

	r = review_session_of(g->review_sessions, a->proposer.uid,
	    a->proposal.session, &ret->session, e);
	if (r == 0)
		r = review_session_of_user(
		    g->review_sessions, a->proposer.uid, &ret->user, e);
	return r;
}

static void
count_verdict(
    struct engine *g, const struct live *l, const struct review_answer *r)
{
	struct histories h;
	const int64_t tokens = (r->input_tokens > 0 ? r->input_tokens : 0) +
	    (r->output_tokens > 0 ? r->output_tokens : 0);

	if (r->input_tokens > 0)
		g->n.review_tokens_in += (uint64_t)r->input_tokens;
	if (r->cached_tokens > 0)
		g->n.review_tokens_cached += (uint64_t)r->cached_tokens;
	if (r->output_tokens > 0)
		g->n.review_tokens_out += (uint64_t)r->output_tokens;
	g->n.review_cached += r->cached ? 1 : 0;
	if (histories_of(g, l, &h, NULL) != 0)
		return;
	review_session_spent(h.session, tokens);
	if (g->o.set.shadow)
		return;
	review_session_said(h.session, r->outcome, l->a->sha256);
	review_session_said(h.user, r->outcome, l->a->sha256);
}

void
engine_review_person(struct engine *g, const struct live *l)
{
	struct histories h;

	if (l->shadow == REVIEW_APPROVE || l->shadow == REVIEW_DENY) {
		if ((l->shadow == REVIEW_APPROVE) ==
		    (l->a->ruling.decision == DECISION_ALLOW))
			g->n.shadow_agreed++;
		else
			g->n.shadow_differed++;
	}
	if (histories_of(g, l, &h, NULL) != 0)
		return;
	review_session_person(h.session);
	review_session_person(h.user);
}

/* ---- no decision by a reviewer --------------------------------------------- */

/* A person has it already in shadow; else he gets it now. */
static void
escalate(struct engine *g, struct live *l, const struct review_answer *r)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct change c = { .live = l };
	struct err why = ERR_INIT;

	engine_settle(g, l);
	if (l->a->stage != STAGE_PENDING || !l->in_review)
		return;
	engine_review_left(g, l);
	if (g->o.set.shadow) {
		l->shadow =
		    r->outcome == REVIEW_INVALID ? REVIEW_ESCALATE : r->outcome;
	} else {
		engine_keep_review(l, r);
		l->a->review.outcome = REVIEW_ESCALATE;
	}
	if (r->outcome == REVIEW_ESCALATE)
		g->n.review_escalated++;
	else if (r->outcome == REVIEW_INVALID)
		g->n.review_failed++;
	row_body_reviewed(g, r, &body);
	if (engine_append(g, &c, ROW_REVIEWED, buf_str(&body), NULL, &why) !=
		0 ||
	    engine_push(g, &c, &why) != 0)
		log_warn("review", "id=%s not recorded: %s", l->a->id, why.msg);
}

/* With nobody to escalate to, the policy denies. */
static bool
decide_by(struct engine *g, struct live *l, const struct answer *answer)
{
	struct change c = {
		.live = l,
		.to = STAGE_DECIDED,
		.has_ruling = true,
		.has_deadline = true,
	};
	struct err why = ERR_INIT;

	engine_settle(g, l);
	if (l->a->stage != STAGE_PENDING ||
	    ruling_of(&l->a->classification, &g->o.set.policy, answer,
		&c.ruling, &why) != 0)
		return false;
	return engine_push_answer(g, &c, &why) == 0;
}

static void
fail_review(struct engine *g, struct live *l, const char *cause)
{
	char word[64];
	struct review_answer failed = {
		.cause = word,
		.input_tokens = -1,
		.cached_tokens = -1,
		.output_tokens = -1,
	};
	const struct answer none = { .kind = ANSWER_REVIEWER };

	memset(word, 0, sizeof(word));
	memcpy(word, cause, strnlen(cause, sizeof(word) - 1));
	escalate(g, l, &failed);
	if (g->o.set.policy.approval == POLICY_NEVER)
		(void)decide_by(g, l, &none);
}

/* ---- asking ------------------------------------------------------------------ */

static int
send_question(struct engine *g, struct live *l, struct err *e)
{
	AUTO_BUF struct buf evidence = BUF_INIT(EVIDENCE_MAX);
	struct histories h;
	struct review_question q = {
		.action_id = l->a->id,
		.least_risk = g->o.reviewer_port->least_risk(l->a),
		.session = l->a->proposal.session,
	};
	int r;

	r = g->o.reviewer_port->evidence(l->a, &evidence, e);
	if (r == 0)
		r = histories_of(g, l, &h, e);
	if (r != 0)
		return r;
	q.again = review_session_take_again(
	    h.session, l->a->sha256, g->o.env.boot_ns());
	memcpy(q.sha256, l->a->sha256, SHA256_LEN);
	q.evidence = buf_str(&evidence);
	return g->o.out.review(g->o.out.ctx, &q, e);
}

static void
send_now(struct engine *g, struct live *l)
{
	struct err why = ERR_INIT;

	l->review_deadline_ns = g->o.env.boot_ns() +
	    g->o.set.review_timeout_ms * 1000000 + REVIEW_GRACE_NS;
	if (send_question(g, l, &why) != 0) {
		log_warn("review", "id=%s not asked: %s", l->a->id, why.msg);
		fail_review(
		    g, l, why.code == ERR_LIMIT ? "too_long" : "reviewer_away");
		return;
	}
	l->review_sent = true;
	g->reviews_out++;
}

static unsigned
parallel(const struct engine *g)
{
	return g->o.set.review_parallel == 0 ? REVIEW_IN_FLIGHT_MAX
					     : g->o.set.review_parallel;
}

static void
queue_up(struct engine *g, struct live *l)
{
	const unsigned most = g->o.set.review_queue;
	struct review_queue *q = &g->review_queue;

	if (q->count >= most || q->count >= REVIEW_QUEUE_MAX) {
		fail_review(g, l, "busy");
		return;
	}
	l->review_deadline_ns =
	    g->o.env.boot_ns() + g->o.set.review_timeout_ms * 1000000;
	memcpy(q->ids[(q->first + q->count) % REVIEW_QUEUE_MAX], l->a->id,
	    sizeof(l->a->id));
	q->count++;
}

void
engine_review_pump(struct engine *g)
{
	struct review_queue *q = &g->review_queue;

	while (q->count > 0 && g->reviews_out < parallel(g)) {
		struct live *l = live_find(g->live, q->ids[q->first]);

		q->first = (q->first + 1) % REVIEW_QUEUE_MAX;
		q->count--;
		/* Meanwhile a person may have answered. */
		if (l != NULL && l->in_review && !l->review_sent &&
		    l->a->stage == STAGE_PENDING)
			send_now(g, l);
	}
}

/* Is this for a reviewer at all? */
static bool
is_for_reviewer(const struct engine *g, const struct live *l)
{
	if (g->o.set.shadow)
		return l->a->classification.decision == DECISION_REVIEW;
	return ruling_asks(&l->a->classification, &g->o.set.policy) ==
	    ASKS_REVIEWER;
}

/* Why a person has to look whatever a model would say, or NULL. */
static const char *
for_person(struct engine *g, const struct live *l)
{
	const char *cause = g->o.reviewer_port->for_person(l->a);
	const int64_t now = g->o.env.boot_ns();
	struct histories h;

	if (cause != NULL)
		return cause;
	if (histories_of(g, l, &h, NULL) != 0)
		return "memory";
	cause = review_session_stops(
	    h.session, l->a->sha256, g->o.set.review_session_tokens, now);
	return cause != NULL
	    ? cause
	    : review_session_stops(h.user, l->a->sha256, 0, now);
}

void
engine_ask(struct engine *g, struct live *l)
{
	const char *person;

	if (l->in_review || g->o.reviewer_port == NULL ||
	    l->a->review.outcome != REVIEW_INVALID ||
	    l->shadow != REVIEW_INVALID || !is_for_reviewer(g, l))
		return;
	l->in_review = true;
	person = for_person(g, l);
	if (person != NULL)
		fail_review(g, l, person);
	else if (g->reviews_out < parallel(g))
		send_now(g, l);
	else
		queue_up(g, l);
}

void
engine_review_left(struct engine *g, struct live *l)
{
	l->in_review = false;
	if (!l->review_sent)
		return;
	l->review_sent = false;
	assert(g->reviews_out > 0);
	g->reviews_out--;
	if (g->o.out.cancel_review != NULL)
		g->o.out.cancel_review(g->o.out.ctx, l->a->id);
}

/* ---- answers ------------------------------------------------------------------ */

/* An answer that is late, or for another hash, is no answer. */
static struct live *
answered(struct engine *g, const struct review_answer *r)
{
	struct live *l = live_find(g->live, r->action_id);

	if (l == NULL || !l->in_review || !l->review_sent ||
	    l->a->stage != STAGE_PENDING ||
	    !mem_equal_secret(r->sha256, l->a->sha256, SHA256_LEN)) {
		log_info("review", "id=%s late=1", r->action_id);
		g->n.review_late++;
		return NULL;
	}
	l->review_sent = false;
	g->reviews_out--;
	return l;
}

void
engine_keep_review(struct live *l, const struct review_answer *r)
{
	struct arena *a = l->a->arena;

	l->a->review = (struct review){
		.outcome = r->outcome,
		.risk = r->risk,
		.latency_ms = r->latency_ms,
		.attempts = r->attempts,
		.input_tokens = r->input_tokens,
		.output_tokens = r->output_tokens,
		.cached = r->cached,
	};
	if (r->rationale != NULL)
		l->a->review.rationale = arena_strdup(a, r->rationale);
	if (r->model != NULL)
		l->a->review.model = arena_strdup(a, r->model);
	if (r->provider != NULL)
		l->a->review.provider = arena_strdup(a, r->provider);
	if (r->cause != NULL)
		l->a->review.cause = arena_strdup(a, r->cause);
}

static void
take_verdict(struct engine *g, struct live *l, const struct review_answer *r)
{
	struct answer said = { .kind = ANSWER_REVIEWER, .outcome = r->outcome };

	engine_keep_review(l, r);
	if (r->outcome == REVIEW_DENY)
		said.message = review_message(&l->a->review);
	if (!decide_by(g, l, &said)) {
		fail_review(g, l, "not_recorded");
		return;
	}
	if (r->outcome == REVIEW_APPROVE)
		g->n.review_approved++;
	else
		g->n.review_denied++;
}

void
engine_reviewed(struct engine *g, const struct review_answer *r)
{
	struct live *l = answered(g, r);
	const struct answer said = {
		.kind = ANSWER_REVIEWER,
		.outcome = r->outcome,
	};
	const bool verdict =
	    r->outcome == REVIEW_APPROVE || r->outcome == REVIEW_DENY;

	if (l == NULL)
		return;
	count_verdict(g, l, r);
	if (verdict && !g->o.set.shadow) {
		take_verdict(g, l, r);
	} else {
		escalate(g, l, r);
		if (g->o.set.policy.approval == POLICY_NEVER)
			(void)decide_by(g, l, &said);
	}
	engine_review_pump(g);
}

void
engine_reviewer_came(struct engine *g)
{
	g->reviewer_there = true;
}

void
engine_reviewer_gone(struct engine *g)
{
	struct live *l = NULL;

	g->reviewer_there = false;
	g->review_queue.count = 0;
	while ((l = live_next(g->live, l)) != NULL) {
		if (!l->in_review)
			continue;
		/* Nobody is there who could take back a question. */
		if (l->review_sent)
			g->reviews_out--;
		l->review_sent = false;
		fail_review(g, l, "reviewer_gone");
	}
}

void
engine_review_late(struct engine *g, struct live *l)
{
	const bool sent = l->review_sent;

	if (sent) {
		engine_review_left(g, l);
		l->in_review = true; /* for the row that follows */
	}
	fail_review(g, l, sent ? "timeout" : "busy");
}

/* ---- a second look ------------------------------------------------------------- */

/* A person may have one denied action reviewed once more: the answer stays as
 * it is, the agent has to propose the very same again. */
static int
look_again(
    struct engine *g, const struct call *c, struct live *l, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct change change = {
		.live = l,
		.answer = ANSWER_CALL_DECISION,
		.call_id = c->id,
	};
	struct histories h;
	char approver[APPROVER_MAX];
	int r = engine_check_hash(c, l, e);

	if (r == 0)
		r = engine_may_answer(g, c, l, true, e);
	if (r == 0 &&
	    (l->a->ruling.by != BY_REVIEWER ||
		l->a->ruling.decision != DECISION_DENY))
		r = err_set(e, ERR_CONFLICT,
		    "only what the reviewer denied can be reviewed again");
	if (r == 0)
		r = histories_of(g, l, &h, e);
	if (r != 0)
		return r;
	engine_settle(g, l);
	engine_approver(c, approver);
	row_body_note(g, "again_for", approver, &body);
	r = engine_append(g, &change, ROW_REVIEWED, buf_str(&body), NULL, e);
	if (r == 0)
		r = engine_push(g, &change, e);
	if (r != 0)
		return r;
	review_session_again(h.session, l->a->sha256, g->o.env.boot_ns());
	review_session_person(h.session);
	review_session_person(h.user);
	return ERR_OK;
}

bool
engine_review_again(struct engine *g, const struct call *c)
{
	const char *decision = call_field(c, "decision");
	struct err why = ERR_INIT;
	struct live *l;

	if (decision == NULL || strcmp(decision, "review") != 0)
		return false;
	l = engine_target(g, c);
	if (l == NULL)
		return true;
	if (c->role != CALLER_APPROVER && c->role != CALLER_ADMIN)
		engine_problem(g, c->id, 403, "not_an_approver",
		    "only an approver decides; use the approver socket");
	else if (look_again(g, c, l, &why) != 0)
		engine_problem_err(g, c->id, &why);
	return true;
}
