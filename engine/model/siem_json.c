/*
 * Rows as the Elastic Common Schema and as OCSF.
 * Runs in: reporter, assent.  Trusts: nothing in rows; the JSON writer keeps
 * their text inside its strings.  Owns: nothing.
 */
#include <string.h>

#include "base/jsonw.h"
#include "base/mem.h"
#include "siem_int.h"

#define ECS_VERSION "8.11.0"
#define OCSF_VERSION "1.9.0-dev"
#define OCSF_CLASS 6003 /* API Activity */
#define OCSF_ACTIVITY_OTHER 99
#define OCSF_HASH 8 /* observable: a hash */
#define OCSF_SHA256 3 /* fingerprint: SHA-256 */

static bool
is(const char *value, const char *name)
{
	return value != NULL && strcmp(value, name) == 0;
}

static void
put(struct jsonw *w, const char *key, const char *value)
{
	if (value != NULL)
		jsonw_kstr(w, key, value);
}

static void
begin(struct jsonw *w, const char *key)
{
	jsonw_key(w, key);
	jsonw_object(w);
}

/* ---- ECS --------------------------------------------------------------- */

static const char *
ecs_category(const struct siem_facts *f)
{
	static const struct {
		const char *tool, *category;
	} tools[] = {
		{ "file", "file" },
		{ "fetch", "network" },
		{ "permission", "iam" },
		{ "mcp", "api" },
	};

	if (is(f->kind, "auth"))
		return "authentication";
	for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
		if (is(f->tool, tools[i].tool))
			return tools[i].category;
	}
	return "process";
}

static const char *
ecs_type(const struct siem_facts *f)
{
	if (is(f->kind, "intent"))
		return "start";
	if (is(f->kind, "outcome"))
		return "end";
	if (f->allowed)
		return "allowed";
	return f->denied ? "denied" : "info";
}

static void
one(struct jsonw *w, const char *key, const char *value)
{
	jsonw_key(w, key);
	jsonw_array(w);
	jsonw_cstr(w, value);
	jsonw_end(w);
}

static void
ecs_event(struct jsonw *w, const struct siem_facts *f)
{
	begin(w, "event");
	put(w, "kind", is(f->kind, "degraded") ? "alert" : "event");
	one(w, "category", ecs_category(f));
	one(w, "type", ecs_type(f));
	put(w, "action", f->kind);
	put(w, "outcome",
	    f->allowed      ? "success"
		: f->denied ? "failure"
			    : "unknown");
	jsonw_kint(w, "sequence", f->seq);
	jsonw_kint(w, "severity", (int64_t)f->severity);
	put(w, "id", f->action_id);
	put(w, "hash", f->log_hash);
	put(w, "reason", f->reason);
	put(w, "provider", "assent");
	jsonw_end(w);
}

void
siem_ecs(const json_t *row, struct buf *out)
{
	const struct siem_facts f = siem_facts_of(row);
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	put(&w, "@timestamp", f.time);
	begin(&w, "ecs");
	put(&w, "version", ECS_VERSION);
	jsonw_end(&w);
	put(&w, "message", f.text);
	ecs_event(&w, &f);
	begin(&w, "rule");
	put(&w, "name", f.rule);
	put(&w, "version", f.policy_sha256);
	jsonw_end(&w);
	begin(&w, "user");
	put(&w, "id", f.uid_text);
	put(&w, "name", f.approver);
	jsonw_end(&w);
	begin(&w, "process");
	put(&w, "command_line",
	    is(f.tool, "shell") || is(f.tool, "exec") ? f.text : NULL);
	put(&w, "working_directory", f.cwd);
	jsonw_end(&w);
	begin(&w, "labels");
	put(&w, "tool", f.tool);
	put(&w, "session", f.session);
	put(&w, "agent", f.agent);
	put(&w, "decided_by", f.decided_by);
	put(&w, "action_sha256", f.action_sha256);
	put(&w, "prev_hash", f.prev_hash);
	jsonw_end(&w);
	jsonw_end(&w);
}

/* ---- OCSF -------------------------------------------------------------- */

static int
ocsf_disposition(const struct siem_facts *f)
{
	const bool human = is(f->decided_by, "human");

	if (f->allowed)
		return human ? 8 : 1; /* Approved, Allowed */
	if (f->denied)
		return human                       ? 25 /* Rejected */
		    : is(f->decided_by, "ceiling") ? 26 /* Unauthorized */
						   : 2; /* Blocked */
	return 0;
}

static void
ocsf_metadata(struct jsonw *w, const struct siem_facts *f)
{
	begin(w, "metadata");
	put(w, "version", OCSF_VERSION);
	jsonw_kint(w, "sequence", f->seq);
	put(w, "uid", f->log_hash);
	begin(w, "product");
	put(w, "name", "assent");
	put(w, "vendor_name", "assent");
	put(w, "version", ASSENT_VERSION);
	jsonw_end(w);
	jsonw_key(w, "profiles");
	jsonw_array(w);
	jsonw_cstr(w, "security_control");
	jsonw_cstr(w, "ai_operation");
	jsonw_cstr(w, "record_integrity");
	jsonw_end(w);
	jsonw_end(w);
}

static void
fingerprint(struct jsonw *w, const char *hash)
{
	begin(w, "fingerprint");
	jsonw_kint(w, "algorithm_id", OCSF_SHA256);
	put(w, "algorithm", "SHA-256");
	put(w, "value", hash);
	jsonw_end(w);
}

/* The chain: this row's hash and that of the row before it. */
static void
ocsf_integrity(struct jsonw *w, const struct siem_facts *f)
{
	jsonw_key(w, "attestation_list");
	jsonw_array(w);
	jsonw_object(w);
	fingerprint(w, f->log_hash);
	begin(w, "prev_event");
	put(w, "uid", f->prev_hash);
	fingerprint(w, f->prev_hash);
	jsonw_end(w);
	jsonw_end(w);
	jsonw_end(w);
}

static void
ocsf_who(struct jsonw *w, const struct siem_facts *f)
{
	begin(w, "actor");
	begin(w, "user");
	put(w, "uid", f->uid_text);
	put(w, "name", f->approver);
	jsonw_end(w);
	if (f->session != NULL) {
		begin(w, "session");
		put(w, "uid", f->session);
		jsonw_end(w);
	}
	jsonw_end(w);
	begin(w, "src_endpoint");
	put(w, "name", "localhost");
	jsonw_end(w);
	if (f->agent != NULL) {
		begin(w, "ai_agent");
		put(w, "name", f->agent);
		jsonw_kint(w, "type_id", 99);
		jsonw_end(w);
	}
}

static void
ocsf_what(struct jsonw *w, const struct siem_facts *f)
{
	begin(w, "api");
	put(w, "operation", f->tool == NULL ? f->kind : f->tool);
	begin(w, "request");
	put(w, "uid", f->action_id);
	if (f->text != NULL) {
		begin(w, "data");
		put(w, "text", f->text);
		jsonw_end(w);
	}
	jsonw_end(w);
	jsonw_end(w);
	if (f->rule != NULL) {
		begin(w, "policy");
		put(w, "name", f->rule);
		put(w, "uid", f->rule);
		put(w, "version", f->policy_sha256);
		jsonw_end(w);
	}
	if (f->action_sha256 == NULL)
		return;
	jsonw_key(w, "observables");
	jsonw_array(w);
	jsonw_object(w);
	put(w, "name", "action_sha256");
	jsonw_kint(w, "type_id", OCSF_HASH);
	put(w, "value", f->action_sha256);
	jsonw_end(w);
	jsonw_end(w);
}

void
siem_ocsf(const json_t *row, struct buf *out)
{
	const struct siem_facts f = siem_facts_of(row);
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kint(&w, "category_uid", OCSF_CLASS / 1000);
	jsonw_kint(&w, "class_uid", OCSF_CLASS);
	jsonw_kint(&w, "activity_id", OCSF_ACTIVITY_OTHER);
	put(&w, "activity_name", f.kind);
	jsonw_kint(&w, "type_uid", OCSF_CLASS * 100 + OCSF_ACTIVITY_OTHER);
	jsonw_kint(&w, "severity_id", (int64_t)f.severity);
	jsonw_kint(&w, "time", f.time_ms);
	jsonw_kint(&w, "action_id", f.allowed ? 1 : f.denied ? 2 : 0);
	jsonw_kint(&w, "disposition_id", ocsf_disposition(&f));
	put(&w, "message", f.text);
	put(&w, "status_detail", f.reason);
	ocsf_metadata(&w, &f);
	ocsf_who(&w, &f);
	ocsf_what(&w, &f);
	ocsf_integrity(&w, &f);
	begin(&w, "unmapped");
	put(&w, "decision", f.decision);
	put(&w, "decided_by", f.decided_by);
	jsonw_end(&w);
	jsonw_end(&w);
}
