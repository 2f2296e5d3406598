/*
 * Judge what the log holds again.
 * Runs in: assent.  Trusts: nothing in the log.  Owns: nothing.
 */
#include "replay.h"

#include <string.h>

#include "call_input.h"
#include "model/json_in.h"

/* Does either set ask who, beside what? Then calls of two sessions differ. */
static bool
asks_for_session(const struct ruleset *set)
{
	for (size_t i = 0; i < set->rule_count; i++) {
		const struct rule *r = &set->rules[i];

		if (r->rollout != NULL || r->when.sessions.count > 0)
			return true;
		for (size_t k = 0; k < r->unless.count; k++) {
			if (r->unless.v[k].sessions.count > 0)
				return true;
		}
	}
	return false;
}

struct replay {
	struct compare *c;
	bool by_session;
	struct buf text;
};

/*
 * The call within the body: what comes before the first fact that was found
 * out about it. The writer's order; only the last such key is the body's own,
 * for what follows it holds no objects, and quotes within texts are escaped.
 */
static struct str
call_part(struct str body)
{
	static const struct str key = { ",\"classified\":\"", 15 };

	for (size_t at = body.len; at >= key.len; at--) {
		const struct str here = str_from(body, at - key.len);

		if (here.s[0] == ',' && str_starts(here, key))
			return str_head(body, at - key.len);
	}
	return body;
}

/* The same call by the same user, as far as rules can tell. */
static int
row_key(struct replay *p, const struct history_row *h,
    uint8_t ret[static SHA256_LEN], struct err *e)
{
	buf_reset(&p->text);
	rec_put_u32(&p->text, h->uid);
	rec_put_str(&p->text, h->tool);
	rec_put_str(&p->text, call_part(h->body));
	if (p->by_session)
		rec_put_str(&p->text, h->session);
	return sha256_of(buf_cstr(&p->text), p->text.len, ret, e);
}

/* Other tools than the shell have an input of their own. */
static int
from_json(const struct history_row *h, struct action *a, struct err *e)
{
	static const struct cmd_place nowhere = { .workspace = "/nowhere",
		.cwd = "/nowhere" };
	AUTO_BUF struct buf json = BUF_INIT(ACTION_BYTES_MAX);
	enum executor_kind executor;
	int r = call_of_row(h, &json, &executor, e);

	if (r == 0)
		r = cmd_action_json(buf_str(&json), &nowhere, a, e);
	if (r == 0)
		a->proposal.executor = executor;
	return r;
}

static char *
member(struct action *a, const json_t *body, const char *name)
{
	const json_t *v = json_object_get(body, name);

	return json_is_string(v) ? arena_strndup(a->arena, json_string_value(v),
				       json_string_length(v))
				 : NULL;
}

/* A script: most rows. */
static int
from_script(const struct history_row *h, struct action *a, struct err *e)
{
	struct proposal *p = &a->proposal;
	json_auto_t *body = NULL;
	const char *executor;
	int r = json_in(h->body, &body, e);

	if (r != 0)
		return r;
	if (json_object_get(body, "text_bytes") != NULL)
		return err_set(e, ERR_NOTFOUND, "the script was cut");
	p->tool = TOOL_SHELL;
	p->input.script = member(a, body, "text");
	p->workspace = member(a, body, "workspace");
	p->cwd = member(a, body, "cwd");
	p->agent_name = member(a, body, "agent");
	executor = json_string_value(json_object_get(body, "executor"));
	p->executor =
	    executor == NULL ? EXECUTOR_INVALID : executor_of(str_of(executor));
	if (p->executor == EXECUTOR_INVALID)
		p->executor = EXECUTOR_ASSENT;
	if (p->workspace == NULL)
		p->workspace = arena_strdup(a->arena, "/nowhere");
	if (p->cwd == NULL)
		p->cwd = p->workspace;
	if (h->session.len > 0)
		p->session =
		    arena_strndup(a->arena, h->session.s, h->session.len);
	if (arena_failed(a->arena))
		return err_nomem(e);
	return p->input.script == NULL
	    ? err_set(e, ERR_NOTFOUND, "the row does not hold the call")
	    : ERR_OK;
}

int
replay_action(const struct history_row *h, struct action **ret, struct err *e)
{
	AUTO(action_freep) struct action *a = NULL;
	int r;

	if (h->body.len == 0)
		return err_set(e, ERR_NOTFOUND, "the row was emptied");
	r = action_new(&a, e);
	if (r != 0)
		return r;
	r = str_eqz(h->tool, "shell") ? from_script(h, a, e)
				      : from_json(h, a, e);
	if (r != 0)
		return r;
	a->proposer.uid = h->uid;
	a->proposer.home = cmd_home_of(h->uid, a->arena);
	a->proposed_real_ns = cmd_now_ns();
	*ret = TAKE_PTR(a);
	return ERR_OK;
}

static int
on_row(void *ctx, const struct history_row *h, struct err *e)
{
	AUTO(action_freep) struct action *a = NULL;
	uint8_t key[SHA256_LEN];
	struct replay *p = ctx;
	int r = row_key(p, h, key, e);

	if (r != 0 || compare_known(p->c, key))
		return r;
	r = replay_action(h, &a, NULL);
	if (r == 0)
		r = compare_call_as(p->c, key, a, NULL);
	if (r == ERR_NOMEM)
		return err_nomem(e);
	p->c->refused += r != 0;
	return ERR_OK;
}

int
replay_log(struct compare *c, const struct history_query *q, struct err *e)
{
	struct replay p = {
		.c = c,
		.by_session = asks_for_session(c->from->set) ||
		    asks_for_session(c->to->set),
		.text = BUF_INIT(ACTION_BYTES_MAX),
	};
	const int r = db_history.each(q, on_row, &p, e);

	buf_free(&p.text);
	return r;
}
