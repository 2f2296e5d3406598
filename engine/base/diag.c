/*
 * Findings in files: kept in full, shown with the line and a caret.
 * Runs in: every program that reads files.  Trusts: nothing in the texts.
 * Owns: copies of all that it was told.
 */
#include "diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "text.h"

#define DIAG_TEXT_MAX 2048
/* Of a long line, this much is shown around the caret. */
#define SHOWN_BEFORE 60
#define SHOWN_AFTER 80
#define SHOWN_LINE_BYTES 4096

struct diags {
	struct arena *arena;
	struct diag *list;
	size_t kept, cap;
	size_t count, errors; /* of all, kept or not */
};

struct diags *
diags_new(void)
{
	struct diags *d = mem_new(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->arena =
	    arena_new(DIAGS_MAX * (DIAG_TEXT_MAX * 2 + SHOWN_LINE_BYTES));
	if (d->arena == NULL) {
		free(d);
		return NULL;
	}
	return d;
}

void
diags_free(struct diags *d)
{
	if (d == NULL)
		return;
	arena_free(d->arena);
	free(d->list);
	free(d);
}

void
diags_freep(struct diags **d)
{
	diags_free(*d);
	*d = NULL;
}

static const char *
copy(struct diags *d, const char *s)
{
	if (s == NULL)
		return NULL;
	return arena_strndup(d->arena, s, strnlen(s, DIAG_TEXT_MAX));
}

/* Byte offset of the 1-based column (a count of characters). */
static size_t
column_offset(struct str line, unsigned col)
{
	size_t at = 0;

	for (unsigned i = 1; i < col && at < line.len; i++)
		(void)text_decode(line, &at);
	return at;
}

/*
 * A file may be one line of many megabytes: only the head of a line is kept,
 * and nothing of it when the place is beyond.
 */
static const char *
copy_source(struct diags *d, const struct diag *place)
{
	if (place->source == NULL)
		return NULL;
	const struct str line = str_of(place->source);
	const size_t at = column_offset(line, place->col);
	const size_t len = at + SHOWN_LINE_BYTES / 2;

	if (at > SHOWN_LINE_BYTES / 2)
		return NULL;
	return arena_strndup(d->arena, line.s, len < line.len ? len : line.len);
}

void
diag_add(struct diags *d, const struct diag *place, const char *fmt, ...)
{
	char message[DIAG_TEXT_MAX];
	struct diag *kept;
	va_list ap;

	if (d == NULL)
		return;
	d->count++;
	if (place->severity == DIAG_ERROR)
		d->errors++;
	if (d->kept >= DIAGS_MAX ||
	    mem_grow(&d->list, &d->cap, d->kept + 1, sizeof(*d->list)) != 0)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	kept = &d->list[d->kept++];
	*kept = *place;
	kept->code = copy(d, place->code);
	kept->file = copy(d, place->file);
	kept->hint = copy(d, place->hint);
	kept->message = copy(d, message);
	kept->source = copy_source(d, place);
}

size_t
diags_errors(const struct diags *d)
{
	return d->errors;
}

size_t
diags_count(const struct diags *d)
{
	return d->kept;
}

const struct diag *
diags_at(const struct diags *d, size_t i)
{
	return i < d->kept ? &d->list[i] : NULL;
}

const struct diag *
diags_first_error(const struct diags *d)
{
	for (size_t i = 0; d != NULL && i < diags_count(d); i++) {
		const struct diag *one = diags_at(d, i);

		if (one->severity == DIAG_ERROR && one->file != NULL)
			return one;
	}
	return NULL;
}

static int
by_number(unsigned a, unsigned b)
{
	return (a > b) - (a < b);
}

/* By file, line, column; else in the order in which they were found. */
static int
by_place(const void *a, const void *b)
{
	const struct diag *const *x = a, *const *y = b;
	int r;

	r = strcmp((*x)->file == NULL ? "" : (*x)->file,
	    (*y)->file == NULL ? "" : (*y)->file);
	if (r == 0)
		r = by_number((*x)->line, (*y)->line);
	if (r == 0)
		r = by_number((*x)->col, (*y)->col);
	return r != 0 ? r : (*x > *y) - (*x < *y);
}

/* Free the array; NULL when memory is short (then print unsorted). */
static const struct diag **
sorted(const struct diags *d)
{
	const struct diag **order = mem_new(d->kept, sizeof(struct diag *));

	if (order == NULL)
		return NULL;
	for (size_t i = 0; i < d->kept; i++)
		order[i] = &d->list[i];
	qsort(order, d->kept, sizeof(struct diag *), by_place);
	return order;
}

/*
 * Inert on every terminal, as text_escape, but a backslash stays one: these
 * are lines of files, and full of regular expressions.
 */
static void
put_shown(struct buf *out, struct str s)
{
	size_t at = 0, from;

	while (at < s.len) {
		from = at;
		const int32_t cp = text_decode(s, &at);
		const struct str one = str_n(s.s + from, at - from);

		if (cp < 0 || text_is_hidden((uint32_t)cp))
			text_escape(out, one);
		else
			buf_put_str(out, one);
	}
}

/* How many characters a terminal shows for s. */
static size_t
shown_width(struct str s)
{
	AUTO_BUF struct buf b = BUF_INIT(SHOWN_LINE_BYTES * 8);
	size_t at = 0, width = 0;

	put_shown(&b, s);
	const struct str shown = buf_str(&b);

	while (at < shown.len) {
		(void)text_decode(shown, &at);
		width++;
	}
	return width;
}

static void
print_source(const struct diag *g, struct buf *out)
{
	const struct str line = str_of(g->source);
	const unsigned cut = g->col > SHOWN_BEFORE ? g->col - SHOWN_BEFORE : 1;
	const size_t from = column_offset(line, cut);
	const size_t caret = column_offset(line, g->col);
	const size_t end = column_offset(line, g->col + g->width);
	const size_t to = column_offset(line, g->col + SHOWN_AFTER);
	const char *const lead = from > 0 ? "..." : "";
	size_t width;

	buf_printf(out, "    %s", lead);
	put_shown(out, str_n(line.s + from, to - from));
	buf_puts(out, to < line.len ? "...\n    " : "\n    ");
	width = strlen(lead) + shown_width(str_n(line.s + from, caret - from));
	for (size_t i = 0; i < width; i++)
		buf_putc(out, ' ');
	buf_putc(out, '^');
	width =
	    shown_width(str_n(line.s + caret, (end < to ? end : to) - caret));
	for (size_t i = 1; i < width; i++)
		buf_putc(out, '~');
	buf_putc(out, '\n');
}

static const char *const severity_words[] = {
	[DIAG_ERROR] = "error",
	[DIAG_WARNING] = "warning",
	[DIAG_NOTE] = "note",
};

static void
print_one(const struct diag *g, struct buf *out)
{
	if (g->file != NULL) {
		put_shown(out, str_of(g->file));
		if (g->line > 0)
			buf_printf(out, ":%u", g->line);
		if (g->line > 0 && g->col > 0)
			buf_printf(out, ":%u", g->col);
		buf_puts(out, ": ");
	}
	if (g->severity != DIAG_ERROR)
		buf_printf(out, "%s: ", severity_words[g->severity]);
	put_shown(out, str_of(g->message));
	if (g->code != NULL)
		buf_printf(out, " [%s]", g->code);
	buf_putc(out, '\n');
	if (g->source != NULL && g->col > 0)
		print_source(g, out);
	if (g->hint != NULL) {
		buf_puts(out, "    hint: ");
		put_shown(out, str_of(g->hint));
		buf_putc(out, '\n');
	}
}

void
diags_print(const struct diags *d, struct buf *out)
{
	AUTO_FREE const struct diag **order = sorted(d);

	for (size_t i = 0; i < d->kept; i++)
		print_one(order != NULL ? order[i] : &d->list[i], out);
	if (d->count > d->kept)
		buf_printf(out, "and %zu more\n", d->count - d->kept);
}

static void
json_one(const struct diag *g, struct jsonw *w)
{
	jsonw_object(w);
	jsonw_kstr(w, "severity", severity_words[g->severity]);
	jsonw_kstr(w, "code", g->code);
	jsonw_kstr(w, "file", g->file);
	jsonw_kint(w, "line", g->line);
	jsonw_kint(w, "col", g->col);
	jsonw_kint(w, "width", g->width == 0 ? 1 : g->width);
	jsonw_kstr(w, "message", g->message);
	jsonw_kstr(w, "hint", g->hint);
	jsonw_end(w);
}

void
diags_json(const struct diags *d, struct jsonw *w)
{
	AUTO_FREE const struct diag **order = sorted(d);

	jsonw_array(w);
	for (size_t i = 0; i < d->kept; i++)
		json_one(order != NULL ? order[i] : &d->list[i], w);
	jsonw_end(w);
}
