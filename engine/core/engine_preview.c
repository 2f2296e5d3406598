/*
 * Before somebody answers for more than once: what that answer would match,
 * tried on the calls of the last days, and what it never would.
 * Runs in: engine.  Trusts: nothing of a request.  Owns: nothing.
 */
#include <string.h>

#include "engine_walk.h"

#define PREVIEW_BODY_MAX ((size_t)4 << 20)
#define EXAMPLES_MAX 10

struct preview {
	struct engine *g;
	const struct grant *grant;
	uint64_t calls, asked, denied, again;
	struct jsonw matched, missed; /* examples, as arrays */
	size_t matched_count, missed_count;
};

static void
put_example(
    struct jsonw *w, size_t *count, const struct action *a, int64_t time_ns)
{
	if ((*count)++ >= EXAMPLES_MAX)
		return;
	jsonw_object(w);
	jsonw_kstr(w, "id", a->id);
	jsonw_kstr(w, "text", a->classification.display);
	jsonw_key(w, "proposed_at");
	jsonw_time(w, time_ns);
	jsonw_end(w);
}

/* By the rules of today, as it would be judged if it came again. */
static void
judge_again(struct preview *p, const struct action *a, int64_t time_ns)
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
		put_example(&p->matched, &p->matched_count, a, time_ns);
	} else if (a->classification.decision != DECISION_ALLOW &&
	    pattern_resembles(&p->grant->pattern, a)) {
		put_example(&p->missed, &p->missed_count, a, time_ns);
	}
}

static int
on_call(void *ctx, struct action *a, int64_t time_ns, struct err *e)
{
	struct preview *p = ctx;
	const int r = engine_classify(p->g, a, e);

	if (r == 0)
		judge_again(p, a, time_ns);
	return r;
}

static bool
is_alike(void *ctx, const json_t *row)
{
	const struct grant *grant = ((const struct preview *)ctx)->grant;

	return walk_row_is(row, "tool", tool_name(grant->pattern.tool)) &&
	    json_integer_value(json_object_get(row, "uid")) ==
	    (json_int_t)grant->uid &&
	    !walk_row_is(row, "action_id", grant->action_id);
}

static void
put_history(struct preview *p, const struct walk *walk, struct jsonw *w,
    const struct buf *matched, const struct buf *missed)
{
	jsonw_key(w, "history");
	jsonw_object(w);
	engine_walk_json(walk, w);
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
	struct preview p = {
		.g = g,
		.grant = grant,
		.matched = jsonw_on(&matched),
		.missed = jsonw_on(&missed),
	};
	struct walk walk = {
		.g = g, .wants = is_alike, .fn = on_call, .ctx = &p
	};

	jsonw_array(&p.matched);
	jsonw_array(&p.missed);
	engine_walk(&walk);
	jsonw_end(&p.matched);
	jsonw_end(&p.missed);
	jsonw_kbool(w, "possible", true);
	jsonw_key(w, "why_not");
	jsonw_null(w);
	jsonw_key(w, "expires_at");
	jsonw_time(w, grant_expires_real_ns(grant));
	put_pattern(w, &grant->pattern);
	put_history(&p, &walk, w, &matched, &missed);
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
