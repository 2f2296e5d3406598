/*
 * Policy files of Gemini CLI.
 * Runs in: assent.  Trusts: nothing in the file.  Owns: nothing.
 */
#include <ctype.h>
#include <string.h>

#include "emit.h"
#include "import.h"

static enum decision
gemini_decision(struct str s)
{
	if (str_eqz(s, "allow"))
		return DECISION_ALLOW;
	if (str_eqz(s, "ask_user"))
		return DECISION_ASK;
	return str_eqz(s, "deny") ? DECISION_DENY : DECISION_INVALID;
}

static const struct {
	const char *theirs, *ours;
} tools[] = {
	{ "run_shell_command", "[shell, exec]" },
	{ "write_file", "file" },
	{ "replace", "file" },
	{ "web_fetch", "fetch" },
	{ "*", "[shell, exec, file, fetch, mcp]" },
};

/* Keys that narrow a rule in a way that ours does not know. */
static const char *const narrowing[] = { "argsPattern", "toolAnnotations",
	"modes", "interactive", "subagent" };
static const char *const known[] = { IMPORT_LINE, "toolName", "mcpName",
	"commandPrefix", "commandRegex", "decision", "priority", "denyMessage",
	"deny_message", "allowRedirection", "allow_redirection" };

struct one {
	struct import *im;
	json_t *table;
	enum decision decision;
	struct str source;
};

static struct imported *
add(struct one *o)
{
	struct imported *r =
	    import_add(o->im, o->decision, import_line_of(o->table), o->source);
	struct str why =
	    import_json_str(json_object_get(o->table, "denyMessage"));

	if (r == NULL)
		return NULL;
	if (why.len == 0)
		why =
		    import_json_str(json_object_get(o->table, "deny_message"));
	r->reason = import_keep(o->im, why);
	r->priority = json_integer_value(json_object_get(o->table, "priority"));
	return r;
}

static void
lose(struct one *o, const char *why)
{
	import_note(
	    o->im, true, import_line_of(o->table), o->source, "%s", why);
}

static void
prefix(struct one *o, struct str text)
{
	struct imported *r = add(o);

	if (r == NULL)
		return;
	r->kind = IMPORTED_COMMAND;
	if (!import_words(o->im, text, r)) {
		o->im->rule_count--;
		lose(o, "its prefix has quotes or other signs of the shell");
	}
}

/* It matches from the beginning of the command, as ours does; an allow has to
 * name its program and end with a word. */
static void
regex(struct one *o, struct str text)
{
	AUTO_BUF struct buf re = BUF_INIT(RULE_TEXT_MAX);
	struct imported *r;
	size_t word = 0;

	while (isalnum((unsigned char)str_at(text, word)) ||
	    str_at(text, word) == '-' || str_at(text, word) == '_')
		word++;
	if (o->decision == DECISION_ALLOW &&
	    (word == 0 || (word < text.len && text.s[word] != ' '))) {
		lose(o, "an allow whose regular expression names no program");
		return;
	}
	r = add(o);
	if (r == NULL)
		return;
	r->kind = IMPORTED_PATTERN;
	if (o->decision == DECISION_ALLOW) {
		buf_puts(&re, "(?:");
		buf_put_str(&re, text);
		buf_puts(&re, ")(?: .*)?");
	} else {
		buf_put_str(&re, text);
	}
	r->regex = import_keep(o->im, buf_str(&re));
}

/* One text or several: a rule for each. */
static void
each(struct one *o, const json_t *v, void (*fn)(struct one *o, struct str s))
{
	const json_t *item;
	size_t i;

	if (json_is_string(v))
		fn(o, import_json_str(v));
	json_array_foreach(v, i, item) fn(o, import_json_str(item));
}

static void
mcp(struct one *o, struct str server, struct str tool)
{
	struct imported *r = add(o);

	if (r == NULL)
		return;
	r->kind = IMPORTED_MCP;
	r->server = import_keep(o->im, server);
	if (tool.len > 0 && !str_eqz(tool, "*"))
		r->mcp_tool = import_keep(o->im, tool);
}

static void
whole_tool(struct one *o, struct str tool)
{
	struct imported *r;

	if (o->decision == DECISION_ALLOW) {
		lose(o,
		    "it allows every call of a tool; here what a call "
		    "does is allowed, not the tool");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
		if (!str_eqz(tool, tools[i].theirs))
			continue;
		r = add(o);
		if (r == NULL)
			return;
		r->kind = IMPORTED_TOOL;
		r->tools = str_of(tools[i].ours);
		return;
	}
	if (str_eqz(tool, "read_file") || str_eqz(tool, "read_many_files")) {
		r = add(o);
		if (r != NULL) {
			r->kind = IMPORTED_READ;
			r->target = STR("any");
		}
		return;
	}
	lose(o, "there is no such tool here");
}

static void
one_tool(struct one *o, struct str tool)
{
	const json_t *starts = json_object_get(o->table, "commandPrefix");
	const json_t *re = json_object_get(o->table, "commandRegex");
	const struct str server =
	    import_json_str(json_object_get(o->table, "mcpName"));

	if (server.len > 0)
		mcp(o, server, tool);
	else if (starts != NULL)
		each(o, starts, prefix);
	else if (re != NULL)
		each(o, re, regex);
	else
		whole_tool(o, tool);
}

static bool
has_unknown_keys(struct one *o)
{
	const char *key;
	const json_t *v;
	bool bad = false;

	json_object_foreach(o->table, key, v)
	{
		if (str_is_one_of(
			str_of(key), narrowing, ARRAY_LEN(narrowing))) {
			/* Without it a tightening rule matches more. */
			if (o->decision == DECISION_ALLOW)
				bad = true;
			import_note(o->im, bad, import_line_of(o->table),
			    o->source, "'%s' is not known here%s", key,
			    bad ? "" : "; the rule applies without it");
		} else if (!str_is_one_of(
			       str_of(key), known, ARRAY_LEN(known))) {
			import_note(o->im, true, import_line_of(o->table),
			    o->source, "unknown key '%s'", key);
			bad = true;
		}
	}
	return bad;
}

static void
one_rule(struct import *im, json_t *table)
{
	AUTO_BUF struct buf source = BUF_INIT(RULE_TEXT_MAX * 4);
	const json_t *tool = json_object_get(table, "toolName");
	json_auto_t *shown = json_copy(table);
	char *text;
	struct one o = { .im = im,
		.table = table,
		.decision = gemini_decision(
		    import_json_str(json_object_get(table, "decision"))) };

	(void)json_object_del(shown, IMPORT_LINE);
	text = json_dumps(shown, JSON_COMPACT);
	buf_puts(&source, text == NULL ? "" : text);
	free(text);
	o.source = buf_str(&source);
	if (o.decision == DECISION_INVALID) {
		lose(&o, "no such decision");
		return;
	}
	if (has_unknown_keys(&o))
		return;
	if (json_is_array(tool))
		each(&o, tool, one_tool);
	else
		one_tool(&o, import_json_str(tool));
}

/* Theirs: the highest priority decides. Ours: the strictest. */
static bool
is_exception(const struct imported *a, const struct imported *b)
{
	if (a->decision >= b->decision || a->priority <= b->priority ||
	    a->kind != IMPORTED_COMMAND)
		return false;
	if (b->kind == IMPORTED_COMMAND)
		return str_eq(a->words[0].v[0], b->words[0].v[0]);
	return b->kind == IMPORTED_TOOL &&
	    str_search(b->tools, STR("shell")) < b->tools.len;
}

static void
tell_exceptions(struct import *im)
{
	for (size_t i = 0; i < im->rule_count; i++) {
		const struct imported *a = &im->rules[i];

		for (size_t k = 0; k < im->rule_count; k++) {
			if (!is_exception(a, &im->rules[k]))
				continue;
			import_note(im, false, a->line, a->source,
			    "it was an exception to line %u; here the "
			    "strictest decides: write it there as 'unless'",
			    im->rules[k].line);
			break;
		}
	}
}

void
import_gemini(struct import *im, const json_t *root)
{
	const json_t *rules = json_object_get(root, "rule");

	for (size_t i = 0; i < json_array_size(rules); i++)
		one_rule(im, json_array_get(rules, i));
	if (json_array_size(json_object_get(root, "safety_checker")) > 0)
		import_note(im, true, 0, STR("safety_checker"),
		    "there is nothing like it");
	tell_exceptions(im);
}
