/*
 * What a '$', a back-quote, "<(" or ">(" starts inside a word. The commands
 * inside are parsed at once, so that none is ever only text.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/parser.h"

#include <string.h>

#include "base/text.h"

/* ---- substitutions ----------------------------------------------------- */

/* What belongs to the text around a substitution while it is read. */
struct outer {
	struct redir *pending, **pending_tail;
	unsigned pending_count;
	bool assign_ok;
};

static struct outer
outer_save(struct parser *p)
{
	const struct outer o = {
		.pending = p->pending,
		.pending_tail = p->pending_tail,
		.pending_count = p->pending_count,
		.assign_ok = p->assign_ok,
	};

	p->pending_outer += p->pending_count;
	p->pending = NULL;
	p->pending_tail = &p->pending;
	p->pending_count = 0;
	p->have_tok = false;
	p->assign_ok = true;
	return o;
}

static bool
outer_restore(struct parser *p, const struct outer *o)
{
	if (p->pending_count > 0)
		return parser_refuse(p, p->at,
		    "a here-document whose text is not inside the "
		    "substitution");
	p->pending = o->pending;
	p->pending_tail = o->pending == NULL ? &p->pending : o->pending_tail;
	p->pending_count = o->pending_count;
	p->pending_outer -= o->pending_count;
	p->have_tok = false;
	p->assign_ok = o->assign_ok;
	return true;
}

static bool
add_subst(struct parser *p, struct seg_list *l, enum subst_kind kind,
    struct node *body, uint32_t start)
{
	struct subst *const sub = parser_alloc(p, sizeof(*sub));
	struct seg *s;

	if (sub == NULL)
		return false;
	sub->kind = kind;
	sub->body = body;
	s = seg_add(p, l, SEG_SUBST, parser_slice(p, start, p->at));
	if (s == NULL)
		return false;
	s->u.subst = sub;
	return true;
}

/* p->at stands behind the '('. */
static bool
subst_lex(
    struct parser *p, struct seg_list *l, enum subst_kind kind, uint32_t start)
{
	struct node *body = NULL;
	struct outer o;
	const bool in_subst = p->in_subst;

	if (!parser_enter(p))
		return false;
	o = outer_save(p);
	p->in_subst = true;
	if (!parse_body(p, &body))
		return false;
	p->in_subst = in_subst;
	if (p->tok.kind != TOK_CLOSE)
		return parser_refuse(
		    p, start, "a substitution that is not closed");
	if (!outer_restore(p, &o))
		return false;
	parser_leave(p);
	return add_subst(p, l, kind, body, start);
}

bool
process_lex(struct parser *p, struct word *w, struct seg_list *l)
{
	const uint32_t start = p->at;
	const enum subst_kind kind =
	    parser_char(p, start) == '<' ? SUBST_READ : SUBST_WRITE;

	(void)w;
	if (p->dialect == SHELL_POSIX)
		return parser_refuse(p, start, "a process substitution in sh");
	p->at += 2;
	return subst_lex(p, l, kind, start);
}

/* Where the closing back-quote is; text.len when there is none. */
static uint32_t
backquote_end(const struct parser *p, uint32_t at, bool *ret_escapes)
{
	while (at < p->text.len && p->text.s[at] != '`') {
		if (p->text.s[at] == '\\') {
			*ret_escapes = true;
			at++;
		}
		at++;
	}
	return at > p->text.len ? (uint32_t)p->text.len : at;
}

/* The text between back-quotes as it is read again; s NULL: refused. */
static struct str
backquote_text(struct parser *p, struct str raw, enum seg_mode mode)
{
	char *const out = parser_alloc(p, raw.len + 1);
	size_t n = 0;

	if (out == NULL)
		return STR_NONE;
	for (size_t i = 0; i < raw.len; i++) {
		char c = raw.s[i];

		if (c == '\\' && i + 1 < raw.len) {
			const char d = raw.s[i + 1];
			const bool known = mode == MODE_WORD ||
			    mode == MODE_DQUOTE || mode == MODE_OPERAND;

			if (d == '\n' || !known) {
				(void)parser_refuse(
				    p, p->at, "a backslash in back-quotes");
				return STR_NONE;
			}
			if (d == '$' || d == '`' || d == '\\' ||
			    (d == '"' && mode == MODE_DQUOTE)) {
				c = d;
				i++;
			}
		}
		out[n++] = c;
	}
	return str_n(out, n);
}

bool
backquote_lex(struct parser *p, struct word *w, struct seg_list *l)
{
	const uint32_t start = p->at;
	bool escapes = false;
	const uint32_t end = backquote_end(p, start + 1, &escapes);
	struct str text;
	struct parser inner;
	struct node *body = NULL;

	(void)w;
	if (end >= p->text.len)
		return parser_refuse(
		    p, start, "a back-quote that is not closed");
	text = parser_slice(p, start + 1, end);
	if (escapes) {
		text = backquote_text(p, text, l->mode);
		if (text.s == NULL)
			return false;
	}
	if (memchr(text.s, '\n', text.len) != NULL &&
	    p->pending_count + p->pending_outer > 0)
		return parser_refuse(
		    p, start, "a here-document that starts before back-quotes");
	if (!parser_enter(p))
		return false;
	parser_init(&inner, text, p->dialect, p->arena);
	inner.base = parser_place(p, start + 1);
	inner.copy = p->copy || escapes;
	inner.depth = p->depth;
	inner.commands = p->commands;
	const bool ok = parse_body(&inner, &body);

	p->commands = inner.commands;
	p->no_memory = p->no_memory || inner.no_memory;
	if (!ok || inner.tok.kind != TOK_END || inner.pending_count > 0) {
		(void)parser_refuse(p, start,
		    inner.refused != NULL
			? inner.refused
			: "something unexpected in back-quotes");
		if (inner.refused != NULL)
			p->refused_at = inner.refused_at;
		return false;
	}
	parser_leave(p);
	p->at = end + 1;
	return add_subst(p, l, SUBST_OUTPUT, body, start);
}

/* ---- arithmetic -------------------------------------------------------- */

static bool
arith_char(int c)
{
	return lex_name_char(c) ||
	    (c > 0 && strchr(" \t\n+-*/%<>=&|^~!?:,()#@", c) != NULL);
}

/* At a character that may end the expression: 1 it does, 0 it does not, -1
 * refused. depth is that of the parentheses. */
static int
arith_ends(struct parser *p, enum seg_mode mode, unsigned depth)
{
	const int c = parser_char(p, p->at);

	if (mode == MODE_SLICE) {
		if (depth == 0 && (c == ':' || c == '}'))
			return 1;
		if (c == '?' || c == ':') {
			(void)parser_refuse(
			    p, p->at, "an unusual ${ : } operand");
			return -1;
		}
		return 0;
	}
	if (mode == MODE_ARITH_PART && depth == 0 && c == ';')
		return 1;
	if (c != ')' || depth > 0)
		return 0;
	if (parser_char(p, p->at + 1) == ')')
		return 1;
	(void)parser_refuse(
	    p, p->at, "arithmetic that could be a subshell, too");
	return -1;
}

bool
arith_lex(struct parser *p, enum seg_mode mode, struct word **ret)
{
	struct word *const w = word_new(p, p->at);
	struct seg_list l = { .mode = mode };
	unsigned depth = 0;

	if (w == NULL)
		return false;
	l.tail = &w->segs;
	for (;;) {
		const uint32_t from = p->at;
		int ends = 0;
		int c;

		while ((c = parser_char(p, p->at)) >= 0) {
			ends = arith_ends(p, mode, depth);
			if (ends != 0 || !arith_char(c))
				break;
			depth += c == '(' ? 1U : 0U;
			if (c == ')' && depth-- == 0)
				return parser_refuse(
				    p, p->at, "unbalanced arithmetic");
			p->at++;
		}
		if (ends < 0)
			return false;
		if (p->at > from &&
		    seg_add(p, &l, SEG_TEXT, parser_slice(p, from, p->at)) ==
			NULL)
			return false;
		if (ends > 0)
			break;
		if (c == '$' && parser_char(p, p->at + 1) != '\'' &&
		    parser_char(p, p->at + 1) != '"') {
			if (!dollar_lex(p, w, &l))
				return false;
		} else if (c == '`') {
			if (!backquote_lex(p, w, &l))
				return false;
		} else {
			return parser_refuse(
			    p, p->at, "arithmetic that is not plain");
		}
	}
	w->end = parser_place(p, p->at);
	*ret = w;
	return true;
}

/* p->at stands behind "$((". */
static bool
dollar_arith_lex(struct parser *p, struct seg_list *l, uint32_t start)
{
	struct word *w = NULL;
	struct seg *s;

	if (!parser_enter(p) || !arith_lex(p, MODE_ARITH, &w))
		return false;
	parser_leave(p);
	p->at += 2;
	s = seg_add(p, l, SEG_ARITH, parser_slice(p, start, p->at));
	if (s == NULL)
		return false;
	s->u.arith = w;
	return true;
}

/* ---- $'...' ------------------------------------------------------------ */

static int
digit_value(int c)
{
	const int v = c < 0 ? -1 : text_hex_digit((char)c);

	return v < 0 ? 99 : v;
}

/* Up to max digits; -1 when there is none. */
static int
ansi_number(struct parser *p, int base, int max)
{
	int v = 0, n = 0;

	while (n < max && digit_value(parser_char(p, p->at)) < base) {
		v = v * base + digit_value(parser_char(p, p->at));
		p->at++;
		n++;
	}
	return n == 0 ? -1 : v;
}

/* The byte that the escape at p->at (behind the backslash) stands for; -1:
 * none that is certain. */
static int
ansi_escape(struct parser *p)
{
	static const char names[] = "abeEfnrtv\\'\"?";
	static const char bytes[] = "\a\b\033\033\f\n\r\t\v\\'\"?";
	const int c = parser_char(p, p->at);
	const char *const at = c > 0 ? strchr(names, c) : NULL;
	int v;

	if (c >= '0' && c <= '7') {
		v = ansi_number(p, 8, 3);
		return v > 255 ? -1 : v;
	}
	p->at++;
	if (at != NULL)
		return (unsigned char)bytes[at - names];
	if (c == 'x')
		return parser_char(p, p->at) == '{' ? -1
						    : ansi_number(p, 16, 2);
	if (c == 'u' || c == 'U') {
		v = ansi_number(p, 16, c == 'u' ? 4 : 8);
		return v > 0x7e ? -1 : v;
	}
	return -1;
}

/* $'...': p->at stands behind the opening quote. */
static bool
ansi_lex(struct parser *p, struct word *w, struct seg_list *l)
{
	const uint32_t start = p->at;
	const char *const from = p->text.s + start;
	const size_t left = p->text.len - start;
	const char *const first = left == 0 ? NULL : memchr(from, '\'', left);
	char *out;
	size_t n = 0;
	struct seg *s;

	if (first == NULL)
		return parser_refuse(p, start, "a $' that is not closed");
	/* Escapes only shrink; an escaped quote may lie behind first. */
	uint32_t end = start;

	while (parser_char(p, end) >= 0 && parser_char(p, end) != '\'')
		end += parser_char(p, end) == '\\' ? 2U : 1U;
	if (parser_char(p, end) != '\'')
		return parser_refuse(p, start, "a $' that is not closed");
	out = parser_alloc(p, end - start + 1);
	if (out == NULL)
		return false;
	while (p->at < end) {
		int c = parser_char(p, p->at);

		p->at++;
		if (c == '\\')
			c = ansi_escape(p);
		if (c <= 0)
			return parser_refuse(
			    p, start, "an escape in $' ' that is not certain");
		out[n++] = (char)c;
	}
	if (!text_is_utf8(str_n(out, n)))
		return parser_refuse(p, start, "a $' ' that is not UTF-8");
	p->at = end + 1;
	w->quoted_null = w->quoted_null || n == 0;
	s = seg_add(p, l, SEG_TEXT, str_n(out, n));
	if (s == NULL)
		return false;
	s->quoted = true;
	return true;
}

/* ---- $ ----------------------------------------------------------------- */

static bool
add_plain_param(
    struct parser *p, struct seg_list *l, uint32_t from, uint32_t to)
{
	struct param *const pm = parser_alloc(p, sizeof(*pm));
	struct seg *s;

	if (pm == NULL)
		return false;
	pm->name = parser_slice(p, from, to);
	s = seg_add(p, l, SEG_PARAM, parser_slice(p, p->at, to));
	if (s == NULL)
		return false;
	s->u.param = pm;
	p->at = to;
	return true;
}

static bool
mode_unquoted(enum seg_mode mode)
{
	return mode == MODE_WORD || mode == MODE_OPERAND ||
	    mode == MODE_INDEX || mode == MODE_REGEX;
}

static bool
dollar_quote(struct parser *p, struct word *w, struct seg_list *l)
{
	const int c = parser_char(p, p->at + 1);

	if (mode_unquoted(l->mode)) {
		if (c == '"' || p->dialect == SHELL_POSIX)
			return parser_refuse(p, p->at,
			    c == '"' ? "a translated string $\" \""
				     : "a $' ' in sh");
		w->quoted = true;
		p->at += 2;
		return ansi_lex(p, w, l);
	}
	if (l->mode == MODE_OPERAND_QUOTED)
		return parser_refuse(
		    p, p->at, "a quote in a quoted ${ } operand");
	p->at++;
	return seg_add(p, l, SEG_TEXT, STR("$")) != NULL;
}

bool
dollar_lex(struct parser *p, struct word *w, struct seg_list *l)
{
	const uint32_t start = p->at;
	const int c = parser_char(p, start + 1);
	uint32_t to = start + 2;

	if (lex_name_start(c)) {
		while (lex_name_char(parser_char(p, to)))
			to++;
		if (parser_char(p, to) == '\\' &&
		    parser_char(p, to + 1) == '\n')
			return parser_refuse(
			    p, to, "a line continuation in a variable's name");
		return add_plain_param(p, l, start + 1, to);
	}
	if (c > 0 && strchr("0123456789@*#?-$!", c) != NULL)
		return add_plain_param(p, l, start + 1, to);
	if (c == '{') {
		p->at = to;
		return param_lex(p, w, l);
	}
	if (c == '(') {
		p->at = to;
		if (parser_char(p, to) != '(')
			return subst_lex(p, l, SUBST_OUTPUT, start);
		p->at++;
		return dollar_arith_lex(p, l, start);
	}
	if (c == '[')
		return parser_refuse(p, start, "arithmetic in $[ ]");
	if (c == '\'' || c == '"')
		return dollar_quote(p, w, l);
	if (c == '\\' && parser_char(p, start + 2) == '\n')
		return parser_refuse(
		    p, start, "a line continuation behind a '$'");
	p->at++;
	return seg_add(p, l, SEG_TEXT, parser_slice(p, start, p->at)) != NULL;
}
