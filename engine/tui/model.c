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

static void
want_case(struct tui *m, const char *id)
{
	struct tui_order o = { .kind = ORDER_LOAD, .view = m->view };

	set(o.id, sizeof(o.id), id);
	tui_want(m, &o);
}

/* ---- entries ------------------------------------------------------------- */

static void
entry_done(struct tui_entry *e)
{
	mem_freep(&e->title);
	mem_freep(&e->agent);
	mem_freep(&e->place);
	mem_freep(&e->rule);
	mem_freep(&e->failed);
}

struct tui_list *
tui_list(struct tui *m)
{
	return &m->lists[m->view];
}

/* Where id is, or where it would be; lists are in the order of their ids,
 * which is that of time. */
static size_t
place_of(const struct tui_list *l, const char *id)
{
	size_t low = 0, high = l->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(l->at[middle].id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct tui_entry *
tui_find(struct tui *m, enum tui_view view, const char *id)
{
	struct tui_list *l = &m->lists[view];
	const size_t i = place_of(l, id);

	return i < l->count && strcmp(l->at[i].id, id) == 0 ? &l->at[i] : NULL;
}

const struct tui_entry *
tui_focused(const struct tui *m)
{
	const struct tui_list *l = &m->lists[m->view];
	const size_t i = place_of(l, l->focus);

	return l->focus[0] != '\0' && i < l->count &&
		strcmp(l->at[i].id, l->focus) == 0
	    ? &l->at[i]
	    : NULL;
}

static bool
has_word(const char *text, const char *word)
{
	return text != NULL && strcasestr(text, word) != NULL;
}

/* "agent:codex", "rule:git", "state:done", or a text anywhere. */
bool
tui_matches(const struct tui *m, const struct tui_entry *e)
{
	const char *f = m->filter;

	if (f[0] == '\0')
		return true;
	if (strncmp(f, "agent:", 6) == 0)
		return has_word(e->agent, f + 6);
	if (strncmp(f, "rule:", 5) == 0)
		return has_word(e->rule, f + 5);
	if (strncmp(f, "state:", 6) == 0)
		return has_word(e->state, f + 6) ||
		    has_word(e->decision, f + 6);
	return has_word(e->title, f) || has_word(e->agent, f) ||
	    has_word(e->place, f) || has_word(e->rule, f) || has_word(e->id, f);
}

/* ---- choosing ------------------------------------------------------------ */

static void
close_case(struct tui *m)
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
tui_choose(struct tui *m, const char *id, bool by_person, int64_t now)
{
	struct tui_list *l = tui_list(m);
	char chosen[TUI_FIELD_MAX]; /* id may be the focus itself */

	set(chosen, sizeof(chosen), id);
	if (strcmp(l->focus, chosen) != 0 || strcmp(m->open.id, chosen) != 0) {
		set(l->focus, sizeof(l->focus), chosen);
		close_case(m);
		want_case(m, chosen);
	}
	m->opened = by_person;
	tui_disturb(m, now);
}

/* The next one that the filter shows, from place i on, or one before it. */
static const struct tui_entry *
nearest(struct tui *m, size_t i)
{
	const struct tui_list *l = tui_list(m);

	for (size_t k = i; k < l->count; k++) {
		if (tui_matches(m, &l->at[k]))
			return &l->at[k];
	}
	for (size_t k = i; k > 0; k--) {
		if (tui_matches(m, &l->at[k - 1]))
			return &l->at[k - 1];
	}
	return NULL;
}

/* Something is always chosen while there is something; never by stealing the
 * focus from what is chosen already. */
static void
choose_something(struct tui *m, size_t from, int64_t now)
{
	const struct tui_entry *e;

	if (tui_focused(m) != NULL && tui_matches(m, tui_focused(m)))
		return;
	e = nearest(m, from);
	if (e != NULL) {
		tui_choose(m, e->id, false, now);
	} else {
		tui_list(m)->focus[0] = '\0';
		m->opened = m->in_case = false;
		close_case(m);
	}
}

/* ---- what comes from the daemon ------------------------------------------ */

static void
changed(struct tui *m, const struct tui_entry *was, const struct tui_entry *e,
    int64_t now)
{
	if (strcmp(m->open.id, e->id) != 0)
		return;
	/* the same version of the same action: who looks is no change */
	if (strcmp(was->sha256, e->sha256) == 0 &&
	    strcmp(m->open.etag, e->etag) == 0)
		return;
	if (strcmp(was->sha256, e->sha256) != 0) {
		m->opened = false;
		m->open.etag[0] = '\0';
		tui_disturb(m, now);
		tui_note(m, STYLE_WARN, now,
		    "It is another action now: look at it again.");
	}
	want_case(m, e->id);
}

void
tui_put(struct tui *m, enum tui_view view, struct tui_entry *e, int64_t now)
{
	struct tui_list *l = &m->lists[view];
	const size_t i = place_of(l, e->id);
	struct tui_entry *there = tui_find(m, view, e->id);

	if (there != NULL) {
		if (view == m->view)
			changed(m, there, e, now);
		tui_mark_keep(there, e);
		entry_done(there);
		*there = *e;
		there->stale = false;
	} else if (l->count >= TUI_ENTRIES_MAX ||
	    mem_grow(&l->at, &l->cap, l->count + 1, sizeof(*l->at)) != 0) {
		entry_done(e);
	} else {
		memmove(
		    &l->at[i + 1], &l->at[i], (l->count - i) * sizeof(*l->at));
		l->at[i] = *e;
		l->count++;
		if (view == VIEW_WAITING)
			m->arrived++;
		if (view == m->view)
			choose_something(m, i, now);
	}
	*e = (struct tui_entry){ 0 };
}

static void
forget(struct tui *m, enum tui_view view, size_t i, int64_t now)
{
	struct tui_list *l = &m->lists[view];
	const bool focused = strcmp(l->focus, l->at[i].id) == 0;

	entry_done(&l->at[i]);
	l->count--;
	memmove(&l->at[i], &l->at[i + 1], (l->count - i) * sizeof(*l->at));
	if (!focused)
		return;
	l->focus[0] = '\0';
	if (view != m->view)
		return;
	if (m->mode != MODE_HELP && m->mode != MODE_FILTER)
		m->mode = MODE_NORMAL;
	m->in_case = m->full = false;
	choose_something(m, i, now);
}

void
tui_gone(struct tui *m, enum tui_view view, const char *id, const char *how,
    int64_t now)
{
	struct tui_list *l = &m->lists[view];
	const size_t i = place_of(l, id);

	if (i >= l->count || strcmp(l->at[i].id, id) != 0)
		return;
	if (how != NULL && view == m->view && strcmp(l->focus, id) == 0 &&
	    strcmp(m->busy, id) != 0 && strcmp(m->own, id) != 0)
		tui_note(m, STYLE_LABEL, now, "Decided elsewhere: %s.", how);
	forget(m, view, i, now);
}

void
tui_sync_begin(struct tui *m, enum tui_view view)
{
	struct tui_list *l = &m->lists[view];

	for (size_t i = 0; i < l->count; i++)
		l->at[i].stale = true;
}

void
tui_sync_end(struct tui *m, enum tui_view view, int64_t now)
{
	struct tui_list *l = &m->lists[view];

	for (size_t i = l->count; i > 0; i--) {
		if (l->at[i - 1].stale)
			forget(m, view, i - 1, now);
	}
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
		tui_disturb(m, now);
		if (up && m->lists[m->view].focus[0] != '\0')
			want_case(m, m->lists[m->view].focus);
	}
	if (up && !m->link && m->health.known)
		tui_note(m, STYLE_GOOD, now, "The daemon is back.");
	if (!up)
		tui_note(m, STYLE_BAD, now, "No daemon: %s", why);
	m->link = up;
}

/* ---- the case ------------------------------------------------------------ */

static void
lay_out(struct tui *m)
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
	lay_out(m);
	if (follow)
		show_end(m);
	if (m->view == VIEW_WAITING) {
		o->top = 0;
		tui_disturb(m, now);
	}
}

static void
lay_out_preview(struct tui *m)
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

	if ((m->mode != MODE_GRANT && m->mode != MODE_RULE) ||
	    strcmp(m->input_id, id) != 0)
		return;
	set(v->id, sizeof(v->id), id);
	v->possible = possible;
	v->since_ns = now;
	v->page = *page;
	*page = old;
	page_reset(page);
	lay_out_preview(m);
}

void
tui_cannot_show(struct tui *m, const char *id, const char *why, int64_t now)
{
	if (strcmp(m->lists[m->view].focus, id) != 0)
		return;
	close_case(m);
	set(m->open.id, sizeof(m->open.id), id);
	set(m->open.why_not, sizeof(m->open.why_not), why);
	tui_disturb(m, now);
}

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
	};
	const bool ruled = o->kind == ORDER_ALLOW || o->kind == ORDER_DENY;

	assert(o->kind < ARRAY_LEN(done) && done[o->kind] != NULL);
	if (ruled) {
		set(m->own, sizeof(m->own), o->id);
		set(m->undo_id, sizeof(m->undo_id), o->id);
		m->undo_ns = now;
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
		want_case(m, m->lists[m->view].focus);
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
	lay_out(m);
	lay_out_preview(m);
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
	if (l.case_width > 0 && strcmp(m->open.id, id) == 0) {
		set(m->drawn_case, sizeof(m->drawn_case), id);
		m->drawn_stamp = m->stamp;
		if (m->mode == MODE_GRANT || m->mode == MODE_RULE) {
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
	};
	m->open.page.utf8 = utf8;
}

void
tui_done(struct tui *m)
{
	for (size_t v = 0; v < VIEW_COUNT; v++) {
		for (size_t i = 0; i < m->lists[v].count; i++)
			entry_done(&m->lists[v].at[i]);
		mem_freep(&m->lists[v].at);
	}
	page_done(&m->open.page);
	page_rows_done(&m->open.rows);
	page_done(&m->preview.page);
	page_rows_done(&m->preview.rows);
	mem_freep(&m->health.detail);
}
