/*
 * What the screen knows, and how events change it.
 * Runs in: assent.  Trusts: nothing of the texts; ids and hashes are only
 * compared.  Owns: the lists and the open case.
 */
#include "model.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static void
set(char *to, size_t size, const char *text)
{
	(void)snprintf(to, size, "%s", text);
}

void
tui_note(struct tui *m, enum style style, int64_t now, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(m->note, sizeof(m->note), fmt, ap);
	va_end(ap);
	m->note_style = style;
	m->note_ns = now;
}

/* Whatever it was, it may have been meant for something else. */
void
tui_disturb(struct tui *m, int64_t now)
{
	m->quiet_ns = now;
}

/* ---- orders -------------------------------------------------------------- */

static bool
same_wish(const struct tui_order *a, const struct tui_order *b)
{
	return a->kind == b->kind && a->view == b->view &&
	    (a->kind == ORDER_LOAD || a->kind == ORDER_LIST);
}

void
tui_want(struct tui *m, const struct tui_order *order)
{
	/* only the newest wish to look is of use */
	for (size_t i = 0; i < m->order_count; i++) {
		if (same_wish(&m->orders[i], order)) {
			m->orders[i] = *order;
			return;
		}
	}
	if (m->order_count < TUI_ORDERS_MAX)
		m->orders[m->order_count++] = *order;
}

bool
tui_order(struct tui *m, struct tui_order *ret)
{
	if (m->order_count == 0)
		return false;
	*ret = m->orders[0];
	m->order_count--;
	memmove(m->orders, m->orders + 1, m->order_count * sizeof(*ret));
	return true;
}

void
tui_want_case(struct tui *m, const char *id)
{
	struct tui_order o = { .kind = ORDER_LOAD, .view = m->view };

	set(o.id, sizeof(o.id), id);
	tui_want(m, &o);
}

void
tui_link(struct tui *m, bool up, const char *why, int64_t now)
{
	if (up != m->link) {
		/* whatever was on its way may or may not have come through:
		 * what the daemon says next is what counts */
		m->busy[0] = '\0';
		tui_batch_drop(m);
		m->open.etag[0] = '\0';
		m->opened = false;
		if (tui_shows_changes(m))
			m->mode = MODE_NORMAL;
		tui_disturb(m, now);
		if (up && m->lists[m->view].focus[0] != '\0')
			tui_want_case(m, m->lists[m->view].focus);
	}
	if (up && !m->link && m->health.known)
		tui_note(m, STYLE_GOOD, now, "The daemon is back.");
	if (!up)
		tui_note(m, STYLE_BAD, now, "No daemon: %s", why);
	m->link = up;
}

/* ---- what came of an answer ----------------------------------------------- */

static void
answer_succeeded(struct tui *m, const struct tui_order *o, int64_t now)
{
	static const char *const done[] = {
		[ORDER_ALLOW] = "Allowed",
		[ORDER_DENY] = "Denied",
		[ORDER_UNDO] = "Taken back",
		[ORDER_STOP] = "Told to stop",
		[ORDER_RAISE] = "Raised to others",
		[ORDER_REVOKE] = "Revoked",
		[ORDER_COPY] = "Copied",
		[ORDER_PREVIEW] = "Looked",
		[ORDER_RULE] = "Looked",
		[ORDER_SAVE_RULE] = "Rule written",
		[ORDER_EDIT] = "Edited",
		[ORDER_CHANGES] = "Looked",
		[ORDER_APPLY] = "Applied",
	};
	const bool ruled = o->kind == ORDER_ALLOW || o->kind == ORDER_DENY;

	assert(o->kind < ARRAY_LEN(done) && done[o->kind] != NULL);
	if (ruled) {
		set(m->own, sizeof(m->own), o->id);
		tui_undo_begin(m);
		tui_undo_add(m, o->id, now);
	}
	tui_note(m, STYLE_GOOD, now, "%s%s%s: %s%s", done[o->kind],
	    o->kind == ORDER_ALLOW ? ", " : "",
	    o->kind == ORDER_ALLOW ? o->scope : "", o->id,
	    ruled && (m->skills & SKILL_UNDO) != 0
		? " (u takes it back for 60 s)"
		: "");
}

void
tui_look_again(struct tui *m)
{
	m->opened = false;
	m->open.etag[0] = '\0';
	if (m->lists[m->view].focus[0] != '\0')
		tui_want_case(m, m->lists[m->view].focus);
}

void
tui_answered(
    struct tui *m, const struct tui_order *o, const char *why_not, int64_t now)
{
	if (o->batch) {
		tui_batch_answered(m, o, why_not, now);
		return;
	}
	m->busy[0] = '\0';
	if (why_not == NULL) {
		answer_succeeded(m, o, now);
		return;
	}
	if (o->kind == ORDER_APPLY) {
		tui_note(m, STYLE_BAD, now, "%s", why_not);
		return;
	}
	tui_note(m, STYLE_BAD, now, "Nothing was answered: %s", why_not);
	tui_look_again(m);
}

/* ---- the screen ---------------------------------------------------------- */

struct tui_layout
tui_layout(const struct tui *m)
{
	const bool both = m->columns >= 80 && m->rows >= 14 && !m->full;
	struct tui_layout l = { .top = 1, .bars = m->rows >= 14 };

	l.height = m->rows - 1 - (l.bars ? 2 : 1);
	if (l.height < 1)
		l.height = 1;
	l.entry_rows = l.height >= 10 ? 2 : 1;
	if (both) {
		l.list_width = m->columns * 3 / 10;
		if (l.list_width < 24)
			l.list_width = 24;
		if (l.list_width > 44)
			l.list_width = 44;
		l.case_x = l.list_width + 1;
		l.case_width = m->columns - l.case_x;
	} else if (m->in_case || m->full) {
		l.case_width = m->columns;
	} else {
		l.list_width = m->columns;
	}
	return l;
}

void
tui_resize(struct tui *m, int rows, int columns, int64_t now)
{
	m->rows = rows;
	m->columns = columns;
	tui_lay_out(m);
	tui_lay_out_preview(m);
	tui_changes_lay_out(m);
	tui_disturb(m, now);
}

void
tui_focus(struct tui *m, bool has_it, int64_t now)
{
	m->unfocused = !has_it;
	tui_disturb(m, now);
}

void
tui_paste(struct tui *m, bool begins, int64_t now)
{
	m->paste = begins;
	m->typed_ns = now;
	tui_disturb(m, now);
	if (begins && m->mode == MODE_NORMAL)
		tui_note(
		    m, STYLE_WARN, now, "Pasted text is not taken for keys.");
}

static int64_t
note_life(const struct tui *m)
{
	if (m->note_style == STYLE_WARN)
		return TUI_NOTE_WARN_NS;
	return m->note_style == STYLE_GOOD ? TUI_NOTE_GOOD_NS : TUI_NOTE_NS;
}

void
tui_tick(struct tui *m, int64_t now)
{
	/* the machine slept, the program was stopped, or the clock jumped */
	if (now < m->tick_ns || now - m->tick_ns > TUI_GAP_NS ||
	    now < m->quiet_ns) {
		tui_disturb(m, now);
		m->opened = false;
		tui_unsee_all(m);
	}
	m->tick_ns = now;
	if (m->note[0] != '\0' &&
	    (now < m->note_ns || now - m->note_ns > note_life(m)) && m->link)
		m->note[0] = '\0';
}

/* What is on the screen now joins what was seen before, without a gap. */
static void
mark_seen(size_t top, size_t height, size_t count, size_t *seen)
{
	const size_t end = top + height;

	if (top <= *seen && end > *seen)
		*seen = end < count ? end : count;
}

bool
tui_drawn(struct tui *m, int64_t now)
{
	const struct tui_layout l = tui_layout(m);
	const char *id = m->lists[m->view].focus;
	const bool is_new = strcmp(m->drawn, id) != 0;

	if (m->mode == MODE_HELP) {
		m->drawn[0] = m->drawn_case[0] = '\0';
		return false;
	}
	m->batch_drawn = m->mode == MODE_BATCH;
	set(m->drawn, sizeof(m->drawn), id);
	m->drawn_case[0] = '\0';
	if (l.case_width > 0 && tui_shows_changes(m)) {
		tui_changes_drawn(m);
	} else if (l.case_width > 0 && strcmp(m->open.id, id) == 0) {
		set(m->drawn_case, sizeof(m->drawn_case), id);
		m->drawn_stamp = m->stamp;
		if (tui_shows_preview(m)) {
			mark_seen(m->preview.top, tui_case_rows(m),
			    m->preview.rows.count, &m->preview.seen);
			m->preview.drawn = m->preview.id[0] != '\0';
		} else {
			mark_seen(m->open.top, tui_case_rows(m),
			    m->open.rows.count, &m->open.seen);
			tui_mark_shown(m);
		}
	}
	if (is_new)
		tui_disturb(m, now);
	/* it came up by itself, in the midst of whatever was typed */
	return is_new && id[0] != '\0' && m->view == VIEW_WAITING && !m->opened;
}

void
tui_init(struct tui *m, bool utf8, int64_t now)
{
	*m = (struct tui){
		.utf8 = utf8,
		.rows = 24,
		.columns = 80,
		.quiet_ns = now,
		.tick_ns = now,
		.open.page = PAGE_INIT,
		.preview.page = PAGE_INIT,
		.changes.page = PAGE_INIT,
	};
	m->open.page.utf8 = utf8;
}

void
tui_done(struct tui *m)
{
	for (size_t v = 0; v < VIEW_COUNT; v++) {
		for (size_t i = 0; i < m->lists[v].count; i++)
			tui_entry_done(&m->lists[v].at[i]);
		mem_freep(&m->lists[v].at);
	}
	page_done(&m->open.page);
	page_rows_done(&m->open.rows);
	page_done(&m->preview.page);
	page_rows_done(&m->preview.rows);
	tui_changes_done(&m->changes);
	mem_freep(&m->health.detail);
}
