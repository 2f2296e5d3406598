/*
 * The facts of a row, and CEF.
 * Runs in: reporter, assent.  Trusts: nothing in rows: no text of theirs can
 * end a line, a field or the header.  Owns: nothing.
 */
#include "siem.h"

#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "model/json_in.h"
#include "siem_int.h"

#define VALUE_BYTES_MAX ((size_t)16384)
#define CEF_TEXT_MAX ((size_t)4000) /* collectors cut at 8 KB */
#define NS_PER_MS 1000000

static bool
is(const char *value, const char *name)
{
	return value != NULL && strcmp(value, name) == 0;
}

static enum siem_severity
severity_of(const struct siem_facts *f)
{
	static const struct {
		const char *risk;
		enum siem_severity severity;
	} risks[] = {
		{ "critical", SIEM_CRITICAL },
		{ "high", SIEM_HIGH },
		{ "medium", SIEM_MEDIUM },
		{ "low", SIEM_LOW },
	};

	if (is(f->kind, "degraded"))
		return SIEM_HIGH;
	if (is(f->kind, "auth"))
		return SIEM_MEDIUM;
	for (size_t i = 0; i < ARRAY_LEN(risks); i++) {
		if (is(f->risk, risks[i].risk))
			return risks[i].severity;
	}
	return f->denied ? SIEM_MEDIUM : SIEM_INFO;
}

struct siem_facts
siem_facts_of(const json_t *row)
{
	const json_t *body = json_object_get(row, "body");
	const char *ns = json_in_text(row, "time_ns");
	struct siem_facts f = {
		.kind = json_in_text(row, "kind"),
		.action_id = json_in_text(row, "action_id"),
		.session = json_in_text(row, "session"),
		.tool = json_in_text(row, "tool"),
		.decision = json_in_text(row, "decision"),
		.decided_by = json_in_text(row, "decided_by"),
		.rule = json_in_text(row, "rule"),
		.action_sha256 = json_in_text(row, "action_sha256"),
		.policy_sha256 = json_in_text(row, "policy_sha256"),
		.log_hash = json_in_text(row, "log_hash"),
		.prev_hash = json_in_text(row, "prev_hash"),
		.time = json_in_text(row, "time"),
		.text = json_in_text(body, "text"),
		.reason = json_in_text(body, "reason"),
		.agent = json_in_text(body, "agent"),
		.approver = json_in_text(body, "approver"),
		.risk = json_in_text(body, "risk"),
		.message = json_in_text(body, "message"),
		.cwd = json_in_text(body, "cwd"),
		.seq = json_integer_value(json_object_get(row, "seq")),
	};
	uint64_t time_ns = 0;

	(void)snprintf(f.uid_text, sizeof(f.uid_text), "%lld",
	    (long long)json_integer_value(json_object_get(row, "uid")));
	if (ns != NULL &&
	    num_parse_u64(str_of(ns), 0, INT64_MAX, &time_ns) == 0)
		f.time_ms = (int64_t)(time_ns / NS_PER_MS);
	f.allowed = is(f.decision, "allow");
	f.denied = is(f.decision, "deny");
	f.severity = severity_of(&f);
	return f;
}

/* ---- CEF --------------------------------------------------------------- */

/* Escaped for people first, then for CEF: header and extension differ. */
static void
cef_text(struct buf *out, const char *text, const char *special)
{
	AUTO_BUF struct buf safe = BUF_INIT(VALUE_BYTES_MAX);

	text_escape(&safe, str_head(str_of(text), CEF_TEXT_MAX));
	for (size_t i = 0; i < safe.len; i++) {
		if (strchr(special, safe.s[i]) != NULL)
			buf_putc(out, '\\');
		buf_putc(out, safe.s[i]);
	}
}

static void
cef_pair(struct buf *out, const char *key, const char *value)
{
	if (value == NULL)
		return;
	buf_printf(out, " %s=", key);
	cef_text(out, value, "\\=");
}

/* A field of our own: its number and its label. */
static void
cef_custom(struct buf *out, unsigned n, const char *label, const char *value)
{
	char key[16];

	if (value == NULL)
		return;
	(void)snprintf(key, sizeof(key), "cs%uLabel", n);
	cef_pair(out, key, label);
	(void)snprintf(key, sizeof(key), "cs%u", n);
	cef_pair(out, key, value);
}

static unsigned
cef_severity(enum siem_severity s)
{
	/* 0-3 low, 4-6 medium, 7-8 high, 9-10 very high */
	static const unsigned numbers[] = {
		[SIEM_INFO] = 1,
		[SIEM_LOW] = 3,
		[SIEM_MEDIUM] = 5,
		[SIEM_HIGH] = 8,
		[SIEM_CRITICAL] = 10,
	};

	return numbers[s];
}

static const char *
cef_name(const struct siem_facts *f)
{
	if (is(f->kind, "decided"))
		return f->allowed ? "tool call allowed" : "tool call denied";
	if (is(f->kind, "proposed"))
		return "tool call waits";
	if (is(f->kind, "intent"))
		return "run begins";
	if (is(f->kind, "outcome"))
		return "run ended";
	return f->kind == NULL ? "unknown" : f->kind;
}

void
siem_cef(const json_t *row, struct buf *out)
{
	const struct siem_facts f = siem_facts_of(row);

	buf_puts(out, "CEF:0|assent|assent|" ASSENT_VERSION "|");
	cef_text(out, f.kind == NULL ? "unknown" : f.kind, "\\|");
	buf_putc(out, '|');
	cef_text(out, cef_name(&f), "\\|");
	buf_printf(
	    out, "|%u|rt=%lld", cef_severity(f.severity), (long long)f.time_ms);
	cef_pair(out, "externalId", f.action_id);
	cef_pair(out, "act", f.decision);
	if (f.allowed || f.denied)
		cef_pair(out, "outcome", f.allowed ? "success" : "failure");
	cef_pair(out, "suid", f.uid_text);
	cef_pair(out, "suser", f.approver);
	cef_pair(out, "sproc", f.agent);
	cef_pair(out, "reason", f.reason);
	cef_pair(out, "fileHash", f.action_sha256);
	cef_custom(out, 1, "tool", f.tool);
	cef_custom(out, 2, "rule", f.rule);
	cef_custom(out, 3, "session", f.session);
	cef_custom(out, 4, "logHash", f.log_hash);
	cef_custom(out, 5, "decidedBy", f.decided_by);
	cef_custom(out, 6, "policySha256", f.policy_sha256);
	buf_printf(out, " cn1Label=seq cn1=%lld", (long long)f.seq);
	cef_pair(out, "msg", f.text);
}
