/*
 * [[ ]]: which words it tests, and which of them bash evaluates.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/parser.h"

#include <string.h>

struct cond {
	struct word **tail;
	unsigned count;
};

static bool cond_or(struct parser *p, struct cond *c);

static bool
cond_add(struct parser *p, struct cond *c, struct word *w, bool arith)
{
	if (++c->count > SHELL_WORDS_MAX)
		return parser_refuse(p, p->at, "too many words in [[ ]]");
	if (w->assign != NULL && w->assign->list)
		return parser_refuse(p, p->at, "an array in [[ ]]");
	w->arith = arith;
	*c->tail = w;
	c->tail = &w->next;
	return true;
}

static bool
cond_word(struct parser *p, struct word **ret)
{
	p->assign_ok = false;
	if (!lex_peek(p))
		return false;
	if (p->tok.kind != TOK_WORD || lex_is(p, "]]"))
		return parser_refuse(
		    p, p->tok.start, "a word is missing in [[ ]]");
	*ret = p->tok.word;
	lex_take(p);
	p->assign_ok = false;
	return lex_peek(p);
}

static bool
is_unary(const struct word *w)
{
	struct str s;

	return word_bare(w, &s) && s.len == 2 && s.s[0] == '-' &&
	    strchr("abcdefghknoprstuvwxzGLNORS", s.s[1]) != NULL;
}

static bool
is_one_of(const struct word *w, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (word_is_bare(w, names[i]))
			return true;
	}
	return false;
}

/* 1 a binary operator that compares texts, 2 one that evaluates, 3 =~ */
static int
binary_kind(const struct parser *p)
{
	static const char *const texts[] = {
		"=",
		"==",
		"!=",
		"-nt",
		"-ot",
		"-ef",
	};
	static const char *const numbers[] = {
		"-eq",
		"-ne",
		"-lt",
		"-le",
		"-gt",
		"-ge",
	};

	if (p->tok.kind == TOK_LESS || p->tok.kind == TOK_GREAT)
		return 1;
	if (p->tok.kind != TOK_WORD)
		return 0;
	if (is_one_of(p->tok.word, texts, ARRAY_LEN(texts)))
		return 1;
	if (is_one_of(p->tok.word, numbers, ARRAY_LEN(numbers)))
		return 2;
	return word_is_bare(p->tok.word, "=~") ? 3 : 0;
}

/* A test of one or two words; p->tok is its first. */
static bool
cond_test(struct parser *p, struct cond *c)
{
	struct word *first = NULL, *second = NULL;
	int kind;

	if (!cond_word(p, &first))
		return false;
	/* Behind "-f" comes its operand, even if that is "=" or "!=". */
	if (is_unary(first)) {
		if (!cond_word(p, &second))
			return false;
		return cond_add(p, c, second,
		    word_is_bare(first, "-v") || word_is_bare(first, "-R"));
	}
	kind = binary_kind(p);
	if (kind == 0)
		return cond_add(p, c, first, false);
	lex_take(p);
	if (kind == 3) {
		if (!word_regex(p, &second))
			return false;
	} else if (!cond_word(p, &second)) {
		return false;
	}
	return cond_add(p, c, first, kind == 2) &&
	    cond_add(p, c, second, kind == 2);
}

static bool
cond_term(struct parser *p, struct cond *c)
{
	bool ok;

	p->assign_ok = false;
	if (!parse_newlines(p))
		return false;
	if (lex_is(p, "!")) {
		if (!parser_enter(p))
			return false;
		lex_take(p);
		ok = cond_term(p, c);
		parser_leave(p);
		return ok;
	}
	if (p->tok.kind != TOK_OPEN)
		return cond_test(p, c);
	if (!parser_enter(p))
		return false;
	lex_take(p);
	if (!cond_or(p, c) || !parse_newlines(p))
		return false;
	if (p->tok.kind != TOK_CLOSE)
		return parser_refuse(
		    p, p->tok.start, "a parenthesis in [[ ]] is not closed");
	lex_take(p);
	parser_leave(p);
	return true;
}

static bool
cond_or(struct parser *p, struct cond *c)
{
	for (;;) {
		if (!cond_term(p, c))
			return false;
		p->assign_ok = false;
		if (!parse_newlines(p))
			return false;
		if (p->tok.kind != TOK_AND && p->tok.kind != TOK_OR)
			return true;
		lex_take(p);
	}
}

bool
parse_cond(struct parser *p, struct node *n)
{
	struct cond c = { .tail = &n->words };

	n->kind = NODE_COND;
	if (p->dialect == SHELL_POSIX)
		return parser_refuse(p, p->at, "[[ ]] in sh");
	return cond_or(p, &c) && parse_expect(p, "]]");
}
