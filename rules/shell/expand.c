/*
 * Words to arguments, in the order in which bash expands: braces, tildes,
 * parameters, substitutions, splitting, patterns.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

#include <string.h>

#include "shell/parser.h"

static void expand_segs(
    struct norm *n, struct builder *b, const struct seg *s, bool operand);

/* ---- tildes ------------------------------------------------------------ */

/* ~, ~user, ~+ at the start of text: the length of the prefix, or 0. */
static size_t
tilde_len(struct str text, bool colon, bool last)
{
	size_t i = 0;

	if (text.len == 0 || text.s[0] != '~')
		return 0;
	while (i < text.len && text.s[i] != '/' && (!colon || text.s[i] != ':'))
		i++;
	/* "~x$y" and ~"x" are no tildes. */
	return i == text.len && !last ? 0 : i;
}

static void
tilde_expand(struct norm *n, struct builder *b, struct str prefix)
{
	struct value v;

	if (prefix.len == 1)
		v = var_value(n, STR("HOME"));
	else if (str_eqz(prefix, "~+") && n->dialect == SHELL_BASH)
		v = var_value(n, STR("PWD"));
	else
		v = value_unknown(
		    n, ORIGIN_VARIABLE, prefix, SHELL_NO_PART, prefix);
	builder_value(n, b, &v);
}

/* Where an unquoted segment stands in its word. */
struct place {
	bool start; /* a tilde counts at its beginning */
	bool head; /* it holds the NAME= of an assignment */
	bool assign; /* a tilde counts behind ':', too */
	bool last;
};

/* The literal text of an unquoted segment. */
static void
unquoted_text(
    struct norm *n, struct builder *b, struct str text, const struct place *at)
{
	const bool assign = at->assign, last = at->last;
	size_t from = 0;
	bool equals = !at->head;

	for (size_t i = 0; i <= text.len; i++) {
		size_t len = 0;

		if (at->start && i == 0)
			len = tilde_len(text, assign, last);
		if (assign && i > 0 && len == 0) {
			const char c = text.s[i - 1];

			if (c == ':' || (c == '=' && !equals))
				len = tilde_len(str_from(text, i), true, last);
			equals = equals || c == '=';
		}
		if (len == 0)
			continue;
		builder_text(
		    n, b, str_n(text.s + from, i - from), b->out != NULL);
		tilde_expand(n, b, str_n(text.s + i, len));
		from = i + len;
		i = from - 1;
	}
	if (from < text.len)
		builder_text(n, b, str_from(text, from), b->out != NULL);
}

/* ---- segments ---------------------------------------------------------- */

static void
add_expansion(
    struct norm *n, struct builder *b, const struct value *v, bool quoted)
{
	if (quoted) {
		b->started = true;
		builder_value(n, b, v);
	} else {
		builder_split(n, b, v);
	}
}

static void
expand_subst(struct norm *n, struct builder *b, const struct seg *s)
{
	const struct value v = walk_subst(n, s->u.subst);

	b->flags |= WORD_SUBST;
	add_expansion(n, b, &v,
	    s->quoted ||
		(s->u.subst->kind != SUBST_OUTPUT && s->u.subst->body != NULL));
}

static void
expand_segs(
    struct norm *n, struct builder *b, const struct seg *s, bool operand)
{
	for (; s != NULL && norm_step(n); s = s->next) {
		if (s->quoted)
			b->flags |= WORD_QUOTED;
		switch (s->kind) {
		case SEG_TEXT:
			if (operand && !s->quoted) {
				const struct value v = value_text(n, s->text);

				builder_split(n, b, &v);
			} else {
				builder_text(n, b, s->text,
				    !s->quoted && b->out != NULL);
			}
			break;
		case SEG_PARAM:
			expand_param(n, b, s->u.param, s->quoted);
			break;
		case SEG_SUBST:
			expand_subst(n, b, s);
			break;
		case SEG_ARITH: {
			const struct value v = value_digits(n);

			expand_arith(n, s->u.arith);
			add_expansion(n, b, &v, s->quoted);
			break;
		}
		}
	}
}

void
expand_arith_segs(struct norm *n, struct builder *b, const struct word *w)
{
	expand_segs(n, b, w->segs, false);
}

/* The operand of ${x:-word} and the like: its own text is split, too. */
void
expand_operand(struct norm *n, struct builder *b, const struct word *w)
{
	struct value v;

	if (!w->tilde) {
		expand_segs(n, b, w->segs, true);
		return;
	}
	v = expand_value(n, w, false);
	v = value_unknown(
	    n, ORIGIN_NONE, STR_NONE, SHELL_NO_PART, value_likely(n, &v));
	builder_split(n, b, &v);
}

/* A word without braces. */
static void
expand_into(
    struct norm *n, struct builder *b, const struct word *w, bool assign)
{
	bool first = true;

	if (w->quoted)
		b->flags |= WORD_QUOTED;
	if (!w->tilde) {
		expand_segs(n, b, w->segs, false);
		return;
	}
	for (const struct seg *s = w->segs; s != NULL; s = s->next) {
		const struct seg alone = {
			.kind = s->kind,
			.quoted = s->quoted,
			.text = s->text,
			.u = s->u,
		};

		if (s->kind == SEG_TEXT && !s->quoted)
			unquoted_text(n, b, s->text,
			    &(struct place){
				.start = first,
				.head = s == w->segs && w->assign != NULL,
				.assign = assign,
				.last = s->next == NULL,
			    });
		else
			expand_segs(n, b, &alone, false);
		/* Behind NAME= the value starts like a word. */
		first = first && w->assign != NULL && s->kind == SEG_TEXT &&
		    s->text.len > 0 && s->text.s[s->text.len - 1] == '=';
	}
}

struct value
expand_value(struct norm *n, const struct word *w, bool tildes)
{
	struct builder b = { .out = NULL };
	struct str t;

	if (w == NULL)
		return (struct value){ .count = 0 };
	if (word_bare(w, &t) && !w->tilde && norm_step(n))
		return value_text(n, t);
	if (tildes)
		expand_into(n, &b, w, true);
	else
		expand_segs(n, &b, w->segs, false);
	return builder_done_value(n, &b);
}

/* One literal unquoted text without anything active. */
static bool
expand_fast(struct norm *n, const struct word *w, struct words *ret)
{
	struct shell_word out;
	struct str t;
	struct value v;

	if (w->globs || w->tilde || w->braces || !word_bare(w, &t))
		return false;
	v = value_text(n, t);
	out = word_of_value(n, &v);
	out.flags = 0;
	words_add(n, ret, &out);
	return true;
}

static void
expand_one(struct norm *n, const struct word *w, struct words *ret)
{
	struct builder b = { .out = ret };

	if (expand_fast(n, w, ret))
		return;
	expand_into(n, &b, w, w->assign != NULL);
	builder_break(n, &b);
}

/* NAME=( ) as an argument: the elements count for what they run. */
static void
expand_array_word(struct norm *n, const struct word *w, struct words *ret)
{
	struct builder b = { .out = ret };
	const struct shell_piece rest = {
		.kind = PIECE_UNKNOWN,
		.text = STR("(...)"),
		.part = SHELL_NO_PART,
	};

	builder_text(n, &b, w->segs->text, false);
	builder_piece(n, &b, &rest);
	builder_break(n, &b);
}

static void
expand_braces_unknown(struct norm *n, const struct word *w, struct words *ret)
{
	struct builder b = { .out = ret };
	struct builder likely = { .out = NULL };
	struct value v;
	struct shell_piece p = {
		.kind = PIECE_UNKNOWN,
		.part = SHELL_NO_PART,
	};

	expand_into(n, &likely, w, false);
	v = builder_done_value(n, &likely);
	p.text = value_likely(n, &v);
	builder_piece(n, &b, &p);
	b.flags |= WORD_SPLIT;
	builder_break(n, &b);
}

static void
expand_braces(struct norm *n, const struct word *w, struct words *ret)
{
	const struct word *list;

	if (n->dialect != SHELL_BASH) {
		expand_braces_unknown(n, w, ret);
		return;
	}
	list = braces_expand(n, w);
	/* "x=~/f{}": braces that are text leave an assignment one, with its
	 * tildes; whether they are is not told here. */
	if (list != NULL && list->next == NULL && w->tilde && w->assign != NULL)
		list = NULL;
	if (list == NULL)
		expand_braces_unknown(n, w, ret);
	for (; list != NULL && norm_step(n); list = list->next)
		expand_one(n, list, ret);
}

void
expand_words(struct norm *n, const struct word *list, struct words *ret)
{
	for (const struct word *w = list; w != NULL && norm_step(n);
	     w = w->next) {
		if (w->assign != NULL && w->assign->list)
			expand_array_word(n, w, ret);
		else if (w->braces)
			expand_braces(n, w, ret);
		else
			expand_one(n, w, ret);
	}
}

/* NAME=VALUE behind export and its like is an assignment: it is not split. */
static void
expand_assign_word(struct norm *n, const struct word *w, struct words *ret)
{
	struct builder b = { .out = NULL };
	const struct value v = expand_value(n, w->assign->value, true);
	struct value whole;
	struct shell_word out;

	builder_text(n, &b, w->segs->text, false);
	builder_value(n, &b, &v);
	whole = builder_done_value(n, &b);
	whole.flags |= v.flags;
	out = word_of_value(n, &whole);
	words_add(n, ret, &out);
}

static bool
is_declaration(const struct norm *n, const struct word *w)
{
	static const char *const names[] = { "export", "declare", "typeset",
		"local", "readonly" };

	if (w == NULL || n->dialect != SHELL_BASH)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (word_is_bare(w, names[i]))
			return true;
	}
	return false;
}

void
expand_command(struct norm *n, const struct word *list, struct words *ret)
{
	struct word one;

	if (!is_declaration(n, list)) {
		expand_words(n, list, ret);
		return;
	}
	for (const struct word *w = list; w != NULL && norm_step(n);
	     w = w->next) {
		if (w->assign != NULL && !w->assign->list &&
		    w->assign->index == NULL && !w->braces) {
			expand_assign_word(n, w, ret);
			continue;
		}
		one = *w;
		one.next = NULL;
		expand_words(n, &one, ret);
	}
}
