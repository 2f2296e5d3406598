/*
 * Texts as far as they are known: pieces, joined and compared.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

#include <string.h>

char *
norm_text(struct norm *n, size_t len)
{
	if (len > NORM_TEXT_MAX - n->text_used) {
		norm_refuse(
		    n, "the texts that it computes are too long", n->place);
		return NULL;
	}
	n->text_used += len;
	return norm_alloc(n, len + 1, 1);
}

static struct value
value_of_piece(struct norm *n, const struct shell_piece *piece)
{
	struct shell_piece *const p = norm_alloc(n, 1, sizeof(*p));
	struct value v = { .count = 0 };

	if (p == NULL)
		return v;
	*p = *piece;
	v.pieces = p;
	v.count = 1;
	return v;
}

struct value
value_text(struct norm *n, struct str text)
{
	const struct shell_piece p = {
		.kind = PIECE_TEXT,
		.text = text,
		.part = SHELL_NO_PART,
	};

	return text.len == 0 ? (struct value){ .count = 0 }
			     : value_of_piece(n, &p);
}

struct value
value_unknown(struct norm *n, enum piece_origin origin, struct str name,
    uint32_t part, struct str likely)
{
	const struct shell_piece p = {
		.kind = PIECE_UNKNOWN,
		.origin = origin,
		.text = likely,
		.name = name,
		.part = part,
	};

	return value_of_piece(n, &p);
}

struct value
value_digits(struct norm *n)
{
	const struct shell_piece p = {
		.kind = PIECE_DIGITS,
		.text = STR("1"),
		.part = SHELL_NO_PART,
	};

	return value_of_piece(n, &p);
}

bool
value_known(struct norm *n, const struct value *v, struct str *ret)
{
	for (uint32_t i = 0; i < v->count; i++) {
		if (v->pieces[i].kind != PIECE_TEXT)
			return false;
	}
	*ret = value_likely(n, v);
	return true;
}

struct str
value_likely(struct norm *n, const struct value *v)
{
	size_t len = 0;
	char *out;

	if (v->count == 0)
		return STR("");
	if (v->count == 1)
		return v->pieces[0].text;
	for (uint32_t i = 0; i < v->count; i++)
		len += v->pieces[i].text.len;
	out = norm_text(n, len);
	if (out == NULL)
		return STR("");
	len = 0;
	for (uint32_t i = 0; i < v->count; i++) {
		const struct str t = v->pieces[i].text;

		if (t.len > 0)
			memcpy(out + len, t.s, t.len);
		len += t.len;
	}
	return str_n(out, len);
}

struct value
value_join(struct norm *n, const struct value *a, const struct value *b)
{
	struct builder bd = { .out = NULL };

	builder_value(n, &bd, a);
	builder_value(n, &bd, b);
	bd.flags |= a->flags | b->flags;
	return builder_done_value(n, &bd);
}

bool
value_same(const struct value *a, const struct value *b)
{
	if (a->pieces == b->pieces && a->count == b->count)
		return true;
	if (a->count != 1 || b->count != 1)
		return false;
	return a->pieces[0].kind == PIECE_TEXT &&
	    b->pieces[0].kind == PIECE_TEXT &&
	    str_eq(a->pieces[0].text, b->pieces[0].text);
}

bool
value_is_number(const struct value *v)
{
	if (v->count != 1)
		return false;
	if (v->pieces[0].kind == PIECE_DIGITS)
		return true;
	struct str t = v->pieces[0].text;

	if (v->pieces[0].kind != PIECE_TEXT)
		return false;
	if (t.len > 1 && t.s[0] == '-')
		t = str_from(t, 1);
	/* "08" is an error where arithmetic reads it. */
	if (t.len == 0 || t.len > 18 || (t.len > 1 && t.s[0] == '0'))
		return false;
	for (size_t i = 0; i < t.len; i++) {
		if (t.s[i] < '0' || t.s[i] > '9')
			return false;
	}
	return true;
}

struct shell_word
word_of_value(struct norm *n, const struct value *v)
{
	struct shell_word w = {
		.flags = v->flags | WORD_QUOTED,
		.text = value_likely(n, v),
		.pieces = v->pieces,
		.piece_count = v->count,
	};

	for (uint32_t i = 0; i < v->count; i++) {
		if (v->pieces[i].kind != PIECE_TEXT)
			w.flags |= WORD_DYNAMIC;
	}
	return w;
}

struct value
value_of_word(const struct shell_word *w)
{
	return (struct value){
		.pieces = w->pieces,
		.count = (uint32_t)w->piece_count,
		.flags = w->flags & WORD_SUBST,
	};
}

struct shell_word
word_text(struct norm *n, struct str text)
{
	const struct value v = value_text(n, text);

	return word_of_value(n, &v);
}

struct shell_word
word_unknown(struct norm *n, struct str likely)
{
	const struct value v =
	    value_unknown(n, ORIGIN_NONE, STR_NONE, SHELL_NO_PART, likely);

	return word_of_value(n, &v);
}
