/*
 * The case that is open, and what is shown before an answer that lasts: text
 * in rows, and how far a person has seen it.
 * Runs in: assent.  Trusts: nothing of the texts.  Owns: the two pages.
 */
#include <stdio.h>
#include <string.h>

#include "model.h"

static void
set(char *to, size_t size, const char *text)
{
	(void)snprintf(to, size, "%s", text);
}

/* ---- the case ------------------------------------------------------------ */

void
tui_close_case(struct tui *m)
{
	struct tui_case *c = &m->open;

	page_reset(&c->page);
	c->id[0] = c->sha256[0] = c->etag[0] = c->state[0] = '\0';
	c->why_not[0] = '\0';
	c->rows.count = c->rows.must = 0;
	c->top = c->seen = 0;
	c->whole = c->live = false;
	m->stamp++;
}

void
tui_lay_out(struct tui *m)
{
	struct tui_case *c = &m->open;
	const struct tui_layout l = tui_layout(m);
	struct err e = ERR_INIT;

	/* a case that is not shown now is laid out for when it is */
	const int width = l.case_width > 0 ? l.case_width : m->columns;

	if (page_layout(&c->page, width, &c->rows, &e) != 0) {
		c->whole = false;
		c->rows.count = 0;
		set(c->why_not, sizeof(c->why_not), e.msg);
	}
	if (c->top >= c->rows.count)
		c->top = c->rows.count > 0 ? c->rows.count - 1 : 0;
	c->seen = 0;
	m->stamp++;
}

size_t
tui_case_rows(const struct tui *m)
{
	const struct tui_layout l = tui_layout(m);

	return l.height > 1 ? (size_t)l.height - 1 : 1;
}

static size_t
last_top(const struct tui *m)
{
	const size_t height = tui_case_rows(m);
	const size_t count = m->open.rows.count;

	return count > height ? count - height : 0;
}

static bool
is_at_end(const struct tui *m)
{
	return m->open.top >= last_top(m);
}

static void
show_end(struct tui *m)
{
	m->open.top = last_top(m);
}

void
tui_show(
    struct tui *m, const struct tui_case *c, struct page *page, int64_t now)
{
	struct tui_case *o = &m->open;
	const bool again = strcmp(o->id, c->id) == 0;
	const bool follow = again && c->live && is_at_end(m);
	struct page old = o->page;

	if (strcmp(m->lists[m->view].focus, c->id) != 0)
		return;
	set(o->id, sizeof(o->id), c->id);
	set(o->sha256, sizeof(o->sha256), c->sha256);
	set(o->etag, sizeof(o->etag), c->etag);
	set(o->risk, sizeof(o->risk), c->risk);
	set(o->state, sizeof(o->state), c->state);
	o->whole = c->whole;
	o->live = c->live;
	o->why_not[0] = '\0';
	o->page = *page;
	*page = old;
	page_reset(page);
	if (!again)
		o->top = 0;
	tui_lay_out(m);
	if (follow)
		show_end(m);
	if (m->view == VIEW_WAITING) {
		o->top = 0;
		tui_disturb(m, now);
	}
}

bool
tui_shows_preview(const struct tui *m)
{
	return m->mode == MODE_GRANT || m->mode == MODE_RULE;
}

void
tui_lay_out_preview(struct tui *m)
{
	struct tui_preview *v = &m->preview;
	const struct tui_layout l = tui_layout(m);

	if (page_layout(&v->page, l.case_width > 0 ? l.case_width : m->columns,
		&v->rows, NULL) != 0)
		v->possible = false;
	v->top = v->seen = 0;
	v->drawn = false;
}

void
tui_show_preview(struct tui *m, const char *id, bool possible,
    struct page *page, int64_t now)
{
	struct tui_preview *v = &m->preview;
	struct page old = v->page;

	if (!tui_shows_preview(m) || strcmp(m->input_id, id) != 0)
		return;
	set(v->id, sizeof(v->id), id);
	v->possible = possible;
	v->since_ns = now;
	v->page = *page;
	*page = old;
	page_reset(page);
	tui_lay_out_preview(m);
}

void
tui_cannot_show(struct tui *m, const char *id, const char *why, int64_t now)
{
	if (strcmp(m->lists[m->view].focus, id) != 0)
		return;
	tui_close_case(m);
	set(m->open.id, sizeof(m->open.id), id);
	set(m->open.why_not, sizeof(m->open.why_not), why);
	tui_disturb(m, now);
}
