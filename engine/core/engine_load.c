/*
 * Actions that are not in memory: after a restart, or long ended.
 * Runs in: engine.  Trusts: its store, whose chain is verified elsewhere.
 * Owns: nothing.
 */
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "core/ids.h"
#include "engine_int.h"
#include "model/json_in.h"
#include "stage.h"

/* The approval has expired, whatever the clock says. */
#define LONG_AGO_NS 1

/* Walks the table from PROPOSED to where the action was. */
static void
set_stored_stage(struct engine *g, struct live *l, enum stage to)
{
	static const enum stage path_to[][4] = {
		[STAGE_PENDING] = { STAGE_PENDING },
		[STAGE_DECIDED] = { STAGE_DECIDED },
		[STAGE_RUNNING] = { STAGE_DECIDED, STAGE_RUNNING },
		[STAGE_DONE] = { STAGE_DECIDED, STAGE_DONE },
		[STAGE_UNKNOWN] = { STAGE_DECIDED, STAGE_RUNNING,
		    STAGE_UNKNOWN },
		[STAGE_CANCELLED] = { STAGE_PENDING, STAGE_CANCELLED },
		[STAGE_EXPIRED] = { STAGE_DECIDED, STAGE_EXPIRED },
	};

	if ((unsigned)to >= ARRAY_LEN(path_to))
		return;
	for (size_t i = 0; i < 4 && path_to[to][i] != STAGE_INVALID; i++)
		live_set_stage(g->live, l, path_to[to][i]);
}

/* What the chained log says of an action in the row that decided it. */
struct logged {
	const struct action *a;
	bool found;
};

static bool
is_text(const json_t *row, const char *key, const char *text)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value != NULL && strcmp(value, text) == 0;
}

static int
on_logged(void *ctx, uint64_t seq, struct str json, struct err *e)
{
	struct logged *l = ctx;
	AUTO_BUF struct buf sha256 = BUF_INIT(SHA256_HEX_LEN);
	json_auto_t *row = NULL;

	(void)e;
	text_hex(&sha256, l->a->sha256, SHA256_LEN);
	l->found = seq == l->a->seq && json_in(json, &row, NULL) == 0 &&
	    is_text(row, "kind", row_kind_name(ROW_DECIDED)) &&
	    is_text(row, "action_id", l->a->id) &&
	    is_text(row, "decision", decision_name(DECISION_ALLOW)) &&
	    is_text(row, "action_sha256", buf_cstr(&sha256));
	return ERR_INTERNAL; /* one row is enough */
}

/*
 * An approval that waits to be used is believed only if the chained log says
 * so of this very action, hashed again: the table of open actions is not part
 * of the chain, and whoever can write it decides nothing.
 */
static bool
is_in_the_log(struct engine *g, const struct live *l)
{
	struct logged logged = { .a = l->a };
	const struct log_filter f = { .from_seq = l->a->seq, .limit = 1 };

	if (l->a->ruling.decision != DECISION_ALLOW)
		return true;
	(void)g->o.recorder_port->list(
	    g->o.recorder, &f, on_logged, &logged, NULL);
	return logged.found;
}

static int
rebuild(struct engine *g, const struct open_action *o,
    struct stored_state *ret_state, struct live **ret, struct err *e)
{
	AUTO(action_freep) struct action *a = NULL;
	struct stored_state stored;
	struct live *l;
	int r;

	r = action_new(&a, e);
	if (r == 0)
		r = action_decode(o->record, a, e);
	if (r == 0)
		r = engine_state_get(o->state, a->arena, &stored, e);
	if (r != 0)
		return r;
	if (strlen(o->id) >= sizeof(a->id))
		return err_set(e, ERR_INTERNAL, "the stored id is too long");
	memcpy(a->id, o->id, strlen(o->id) + 1);
	a->proposed_real_ns = stored.proposed_real_ns;
	a->during = stored.during;
	a->ruling = stored.ruling;
	a->asking = stored.asking;
	a->proposer.pid = stored.pid;
	a->proposer.started = stored.started;
	a->outcome.exit = stored.exit;
	a->outcome.signal = stored.signal;
	a->outcome.truncated = stored.had_output;
	a->outcome.timed_out = stored.timed_out;
	a->outcome.failure = stored.failure;
	a->operands = stored.operands;
	a->operand_count = stored.operand_count;
	a->seq = stored.seq;
	memcpy(a->log_hash, stored.log_hash, SHA256_LEN);
	r = live_add(g->live, &a, &l, e);
	if (r != 0)
		return r;
	if (o->idempotency_key != NULL)
		l->idempotency_key =
		    arena_strdup(l->a->arena, o->idempotency_key);
	r = engine_judge(g, l, e);
	if (r != 0) {
		live_remove(g->live, l);
		return r;
	}
	if (o->stage == STAGE_DECIDED && !is_in_the_log(g, l)) {
		log_warn("load",
		    "id=%s its approval is not in the log as it stands "
		    "now; it cannot be used",
		    l->a->id);
		l->a->ruling.expires_real_ns = LONG_AGO_NS;
	}
	/* What ran is told under the hash that it had then. */
	if (o->stage != STAGE_PENDING)
		memcpy(l->a->sha256, stored.sha256, SHA256_LEN);
	set_stored_stage(g, l, o->stage);
	*ret_state = stored;
	*ret = l;
	return ERR_OK;
}

struct load {
	struct engine *g;
	struct live *l;
};

static int
on_stored(void *ctx, const struct open_action *o, struct err *e)
{
	struct stored_state stored;
	struct load *load = ctx;

	return rebuild(load->g, o, &stored, &load->l, e);
}

struct live *
engine_load(struct engine *g, const char *id)
{
	struct load load = { .g = g };
	struct err why = ERR_INIT;
	int r;

	r = g->o.recorder_port->get_open(
	    g->o.recorder, id, on_stored, &load, &why);
	if (r != 0 && r != ERR_NOTFOUND)
		log_warn("load", "id=%s cannot be read again: %s", id, why.msg);
	return r == 0 ? load.l : NULL;
}

/* A run whose end nobody saw: said so, and never run again. */
static int
mark_unknown(struct engine *g, struct live *l, struct err *e)
{
	struct change c = { .live = l, .to = STAGE_UNKNOWN };
	int r;

	r = engine_append(g, &c, ROW_UNKNOWN, STR("{}"), NULL, e);
	if (r == 0)
		r = engine_put_open(g, &c, e);
	if (r == 0)
		r = engine_push(g, &c, e);
	return r;
}

/* By the clock that nobody sets, where it is still the same one; after the
 * machine was started anew, by the calendar. */
static int64_t
deadline_of(const struct engine *g, const struct open_action *o,
    const struct stored_state *stored)
{
	const char *now = g->o.env.boot_id;

	if (now != NULL && now[0] != '\0' && stored->boot_id != NULL &&
	    strcmp(now, stored->boot_id) == 0)
		return stored->deadline_boot_ns;
	return g->o.env.boot_ns() + o->deadline_real_ns - g->o.env.real_ns();
}

/* The run that asked ended with the daemon: an answer would lead nowhere. */
static int
end_orphan(struct engine *g, struct live *l, struct err *e)
{
	struct change c = {
		.live = l,
		.to = STAGE_CANCELLED,
		.has_deadline = true,
	};
	int r = engine_append(g, &c, ROW_CANCELLED,
	    STR("{\"reason\":\"the run that asked ended with the daemon\"}"),
	    NULL, e);

	if (r == 0)
		r = engine_put_open(g, &c, e);
	return r == 0 ? engine_push(g, &c, e) : r;
}

/* A question from before the restart, judged by the rules of today. */
static int
ask_again(struct engine *g, struct live *l, int64_t deadline_ns, struct err *e)
{
	const int64_t left = deadline_ns - g->o.env.boot_ns();
	const int64_t most = g->o.set.ask_timeout_ms * 1000000;
	struct change c = { .answer = ANSWER_CALL_NONE };

	engine_set_deadline(g, l,
	    g->o.env.boot_ns() +
		(left < 0             ? 0
			: left > most ? most
				      : left));
	if (ruling_asks(&l->a->classification, &g->o.set.policy) !=
	    ASKS_NOBODY) {
		/* A review that was under way is not asked for again. */
		l->a->review.outcome = REVIEW_ESCALATE;
		return ERR_OK;
	}
	const int r = engine_rule(g, l, &c, e);

	return r != 0 ? r : engine_push(g, &c, e);
}

static int
on_open(void *ctx, const struct open_action *o, struct err *e)
{
	struct engine *g = ctx;
	struct stored_state stored;
	struct live *l = NULL;
	struct err why = ERR_INIT;

	if (id_is("grt", str_of(o->id))) {
		engine_grant_load(g, o);
		return ERR_OK;
	}
	if (rebuild(g, o, &stored, &l, &why) != 0) {
		/* It stays in the store as it is: never allowed, never run. */
		log_err("recover", "id=%s cannot be read again: %s", o->id,
		    why.msg);
		return ERR_OK;
	}
	if (o->stage == STAGE_RUNNING)
		return mark_unknown(g, l, e);
	if (o->stage == STAGE_PENDING && stored.during != NULL)
		return end_orphan(g, l, e);
	if (o->stage == STAGE_PENDING)
		return ask_again(g, l, deadline_of(g, o, &stored), e);
	if (o->deadline_real_ns != 0)
		l->deadline_ns = deadline_of(g, o, &stored);
	return ERR_OK;
}

int
engine_recover(struct engine *g, struct err *e)
{
	const struct recorder_port *port = g->o.recorder_port;
	int r = ERR_OK;

	if (port->mask_key != NULL)
		r = port->mask_key(g->o.recorder, g->mask_key, e);
	g->has_mask_key = port->mask_key != NULL && r == 0;
	if (r == 0)
		r = port->each_open(g->o.recorder, on_open, g, e);
	if (r == 0)
		engine_commit(g);
	return r;
}

/* ---- rules loaded again ------------------------------------------------- */

/* What a person or a rule said yes to stays what it was. */
static int
judge_decided(struct engine *g, struct live *l, struct err *e)
{
	const struct plan_ref plan = l->plan;
	const bool has_plan = l->has_plan;
	const enum run_mode mode = l->a->mode;
	const char *const mode_why = l->a->mode_why;
	uint8_t sha256[SHA256_LEN];
	int r;

	memcpy(sha256, l->a->sha256, SHA256_LEN);
	r = engine_judge(g, l, e);
	memcpy(l->a->sha256, sha256, SHA256_LEN);
	l->plan = plan;
	l->has_plan = has_plan;
	l->a->mode = mode;
	l->a->mode_why = mode_why;
	return r;
}

/* Still a question, or decided by the rules of now. */
static int
judge_pending(struct engine *g, struct live *l, struct err *e)
{
	struct change c = { .answer = ANSWER_CALL_NONE };
	int r = engine_judge(g, l, e);

	/* Who has seen why it was asked has seen something else. */
	l->judged_again++;
	if (r != 0 ||
	    ruling_asks(&l->a->classification, &g->o.set.policy) != ASKS_NOBODY)
		return r;
	r = engine_rule(g, l, &c, e);
	if (r == 0)
		r = engine_push(g, &c, e);
	if (r != 0) {
		receipt_free(c.receipt);
		return r;
	}
	engine_review_left(g, l);
	return ERR_OK;
}

/* Nothing of the old rules may be read any more: what cannot be judged by
 * those of now is denied. */
static void
deny_unjudged(struct engine *g, struct live *l)
{
	struct classification *c = &l->a->classification;
	struct change change = { .answer = ANSWER_CALL_NONE };
	struct err why = ERR_INIT;
	int r;

	memset(c, 0, sizeof(*c));
	c->decision = DECISION_DENY;
	c->by = BY_POLICY;
	c->reason = "it could not be judged by the rules of now";
	if (l->a->stage != STAGE_PENDING || l->busy)
		return;
	r = engine_rule(g, l, &change, &why);
	if (r == 0)
		r = engine_push(g, &change, &why);
	if (r == 0)
		engine_review_left(g, l);
	else
		log_err(
		    "reload", "id=%s is not denied yet: %s", l->a->id, why.msg);
}

void
engine_judge_again(struct engine *g)
{
	struct live *l = NULL;

	while ((l = live_next(g->live, l)) != NULL) {
		struct err why = ERR_INIT;
		const int r = l->a->stage == STAGE_PENDING
		    ? judge_pending(g, l, &why)
		    : judge_decided(g, l, &why);

		if (r == 0)
			continue;
		log_err("reload", "id=%s cannot be judged again: %s", l->a->id,
		    why.msg);
		deny_unjudged(g, l);
	}
}
