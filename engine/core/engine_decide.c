/*
 * A person's answer, its undo, cancelling, and time running out (I2, I7).
 * Runs in: engine.  Trusts: nothing of a request.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

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
	const char *scope = call_field(c, "scope");
	const char *message = call_field(c, "message");
	char approver[32];

	if (scope != NULL && strcmp(scope, "once") != 0)
		return err_set(e, ERR_INVALID,
		    "scope '%.32s' is not offered; an answer counts once",
		    scope);
	if (message == NULL)
		message = call_field(c, "reason");
	(void)snprintf(approver, sizeof(approver), "uid:%u", (unsigned)c->uid);
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
	l->in_review = false;
	l->run_requested = c->run;
	return ERR_OK;
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
	};
	struct answer said;
	int r;

	r = engine_check_hash(c, l, e);
	if (r == 0)
		r = read_answer(c, l, &said, e);
	if (r == 0)
		r = ruling_of(&l->a->classification, &g->o.set.policy, &said,
		    &change.ruling, e);
	if (r != 0)
		return r;
	const bool was_in_review = l->in_review;

	r = engine_push_answer(g, &change, e);
	if (r == 0 && was_in_review && g->o.out.cancel_review != NULL)
		g->o.out.cancel_review(g->o.out.ctx, l->a->id);
	return r;
}

void
engine_decide(struct engine *g, const struct call *c)
{
	struct live *l = engine_target(g, c);
	struct err why = ERR_INIT;

	if (l == NULL)
		return;
	if (c->role != CALLER_APPROVER && c->role != CALLER_ADMIN) {
		engine_problem(g, c->id, 403, "not_an_approver",
		    "only an approver decides; use the approver socket");
		return;
	}
	if (precondition_fails(g, c, l))
		return;
	if (l->a->stage != STAGE_PENDING) {
		engine_problem(
		    g, c->id, 409, "decided", "this action is decided already");
		return;
	}
	if (answer(g, c, l, &why) != 0)
		engine_problem_err(g, c->id, &why);
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
	char approver[32];
	int r;

	(void)snprintf(approver, sizeof(approver), "uid:%u", (unsigned)c->uid);
	if (l->a->ruling.by != BY_HUMAN || l->a->ruling.approver == NULL ||
	    strcmp(l->a->ruling.approver, approver) != 0)
		return err_set(e, ERR_DENIED,
		    "only the person who answered can take it back");
	if (l->a->stage != STAGE_DECIDED ||
	    g->o.env.boot_ns() - l->decided_ns > UNDO_NS)
		return err_set(
		    e, ERR_CONFLICT, "it is too late to take this answer back");
	row_body_note("approver", approver, &body);
	r = engine_append(g, &change, ROW_UNDONE, buf_str(&body), NULL, e);
	if (r == 0)
		r = engine_put_open(g, &change, e);
	if (r == 0)
		r = engine_push(g, &change, e);
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
end_without_ruling(
    struct engine *g, struct change *change, enum row_kind kind, struct err *e)
{
	int r;

	r = engine_append(g, change, kind, STR("{}"), NULL, e);
	if (r == 0)
		r = engine_put_open(g, change, e);
	if (r == 0)
		r = engine_push(g, change, e);
	return r;
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
	if (end_without_ruling(g, &change, ROW_CANCELLED, &why) != 0)
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
	(void)end_without_ruling(g, &change, ROW_EXPIRED, &why);
}
