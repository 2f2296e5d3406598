/*
 * Grants in the pipeline: made with an answer, used in place of a question,
 * ended by a person, a session or a clock (I7).
 * Runs in: engine.  Trusts: nothing of a request; of the store only what the
 * chained log says too.  Owns: nothing.
 */
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "base/when.h"
#include "core/ids.h"
#include "engine_int.h"
#include "model/json_in.h"

#define ROW_BODY_MAX ((size_t)512 << 10)
#define GRANTS_BODY_MAX ((size_t)32 << 20)
#define HOUR_NS (3600 * SECOND_NS)
#define SESSION_LIFE_NS (12 * HOUR_NS) /* no session is longer */
#define UNTIL_LIFE_MAX_NS (30 * 24 * HOUR_NS)

static struct grant_clock
clock_now(const struct engine *g)
{
	return (struct grant_clock){
		.boot_ns = g->o.env.boot_ns(),
		.real_ns = g->o.env.real_ns(),
		.boot_id = g->o.env.boot_id == NULL ? "" : g->o.env.boot_id,
	};
}

/* ---- made ------------------------------------------------------------------ */

static int
read_scope(const struct engine *g, const char *scope, struct grant_terms *t,
    struct err *e)
{
	const enum grants_allowed allowed = g->o.set.policy.grants;
	const struct str text = str_of(scope);
	int64_t until;

	if (strcmp(scope, "session") == 0) {
		t->scope = GRANT_SESSION;
		t->life_ns = SESSION_LIFE_NS;
	} else if (str_starts(text, STR("until ")) &&
	    when_parse(str_from(text, 6), t->now.real_ns, &until) == 0) {
		t->scope = GRANT_UNTIL;
		t->life_ns = until - t->now.real_ns;
	} else {
		return err_set(e, ERR_INVALID,
		    "'scope' must be \"once\", \"session\" or \"until TIME\", "
		    "as in 'until 2026-11-25T18:00:00Z' or 'until 2h'");
	}
	if (allowed == GRANTS_NONE ||
	    (allowed == GRANTS_SESSION && t->scope != GRANT_SESSION))
		return err_set(e, ERR_DENIED,
		    "the configuration does not permit answers that last%s",
		    allowed == GRANTS_NONE ? "" : " beyond a session");
	if (t->life_ns <= 0 || t->life_ns > UNTIL_LIFE_MAX_NS)
		return err_set(
		    e, ERR_INVALID, "the time must lie ahead, at most 30 days");
	return ERR_OK;
}

int
engine_grant_prepare(struct engine *g, const struct live *l,
    const struct call *c, const char *approver, struct grant **ret,
    struct err *e)
{
	const char *scope = call_field(c, "scope");
	struct grant_terms t = {
		.approver = approver,
		.now = clock_now(g),
	};
	uint8_t random[ID_RANDOM_LEN];
	char id[ACTION_ID_MAX];
	int r;

	*ret = NULL;
	if (scope == NULL || strcmp(scope, "once") == 0)
		return ERR_OK;
	r = read_scope(g, scope, &t, e);
	if (r != 0)
		return r;
	if (ruling_approvals(&l->a->classification, &g->o.set.policy) > 1 ||
	    ruling_group(&l->a->classification, &g->o.set.policy) != NULL)
		return err_set(e, ERR_DENIED,
		    "this can only be approved once: it needs certain people");
	if (g->grants.count >= GRANTS_MAX ||
	    grants_of_uid(&g->grants, l->a->proposer.uid) >= GRANTS_PER_UID_MAX)
		return err_set(e, ERR_LIMIT,
		    "there are too many grants; revoke some first");
	if (g->o.env.random(random, sizeof(random)) != 0)
		return err_sys(e, "cannot get random bytes");
	id_make("grt", t.now.real_ns, random, id);
	t.id = id;
	return grant_new(&t, l->a, ret, e);
}

static void
put_grant(struct jsonw *w, const struct grant *g)
{
	AUTO_BUF struct buf text = BUF_INIT(GRANTS_BODY_MAX);

	pattern_text(&g->pattern, &text);
	jsonw_kstr(w, "id", g->id);
	jsonw_kstr(w, "scope", grant_scope_name(g->scope));
	jsonw_kstr(w, "session", g->session);
	jsonw_kint(w, "uid", g->uid);
	jsonw_kstr(w, "agent", g->pattern.agent);
	jsonw_kstr(w, "workspace", g->pattern.workspace);
	jsonw_kstr(w, "approver", g->approver);
	jsonw_kstr(w, "action", g->action_id);
	jsonw_kstr(w, "what", buf_cstr(&text));
	jsonw_key(w, "granted_at");
	jsonw_time(w, g->given_real_ns);
	jsonw_key(w, "expires_at");
	jsonw_time(w, grant_expires_real_ns(g));
}

static int
append_row(struct engine *g, const struct grant *grant, enum row_kind kind,
    struct str body, struct change *c, struct err *e)
{
	const struct row row = {
		.kind = kind,
		.action_id = grant->id,
		.session = grant->session,
		.uid = grant->uid,
		.tool = grant->pattern.tool,
		.time_real_ns = g->o.env.real_ns(),
		.body = body,
		.action_sha256 = grant->sha256,
		.policy_sha256 = g->policy_sha256,
	};

	return g->o.recorder_port->append(
	    g->o.recorder, &row, &c->seq, c->log_hash, NULL, e);
}

/* Kept beside the actions that a restart must find again. */
static int
put_open(struct engine *g, const struct grant *grant, bool over, struct err *e)
{
	AUTO_BUF struct buf state = BUF_INIT(ROW_BODY_MAX);
	const struct open_action o = {
		.id = grant->id,
		.stage = over ? STAGE_EXPIRED : STAGE_DECIDED,
		.record = grant->record,
		.uid = grant->uid,
		.deadline_real_ns = grant_expires_real_ns(grant),
	};
	struct open_action with_state = o;
	int r;

	grant_state(grant, &state);
	r = buf_done(&state, e);
	with_state.state = buf_str(&state);
	return r != 0
	    ? r
	    : g->o.recorder_port->put_open(g->o.recorder, &with_state, e);
}

int
engine_grant_record(struct engine *g, struct grant *grant, struct err *e)
{
	AUTO(grant_freep) struct grant *mine = grant;
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct change c = {
		.grant = grant,
		.grant_change = GRANT_ADDS,
	};
	struct jsonw w = jsonw_on(&body);
	int r;

	jsonw_object(&w);
	put_grant(&w, grant);
	jsonw_end(&w);
	r = buf_done(&body, e);
	if (r == 0)
		r = append_row(g, grant, ROW_GRANT, buf_str(&body), &c, e);
	if (r == 0)
		r = put_open(g, grant, false, e);
	if (r == 0)
		r = engine_push(g, &c, e);
	if (r == 0)
		(void)TAKE_PTR(mine);
	return r;
}

void
engine_grant_apply(struct engine *g, struct change *c)
{
	struct err why = ERR_INIT;

	switch (c->grant_change) {
	case GRANT_STAYS:
		return;
	case GRANT_ADDS:
		if (grants_add(&g->grants, c->grant, &why) != 0) {
			log_warn("grant", "id=%s not kept: %s", c->grant->id,
			    why.msg);
			grant_free(c->grant);
			break;
		}
		c->grant->active = true;
		break;
	case GRANT_ENDS:
		grants_remove(&g->grants, c->grant);
		break;
	}
	c->grant = NULL;
	c->grant_change = GRANT_STAYS;
}

void
engine_grant_undo(struct change *c)
{
	if (c->grant_change == GRANT_ADDS)
		grant_free(c->grant);
	else if (c->grant_change == GRANT_ENDS)
		c->grant->active = true;
	c->grant = NULL;
	c->grant_change = GRANT_STAYS;
}

/* ---- used ------------------------------------------------------------------ */

bool
engine_grant_rules(struct engine *g, struct live *l, struct ruling *ret)
{
	const struct grant_clock now = clock_now(g);
	struct answer said = { .kind = ANSWER_GRANT };
	struct err why = ERR_INIT;
	struct ruling ruling;
	struct grant *grant;

	if (g->grants.count == 0)
		return false;
	grant = grants_match(&g->grants, l->a, &now);
	if (grant == NULL ||
	    (g->o.set.policy.grants == GRANTS_SESSION &&
		grant->scope != GRANT_SESSION))
		return false;
	said.approver = arena_strdup(l->a->arena, grant->approver);
	said.grant = arena_strdup(l->a->arena, grant->id);
	if (ruling_of(&l->a->classification, &g->o.set.policy, &said, &ruling,
		&why) != 0)
		return false;
	grant->uses++;
	grant->used_real_ns = now.real_ns;
	if (put_open(g, grant, false, &why) != 0) {
		log_warn("grant", "id=%s not used: %s", grant->id, why.msg);
		return false;
	}
	*ret = ruling;
	return true;
}

/* Who was named to answer it answers it; so does everybody that it takes. */
static bool
is_for_somebody(const struct live *l)
{
	const struct inquiry *q = &l->a->asking;

	return q->raiser_count > 0 || q->approver_count > 0;
}

void
engine_grants_answer(struct engine *g)
{
	struct live *l = NULL;

	while ((l = live_next(g->live, l)) != NULL) {
		if (l->a->stage == STAGE_PENDING && !l->busy && !l->looking &&
		    !is_for_somebody(l))
			(void)engine_rule_by_grant(g, l);
	}
}

/* ---- ended ----------------------------------------------------------------- */

int
engine_grant_end(struct engine *g, struct grant *grant, const char *why,
    struct change *c, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct jsonw w = jsonw_on(&body);
	int r;

	c->grant = grant;
	c->grant_change = GRANT_ENDS;
	jsonw_object(&w);
	jsonw_kstr(&w, "by", why);
	jsonw_key(&w, "uses");
	jsonw_uint(&w, grant->uses);
	jsonw_end(&w);
	/* From here on it answers nothing, whatever becomes of the commit. */
	grant->active = false;
	r = append_row(g, grant, ROW_REVOKED, buf_str(&body), c, e);
	if (r == 0)
		r = put_open(g, grant, true, e);
	if (r == 0)
		r = engine_push(g, c, e);
	if (r != 0)
		grant->active = true;
	return r;
}

static void
end_quietly(struct engine *g, struct grant *grant, const char *why)
{
	struct change c = { .answer = ANSWER_CALL_NONE };
	struct err e = ERR_INIT;

	if (grant->active && engine_grant_end(g, grant, why, &c, &e) != 0)
		log_warn("grant", "id=%s not ended: %s", grant->id, e.msg);
}

void
engine_grants_expire(struct engine *g)
{
	const struct grant_clock now = clock_now(g);

	for (size_t i = 0; i < g->grants.count; i++) {
		if (grant_is_over(g->grants.v[i], &now))
			end_quietly(g, g->grants.v[i], "time");
	}
}

void
engine_grants_end_session(struct engine *g, uid_t uid, const char *session)
{
	for (size_t i = 0; i < g->grants.count; i++) {
		struct grant *grant = g->grants.v[i];

		if (grant->uid == uid && grant->session != NULL &&
		    strcmp(grant->session, session) == 0)
			end_quietly(g, grant, "session");
	}
}

void
engine_revoke_call(struct engine *g, const struct call *c)
{
	struct change change = {
		.answer = ANSWER_CALL_EMPTY,
		.call_id = c->id,
	};
	struct grant *grant =
	    c->target == NULL ? NULL : grants_find(&g->grants, c->target);
	struct err why = ERR_INIT;
	char by[APPROVER_MAX];

	if (grant == NULL || !grant->active) {
		engine_problem(
		    g, c->id, 404, "not_found", "there is no such grant");
		return;
	}
	engine_approver(c, by);
	if (engine_grant_end(g, grant, by, &change, &why) != 0)
		engine_problem_err(g, c->id, &why);
}

/* ---- listed ---------------------------------------------------------------- */

static void
list_one(struct jsonw *w, const struct grant *grant)
{
	AUTO_BUF struct buf pattern = BUF_INIT(GRANTS_BODY_MAX);

	jsonw_object(w);
	put_grant(w, grant);
	jsonw_key(w, "uses");
	jsonw_uint(w, grant->uses);
	jsonw_key(w, "used_at");
	jsonw_time(w, grant->used_real_ns);
	pattern_json(&grant->pattern, &pattern);
	jsonw_key(w, "pattern");
	jsonw_raw(w, buf_str(&pattern));
	jsonw_end(w);
}

void
engine_grants_call(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf body = BUF_INIT(GRANTS_BODY_MAX);
	const struct grant_clock now = clock_now(g);
	struct jsonw w = jsonw_on(&body);

	engine_commit(g);
	jsonw_object(&w);
	jsonw_key(&w, "items");
	jsonw_array(&w);
	for (size_t i = 0; i < g->grants.count; i++) {
		if (g->grants.v[i]->active &&
		    !grant_is_over(g->grants.v[i], &now))
			list_one(&w, g->grants.v[i]);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	if (body.failed != 0)
		engine_problem(g, c->id, 413, "limit",
		    "the grants are too long for one answer; revoke some");
	else
		engine_reply_json(g, c->id, 200, buf_str(&body));
}

/* ---- read again ------------------------------------------------------------ */

struct logged_grant {
	const struct grant *grant;
	bool given, revoked;
};

static bool
is_word(const json_t *row, const char *key, const char *word)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value != NULL && strcmp(value, word) == 0;
}

static int
on_grant_row(void *ctx, uint64_t seq, struct str json, struct err *e)
{
	struct logged_grant *l = ctx;
	AUTO_BUF struct buf sha256 = BUF_INIT(SHA256_HEX_LEN);
	json_auto_t *row = NULL;

	(void)seq;
	(void)e;
	if (json_in(json, &row, NULL) != 0 ||
	    !is_word(row, "action_id", l->grant->id))
		return ERR_OK;
	text_hex(&sha256, l->grant->sha256, SHA256_LEN);
	if (is_word(row, "kind", row_kind_name(ROW_REVOKED)))
		l->revoked = true;
	else if (is_word(row, "kind", row_kind_name(ROW_GRANT)) &&
	    is_word(row, "action_sha256", buf_cstr(&sha256)))
		l->given = true;
	return ERR_OK;
}

/*
 * As with approvals: the table of what is open is not part of the chain, so
 * a grant counts only if the log gave this very one and never took it back.
 */
static bool
is_in_the_log(struct engine *g, const struct grant *grant)
{
	struct logged_grant l = { .grant = grant };
	const struct log_filter f = {
		.from_seq = 1,
		.limit = 1000, /* its row, and that it was revoked */
		.action_id = grant->id,
	};

	return g->o.recorder_port->list(
		   g->o.recorder, &f, on_grant_row, &l, NULL) == 0 &&
	    l.given && !l.revoked;
}

void
engine_grant_load(struct engine *g, const struct open_action *o)
{
	AUTO(grant_freep) struct grant *grant = NULL;
	const struct grant_clock now = clock_now(g);
	struct err why = ERR_INIT;
	int r;

	r = grant_decode(o->record, o->state, &grant, &why);
	if (r == 0 && strcmp(grant->id, o->id) != 0)
		r = err_set(&why, ERR_INVALID, "it is stored as another");
	if (r == 0 && !is_in_the_log(g, grant))
		r = err_set(&why, ERR_DENIED, "it is not in the log");
	if (r == 0)
		grant_carry_over(grant, &now);
	if (r == 0)
		r = grants_add(&g->grants, grant, &why);
	if (r != 0) {
		log_warn("grant", "id=%s is not used: %s", o->id, why.msg);
		return;
	}
	grant->active = true;
	(void)TAKE_PTR(grant);
}
