/*
 * What ${x#p}, ${x/p/r}, ${x:1:2} and the like make of a text.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

#include <string.h>

#include "base/num.h"

#define PARAM_TEXT_MAX 512 /* longer texts are not matched with patterns */

/* The operand as a pattern: what was quoted gets a backslash. */
static bool
operand_pattern(struct norm *n, const struct word *w, struct str *ret)
{
	size_t len = 0;
	char *out;

	for (const struct seg *s = w->segs; s != NULL; s = s->next) {
		if (s->kind != SEG_TEXT)
			return false;
		len += 2 * s->text.len;
	}
	out = norm_text(n, len);
	if (out == NULL)
		return false;
	len = 0;
	for (const struct seg *s = w->segs; s != NULL; s = s->next) {
		/* In a quoted ${ } only what a backslash or quotes protect. */
		const bool literal = s->quoted && w->quoted;

		for (size_t i = 0; i < s->text.len; i++) {
			const char c = s->text.s[i];

			if (c == '\\' || (literal && strchr("*?[(", c) != NULL))
				out[len++] = '\\';
			out[len++] = c;
		}
	}
	*ret = str_n(out, len);
	return pattern_simple(*ret) && ret->len <= PARAM_TEXT_MAX;
}

static bool
is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.s[i] >= 0x80)
			return false;
	}
	return true;
}

static struct str
remove_prefix(struct str text, struct str pattern, bool longest)
{
	for (size_t i = 0; i <= text.len; i++) {
		const size_t k = longest ? text.len - i : i;

		if (pattern_match(pattern, str_head(text, k)))
			return str_from(text, k);
	}
	return text;
}

static struct str
remove_suffix(struct str text, struct str pattern, bool longest)
{
	for (size_t i = 0; i <= text.len; i++) {
		const size_t k = longest ? i : text.len - i;

		if (pattern_match(pattern, str_from(text, k)))
			return str_head(text, k);
	}
	return text;
}

/* The longest match at text[i]; SIZE_MAX when there is none. */
static size_t
match_at(struct str text, struct str pattern, size_t i)
{
	const struct str rest = str_from(text, i);

	for (size_t k = rest.len; k > 0; k--) {
		if (pattern_match(pattern, str_head(rest, k)))
			return k;
	}
	return SIZE_MAX;
}

static bool
replace(struct norm *n, const struct param *pm, struct str text,
    struct str pattern, struct str by, struct str *ret)
{
	const size_t max = text.len + by.len * (text.len + 1);
	char *out;
	size_t len = 0;
	bool done = false;

	if (text.len > 128 || pattern.len == 0)
		return false;
	out = norm_text(n, max);
	if (out == NULL)
		return false;
	n->steps += (uint32_t)text.len;
	for (size_t i = 0; i < text.len;) {
		size_t k = SIZE_MAX;

		if (!(done && !pm->doubled) && !(pm->anchor == '#' && i > 0))
			k = match_at(text, pattern, i);
		if (pm->anchor == '%' && k != SIZE_MAX && i + k != text.len)
			k = SIZE_MAX;
		if (k == SIZE_MAX) {
			out[len++] = text.s[i++];
			continue;
		}
		if (by.len > 0)
			memcpy(out + len, by.s, by.len);
		len += by.len;
		i += k;
		done = true;
	}
	*ret = str_n(out, len);
	return true;
}

static bool
change_case(
    struct norm *n, const struct param *pm, struct str text, struct str *ret)
{
	char *out;

	if (pm->arg->segs != NULL)
		return false;
	out = norm_text(n, text.len);
	if (out == NULL)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		const char c = text.s[i];

		if ((unsigned char)c >= 0x80)
			return false;
		out[i] = c;
		if (i > 0 && !pm->doubled)
			continue;
		if (pm->op == PARAM_UPPER && c >= 'a' && c <= 'z')
			out[i] = (char)(c - 'a' + 'A');
		if (pm->op == PARAM_LOWER && c >= 'A' && c <= 'Z')
			out[i] = (char)(c - 'A' + 'a');
	}
	*ret = str_n(out, text.len);
	return true;
}

/* A plain number (with '-') as arithmetic. */
static bool
slice_number(struct norm *n, const struct word *w, int64_t *ret)
{
	struct value v = { .count = 0 };
	struct str t;
	uint64_t u;
	bool minus;

	v = expand_value(n, w, false);
	if (!value_known(n, &v, &t))
		return false;
	t = str_trim(t);
	minus = t.len > 0 && t.s[0] == '-';
	if (minus)
		t = str_from(t, 1);
	/* A leading zero means octal. */
	if ((t.len > 1 && t.s[0] == '0') ||
	    num_parse_u64(t, 0, NORM_TEXT_MAX, &u) != 0)
		return false;
	*ret = minus ? -(int64_t)u : (int64_t)u;
	return true;
}

static bool
slice_text(
    struct norm *n, const struct param *pm, struct str text, struct str *ret)
{
	int64_t from, len = INT64_MAX;
	const int64_t size = (int64_t)text.len;

	if (!is_ascii(text))
		return false;
	if (!slice_number(n, pm->arg, &from) ||
	    (pm->arg2 != NULL && !slice_number(n, pm->arg2, &len))) {
		state_may_abort(n);
		return false;
	}
	if (from < 0)
		from += size;
	if (from < 0 || from > size) {
		*ret = STR("");
		return true;
	}
	if (len < 0)
		len = size + len - from;
	if (len < 0) {
		state_may_abort(n);
		return false;
	}
	*ret = str_head(
	    str_from(text, (size_t)from), len > size ? text.len : (size_t)len);
	return true;
}

/* The operation on a known text. False: cannot be told. */
static bool
apply(struct norm *n, const struct param *pm, struct str text, struct str *ret)
{
	struct str pattern = STR(""), by = STR("");

	if (pm->op == PARAM_SLICE)
		return slice_text(n, pm, text, ret);
	if (text.len > PARAM_TEXT_MAX)
		return false;
	if (pm->op == PARAM_UPPER || pm->op == PARAM_LOWER)
		return change_case(n, pm, text, ret);
	if (pm->arg == NULL || !operand_pattern(n, pm->arg, &pattern))
		return false;
	if (str_find(pattern, '?') < pattern.len && !is_ascii(text))
		return false;
	n->steps += (uint32_t)(text.len / 8);
	if (pm->op == PARAM_REPLACE) {
		struct value v = { .count = 0 };

		if (pm->arg2 != NULL)
			v = expand_value(n, pm->arg2, false);
		/* '&' in the replacement is special in newer versions. */
		return value_known(n, &v, &by) && str_find(by, '&') == by.len &&
		    replace(n, pm, text, pattern, by, ret);
	}
	*ret = pm->op == PARAM_REMOVE_PREFIX
	    ? remove_prefix(text, pattern, pm->doubled)
	    : remove_suffix(text, pattern, pm->doubled);
	return true;
}

/* Substitutions and arithmetic inside an operand that was not evaluated. */
void
param_touch(struct norm *n, const struct param *pm)
{
	if (pm->op == PARAM_SLICE) {
		expand_arith(n, pm->arg);
		if (pm->arg2 != NULL)
			expand_arith(n, pm->arg2);
		return;
	}
	if (pm->arg != NULL)
		(void)expand_value(n, pm->arg, false);
	if (pm->arg2 != NULL)
		(void)expand_value(n, pm->arg2, false);
}

/* "${f%.c}" where the text ends with ".c" though its start is not known. */
static bool
cut_pieces(struct norm *n, const struct param *pm, const struct value *v,
    struct value *ret)
{
	const bool suffix = pm->op == PARAM_REMOVE_SUFFIX;
	struct shell_piece *p;
	struct str pattern, cut;
	uint32_t at;

	if ((!suffix && pm->op != PARAM_REMOVE_PREFIX) || pm->doubled ||
	    v->count == 0 || !operand_pattern(n, pm->arg, &pattern) ||
	    str_find(pattern, '*') < pattern.len)
		return false;
	at = suffix ? v->count - 1 : 0;
	if (v->pieces[at].kind != PIECE_TEXT ||
	    v->pieces[at].text.len > PARAM_TEXT_MAX)
		return false;
	cut = suffix ? remove_suffix(v->pieces[at].text, pattern, false)
		     : remove_prefix(v->pieces[at].text, pattern, false);
	if (cut.len == v->pieces[at].text.len)
		return false;
	p = norm_alloc(n, v->count, sizeof(*p));
	if (p == NULL)
		return false;
	memcpy(p, v->pieces, v->count * sizeof(*p));
	p[at].text = cut;
	*ret = (struct value){ .pieces = p, .count = v->count };
	if (cut.len == 0) {
		ret->pieces = suffix ? p : p + 1;
		ret->count--;
	}
	return true;
}

struct value
param_operate(struct norm *n, const struct param *pm, const struct value *v)
{
	struct str text, out = STR("");
	struct value ret;

	if (pm->op == PARAM_SLICE) {
		expand_arith(n, pm->arg);
		if (pm->arg2 != NULL)
			expand_arith(n, pm->arg2);
	}
	if (value_known(n, v, &text)) {
		if (apply(n, pm, text, &out))
			return value_text(n, out);
	} else if (cut_pieces(n, pm, v, &ret)) {
		return ret;
	} else {
		if (pm->op == PARAM_SLICE && pm->arg2 != NULL)
			state_may_abort(n);
		text = value_likely(n, v);
		(void)apply(n, pm, text, &out);
	}
	if (pm->op != PARAM_SLICE)
		param_touch(n, pm);
	return value_unknown(n, ORIGIN_VARIABLE, pm->name, SHELL_NO_PART, out);
}
