/*
 * Answers: the decision as it stands, problems, and those who wait.
 * Runs in: engine.  Trusts: nothing.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "engine_int.h"
#include "model/action_json.h"
#include "stage.h"

#define REPLY_BYTES_MAX ((size_t)32 << 20)
#define RETRY_AFTER_S 1

static void
send(struct engine *g, struct reply *r, const struct buf *body)
{
	if (body->failed != 0) {
		r->status = 503;
		r->type = BODY_PROBLEM;
		r->body = STR("{\"type\":\"about:blank\",\"title\":\"Service "
			      "Unavailable\",\"status\":503,\"code\":"
			      "\"no_memory\",\"detail\":\"the answer does not "
			      "fit; ask for less\"}");
	} else {
		r->body = buf_str(body);
	}
	if (r->status == 503 || r->status == 429)
		r->retry_after_s = RETRY_AFTER_S;
	g->o.out.reply(g->o.out.ctx, r);
}

void
engine_reply_json(
    struct engine *g, uint64_t call_id, unsigned status, struct str json)
{
	struct reply r = {
		.id = call_id,
		.status = status,
		.body = json,
	};

	g->o.out.reply(g->o.out.ctx, &r);
}

void
engine_problem(struct engine *g, uint64_t call_id, unsigned status,
    const char *code, const char *detail)
{
	AUTO_BUF struct buf body = BUF_INIT(REPLY_BYTES_MAX);
	struct reply r = {
		.id = call_id,
		.status = status,
		.type = BODY_PROBLEM,
	};

	problem_json(&body, status, code, detail, NULL);
	send(g, &r, &body);
}

void
engine_problem_err(struct engine *g, uint64_t call_id, const struct err *e)
{
	unsigned status = 500;

	switch (e->code) {
	case ERR_INVALID:
		status = 422;
		break;
	case ERR_DENIED:
		status = 403;
		break;
	case ERR_NOTFOUND:
		status = 404;
		break;
	case ERR_LIMIT:
		status = 413;
		break;
	case ERR_CONFLICT:
		status = 409;
		break;
	case ERR_NOMEM:
	case ERR_SYS:
		status = 503;
		break;
	case ERR_OK:
	case ERR_INTERNAL:
		break;
	}
	engine_problem(g, call_id, status, err_code_name(e->code), e->msg);
}

void
engine_etag(const struct live *l, char ret[static 40])
{
	if (l->judged_again == 0)
		(void)snprintf(ret, 40, "\"%llu-%u\"",
		    (unsigned long long)l->a->seq, (unsigned)l->a->stage);
	else
		(void)snprintf(ret, 40, "\"%llu-%u.%u\"",
		    (unsigned long long)l->a->seq, (unsigned)l->a->stage,
		    l->judged_again);
}

void
engine_reply_decision(
    struct engine *g, uint64_t call_id, const struct live *l, unsigned status)
{
	AUTO_BUF struct buf body = BUF_INIT(REPLY_BYTES_MAX);
	char etag[40], location[ACTION_ID_MAX + 16];
	struct reply r = { .id = call_id, .status = status, .etag = etag };

	engine_etag(l, etag);
	if (status == 0)
		r.status = l->a->stage == STAGE_PENDING ? 202 : 200;
	if (r.status == 202 || r.status == 201) {
		(void)snprintf(
		    location, sizeof(location), "/v1/actions/%s", l->a->id);
		r.location = location;
		r.retry_after_s = r.status == 202 ? RETRY_AFTER_S : 0;
	}
	if (r.status != 304)
		decision_to_json(l->a, &body);
	send(g, &r, &body);
}

/* Is there nothing more to wait for? */
static bool
is_satisfied(const struct live *l, bool for_done)
{
	if (l->a->stage == STAGE_PENDING)
		return false;
	if (for_done && l->run_requested &&
	    (l->a->stage == STAGE_DECIDED || l->a->stage == STAGE_RUNNING))
		return false;
	return true;
}

void
engine_wake(struct engine *g, struct live *l)
{
	struct waiter *w = l->waiters;

	while (w != NULL) {
		const uint64_t call_id = w->call_id;

		if (!w->not_modified && !is_satisfied(l, w->for_done)) {
			w = w->next;
			continue;
		}
		live_gone(l, call_id);
		engine_reply_decision(g, call_id, l, 0);
		w = l->waiters;
	}
}

static int
park(struct engine *g, struct live *l, uint64_t call_id, int64_t wait_ms)
{
	const struct waiter w = {
		.call_id = call_id,
		.deadline_ns = g->o.env.boot_ns() + wait_ms * 1000000,
		.for_done = true,
	};

	return live_wait(l, &w, NULL);
}

void
engine_answer_or_wait(struct engine *g, struct live *l, const struct change *c)
{
	switch (c->answer) {
	case ANSWER_CALL_NONE:
		return;
	case ANSWER_CALL_PROPOSED:
		if (c->wait_ms > 0 && !is_satisfied(l, true) &&
		    park(g, l, c->call_id, c->wait_ms) == 0)
			return;
		engine_reply_decision(g, c->call_id, l, 0);
		return;
	case ANSWER_CALL_DECISION:
		engine_reply_decision(g, c->call_id, l, 200);
		return;
	case ANSWER_CALL_CREATED:
		if (c->wait_ms > 0 && !is_satisfied(l, true) &&
		    park(g, l, c->call_id, c->wait_ms) == 0)
			return;
		engine_reply_decision(g, c->call_id, l, 201);
		return;
	case ANSWER_CALL_EMPTY:
		engine_reply_json(g, c->call_id, 204, STR_NONE);
		return;
	}
}
