/*
 * Names of the vocabulary: one table an enum, both ways.
 * Runs in: every program.  Trusts: nothing.  Owns: nothing.
 */
#include "model/action.h"

/* The value of a name in a table whose first entry is the invalid one. */
static unsigned
value_of(struct str name, const char *const *names, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (str_eqz(name, names[i]))
			return (unsigned)i;
	}
	return 0;
}

static const char *
name_of(unsigned value, const char *const *names, size_t count)
{
	return value < count ? names[value] : names[0];
}

static const char *const tool_names[] = {
	[TOOL_INVALID] = "invalid",
	[TOOL_SHELL] = "shell",
	[TOOL_EXEC] = "exec",
	[TOOL_STDIN] = "stdin",
	[TOOL_FILE] = "file",
	[TOOL_FETCH] = "fetch",
	[TOOL_MCP] = "mcp",
	[TOOL_PERMISSION] = "permission",
};
_Static_assert(
    ARRAY_LEN(tool_names) == TOOL_PERMISSION + 1, "every value has a name");

const char *
tool_name(enum tool v)
{
	return name_of((unsigned)v, tool_names, ARRAY_LEN(tool_names));
}

static const char *const decision_names[] = {
	[DECISION_INVALID] = "invalid",
	[DECISION_ALLOW] = "allow",
	[DECISION_REVIEW] = "review",
	[DECISION_ASK] = "ask",
	[DECISION_DENY] = "deny",
};
_Static_assert(
    ARRAY_LEN(decision_names) == DECISION_DENY + 1, "every value has a name");

const char *
decision_name(enum decision v)
{
	return name_of((unsigned)v, decision_names, ARRAY_LEN(decision_names));
}

enum decision
decision_of(struct str name)
{
	return (enum decision)value_of(
	    name, decision_names, ARRAY_LEN(decision_names));
}

static const char *const decided_by_names[] = {
	[BY_INVALID] = "invalid",
	[BY_RULE] = "rule",
	[BY_DEFAULT] = "default",
	[BY_GRANT] = "grant",
	[BY_REVIEWER] = "reviewer",
	[BY_HUMAN] = "human",
	[BY_TIMEOUT] = "timeout",
	[BY_POLICY] = "policy",
	[BY_CEILING] = "ceiling",
};
_Static_assert(
    ARRAY_LEN(decided_by_names) == BY_CEILING + 1, "every value has a name");

const char *
decided_by_name(enum decided_by v)
{
	return name_of(
	    (unsigned)v, decided_by_names, ARRAY_LEN(decided_by_names));
}

static const char *const risk_names[] = {
	[RISK_INVALID] = "invalid",
	[RISK_LOW] = "low",
	[RISK_MEDIUM] = "medium",
	[RISK_HIGH] = "high",
	[RISK_CRITICAL] = "critical",
};
_Static_assert(
    ARRAY_LEN(risk_names) == RISK_CRITICAL + 1, "every value has a name");

const char *
risk_name(enum risk v)
{
	return name_of((unsigned)v, risk_names, ARRAY_LEN(risk_names));
}

enum risk
risk_of(struct str name)
{
	return (enum risk)value_of(name, risk_names, ARRAY_LEN(risk_names));
}

static const char *const executor_names[] = {
	[EXECUTOR_INVALID] = "invalid",
	[EXECUTOR_ASSENT] = "assent",
	[EXECUTOR_CLIENT] = "client",
};
_Static_assert(
    ARRAY_LEN(executor_names) == EXECUTOR_CLIENT + 1, "every value has a name");

const char *
executor_name(enum executor_kind v)
{
	return name_of((unsigned)v, executor_names, ARRAY_LEN(executor_names));
}

enum executor_kind
executor_of(struct str name)
{
	return (enum executor_kind)value_of(
	    name, executor_names, ARRAY_LEN(executor_names));
}

static const char *const approval_policy_names[] = {
	[POLICY_INVALID] = "invalid",
	[POLICY_UNTRUSTED] = "untrusted",
	[POLICY_ON_REQUEST] = "on-request",
	[POLICY_NEVER] = "never",
};
_Static_assert(ARRAY_LEN(approval_policy_names) == POLICY_NEVER + 1,
    "every value has a name");

const char *
approval_policy_name(enum approval_policy v)
{
	return name_of((unsigned)v, approval_policy_names,
	    ARRAY_LEN(approval_policy_names));
}

enum approval_policy
approval_policy_of(struct str name)
{
	return (enum approval_policy)value_of(
	    name, approval_policy_names, ARRAY_LEN(approval_policy_names));
}

static const char *const edit_op_names[] = {
	[EDIT_INVALID] = "invalid",
	[EDIT_CREATE] = "create",
	[EDIT_REPLACE] = "replace",
	[EDIT_PATCH] = "patch",
	[EDIT_DELETE] = "delete",
	[EDIT_MOVE] = "move",
};
_Static_assert(
    ARRAY_LEN(edit_op_names) == EDIT_MOVE + 1, "every value has a name");

const char *
edit_op_name(enum edit_op v)
{
	return name_of((unsigned)v, edit_op_names, ARRAY_LEN(edit_op_names));
}

static const char *const effect_kind_names[] = {
	[EFFECT_INVALID] = "invalid",
	[EFFECT_READ] = "read",
	[EFFECT_WRITE] = "write",
	[EFFECT_DELETE] = "delete",
	[EFFECT_CONNECT] = "connect",
	[EFFECT_RUN_CODE] = "run_code",
	[EFFECT_SIGNAL] = "signal",
	[EFFECT_PRIVILEGE] = "privilege",
	[EFFECT_REMOTE_STATE] = "remote_state",
	[EFFECT_WIDEN] = "widen",
	[EFFECT_UNKNOWN] = "unknown",
};
_Static_assert(ARRAY_LEN(effect_kind_names) == EFFECT_UNKNOWN + 1,
    "every value has a name");

const char *
effect_kind_name(enum effect_kind v)
{
	return name_of(
	    (unsigned)v, effect_kind_names, ARRAY_LEN(effect_kind_names));
}

enum effect_kind
effect_kind_of(struct str name)
{
	return (enum effect_kind)value_of(
	    name, effect_kind_names, ARRAY_LEN(effect_kind_names));
}

static const char *const path_class_names[] = {
	[PATH_NONE] = "none",
	[PATH_WORKSPACE] = "workspace",
	[PATH_OUTSIDE] = "outside_workspace",
	[PATH_HOME] = "home",
	[PATH_TEMP] = "temp",
	[PATH_SECRET] = "secret",
	[PATH_PROTECTED] = "protected",
	[PATH_SYSTEM] = "system",
	[PATH_UNKNOWN] = "unknown",
	[PATH_GENERATED] = "generated",
};
_Static_assert(ARRAY_LEN(path_class_names) == PATH_GENERATED + 1,
    "every value has a name");

const char *
path_class_name(enum path_class v)
{
	return name_of(
	    (unsigned)v, path_class_names, ARRAY_LEN(path_class_names));
}

enum path_class
path_class_of(struct str name)
{
	return (enum path_class)value_of(
	    name, path_class_names, ARRAY_LEN(path_class_names));
}

static const char *const code_class_names[] = {
	[CODE_NONE] = "none",
	[CODE_WORKSPACE] = "workspace",
	[CODE_INLINE] = "inline",
	[CODE_OUTSIDE] = "outside",
	[CODE_DOWNLOADED] = "downloaded",
};
_Static_assert(ARRAY_LEN(code_class_names) == CODE_DOWNLOADED + 1,
    "every value has a name");

const char *
code_class_name(enum code_class v)
{
	return name_of(
	    (unsigned)v, code_class_names, ARRAY_LEN(code_class_names));
}

enum code_class
code_class_of(struct str name)
{
	return (enum code_class)value_of(
	    name, code_class_names, ARRAY_LEN(code_class_names));
}

static const char *const stage_names[] = {
	[STAGE_INVALID] = "invalid",
	[STAGE_PROPOSED] = "pending",
	[STAGE_PENDING] = "pending",
	[STAGE_DECIDED] = "decided",
	[STAGE_RUNNING] = "running",
	[STAGE_DONE] = "done",
	[STAGE_UNKNOWN] = "unknown",
	[STAGE_CANCELLED] = "cancelled",
	[STAGE_EXPIRED] = "expired",
};
_Static_assert(
    ARRAY_LEN(stage_names) == STAGE_EXPIRED + 1, "every value has a name");

const char *
run_mode_name(enum run_mode m)
{
	static const char *const names[] = {
		[MODE_NONE] = NULL,
		[MODE_UNELEVATED] = "unelevated",
		[MODE_ELEVATED] = "elevated",
	};

	return names[m];
}

const char *
stage_name(enum stage v)
{
	return name_of((unsigned)v, stage_names, ARRAY_LEN(stage_names));
}

enum decision
decision_max(enum decision a, enum decision b)
{
	return a > b ? a : b;
}
