/*
 * The table of keys of a rule file, and the one way to read a map by it.
 * Runs in: every program that loads rules.  Trusts: nothing in the file.
 * Owns: nothing.
 */
#include "schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <assert.h>

#include "base/text.h"

#define KEYS_MAX 48

#define WORDS(array)                                                           \
	{                                                                      \
		array, ARRAY_LEN(array)                                        \
	}

/* The order is that of the model's enums: a test compares them. */
static const char *const tool_list[] = { NULL, "shell", "exec", "stdin", "file",
	"fetch", "mcp", "permission" };
static const char *const decision_list[] = { NULL, "allow", "review", "ask",
	"deny" };
static const char *const risk_list[] = { NULL, "low", "medium", "high",
	"critical" };
static const char *const policy_list[] = { NULL, "untrusted", "on-request",
	"never" };
static const char *const executor_list[] = { NULL, "assent", "client" };
static const char *const severity_list[] = { NULL, "info", "low", "medium",
	"high", "critical" };
static const char *const mode_list[] = { NULL, "enforce", "shadow", "off" };
static const char *const rollout_key_list[] = { NULL, "session", "agent",
	"workspace", "user" };
static const char *const flag_list[] = { NULL, "false", "true" };
static const char *const operand_list[] = { NULL, "none", "some" };
static const char *const layer_list[] = { NULL, "requirements", "organisation",
	"project", "user" };

static const struct words tool_words = WORDS(tool_list);
static const struct words decision_words = WORDS(decision_list);
static const struct words risk_words = WORDS(risk_list);
static const struct words policy_words = WORDS(policy_list);
static const struct words executor_words = WORDS(executor_list);
static const struct words severity_words = WORDS(severity_list);
static const struct words mode_words = WORDS(mode_list);
static const struct words rollout_key_words = WORDS(rollout_key_list);
static const struct words flag_words = WORDS(flag_list);
static const struct words operand_words = WORDS(operand_list);
static const struct words layer_words = WORDS(layer_list);

#define AT(type, field) .offset = offsetof(struct type, field)

static const struct key file_keys[] = {
	{ "assent", VALUE_VERSION, AT(file_draft, version), .required = true,
	    .help = "version of the rule language: 1" },
	{ "lists", VALUE_LISTS, AT(file_draft, lists),
	    .help = "named lists of this file; `$name` stands for all items" },
	{ "patterns", VALUE_PATTERNS, AT(file_draft, patterns),
	    .help = "named pieces of regular expressions of this file; "
		    "`{{name}}` in a regex stands for the piece" },
	{ "rules", VALUE_RULES, AT(file_draft, rules),
	    .help = "the rules; their order does not matter" },
	{ "tests", VALUE_SCENARIOS, AT(file_draft, scenarios),
	    .help = "scenarios: calls and what becomes of them, judged by the "
		    "whole set" },
	{ "disable", VALUE_IDS, AT(file_draft, disable),
	    .help = "ids of shipped rules that shall not apply; not for "
		    "floors; organisation and requirements only" },
	{ "may_cover", VALUE_LAYERS, AT(file_draft, may_cover),
	    .words = &layer_words,
	    .help = "layers whose rules may decide in place of the defaults; "
		    "requirements only" },
};

static const struct key cond_keys[] = {
	{ "tool", VALUE_MASK, AT(cond, tools), .words = &tool_words,
	    .help = "kind of tool call" },
	{ "command", VALUE_COND, AT(cond, command), .inner = SCOPE_COMMAND,
	    .help = "the simple command as it was understood" },
	{ "regex", VALUE_REGEX, AT(cond, regex),
	    .help = "PCRE2 on the normalised part, from its beginning; where "
		    "the rule allows, to its end" },
	{ "effects", VALUE_EFFECTS, AT(cond, effects),
	    .help = "some effect of the part is one of these" },
	{ "path", VALUE_GLOBS_PATH, AT(cond, paths),
	    .help = "some effect reads, writes or deletes such a path" },
	{ "host", VALUE_GLOBS_HOST, AT(cond, hosts),
	    .help = "some effect connects to such a host" },
	{ "mcp", VALUE_COND, AT(cond, mcp), .inner = SCOPE_MCP,
	    .help = "a call of a tool of an MCP server" },
	{ "agent", VALUE_GLOBS_TEXT, AT(cond, agents),
	    .help = "name that the agent claims; only in rules that tighten" },
	{ "session", VALUE_GLOBS_TEXT, AT(cond, sessions),
	    .help = "session; only in rules that tighten" },
	{ "user", VALUE_USERS, AT(cond, users),
	    .help = "login name or number of the user who asks" },
	{ "policy", VALUE_MASK, AT(cond, policies), .words = &policy_words,
	    .help = "approval policy in force" },
	{ "executor", VALUE_MASK, AT(cond, executors), .words = &executor_words,
	    .help = "who would run it: assent's sandbox, or the client" },
	{ "not_understood", VALUE_WORD, AT(cond, not_understood),
	    .words = &flag_words,
	    .help = "true: the part could not be understood; false: it was" },
};

static const struct key rule_keys[] = {
	{ "id", VALUE_ID, AT(rule, id), .required = true,
	    .help = "unique name, such as `git.push.protected`" },
	{ "title", VALUE_TEXT, AT(rule, title), .help = "one line for people" },
	{ "unless", VALUE_CONDS, AT(rule, unless),
	    .help = "conditions, or a list of them, that take a call out of "
		    "this rule" },
	{ "decision", VALUE_WORD, AT(rule, decision), .words = &decision_words,
	    .required = true, .help = "what the rule says" },
	{ "floor", VALUE_BOOL, AT(rule, floor),
	    .help = "true: a minimum whatever else matches; shipped rules, "
		    "requirements and organisation only" },
	{ "covers", VALUE_EFFECTS, AT(rule, covers),
	    .help = "effects that this rule decides in place of the "
		    "defaults" },
	{ "profile", VALUE_TEXT, AT(rule, profile),
	    .help = "execution profile of a run that this rule allows" },
	{ "hosts", VALUE_GLOBS_HOST, AT(rule, hosts),
	    .help = "hosts that such a run may reach, besides those of its "
		    "effects" },
	{ "risk", VALUE_WORD, AT(rule, risk), .words = &risk_words,
	    .help = "shown with the decision; by default it follows it" },
	{ "reason", VALUE_TEXT, AT(rule, reason),
	    .help = "one sentence for the agent and the person" },
	{ "suggest", VALUE_TEXT, AT(rule, suggest),
	    .help = "what to do instead" },
	{ "owner", VALUE_TEXT, AT(rule, owner), .help = "who answers for it" },
	{ "severity", VALUE_WORD, AT(rule, severity), .words = &severity_words,
	    .help = "for reports" },
	{ "tags", VALUE_TAGS, AT(rule, tags), .help = "for reports" },
	{ "expires", VALUE_DATE, AT(rule, expires_real_ns),
	    .help = "the rule ends at this time: `2027-03-01` or "
		    "`2027-03-01T12:00:00Z`" },
	{ "mode", VALUE_WORD, AT(rule, mode), .words = &mode_words,
	    .help = "`enforce`, `shadow` (shown, without effect) or `off`" },
	{ "rollout", VALUE_COND, AT(rule, rollout), .inner = SCOPE_ROLLOUT,
	    .help = "only for a part of the sessions" },
	{ "tests", VALUE_MAP, .offset = 0, .inner = SCOPE_TESTS,
	    .help = "calls that the rule matches, and calls that it does not" },
};

static const struct key command_keys[] = {
	{ "program", VALUE_PROGRAMS, AT(command_cond, programs),
	    .help = "name of the program; with a '/', as it was written" },
	{ "subcommand", VALUE_GLOBS_TEXT, AT(command_cond, subcommands),
	    .help = "`push`, `remote add`; where the rule allows, the whole "
		    "of it" },
	{ "options", VALUE_OPTIONS, AT(command_cond, options),
	    .help = "all of these are there; an item that is a list: one of "
		    "its spellings" },
	{ "any_option", VALUE_OPTIONS, AT(command_cond, any_option),
	    .help = "one of these is there" },
	{ "no_option", VALUE_OPTIONS, AT(command_cond, no_option),
	    .help = "none of these is there" },
	{ "operands", VALUE_WORD, AT(command_cond, operands),
	    .words = &operand_words,
	    .help = "`none`: there is no operand; `some`: there is one" },
	{ "any_operand", VALUE_GLOBS_TEXT, AT(command_cond, any_operand),
	    .help = "some operand matches one of these" },
	{ "all_operands", VALUE_GLOBS_TEXT, AT(command_cond, all_operands),
	    .help = "every operand matches one of these" },
	{ "no_operand", VALUE_GLOBS_TEXT, AT(command_cond, no_operand),
	    .help = "no operand matches any of these" },
};

static const struct key mcp_keys[] = {
	{ "server", VALUE_GLOBS_TEXT, AT(mcp_cond, servers),
	    .help = "name of the server" },
	{ "tool", VALUE_GLOBS_TEXT, AT(mcp_cond, tools),
	    .help = "name of the tool" },
	{ "args", VALUE_ARGS, AT(mcp_cond, args),
	    .help = "JSON pointers, such as `/repo/name`, and what the value "
		    "there must match" },
};

static const struct key arg_keys[] = {
	{ "glob", VALUE_GLOBS_TEXT, AT(arg_want, values),
	    .help = "the value, as text, matches one of these" },
	{ "regex", VALUE_REGEX, AT(arg_want, regex),
	    .help = "the value, as text, matches this" },
	{ "absent", VALUE_BOOL, AT(arg_want, absent),
	    .help = "true: there is no such value" },
};

static const struct key rollout_keys[] = {
	{ "percent", VALUE_PERCENT, AT(rollout, percent), .required = true,
	    .help = "how many of a hundred" },
	{ "key", VALUE_WORD, AT(rollout, key), .words = &rollout_key_words,
	    .help = "what is counted: `session` by default" },
};

static const struct key tests_keys[] = {
	{ "match", VALUE_EXAMPLES, AT(rule, match),
	    .help = "scripts, or actions, that the rule matches" },
	{ "nomatch", VALUE_EXAMPLES, AT(rule, nomatch),
	    .help = "scripts, or actions, that it does not match" },
};

static const struct key scenario_keys[] = {
	{ "call", VALUE_EXAMPLE, AT(scenario, call), .required = true,
	    .help = "a script, or an action" },
	{ "policy", VALUE_WORD, AT(scenario, policy), .words = &policy_words,
	    .help = "approval policy; `on-request` by default" },
	{ "executor", VALUE_WORD, AT(scenario, executor),
	    .words = &executor_words, .help = "`assent` by default" },
	{ "expect", VALUE_EXPECT, .offset = 0, .inner = SCOPE_EXPECT,
	    .required = true,
	    .help = "the decision, or `{decision: ..., rule: ID}`" },
};

static const struct key expect_keys[] = {
	{ "decision", VALUE_WORD, AT(scenario, decision),
	    .words = &decision_words, .required = true,
	    .help = "what is decided" },
	{ "rule", VALUE_ID, AT(scenario, rule), .help = "the rule that does" },
};

#define KEYS(array, type)                                                      \
	.keys = array, .count = ARRAY_LEN(array), .size = sizeof(struct type)

static const struct scope_info scopes[] = {
	[SCOPE_FILE] = { "file", "a rule file", "The file.",
	    KEYS(file_keys, file_draft) },
	[SCOPE_RULE] = { "rule", "a rule",
	    "A rule: conditions, all of which must hold, and what follows.",
	    KEYS(rule_keys, rule), .has_also = true, .also = SCOPE_COND,
	    .also_offset = offsetof(struct rule, when) },
	[SCOPE_COND] = { "condition", "a condition",
	    "Conditions; they stand in a rule itself and in its `unless`.",
	    KEYS(cond_keys, cond) },
	[SCOPE_COMMAND] = { "command", "command", "Below `command`.",
	    KEYS(command_keys, command_cond) },
	[SCOPE_MCP] = { "mcp", "mcp", "Below `mcp`.",
	    KEYS(mcp_keys, mcp_cond) },
	[SCOPE_ARG] = { "argument", "an argument",
	    "A value below `args` is a glob, a list of globs, or a map.",
	    KEYS(arg_keys, arg_want) },
	[SCOPE_ROLLOUT] = { "rollout", "rollout", "Below `rollout`.",
	    KEYS(rollout_keys, rollout) },
	[SCOPE_TESTS] = { "tests", "tests", "Below the `tests` of a rule.",
	    KEYS(tests_keys, rule) },
	[SCOPE_SCENARIO] = { "scenario", "a scenario",
	    "An item of a file's `tests`.", KEYS(scenario_keys, scenario) },
	[SCOPE_EXPECT] = { "expect", "expect", "Below `expect`.",
	    KEYS(expect_keys, scenario) },
};
_Static_assert(ARRAY_LEN(scopes) == SCOPE_COUNT, "every scope has its keys");

const struct scope_info *
schema_scope(enum scope s)
{
	return &scopes[s];
}

static read_fn *const readers[] = {
	[VALUE_VERSION] = read_version,
	[VALUE_ID] = read_id,
	[VALUE_TEXT] = read_text,
	[VALUE_BOOL] = read_bool,
	[VALUE_WORD] = read_word,
	[VALUE_MASK] = read_mask,
	[VALUE_PERCENT] = read_percent,
	[VALUE_DATE] = read_date,
	[VALUE_TAGS] = read_tags,
	[VALUE_IDS] = read_node,
	[VALUE_REGEX] = read_regex,
	[VALUE_GLOBS_TEXT] = read_globs,
	[VALUE_GLOBS_PATH] = read_globs,
	[VALUE_GLOBS_HOST] = read_globs,
	[VALUE_PROGRAMS] = read_globs,
	[VALUE_OPTIONS] = read_options,
	[VALUE_USERS] = read_users,
	[VALUE_EFFECTS] = read_effects,
	[VALUE_MAP] = read_map,
	[VALUE_COND] = read_cond,
	[VALUE_CONDS] = read_conds,
	[VALUE_ARGS] = read_args,
	[VALUE_EXAMPLES] = read_examples,
	[VALUE_EXAMPLE] = read_example,
	[VALUE_LISTS] = read_node,
	[VALUE_PATTERNS] = read_node,
	[VALUE_RULES] = read_node,
	[VALUE_SCENARIOS] = read_node,
	[VALUE_EXPECT] = read_expect,
	[VALUE_LAYERS] = read_node,
};
_Static_assert(
    ARRAY_LEN(readers) == VALUE_LAYERS + 1, "every kind has its reader");

/* What other programs call it. */
static const struct {
	const char *theirs, *ours;
} also_called[] = {
	{ "forbidden", "deny" },
	{ "forbid", "deny" },
	{ "block", "deny" },
	{ "reject", "deny" },
	{ "prompt", "ask" },
	{ "ask_user", "ask" },
	{ "confirm", "ask" },
	{ "permit", "allow" },
	{ "approve", "allow" },
	{ "accept", "allow" },
	{ "justification", "reason" },
	{ "message", "reason" },
	{ "description", "title" },
	{ "name", "id" },
	{ "except", "unless" },
	{ "exceptions", "unless" },
	{ "not_match", "nomatch" },
	{ "argv", "command" },
	{ "prefix", "command" },
	{ "commandPrefix", "command" },
	{ "commandRegex", "regex" },
	{ "argsPattern", "regex" },
	{ "pattern", "regex" },
	{ "toolName", "tool" },
	{ "mcpName", "mcp" },
	{ "action", "decision" },
	{ "flags", "options" },
	{ "args", "any_operand" },
	{ "net", "connect" },
	{ "network", "connect" },
	{ "exec", "run_code" },
	{ "version", "assent" },
};

/* ---- findings ---------------------------------------------------------- */

void
ld_error(struct loader *ld, const struct yaml *at, const char *code,
    const char *hint, const char *fmt, ...)
{
	char message[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (ld->errors++ == 0)
		(void)err_at(ld->e, at->file, at->line, at->col, "%s", message);
	yaml_diag(ld->diags, at, DIAG_ERROR, code, hint, "%s", message);
}

void
ld_warn(struct loader *ld, const struct yaml *at, const char *code,
    const char *hint, const char *fmt, ...)
{
	char message[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	yaml_diag(ld->diags, at, DIAG_WARNING, code, hint, "%s", message);
}

void *
ld_alloc(struct loader *ld, size_t count, size_t size)
{
	void *p = arena_array(ld->arena, count, size);

	if (p == NULL)
		ld->fatal = err_nomem(ld->e);
	return p;
}

const char *
ld_strdup(struct loader *ld, struct str s)
{
	char *copy = arena_strndup(ld->arena, s.s == NULL ? "" : s.s, s.len);

	if (copy == NULL)
		ld->fatal = err_nomem(ld->e);
	return copy;
}

size_t
word_index(struct str word, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (names[i] != NULL && str_eqz(word, names[i]))
			return i;
	}
	return count;
}

const char *
ld_nearest(
    struct loader *ld, struct str word, const char *const *names, size_t count)
{
	const char *nearest = text_nearest(word, names, count);
	for (size_t i = 0; nearest == NULL && i < ARRAY_LEN(also_called); i++) {
		const char *ours = also_called[i].ours;

		if (str_eqz(word, also_called[i].theirs) &&
		    word_index(str_of(ours), names, count) < count)
			nearest = ours;
	}
	AUTO_BUF struct buf b = BUF_INIT(RULE_TEXT_MAX);

	if (nearest == NULL)
		return NULL;
	buf_printf(&b, "did you mean '%s'?", nearest);
	return ld_strdup(ld, buf_str(&b));
}

/* ---- maps -------------------------------------------------------------- */

static const struct key *
find_key(const struct scope_info *info, struct str name)
{
	for (size_t i = 0; i < info->count; i++) {
		if (str_eqz(name, info->keys[i].name))
			return &info->keys[i];
	}
	return NULL;
}

static void
unknown_key(
    struct loader *ld, const struct scope_info *info, const struct yaml *key)
{
	const struct scope_info *also =
	    info->has_also ? schema_scope(info->also) : NULL;
	const char *names[KEYS_MAX];
	size_t n = 0;
	const char *hint;

	for (size_t i = 0; i < info->count; i++)
		names[n++] = info->keys[i].name;
	for (size_t i = 0; also != NULL && i < also->count; i++)
		names[n++] = also->keys[i].name;
	assert(n <= KEYS_MAX);
	hint = ld_nearest(ld, key->text, names, n);
	if (hint == NULL)
		hint = "'assent rules reference' lists the keys";
	ld_error(ld, key, "E020", hint, "unknown key '%.*s' in %s",
	    STR_ARG(key->text), info->name);
}

static void
check_required(
    struct loader *ld, const struct scope_info *info, const struct yaml *map)
{
	for (size_t i = 0; i < info->count; i++) {
		if (info->keys[i].required &&
		    yaml_get(map, info->keys[i].name) == NULL)
			ld_error(ld, map, "E022", info->keys[i].help,
			    "%s needs '%s'", info->name, info->keys[i].name);
	}
}

void
schema_read_map(
    struct loader *ld, enum scope s, const struct yaml *map, void *to)
{
	const struct scope_info *info = schema_scope(s);

	if (map->kind != YAML_MAP) {
		ld_error(ld, map, "E021", "write 'key: value' lines below it",
		    "%s is a map of keys", info->name);
		return;
	}
	for (size_t i = 0; i < map->count && ld->fatal == 0; i++) {
		const struct key *k = find_key(info, map->keys[i].text);
		char *base = to;

		if (k == NULL && info->has_also) {
			k = find_key(
			    schema_scope(info->also), map->keys[i].text);
			base += info->also_offset;
		}
		if (k == NULL)
			unknown_key(ld, info, &map->keys[i]);
		else
			readers[k->kind](
			    ld, k, &map->items[i], base + k->offset);
	}
	check_required(ld, info, map);
}
