/*
 * Apply unified diffs.
 * Runs in: assent-exec (the first process of a run).  Trusts: nothing.
 * Owns: nothing; memory is the caller's arena.
 */
#include "init/patch.h"

#include <string.h>

#include "base/num.h"

struct lines {
	struct str *at; /* each with its newline, when it has one */
	size_t count;
};

struct hunk {
	size_t line; /* of the old text, from 0 */
	struct lines old, new;
	unsigned number;
};

static struct str
take_line(struct str *rest)
{
	size_t n = str_find(*rest, '\n');
	struct str line;

	if (n < rest->len)
		n++;
	line = str_head(*rest, n);
	*rest = str_from(*rest, n);
	return line;
}

static size_t
count_lines(struct str text)
{
	size_t n = 0;

	while (text.len > 0) {
		(void)take_line(&text);
		n++;
	}
	return n;
}

static int
new_lines(struct arena *a, size_t max, struct lines *ret, struct err *e)
{
	if (max > PATCH_LINES_MAX)
		return err_set(
		    e, ERR_LIMIT, "more than %d lines", PATCH_LINES_MAX);
	ret->count = 0;
	ret->at = arena_array(a, max + 1, sizeof(*ret->at));
	return ret->at == NULL ? err_nomem(e) : ERR_OK;
}

static int
split(struct str text, struct arena *a, struct lines *ret, struct err *e)
{
	const int r = new_lines(a, count_lines(text), ret, e);

	while (r == 0 && text.len > 0)
		ret->at[ret->count++] = take_line(&text);
	return r;
}

/* "@@ -12,3 +12,4 @@": the first number; an empty old side counts from after
 * that line. */
static bool
read_header(struct str line, size_t *ret)
{
	struct str rest = str_from(line, 4);
	struct str range = str_cut(&rest, ' ');
	struct str first = str_cut(&range, ',');
	uint64_t start, count = 1;

	if (num_parse_u64(first, 0, PATCH_LINES_MAX, &start) != 0)
		return false;
	if (range.len > 0 &&
	    num_parse_u64(range, 0, PATCH_LINES_MAX, &count) != 0)
		return false;
	*ret = (size_t)(start > 0 && count > 0 ? start - 1 : start);
	return true;
}

static void
drop_newline(struct lines *l)
{
	struct str *s = l->count == 0 ? NULL : &l->at[l->count - 1];

	if (s != NULL && s->len > 0 && s->s[s->len - 1] == '\n')
		s->len--;
}

/* One line of a hunk; false where the hunk is over. */
static bool
take_hunk_line(struct hunk *h, struct str line, char *last)
{
	const char kind = line.len == 0 ? '\0' : line.s[0];
	const struct str text = str_from(line, 1);

	switch (kind) {
	case ' ':
		h->old.at[h->old.count++] = text;
		h->new.at[h->new.count++] = text;
		break;
	case '\n': /* a context line that lost its blank */
		h->old.at[h->old.count++] = line;
		h->new.at[h->new.count++] = line;
		break;
	case '-':
		h->old.at[h->old.count++] = text;
		break;
	case '+':
		h->new.at[h->new.count++] = text;
		break;
	case '\\': /* no newline at the end of the line before */
		if (*last != '+')
			drop_newline(&h->old);
		if (*last != '-')
			drop_newline(&h->new);
		break;
	default:
		return false;
	}
	*last = kind == '\n' ? ' ' : kind;
	return true;
}

static bool
is_header(struct str line)
{
	return str_starts(line, STR("@@ -"));
}

static int
read_hunk(struct str *diff, struct arena *a, struct hunk *h, struct err *e)
{
	const struct str head = take_line(diff);
	const size_t most = count_lines(*diff);
	char last = ' ';
	int r;

	if (!read_header(head, &h->line))
		return err_set(
		    e, ERR_INVALID, "hunk %u has no line numbers", h->number);
	r = new_lines(a, most, &h->old, e);
	if (r == 0)
		r = new_lines(a, most, &h->new, e);
	while (r == 0 && diff->len > 0) {
		struct str rest = *diff;
		const struct str line = take_line(&rest);

		if (is_header(line) || str_starts(line, STR("--- ")) ||
		    !take_hunk_line(h, line, &last))
			break;
		*diff = rest;
	}
	return r;
}

static bool
matches(const struct lines *text, size_t at, const struct lines *block)
{
	if (at > text->count || block->count > text->count - at)
		return false;
	for (size_t i = 0; i < block->count; i++) {
		if (!str_eq(text->at[at + i], block->at[i]))
			return false;
	}
	return true;
}

/* The place nearest to where the hunk says it belongs, from cursor on. */
static bool
find_place(
    const struct lines *text, size_t cursor, const struct hunk *h, size_t *ret)
{
	const size_t line = h->line < text->count ? h->line : text->count;

	for (size_t away = 0; away <= text->count; away++) {
		if (line >= away + cursor &&
		    matches(text, line - away, &h->old)) {
			*ret = line - away;
			return true;
		}
		if (line + away >= cursor &&
		    matches(text, line + away, &h->old)) {
			*ret = line + away;
			return true;
		}
	}
	return false;
}

static void
put_lines(struct buf *out, const struct lines *l, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		buf_put_str(out, l->at[i]);
}

int
patch_apply(struct str old, struct str diff, struct arena *a, struct buf *out,
    struct err *e)
{
	struct lines text;
	size_t cursor = 0, place;
	unsigned hunks = 0;
	int r = split(old, a, &text, e);

	while (r == 0 && diff.len > 0) {
		struct hunk h = { .number = hunks + 1 };
		struct str rest = diff;

		if (!is_header(take_line(&rest))) {
			diff = rest;
			continue;
		}
		r = read_hunk(&diff, a, &h, e);
		if (r != 0)
			return r;
		if (!find_place(&text, cursor, &h, &place))
			return err_set(e, ERR_CONFLICT,
			    "hunk %u does not apply: its context is not in "
			    "the file",
			    h.number);
		put_lines(out, &text, cursor, place);
		put_lines(out, &h.new, 0, h.new.count);
		cursor = place + h.old.count;
		hunks++;
	}
	if (r == 0 && hunks == 0)
		return err_set(e, ERR_INVALID, "the patch has no hunks");
	put_lines(out, &text, cursor, text.count);
	return r == 0 ? buf_done(out, e) : r;
}
