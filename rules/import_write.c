/*
 * What was imported as a rule file.
 * Runs in: assent.  Trusts: nothing in the texts.  Owns: nothing.
 */
#include <ctype.h>
#include <string.h>

#include "emit.h"
#include "import.h"

static bool
is_option(struct str w)
{
	return w.len > 1 && w.s[0] == '-';
}

/* ---- a word of a command ------------------------------------------------ */

static void
put_words(struct buf *out, const struct import_word *w)
{
	if (w->count == 1)
		emit_text(out, w->v[0]);
	else
		emit_list(out, w->v, w->count);
}

static void
put_regex_word(struct buf *out, const struct import_word *w)
{
	if (w->count > 1)
		buf_puts(out, "(?:");
	for (size_t i = 0; i < w->count; i++) {
		if (i > 0)
			buf_putc(out, '|');
		emit_regex_literal(out, w->v[i]);
	}
	if (w->count > 1)
		buf_putc(out, ')');
}

/* The words as they stand: for an allow, and where nothing else matches. */
static void
put_prefix(struct buf *out, const struct imported *r)
{
	AUTO_BUF struct buf re = BUF_INIT(RULE_TEXT_MAX * 8);

	for (size_t i = 0; i < r->word_count; i++) {
		if (i > 0)
			buf_putc(&re, ' ');
		put_regex_word(&re, &r->words[i]);
	}
	if (r->decision == DECISION_ALLOW)
		buf_puts(&re, r->exact ? "" : "(?: .*)?");
	else
		buf_puts(&re, "(?: |$)");
	buf_puts(out, "    regex: ");
	emit_text(out, buf_str(&re));
	buf_putc(out, '\n');
}

/* ---- a command ---------------------------------------------------------- */

/* "-rf" is "-r" and "-f" for programs that read it so. */
static bool
is_cluster(struct str w)
{
	for (size_t i = 1; i < w.len; i++) {
		if (!isalpha((unsigned char)w.s[i]))
			return false;
	}
	return w.len > 2;
}

static void
put_option(struct buf *out, const struct imported *r,
    const struct import_word *w, bool *any)
{
	if (r->form == FORM_OPERAND && w->count == 1 && is_cluster(w->v[0])) {
		for (size_t i = 1; i < w->v[0].len; i++)
			buf_printf(out, "%s\"-%c\"",
			    i > 1 || *any ? ", " : ", options: [",
			    w->v[0].s[i]);
		*any = true;
		return;
	}
	buf_puts(out, *any ? ", " : ", options: [");
	*any = true;
	put_words(out, w);
}

/* "git push --force": by what the words are, in any order and spelling. */
static void
put_meaning(struct buf *out, const struct imported *r)
{
	const struct import_word *operand = NULL;
	size_t at = 1;
	bool any = false;

	if (r->form == FORM_SUBCOMMAND && r->word_count > 1 &&
	    !is_option(r->words[1].v[0])) {
		buf_puts(out, ", subcommand: ");
		put_words(out, &r->words[1]);
		at = 2;
	}
	for (size_t i = at; i < r->word_count; i++) {
		if (is_option(r->words[i].v[0]))
			put_option(out, r, &r->words[i], &any);
		else
			operand = &r->words[i];
	}
	if (any)
		buf_putc(out, ']');
	if (operand != NULL) {
		buf_puts(out, ", any_operand: ");
		put_words(out, operand);
	}
}

static void
put_command(struct buf *out, const struct imported *r)
{
	const bool exact =
	    r->decision == DECISION_ALLOW || r->form == FORM_REGEX;

	if (r->decision != DECISION_ALLOW && r->form == FORM_REGEX) {
		put_prefix(out, r);
		return;
	}
	buf_puts(out, "    command: {program: ");
	put_words(out, &r->words[0]);
	if (!exact)
		put_meaning(out, r);
	buf_puts(out, "}\n");
	if (exact)
		put_prefix(out, r);
}

/* ---- the rest ----------------------------------------------------------- */

static void
put_one(struct buf *out, const char *before, struct str s, const char *after)
{
	buf_puts(out, before);
	emit_text(out, s);
	buf_puts(out, after);
}

static void
put_mcp(struct buf *out, const struct imported *r)
{
	put_one(out, "    mcp: {server: ", r->server, "");
	if (r->mcp_tool.len > 0)
		put_one(out, ", tool: ", r->mcp_tool, "");
	buf_puts(out, "}\n");
}

static void
put_host(struct buf *out, const struct imported *r)
{
	if (r->decision == DECISION_ALLOW) {
		buf_puts(out, "    tool: fetch\n");
		put_one(out, "    covers: {connect: [", r->target, "]}\n");
	}
	put_one(out, "    host: ", r->target, "\n");
}

static void
put_condition(struct buf *out, const struct imported *r)
{
	switch (r->kind) {
	case IMPORTED_COMMAND:
		put_command(out, r);
		break;
	case IMPORTED_PATTERN:
		put_one(out, "    regex: ", r->regex, "\n");
		break;
	case IMPORTED_TOOL:
		buf_printf(out, "    tool: %.*s\n", STR_ARG(r->tools));
		break;
	case IMPORTED_READ:
		put_one(out, "    effects: {read: [", r->target, "]}\n");
		break;
	case IMPORTED_WRITE:
		put_one(
		    out, "    effects: {write: [", r->target, "], delete: [");
		put_one(out, "", r->target, "]}\n");
		break;
	case IMPORTED_HOST:
		put_host(out, r);
		break;
	case IMPORTED_MCP:
		put_mcp(out, r);
		break;
	case IMPORTED_INVALID:
		break;
	}
}

bool
import_example(const struct imported *r, struct buf *out)
{
	if (r->kind != IMPORTED_COMMAND)
		return false;
	for (size_t i = 0; i < r->word_count; i++) {
		if (i > 0)
			buf_putc(out, ' ');
		buf_put_str(out, r->words[i].v[0]);
	}
	return true;
}

static void
put_not(struct buf *out, struct str example)
{
	AUTO_BUF struct buf other = BUF_INIT(RULE_TEXT_MAX * 4);

	buf_puts(&other, "not-");
	buf_put_str(&other, example);
	put_one(out, "        - ", buf_str(&other), "\n");
}

static void
put_tests(struct buf *out, const struct imported *r)
{
	AUTO_BUF struct buf example = BUF_INIT(RULE_TEXT_MAX * 4);
	const bool own = import_example(r, &example);

	if (!own && r->match_count == 0 && r->nomatch_count == 0)
		return;
	buf_puts(out, "    tests:\n");
	if (own || r->match_count > 0)
		buf_puts(out, "      match:\n");
	if (own)
		put_one(out, "        - ", buf_str(&example), "\n");
	for (size_t i = 0; i < r->match_count; i++) {
		if (!str_eq(r->match[i], buf_str(&example)))
			put_one(out, "        - ", r->match[i], "\n");
	}
	if (own || r->nomatch_count > 0)
		buf_puts(out, "      nomatch:\n");
	if (own)
		put_not(out, buf_str(&example));
	for (size_t i = 0; i < r->nomatch_count; i++)
		put_one(out, "        - ", r->nomatch[i], "\n");
}

void
import_id(
    const struct import *im, size_t i, const char *prefix, struct buf *out)
{
	const struct imported *r = &im->rules[i];

	buf_printf(out, "%s.", prefix);
	if (r->kind == IMPORTED_COMMAND) {
		for (size_t k = 0; k < r->word_count && k < 2; k++) {
			emit_id_word(out, r->words[k].v[0]);
			buf_putc(out, '.');
		}
	}
	buf_printf(out, "%zu", i + 1);
}

static void
put_rule(const struct import *im, size_t i, const char *prefix, struct buf *out)
{
	const struct imported *r = &im->rules[i];
	AUTO_BUF struct buf from = BUF_INIT(RULE_TEXT_MAX * 4);

	buf_printf(&from, "%s:%u: %.*s", im->file, r->line, STR_ARG(r->source));
	emit_comment(out, "  ", buf_str(&from));
	buf_puts(out, "  - id: ");
	import_id(im, i, prefix, out);
	buf_putc(out, '\n');
	put_condition(out, r);
	buf_printf(out, "    decision: %s\n", decision_name(r->decision));
	if (r->reason.len > 0)
		put_one(out, "    reason: ", r->reason, "\n");
	put_tests(out, r);
}

void
import_write(const struct import *im, const char *prefix, struct buf *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < im->rule_count; i++)
		kept += im->rules[i].form != FORM_NONE;
	buf_printf(out, "assent: 1\nrules:%s\n", kept == 0 ? " []" : "");
	for (size_t i = 0; i < im->rule_count; i++) {
		if (im->rules[i].form != FORM_NONE)
			put_rule(im, i, prefix, out);
	}
}
