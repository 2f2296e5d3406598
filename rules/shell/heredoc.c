/*
 * Here-documents: the bodies that follow the line on which they start.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/parser.h"

#include <string.h>

/* Registers r, whose target is the delimiter word. */
bool
heredoc_expect(struct parser *p, struct redir *r)
{
	const struct word *const w = r->target;

	if (w->continued)
		return parser_refuse(p, p->at,
		    "a line continuation in a here-document's delimiter");
	if (!word_literal(p, w, &r->delimiter) || r->delimiter.len == 0)
		return parser_refuse(p, p->at,
		    "a here-document's delimiter that is not plain text");
	if (memchr(r->delimiter.s, '\n', r->delimiter.len) != NULL)
		return parser_refuse(
		    p, p->at, "a here-document's delimiter of several lines");
	if (++p->pending_count + p->pending_outer > SHELL_HEREDOCS_MAX)
		return parser_refuse(p, p->at, "too many here-documents");
	*p->pending_tail = r;
	p->pending_tail = &r->next_pending;
	return true;
}

/* An odd number of backslashes before a newline joins lines. */
static bool
joins_lines(struct str body)
{
	size_t backslashes = 0;

	for (size_t i = 0; i < body.len; i++) {
		if (body.s[i] == '\n' && (backslashes & 1U) != 0)
			return true;
		backslashes = body.s[i] == '\\' ? backslashes + 1 : 0;
	}
	return false;
}

/* The body of <<- without the tabs that start its lines. */
static struct str
strip_tabs(struct parser *p, struct str body)
{
	char *const out = parser_alloc(p, body.len + 1);
	size_t n = 0;
	bool at_start = true;

	if (out == NULL)
		return STR_NONE;
	for (size_t i = 0; i < body.len; i++) {
		if (at_start && body.s[i] == '\t')
			continue;
		at_start = body.s[i] == '\n';
		out[n++] = body.s[i];
	}
	return str_n(out, n);
}

/* The body as a word: text alone, or with expansions. */
static bool
body_word(struct parser *p, struct redir *r, struct str body, uint32_t at)
{
	const bool literal = r->target->quoted;
	struct seg_list l = { .mode = MODE_HEREDOC };
	struct parser inner;
	struct word *w;

	w = word_new(p, at);
	if (w == NULL)
		return false;
	w->quoted = true;
	w->end = w->start + (uint32_t)body.len;
	l.tail = &w->segs;
	r->target = w;
	if (body.len == 0)
		return true;
	if (literal)
		return seg_add(p, &l, SEG_TEXT, body) != NULL;
	if (joins_lines(body))
		return parser_refuse(
		    p, at, "a line continuation in a here-document");
	parser_init(&inner, body, p->dialect, p->arena);
	inner.base = parser_place(p, at);
	inner.copy = p->copy || r->strip_tabs;
	inner.depth = p->depth;
	inner.commands = p->commands;
	const bool ok = parser_enter(&inner) && segs_lex(&inner, w, &l);

	p->commands = inner.commands;
	p->no_memory = p->no_memory || inner.no_memory;
	if (ok)
		return true;
	(void)parser_refuse(p, at, inner.refused);
	p->refused_at = inner.refused_at;
	return false;
}

static bool
read_body(struct parser *p, struct redir *r)
{
	const uint32_t start = p->at;

	for (;;) {
		const uint32_t line = p->at;
		const char *const from = p->text.s + line;
		const size_t left = p->text.len - line;
		const char *const nl = memchr(from, '\n', left);
		const size_t len = nl == NULL ? left : (size_t)(nl - from);
		struct str text = str_n(from, len);

		if (left == 0)
			return parser_refuse(
			    p, start, "a here-document that does not end");
		p->at = line + (uint32_t)len + (nl == NULL ? 0U : 1U);
		while (r->strip_tabs && text.len > 0 && text.s[0] == '\t')
			text = str_from(text, 1);
		if (!str_eq(text, r->delimiter))
			continue;
		struct str body = parser_slice(p, start, line);

		if (r->strip_tabs) {
			body = strip_tabs(p, body);
			if (body.s == NULL)
				return false;
		}
		return body_word(p, r, body, start);
	}
}

bool
heredoc_bodies(struct parser *p)
{
	struct redir *r = p->pending;

	p->pending = NULL;
	p->pending_tail = &p->pending;
	p->pending_count = 0;
	for (; r != NULL; r = r->next_pending) {
		if (!read_body(p, r))
			return false;
	}
	return true;
}
