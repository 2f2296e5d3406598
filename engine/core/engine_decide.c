/*
 * A person's answer, its undo, cancelling, and time running out (I2, I7).
 * Runs in: engine.  Trusts: nothing of a request.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "engine_int.h"
#include "stage.h"

#define ROW_BODY_MAX ((size_t)256 << 10)

/* If-Match is required where somebody changes what others may change. */
static bool
precondition_fails(struct engine *g, const struct call *c, const struct live *l)
{
	char etag[40];

	engine_etag(l, etag);
	if (c->if_match == NULL) {
		engine_problem(g, c->id, 428, "if_match_required",
		    "send If-Match with the ETag of the action as you saw it");
		return true;
	}
	if (strcmp(c->if_match, etag) != 0) {
		engine_problem(g, c->id, 412, "changed",
		    "the action has changed since you read it; read it again");
		return true;
	}
	return false;
}

int
engine_check_hash(const struct call *c, const struct live *l, struct err *e)
{
	const char *hex = call_field(c, "action_sha256");
	uint8_t sha256[SHA256_LEN];

	if (hex == NULL || text_unhex(str_of(hex), sha256, sizeof(sha256)) != 0)
		return err_set(e, ERR_INVALID,
		    "'action_sha256' must be the 64 hex digits of the action");
	if (!mem_equal_secret(sha256, l->a->sha256, SHA256_LEN))
		return err_set(e, ERR_CONFLICT,
		    "that hash belongs to another action; read it again");
	return ERR_OK;
}

/* The words of the answer, copied into the action. */
static int
read_answer(
    const struct call *c, struct live *l, struct answer *ret, struct err *e)
{
	const char *message = call_field(c, "message");
	char approver[APPROVER_MAX];

	if (message == NULL)
		message = call_field(c, "reason");
	engine_approver(c, approver);
	*ret = (struct answer){
		.kind = ANSWER_PERSON,
		.decision = decision_of(str_of(call_field(c, "decision"))),
		.approver = arena_strdup(l->a->arena, approver),
	};
	if (message != NULL)
		ret->message = arena_strdup(l->a->arena, message);
	return arena_failed(l->a->arena) ? err_nomem(e) : ERR_OK;
}

int
engine_push_answer(struct engine *g, struct change *c, struct err *e)
{
	struct live *l = c->live;
	const bool allow = c->ruling.decision == DECISION_ALLOW;
	int r;

	c->run = allow && l->a->proposal.execute;
	if (allow && !c->run) {
		c->deadline_ns = g->o.env.boot_ns() + APPROVAL_LIFE_NS;
		c->ruling.expires_boot_ns = c->deadline_ns;
		c->ruling.expires_real_ns =
		    g->o.env.real_ns() + APPROVAL_LIFE_NS;
	}
	r = engine_record_ruling(g, c, e);
	if (r == 0)
		r = engine_push(g, c, e);
	if (r != 0) {
		receipt_free(c->receipt);
		return r;
	}
	l->run_requested = c->run;
	return ERR_OK;
}

/* The decision that this answer makes, and the grant (taken, may be NULL)
 * that goes with it. */
static int
push_decision(
    struct engine *g, struct change *change, struct grant *given, struct err *e)
{
	AUTO(grant_freep) struct grant *grant = given;
	struct live *l = change->live;
	int r;

	if (grant != NULL)
		change->ruling.grant = arena_strdup(l->a->arena, grant->id);
	r = engine_push_answer(g, change, e);
	if (r == 0)
		engine_review_left(g, l);
	if (r == 0 && grant != NULL)
		r = engine_grant_record(g, TAKE_PTR(grant), e);
	return r;
}

static int
answer(struct engine *g, const struct call *c, struct live *l, struct err *e)
{
	struct change change = {
		.live = l,
		.to = STAGE_DECIDED,
		.has_ruling = true,
		.has_deadline = true,
		.answer = ANSWER_CALL_DECISION,
		.call_id = c->id,
		.proved = engine_has_passphrase(c),
	};
	AUTO(grant_freep) struct grant *grant = NULL;
	struct answer said;
	bool enough = true;
	int r;

	r = engine_check_hash(c, l, e);
	if (r == 0)
		r = read_answer(c, l, &said, e);
	if (r == 0)
		r = engine_may_answer(
		    g, c, l, said.decision == DECISION_ALLOW, e);
	if (r == 0)
		r = ruling_of(&l->a->classification, &g->o.set.policy, &said,
		    &change.ruling, e);
	/* An answer that cannot last as it says is no answer, and counts for
	 * nothing. */
	if (r == 0 && said.decision == DECISION_ALLOW)
		r = engine_grant_prepare(g, l, c, said.approver, &grant, e);
	if (r == 0 && said.decision == DECISION_ALLOW)
		r = engine_count_approval(
		    g, l, said.approver, &change, &enough, e);
	if (r != 0)
		return r;
	if (enough)
		return push_decision(g, &change, TAKE_PTR(grant), e);
	const struct change partly = {
		.live = l,
		.has_asking = true,
		.asking = change.asking,
		.answer = ANSWER_CALL_PROPOSED,
		.call_id = c->id,
		.proved = change.proved,
	};

	change = partly;
	return engine_record_approval(g, &change, e);
}

/* Decided elsewhere: by whom and when, so that nobody need guess. */
static void
tell_decided(struct engine *g, const struct call *c, const struct live *l)
{
	AUTO_BUF struct buf extra = BUF_INIT(ROW_BODY_MAX);
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	const struct ruling *ruling = &l->a->ruling;
	struct reply r = { .id = c->id, .status = 409, .type = BODY_PROBLEM };
	char detail[ERR_MSG_MAX];
	struct jsonw w = jsonw_on(&extra);

	jsonw_object(&w);
	jsonw_kstr(&w, "state", stage_name(l->a->stage));
	jsonw_kstr(&w, "decision",
	    ruling->decision == DECISION_INVALID
		? NULL
		: decision_name(ruling->decision));
	jsonw_kstr(&w, "decided_by",
	    ruling->by == BY_INVALID ? NULL : decided_by_name(ruling->by));
	jsonw_kstr(&w, "approver", ruling->approver);
	jsonw_key(&w, "decided_at");
	jsonw_time(&w, ruling->decided_real_ns);
	jsonw_end(&w);
	/* Members of the problem: without the braces. */
	if (buf_done(&extra, NULL) != 0 || extra.len < 2) {
		engine_problem(
		    g, c->id, 409, "decided", "this is decided already");
		return;
	}
	extra.s[extra.len - 1] = '\0';
	(void)snprintf(detail, sizeof(detail),
	    "this is decided already: %s by %s",
	    ruling->decision == DECISION_INVALID
		? stage_name(l->a->stage)
		: decision_name(ruling->decision),
	    ruling->approver != NULL       ? ruling->approver
		: ruling->by != BY_INVALID ? decided_by_name(ruling->by)
					   : "the agent");
	problem_json(&body, 409, "decided", detail, extra.s + 1);
	r.body = buf_str(&body);
	g->o.out.reply(g->o.out.ctx, &r);
}

struct live *
engine_to_answer(struct engine *g, const struct call *c)
{
	struct live *l = engine_target(g, c);

	if (l == NULL)
		return NULL;
	if (c->role != CALLER_APPROVER && c->role != CALLER_ADMIN) {
		engine_problem(g, c->id, 403, "not_an_approver",
		    "only an approver decides; use the approver socket");
		return NULL;
	}
	/* Who comes too late is told who was there first. */
	if (c->if_match != NULL && l->a->stage != STAGE_PENDING) {
		tell_decided(g, c, l);
		return NULL;
	}
	return precondition_fails(g, c, l) ? NULL : l;
}

void
engine_decide(struct engine *g, const struct call *c)
{
	struct err why = ERR_INIT;
	struct live *l;

	if (engine_review_again(g, c))
		return;
	l = engine_to_answer(g, c);
	if (l != NULL && answer(g, c, l, &why) != 0)
		engine_problem_err(g, c->id, &why);
}

/* What the answer gave goes with it. */
static void
end_grant_of(struct engine *g, const struct live *l)
{
	struct change c = { .answer = ANSWER_CALL_NONE };
	struct grant *grant = l->a->ruling.grant == NULL
	    ? NULL
	    : grants_find(&g->grants, l->a->ruling.grant);
	struct err why = ERR_INIT;

	if (l->a->ruling.by == BY_HUMAN && grant != NULL && grant->active &&
	    engine_grant_end(g, grant, "undo", &c, &why) != 0)
		log_warn("grant", "id=%s not ended: %s", grant->id, why.msg);
}

static bool
has_answered(const struct action *a, const char *approver)
{
	const struct inquiry *q = &a->asking;

	if (a->ruling.by != BY_HUMAN || a->ruling.approver == NULL)
		return false;
	for (size_t i = 0; i < q->approver_count; i++) {
		if (a->ruling.decision == DECISION_ALLOW &&
		    strcmp(q->approvers[i], approver) == 0)
			return true;
	}
	return strcmp(a->ruling.approver, approver) == 0;
}

/* Back to the question, while nothing has been done with the answer. */
static int
take_back(struct engine *g, const struct call *c, struct live *l, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct change change = {
		.live = l,
		.to = STAGE_PENDING,
		.has_deadline = true,
		.deadline_ns =
		    g->o.env.boot_ns() + g->o.set.ask_timeout_ms * 1000000,
		.answer = ANSWER_CALL_DECISION,
		.call_id = c->id,
	};
	char approver[APPROVER_MAX];
	int r;

	engine_approver(c, approver);
	if (!has_answered(l->a, approver))
		return err_set(e, ERR_DENIED,
		    "only the person who answered can take it back");
	if (l->a->stage != STAGE_DECIDED ||
	    g->o.env.boot_ns() - l->decided_ns > UNDO_NS)
		return err_set(
		    e, ERR_CONFLICT, "it is too late to take this answer back");
	if (l->a->during != NULL)
		return err_set(e, ERR_CONFLICT,
		    "the connection has been made: it is too late to take "
		    "this answer back");
	if (l->a->asking.revised_to != NULL)
		return err_set(e, ERR_CONFLICT,
		    "an edited action has taken its place; answer that one");
	change.has_asking = true;
	change.asking = l->a->asking;
	change.asking.approver_count = 0;
	row_body_note(g, "approver", approver, &body);
	r = engine_append(g, &change, ROW_UNDONE, buf_str(&body), NULL, e);
	if (r == 0)
		r = engine_put_open(g, &change, e);
	if (r == 0)
		r = engine_push(g, &change, e);
	if (r == 0)
		end_grant_of(g, l);
	return r;
}

void
engine_undo(struct engine *g, const struct call *c)
{
	struct live *l = engine_target(g, c);
	struct err why = ERR_INIT;

	if (l == NULL || precondition_fails(g, c, l))
		return;
	if (take_back(g, c, l, &why) != 0)
		engine_problem_err(g, c->id, &why);
}

static int
end_without_ruling(struct engine *g, struct change *change, enum row_kind kind,
    struct str body, struct err *e)
{
	int r;

	r = engine_append(g, change, kind, body, NULL, e);
	if (r == 0)
		r = engine_put_open(g, change, e);
	if (r == 0)
		r = engine_push(g, change, e);
	return r;
}

void
engine_withdraw(struct engine *g, struct live *l)
{
	struct change change = {
		.live = l,
		.to = STAGE_CANCELLED,
		.has_deadline = true,
	};
	struct err why = ERR_INIT;

	engine_settle(g, l);
	if (l->a->stage == STAGE_PENDING &&
	    end_without_ruling(g, &change, ROW_CANCELLED,
		STR("{\"reason\":\"the run that asked has ended\"}"),
		&why) != 0)
		log_err(
		    "store", "id=%s is not cancelled: %s", l->a->id, why.msg);
}

void
engine_cancel(struct engine *g, const struct call *c)
{
	struct live *l = engine_target(g, c);
	struct change change = {
		.live = l,
		.to = STAGE_CANCELLED,
		.has_deadline = true,
		.answer = ANSWER_CALL_EMPTY,
		.call_id = c->id,
	};
	struct err why = ERR_INIT;

	if (l == NULL)
		return;
	if (l->a->stage != STAGE_PENDING) {
		engine_problem(g, c->id, 409, "decided",
		    "only an action that waits can be cancelled");
		return;
	}
	if (end_without_ruling(g, &change, ROW_CANCELLED, STR("{}"), &why) != 0)
		engine_problem_err(g, c->id, &why);
}

/* A question that nobody answered is a denial; an approval that nobody used
 * is gone. */
void
engine_expire(struct engine *g, struct live *l)
{
	const struct answer late = { .kind = ANSWER_TIMEOUT };
	struct change change = {
		.live = l,
		.has_deadline = true,
		.answer = ANSWER_CALL_NONE,
	};
	struct err why = ERR_INIT;

	if (l->a->stage == STAGE_PENDING) {
		change.to = STAGE_DECIDED;
		change.has_ruling = true;
		if (ruling_of(&l->a->classification, &g->o.set.policy, &late,
			&change.ruling, &why) == 0 &&
		    engine_record_ruling(g, &change, &why) == 0)
			(void)engine_push(g, &change, &why);
		return;
	}
	if (l->a->stage != STAGE_DECIDED) {
		l->deadline_ns = 0;
		return;
	}
	change.to = STAGE_EXPIRED;
	(void)end_without_ruling(g, &change, ROW_EXPIRED, STR("{}"), &why);
}
