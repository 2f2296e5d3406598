/*
 * The one layout of rule files.
 * Runs in: assent.  Trusts: nothing in the file.  Owns: nothing.
 *
 * Lines are moved, never rewritten: the tree tells which lines begin a key or
 * an item and how deep it is; every other line moves with the one before.
 */
#include "format.h"

#include <string.h>

#include "load_int.h"

#define LEVEL 2

enum line_kind {
	LINE_LOOSE, /* moves with the line before it */
	LINE_START, /* begins a key or an item */
	LINE_TEXT, /* inside a text of several lines */
};

struct line {
	struct str text;
	enum line_kind kind;
	unsigned indent; /* wanted, of LINE_START */
};

struct layout {
	struct line *lines;
	size_t count;
};

static void
layout_done(struct layout *l)
{
	free(l->lines);
}

static size_t
leading(struct str s)
{
	size_t n = 0;

	while (n < s.len && s.s[n] == ' ')
		n++;
	return n;
}

static struct str
without_trailing(struct str s)
{
	while (s.len > 0 && strchr(" \t\r", s.s[s.len - 1]) != NULL)
		s.len--;
	return s;
}

static int
split(struct str text, struct layout *l)
{
	size_t n = 1;

	for (size_t i = 0; i < text.len; i++)
		n += text.s[i] == '\n';
	l->lines = mem_new(n, sizeof(struct line));
	if (l->lines == NULL)
		return ERR_NOMEM;
	while (text.len > 0)
		l->lines[l->count++].text =
		    without_trailing(str_cut(&text, '\n'));
	return ERR_OK;
}

/* ---- what each line begins --------------------------------------------- */

static struct line *
line_at(struct layout *l, unsigned number)
{
	return number >= 1 && number <= l->count ? &l->lines[number - 1] : NULL;
}

/* Is what stands before the column only blanks and dashes of items? */
static bool
is_first(const struct line *line, unsigned col)
{
	for (size_t i = 0; i + 1 < col && i < line->text.len; i++) {
		if (line->text.s[i] != ' ' && line->text.s[i] != '-')
			return false;
	}
	return true;
}

/* Where the dash of the item stands, as the line is now. */
static bool
has_dash(const struct line *line, unsigned col)
{
	for (size_t i = 0; i + 1 < col && i < line->text.len; i++) {
		if (line->text.s[i] == '-')
			return true;
	}
	return false;
}

static void
mark_start(struct layout *l, unsigned number, unsigned indent)
{
	struct line *line = line_at(l, number);

	if (line != NULL && line->kind == LINE_LOOSE) {
		line->kind = LINE_START;
		line->indent = indent;
	}
}

/* The lines of a text beyond its first. A block ends before a line that it
 * only reaches. */
static void
mark_text(struct layout *l, const struct yaml *v)
{
	const unsigned end =
	    v->end_col <= 1 || v->block ? v->end_line - 1 : v->end_line;

	if (v->kind != YAML_SCALAR)
		return;
	for (unsigned i = v->line + 1; i <= end; i++) {
		struct line *line = line_at(l, i);

		if (line != NULL)
			line->kind = LINE_TEXT;
	}
}

static bool
is_flow(const struct layout *l, const struct yaml *v)
{
	const struct str s = l->lines[v->line - 1].text;

	return v->col <= s.len &&
	    (s.s[v->col - 1] == '{' || s.s[v->col - 1] == '[');
}

static void mark_node(struct layout *l, const struct yaml *v, unsigned indent);

static void
mark_map(struct layout *l, const struct yaml *v, unsigned indent)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct yaml *key = &v->keys[i], *item = &v->items[i];
		const struct line *line = line_at(l, key->line);

		if (line != NULL && is_first(line, key->col) &&
		    !has_dash(line, key->col))
			mark_start(l, key->line, indent);
		mark_node(l, item, indent + LEVEL);
	}
}

/* A dash alone, with its item on a line below. */
static void
mark_lone_dash(struct layout *l, unsigned below, unsigned indent)
{
	for (unsigned i = below - 1; i >= 1; i--) {
		const struct str s = str_trim(l->lines[i - 1].text);

		if (str_eqz(s, "-") || str_starts(s, STR("- #"))) {
			mark_start(l, i, indent);
			return;
		}
		if (s.len > 0 && s.s[0] != '#')
			return;
	}
}

static void
mark_list(struct layout *l, const struct yaml *v, unsigned indent)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct yaml *item = &v->items[i];
		const struct line *line = line_at(l, item->line);

		if (line != NULL && is_first(line, item->col)) {
			if (has_dash(line, item->col))
				mark_start(l, item->line, indent);
			else
				mark_lone_dash(l, item->line, indent);
		}
		mark_node(l, item, indent + LEVEL);
	}
}

static void
mark_node(struct layout *l, const struct yaml *v, unsigned indent)
{
	if (v->kind == YAML_SCALAR)
		mark_text(l, v);
	else if (is_flow(l, v))
		return;
	else if (v->kind == YAML_MAP)
		mark_map(l, v, indent);
	else
		mark_list(l, v, indent);
}

/* ---- writing ----------------------------------------------------------- */

static void
put_blanks(struct buf *out, size_t n)
{
	for (; n > 0; n--)
		buf_putc(out, ' ');
}

/* "-   id" becomes "- id". */
static void
put_start(struct buf *out, const struct line *line)
{
	struct str rest = str_from(line->text, leading(line->text));

	put_blanks(out, line->indent);
	while (rest.len > 1 && rest.s[0] == '-' && rest.s[1] == ' ') {
		buf_puts(out, "- ");
		rest = str_from(rest, 1);
		rest = str_from(rest, leading(rest));
	}
	buf_put_str(out, rest);
}

/* A comment belongs to the key or item that follows it. */
static size_t
comment_indent(const struct layout *l, size_t at)
{
	for (size_t i = at; i < l->count; i++) {
		if (l->lines[i].kind == LINE_START)
			return l->lines[i].indent;
	}
	return 0;
}

static void
put_moved(struct buf *out, struct str text, long moved)
{
	const long now = (long)leading(text) + moved;

	put_blanks(out, now < 0 ? 0 : (size_t)now);
	buf_put_str(out, str_from(text, leading(text)));
}

static void
write_all(const struct layout *l, struct buf *out)
{
	bool empty_before = true;
	long moved = 0;

	for (size_t i = 0; i < l->count; i++) {
		const struct line *line = &l->lines[i];
		const struct str rest =
		    str_from(line->text, leading(line->text));

		if (line->text.len == 0) {
			if (line->kind == LINE_TEXT || !empty_before)
				buf_putc(out, '\n');
			empty_before = line->kind != LINE_TEXT;
			continue;
		}
		empty_before = false;
		if (line->kind == LINE_START) {
			put_start(out, line);
			moved = (long)line->indent - (long)leading(line->text);
		} else if (line->kind == LINE_LOOSE && rest.s[0] == '#') {
			put_blanks(out, comment_indent(l, i));
			buf_put_str(out, rest);
		} else {
			put_moved(out, line->text, moved);
		}
		buf_putc(out, '\n');
	}
	while (out->len > 1 && out->s[out->len - 1] == '\n' &&
	    out->s[out->len - 2] == '\n')
		out->s[--out->len] = '\0';
}

/* False also when the new text is no longer a file that loads. */
static bool
means_the_same(const struct yaml *before, struct str text, struct arena *arena)
{
	struct yaml after;

	return yaml_parse("", text, arena, NULL, &after, NULL) == 0 &&
	    yaml_hash(before) == yaml_hash(&after);
}

int
rules_format(const char *file, struct str text, struct diags *d,
    struct buf *out, struct err *e)
{
	AUTO(arena_freep) struct arena *arena = arena_new(RULESET_BYTES_MAX);
	AUTO(layout_done) struct layout l = { .count = 0 };
	struct yaml before;
	int r;

	if (arena == NULL)
		return err_nomem(e);
	r = yaml_parse(file, text, arena, d, &before, e);
	if (r != 0)
		return r;
	if (split(text, &l) != 0)
		return err_nomem(e);
	if (before.count > 0)
		mark_node(&l, &before, 0);
	write_all(&l, out);
	r = buf_done(out, e);
	if (r != 0)
		return r;
	if (!means_the_same(&before, buf_str(out), arena))
		return err_set(e, ERR_INTERNAL,
		    "'%s' would not mean the same; it is left as it is", file);
	return ERR_OK;
}
