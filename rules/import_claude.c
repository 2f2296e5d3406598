/*
 * Settings of Claude Code: permissions.allow, ask, deny.
 * Runs in: assent.  Trusts: nothing in the file.  Owns: nothing.
 */
#include <string.h>

#include "emit.h"
#include "import.h"

struct one {
	struct import *im;
	enum decision decision;
	unsigned line;
	struct str source, tool, inner; /* tool(inner) */
	bool has_inner;
};

/* JSON does not say where a value was: the first line that holds it. */
static unsigned
line_with(struct str text, struct str value)
{
	const size_t at = str_search(text, value);
	unsigned line = 1;

	for (size_t i = 0; i < at && at < text.len; i++)
		line += text.s[i] == '\n';
	return at < text.len ? line : 0;
}

static struct imported *
add(struct one *o, enum imported_kind kind)
{
	struct imported *r = import_add(o->im, o->decision, o->line, o->source);

	if (r != NULL)
		r->kind = kind;
	return r;
}

static void
lose(struct one *o, const char *why)
{
	import_note(o->im, true, o->line, o->source, "%s", why);
}

/* ---- Bash(...) ----------------------------------------------------------- */

/* Text with '*' as a regular expression. */
static void
wildcard(struct one *o, struct str text)
{
	AUTO_BUF struct buf re = BUF_INIT(RULE_TEXT_MAX * 2);
	struct imported *r;
	struct str rest = text;
	const size_t star = str_find(text, '*');

	if (o->decision == DECISION_ALLOW &&
	    (star == 0 || str_find(str_head(text, star), ' ') == star)) {
		lose(o, "an allow that does not name its program");
		return;
	}
	while (rest.len > 0) {
		const bool more = str_find(rest, '*') < rest.len;

		emit_regex_literal(&re, str_cut(&rest, '*'));
		if (more)
			buf_puts(&re, ".*");
	}
	r = add(o, IMPORTED_PATTERN);
	if (r != NULL)
		r->regex = import_keep(o->im, buf_str(&re));
}

static void
bash(struct one *o)
{
	struct str text = str_trim(o->inner);
	struct imported *r;
	bool exact = true;

	if (!o->has_inner || text.len == 0 || str_eqz(text, "*") ||
	    str_eqz(text, ":*")) {
		if (o->decision == DECISION_ALLOW) {
			lose(o, "it allows every command");
			return;
		}
		r = add(o, IMPORTED_TOOL);
		if (r != NULL)
			r->tools = STR("[shell, exec]");
		return;
	}
	if (str_ends(text, STR(":*")) || str_ends(text, STR(" *"))) {
		text = str_head(text, text.len - 2);
		exact = false;
	}
	if (str_find(text, '*') < text.len) {
		wildcard(o, text);
		return;
	}
	r = add(o, IMPORTED_COMMAND);
	if (r == NULL)
		return;
	r->exact = exact;
	if (!import_words(o->im, text, r)) {
		o->im->rule_count--;
		lose(o, "it has quotes or other signs of the shell");
	}
}

/* ---- paths ---------------------------------------------------------------- */

static void
path(struct one *o, enum imported_kind kind)
{
	AUTO_BUF struct buf glob = BUF_INIT(PATH_BYTES_MAX);
	struct str p = o->inner;
	struct imported *r;

	if (o->decision == DECISION_ALLOW) {
		import_note(o->im, false, o->line, o->source,
		    "not needed in the workspace; elsewhere write a rule "
		    "that covers the place");
		return;
	}
	if (!o->has_inner || p.len == 0)
		buf_puts(&glob, "any");
	else if (str_starts(p, STR("//")))
		buf_put_str(&glob, str_from(p, 1));
	else if (str_starts(p, STR("./")))
		buf_put_str(&glob, str_from(p, 2));
	else if (str_starts(p, STR("/")))
		buf_put_str(&glob, str_from(p, 1));
	else
		buf_put_str(&glob, p);
	r = add(o, kind);
	if (r != NULL)
		r->target = import_keep(o->im, buf_str(&glob));
}

/* ---- the rest ------------------------------------------------------------- */

static void
fetch(struct one *o)
{
	struct imported *r;

	if (o->has_inner && str_starts(o->inner, STR("domain:"))) {
		r = add(o, IMPORTED_HOST);
		if (r != NULL)
			r->target = import_keep(
			    o->im, str_from(o->inner, strlen("domain:")));
		return;
	}
	if (o->decision == DECISION_ALLOW) {
		lose(o, "it allows every host");
		return;
	}
	r = add(o, IMPORTED_TOOL);
	if (r != NULL)
		r->tools = STR("fetch");
}

/* mcp__server, mcp__server__tool, mcp__server__* */
static void
mcp(struct one *o)
{
	const struct str rest = str_from(o->tool, strlen("mcp__"));
	const size_t at = str_search(rest, STR("__"));
	const struct str tool =
	    at < rest.len ? str_from(rest, at + 2) : STR_NONE;
	struct imported *r = add(o, IMPORTED_MCP);

	if (r == NULL)
		return;
	r->server = import_keep(o->im, str_head(rest, at));
	if (tool.len > 0 && !str_eqz(tool, "*"))
		r->mcp_tool = import_keep(o->im, tool);
}

static void
one_rule(struct one *o)
{
	const size_t open = str_find(o->source, '(');

	o->tool = str_head(o->source, open);
	o->has_inner = open < o->source.len && str_ends(o->source, STR(")"));
	if (o->has_inner)
		o->inner =
		    str_n(o->source.s + open + 1, o->source.len - open - 2);
	if (str_eqz(o->tool, "Bash"))
		bash(o);
	else if (str_eqz(o->tool, "Read") || str_eqz(o->tool, "Grep") ||
	    str_eqz(o->tool, "Glob"))
		path(o, IMPORTED_READ);
	else if (str_eqz(o->tool, "Edit") || str_eqz(o->tool, "Write") ||
	    str_eqz(o->tool, "MultiEdit") || str_eqz(o->tool, "NotebookEdit"))
		path(o, IMPORTED_WRITE);
	else if (str_eqz(o->tool, "WebFetch"))
		fetch(o);
	else if (str_starts(o->tool, STR("mcp__")))
		mcp(o);
	else
		lose(o, "there is no such tool here");
}

static void
list(struct import *im, const json_t *v, enum decision d, struct str text)
{
	const json_t *item;
	size_t i;

	json_array_foreach(v, i, item)
	{
		struct one o = { .im = im,
			.decision = d,
			.source = import_json_str(item),
			.line = line_with(text, import_json_str(item)) };

		if (o.source.len > 0)
			one_rule(&o);
	}
}

void
import_claude(struct import *im, const json_t *root, struct str text)
{
	static const char *const others[] = { "defaultMode",
		"additionalDirectories", "disableBypassPermissionsMode" };
	const json_t *p = json_object_get(root, "permissions");

	list(im, json_object_get(p, "deny"), DECISION_DENY, text);
	list(im, json_object_get(p, "ask"), DECISION_ASK, text);
	list(im, json_object_get(p, "allow"), DECISION_ALLOW, text);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		if (json_object_get(p, others[i]) != NULL)
			import_note(im, false,
			    line_with(text, str_of(others[i])),
			    str_of(others[i]),
			    "no rule: see approval_policy and profiles in "
			    "assent.conf(5)");
	}
	if (json_object_get(root, "hooks") != NULL)
		import_note(im, true, line_with(text, STR("\"hooks\"")),
		    STR("hooks"), "programs that decide are not imported");
}
