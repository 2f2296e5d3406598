/*
 * Pages: lines of safe text, and their rows at a width.
 * Runs in: assent.  Trusts: that what is not foreign is our own.
 * Owns: the text and the table of rows.
 */
#include "page.h"

#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define LABEL_COLUMNS 9
#define EMPTY_LINES_SHOWN 3
#define PREFIX_MAX 16
#define BREAK_COLUMNS_MIN 16 /* narrower: words are not kept whole */

void
page_done(struct page *p)
{
	buf_free(&p->text);
}

void
page_reset(struct page *p)
{
	buf_reset(&p->text);
	p->must = 0;
	p->notes = 0;
}

void
page_rows_done(struct page_rows *r)
{
	mem_freep(&r->rows);
	*r = (struct page_rows){ 0 };
}

/* ---- lines --------------------------------------------------------------- */

void
page_field(
    struct page *p, const char *label, const char *value, enum style style)
{
	struct str rest = str_of(value);
	bool first = true;

	if (rest.len == 0)
		return;
	do {
		safe_style(&p->text, STYLE_LABEL);
		buf_printf(&p->text, "%-*s", LABEL_COLUMNS, first ? label : "");
		buf_putc(&p->text, PAGE_FLOW);
		p->notes |= safe_text(&p->text, str_cut(&rest, '\n'),
		    &(struct safe_how){ .style = style, .utf8 = p->utf8 });
		buf_putc(&p->text, '\n');
		first = false;
	} while (rest.len > 0);
}

void
page_own(struct page *p, enum style style, const char *fmt, ...)
{
	va_list ap;

	safe_style(&p->text, style);
	buf_putc(&p->text, PAGE_FLOW);
	va_start(ap, fmt);
	buf_vprintf(&p->text, fmt, ap);
	va_end(ap);
	buf_putc(&p->text, '\n');
}

/* Many empty lines would push what follows out of sight. */
size_t
page_empty_run(struct page *p, struct str *rest)
{
	size_t lines = 0;

	while (lines < rest->len && rest->s[lines] == '\n')
		lines++;
	if (lines <= EMPTY_LINES_SHOWN)
		return 0;
	safe_style(&p->text, STYLE_HIDDEN);
	buf_printf(&p->text, "<%zu EMPTY LINES>\n", lines);
	p->notes |= SAFE_HAS_HIDDEN;
	*rest = str_from(*rest, lines);
	return lines;
}

void
page_code(struct page *p, const char *prefix, struct str text, enum style style)
{
	const struct safe_how how = { .style = style, .utf8 = p->utf8 };
	const bool ends_with_newline = str_ends(text, STR("\n"));

	if (ends_with_newline)
		text = str_head(text, text.len - 1);
	do {
		if (page_empty_run(p, &text) > 0)
			continue;
		safe_style(&p->text, STYLE_DIM);
		buf_puts(&p->text, prefix);
		buf_putc(&p->text, PAGE_HANG);
		p->notes |= safe_text(&p->text, str_cut(&text, '\n'), &how);
		buf_putc(&p->text, '\n');
	} while (text.len > 0);
}

void
page_patch(struct page *p, const char *prefix, struct str patch)
{
	while (patch.len > 0) {
		const struct str line = str_cut(&patch, '\n');
		const char sign = str_at(line, 0);

		page_code(p, prefix, line,
		    sign == '+'       ? STYLE_ADDED
			: sign == '-' ? STYLE_REMOVED
			: sign == '@' ? STYLE_LABEL
				      : STYLE_PLAIN);
	}
}

/* ---- rows ---------------------------------------------------------------- */

/* Where the layout stands in a line. */
struct breaker {
	const struct page *p;
	struct page_rows *out;
	int width;
	int hang; /* columns before a continuation row */
	bool code;
	uint8_t style;
};

static int
add_row(struct breaker *b, const struct page_row *row, struct err *e)
{
	struct page_rows *out = b->out;

	if (out->count >= PAGE_ROWS_MAX)
		return err_set(e, ERR_LIMIT,
		    "it has more than %d rows: too long to be shown here",
		    PAGE_ROWS_MAX);
	if (mem_grow(
		&out->rows, &out->cap, out->count + 1, sizeof(*out->rows)) != 0)
		return err_nomem(e);
	if (row->from < b->p->must)
		out->must = out->count + 1;
	out->rows[out->count++] = *row;
	return ERR_OK;
}

/* How one row of a line is cut. */
struct cut {
	size_t end; /* offset behind the row */
	size_t next; /* where the next one begins */
	uint8_t style; /* there */
};

static void
take_control(struct breaker *b, uint32_t cp, int columns)
{
	if (cp == PAGE_HANG || cp == PAGE_FLOW) {
		b->hang = columns < b->width / 2 ? columns : b->width / 2;
		b->code = cp == PAGE_HANG;
	}
}

/* From offset at (columns already used) to the last character that fits. */
static struct cut
cut_row(struct breaker *b, struct str line, size_t at, int columns)
{
	struct cut full = { .end = line.len, .next = line.len }, blank = full;
	uint8_t style = b->style;
	bool have_blank = false;

	while (at < line.len) {
		const size_t from = at;
		const int32_t cp = text_decode(line, &at);
		int w;

		if (cp >= 0 && cp < 0x20) {
			if (cp < STYLE_END)
				style = (uint8_t)cp;
			else
				take_control(b, (uint32_t)cp, columns);
			continue;
		}
		w = cp < 0 ? 0 : safe_width((uint32_t)cp);
		if (w > 0 && columns + w > b->width) {
			full = (struct cut){ from, from, style };
			return have_blank && !b->code ? blank : full;
		}
		columns += w > 0 ? w : 0;
		if (cp == ' ' && columns > b->hang + 1 &&
		    b->width - b->hang >= BREAK_COLUMNS_MIN) {
			have_blank = true;
			blank = (struct cut){ from, at, style };
		}
	}
	full.style = style;
	return full;
}

static int
lay_line(struct breaker *b, struct str line, size_t base, struct err *e)
{
	size_t at = 0;
	int indent = 0, r;

	b->hang = 0;
	b->code = false;
	do {
		const uint8_t style = b->style;
		const struct cut c = cut_row(b, line, at, indent);
		const struct page_row row = {
			.from = (uint32_t)(base + at),
			.len = (uint32_t)(c.end - at),
			.indent = (uint16_t)indent,
			.style = style,
			.goes_on = at > 0 && b->code,
		};

		r = add_row(b, &row, e);
		if (r != 0)
			return r;
		b->style = c.style;
		at = c.next;
		indent = b->hang;
	} while (at < line.len);
	return ERR_OK;
}

int
page_layout(
    const struct page *p, int width, struct page_rows *ret, struct err *e)
{
	struct breaker b = {
		.p = p,
		.out = ret,
		.width = width < 4 ? 4 : width,
		.style = STYLE_PLAIN,
	};
	struct str rest = buf_str(&p->text);
	size_t base = 0;
	int r = buf_done(&p->text, e);

	ret->count = ret->must = 0;
	ret->width = width;
	while (r == 0 && rest.len > 0) {
		const struct str line = str_cut(&rest, '\n');

		r = lay_line(&b, line, base, e);
		base += line.len + 1;
	}
	return r;
}

void
page_draw(const struct page *p, const struct page_row *row, struct grid *g,
    int y, int x, int width)
{
	const struct str text =
	    str_head(str_from(buf_str(&p->text), row->from), row->len);

	if (row->goes_on && row->indent >= 2)
		(void)grid_put(
		    g, y, x + row->indent - 2, 1, STR("\\"), STYLE_DIM);
	(void)grid_put(g, y, x + row->indent, width - row->indent, text,
	    (enum style)row->style);
}
