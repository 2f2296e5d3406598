/*
 * Ask the reviewer, take its answer: approve once, deny, or a person (I3).
 * Runs in: engine.  Trusts: nothing in an answer but its form.  Owns: nothing.
 */
#include <string.h>

#include "base/log.h"
#include "engine_int.h"
#include "stage.h"

#define EVIDENCE_MAX ((size_t)1 << 20)
#define ROW_BODY_MAX ((size_t)64 << 10)
/* Beyond the reviewer's own budget: then it is taken for dead. */
#define REVIEW_GRACE_NS (5 * SECOND_NS)

/* The reviewer does not decide: said in the log, and a person has it. */
static void
escalate(struct engine *g, struct live *l, const struct review_answer *r)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct change c = { .live = l };
	struct err why = ERR_INIT;

	engine_settle(g, l);
	if (l->a->stage != STAGE_PENDING || !l->in_review)
		return;
	l->in_review = false;
	l->a->review.outcome = REVIEW_ESCALATE;
	l->a->review.risk = r->risk;
	l->a->review.rationale = r->rationale == NULL
	    ? NULL
	    : arena_strdup(l->a->arena, r->rationale);
	if (r->outcome == REVIEW_ESCALATE)
		g->n.review_escalated++;
	else
		g->n.review_failed++;
	row_body_reviewed(r, &body);
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
	struct review_answer failed = { .cause = word };
	const struct answer none = { .kind = ANSWER_REVIEWER };

	memset(word, 0, sizeof(word));
	memcpy(word, cause, strnlen(cause, sizeof(word) - 1));
	escalate(g, l, &failed);
	if (g->o.set.policy.approval == POLICY_NEVER)
		(void)decide_by(g, l, &none);
}

static int
send_question(struct engine *g, struct live *l, struct err *e)
{
	AUTO_BUF struct buf evidence = BUF_INIT(EVIDENCE_MAX);
	struct review_question q = {
		.action_id = l->a->id,
		.least_risk = g->o.reviewer_port->least_risk(l->a),
		.session = l->a->proposal.session,
	};
	int r;

	r = g->o.reviewer_port->evidence(l->a, &evidence, e);
	if (r != 0)
		return r;
	memcpy(q.sha256, l->a->sha256, SHA256_LEN);
	q.evidence = buf_str(&evidence);
	return g->o.out.review(g->o.out.ctx, &q, e);
}

void
engine_ask(struct engine *g, struct live *l)
{
	struct err why = ERR_INIT;
	const char *person;

	if (l->in_review || g->o.reviewer_port == NULL ||
	    l->a->review.outcome != REVIEW_INVALID ||
	    ruling_asks(&l->a->classification, &g->o.set.policy) !=
		ASKS_REVIEWER)
		return;
	l->in_review = true;
	person = g->o.reviewer_port->for_person(l->a);
	if (person != NULL) {
		fail_review(g, l, person);
		return;
	}
	l->review_deadline_ns = g->o.env.boot_ns() +
	    g->o.set.review_timeout_ms * 1000000 + REVIEW_GRACE_NS;
	if (send_question(g, l, &why) != 0) {
		log_warn("review", "id=%s not asked: %s", l->a->id, why.msg);
		fail_review(
		    g, l, why.code == ERR_LIMIT ? "too_long" : "reviewer_away");
	}
}

/* An answer that is late, or for another hash, is no answer. */
static struct live *
answered(struct engine *g, const struct review_answer *r)
{
	struct live *l = live_find(g->live, r->action_id);

	if (l == NULL || !l->in_review || l->a->stage != STAGE_PENDING ||
	    !mem_equal_secret(r->sha256, l->a->sha256, SHA256_LEN)) {
		log_info("review", "id=%s late=1", r->action_id);
		return NULL;
	}
	return l;
}

static void
keep_review(struct live *l, const struct review_answer *r)
{
	struct arena *a = l->a->arena;

	l->a->review = (struct review){
		.outcome = r->outcome,
		.risk = r->risk,
	};
	if (r->rationale != NULL)
		l->a->review.rationale = arena_strdup(a, r->rationale);
	if (r->model != NULL)
		l->a->review.model = arena_strdup(a, r->model);
}

void
engine_reviewed(struct engine *g, const struct review_answer *r)
{
	struct live *l = answered(g, r);
	struct answer said = { .kind = ANSWER_REVIEWER, .outcome = r->outcome };

	if (l == NULL)
		return;
	if (r->outcome != REVIEW_APPROVE && r->outcome != REVIEW_DENY) {
		escalate(g, l, r);
		if (g->o.set.policy.approval == POLICY_NEVER)
			(void)decide_by(g, l, &said);
		return;
	}
	keep_review(l, r);
	if (r->outcome == REVIEW_DENY)
		said.message =
		    "the reviewer denied this; find a materially safer way, "
		    "or ask the user, but do not try the same again";
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
engine_reviewer_came(struct engine *g)
{
	g->reviewer_there = true;
}

void
engine_reviewer_gone(struct engine *g)
{
	struct live *l = NULL;

	g->reviewer_there = false;
	while ((l = live_next(g->live, l)) != NULL) {
		if (l->in_review)
			fail_review(g, l, "reviewer_gone");
	}
}

void
engine_review_late(struct engine *g, struct live *l)
{
	if (g->o.out.cancel_review != NULL)
		g->o.out.cancel_review(g->o.out.ctx, l->a->id);
	fail_review(g, l, "timeout");
}
