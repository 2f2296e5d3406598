/*
 * Rows of the decision log as events of OpenTelemetry.
 * Runs in: reporter.  Trusts: nothing in text.  Owns: nothing.
 */
#include "event.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "model/json_in.h"

#define NS_PER_MS INT64_C(1000000)

/* ---- names ---------------------------------------------------------------- */

static const struct {
	const char *kind, *name;
	unsigned severity;
} kinds[] = {
	{ "boot", "assent.daemon.started", SEVERITY_INFO },
	{ "proposed", "assent.request.created", SEVERITY_INFO },
	{ "decided", "assent.decision.recorded", SEVERITY_INFO },
	{ "intent", "assent.execution.started", SEVERITY_INFO },
	{ "outcome", "assent.execution.finished", SEVERITY_INFO },
	{ "unknown", "assent.execution.lost", SEVERITY_WARN },
	{ "cancelled", "assent.request.cancelled", SEVERITY_INFO },
	{ "expired", "assent.request.expired", SEVERITY_WARN },
	{ "undone", "assent.decision.undone", SEVERITY_INFO },
	{ "grant", "assent.grant.created", SEVERITY_INFO },
	{ "revoked", "assent.grant.revoked", SEVERITY_INFO },
	{ "reload", "assent.rules.reloaded", SEVERITY_INFO },
	{ "auth", "assent.auth.failed", SEVERITY_WARN },
	{ "evaluated", "assent.request.evaluated", SEVERITY_INFO },
	{ "event", "assent.session.event", SEVERITY_INFO },
	{ "network", "assent.network.decided", SEVERITY_INFO },
	{ "degraded", "assent.store.degraded", SEVERITY_ERROR },
	{ "reviewed", "assent.review.completed", SEVERITY_WARN },
	{ "pruned", "assent.log.pruned", SEVERITY_INFO },
	{ "approved", "assent.request.approved", SEVERITY_INFO },
	{ "escalated", "assent.request.escalated", SEVERITY_INFO },
	{ "revised", "assent.request.revised", SEVERITY_INFO },
	{ "credential", "assent.credential.used", SEVERITY_INFO },
	{ "checkpoint", "assent.log.checkpoint", SEVERITY_INFO },
};

/* Attributes whose value is a text of the row. */
static const struct {
	const char *name, *key;
	bool in_body;
} texts[] = {
	{ "assent.log.hash", "log_hash", false },
	{ "assent.request.id", "action_id", false },
	{ "assent.action.digest", "action_sha256", false },
	{ "assent.decision", "decision", false },
	{ "assent.decision.source", "decided_by", false },
	{ "gen_ai.tool.name", "tool", false },
	{ "gen_ai.conversation.id", "session", false },
	{ "session.id", "session", false },
	{ "security_rule.name", "rule", false },
	{ "security_rule.version", "policy_sha256", false },
	{ "gen_ai.agent.name", "agent", true },
	{ "assent.request.text", "text", true },
	{ "assent.request.cwd", "cwd", true },
	{ "assent.request.workspace", "workspace", true },
	{ "assent.request.executor", "executor", true },
	{ "assent.decision.profile", "profile", true },
	{ "assent.decision.risk", "risk", true },
	{ "assent.decision.reason", "reason", true },
	{ "assent.decision.message", "message", true },
	{ "user.name", "approver", true },
	{ "assent.reviewer.model", "model", true },
	{ "assent.reviewer.provider", "provider", true },
	{ "assent.reviewer.outcome", "outcome", true },
	{ "assent.reviewer.cause", "cause", true },
	{ "assent.execution.plan", "plan_sha256", true },
	{ "error.message", "failure", true },
	{ "assent.event", "event", true },
	{ "server.address", "host", true },
	{ "network.peer.address", "address", true },
	{ "network.protocol.name", "protocol", true },
	{ "http.request.method", "method", true },
	{ "assent.log.checkpoint", "checkpoint", true },
};

static const struct {
	const char *name, *key;
	bool in_body;
} numbers[] = {
	{ "assent.log.seq", "seq", false },
	{ "assent.wait_ms", "wait_ms", true },
	{ "process.exit.code", "exit", true },
	{ "assent.execution.signal", "signal", true },
	{ "assent.execution.wall_ms", "wall_ms", true },
	{ "assent.reviewer.latency_ms", "latency_ms", true },
	{ "server.port", "port", true },
	{ "assent.network.bytes_up", "bytes_up", true },
	{ "assent.network.bytes_down", "bytes_down", true },
	{ "assent.network.ms", "ms", true },
	{ "assent.network.count", "count", true },
	{ "assent.log.rows", "rows", true },
};

const char *
severity_text(unsigned severity)
{
	if (severity >= SEVERITY_ERROR)
		return "ERROR";
	return severity >= SEVERITY_WARN ? "WARN" : "INFO";
}

/* ---- attributes ----------------------------------------------------------- */

static bool
is(const char *value, const char *name)
{
	return value != NULL && strcmp(value, name) == 0;
}

static void
put_text(struct event *ev, const char *name, const char *text)
{
	if (text != NULL && ev->attr_count < EVENT_ATTRS_MAX)
		ev->attrs[ev->attr_count++] =
		    (struct attr){ .name = name, .text = text };
}

static void
put_number(struct event *ev, const char *name, const json_t *value)
{
	if (json_is_integer(value) && ev->attr_count < EVENT_ATTRS_MAX)
		ev->attrs[ev->attr_count++] = (struct attr){
			.name = name,
			.number = json_integer_value(value),
		};
}

static void
put_attrs(const json_t *row, struct event *ev)
{
	const json_t *body = json_object_get(row, "body");

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		put_text(ev, texts[i].name,
		    json_in_text(texts[i].in_body ? body : row, texts[i].key));
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		put_number(ev, numbers[i].name,
		    json_object_get(
			numbers[i].in_body ? body : row, numbers[i].key));
	put_number(ev, "user.id", json_object_get(row, "uid"));
	put_text(ev, "error.type", ev->failed ? "execution_failed" : NULL);
}

/* ---- where it belongs ------------------------------------------------------ */

static int
take_place(const json_t *row, const char *span, struct trace_place *ret)
{
	const char *id = json_in_text(row, "action_id");

	return id == NULL
	    ? ERR_OK
	    : trace_place(
		  json_in_text(json_object_get(row, "body"), "traceparent"), id,
		  span, ret);
}

/* ---- an event --------------------------------------------------------------- */

/* Those that have more than one meaning. */
static void
judge(const json_t *row, const char *kind, struct event *ev)
{
	const json_t *body = json_object_get(row, "body");
	const char *event = json_in_text(body, "event");

	if ((is(kind, "decided") || is(kind, "network")) &&
	    is(json_in_text(row, "decision"), "deny"))
		ev->severity = SEVERITY_WARN;
	if (is(kind, "outcome") && json_in_text(body, "failure") != NULL) {
		ev->severity = SEVERITY_WARN;
		ev->failed = true;
	}
	if (is(kind, "reload") && json_in_text(body, "failure") != NULL)
		ev->severity = SEVERITY_ERROR;
	/* the store's own word may also be that it works again */
	if (is(kind, "degraded") &&
	    (is(event, "store.recovered") || is(event, "store.signed") ||
		is(event, "store.space_enough")))
		ev->severity = SEVERITY_INFO;
}

/* Which of an action's two spans a row belongs to. */
static const char *
span_of(const char *kind)
{
	return is(kind, "intent") || is(kind, "outcome") ||
		is(kind, "unknown") || is(kind, "network")
	    ? TRACE_SPAN_RUN
	    : TRACE_SPAN_EVALUATE;
}

static void
take_span(const json_t *row, const char *kind, struct event *ev)
{
	const json_t *body = json_object_get(row, "body");
	const char *ms = NULL;

	if (is(kind, "decided")) {
		ev->span = TRACE_SPAN_EVALUATE;
		ms = "wait_ms";
	} else if (is(kind, "outcome")) {
		ev->span = TRACE_SPAN_RUN;
		ms = "wall_ms";
	}
	if (ms != NULL)
		ev->duration_ns =
		    json_integer_value(json_object_get(body, ms)) * NS_PER_MS;
}

static void
take_name(const char *kind, struct event *ev)
{
	ev->name = "assent.log.row";
	ev->severity = SEVERITY_INFO;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!is(kind, kinds[i].kind))
			continue;
		ev->name = kinds[i].name;
		ev->severity = kinds[i].severity;
	}
}

unsigned
event_severity(const json_t *row)
{
	const char *kind = json_in_text(row, "kind");
	struct event ev = { .severity = SEVERITY_ERROR };

	if (kind == NULL)
		return SEVERITY_ERROR;
	take_name(kind, &ev);
	judge(row, kind, &ev);
	return ev.severity;
}

int
event_of(const json_t *row, struct event *ret)
{
	const char *kind = json_in_text(row, "kind");
	const char *ns = json_in_text(row, "time_ns");
	uint64_t time_ns = 0;

	memset(ret, 0, sizeof(*ret));
	if (kind == NULL || ns == NULL ||
	    num_parse_u64(str_of(ns), 0, INT64_MAX, &time_ns) != 0)
		return ERR_INVALID;
	ret->time_ns = (int64_t)time_ns;
	take_name(kind, ret);
	judge(row, kind, ret);
	take_span(row, kind, ret);
	put_attrs(row, ret);
	ret->body = json_in_text(json_object_get(row, "body"), "reason");
	return take_place(row, span_of(kind), &ret->place);
}
