/*
 * The log in words: what happened, by whom, why.
 * Runs in: assent.  Trusts: nothing in rows; all text is escaped (I8).
 * Owns: nothing.
 */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "cmd_log_int.h"

#define NS_PER_MS INT64_C(1000000)
#define ID_WIDTH 10 /* of a shortened digest */

/* A body as an object; NULL when it has none (any more). Free it. */
static json_t *
body_of(const struct row_view *v)
{
	json_t *j;

	if (v->body.s == NULL)
		return NULL;
	j = json_loadb(v->body.s, v->body.len, 0, NULL);
	if (json_is_object(j))
		return j;
	json_decref(j);
	return NULL;
}

static const char *
text_in(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static void
put(struct buf *out, const char *s)
{
	text_escape(out, str_of(s));
}

/* ---- by whom ----------------------------------------------------------- */

static void
by_rule(const struct row_view *v, const json_t *body, struct buf *out)
{
	(void)body;
	buf_puts(out, "by rule ");
	text_escape(out, v->row->rule);
}

static void
by_human(const struct row_view *v, const json_t *body, struct buf *out)
{
	const char *approver = text_in(body, "approver");

	(void)v;
	buf_puts(out, "by ");
	put(out, approver == NULL ? "a person" : approver);
}

static const struct {
	const char *name, *words;
	void (*tell)(
	    const struct row_view *v, const json_t *body, struct buf *out);
} deciders[] = {
	{ "rule", NULL, by_rule },
	{ "default", "by default: no rule says more", NULL },
	{ "grant", "by an earlier approval", NULL },
	{ "reviewer", "by the reviewer", NULL },
	{ "human", NULL, by_human },
	{ "timeout", "as nobody answered in time", NULL },
	{ "policy", "by the approval policy", NULL },
	{ "ceiling", "by the administrator's requirements", NULL },
};

static void
put_decider(const struct row_view *v, const json_t *body, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(deciders); i++) {
		if (!str_eqz(v->row->decided_by, deciders[i].name))
			continue;
		if (deciders[i].tell != NULL)
			deciders[i].tell(v, body, out);
		else
			buf_puts(out, deciders[i].words);
		return;
	}
	buf_puts(out, "by '");
	text_escape(out, v->row->decided_by);
	buf_puts(out, "'");
}

/* ---- what happened ----------------------------------------------------- */

static void
tell_decided(const struct row_view *v, const json_t *body, struct buf *out)
{
	buf_puts(
	    out, str_eqz(v->row->decision, "allow") ? "allowed " : "denied ");
	put_decider(v, body, out);
}

static void
tell_proposed(const struct row_view *v, const json_t *body, struct buf *out)
{
	(void)body;
	buf_puts(out,
	    str_eqz(v->row->decision, "review") ? "waits for the reviewer"
						: "waits for a person");
	if (v->row->rule.s != NULL) {
		buf_puts(out, ", says rule ");
		text_escape(out, v->row->rule);
	}
}

static void
tell_intent(const struct row_view *v, const json_t *body, struct buf *out)
{
	const char *plan = text_in(body, "plan_sha256");

	(void)v;
	buf_puts(out, "the run begins");
	if (plan != NULL) {
		buf_puts(out, ", plan ");
		text_escape(out, str_head(str_of(plan), ID_WIDTH));
	}
}

static json_int_t
number_in(const json_t *body, const char *key)
{
	return json_integer_value(json_object_get(body, key));
}

static void
tell_network(const struct row_view *v, const json_t *body, struct buf *out)
{
	const bool allowed = str_eqz(v->row->decision, "allow");
	const char *host = text_in(body, "host");
	const char *text = text_in(body, "text");
	const json_int_t port = number_in(body, "port");
	const json_int_t count = number_in(body, "count");

	if (text != NULL) {
		put(out, text);
		return;
	}
	buf_puts(out, allowed ? "reached " : "was refused ");
	put(out, host != NULL ? host : count > 0 ? "other hosts" : "a host");
	if (port != 0)
		buf_printf(out, ":%lld", (long long)port);
	if (count > 0) {
		buf_printf(out,
		    " in %lld more connections; %lld bytes up, %lld down",
		    (long long)count, (long long)number_in(body, "bytes_up"),
		    (long long)number_in(body, "bytes_down"));
		return;
	}
	buf_putc(out, ' ');
	if (str_eqz(v->row->rule, "call"))
		buf_puts(out, "as what was approved names it");
	else if (str_eqz(v->row->rule, "profile"))
		buf_puts(out, "as its profile names it");
	else
		put_decider(v, body, out);
	if (allowed)
		buf_printf(out, "; %lld bytes up, %lld down, %lld ms",
		    (long long)number_in(body, "bytes_up"),
		    (long long)number_in(body, "bytes_down"),
		    (long long)number_in(body, "ms"));
	if (text_in(body, "reason") != NULL) {
		buf_puts(out, ": ");
		put(out, text_in(body, "reason"));
	}
}

static bool
is_note(const char *violation)
{
	return str_starts(str_of(violation), STR("note: ")) ||
	    str_starts(str_of(violation), STR("hint: "));
}

/* Notes say how it ran, hints what would permit it; they stand in the same
 * list. */
static size_t
count_denied(const json_t *list)
{
	const json_t *item;
	size_t i, count = 0;

	json_array_foreach(list, i, item) count +=
	    json_is_string(item) && !is_note(json_string_value(item));
	return count;
}

static void
tell_outcome(const struct row_view *v, const json_t *body, struct buf *out)
{
	const json_int_t code =
	    json_integer_value(json_object_get(body, "exit"));
	const json_int_t signo =
	    json_integer_value(json_object_get(body, "signal"));
	const char *failure = text_in(body, "failure");
	const size_t denied = count_denied(json_object_get(body, "violations"));

	(void)v;
	if (failure != NULL) {
		buf_puts(out, "could not be run: ");
		put(out, failure);
	} else if (json_is_true(json_object_get(body, "timed_out"))) {
		buf_puts(out, "ended: its time was over");
	} else if (signo != 0) {
		buf_printf(out, "ended by signal %lld", (long long)signo);
	} else {
		buf_printf(out, "ended with status %lld", (long long)code);
	}
	if (json_is_integer(json_object_get(body, "wall_ms")))
		buf_printf(out, " after %lld ms",
		    (long long)json_integer_value(
			json_object_get(body, "wall_ms")));
	if (denied > 0)
		buf_printf(out, ", denied by its sandbox: %zu", denied);
}

static void
tell_note(const struct row_view *v, const json_t *body, struct buf *out)
{
	const char *event = text_in(body, "event");
	const char *reason = text_in(body, "reason");

	(void)v;
	if (event != NULL)
		put(out, event);
	if (event != NULL && reason != NULL)
		buf_puts(out,
		    strcmp(event, "store.recovered") == 0 ? ", after: " : ": ");
	if (reason != NULL)
		put(out, reason);
}

static void
tell_cancelled(const struct row_view *v, const json_t *body, struct buf *out)
{
	const char *reason = text_in(body, "reason");

	(void)v;
	if (reason == NULL) {
		buf_puts(out, "taken back by the agent");
		return;
	}
	buf_puts(out, "taken back: ");
	put(out, reason);
}

/* Which, for what, where. */
static void
tell_credential(const struct row_view *v, const json_t *body, struct buf *out)
{
	const char *name = text_in(body, "credential");
	const char *host = text_in(body, "host");
	const char *what = text_in(body, "what");

	(void)v;
	buf_puts(out, "used the credential ");
	put(out, name == NULL ? "?" : name);
	if (host != NULL) {
		buf_puts(out, " for ");
		put(out, host);
	}
	if (what != NULL) {
		buf_puts(out, ": ");
		put(out, what);
	}
}

/* One that failed changed nothing. */
static void
tell_reload(const struct row_view *v, const json_t *body, struct buf *out)
{
	const char *failure = text_in(body, "failure");

	(void)v;
	if (failure == NULL) {
		buf_puts(out, "the rules were loaded anew");
		return;
	}
	buf_puts(out, "a reload failed, what was before holds: ");
	put(out, failure);
}

/* One that did not decide: in shadow, or since a person has to. */
static void
tell_reviewed(const struct row_view *v, const json_t *body, struct buf *out)
{
	const char *outcome = text_in(body, "outcome");
	const char *provider = text_in(body, "provider");
	const char *cause = text_in(body, "cause");

	(void)v;
	if (outcome == NULL) {
		buf_puts(out, "is to be reviewed again");
		return;
	}
	buf_puts(out, "the reviewer");
	if (provider != NULL) {
		buf_puts(out, " '");
		put(out, provider);
		buf_putc(out, '\'');
	}
	if (strcmp(outcome, "failed") == 0) {
		buf_puts(out, " gave no answer");
		buf_puts(out, cause == NULL ? "" : ", ");
		put(out, cause == NULL ? "" : cause);
	} else {
		buf_puts(out, " says ");
		put(out, outcome);
	}
	buf_puts(out,
	    json_is_true(json_object_get(body, "shadow"))
		? ", in shadow: a person decides"
		: ": a person is asked");
}

static const struct {
	const char *kind, *words;
	void (*tell)(
	    const struct row_view *v, const json_t *body, struct buf *out);
} kinds[] = {
	{ "boot", "the daemon started", NULL },
	{ "proposed", NULL, tell_proposed },
	{ "decided", NULL, tell_decided },
	{ "intent", NULL, tell_intent },
	{ "outcome", NULL, tell_outcome },
	{ "unknown", "the end of its run was not seen", NULL },
	{ "cancelled", "taken back by the agent", tell_cancelled },
	{ "expired", "its approval was not used in time", NULL },
	{ "undone", "the answer was taken back", NULL },
	{ "approved", "one of several approvals that it needs", NULL },
	{ "escalated", "raised to another person", NULL },
	{ "revised", "edited; another action took its place", NULL },
	{ "grant", "an approval is remembered", NULL },
	{ "revoked", "a remembered approval was revoked", NULL },
	{ "reload", NULL, tell_reload },
	{ "auth", "a caller was refused", NULL },
	{ "evaluated", "asked what would be decided", NULL },
	{ "event", "reported by the client", NULL },
	{ "network", NULL, tell_network },
	{ "credential", NULL, tell_credential },
	{ "reviewed", NULL, tell_reviewed },
	{ "degraded", NULL, tell_note },
	{ "pruned", "bodies that were exported are dropped", NULL },
};

static void
tell_what(const struct row_view *v, const json_t *body, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!str_eqz(v->row->kind, kinds[i].kind))
			continue;
		if (kinds[i].tell != NULL)
			kinds[i].tell(v, body, out);
		else
			buf_puts(out, kinds[i].words);
		return;
	}
	text_escape(out, v->row->kind);
}

void
cmdlog_tell(const struct row_view *v, struct buf *out)
{
	json_t *body = body_of(v);
	const char *text = text_in(body, "text");

	if (v->row->tool.s != NULL) {
		text_escape(out, v->row->tool);
		buf_puts(out, ": ");
	}
	if (text != NULL) {
		put(out, text);
		buf_puts(out, " - ");
	}
	tell_what(v, body, out);
	json_decref(body);
}

/* ---- the story of one action ------------------------------------------- */

static void
put_fact(struct buf *out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_printf(out, "  %-12s", name);
	put(out, value);
	buf_putc(out, '\n');
}

static void
put_column(struct buf *out, const char *name, struct str value)
{
	if (value.s == NULL)
		return;
	buf_printf(out, "  %-12s", name);
	text_escape(out, value);
	buf_putc(out, '\n');
}

/* What and by whom: from the first row that tells. */
static void
put_head(struct cmdlog_story *s, const struct row_view *v, const json_t *body)
{
	struct buf *out = s->out;
	const char *text = text_in(body, "text");

	text_escape(out, v->row->action_id);
	buf_putc(out, '\n');
	if (text != NULL) {
		buf_puts(out, "\n  ");
		put(out, text);
		buf_puts(out, "\n\n");
	}
	put_column(out, "tool", v->row->tool);
	buf_printf(out, "  %-12s%" PRIu64 "\n", "uid", v->row->uid);
	put_fact(out, "agent", text_in(body, "agent"));
	put_column(out, "session", v->row->session);
	put_fact(out, "cwd", text_in(body, "cwd"));
	put_fact(out, "workspace", text_in(body, "workspace"));
	put_fact(out, "run by", text_in(body, "executor"));
	put_fact(out, "profile", text_in(body, "profile"));
	put_fact(out, "risk", text_in(body, "risk"));
	if (v->row->action_sha256 != NULL) {
		buf_printf(out, "  %-12s", "hash");
		text_hex(out, v->row->action_sha256, SHA256_LEN);
		buf_putc(out, '\n');
	}
	buf_putc(out, '\n');
	s->told = true;
}

/* A sentence of the row, on a line of its own under it. */
static void
put_quote(struct buf *out, const char *who, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	buf_printf(out, "%30s%s", "", who);
	put(out, text);
	buf_putc(out, '\n');
}

static void
put_violations(struct buf *out, const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *text = json_string_value(item);

		put_quote(
		    out, text != NULL && is_note(text) ? "" : "denied: ", text);
	}
}

static void
put_when(const struct cmdlog_story *s, const struct row_view *v)
{
	const int64_t ms = (v->row->time_real_ns - s->begin_ns) / NS_PER_MS;

	buf_puts(s->out, "  ");
	if (s->rows == 0) {
		text_time(s->out, v->row->time_real_ns);
		buf_puts(s->out, "  ");
	} else {
		buf_printf(s->out, "%+20lld.%03lld s  ", (long long)(ms / 1000),
		    (long long)(ms < 0 ? -ms : ms) % 1000);
	}
}

void
cmdlog_story_row(struct cmdlog_story *s, const struct row_view *v)
{
	json_t *body = body_of(v);

	if (!s->told)
		put_head(s, v, body);
	if (s->rows == 0) {
		s->begin_ns = v->row->time_real_ns;
		s->first_seq = v->row->seq;
	}
	put_when(s, v);
	tell_what(v, body, s->out);
	buf_printf(s->out, "  (row %" PRIu64 ")\n", v->row->seq);
	put_quote(s->out, "", text_in(body, "reason"));
	put_quote(s->out, "told the agent: ", text_in(body, "message"));
	put_quote(s->out, "the reviewer: ", text_in(body, "rationale"));
	put_violations(s->out, json_object_get(body, "violations"));
	if (v->body.s == NULL)
		put_quote(
		    s->out, "", "(its details were dropped after export)");
	s->rows++;
	s->last_seq = v->row->seq;
	json_decref(body);
}
