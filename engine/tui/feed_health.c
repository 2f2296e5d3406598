/*
 * How the daemon is: rules, reviewer, log, destinations, roles.
 * Runs in: assent.  Trusts: nothing of what the daemon says.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "feed.h"
#include "tools/show_reviewer.h"

#define TEXT_BYTES 600

static void
set(char *to, size_t size, const char *text)
{
	(void)snprintf(to, size, "%s", text == NULL ? "" : text);
}

static void
put_check(struct feed *f, const char *id, bool good, const char *text)
{
	struct tui_entry e = { 0 };

	set(e.id, sizeof(e.id), id);
	set(e.risk, sizeof(e.risk), good ? "low" : "high");
	set(e.decision, sizeof(e.decision), good ? "ok" : "bad");
	e.title = mem_strndup(text, strnlen(text, TEXT_BYTES));
	tui_put(f->m, VIEW_HEALTH, &e, loop_now_ns());
}

static void
put_role(struct feed *f, const char *name, const json_t *role)
{
	const bool up = json_is_true(json_object_get(role, "up"));
	const json_int_t restarts =
	    json_integer_value(json_object_get(role, "restarts"));
	char id[TUI_FIELD_MAX], text[TEXT_BYTES];

	(void)snprintf(id, sizeof(id), "role %s", name);
	(void)snprintf(text, sizeof(text), "%s: %s, %lld restarts", name,
	    up ? "runs" : "DOWN", (long long)restarts);
	put_check(f, id, up, text);
}

static void
put_reasons(struct feed *f, const char *what, const json_t *reasons)
{
	const json_t *reason;
	char id[TUI_FIELD_MAX];
	size_t i;

	json_array_foreach(reasons, i, reason)
	{
		(void)snprintf(id, sizeof(id), "a %s %zu", what, i);
		put_check(f, id, false, json_string_value(reason));
	}
}

/* The first of them that is not well says how they are. */
static void
put_reviewer(struct feed *f, const json_t *reviewer)
{
	struct tui_health *h = &f->m->health;
	const char *trouble = reviewer_trouble(reviewer);
	const json_t *state = json_object_get(reviewer, "state");
	const json_t *one;
	char id[TUI_FIELD_MAX], text[TEXT_BYTES];
	size_t i;

	if (!json_is_true(json_object_get(reviewer, "configured"))) {
		set(h->reviewer, sizeof(h->reviewer), "none");
		put_check(f, "reviewer", true,
		    "reviewer: none; what rules send to review goes to a "
		    "person");
		return;
	}
	set(h->reviewer, sizeof(h->reviewer), trouble == NULL ? "ok" : "DOWN");
	(void)snprintf(text, sizeof(text), "reviewer: %s%s%s",
	    client_text(reviewer, "mode") == NULL
		? "?"
		: client_text(reviewer, "mode"),
	    trouble == NULL ? "" : "; ", trouble == NULL ? "" : trouble);
	put_check(f, "reviewer", trouble == NULL, text);
	json_array_foreach(json_object_get(state, "providers"), i, one)
	{
		trouble = provider_trouble(one);
		(void)snprintf(id, sizeof(id), "reviewer %zu", i);
		(void)snprintf(text, sizeof(text), "reviewer %.80s: %s",
		    client_text(one, "name") == NULL ? "?"
						     : client_text(one, "name"),
		    trouble == NULL ? "ok" : trouble);
		put_check(f, id, trouble == NULL, text);
		if (trouble != NULL && strcmp(h->reviewer, "ok") == 0)
			set(h->reviewer, sizeof(h->reviewer), "TROUBLE");
	}
}

/* The one that is farthest behind is named on top. */
static void
put_exports(struct feed *f, const json_t *list)
{
	struct tui_health *h = &f->m->health;
	json_int_t most = -1;
	const json_t *to;
	char id[TUI_FIELD_MAX], text[TEXT_BYTES];
	size_t i;

	h->export[0] = '\0';
	h->export_bad = false;
	json_array_foreach(list, i, to)
	{
		const json_int_t lag =
		    json_integer_value(json_object_get(to, "lag"));
		const json_int_t failures =
		    json_integer_value(json_object_get(to, "failures"));
		const char *why = client_text(to, "why");

		(void)snprintf(id, sizeof(id), "export %zu", i);
		(void)snprintf(text, sizeof(text),
		    "export %.32s: %lld rows behind, %lld failed attempts%s%s",
		    client_text(to, "name") == NULL ? "?"
						    : client_text(to, "name"),
		    (long long)lag, (long long)failures,
		    why == NULL ? "" : ": ", why == NULL ? "" : why);
		put_check(f, id, failures == 0, text);
		h->export_bad |= failures > 0;
		if (lag > most) {
			most = lag;
			(void)snprintf(h->export, sizeof(h->export), "%lld",
			    (long long)lag);
		}
	}
}

static void
put_health(struct feed *f, const json_t *ready)
{
	struct tui_health *h = &f->m->health;
	const json_t *roles = json_object_get(ready, "roles");
	const char *digest = client_text(ready, "policy_sha256");
	char text[TEXT_BYTES];

	h->known = true;
	h->ready = json_is_true(json_object_get(ready, "ready"));
	(void)snprintf(
	    h->rules, sizeof(h->rules), "%.8s", digest == NULL ? "?" : digest);
	h->rules_bad = client_text(ready, "rules_problem") != NULL;
	h->settings_bad = client_text(ready, "settings_problem") != NULL;
	tui_sync_begin(f->m, VIEW_HEALTH);
	put_reasons(f, "reason", json_object_get(ready, "reasons"));
	put_reasons(f, "warning", json_object_get(ready, "warnings"));
	if (json_integer_value(json_object_get(ready, "log_seq")) > 0)
		h->log_seq = (uint64_t)json_integer_value(
		    json_object_get(ready, "log_seq"));
	(void)snprintf(text, sizeof(text), "rules %s%s%s", h->rules,
	    h->rules_bad ? " from before; the files do not load: " : "",
	    h->rules_bad ? client_text(ready, "rules_problem") : "");
	put_check(f, "rules", !h->rules_bad, text);
	put_reviewer(f, json_object_get(ready, "reviewer"));
	put_exports(f, json_object_get(ready, "export"));
	(void)snprintf(text, sizeof(text), "log: %llu rows",
	    (unsigned long long)h->log_seq);
	put_check(f, "log", true, text);
	/* json_object_foreach casts const away */
	json_t *open = json_deep_copy(roles);
	const char *name;
	json_t *role;

	json_object_foreach(open, name, role) put_role(f, name, role);
	json_decref(open);
	tui_sync_end(f->m, VIEW_HEALTH, loop_now_ns());
}

void
feed_health(struct feed *f)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;

	/* 503 tells as much as 200 */
	if (feed_call(f,
		&(struct client_request){ .method = "GET", .path = "/readyz" },
		&reply, NULL) == 0 &&
	    reply.json != NULL && reply.status != 404)
		put_health(f, reply.json);
	feed_view(f, VIEW_GRANTS);
}
