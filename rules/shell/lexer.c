/*
 * Script text to tokens. A backslash-newline is no character at all, except
 * between single quotes; where it would join or part an operator the text is
 * refused.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing; the arena holds
 * all.
 */
#include "shell/parser.h"

#include <string.h>

bool
lex_name_start(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool
lex_name_char(int c)
{
	return lex_name_start(c) || (c >= '0' && c <= '9');
}

static bool
lex_is_meta(int c)
{
	return c >= 0 && c <= '|' && strchr(" \t\n;&|()<>", c) != NULL &&
	    c != '\0';
}

static bool
at_continuation(const struct parser *p, uint32_t at)
{
	return parser_char(p, at) == '\\' && parser_char(p, at + 1) == '\n';
}

void
lex_skip_blanks(struct parser *p)
{
	for (;;) {
		const int c = parser_char(p, p->at);

		if (c == ' ' || c == '\t')
			p->at++;
		else if (at_continuation(p, p->at))
			p->at += 2;
		else
			break;
	}
	if (parser_char(p, p->at) != '#')
		return;
	const char *const nl =
	    memchr(p->text.s + p->at, '\n', p->text.len - p->at);

	p->at = nl == NULL ? (uint32_t)p->text.len : (uint32_t)(nl - p->text.s);
}

/* The operators, longest first where one starts another. */
static const struct {
	char text[4];
	enum token_kind kind;
	bool bash_only;
} operators[] = {
	{ "\n", TOK_NEWLINE, false },
	{ ";;&", TOK_DSEMI_AMP, true },
	{ ";;", TOK_DSEMI, false },
	{ ";&", TOK_SEMI_AMP, true },
	{ ";", TOK_SEMI, false },
	{ "&>>", TOK_AMP_DGREAT, true },
	{ "&>", TOK_AMP_GREAT, true },
	{ "&&", TOK_AND, false },
	{ "&", TOK_AMP, false },
	{ "||", TOK_OR, false },
	{ "|&", TOK_PIPE_AMP, true },
	{ "|", TOK_PIPE, false },
	{ "(", TOK_OPEN, false },
	{ ")", TOK_CLOSE, false },
	{ "<<<", TOK_TLESS, true },
	{ "<<-", TOK_DLESS_DASH, false },
	{ "<<", TOK_DLESS, false },
	{ "<&", TOK_LESS_AMP, false },
	{ "<>", TOK_LESS_GREAT, false },
	{ "<", TOK_LESS, false },
	{ ">>", TOK_DGREAT, false },
	{ ">&", TOK_GREAT_AMP, false },
	{ ">|", TOK_CLOBBER, false },
	{ ">", TOK_GREAT, false },
};

/* "&\<newline>&" is "&&" for bash: not worth following. */
static bool
operator_not_continued(struct parser *p)
{
	uint32_t at = p->at;

	if (!at_continuation(p, at))
		return true;
	while (at_continuation(p, at))
		at += 2;
	const int c = parser_char(p, at);

	if (c > 0 && strchr("&|;<>-(", c) != NULL)
		return parser_refuse(
		    p, p->at, "a line continuation inside an operator");
	return true;
}

static bool
lex_operator(struct parser *p)
{
	const struct str rest = str_from(p->text, p->at);

	for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
		if (operators[i].text[0] != rest.s[0])
			continue;
		const struct str op = str_of(operators[i].text);

		if (!str_starts(rest, op))
			continue;
		if (operators[i].bash_only && p->dialect == SHELL_POSIX)
			return parser_refuse(
			    p, p->at, "an operator that not every sh knows");
		p->tok.kind = operators[i].kind;
		p->at += (uint32_t)op.len;
		p->tok.end = p->at;
		if (p->tok.kind != TOK_NEWLINE)
			return operator_not_continued(p);
		if (p->pending_outer > 0)
			return parser_refuse(p, p->at - 1,
			    "a here-document that starts before a "
			    "substitution over several lines");
		return p->pending == NULL || heredoc_bodies(p);
	}
	return parser_refuse(p, p->at, "an operator that is not known");
}

/* Digits right before a redirection: 1 taken, 0 not these, -1 refused. */
static int
lex_number(struct parser *p)
{
	uint32_t at = p->at;
	int n = 0;

	while (parser_char(p, at) >= '0' && parser_char(p, at) <= '9') {
		if (n <= SHELL_FD_MAX)
			n = n * 10 + (parser_char(p, at) - '0');
		at++;
	}
	const int c = parser_char(p, at);

	if (at == p->at || (c != '<' && c != '>') ||
	    parser_char(p, at + 1) == '(')
		return 0;
	if (n > SHELL_FD_MAX) {
		(void)parser_refuse(p, p->at, "a file descriptor too large");
		return -1;
	}
	p->tok.kind = TOK_NUMBER;
	p->tok.number = n;
	p->at = at;
	p->tok.end = at;
	return 1;
}

/* Words that lex_is may be asked about; a quick look that saves most of the
 * comparing. */
static bool
may_be_reserved(const struct word *w)
{
	struct str s;

	if (!word_bare(w, &s) || s.len == 0 || s.len > 8)
		return false;
	return strchr("!{}[]cdefistuw-", s.s[0]) != NULL;
}

bool
lex_peek(struct parser *p)
{
	if (p->have_tok)
		return true;
	if (p->refused != NULL)
		return false;
	lex_skip_blanks(p);
	const uint32_t start = p->at;

	p->tok = (struct token){ .start = start, .end = start };
	const int c = parser_char(p, p->at);

	if (c < 0) {
		p->tok.kind = TOK_END;
		p->have_tok = true;
		return true;
	}
	const bool process =
	    (c == '<' || c == '>') && parser_char(p, p->at + 1) == '(';

	if (lex_is_meta(c) && !process) {
		if (!lex_operator(p))
			return false;
		p->have_tok = true;
		return true;
	}
	const int number = lex_number(p);

	if (number < 0)
		return false;
	if (number == 0) {
		struct word *w = NULL;

		if (!word_lex(p, &w))
			return false;
		/* Reading a word may have read tokens inside it. */
		p->tok = (struct token){
			.kind = TOK_WORD,
			.start = start,
			.end = p->at,
			.word = w,
			.reserved = may_be_reserved(w),
		};
	}
	p->have_tok = true;
	return true;
}

void
lex_take(struct parser *p)
{
	p->have_tok = false;
	p->assign_ok = true;
}

bool
lex_is(const struct parser *p, const char *reserved)
{
	const struct word *w;

	if (!p->have_tok || p->tok.kind != TOK_WORD || !p->tok.reserved)
		return false;
	w = p->tok.word;
	return w->segs->text.s[0] == reserved[0] && word_is_bare(w, reserved);
}
