/*
 * Brace expansion: {a,b}, {1..5}, nested, in the way of bash. A word is
 * looked at as a row of items: characters that are not quoted, and whatever
 * else as one item each.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

#include <string.h>

#include "base/num.h"
#include "shell/parser.h"

#define BRACE_ITEMS_MAX 1024

struct item {
	const char *c; /* one unquoted character, or NULL */
	const struct seg *seg;
};

struct items {
	const struct item *i;
	uint32_t count;
};

/* Results: rows of items. */
struct rows {
	struct items *r;
	uint32_t count, cap;
};

static bool
is_char(const struct items *x, uint32_t at, char c)
{
	return at < x->count && x->i[at].c != NULL && *x->i[at].c == c;
}

static bool
rows_add(struct norm *n, struct rows *rs, const struct items *row)
{
	if (rs->count == NORM_BRACES_MAX)
		return false;
	if (rs->count == rs->cap) {
		const uint32_t cap = rs->cap == 0 ? 4 : rs->cap * 2;
		struct items *const more = norm_alloc(n, cap, sizeof(*more));

		if (more == NULL)
			return false;
		if (rs->count > 0)
			memcpy(more, rs->r, rs->count * sizeof(*more));
		rs->r = more;
		rs->cap = cap;
	}
	rs->r[rs->count++] = *row;
	return true;
}

static bool
row_join(struct norm *n, const struct items *a, const struct items *b,
    const struct items *c, struct items *ret)
{
	const uint32_t count = a->count + b->count + c->count;
	struct item *const i = norm_alloc(n, count + 1, sizeof(*i));

	n->steps += count / 8;
	if (i == NULL || !norm_step(n))
		return false;
	if (a->count > 0)
		memcpy(i, a->i, a->count * sizeof(*i));
	if (b->count > 0)
		memcpy(i + a->count, b->i, b->count * sizeof(*i));
	if (c->count > 0)
		memcpy(i + a->count + b->count, c->i, c->count * sizeof(*i));
	ret->i = i;
	ret->count = count;
	return true;
}

static struct items
slice(const struct items *x, uint32_t from, uint32_t to)
{
	return (struct items){ .i = x->i + from, .count = to - from };
}

/* The '}' that closes what opens before from; count when there is none. A
 * brace without a ',' or ".." at its own level closes nothing. */
static uint32_t
find_close(const struct items *x, uint32_t from)
{
	unsigned level = 0;
	bool separated = false;

	for (uint32_t i = from; i < x->count; i++) {
		if (is_char(x, i, '{')) {
			level++;
		} else if (is_char(x, i, '}')) {
			if (level == 0 && separated)
				return i;
			if (level > 0)
				level--;
		} else if (level == 0) {
			if (is_char(x, i, ','))
				separated = true;
			if (is_char(x, i, '.') && is_char(x, i + 1, '.') &&
			    !is_char(x, i + 2, '}'))
				separated = true;
		}
	}
	return x->count;
}

static bool
has_comma(const struct items *x)
{
	for (uint32_t i = 0; i < x->count; i++) {
		if (is_char(x, i, ','))
			return true;
	}
	return false;
}

static bool expand_row(
    struct norm *n, const struct items *x, struct rows *ret, unsigned depth);

/* a,b,c between braces: each part is expanded in turn. */
static bool
expand_list(
    struct norm *n, const struct items *x, struct rows *ret, unsigned depth)
{
	uint32_t from = 0;
	unsigned level = 0;

	for (uint32_t i = 0; i <= x->count; i++) {
		if (is_char(x, i, '{'))
			level++;
		else if (is_char(x, i, '}') && level > 0)
			level--;
		if (i < x->count && !(level == 0 && is_char(x, i, ',')))
			continue;
		const struct items part = slice(x, from, i);

		if (!expand_row(n, &part, ret, depth))
			return false;
		from = i + 1;
	}
	return true;
}

/* ---- sequences --------------------------------------------------------- */

struct seq_end {
	int64_t v;
	bool letter;
	size_t width; /* with leading zeros, else 0 */
};

static bool
seq_end(struct str s, struct seq_end *ret)
{
	uint64_t v;
	const bool minus = s.len > 1 && s.s[0] == '-';
	const struct str digits = minus ? str_from(s, 1) : s;

	if (s.len == 1 &&
	    ((s.s[0] >= 'a' && s.s[0] <= 'z') ||
		(s.s[0] >= 'A' && s.s[0] <= 'Z'))) {
		*ret = (struct seq_end){ .v = s.s[0], .letter = true };
		return true;
	}
	if (num_parse_u64(digits, 0, 1000000000, &v) != 0)
		return false;
	*ret = (struct seq_end){
		.v = minus ? -(int64_t)v : (int64_t)v,
		.width = digits.len > 1 && digits.s[0] == '0' ? s.len : 0,
	};
	return true;
}

static bool
seq_add(struct norm *n, const struct seq_end *e, int64_t v, size_t width,
    struct rows *ret)
{
	char *const text = norm_text(n, 24);
	struct item *items;
	struct items row;
	int len;

	if (text == NULL)
		return false;
	if (e->letter)
		len = snprintf(text, 24, "%c", (char)v);
	else
		len = snprintf(text, 24, "%0*lld", (int)width, (long long)v);
	if (len <= 0 || len >= 24)
		return false;
	items = norm_alloc(n, (size_t)len, sizeof(*items));
	if (items == NULL)
		return false;
	for (int i = 0; i < len; i++)
		items[i].c = text + i;
	row = (struct items){ .i = items, .count = (uint32_t)len };
	return rows_add(n, ret, &row);
}

/* 1: x..y expanded; 0: no sequence; -1: cannot be told. */
static int
expand_sequence(struct norm *n, const struct items *x, struct rows *ret)
{
	char text[64];
	struct str rest, a, b;
	struct seq_end from, to;
	size_t width;

	if (x->count >= sizeof(text))
		return -1;
	for (uint32_t i = 0; i < x->count; i++) {
		if (x->i[i].c == NULL)
			return -1;
		text[i] = *x->i[i].c;
	}
	rest = str_n(text, x->count);
	const size_t dots = str_search(rest, STR(".."));

	if (dots == rest.len)
		return 0;
	a = str_head(rest, dots);
	b = str_from(rest, dots + 2);
	/* A step, or something odd. */
	if (!seq_end(a, &from) || !seq_end(b, &to))
		return -1;
	if (from.letter != to.letter ||
	    (from.letter && ((from.v < 'a') != (to.v < 'a'))))
		return -1;
	if (from.v - to.v >= NORM_BRACES_MAX ||
	    to.v - from.v >= NORM_BRACES_MAX)
		return -1;
	width = from.width > to.width ? from.width : to.width;
	if (width > 20)
		return -1;
	if (width > 0) {
		width = a.len > b.len ? a.len : b.len;
	}
	const int64_t step = from.v <= to.v ? 1 : -1;

	for (int64_t v = from.v;; v += step) {
		if (!seq_add(n, &from, v, width, ret))
			return -1;
		if (v == to.v)
			return 1;
	}
}

/* ---- one row ----------------------------------------------------------- */

/* All ways of before x middle x after. */
static bool
combine(struct norm *n, const struct items *before, const struct rows *middle,
    const struct items *after, struct rows *ret, unsigned depth)
{
	struct rows tails = { .count = 0 };

	if (!expand_row(n, after, &tails, depth))
		return false;
	for (uint32_t i = 0; i < middle->count; i++) {
		for (uint32_t j = 0; j < tails.count; j++) {
			struct items row;

			if (!row_join(
				n, before, &middle->r[i], &tails.r[j], &row) ||
			    !rows_add(n, ret, &row))
				return false;
		}
	}
	return true;
}

static bool
expand_row(
    struct norm *n, const struct items *x, struct rows *ret, unsigned depth)
{
	uint32_t open = 0, close = x->count;

	if (depth > NORM_DEPTH_MAX || !norm_step(n))
		return false;
	for (; open < x->count; open++) {
		if (!is_char(x, open, '{'))
			continue;
		n->steps += x->count / 16;
		if (!norm_step(n))
			return false;
		/* "{}" at the start stays as it is. */
		if (open == 0 && is_char(x, 1, '}'))
			continue;
		close = find_close(x, open + 1);
		if (close < x->count)
			break;
	}
	if (open >= x->count)
		return rows_add(n, ret, x);
	const struct items before = slice(x, 0, open);
	const struct items inner = slice(x, open + 1, close);
	const struct items after = slice(x, close + 1, x->count);
	struct rows middle = { .count = 0 };

	if (has_comma(&inner)) {
		if (!expand_list(n, &inner, &middle, depth + 1))
			return false;
	} else if (expand_sequence(n, &inner, &middle) != 1) {
		return false;
	}
	return combine(n, &before, &middle, &after, ret, depth + 1);
}

/* ---- words ------------------------------------------------------------- */

static bool
items_of(struct norm *n, const struct word *w, struct items *ret)
{
	size_t count = 0;
	struct item *out;
	uint32_t at = 0;

	for (const struct seg *s = w->segs; s != NULL; s = s->next)
		count += s->kind == SEG_TEXT && !s->quoted ? s->text.len : 1;
	if (count > BRACE_ITEMS_MAX)
		return false;
	out = norm_alloc(n, count + 1, sizeof(*out));
	if (out == NULL)
		return false;
	for (const struct seg *s = w->segs; s != NULL; s = s->next) {
		if (s->kind != SEG_TEXT || s->quoted) {
			out[at++].seg = s;
			continue;
		}
		for (size_t i = 0; i < s->text.len; i++)
			out[at++].c = s->text.s + i;
	}
	ret->i = out;
	ret->count = at;
	return true;
}

/*
 * bash expands braces in the text, before it looks for '$' and '~': "$x{1,2}"
 * is "$x1 $x2". True where two neighbours were none before and their texts
 * could become something else together.
 */
static bool
joins_badly(const struct items *row, uint32_t i)
{
	const struct item *a, *b;
	char first;

	if (i + 1 >= row->count)
		return false;
	a = &row->i[i];
	b = &row->i[i + 1];
	if (b->c == NULL && b->seg->text.len == 0)
		return false;
	first = b->c != NULL ? *b->c : b->seg->text.s[0];
	if (a->c == NULL)
		return a->seg->kind == SEG_PARAM && !a->seg->quoted &&
		    a->seg->text.s[1] != '{' &&
		    lex_name_start((unsigned char)a->seg->text.s[1]) &&
		    b->c != NULL && lex_name_char((unsigned char)first);
	if (b->c == a->c + 1)
		return false;
	return *a->c == '$' || *a->c == '~' || first == '~' || *a->c == '[' ||
	    *a->c == ':' || *a->c == '=';
}

/* The name behind every '~' stood together before, too. */
static bool
tildes_whole(const struct items *row)
{
	for (uint32_t i = 0; i < row->count; i++) {
		if (!is_char(row, i, '~'))
			continue;
		for (uint32_t k = i + 1; k < row->count; k++) {
			if (row->i[k].c == NULL ||
			    row->i[k].c != row->i[k - 1].c + 1)
				return false;
			if (*row->i[k].c == '/')
				break;
		}
	}
	return true;
}

/* A run of characters becomes one segment, without a copy where it can. */
static bool
row_segs(struct norm *n, const struct items *row, struct word *w)
{
	struct seg **tail = &w->segs;

	for (uint32_t i = 0; i < row->count;) {
		struct seg *const s = norm_alloc(n, 1, sizeof(*s));
		uint32_t j = i + 1;

		if (s == NULL || !norm_step(n) || joins_badly(row, i))
			return false;
		if (row->i[i].c == NULL) {
			*s = *row->i[i].seg;
			s->next = NULL;
		} else {
			while (j < row->count && row->i[j].c != NULL &&
			    row->i[j].c == row->i[j - 1].c + 1)
				j++;
			if (joins_badly(row, j - 1))
				return false;
			s->kind = SEG_TEXT;
			s->text = str_n(row->i[i].c, j - i);
			w->tilde =
			    w->tilde || str_find(s->text, '~') < s->text.len;
		}
		*tail = s;
		tail = &s->next;
		i = j;
	}
	return true;
}

struct word *
braces_expand(struct norm *n, const struct word *w)
{
	struct items all;
	struct rows rows = { .count = 0 };
	struct word *first = NULL, **tail = &first;

	if (!items_of(n, w, &all) || !expand_row(n, &all, &rows, 0))
		return NULL;
	for (uint32_t i = 0; i < rows.count; i++) {
		struct word *const out = norm_alloc(n, 1, sizeof(*out));

		if (out == NULL)
			return NULL;
		out->quoted = w->quoted;
		out->globs = true;
		out->start = w->start;
		out->end = w->end;
		if (!tildes_whole(&rows.r[i]) || !row_segs(n, &rows.r[i], out))
			return NULL;
		*tail = out;
		tail = &out->next;
	}
	return first;
}
