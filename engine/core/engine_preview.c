/*
 * Before somebody answers for more than once: what that answer would match,
 * tried on the calls of the last days, and what it never would.
 * Runs in: engine.  Trusts: nothing of a request.  Owns: nothing.
 */
#include <string.h>

#include "base/num.h"
#include "engine_int.h"
#include "model/json_in.h"

#define PREVIEW_BODY_MAX ((size_t)4 << 20)
#define DAY_NS (24 * 3600 * SECOND_NS)
#define PREVIEW_DAYS 30
#define PREVIEW_ROWS_MAX 10000 /* of the log, the newest */
#define PREVIEW_TIME_NS (SECOND_NS / 4) /* the engine waits no longer */
#define PREVIEW_STEP 200 /* rows between two looks at the clock */
#define EXAMPLES_MAX 10

struct preview {
	struct engine *g;
	const struct grant *grant;
	int64_t since_ns, deadline_ns;
	bool cut; /* not all of it was looked at */
	uint64_t calls, asked, denied, again;
	struct jsonw matched, missed; /* examples, as arrays */
	size_t matched_count, missed_count;
	json_t *seen; /* object: ids, for an answer may have been undone */
};

static void
put_example(struct jsonw *w, size_t *count, const struct action *a)
{
	if ((*count)++ >= EXAMPLES_MAX)
		return;
	jsonw_object(w);
	jsonw_kstr(w, "id", a->id);
	jsonw_kstr(w, "text", a->classification.display);
	jsonw_key(w, "proposed_at");
	jsonw_time(w, a->proposed_real_ns);
	jsonw_end(w);
}

/* By the rules of today, as it would be judged if it came again. */
static void
judge_again(struct preview *p, const struct action *a)
{
	const bool matches = pattern_matches(&p->grant->pattern, a);

	p->calls++;
	if (a->classification.decision == DECISION_DENY)
		p->denied++;
	if (a->classification.decision == DECISION_REVIEW ||
	    a->classification.decision == DECISION_ASK)
		p->asked++;
	if (matches) {
		p->again++;
		put_example(&p->matched, &p->matched_count, a);
	} else if (a->classification.decision != DECISION_ALLOW &&
	    pattern_resembles(&p->grant->pattern, a)) {
		put_example(&p->missed, &p->missed_count, a);
	}
}

static int
on_record(void *ctx, const struct open_action *o, struct err *e)
{
	AUTO(action_freep) struct action *a = NULL;
	struct preview *p = ctx;
	struct engine *g = p->g;
	int r;

	r = action_new(&a, e);
	if (r == 0)
		r = action_decode(o->record, a, e);
	if (r == 0)
		r = engine_classify(g, a, e);
	if (r != 0)
		return r;
	if (strlen(o->id) < sizeof(a->id))
		memcpy(a->id, o->id, strlen(o->id) + 1);
	judge_again(p, a);
	return ERR_OK;
}

static bool
is_word(const json_t *row, const char *key, const char *word)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value != NULL && strcmp(value, word) == 0;
}

static bool
is_recent(const struct preview *p, const json_t *row)
{
	const char *ns = json_string_value(json_object_get(row, "time_ns"));
	uint64_t v;

	return ns != NULL && num_parse_u64(str_of(ns), 0, INT64_MAX, &v) == 0 &&
	    (int64_t)v >= p->since_ns;
}

static int
on_row(void *ctx, uint64_t seq, struct str json, struct err *e)
{
	struct preview *p = ctx;
	json_auto_t *row = NULL;
	const char *id;

	(void)seq;
	if (json_in(json, &row, NULL) != 0 ||
	    !is_word(row, "kind", row_kind_name(ROW_DECIDED)) ||
	    !is_word(row, "tool", tool_name(p->grant->pattern.tool)) ||
	    json_integer_value(json_object_get(row, "uid")) !=
		(json_int_t)p->grant->uid ||
	    !is_recent(p, row))
		return ERR_OK;
	id = json_string_value(json_object_get(row, "action_id"));
	if (id == NULL || strcmp(id, p->grant->action_id) == 0 ||
	    json_object_get(p->seen, id) != NULL)
		return ERR_OK;
	if (json_object_set_new(p->seen, id, json_true()) != 0)
		return err_nomem(e);
	/* What was dropped from the store cannot be judged again. */
	if (p->g->o.recorder_port->get_open(
		p->g->o.recorder, id, on_record, p, NULL) != 0)
		p->cut = true;
	return ERR_OK;
}

/* From the newest back, in steps, as long as there is time. */
static void
walk(struct preview *p)
{
	const struct recorder_port *port = p->g->o.recorder_port;
	uint8_t hash[SHA256_LEN];
	uint64_t end, rows = 0;

	port->head(p->g->o.recorder, &end, hash);
	while (end > 0) {
		const uint64_t from =
		    end > PREVIEW_STEP ? end - PREVIEW_STEP + 1 : 1;
		const struct log_filter f = {
			.from_seq = from,
			.limit = (uint32_t)(end - from + 1),
		};

		if (rows >= PREVIEW_ROWS_MAX ||
		    p->g->o.env.boot_ns() >= p->deadline_ns ||
		    port->list(p->g->o.recorder, &f, on_row, p, NULL) != 0) {
			p->cut = true;
			return;
		}
		rows += end - from + 1;
		end = from - 1;
	}
}

static void
put_history(struct preview *p, struct jsonw *w, const struct buf *matched,
    const struct buf *missed)
{
	jsonw_key(w, "history");
	jsonw_object(w);
	jsonw_kint(w, "days", PREVIEW_DAYS);
	jsonw_kbool(w, "complete", !p->cut);
	jsonw_key(w, "calls");
	jsonw_uint(w, p->calls);
	jsonw_key(w, "asked");
	jsonw_uint(w, p->asked);
	jsonw_key(w, "would_match");
	jsonw_uint(w, p->again);
	jsonw_key(w, "stay_denied");
	jsonw_uint(w, p->denied);
	jsonw_key(w, "matched");
	jsonw_raw(w, buf_str(matched));
	jsonw_key(w, "similar_but_not_matched");
	jsonw_raw(w, buf_str(missed));
	jsonw_end(w);
}

static void
put_pattern(struct jsonw *w, const struct pattern *pattern)
{
	AUTO_BUF struct buf text = BUF_INIT(PREVIEW_BODY_MAX);
	AUTO_BUF struct buf json = BUF_INIT(PREVIEW_BODY_MAX);
	AUTO_BUF struct buf never = BUF_INIT(PREVIEW_BODY_MAX);

	pattern_text(pattern, &text);
	pattern_json(pattern, &json);
	pattern_never_json(pattern, &never);
	jsonw_kstr(w, "what", buf_cstr(&text));
	jsonw_key(w, "pattern");
	jsonw_raw(w, buf_str(&json));
	jsonw_key(w, "never");
	jsonw_raw(w, buf_str(&never));
}

static void
put_preview(struct engine *g, const struct grant *grant, struct jsonw *w)
{
	AUTO_BUF struct buf matched = BUF_INIT(PREVIEW_BODY_MAX);
	AUTO_BUF struct buf missed = BUF_INIT(PREVIEW_BODY_MAX);
	json_auto_t *seen = json_object();
	struct preview p = {
		.g = g,
		.seen = seen,
		.grant = grant,
		.since_ns = g->o.env.real_ns() - PREVIEW_DAYS * DAY_NS,
		.deadline_ns = g->o.env.boot_ns() + PREVIEW_TIME_NS,
		.matched = jsonw_on(&matched),
		.missed = jsonw_on(&missed),
	};

	jsonw_array(&p.matched);
	jsonw_array(&p.missed);
	walk(&p);
	jsonw_end(&p.matched);
	jsonw_end(&p.missed);
	jsonw_kbool(w, "possible", true);
	jsonw_key(w, "why_not");
	jsonw_null(w);
	jsonw_key(w, "expires_at");
	jsonw_time(w, grant_expires_real_ns(grant));
	put_pattern(w, &grant->pattern);
	put_history(&p, w, &matched, &missed);
}

/* An action that cannot be granted is an answer, too: why not. */
void
engine_grant_preview(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf body = BUF_INIT(PREVIEW_BODY_MAX);
	AUTO(grant_freep) struct grant *grant = NULL;
	struct live *l = engine_target(g, c);
	const char *scope = call_field(c, "scope");
	struct jsonw w = jsonw_on(&body);
	struct err why = ERR_INIT;

	if (l == NULL)
		return;
	engine_commit(g);
	if (engine_grant_prepare(g, l, c, "preview", &grant, &why) != 0 &&
	    why.code != ERR_DENIED) {
		engine_problem_err(g, c->id, &why);
		return;
	}
	jsonw_object(&w);
	jsonw_kstr(&w, "id", l->a->id);
	jsonw_kstr(&w, "scope", scope == NULL ? "once" : scope);
	if (grant != NULL) {
		put_preview(g, grant, &w);
	} else {
		jsonw_kbool(&w, "possible", why.code == ERR_OK);
		jsonw_kstr(&w, "why_not", why.code == ERR_OK ? NULL : why.msg);
	}
	jsonw_end(&w);
	if (body.failed != 0)
		engine_problem(
		    g, c->id, 413, "limit", "the preview is too long");
	else
		engine_reply_json(g, c->id, 200, buf_str(&body));
}

/* The kind of the action as a rule, for somebody's file: nothing is changed. */
void
engine_rule_draft(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf body = BUF_INIT(PREVIEW_BODY_MAX);
	AUTO_BUF struct buf rule = BUF_INIT(PREVIEW_BODY_MAX);
	struct live *l = engine_target(g, c);
	struct jsonw w = jsonw_on(&body);
	struct err why = ERR_INIT;
	int r;

	if (l == NULL)
		return;
	r = g->o.classifier_port->suggest == NULL
	    ? err_set(&why, ERR_DENIED, "these rules have no language")
	    : g->o.classifier_port->suggest(l->a, &rule, &why);
	if (r != 0 && r != ERR_DENIED) {
		engine_problem_err(g, c->id, &why);
		return;
	}
	jsonw_object(&w);
	jsonw_kstr(&w, "id", l->a->id);
	jsonw_kbool(&w, "possible", r == 0);
	jsonw_kstr(&w, "why_not", r == 0 ? NULL : why.msg);
	jsonw_kstr(&w, "rule", r == 0 ? buf_cstr(&rule) : NULL);
	jsonw_end(&w);
	if (body.failed != 0)
		engine_problem(g, c->id, 413, "limit", "the rule is too long");
	else
		engine_reply_json(g, c->id, 200, buf_str(&body));
}
