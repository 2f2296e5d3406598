/*
 * The list: what waits, runs or is over.
 * Runs in: assent.  Trusts: the model; texts are made safe here.
 * Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "draw.h"

#define LINE_BYTES ((size_t)8192)
#define TIME_BYTES 64

static const char *
draw_view_name(enum tui_view view)
{
	static const char *const names[] = {
		[VIEW_WAITING] = "Waiting",
		[VIEW_RUNNING] = "Running",
		[VIEW_HISTORY] = "History",
		[VIEW_SESSIONS] = "Sessions",
		[VIEW_GRANTS] = "Grants",
		[VIEW_HEALTH] = "Health",
	};

	return names[view];
}

static bool
is(const char *text, const char *word)
{
	return strcmp(text, word) == 0;
}

/* A sign besides the colour: not everybody sees colours. */
static char
sign_of(enum tui_view view, const struct tui_entry *e)
{
	if (view == VIEW_HISTORY)
		return is(e->decision, "allow") ? '+' : '-';
	if (is(e->risk, "critical"))
		return 'X';
	if (is(e->risk, "high"))
		return '!';
	return is(e->risk, "medium") ? '~' : ' ';
}

static enum style
style_of(enum tui_view view, const struct tui_entry *e)
{
	if (view == VIEW_HISTORY)
		return is(e->decision, "allow") ? STYLE_GOOD : STYLE_BAD;
	if (is(e->risk, "critical") || is(e->risk, "high"))
		return STYLE_BAD;
	return is(e->risk, "medium") ? STYLE_WARN : STYLE_PLAIN;
}

static void
put_foreign(struct buf *out, const struct tui *m, const char *text,
    enum style style, size_t cut)
{
	if (text == NULL || text[0] == '\0')
		return;
	(void)safe_cstr(out, text,
	    &(struct safe_how){ .style = style, .utf8 = m->utf8, .cut = cut });
}

/* The first line of what it is. */
static void
put_title(struct buf *out, const struct tui *m, const struct tui_entry *e,
    size_t width)
{
	AUTO_BUF struct buf first = BUF_INIT(LINE_BYTES);
	struct str rest = str_of(e->title);

	buf_put_str(&first, str_cut(&rest, '\n'));
	if (rest.len > 0)
		buf_puts(&first, " ...");
	put_foreign(out, m, buf_cstr(&first), STYLE_BOLD, width);
}

/* "0:41  ask  codex  web-api" */
static void
put_facts(struct buf *out, const struct tui *m, const struct tui_entry *e,
    int64_t wall)
{
	if (e->failed != NULL) {
		safe_style(out, STYLE_BAD);
		buf_puts(out, "not answered: ");
		put_foreign(out, m, e->failed, STYLE_BAD, 0);
		return;
	}
	safe_style(out, STYLE_DIM);
	if (e->since_ns != 0) {
		draw_span(out, wall - e->since_ns);
		buf_puts(out, " ");
	}
	if (e->copy) {
		safe_style(out, STYLE_WARN);
		buf_puts(out, "copy waits ");
		safe_style(out, STYLE_DIM);
	}
	put_foreign(out, m, e->decision, STYLE_DIM, 8);
	if (m->view != VIEW_WAITING && e->state[0] != '\0') {
		buf_putc(out, ' ');
		put_foreign(out, m, e->state, STYLE_DIM, 12);
	}
	if (e->agent != NULL && e->agent[0] != '\0') {
		buf_putc(out, ' ');
		put_foreign(out, m, e->agent, STYLE_DIM, 16);
	}
	if (e->place != NULL && e->place[0] != '\0') {
		const char *slash = strrchr(e->place, '/');

		buf_putc(out, ' ');
		put_foreign(out, m,
		    slash != NULL && slash[1] != '\0' ? slash + 1 : e->place,
		    STYLE_DIM, 24);
	}
}

static void
draw_entry(const struct tui *m, struct grid *g, const struct tui_layout *l,
    const struct tui_entry *e, int y, int64_t wall)
{
	const struct tui_list *list = &m->lists[m->view];
	const bool chosen = is(list->focus, e->id);
	const enum style bar =
	    m->in_case ? STYLE_SELECTED_IDLE : STYLE_SELECTED;
	AUTO_BUF struct buf line = BUF_INIT(LINE_BYTES);
	AUTO_BUF struct buf facts = BUF_INIT(LINE_BYTES);

	safe_style(&line, style_of(m->view, e));
	buf_printf(&line, "%c%c%c", chosen ? '>' : ' ', sign_of(m->view, e),
	    e->marked ? '*' : ' ');
	put_title(&line, m, e, (size_t)l->list_width - 3);
	(void)grid_put(g, y, 0, l->list_width, buf_str(&line), STYLE_PLAIN);
	if (chosen)
		grid_restyle(g, y, 0, l->list_width, bar);
	if (l->entry_rows < 2)
		return;
	buf_puts(&facts, "   ");
	put_facts(&facts, m, e, wall);
	(void)grid_put(g, y + 1, 0, l->list_width, buf_str(&facts), STYLE_DIM);
}

/* How many the filter lets through, and which of them is chosen. */
static size_t
count_shown(const struct tui *m, const struct tui_list *list, size_t *ret_focus)
{
	size_t shown = 0;

	*ret_focus = 0;
	for (size_t i = 0; i < list->count; i++) {
		if (!tui_matches(m, &list->at[i]))
			continue;
		if (is(list->at[i].id, list->focus))
			*ret_focus = shown;
		shown++;
	}
	return shown;
}

static void
draw_list_title(const struct tui *m, struct grid *g, const struct tui_layout *l,
    size_t shown)
{
	const struct tui_list *list = &m->lists[m->view];
	const enum style style = m->in_case ? STYLE_DIM : STYLE_BAR;
	AUTO_BUF struct buf line = BUF_INIT(LINE_BYTES);

	grid_fill(g, l->top, 0, l->list_width, m->utf8 ? 0x2500 : '-', style);
	safe_style(&line, style);
	buf_printf(&line, " %d %s (%zu) ", (int)m->view + 1,
	    draw_view_name(m->view), list->count);
	if (m->filter[0] != '\0') {
		buf_printf(&line, "/");
		put_foreign(&line, m, m->filter, style, 20);
		buf_printf(&line, " %zu ", shown);
	}
	(void)grid_put(g, l->top, 1, l->list_width - 2, buf_str(&line), style);
}

static const char *
nothing_text(const struct tui *m)
{
	static const char *const texts[] = {
		[VIEW_WAITING] = "Nothing waits.",
		[VIEW_RUNNING] = "Nothing runs.",
		[VIEW_HISTORY] = "No history yet.",
		[VIEW_SESSIONS] = "No sessions.",
		[VIEW_GRANTS] = "No grants.",
		[VIEW_HEALTH] = "Not known yet.",
	};

	if (m->view == VIEW_WAITING && !m->link)
		return "No daemon.";
	return m->filter[0] != '\0' ? "Nothing like that." : texts[m->view];
}

void
draw_list(
    struct tui *m, struct grid *g, const struct tui_layout *l, int64_t wall)
{
	struct tui_list *list = tui_list(m);
	const size_t fit = l->height - 1 > l->entry_rows
	    ? (size_t)((l->height - 1) / l->entry_rows)
	    : 1;
	size_t focus, row = 0;
	const size_t shown = count_shown(m, list, &focus);
	int y = l->top + 1;

	if (focus < list->top)
		list->top = focus;
	if (focus >= list->top + fit)
		list->top = focus - fit + 1;
	draw_list_title(m, g, l, shown);
	if (shown == 0)
		(void)grid_put(g, y, 1, l->list_width - 1,
		    str_of(nothing_text(m)), STYLE_DIM);
	for (size_t i = 0; i < list->count && row < list->top + fit; i++) {
		if (!tui_matches(m, &list->at[i]) || row++ < list->top)
			continue;
		draw_entry(m, g, l, &list->at[i], y, wall);
		y += l->entry_rows;
	}
}
