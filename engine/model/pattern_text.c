/*
 * A pattern for people: what it matches, and what it never does.
 * Runs in: engine.  Trusts: none of the pattern's texts (I8).  Owns: nothing.
 */
#include "model/pattern.h"

#include "base/jsonw.h"
#include "base/text.h"

/* ---- one line -------------------------------------------------------------- */

static const char *
verb_of(enum effect_kind k)
{
	switch (k) {
	case EFFECT_READ:
		return "reads";
	case EFFECT_WRITE:
		return "writes";
	case EFFECT_CONNECT:
		return "connects to";
	case EFFECT_RUN_CODE:
		return "runs";
	case EFFECT_INVALID:
	case EFFECT_DELETE:
	case EFFECT_SIGNAL:
	case EFFECT_PRIVILEGE:
	case EFFECT_REMOTE_STATE:
	case EFFECT_WIDEN:
	case EFFECT_UNKNOWN:
		break;
	}
	return "does what is not understood to";
}

static void
put_escaped(struct buf *out, const char *text)
{
	text_escape(out, str_of(text));
}

static void
put_target(const struct pattern_effect *f, struct buf *out)
{
	switch (f->match) {
	case PATTERN_TARGET_CHILD:
		buf_puts(out, "files directly in ");
		put_escaped(out, f->target);
		return;
	case PATTERN_TARGET_CLASS:
		buf_puts(out,
		    f->kind == EFFECT_RUN_CODE
			? "the workspace's code, whatever it is then"
			: "any file of the workspace");
		return;
	case PATTERN_TARGET_EXACT:
		if (f->kind == EFFECT_CONNECT)
			buf_puts(out, "any address at ");
		put_escaped(out, f->target);
		return;
	case PATTERN_TARGET_NONE:
	case PATTERN_TARGET_INVALID:
		break;
	}
	buf_puts(out, "what it names");
}

static void
put_command(const struct pattern_part *p, struct buf *out)
{
	put_escaped(out, p->before);
	if (p->tool == TOOL_MCP) {
		put_escaped(out, p->mcp_tool);
		buf_puts(out, " of the tool server ");
		put_escaped(out, p->server);
		buf_puts(out,
		    " with the same members, whatever their texts and numbers "
		    "say");
		return;
	}
	if (p->program == NULL) {
		buf_puts(out, p->tool == TOOL_FILE ? "an edit" : "a call");
	} else {
		put_escaped(out, p->program);
	}
	if (p->subcommand != NULL) {
		buf_putc(out, ' ');
		put_escaped(out, p->subcommand);
	}
	for (size_t i = 0; i < p->option_count; i++) {
		buf_putc(out, ' ');
		put_escaped(out, p->options[i].name);
		if (p->options[i].value == NULL)
			continue;
		buf_putc(out, '=');
		put_escaped(out, p->options[i].value);
	}
	for (size_t i = 0; i < p->operand_count; i++) {
		buf_putc(out, ' ');
		put_escaped(out, p->operands[i]);
	}
}

static void
put_part(const struct pattern_part *p, struct buf *out)
{
	bool first = true;

	put_command(p, out);
	for (size_t i = 0; i < p->effect_count; i++) {
		/* that it is answered by its server is said already */
		if (!p->effects[i].asked ||
		    p->effects[i].kind == EFFECT_UNKNOWN)
			continue;
		buf_printf(out, "%s %s ", first ? " that" : " and",
		    verb_of(p->effects[i].kind));
		put_target(&p->effects[i], out);
		first = false;
	}
}

void
pattern_text(const struct pattern *p, struct buf *out)
{
	for (size_t i = 0; i < p->part_count; i++) {
		buf_puts(out, i == 0 ? "" : "; ");
		put_part(&p->parts[i], out);
	}
	if (p->around_count > 0)
		buf_puts(out, "; with the same commands around it");
	if (p->exact)
		buf_puts(out, "; the very same text only");
}

/* ---- JSON ------------------------------------------------------------------ */

static const char *
match_name(enum pattern_target_kind k)
{
	static const char *const names[] = {
		[PATTERN_TARGET_INVALID] = "none",
		[PATTERN_TARGET_NONE] = "none",
		[PATTERN_TARGET_EXACT] = "exact",
		[PATTERN_TARGET_CHILD] = "files_in",
		[PATTERN_TARGET_CLASS] = "class",
	};

	return (size_t)k < ARRAY_LEN(names) ? names[k] : names[0];
}

static void
effects_json(struct jsonw *w, const struct pattern_part *p)
{
	jsonw_key(w, "effects");
	jsonw_array(w);
	for (size_t i = 0; i < p->effect_count; i++) {
		const struct pattern_effect *f = &p->effects[i];

		jsonw_object(w);
		jsonw_kstr(w, "kind", effect_kind_name(f->kind));
		jsonw_kstr(w, "match", match_name(f->match));
		jsonw_kstr(w, "target", f->target);
		jsonw_kstr(w, "path_class",
		    f->path_class == PATH_NONE
			? NULL
			: path_class_name(f->path_class));
		jsonw_kbool(w, "asked", f->asked);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
part_json(struct jsonw *w, const struct pattern_part *p)
{
	jsonw_object(w);
	jsonw_kstr(w, "tool", tool_name(p->tool));
	jsonw_kstr(w, "text", p->text);
	jsonw_kstr(w, "before", p->before);
	jsonw_kstr(w, "program", p->program);
	jsonw_kstr(w, "subcommand", p->subcommand);
	if (p->tool == TOOL_MCP) {
		jsonw_kstr(w, "server", p->server);
		jsonw_kstr(w, "mcp_tool", p->mcp_tool);
	}
	jsonw_key(w, "options");
	jsonw_array(w);
	for (size_t i = 0; i < p->option_count; i++) {
		jsonw_object(w);
		jsonw_kstr(w, "name", p->options[i].name);
		jsonw_kstr(w, "value", p->options[i].value);
		jsonw_end(w);
	}
	jsonw_end(w);
	jsonw_kstrs(w, "operands", p->operands, p->operand_count);
	effects_json(w, p);
	jsonw_kstrs(w, "rules", p->rules, p->rule_count);
	jsonw_end(w);
}

void
pattern_json(const struct pattern *p, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "tool", tool_name(p->tool));
	jsonw_kstr(&w, "executor", executor_name(p->executor));
	jsonw_kstr(&w, "agent", p->agent);
	jsonw_kstr(&w, "workspace", p->workspace);
	jsonw_kstr(&w, "cwd", p->cwd);
	jsonw_kstr(&w, "profile", p->profile);
	jsonw_kbool(&w, "exact", p->exact);
	jsonw_key(&w, "parts");
	jsonw_array(&w);
	for (size_t i = 0; i < p->part_count; i++)
		part_json(&w, &p->parts[i]);
	jsonw_end(&w);
	jsonw_kstrs(&w, "around", p->around, p->around_count);
	jsonw_end(&w);
}

/* ---- what it is not -------------------------------------------------------- */

static bool
has_kind(const struct pattern *p, enum effect_kind k)
{
	for (size_t i = 0; i < p->part_count; i++) {
		for (size_t n = 0; n < p->parts[i].effect_count; n++) {
			if (p->parts[i].effects[n].kind == k)
				return true;
		}
	}
	return false;
}

static void
put_sentence(
    struct jsonw *w, const char *before, const char *word, const char *after)
{
	AUTO_BUF struct buf b = BUF_INIT(PATTERN_BYTES_MAX);

	buf_puts(&b, before);
	if (word != NULL)
		buf_puts(&b, word);
	buf_puts(&b, after);
	jsonw_str(w, buf_str(&b));
}

void
pattern_never_json(const struct pattern *p, struct buf *out)
{
	static const char *const always[] = {
		"whatever rules deny, or a floor asks about each time",
		("what deletes, overwrites work, gains privilege or changes "
		 "something on another machine"),
		"what touches credentials, or files that other programs obey",
		"what is not understood",
		"calls of another user, agent or workspace",
	};
	struct jsonw w = jsonw_on(out);

	jsonw_array(&w);
	for (size_t i = 0; i < p->part_count; i++) {
		if (p->parts[i].tool == TOOL_MCP)
			put_sentence(&w, "another tool than ",
			    p->parts[i].mcp_tool,
			    ", another server, or another definition of it");
		if (p->parts[i].program != NULL)
			put_sentence(&w, "", p->parts[i].program,
			    " with other options, or more of them");
	}
	put_sentence(&w,
	    has_kind(p, EFFECT_CONNECT) ? "another host" : "the network", NULL,
	    "");
	put_sentence(&w,
	    has_kind(p, EFFECT_WRITE) ? "writing anywhere else"
				      : "writing a file",
	    NULL, "");
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		put_sentence(&w, always[i], NULL, "");
	jsonw_end(&w);
}
