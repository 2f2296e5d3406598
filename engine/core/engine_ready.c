/*
 * Is it ready, and what of it is not as it should be: store, roles, rules,
 * reviewer, destinations of the log.
 * Runs in: engine.  Trusts: its ports.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "engine_int.h"

#define BODY_MAX ((size_t)1 << 20)

/* ---- rules that do not load ------------------------------------------------ */

/* The first finding with its place; the others are told by 'rules check'. */
void
engine_rules_stay(struct engine *g, const struct diags *d, const char *why)
{
	const struct diag *at = diags_first_error(d);

	if (at == NULL)
		(void)snprintf(g->rules_problem, sizeof(g->rules_problem),
		    "%.400s", why[0] == '\0' ? "no reason is known" : why);
	else
		(void)snprintf(g->rules_problem, sizeof(g->rules_problem),
		    "%.200s:%u:%u: %.200s", at->file, at->line, at->col,
		    at->message);
	log_err("reload", "rules stay as they were: %s", g->rules_problem);
}

void
engine_settings_problem(struct engine *g, const char *why)
{
	(void)snprintf(g->settings_problem, sizeof(g->settings_problem),
	    "%.400s", why[0] == '\0' ? "no reason is known" : why);
}

/* ---- told ------------------------------------------------------------------ */

/* What keeps decisions from being made. */
static void
put_reasons(const struct engine *g, const char *store, struct jsonw *w)
{
	jsonw_key(w, "reasons");
	jsonw_array(w);
	if (store != NULL)
		jsonw_cstr(w, store);
	if (!g->roles_up)
		jsonw_cstr(w, "a role is down and being restarted");
	jsonw_end(w);
}

static void
put_warning(struct jsonw *w, const char *what, const char *problem)
{
	AUTO_BUF struct buf text = BUF_INIT(BODY_MAX);

	if (problem[0] == '\0')
		return;
	buf_printf(&text, "%s: %s", what, problem);
	jsonw_cstr(w, buf_cstr(&text));
}

/* What a person has to mend, while decisions are made as before. Who takes a
 * daemon that is not ready out of service, or starts it again, would make a
 * typing error an outage. */
static void
put_warnings(const struct engine *g, struct jsonw *w)
{
	jsonw_key(w, "warnings");
	jsonw_array(w);
	put_warning(w,
	    "the rule files do not load, so the rules from before are in force",
	    g->rules_problem);
	put_warning(w,
	    "the last reload was refused, so the settings from before are in "
	    "force; correct it and reload again",
	    g->settings_problem);
	jsonw_end(w);
}

/* Words of another machine are for approvers only. */
static void
put_export(const struct engine *g, bool with_why, struct jsonw *w)
{
	uint64_t head = 0;
	uint8_t hash[SHA256_LEN];

	g->o.recorder_port->head(g->o.recorder, &head, hash);
	jsonw_key(w, "log_seq");
	jsonw_uint(w, head);
	jsonw_key(w, "export");
	jsonw_array(w);
	for (size_t i = 0; i < FEEDS_MAX; i++) {
		const struct feed *f = &g->feeds[i];

		if (f->name[0] == '\0')
			continue;
		jsonw_object(w);
		jsonw_kstr(w, "name", f->name);
		jsonw_key(w, "lag");
		jsonw_uint(w, head > f->taken ? head - f->taken : 0);
		jsonw_key(w, "refused");
		jsonw_uint(w, f->refused);
		jsonw_key(w, "failures");
		jsonw_uint(w, f->failures);
		if (with_why && f->failures > 0 && f->why[0] != '\0')
			jsonw_kstr(w, "why", f->why);
		jsonw_end(w);
	}
	jsonw_end(w);
}

/* As whom runs run, and why not otherwise. */
static void
put_elevated(const struct engine *g, struct jsonw *w)
{
	const struct engine_settings *s = &g->o.set;

	if (s->elevated == ELEVATED_INVALID)
		return;
	jsonw_key(w, "elevated");
	jsonw_object(w);
	jsonw_kstr(w, "setting", elevated_mode_name(s->elevated));
	jsonw_kbool(w, "set_up", s->elevated_set_up);
	jsonw_kstr(w, "mode",
	    s->elevated != ELEVATED_OFF && s->elevated_ready ? "elevated"
							     : "unelevated");
	jsonw_kstr(w, "why_not",
	    s->elevated == ELEVATED_OFF ? NULL : s->elevated_why_not);
	jsonw_end(w);
}

void
engine_ready(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);
	struct jsonw w = jsonw_on(&body);
	struct err why = ERR_INIT;
	const bool store = g->o.recorder_port->healthy(g->o.recorder, &why);
	const bool ready = store && g->roles_up;

	jsonw_object(&w);
	jsonw_kbool(&w, "ready", ready);
	put_reasons(g, store ? NULL : why.msg, &w);
	put_warnings(g, &w);
	jsonw_key(&w, "policy_sha256");
	jsonw_hex(&w, g->policy_sha256, SHA256_LEN);
	jsonw_kstr(&w, "rules_problem",
	    g->rules_problem[0] == '\0' ? NULL : g->rules_problem);
	jsonw_kstr(&w, "settings_problem",
	    g->settings_problem[0] == '\0' ? NULL : g->settings_problem);
	jsonw_kint(&w, "pending", (int64_t)live_pending(g->live));
	put_export(
	    g, c->role == CALLER_APPROVER || c->role == CALLER_ADMIN, &w);
	jsonw_key(&w, "roles");
	if (g->roles_json.len > 0)
		jsonw_raw(&w, buf_str(&g->roles_json));
	else
		jsonw_null(&w);
	engine_put_reviewer(g, &w);
	put_elevated(g, &w);
	jsonw_end(&w);
	engine_reply_json(g, c->id, ready ? 200 : 503, buf_str(&body));
}
