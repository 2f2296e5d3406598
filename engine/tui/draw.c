/*
 * The whole screen: header, panes, bars.
 * Runs in: assent.  Trusts: the model.  Owns: nothing.
 */
#include "draw.h"

#include <string.h>

#include "base/mem.h"

#define LINE_BYTES ((size_t)8192)

void
draw_span(struct buf *out, int64_t ns)
{
	const int64_t s = ns / 1000000000;

	if (s < 0)
		buf_puts(out, "0:00");
	else if (s < 3600)
		buf_printf(out, "%d:%02d", (int)(s / 60), (int)(s % 60));
	else if (s < 86400)
		buf_printf(out, "%d:%02d:%02d", (int)(s / 3600),
		    (int)(s / 60 % 60), (int)(s % 60));
	else
		buf_printf(out, "%lld d", (long long)(s / 86400));
}

/* ---- the case ------------------------------------------------------------ */

/* "shell  codex  web-api                      high": what it is about. */
static void
draw_title(const struct tui *m, struct grid *g, const struct tui_layout *l)
{
	const struct tui_entry *e = tui_focused(m);
	const enum style style = m->in_case ? STYLE_BAR : STYLE_DIM;
	const struct safe_how how = {
		.style = style, .utf8 = m->utf8, .cut = (size_t)l->case_width
	};
	AUTO_BUF struct buf line = BUF_INIT(LINE_BYTES);

	grid_fill(
	    g, l->top, l->case_x, l->case_width, m->utf8 ? 0x2500 : '-', style);
	if (e == NULL)
		return;
	buf_putc(&line, ' ');
	(void)safe_cstr(&line, e->id, &how);
	if (e->agent != NULL && e->agent[0] != '\0') {
		buf_puts(&line, "  ");
		(void)safe_cstr(&line, e->agent, &how);
	}
	if (strcmp(e->approvals, "0/1") != 0 && e->approvals[0] != '\0') {
		buf_puts(&line, "  approvals ");
		(void)safe_cstr(&line, e->approvals, &how);
	}
	if (e->looking[0] != '\0') {
		buf_puts(&line, "  ");
		(void)safe_cstr(&line, e->looking, &how);
		buf_puts(&line, " is looking");
	}
	buf_putc(&line, ' ');
	(void)grid_put(
	    g, l->top, l->case_x + 1, l->case_width - 2, buf_str(&line), style);
}

static void
draw_why_not(const struct tui *m, struct grid *g, const struct tui_layout *l)
{
	AUTO_BUF struct buf line = BUF_INIT(LINE_BYTES);

	if (m->open.why_not[0] != '\0')
		(void)safe_cstr(&line, m->open.why_not,
		    &(struct safe_how){ .style = STYLE_BAD, .utf8 = m->utf8 });
	else if (tui_focused(m) != NULL)
		buf_puts(&line, "...");
	(void)grid_put(g, l->top + 1, l->case_x + 1, l->case_width - 1,
	    buf_str(&line), STYLE_DIM);
}

static void
draw_rows(const struct page *p, const struct page_rows *rows, size_t top,
    struct grid *g, const struct tui_layout *l)
{
	for (int i = 0; i + 1 < l->height; i++) {
		const size_t row = top + (size_t)i;

		if (row >= rows->count)
			break;
		page_draw(p, &rows->rows[row], g, l->top + 1 + i, l->case_x,
		    l->case_width);
	}
}

/* The cursor and the marks lie over the lines that begin a change. */
static void
draw_changes(const struct tui *m, struct grid *g, const struct tui_layout *l)
{
	const struct tui_changes *c = &m->changes;

	if (c->rows.count == 0)
		draw_why_not(m, g, l);
	draw_rows(&c->page, &c->rows, c->top, g, l);
	for (size_t i = 0; i < c->count; i++) {
		const size_t row = c->at[i].row;
		const int y = l->top + 1 + (int)(row - c->top);

		if (row < c->top || y >= l->top + l->height)
			continue;
		if (i == c->cursor)
			grid_restyle(
			    g, y, l->case_x, l->case_width, STYLE_SELECTED);
		(void)grid_put(g, y, l->case_x, 2,
		    str_of(i != c->cursor     ? c->at[i].marked ? " *" : "  "
			    : c->at[i].marked ? ">*"
					      : "> "),
		    i == c->cursor ? STYLE_SELECTED : STYLE_BOLD);
	}
}

static void
draw_case(const struct tui *m, struct grid *g, const struct tui_layout *l)
{
	const struct tui_case *c = &m->open;
	const struct tui_preview *v = &m->preview;
	const struct tui_entry *e = tui_focused(m);

	draw_title(m, g, l);
	if (tui_shows_changes(m))
		draw_changes(m, g, l);
	else if (tui_shows_preview(m))
		draw_rows(&v->page, &v->rows, v->top, g, l);
	else if (e == NULL || strcmp(c->id, e->id) != 0 || c->rows.count == 0)
		draw_why_not(m, g, l);
	else
		draw_rows(&c->page, &c->rows, c->top, g, l);
}

void
draw_screen(struct tui *m, struct grid *g, int64_t now, int64_t wall)
{
	const struct tui_layout l = tui_layout(m);

	grid_clear(g);
	draw_header(m, g, wall);
	if (m->mode == MODE_HELP) {
		draw_help(m, g);
	} else {
		if (l.list_width > 0)
			draw_list(m, g, &l, wall);
		if (l.case_width > 0)
			draw_case(m, g, &l);
		if (l.list_width > 0 && l.case_width > 0) {
			grid_fill(g, l.top, l.list_width, 1,
			    m->utf8 ? 0x252c : '+', STYLE_DIM);
			for (int y = l.top + 1; y < l.top + l.height; y++)
				grid_fill(g, y, l.list_width, 1,
				    m->utf8 ? 0x2502 : '|', STYLE_DIM);
		}
	}
	draw_bars(m, g, &l, now, wall);
}
