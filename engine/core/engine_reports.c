/*
 * What others report: outcomes of calls that a client ran, prompts and tool
 * results, refused callers; and the rules loaded again.
 * Runs in: engine.  Trusts: nothing of a report.  Owns: nothing.
 */
#include <string.h>

#include "base/log.h"
#include "engine_int.h"

#define ROW_BODY_MAX ((size_t)256 << 10)

static void
record_note(struct engine *g, const struct call *c, struct change *change,
    enum row_kind kind, struct str body)
{
	struct err why = ERR_INIT;
	int r;

	r = engine_append(g, change, kind, body, NULL, &why);
	if (r == 0)
		r = engine_push(g, change, &why);
	if (r != 0)
		engine_problem_err(g, c->id, &why);
}

/* The fields of a report as an object; text is cut, never lost unsaid. */
static void
put_fields(struct engine *g, const struct call *c, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	for (size_t i = 0; i < c->field_count; i++)
		row_put_report(g, &w, &c->fields[i]);
	row_put_masked_in(g, &w, c);
	jsonw_kint(&w, "peer_uid", c->uid);
	jsonw_end(&w);
}

/* A hook knows the key of its proposal, not the id that it got. */
static struct live *
target_of_outcome(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf id = BUF_INIT(ACTION_ID_MAX);
	struct call named = *c;

	if (c->target == NULL && c->idempotency_key != NULL &&
	    g->o.recorder_port->find_idempotent(
		g->o.recorder, c->uid, c->idempotency_key, &id, NULL) == 0)
		named.target = id.s;
	return engine_target(g, &named);
}

void
engine_outcome(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct live *l = target_of_outcome(g, c);
	struct change change = {
		.live = l,
		.to = STAGE_DONE,
		.has_deadline = true,
		.answer = ANSWER_CALL_EMPTY,
		.call_id = c->id,
	};

	if (l == NULL)
		return;
	if (l->a->stage != STAGE_DECIDED ||
	    l->a->proposal.executor != EXECUTOR_CLIENT) {
		engine_problem(g, c->id, 409, "conflict",
		    "an outcome is reported once, for a decided action that "
		    "the client executes");
		return;
	}
	put_fields(g, c, &body);
	record_note(g, c, &change, ROW_OUTCOME, buf_str(&body));
}

static bool
is_end_of_session(const struct call *c)
{
	const char *type = call_field(c, "type");

	return type != NULL && strcmp(type, "session_end") == 0;
}

void
engine_session_event(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct change change = {
		.session = c->target,
		.uid = c->uid,
		.answer = ANSWER_CALL_NONE,
		.call_id = c->id,
	};
	struct err why = ERR_INIT;
	int r;

	r = c->target == NULL
	    ? err_set(&why, ERR_INVALID, "the session has no name")
	    : sessions_use(g->sessions, c->target, c->uid, &why);
	put_fields(g, c, &body);
	if (r == 0)
		r = engine_append(
		    g, &change, ROW_EVENT, buf_str(&body), NULL, &why);
	if (r == 0)
		r = engine_push(g, &change, &why);
	if (r == 0) {
		/* Durable before it is acknowledged, as everything. */
		const uint64_t failures = g->n.commit_failures;

		if (is_end_of_session(c))
			engine_grants_end_session(g, c->uid, c->target);
		engine_commit(g);
		if (g->n.commit_failures == failures) {
			engine_reply_json(g, c->id, 204, STR_NONE);
			return;
		}
		(void)err_set(&why, ERR_SYS, "the event was not stored");
	}
	engine_problem_err(g, c->id, &why);
}

void
engine_refused(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct change change = { .uid = c->uid, .answer = ANSWER_CALL_NONE };

	put_fields(g, c, &body);
	if (engine_append(g, &change, ROW_AUTH, buf_str(&body), NULL, NULL) ==
	    0)
		(void)engine_push(g, &change, NULL);
}

/* The first row of a life: who runs, and what holds each of them. */
static void
record_boot(struct engine *g, struct str roles)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct change change = { .answer = ANSWER_CALL_NONE };
	struct jsonw w = jsonw_on(&body);

	jsonw_object(&w);
	jsonw_kstr(&w, "version", ASSENT_VERSION);
	jsonw_kstr(&w, "approval_policy",
	    approval_policy_name(g->o.set.policy.approval));
	jsonw_key(&w, "roles");
	jsonw_raw(&w, roles);
	jsonw_end(&w);
	if (engine_append(g, &change, ROW_BOOT, buf_str(&body), NULL, NULL) ==
	    0)
		(void)engine_push(g, &change, NULL);
}

void
engine_set_roles(struct engine *g, struct str json, bool all_up)
{
	buf_reset(&g->roles_json);
	buf_put_str(&g->roles_json, json);
	g->roles_up = all_up;
	if (all_up && !g->booted && json.len > 0) {
		g->booted = true;
		record_boot(g, json);
	}
}

static int
record_reload(
    struct engine *g, const uint8_t digest[static SHA256_LEN], struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct change change = { .answer = ANSWER_CALL_NONE };
	struct jsonw w = jsonw_on(&body);
	int r;

	jsonw_object(&w);
	jsonw_key(&w, "policy_sha256");
	jsonw_hex(&w, digest, SHA256_LEN);
	jsonw_end(&w);
	r = engine_append(g, &change, ROW_RELOAD, buf_str(&body), NULL, e);
	return r != 0 ? r : engine_push(g, &change, e);
}

/* Somebody tried, and the rules of before hold. */
static void
record_not_loaded(struct engine *g, const char *why)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct change change = { .answer = ANSWER_CALL_NONE };

	row_body_note(g, "failure", why, &body);
	if (engine_append(g, &change, ROW_RELOAD, buf_str(&body), NULL, NULL) ==
	    0)
		(void)engine_push(g, &change, NULL);
}

void
engine_settings_stay(struct engine *g, const char *why)
{
	engine_settings_problem(g, why);
	record_not_loaded(g, why);
	engine_commit(g);
}

void
engine_set_rule_state(struct engine *g, const struct classifier_options *o)
{
	g->o.classifier_options.archive = o->archive;
	g->o.classifier_options.off = o->off;
	g->o.classifier_options.off_count = o->off_count;
	g->o.classifier_options.candidate = o->candidate;
}

void
engine_keep_rules(struct engine *g)
{
	if (g->o.out.loaded != NULL && g->o.classifier_port->archive != NULL)
		g->o.out.loaded(g->o.out.ctx, g->policy_sha256,
		    g->o.classifier_port->archive(g->classifier));
}

/* Nothing that is judged by has changed: what was counted goes on. */
static bool
is_the_same(struct engine *g, const struct classifier *next)
{
	uint8_t digest[SHA256_LEN];

	if (g->had_candidate || g->o.classifier_options.candidate != NULL)
		return false;

	g->o.classifier_port->digest(next, digest);
	return memcmp(digest, g->policy_sha256, SHA256_LEN) == 0;
}

/* settled: only the rules may have changed, so the same ones change nothing. */
static int
reload(struct engine *g, struct buf *ret_json, bool settled, struct err *e)
{
	AUTO(diags_freep) struct diags *d = diags_new();
	struct classifier *next = NULL, *old = g->classifier;
	uint8_t digest[SHA256_LEN];
	int r;

	r = g->o.classifier_port->open(&g->o.classifier_options, d, &next, e);
	if (ret_json != NULL) {
		struct jsonw w = jsonw_on(ret_json);

		diags_json(d, &w);
	}
	if (r != 0) {
		engine_rules_stay(g, d, e == NULL ? "" : e->msg);
		record_not_loaded(g, e == NULL ? "" : e->msg);
		return r;
	}
	g->rules_problem[0] = '\0';
	engine_commit(g);
	if (settled && is_the_same(g, next)) {
		g->o.classifier_port->close(next);
		return ERR_OK;
	}
	g->o.classifier_port->digest(next, digest);
	r = record_reload(g, digest, e);
	if (r != 0) {
		g->o.classifier_port->close(next);
		return r;
	}
	g->classifier = next;
	memcpy(g->policy_sha256, digest, SHA256_LEN);
	engine_judge_again(g);
	g->o.classifier_port->close(old);
	log_info("reload", "rules loaded");
	g->had_candidate = g->o.classifier_options.candidate != NULL;
	engine_keep_rules(g);
	return ERR_OK;
}

int
engine_reload(struct engine *g, struct buf *ret_json, struct err *e)
{
	return reload(g, ret_json, ret_json == NULL, e);
}

int
engine_reload_settings(
    struct engine *g, const struct engine_settings *s, struct err *e)
{
	const struct engine_settings old = g->o.set;
	const struct classifier_options old_options = g->o.classifier_options;
	int r;

	g->o.set = *s;
	g->o.classifier_options.policy = s->policy.approval;
	g->o.classifier_options.reviewer =
	    s->policy.provider && s->policy.auto_review;
	g->o.classifier_options.may_cover = s->may_cover;
	/* The same rules under other settings judge otherwise. */
	r = reload(g, NULL, false, e);
	if (r != 0) {
		g->o.set = old;
		g->o.classifier_options = old_options;
		engine_settings_problem(g, e == NULL ? "" : e->msg);
		engine_commit(g);
	} else {
		g->settings_problem[0] = '\0';
		if (s->destinations == 0)
			engine_feeds_forget(g);
	}
	return r;
}

/* Rules that do not load: why, with every finding. */
void
engine_rules_invalid(
    struct engine *g, uint64_t call_id, const char *why, struct str diags)
{
	AUTO_BUF struct buf extra = BUF_INIT(ROW_BODY_MAX);
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct reply r = {
		.id = call_id,
		.status = 422,
		.type = BODY_PROBLEM,
	};

	buf_puts(&extra, "\"errors\":");
	buf_put_str(&extra, diags);
	problem_json(&body, 422, "rules_invalid", why, buf_cstr(&extra));
	r.body = buf_str(&body);
	g->o.out.reply(g->o.out.ctx, &r);
}

void
engine_reload_call(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf diags = BUF_INIT(ROW_BODY_MAX);
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct err why = ERR_INIT;
	struct jsonw w = jsonw_on(&body);

	if (engine_reload(g, &diags, &why) != 0) {
		engine_rules_invalid(g, c->id, why.msg, buf_str(&diags));
		return;
	}
	jsonw_object(&w);
	jsonw_key(&w, "policy_sha256");
	jsonw_hex(&w, g->policy_sha256, SHA256_LEN);
	jsonw_key(&w, "warnings");
	jsonw_raw(&w, buf_str(&diags));
	jsonw_end(&w);
	engine_reply_json(g, c->id, 200, buf_str(&body));
}
