/*
 * One word: quotes, escapes, and where expansions stand in it. Nothing is
 * expanded here.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/parser.h"

#include <string.h>

enum char_class {
	K_META = 1, /* blank or operator */
	K_QUOTE = 2, /* \ ' " $ ` */
	K_OPEN = 4, /* { */
	K_GLOB = 8, /* * ? [ */
	K_TILDE = 16,
	K_CLOSE = 32, /* } */
	K_SLASH = 64,
	K_BRACKET = 128, /* ] */
	K_DQUOTE = 256, /* \ " $ ` */
	K_ANGLE = 512, /* < > */
	K_PAREN = 1024, /* ( ) */
	K_INDEX = 2048, /* not in a subscript */
	K_SINGLE = 4096, /* ' */
};

static const uint16_t classes[256] = {
	[' '] = K_META,
	['\t'] = K_META,
	['\n'] = K_META | K_INDEX,
	[';'] = K_META | K_INDEX,
	['&'] = K_META | K_INDEX,
	['|'] = K_META | K_INDEX,
	['('] = K_META | K_INDEX | K_PAREN,
	[')'] = K_META | K_INDEX | K_PAREN,
	['<'] = K_META | K_INDEX | K_ANGLE,
	['>'] = K_META | K_INDEX | K_ANGLE,
	['\\'] = K_QUOTE | K_DQUOTE,
	['\''] = K_QUOTE | K_SINGLE,
	['"'] = K_QUOTE | K_DQUOTE,
	['$'] = K_QUOTE | K_DQUOTE,
	['`'] = K_QUOTE | K_DQUOTE,
	['{'] = K_OPEN,
	['}'] = K_CLOSE,
	['*'] = K_GLOB,
	['?'] = K_GLOB,
	['['] = K_GLOB,
	['~'] = K_TILDE,
	['/'] = K_SLASH,
	[']'] = K_BRACKET,
};

struct word *
word_new(struct parser *p, uint32_t at)
{
	struct word *const w = parser_alloc(p, sizeof(*w));

	if (w != NULL)
		w->start = w->end = parser_place(p, at);
	return w;
}

static bool
mode_quotes(enum seg_mode mode)
{
	switch (mode) {
	case MODE_WORD:
	case MODE_OPERAND:
	case MODE_INDEX:
	case MODE_REGEX:
		return false;
	case MODE_DQUOTE:
	case MODE_HEREDOC:
	case MODE_OPERAND_QUOTED:
	case MODE_ARITH:
	case MODE_ARITH_PART:
	case MODE_SLICE:
		return true;
	}
	return true;
}

struct seg *
seg_add(
    struct parser *p, struct seg_list *l, enum seg_kind kind, struct str text)
{
	struct seg *const s = parser_alloc(p, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->kind = kind;
	s->text = text;
	s->quoted = mode_quotes(l->mode);
	*l->tail = s;
	l->tail = &s->next;
	return s;
}

static bool
add_text(struct parser *p, struct seg_list *l, struct str text, bool quoted)
{
	struct seg *s;

	if (text.len == 0)
		return true;
	s = seg_add(p, l, SEG_TEXT, text);
	if (s == NULL)
		return false;
	s->quoted = s->quoted || quoted;
	return true;
}

/* Which classes end a run of ordinary characters. */
static unsigned
mode_stops(const struct seg_list *l)
{
	switch (l->mode) {
	case MODE_WORD:
		return K_META | K_QUOTE;
	case MODE_DQUOTE:
	case MODE_HEREDOC:
		return K_DQUOTE;
	case MODE_OPERAND:
		return K_QUOTE | K_CLOSE | K_ANGLE |
		    (l->stop_slash ? K_SLASH : 0U);
	case MODE_OPERAND_QUOTED:
		return K_QUOTE | K_CLOSE | K_ANGLE |
		    (l->stop_slash ? K_SLASH : 0U);
	case MODE_INDEX:
		return K_QUOTE | K_INDEX | K_BRACKET | K_OPEN | K_CLOSE |
		    K_GLOB;
	case MODE_REGEX:
		return K_META | K_QUOTE;
	case MODE_ARITH:
	case MODE_ARITH_PART:
	case MODE_SLICE:
		break;
	}
	return ~0U;
}

/* '' and "": no text, but an argument; and no tilde before or behind. */
static bool
add_null(struct parser *p, struct word *w, struct seg_list *l)
{
	struct seg *const s = seg_add(p, l, SEG_TEXT, STR(""));

	if (s == NULL)
		return false;
	s->quoted = true;
	w->quoted_null = true;
	return true;
}

static bool
lex_single_quotes(struct parser *p, struct word *w, struct seg_list *l)
{
	const uint32_t from = p->at + 1;
	const char *const end = from > p->text.len
	    ? NULL
	    : memchr(p->text.s + from, '\'', p->text.len - from);

	if (end == NULL)
		return parser_refuse(
		    p, p->at, "a single quote that is not closed");
	const uint32_t to = (uint32_t)(end - p->text.s);

	w->quoted = true;
	p->at = to + 1;
	if (to == from)
		return add_null(p, w, l);
	return add_text(p, l, parser_slice(p, from, to), true);
}

static bool
lex_double_quotes(struct parser *p, struct word *w, struct seg_list *l)
{
	struct seg_list inner = { .tail = l->tail, .mode = MODE_DQUOTE };
	struct seg **const before = l->tail;
	const uint32_t start = p->at;

	w->quoted = true;
	p->at++;
	if (!parser_enter(p))
		return false;
	if (!segs_lex(p, w, &inner))
		return false;
	parser_leave(p);
	if (parser_char(p, p->at) != '"')
		return parser_refuse(
		    p, start, "a double quote that is not closed");
	p->at++;
	l->tail = inner.tail;
	return inner.tail != before || add_null(p, w, l);
}

/* A backslash where quotes are not in force. */
static bool
lex_escape(struct parser *p, struct word *w, struct seg_list *l)
{
	const int c = parser_char(p, p->at + 1);

	if (c < 0)
		return parser_refuse(p, p->at, "a backslash at the end");
	if (c == '\n') {
		w->continued = true;
		p->at += 2;
		return true;
	}
	if (l->mode == MODE_INDEX)
		return parser_refuse(p, p->at, "a backslash in a subscript");
	const uint32_t from = p->at + 1;

	w->quoted = true;
	p->at++;
	/* The whole character, so that texts stay UTF-8. */
	do {
		p->at++;
	} while ((parser_char(p, p->at) & 0xc0) == 0x80 &&
	    parser_char(p, p->at) >= 0);
	return add_text(p, l, parser_slice(p, from, p->at), true);
}

/* A backslash between double quotes and in here-documents. */
static bool
lex_escape_quoted(struct parser *p, struct word *w, struct seg_list *l)
{
	const int c = parser_char(p, p->at + 1);
	const bool operand = l->mode == MODE_OPERAND_QUOTED;

	if (c == '\n') {
		if (l->mode != MODE_DQUOTE)
			return parser_refuse(p, p->at,
			    "a line continuation in an unusual place");
		w->continued = true;
		p->at += 2;
		return true;
	}
	const bool special = c == '$' || c == '`' || c == '\\' ||
	    (c == '"' && l->mode != MODE_HEREDOC) || (operand && c == '}');

	if (special || (operand && l->pattern && c == '/')) {
		p->at += 2;
		return add_text(p, l, parser_slice(p, p->at - 1, p->at), true);
	}
	if (operand)
		return parser_refuse(
		    p, p->at, "a backslash in a quoted ${ } operand");
	p->at++;
	return add_text(p, l, parser_slice(p, p->at - 1, p->at), true);
}

static bool
lex_quote(struct parser *p, struct word *w, struct seg_list *l)
{
	const bool quoted = mode_quotes(l->mode);

	switch (parser_char(p, p->at)) {
	case '\'':
		if (quoted)
			return parser_refuse(
			    p, p->at, "a quote in a quoted ${ } operand");
		return lex_single_quotes(p, w, l);
	case '"':
		if (quoted && l->mode != MODE_HEREDOC)
			return parser_refuse(
			    p, p->at, "a quote in a quoted ${ } operand");
		if (quoted) {
			p->at++;
			return add_text(
			    p, l, parser_slice(p, p->at - 1, p->at), true);
		}
		return lex_double_quotes(p, w, l);
	case '$':
		return dollar_lex(p, w, l);
	case '`':
		return backquote_lex(p, w, l);
	default:
		return quoted ? lex_escape_quoted(p, w, l)
			      : lex_escape(p, w, l);
	}
}

/*
 * A character that ends runs, no quote: 1 read on, 0 the segments end here,
 * -1 refused.
 */
static int
lex_stop(struct parser *p, struct word *w, struct seg_list *l, int c)
{
	const bool angle = (c == '<' || c == '>');

	switch (l->mode) {
	case MODE_WORD:
		if (angle && parser_char(p, p->at + 1) == '(')
			return process_lex(p, w, l) ? 1 : -1;
		return 0;
	case MODE_OPERAND:
	case MODE_OPERAND_QUOTED:
		if (!angle)
			return 0;
		if (parser_char(p, p->at + 1) == '(') {
			(void)parser_refuse(p, p->at,
			    "a process substitution in a ${ } operand");
			return -1;
		}
		p->at++;
		return add_text(p, l, parser_slice(p, p->at - 1, p->at), false)
		    ? 1
		    : -1;
	case MODE_INDEX:
		if (c == ']')
			return 0;
		(void)parser_refuse(p, p->at, "an unusual subscript");
		return -1;
	case MODE_REGEX:
	case MODE_DQUOTE:
	case MODE_HEREDOC:
	case MODE_ARITH:
	case MODE_ARITH_PART:
	case MODE_SLICE:
		break;
	}
	return 0;
}

bool
segs_lex(struct parser *p, struct word *w, struct seg_list *l)
{
	const unsigned stops = mode_stops(l);
	const bool quoted = mode_quotes(l->mode);
	unsigned seen = 0;

	for (;;) {
		const uint32_t from = p->at;
		unsigned k = 0;
		int c;

		while ((c = parser_char(p, p->at)) >= 0) {
			k = classes[c];
			if ((k & stops) != 0)
				break;
			seen |= k;
			p->at++;
		}
		if (!add_text(p, l, parser_slice(p, from, p->at), false))
			return false;
		if (c < 0)
			break;
		if (l->mode == MODE_DQUOTE && c == '"')
			break;
		if ((k & K_QUOTE) != 0) {
			if (!lex_quote(p, w, l))
				return false;
			continue;
		}
		const int more = lex_stop(p, w, l, c);

		if (more < 0)
			return false;
		if (more == 0)
			break;
	}
	if (!quoted) {
		w->braces = w->braces || (seen & K_OPEN) != 0;
		w->globs = w->globs || (seen & K_GLOB) != 0;
		w->tilde = w->tilde || (seen & K_TILDE) != 0;
	}
	return true;
}

/* ---- assignments ------------------------------------------------------- */

/* A '[' starts [KEY]=VALUE and nothing else. */
static bool
element_plain(const struct word *w)
{
	const struct seg *s = w->segs;

	if (s == NULL || s->kind != SEG_TEXT || s->quoted ||
	    s->text.s[0] != '[')
		return true;
	for (; s != NULL; s = s->next) {
		if (s->kind == SEG_TEXT && !s->quoted &&
		    str_search(s->text, STR("]=")) < s->text.len)
			return true;
	}
	return false;
}

/* The elements of NAME=( ... ); p->at stands behind the '('. */
static bool
lex_array(struct parser *p, struct assign *as)
{
	struct word **tail = &as->value;
	unsigned count = 0;

	if (p->dialect == SHELL_POSIX)
		return parser_refuse(p, p->at, "an array in sh");
	if (!parser_enter(p))
		return false;
	for (;;) {
		p->assign_ok = false;
		if (!lex_peek(p))
			return false;
		if (p->tok.kind == TOK_NEWLINE) {
			lex_take(p);
			continue;
		}
		if (p->tok.kind == TOK_CLOSE)
			break;
		if (p->tok.kind != TOK_WORD)
			return parser_refuse(
			    p, p->tok.start, "an array that is not closed");
		if (++count > SHELL_WORDS_MAX)
			return parser_refuse(
			    p, p->tok.start, "too many array elements");
		if (p->tok.word->assign != NULL && p->tok.word->assign->list)
			return parser_refuse(
			    p, p->tok.start, "an array in an array");
		if (!element_plain(p->tok.word))
			return parser_refuse(
			    p, p->tok.start, "an unusual subscript");
		*tail = p->tok.word;
		tail = &p->tok.word->next;
		lex_take(p);
	}
	lex_take(p);
	parser_leave(p);
	as->list = true;
	return true;
}

/* "na\<newline>me=" is an assignment for bash. */
static bool
continued_name(const struct parser *p, uint32_t at)
{
	if (parser_char(p, at) != '\\' || parser_char(p, at + 1) != '\n')
		return false;
	while (parser_char(p, at) == '\\' && parser_char(p, at + 1) == '\n') {
		at += 2;
		while (lex_name_char(parser_char(p, at)))
			at++;
	}
	return parser_char(p, at) == '=' || parser_char(p, at) == '[' ||
	    parser_char(p, at) == '+';
}

/*
 * NAME=, NAME+= or NAME[ ]= at p->at: sets *ret and moves behind the '='.
 * Leaves both alone when the word has another form.
 */
static bool
lex_assign_head(struct parser *p, struct assign **ret)
{
	uint32_t at = p->at;
	struct assign *as;
	struct word *index = NULL;

	if (!lex_name_start(parser_char(p, at)))
		return true;
	while (lex_name_char(parser_char(p, at)))
		at++;
	const uint32_t name_end = at;

	if (continued_name(p, at))
		return parser_refuse(
		    p, at, "a line continuation in an assignment");
	if (parser_char(p, at) == '[') {
		const uint32_t start = p->at;

		if (!p->assign_ok)
			return true;
		p->at = at + 1;
		if (!index_lex(p, &index))
			return false;
		at = p->at;
		p->at = start;
	}
	const bool append =
	    parser_char(p, at) == '+' && parser_char(p, at + 1) == '=';

	if (append)
		at++;
	if (parser_char(p, at) != '=') {
		if (index != NULL)
			return parser_refuse(
			    p, p->at, "a subscript in a command word");
		return true;
	}
	as = parser_alloc(p, sizeof(*as));
	if (as == NULL)
		return false;
	as->name = parser_slice(p, p->at, name_end);
	as->append = append;
	as->index = index;
	p->at = at + 1;
	*ret = as;
	return true;
}

/* What may not come right behind a word. */
static bool
word_end_ok(struct parser *p, const struct word *w, uint32_t start)
{
	const int c = parser_char(p, p->at);
	const bool digits =
	    parser_char(p, start) >= '0' && parser_char(p, start) <= '9';

	if (c == '(' && (w->continued || w->quoted || w->globs))
		return parser_refuse(
		    p, p->at, "an opening parenthesis inside a word");
	if (c != '<' && c != '>')
		return true;
	if (parser_char(p, start) == '{' && parser_char(p, p->at - 1) == '}')
		return parser_refuse(
		    p, start, "a redirection to a variable's descriptor");
	if (w->continued && digits)
		return parser_refuse(
		    p, start, "a line continuation before a redirection");
	return true;
}

bool
word_lex(struct parser *p, struct word **ret)
{
	const uint32_t start = p->at;
	struct word *const w = word_new(p, start);
	struct seg_list l = { .mode = MODE_WORD };
	struct seg *head = NULL;

	if (w == NULL)
		return false;
	l.tail = &w->segs;
	if (!lex_assign_head(p, &w->assign))
		return false;
	if (w->assign != NULL) {
		head = seg_add(p, &l, SEG_TEXT, parser_slice(p, start, p->at));
		if (head == NULL)
			return false;
		if (parser_char(p, p->at) == '(') {
			if (w->assign->index != NULL)
				return parser_refuse(
				    p, p->at, "an array in an array element");
			p->at++;
			if (!lex_array(p, w->assign))
				return false;
			w->end = parser_place(p, p->at);
			*ret = w;
			return true;
		}
		w->assign->value = word_new(p, p->at);
		if (w->assign->value == NULL)
			return false;
	}
	if (!segs_lex(p, w, &l) || !word_end_ok(p, w, start))
		return false;
	w->end = parser_place(p, p->at);
	if (head != NULL) {
		struct word *const v = w->assign->value;
		const uint32_t v_start = v->start;

		*v = *w;
		v->assign = NULL;
		v->segs = head->next;
		v->start = v_start;
	}
	*ret = w;
	return true;
}

/* Behind =~ : parentheses and '|' belong to the word. */
bool
word_regex(struct parser *p, struct word **ret)
{
	struct word *w;
	struct seg_list l = { .mode = MODE_REGEX };
	unsigned depth = 0;

	lex_skip_blanks(p);
	w = word_new(p, p->at);
	if (w == NULL)
		return false;
	l.tail = &w->segs;
	for (;;) {
		const uint32_t from = p->at;

		if (depth == 0 && !segs_lex(p, w, &l))
			return false;
		const int c = parser_char(p, p->at);

		if (c == '(' || c == '|' || (c == ')' && depth > 0)) {
			depth += c == '(' ? 1U : 0U;
			depth -= c == ')' ? 1U : 0U;
		} else if (depth == 0) {
			break;
		} else if (c < 0 || (classes[c] & (K_META | K_QUOTE)) != 0) {
			return parser_refuse(
			    p, from, "an unusual regular expression");
		}
		p->at++;
		if (!add_text(p, &l, parser_slice(p, p->at - 1, p->at), false))
			return false;
	}
	const int c = parser_char(p, p->at);

	if (w->segs == NULL || (c != ' ' && c != '\t' && c != '\n'))
		return parser_refuse(p, p->at, "an unusual regular expression");
	w->end = parser_place(p, p->at);
	*ret = w;
	return true;
}

/* ---- looking at words -------------------------------------------------- */

bool
word_bare(const struct word *w, struct str *ret)
{
	const struct seg *const s = w->segs;

	if (w->quoted || s == NULL || s->next != NULL || s->kind != SEG_TEXT)
		return false;
	*ret = s->text;
	return true;
}

bool
word_is_bare(const struct word *w, const char *text)
{
	struct str s;

	return word_bare(w, &s) && str_eqz(s, text);
}

bool
word_literal(struct parser *p, const struct word *w, struct str *ret)
{
	size_t len = 0;
	char *joined;

	for (const struct seg *s = w->segs; s != NULL; s = s->next) {
		if (s->kind != SEG_TEXT)
			return false;
		len += s->text.len;
	}
	if (w->segs != NULL && w->segs->next == NULL) {
		*ret = w->segs->text;
		return true;
	}
	joined = parser_alloc(p, len + 1);
	if (joined == NULL)
		return false;
	*ret = str_n(joined, len);
	for (const struct seg *s = w->segs; s != NULL; s = s->next) {
		memcpy(joined, s->text.s, s->text.len);
		joined += s->text.len;
	}
	return true;
}
