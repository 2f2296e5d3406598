/*
 * Look: one action, many, the log, the rules, health.
 * Runs in: engine.  Trusts: nothing of a request.  Owns: nothing.
 */
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "core/ids.h"
#include "engine_int.h"
#include "model/action_json.h"
#include "stage.h"

#define LIST_MAX 1000
#define LIST_DEFAULT 100
#define VERIFY_ROWS_MAX 20000 /* a fraction of a second */
#define BODY_MAX ((size_t)32 << 20)

struct live *
engine_target(struct engine *g, const struct call *c)
{
	struct live *l = NULL;

	if (c->target != NULL && id_is("act", str_of(c->target))) {
		l = live_find(g->live, c->target);
		if (l == NULL)
			l = engine_load(g, c->target);
	}
	/* Another's action does not exist for an agent. */
	if (l != NULL && c->role == CALLER_AGENT &&
	    l->a->proposer.uid != c->uid)
		l = NULL;
	if (l == NULL) {
		engine_problem(
		    g, c->id, 404, "not_found", "there is no such action");
		return NULL;
	}
	engine_settle(g, l);
	return l;
}

void
engine_get(struct engine *g, const struct call *c)
{
	struct live *l = engine_target(g, c);
	char etag[40];
	bool same;

	if (l == NULL)
		return;
	engine_etag(l, etag);
	same = c->if_none_match != NULL && strcmp(c->if_none_match, etag) == 0;
	const struct waiter w = {
		.call_id = c->id,
		.deadline_ns = g->o.env.boot_ns() + c->wait_ms * 1000000,
		.for_done = true,
		.not_modified = same,
	};
	const bool over =
	    l->a->stage != STAGE_PENDING && l->a->stage != STAGE_RUNNING;

	if (c->wait_ms > 0 && (same || !over) && live_wait(l, &w, NULL) == 0)
		return;
	engine_reply_decision(g, c->id, l, same ? 304 : 0);
}

/* The sandbox that the run would have, in place of the final brace. */
static void
put_plan(const struct live *l, struct buf *body)
{
	if (!l->has_plan || l->plan.text == NULL || body->failed != 0 ||
	    body->len == 0)
		return;
	body->len--;
	buf_puts(body, ",\"plan_sha256\":\"");
	text_hex(body, l->plan.sha256, SHA256_LEN);
	buf_printf(body, "\",\"plan\":%s}", l->plan.text);
}

/* Whether it can be answered where it was asked, in place of the brace. */
static void
put_asker(const struct engine *g, const struct live *l, struct buf *body)
{
	if (body->failed != 0 || body->len == 0)
		return;
	body->len--;
	buf_printf(
	    body, ",\"asker_answers\":\"%s\"}", engine_asker_answers(g, l));
}

/* What a question about a credential is about; its host stands for that. */
static void
put_credential(const struct live *l, struct buf *body)
{
	struct jsonw w = jsonw_on(body);
	const struct broker_use *u = l->use;

	if (u == NULL || body->failed != 0 || body->len == 0)
		return;
	body->len--;
	buf_puts(body, ",\"credential\":");
	jsonw_object(&w);
	jsonw_kstr(&w, "name", u->credential);
	jsonw_kstr(&w, "host", u->host);
	jsonw_key(&w, "port");
	if (u->port == 0)
		jsonw_null(&w);
	else
		jsonw_int(&w, u->port);
	jsonw_kstr(&w, "what", u->what);
	jsonw_end(&w);
	buf_putc(body, '}');
}

void
engine_explain(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);
	struct live *l = engine_target(g, c);

	if (l == NULL)
		return;
	explain_to_json(l->a, &body);
	put_asker(g, l, &body);
	put_credential(l, &body);
	put_plan(l, &body);
	if (body.failed != 0)
		engine_problem(
		    g, c->id, 413, "limit", "the explanation is too long");
	else
		engine_reply_json(g, c->id, 200, buf_str(&body));
}

static bool
is_listed(const struct call *c, const struct action *a)
{
	const char *state = call_field(c, "state");
	const char *tool = call_field(c, "tool");
	const char *session = call_field(c, "session");
	const char *agent = call_field(c, "agent");

	if (state != NULL && strcmp(state, stage_name(a->stage)) != 0)
		return false;
	if (tool != NULL && strcmp(tool, tool_name(a->proposal.tool)) != 0)
		return false;
	if (session != NULL &&
	    (a->proposal.session == NULL ||
		strcmp(session, a->proposal.session) != 0))
		return false;
	if (agent != NULL &&
	    (a->proposal.agent_name == NULL ||
		strcmp(agent, a->proposal.agent_name) != 0))
		return false;
	return true;
}

static uint64_t
number_field(
    const struct call *c, const char *name, uint64_t otherwise, uint64_t max)
{
	const char *text = call_field(c, name);
	uint64_t v;

	if (text == NULL || num_parse_u64(str_of(text), 0, max, &v) != 0)
		return otherwise;
	return v;
}

/* Oldest first, from memory; what ended long ago is in the log. */
void
engine_list(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);
	struct jsonw w = jsonw_on(&body);
	const uint64_t limit = number_field(c, "limit", LIST_DEFAULT, LIST_MAX);
	const char *cursor = call_field(c, "cursor");
	const char *last = NULL;
	/* In the order of the list, which within a millisecond is not that of
	 * the ids; that order only where the cursor's own action is gone. */
	struct live *l = cursor == NULL ? NULL : live_find(g->live, cursor);
	const char *above = l == NULL ? cursor : NULL;
	uint64_t n = 0;

	jsonw_object(&w);
	jsonw_key(&w, "items");
	jsonw_array(&w);
	while ((l = live_next(g->live, l)) != NULL) {
		if (l->busy || l->a->stage == STAGE_PROPOSED ||
		    (above != NULL && strcmp(l->a->id, above) <= 0) ||
		    !is_listed(c, l->a))
			continue;
		if (n++ == limit)
			break;
		AUTO_BUF struct buf item = BUF_INIT(BODY_MAX);

		decision_to_json(l->a, &item);
		jsonw_raw(&w, buf_str(&item));
		last = l->a->id;
	}
	jsonw_end(&w);
	jsonw_kstr(&w, "next_cursor", l == NULL ? NULL : last);
	jsonw_end(&w);
	if (body.failed != 0)
		engine_problem(g, c->id, 413, "limit",
		    "the list is too long; use 'limit'");
	else
		engine_reply_json(g, c->id, 200, buf_str(&body));
}

static int
put_row(void *ctx, uint64_t seq, struct str json, struct err *e)
{
	struct buf *out = ctx;

	(void)seq;
	buf_put_str(out, json);
	buf_putc(out, '\n');
	return buf_done(out, e);
}

void
engine_log(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);
	const struct log_filter f = {
		.from_seq = number_field(c, "from_seq", 1, UINT64_MAX),
		.limit =
		    (uint32_t)number_field(c, "limit", LIST_DEFAULT, LIST_MAX),
	};
	struct reply r = { .id = c->id, .status = 200, .type = BODY_JSONL };
	struct err why = ERR_INIT;

	engine_commit(g);
	if (g->o.recorder_port->list(g->o.recorder, &f, put_row, &body, &why) !=
	    0) {
		engine_problem_err(g, c->id, &why);
		return;
	}
	r.body = buf_str(&body);
	g->o.out.reply(g->o.out.ctx, &r);
}

void
engine_verify(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);
	struct jsonw w = jsonw_on(&body);
	struct err why = ERR_INIT;
	uint8_t hash[SHA256_LEN];
	uint64_t seq = 0;
	int r;

	engine_commit(g);
	g->o.recorder_port->head(g->o.recorder, &seq, hash);
	if (seq > VERIFY_ROWS_MAX) {
		engine_problem(g, c->id, 413, "limit",
		    "the log is too long to be checked while decisions wait; "
		    "run 'assent log verify' on this machine, it needs no "
		    "daemon");
		return;
	}
	r = g->o.recorder_port->verify(g->o.recorder, &seq, &why);
	jsonw_object(&w);
	jsonw_kbool(&w, "valid", r == 0);
	jsonw_key(&w, "seq");
	jsonw_uint(&w, seq);
	if (r != 0)
		jsonw_kstr(&w, "detail", why.msg);
	jsonw_end(&w);
	engine_reply_json(g, c->id, 200, buf_str(&body));
}

void
engine_rules(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);

	g->o.classifier_port->describe(g->classifier, &body);
	if (body.failed != 0)
		engine_problem(g, c->id, 413, "limit",
		    "the rules are too long for one answer");
	else
		engine_reply_json(g, c->id, 200, buf_str(&body));
}

void
engine_version(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);
	struct jsonw w = jsonw_on(&body);

	jsonw_object(&w);
	jsonw_kstr(&w, "name", "assent");
	jsonw_kstr(&w, "version", ASSENT_VERSION);
	jsonw_kint(&w, "rule_language", 1);
	jsonw_key(&w, "policy_sha256");
	jsonw_hex(&w, g->policy_sha256, SHA256_LEN);
	jsonw_end(&w);
	engine_reply_json(g, c->id, 200, buf_str(&body));
}
