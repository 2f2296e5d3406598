/*
 * What a run on a copy of its workspace changed: chosen, and applied.
 * Runs in: assent.  Trusts: nothing of the texts.  Owns: the list and its page.
 *
 * Nothing is applied that was not on the screen up to its end, and only after
 * a question that was there for a while. Dropping all of it works at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model.h"

static void
set(char *to, size_t size, const char *text)
{
	(void)snprintf(to, size, "%s", text);
}

bool
tui_shows_changes(const struct tui *m)
{
	return m->mode == MODE_CHANGES || m->mode == MODE_APPLY;
}

static void
forget(struct tui_changes *c)
{
	for (size_t i = 0; i < c->count; i++)
		mem_freep(&c->at[i].path);
	mem_freep(&c->at);
	c->count = c->cursor = c->top = 0;
	c->id[0] = '\0';
	page_reset(&c->page);
	c->rows.count = 0;
}

void
tui_changes_done(struct tui_changes *c)
{
	forget(c);
	page_done(&c->page);
	page_rows_done(&c->rows);
}

/* ---- which belong together ------------------------------------------------ */

/* A path that is applied stands for what lies below it, too. */
static bool
covers(const struct tui_change *a, const struct tui_change *b)
{
	const size_t len = strlen(a->path);

	return strncmp(a->path, b->path, len) == 0 &&
	    (b->path[len] == '\0' || b->path[len] == '/');
}

static const char *
why_not_marked(const struct tui_changes *c)
{
	const struct tui_change *it = &c->at[c->cursor];

	if (strchr(it->path, '\n') != NULL)
		return "A name with a line end: it goes with all or none.";
	for (size_t i = 0; i < c->count; i++) {
		if (covers(it, &c->at[i]) && !c->at[i].possible)
			return "It, or something below it, cannot be applied.";
	}
	return NULL;
}

static void
mark(struct tui *m, int64_t now)
{
	struct tui_changes *c = &m->changes;
	struct tui_change *it = &c->at[c->cursor];
	const bool was = it->marked;
	const char *why_not = was ? NULL : why_not_marked(c);

	if (why_not != NULL) {
		tui_note(m, STYLE_WARN, now, "%s", why_not);
		return;
	}
	for (size_t i = 0; i < c->count; i++) {
		if (covers(it, &c->at[i]))
			c->at[i].marked = !was;
		else if (was && covers(&c->at[i], it))
			c->at[i].marked = false;
	}
}

size_t
tui_changes_marked(const struct tui *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->changes.count; i++)
		n += m->changes.at[i].marked;
	return n;
}

/* ---- what was seen -------------------------------------------------------- */

void
tui_changes_lay_out(struct tui *m)
{
	struct tui_changes *c = &m->changes;
	const struct tui_layout l = tui_layout(m);
	const int width = l.case_width > 0 ? l.case_width : m->columns;
	size_t row = 0;

	if (page_layout(&c->page, width, &c->rows, NULL) != 0)
		c->rows.count = 0;
	for (size_t i = 0; i < c->count; i++) {
		while (row < c->rows.count &&
		    c->rows.rows[row].from < c->at[i].from)
			row++;
		c->at[i].row = row;
		c->at[i].seen = 0;
		if (i > 0)
			c->at[i - 1].end = row;
		c->at[i].end = c->rows.count;
	}
	if (c->top >= c->rows.count)
		c->top = 0;
	c->drawn = false;
}

void
tui_changes_drawn(struct tui *m)
{
	struct tui_changes *c = &m->changes;
	const size_t end = c->top + tui_case_rows(m);

	if (c->id[0] == '\0')
		return;
	for (size_t i = 0; i < c->count; i++) {
		struct tui_change *it = &c->at[i];
		const size_t next = it->row + it->seen;

		if (c->top <= next && end > next)
			it->seen = (end < it->end ? end : it->end) - it->row;
	}
	c->drawn = m->mode == MODE_APPLY;
}

size_t
tui_changes_unread(const struct tui *m, bool all)
{
	size_t n = 0;

	for (size_t i = 0; i < m->changes.count; i++) {
		const struct tui_change *it = &m->changes.at[i];

		n += (all || it->marked) && it->row + it->seen < it->end;
	}
	return n;
}

static void
show_cursor(struct tui *m)
{
	struct tui_changes *c = &m->changes;
	const size_t height = tui_case_rows(m);
	const struct tui_change *it = &c->at[c->cursor];

	if (it->end > c->top + height)
		c->top = it->end - height;
	if (it->row < c->top)
		c->top = it->row;
}

static void
move(struct tui *m, int key)
{
	struct tui_changes *c = &m->changes;
	const size_t was = c->cursor;

	if ((key == 'j' || key == KEY_DOWN_) && c->cursor + 1 < c->count)
		c->cursor++;
	else if ((key == 'k' || key == KEY_UP_) && c->cursor > 0)
		c->cursor--;
	else if (key == 'g' || key == KEY_FIRST)
		c->cursor = 0;
	else if (key == 'G' || key == KEY_LAST)
		c->cursor = c->count - 1;
	if (c->cursor == was)
		return;
	show_cursor(m);
	/* what stands above the first belongs to it */
	if (c->cursor == 0)
		c->top = 0;
}

static void
scroll(struct tui *m, bool down, size_t by)
{
	struct tui_changes *c = &m->changes;
	const size_t height = tui_case_rows(m);
	const size_t last = c->rows.count > height ? c->rows.count - height : 0;

	if (down)
		c->top = c->top + by < last ? c->top + by : last;
	else
		c->top = c->top > by ? c->top - by : 0;
}

/* ---- applying ------------------------------------------------------------- */

static enum tui_may
may_at_all(const struct tui *m)
{
	if (!m->link)
		return MAY_NO_LINK;
	if (m->busy[0] != '\0')
		return MAY_BUSY;
	if (m->changes.id[0] == '\0' || strcmp(m->changes.id, m->input_id) != 0)
		return MAY_LOADING;
	return m->paste || m->unfocused ? MAY_UNFOCUSED : MAY_YES;
}

enum tui_may
tui_may_apply(const struct tui *m, bool all, int64_t now)
{
	const enum tui_may may = may_at_all(m);

	if (may != MAY_YES)
		return may;
	if (m->changes.count == 0 || (!all && tui_changes_marked(m) == 0))
		return MAY_NOTHING_FOCUSED;
	if (m->changes.page.text.failed != 0 || m->changes.rows.count == 0)
		return MAY_NOT_WHOLE;
	if (tui_changes_unread(m, all) > 0)
		return MAY_PART_HIDDEN;
	if (tui_arming(m, now) > 0 || now - m->changes.since_ns < TUI_ARM_NS)
		return MAY_ARMING;
	if (m->mode == MODE_APPLY &&
	    (!m->changes.drawn || now - m->mode_ns < TUI_ARM_NS))
		return MAY_ARMING;
	return MAY_YES;
}

static void
send(struct tui *m, const char *what)
{
	struct tui_order o = { .kind = ORDER_APPLY, .view = m->view };

	set(o.id, sizeof(o.id), m->changes.id);
	set(o.scope, sizeof(o.scope), what);
	set(m->busy, sizeof(m->busy), m->changes.id);
	m->mode = MODE_CHANGES;
	tui_want(m, &o);
}

static void
refuse(struct tui *m, enum tui_may may, bool all, int64_t now)
{
	if (may == MAY_PART_HIDDEN)
		tui_note(m, STYLE_WARN, now,
		    "Not read to the end yet: %zu (j, PgDn show them).",
		    tui_changes_unread(m, all));
	else if (may == MAY_NOTHING_FOCUSED)
		tui_note(m, STYLE_WARN, now,
		    "Nothing is marked: space marks, A is all of them.");
	else if (may == MAY_ARMING)
		tui_note(m, STYLE_WARN, now, "Too soon: wait a moment.");
	else
		tui_note(m, STYLE_WARN, now, "%s", tui_may_text(may));
}

static void
ask(struct tui *m, bool all, int64_t now)
{
	const enum tui_may may = tui_may_apply(m, all, now);

	if (may != MAY_YES) {
		refuse(m, may, all, now);
		return;
	}
	m->changes.all = all;
	m->changes.drawn = false;
	m->mode = MODE_APPLY;
	m->mode_ns = now;
}

static void
drop(struct tui *m, int64_t now)
{
	const enum tui_may may = may_at_all(m);

	if (may != MAY_YES)
		refuse(m, may, true, now);
	else if (now - m->typed_ns < TUI_BURST_NS)
		refuse(m, MAY_TYPING, true, now);
	else
		send(m, "none");
}

static void
answer(struct tui *m, int key, int64_t now)
{
	const enum tui_may may = tui_may_apply(m, m->changes.all, now);

	if (key == KEY_ESCAPE || key == KEY_CTRL_C) {
		m->mode = MODE_CHANGES;
		tui_note(m, STYLE_PLAIN, now, "Nothing was applied.");
	} else if (key == KEY_RETURN && may == MAY_YES) {
		send(m, m->changes.all ? "all" : "some");
	} else if (key == KEY_RETURN && may != MAY_ARMING) {
		m->mode = MODE_CHANGES;
		refuse(m, may, m->changes.all, now);
	}
}

static void
chosen(struct tui *m, int key, int64_t now)
{
	switch (key) {
	case ' ':
		mark(m, now);
		break;
	case 'a':
		ask(m, false, now);
		break;
	case 'A':
		ask(m, true, now);
		break;
	case 'n':
		drop(m, now);
		break;
	case 'J':
	case 'K':
		scroll(m, key == 'J', 1);
		break;
	case KEY_PAGE_DOWN:
	case KEY_PAGE_UP:
	case 'f':
	case 'b':
		scroll(m, key == KEY_PAGE_DOWN || key == 'f', tui_case_rows(m));
		break;
	default:
		move(m, key);
		break;
	}
}

void
tui_changes_input(struct tui *m, int key, int64_t now)
{
	/* what was pasted is no key, and the end of a line no answer */
	if (m->paste)
		return;
	if (m->mode == MODE_APPLY)
		answer(m, key, now);
	else if (key == KEY_ESCAPE || key == KEY_CTRL_C || key == 'q' ||
	    key == 'h' || key == KEY_LEFT_)
		m->mode = MODE_NORMAL;
	else if (m->changes.count > 0)
		chosen(m, key, now);
	else if (key == 'n')
		drop(m, now);
}

/* ---- shown ---------------------------------------------------------------- */

bool
tui_changes_key(struct tui *m, int64_t now)
{
	const struct tui_entry *e = tui_focused(m);
	struct tui_order o = { .kind = ORDER_CHANGES, .view = m->view };

	if (m->view != VIEW_HISTORY || e == NULL)
		return false;
	m->in_case = true;
	tui_resize(m, m->rows, m->columns, now);
	forget(&m->changes);
	m->mode = MODE_CHANGES;
	m->mode_ns = now;
	set(m->input_id, sizeof(m->input_id), e->id);
	set(o.id, sizeof(o.id), e->id);
	tui_want(m, &o);
	return true;
}

void
tui_show_changes(struct tui *m, const char *id, struct tui_change *list,
    size_t count, struct page *page, int64_t now)
{
	struct tui_changes *c = &m->changes;
	struct page old;

	if (!tui_shows_changes(m) || strcmp(m->input_id, id) != 0) {
		for (size_t i = 0; i < count; i++)
			mem_freep(&list[i].path);
		free(list);
		return;
	}
	forget(c);
	old = c->page;
	m->mode = MODE_CHANGES;
	set(c->id, sizeof(c->id), id);
	c->at = list;
	c->count = count;
	c->page = *page;
	*page = old;
	page_reset(page);
	c->since_ns = now;
	tui_changes_lay_out(m);
	tui_disturb(m, now);
}
