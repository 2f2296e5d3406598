/*
 * The table of routes.
 * Runs in: front.  Trusts: nothing.  Owns: nothing.
 */
#include "route.h"

#include "base/passphrase.h"

#define AGENT ROLE_BIT(CALLER_AGENT)
#define APPROVER ROLE_BIT(CALLER_APPROVER)
#define AUDITOR ROLE_BIT(CALLER_AUDITOR)
#define PREVIEW_RULES_MAX ((int64_t)256 << 10)
#define ADMIN ROLE_BIT(CALLER_ADMIN)

#define FIELDS(t)                                                              \
	.body = ROUTE_BODY_FIELDS, .fields = t, .field_count = ARRAY_LEN(t)
#define QUERY(t) .query = t, .query_count = ARRAY_LEN(t)

static const char *const states[] = { "pending", "decided", "running", "done",
	"unknown", "cancelled", "expired", NULL };
static const char *const tools[] = { "shell", "exec", "stdin", "file", "fetch",
	"mcp", "permission", NULL };
static const char *const verdicts[] = { "allow", "deny", "review", NULL };
static const char *const signals[] = { "HUP", "INT", "QUIT", "KILL", "TERM",
	"USR1", "USR2", "WINCH", NULL };
static const char *const ruptures[] = { "continue", "end", NULL };
static const char *const log_formats[] = { "jsonl", "ocsf", "ecs", "cef",
	NULL };
static const char *const event_types[] = { "session_start", "prompt",
	"tool_result", "notification", "session_end", NULL };

#define LIST_LIMIT_MAX 500
#define EVENT_TEXT_MAX ((int64_t)64 << 10)

static const struct param list_query[] = {
	{ .name = "state", .kind = PARAM_CHOICE, .choices = states },
	{ .name = "tool", .kind = PARAM_CHOICE, .choices = tools },
	{ .name = "agent", .kind = PARAM_NAME },
	{ .name = "session", .kind = PARAM_NAME },
	{ .name = "since", .kind = PARAM_NAME },
	{ .name = "cursor", .kind = PARAM_NAME },
	{ .name = "limit",
	    .kind = PARAM_NUMBER,
	    .min = 1,
	    .max = LIST_LIMIT_MAX },
};

static const struct param log_query[] = {
	{ .name = "from_seq",
	    .kind = PARAM_NUMBER,
	    .min = 0,
	    .max = INT64_MAX },
	{ .name = "limit", .kind = PARAM_NUMBER, .min = 1, .max = INT64_MAX },
	{ .name = "format", .kind = PARAM_CHOICE, .choices = log_formats },
};

static const struct param output_query[] = {
	{ .name = "disconnect", .kind = PARAM_CHOICE, .choices = ruptures },
};

static const struct param decide_fields[] = {
	{ .name = "decision",
	    .kind = PARAM_CHOICE,
	    .required = true,
	    .choices = verdicts },
	{ .name = "action_sha256", .kind = PARAM_DIGEST, .required = true },
	{ .name = "reason", .kind = PARAM_TEXT, .max = REASON_BYTES_MAX },
	{ .name = "scope", .kind = PARAM_SCOPE },
	{ .name = "message", .kind = PARAM_TEXT, .max = REASON_BYTES_MAX },
	{ .name = "passphrase", .kind = PARAM_TEXT, .max = PASSPHRASE_LEN_MAX },
};

static const struct param grant_query[] = {
	{ .name = "scope", .kind = PARAM_SCOPE },
};

static const struct param escalate_fields[] = {
	{ .name = "to", .kind = PARAM_NAME, .required = true },
	{ .name = "reason", .kind = PARAM_TEXT, .max = REASON_BYTES_MAX },
};

static const struct param execute_fields[] = {
	{ .name = "action_sha256", .kind = PARAM_DIGEST, .required = true },
};

static const struct param signal_fields[] = {
	{ .name = "signal",
	    .kind = PARAM_CHOICE,
	    .required = true,
	    .choices = signals },
	{ .name = "rows", .kind = PARAM_NUMBER, .min = 1, .max = 9999 },
	{ .name = "columns", .kind = PARAM_NUMBER, .min = 1, .max = 9999 },
};

static const char *const changes_words[] = { "list", "all", "none", "some",
	NULL };

static const struct param changes_fields[] = {
	{ .name = "apply", .kind = PARAM_CHOICE, .choices = changes_words },
	{ .name = "paths", .kind = PARAM_TEXT, .max = EVENT_TEXT_MAX },
};

static const char *const preview_places[] = { "instead", "beside", NULL };
static const char *const preview_sets[] = { "candidate", NULL };

static const struct param preview_fields[] = {
	{ .name = "rules", .kind = PARAM_TEXT, .max = PREVIEW_RULES_MAX },
	{ .name = "set", .kind = PARAM_CHOICE, .choices = preview_sets },
	{ .name = "place", .kind = PARAM_CHOICE, .choices = preview_places },
};

static const struct param outcome_fields[] = {
	{ .name = "exit", .kind = PARAM_NUMBER, .min = -1, .max = 255 },
	{ .name = "signal", .kind = PARAM_NUMBER, .min = 0, .max = 64 },
	{ .name = "stdout", .kind = PARAM_TEXT, .max = EVENT_TEXT_MAX },
	{ .name = "stderr", .kind = PARAM_TEXT, .max = EVENT_TEXT_MAX },
	{ .name = "wall_ms",
	    .kind = PARAM_NUMBER,
	    .min = 0,
	    .max = TIMEOUT_MS_MAX },
	{ .name = "failure", .kind = PARAM_TEXT, .max = REASON_BYTES_MAX },
};

static const struct param event_fields[] = {
	{ .name = "type",
	    .kind = PARAM_CHOICE,
	    .required = true,
	    .choices = event_types },
	{ .name = "text", .kind = PARAM_TEXT, .max = EVENT_TEXT_MAX },
	{ .name = "tool", .kind = PARAM_NAME },
	{ .name = "action", .kind = PARAM_NAME },
};

static const char *const hook_modes[] = { "enforce", "advise", NULL };

static const struct param hook_query[] = {
	{ .name = "mode", .kind = PARAM_CHOICE, .choices = hook_modes },
	{ .name = "workspace", .kind = PARAM_TEXT, .max = PATH_BYTES_MAX - 1 },
	{ .name = "wait",
	    .kind = PARAM_NUMBER,
	    .min = 0,
	    .max = HTTP_WAIT_MS_MAX / 1000 },
};

static const struct route routes[] = {
	{ .operation = "proposeAction",
	    .method = METHOD_POST,
	    .path = "/v1/actions",
	    .route = ROUTE_PROPOSE,
	    .roles = AGENT,
	    .flags = ROUTE_WAITS,
	    .body = ROUTE_BODY_ACTION },
	{ .operation = "getAction",
	    .method = METHOD_GET,
	    .path = "/v1/actions/{id}",
	    .route = ROUTE_GET,
	    .roles = AGENT | APPROVER,
	    .flags = ROUTE_WAITS },
	{ .operation = "listActions",
	    .method = METHOD_GET,
	    .path = "/v1/actions",
	    .route = ROUTE_LIST,
	    .roles = APPROVER | AUDITOR,
	    QUERY(list_query) },
	{ .operation = "cancelAction",
	    .method = METHOD_DELETE,
	    .path = "/v1/actions/{id}",
	    .route = ROUTE_CANCEL,
	    .roles = AGENT },
	{ .operation = "decideAction",
	    .method = METHOD_PUT,
	    .path = "/v1/actions/{id}/decision",
	    .route = ROUTE_DECIDE,
	    .roles = APPROVER,
	    .flags = ROUTE_NEEDS_IF_MATCH,
	    FIELDS(decide_fields) },
	{ .operation = "undoDecision",
	    .method = METHOD_DELETE,
	    .path = "/v1/actions/{id}/decision",
	    .route = ROUTE_UNDO,
	    .roles = APPROVER,
	    .flags = ROUTE_NEEDS_IF_MATCH },
	{ .operation = "previewGrant",
	    .method = METHOD_GET,
	    .path = "/v1/actions/{id}/grant",
	    .route = ROUTE_GRANT_PREVIEW,
	    .roles = APPROVER,
	    QUERY(grant_query) },
	{ .operation = "draftRule",
	    .method = METHOD_GET,
	    .path = "/v1/actions/{id}/rule",
	    .route = ROUTE_RULE_DRAFT,
	    .roles = APPROVER },
	{ .operation = "escalateAction",
	    .method = METHOD_POST,
	    .path = "/v1/actions/{id}/escalate",
	    .route = ROUTE_ESCALATE,
	    .roles = APPROVER,
	    .flags = ROUTE_NEEDS_IF_MATCH,
	    FIELDS(escalate_fields) },
	{ .operation = "reviseAction",
	    .method = METHOD_POST,
	    .path = "/v1/actions/{id}/revision",
	    .route = ROUTE_REVISE,
	    .roles = APPROVER,
	    .flags = ROUTE_NEEDS_IF_MATCH,
	    .body = ROUTE_BODY_ACTION },
	{ .operation = "lookAtAction",
	    .method = METHOD_PUT,
	    .path = "/v1/actions/{id}/presence",
	    .route = ROUTE_PRESENT,
	    .roles = APPROVER },
	{ .operation = "explainAction",
	    .method = METHOD_GET,
	    .path = "/v1/actions/{id}/explain",
	    .route = ROUTE_EXPLAIN,
	    .roles = AGENT | APPROVER },
	{ .operation = "executeAction",
	    .method = METHOD_POST,
	    .path = "/v1/actions/{id}/execution",
	    .route = ROUTE_EXECUTE,
	    .roles = AGENT,
	    .flags = ROUTE_WAITS,
	    FIELDS(execute_fields) },
	{ .operation = "getOutput",
	    .method = METHOD_GET,
	    .path = "/v1/actions/{id}/output",
	    .route = ROUTE_OUTPUT,
	    .roles = AGENT | APPROVER,
	    .flags = ROUTE_MAY_STREAM,
	    QUERY(output_query) },
	{ .operation = "signalAction",
	    .method = METHOD_POST,
	    .path = "/v1/actions/{id}/signal",
	    .route = ROUTE_SIGNAL,
	    .roles = AGENT | APPROVER,
	    FIELDS(signal_fields) },
	{ .operation = "applyChanges",
	    .method = METHOD_POST,
	    .path = "/v1/actions/{id}/changes",
	    .route = ROUTE_CHANGES,
	    .roles = APPROVER,
	    FIELDS(changes_fields) },
	{ .operation = "reportOutcome",
	    .method = METHOD_POST,
	    .path = "/v1/actions/{id}/outcome",
	    .route = ROUTE_OUTCOME,
	    .roles = AGENT,
	    FIELDS(outcome_fields) },
	{ .operation = "reportOutcomeByKey",
	    .method = METHOD_POST,
	    .path = "/v1/outcomes",
	    .route = ROUTE_OUTCOME,
	    .roles = AGENT,
	    FIELDS(outcome_fields) },
	{ .operation = "answerHook",
	    .method = METHOD_POST,
	    .path = "/v1/hooks/{id}",
	    .route = ROUTE_PROPOSE,
	    .roles = AGENT,
	    .flags = ROUTE_WAITS,
	    .body = ROUTE_BODY_HOOK,
	    QUERY(hook_query) },
	{ .operation = "queryAllow",
	    .method = METHOD_POST,
	    .path = "/v1/data/assent/allow",
	    .route = ROUTE_PROPOSE,
	    .roles = AGENT,
	    .flags = ROUTE_WAITS,
	    .body = ROUTE_BODY_HOOK,
	    .hook = "opa",
	    QUERY(hook_query) },
	{ .operation = "reviewAdmission",
	    .method = METHOD_POST,
	    .path = "/v1/admission",
	    .route = ROUTE_PROPOSE,
	    .roles = AGENT,
	    .flags = ROUTE_WAITS,
	    .body = ROUTE_BODY_HOOK,
	    .hook = "kubernetes",
	    QUERY(hook_query) },
	{ .operation = "reviewForCodex",
	    .method = METHOD_POST,
	    .path = "/v1/codex/responses",
	    .route = ROUTE_PROPOSE,
	    .roles = AGENT,
	    .flags = ROUTE_WAITS,
	    .body = ROUTE_BODY_HOOK,
	    .hook = "codex-guardian",
	    QUERY(hook_query) },
	{ .operation = "mcpMessage",
	    .method = METHOD_POST,
	    .path = "/v1/mcp",
	    .route = ROUTE_PROPOSE,
	    .local = LOCAL_MCP,
	    .roles = AGENT,
	    .flags = ROUTE_WAITS,
	    .body = ROUTE_BODY_MCP },
	{ .operation = "mcpStream",
	    .method = METHOD_GET,
	    .path = "/v1/mcp",
	    .route = ROUTE_GET,
	    .local = LOCAL_MCP,
	    .roles = AGENT,
	    .flags = ROUTE_STREAMS },
	{ .operation = "mcpSessionEnd",
	    .method = METHOD_DELETE,
	    .path = "/v1/mcp",
	    .route = ROUTE_CANCEL,
	    .local = LOCAL_MCP,
	    .roles = AGENT },
	{ .operation = "reportEvent",
	    .method = METHOD_POST,
	    .path = "/v1/sessions/{id}/events",
	    .route = ROUTE_SESSION_EVENT,
	    .roles = AGENT,
	    FIELDS(event_fields) },
	{ .operation = "evaluateAction",
	    .method = METHOD_POST,
	    .path = "/v1/evaluate",
	    .route = ROUTE_EVALUATE,
	    .roles = AGENT | APPROVER | ADMIN,
	    .body = ROUTE_BODY_EVALUATE },
	{ .operation = "followEvents",
	    .method = METHOD_GET,
	    .path = "/v1/events",
	    .route = ROUTE_EVENTS,
	    .roles = APPROVER | AUDITOR,
	    .flags = ROUTE_STREAMS },
	{ .operation = "readLog",
	    .method = METHOD_GET,
	    .path = "/v1/log",
	    .route = ROUTE_LOG,
	    .roles = AUDITOR,
	    QUERY(log_query) },
	{ .operation = "getCheckpoint",
	    .method = METHOD_GET,
	    .path = "/v1/log/checkpoint",
	    .route = ROUTE_CHECKPOINT,
	    .roles = AUDITOR },
	{ .operation = "verifyLog",
	    .method = METHOD_POST,
	    .path = "/v1/log/verify",
	    .route = ROUTE_VERIFY,
	    .roles = AUDITOR },
	{ .operation = "getRules",
	    .method = METHOD_GET,
	    .path = "/v1/rules",
	    .route = ROUTE_RULES,
	    .roles = ADMIN },
	{ .operation = "reloadRules",
	    .method = METHOD_POST,
	    .path = "/v1/rules/reload",
	    .route = ROUTE_RELOAD,
	    .roles = ADMIN },
	{ .operation = "previewRules",
	    .method = METHOD_POST,
	    .path = "/v1/rules/preview",
	    .route = ROUTE_RULES_PREVIEW,
	    .roles = APPROVER,
	    FIELDS(preview_fields) },
	{ .operation = "listGrants",
	    .method = METHOD_GET,
	    .path = "/v1/grants",
	    .route = ROUTE_GRANTS,
	    .roles = APPROVER },
	{ .operation = "revokeGrant",
	    .method = METHOD_DELETE,
	    .path = "/v1/grants/{id}",
	    .route = ROUTE_REVOKE,
	    .roles = APPROVER },
	{ .operation = "getMetrics",
	    .method = METHOD_GET,
	    .path = "/metrics",
	    .route = ROUTE_METRICS,
	    .roles = ROLES_ANY },
	{ .operation = "getReady",
	    .method = METHOD_GET,
	    .path = "/readyz",
	    .route = ROUTE_READY,
	    .roles = ROLES_ANY },
	{ .operation = "getVersion",
	    .method = METHOD_GET,
	    .path = "/v1/version",
	    .route = ROUTE_VERSION,
	    .roles = ROLES_ANY },
	{ .operation = "getRequirements",
	    .method = METHOD_GET,
	    .path = "/v1/requirements",
	    .route = ROUTE_REQUIREMENTS,
	    .roles = ROLES_ANY },
	{ .operation = "listCredentials",
	    .method = METHOD_GET,
	    .path = "/v1/credentials",
	    .route = ROUTE_CREDENTIALS,
	    .roles = ROLES_ANY },
	{ .operation = "getHealth",
	    .method = METHOD_GET,
	    .path = "/healthz",
	    .route = ROUTE_HEALTH,
	    .local = LOCAL_HEALTH,
	    .roles = ROLES_ANY,
	    .flags = ROUTE_LOCAL | ROUTE_OPEN },
	{ .operation = "getOpenapi",
	    .method = METHOD_GET,
	    .path = "/openapi.json",
	    .local = LOCAL_OPENAPI,
	    .roles = ROLES_ANY,
	    .flags = ROUTE_LOCAL },
};

size_t
route_count(void)
{
	return ARRAY_LEN(routes);
}

const struct route *
route_at(size_t i)
{
	return i < ARRAY_LEN(routes) ? &routes[i] : NULL;
}

const char *
http_method_name(enum http_method m)
{
	static const char *const names[] = {
		[METHOD_INVALID] = "?",
		[METHOD_GET] = "GET",
		[METHOD_HEAD] = "HEAD",
		[METHOD_POST] = "POST",
		[METHOD_PUT] = "PUT",
		[METHOD_DELETE] = "DELETE",
		[METHOD_OPTIONS] = "OPTIONS",
		[METHOD_OTHER] = "this method",
	};

	return (size_t)m < ARRAY_LEN(names) ? names[m] : names[0];
}

static bool
path_matches(const char *template, struct str path, struct str *ret_id)
{
	struct str t = str_of(template);

	*ret_id = STR_NONE;
	while (t.len > 0 && path.len > 0) {
		const struct str want = str_cut(&t, '/');
		const struct str have = str_cut(&path, '/');

		if (!str_eq(want, STR("{id}"))) {
			if (!str_eq(want, have))
				return false;
			continue;
		}
		if (have.len == 0)
			return false;
		*ret_id = have;
	}
	return t.len == 0 && path.len == 0;
}

void
route_find(enum http_method method, struct str path, struct route_match *ret)
{
	const enum http_method as = method == METHOD_HEAD ? METHOD_GET : method;

	*ret = (struct route_match){ .route = NULL };
	/* A path's last slash would be lost when it is cut into segments. */
	if (path.len > 1 && path.s[path.len - 1] == '/')
		return;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (routes[i].method == as &&
		    path_matches(routes[i].path, path, &ret->id)) {
			ret->route = &routes[i];
			break;
		}
	}
	if (ret->route != NULL && method != METHOD_OPTIONS) {
		ret->methods = 1u << as;
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		struct str id;

		if (path_matches(routes[i].path, path, &id))
			ret->methods |= 1u << routes[i].method;
	}
}

void
route_allow(unsigned methods, struct buf *out)
{
	if ((methods & 1u << METHOD_GET) != 0)
		methods |= 1u << METHOD_HEAD;
	methods |= 1u << METHOD_OPTIONS;
	for (unsigned m = METHOD_GET; m <= METHOD_OPTIONS; m++) {
		if ((methods & 1u << m) == 0)
			continue;
		buf_printf(out, "%s%s", out->len == 0 ? "" : ", ",
		    http_method_name((enum http_method)m));
	}
}
