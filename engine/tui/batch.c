/*
 * One answer to several items of the same kind that a person marked.
 * Runs in: assent.  Trusts: nothing of the texts.  Owns: nothing.
 *
 * Each keeps its own hash and ETag, and is answered by itself: what the daemon
 * refuses stays in the list and says why.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model.h"

#define TITLE_SHOWN 60

static void
set(char *to, size_t size, const char *text)
{
	(void)snprintf(to, size, "%s", text);
}

static struct tui_list *
waiting(struct tui *m)
{
	return &m->lists[VIEW_WAITING];
}

size_t
tui_marked(const struct tui *m)
{
	const struct tui_list *l = &m->lists[VIEW_WAITING];
	size_t n = 0;

	for (size_t i = 0; i < l->count; i++)
		n += l->at[i].marked ? 1 : 0;
	return n;
}

void
tui_unmark_all(struct tui *m)
{
	struct tui_list *l = waiting(m);

	for (size_t i = 0; i < l->count; i++)
		l->at[i].marked = false;
}

/* Nobody knows any more whether the same person looks: all is read anew. */
void
tui_unsee_all(struct tui *m)
{
	struct tui_list *l = waiting(m);

	for (size_t i = 0; i < l->count; i++)
		l->at[i].shown_etag[0] = '\0';
}

static bool
same_text(const char *a, const char *b)
{
	return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

static bool
same_kind(const struct tui_entry *a, const struct tui_entry *b)
{
	return strcmp(a->tool, b->tool) == 0 && same_text(a->rule, b->rule) &&
	    strcmp(a->decision, b->decision) == 0;
}

static const struct tui_entry *
first_marked(const struct tui *m)
{
	const struct tui_list *l = &m->lists[VIEW_WAITING];

	for (size_t i = 0; i < l->count; i++) {
		if (l->at[i].marked)
			return &l->at[i];
	}
	return NULL;
}

/* ---- marking ------------------------------------------------------------- */

static const char *
why_not_marked(const struct tui *m, const struct tui_entry *e)
{
	const struct tui_entry *first = first_marked(m);

	if (tui_is_critical(e))
		return "Of critical risk: it is answered by itself.";
	if (e->tool[0] == '\0')
		return "Nobody knows of what kind it is.";
	if (first != NULL && !same_kind(first, e))
		return "Of another kind (tool or rule) than the marked ones.";
	if (tui_marked(m) >= TUI_MARKS_MAX)
		return "No more can be marked at once.";
	return NULL;
}

void
tui_mark(struct tui *m, int64_t now)
{
	struct tui_entry *e = tui_find(m, VIEW_WAITING, waiting(m)->focus);
	const char *why_not;

	if (e == NULL)
		return;
	if (e->marked) {
		e->marked = false;
		return;
	}
	why_not = why_not_marked(m, e);
	if (why_not != NULL)
		tui_note(m, STYLE_WARN, now, "%s", why_not);
	else
		e->marked = true;
}

/* What a person did to an item holds for the same action only. */
void
tui_mark_keep(struct tui_entry *was, struct tui_entry *e)
{
	if (strcmp(was->sha256, e->sha256) != 0)
		return;
	set(e->shown_etag, sizeof(e->shown_etag), was->shown_etag);
	e->marked = was->marked && same_kind(was, e) && !tui_is_critical(e);
	e->failed = was->failed;
	was->failed = NULL;
}

/* The open case was on the screen up to its end. */
void
tui_mark_shown(struct tui *m)
{
	const struct tui_case *c = &m->open;
	struct tui_entry *e = tui_find(m, VIEW_WAITING, c->id);

	if (m->view != VIEW_WAITING || e == NULL || !m->opened ||
	    m->unfocused || !c->whole || c->rows.count == 0 ||
	    c->seen < c->rows.must || strcmp(c->state, "pending") != 0 ||
	    strcmp(c->sha256, e->sha256) != 0)
		return;
	set(e->shown_etag, sizeof(e->shown_etag), c->etag);
}

/* ---- may they be allowed? ------------------------------------------------ */

/* All but the clock; *ret_which: the first that is in the way. */
static enum tui_may
may_be_allowed(const struct tui *m, const struct tui_entry **ret_which)
{
	const struct tui_list *l = &m->lists[VIEW_WAITING];
	const enum tui_may may = tui_may_at_all(m);

	if (may != MAY_YES)
		return may;
	if (m->unfocused || m->paste)
		return MAY_UNFOCUSED;
	for (size_t i = 0; i < l->count; i++) {
		*ret_which = &l->at[i];
		if (!l->at[i].marked)
			continue;
		if (!tui_matches(m, &l->at[i]))
			return MAY_NOT_DRAWN;
		if (l->at[i].shown_etag[0] == '\0')
			return MAY_PART_HIDDEN;
	}
	*ret_which = NULL;
	return MAY_YES;
}

enum tui_may
tui_may_batch(const struct tui *m, int64_t now)
{
	const struct tui_entry *which = NULL;
	const enum tui_may may = may_be_allowed(m, &which);

	if (may != MAY_YES)
		return may;
	if (tui_arming(m, now) > 0)
		return MAY_ARMING;
	if (m->mode == MODE_BATCH &&
	    (!m->batch_drawn || now - m->mode_ns < TUI_ARM_NS))
		return MAY_ARMING;
	return MAY_YES;
}

static void
refuse(struct tui *m, enum tui_may may, int64_t now)
{
	const struct tui_entry *which = NULL;

	(void)may_be_allowed(m, &which);
	if (which == NULL)
		tui_note(m, STYLE_WARN, now, "%s", tui_may_text(may));
	else
		tui_note(m, STYLE_WARN, now, "%s %s: %.*s",
		    may == MAY_PART_HIDDEN ? "Not read to its end yet:"
					   : "The filter hides a marked one:",
		    which->id, TITLE_SHOWN,
		    which->title == NULL ? "" : which->title);
}

/* ---- answering ----------------------------------------------------------- */

void
tui_batch_begin(struct tui *m, size_t count)
{
	m->batch_left = count;
	m->batch_failed = m->batch_done = 0;
	set(m->busy, sizeof(m->busy), "the marked ones");
}

static void
send_all(struct tui *m, enum tui_order_kind kind, const char *text, int64_t now)
{
	struct tui_list *l = waiting(m);
	const size_t count = tui_marked(m);

	/* what does not fit would be lost in silence */
	if (m->order_count + count > TUI_ORDERS_MAX) {
		tui_note(m, STYLE_WARN, now, "Too much at once: try again.");
		return;
	}
	tui_batch_begin(m, count);
	tui_undo_begin(m);
	for (size_t i = 0; i < l->count; i++) {
		struct tui_order o = {
			.kind = kind, .view = VIEW_WAITING, .batch = true
		};

		if (!l->at[i].marked)
			continue;
		set(o.id, sizeof(o.id), l->at[i].id);
		set(o.sha256, sizeof(o.sha256), l->at[i].sha256);
		set(o.etag, sizeof(o.etag), l->at[i].shown_etag);
		set(o.scope, sizeof(o.scope), "once");
		set(o.text, sizeof(o.text), text);
		tui_want(m, &o);
	}
	tui_unmark_all(m);
}

static void
ask_once_more(struct tui *m, int64_t now)
{
	const enum tui_may may = tui_may_batch(m, now);

	if (may != MAY_YES) {
		refuse(m, may, now);
		return;
	}
	m->mode = MODE_BATCH;
	m->mode_ns = now;
	m->batch_count = tui_marked(m);
	m->batch_drawn = false;
}

bool
tui_batch_key(struct tui *m, int key, int64_t now)
{
	if (m->view != VIEW_WAITING || tui_marked(m) == 0)
		return false;
	if (key == 'a') {
		ask_once_more(m, now);
	} else if (key == 'd') {
		const enum tui_may may = tui_may_deny(m, now);

		if (may == MAY_YES)
			send_all(m, ORDER_DENY, "", now);
		else
			tui_note(m, STYLE_WARN, now, "%s", tui_may_text(may));
	} else if (strchr("mstREM", key < 0x80 ? key : 'x') != NULL) {
		tui_note(m, STYLE_WARN, now,
		    "Of the marked ones only a and d: Esc unmarks them.");
	} else {
		return false;
	}
	return true;
}

void
tui_batch_input(struct tui *m, int key, int64_t now)
{
	enum tui_may may;

	if (key != KEY_RETURN && key != KEY_ESCAPE && key != KEY_CTRL_C)
		return;
	may = tui_may_batch(m, now);
	if (key != KEY_RETURN) {
		m->mode = MODE_NORMAL;
		tui_note(m, STYLE_PLAIN, now, "Nothing was answered.");
	} else if (tui_marked(m) != m->batch_count) {
		m->mode = MODE_NORMAL;
		tui_note(m, STYLE_WARN, now,
		    "The marked ones are not the same any more: nothing was "
		    "answered.");
	} else if (may == MAY_ARMING) {
		tui_note(m, STYLE_WARN, now, "%s", tui_may_text(may));
	} else if (may != MAY_YES) {
		m->mode = MODE_NORMAL;
		refuse(m, may, now);
	} else {
		m->mode = MODE_NORMAL;
		send_all(m, ORDER_ALLOW, "", now);
	}
}

/* ---- what came of it ----------------------------------------------------- */

static void
failed(struct tui *m, const struct tui_order *o, const char *why)
{
	struct tui_entry *e = tui_find(m, VIEW_WAITING, o->id);

	m->batch_failed++;
	if (e != NULL) {
		mem_freep(&e->failed);
		e->failed = mem_strndup(why, strnlen(why, TUI_NOTE_MAX));
		e->shown_etag[0] = '\0';
	}
	if (strcmp(m->open.id, o->id) == 0)
		tui_look_again(m);
}

void
tui_batch_answered(
    struct tui *m, const struct tui_order *o, const char *why_not, int64_t now)
{
	const char *verb = o->kind == ORDER_ALLOW ? "allowed"
	    : o->kind == ORDER_UNDO               ? "taken back"
						  : "denied";

	if (why_not == NULL) {
		m->batch_done++;
		set(m->own, sizeof(m->own), o->id);
		if (o->kind != ORDER_UNDO)
			tui_undo_add(m, o->id, now);
	} else {
		failed(m, o, why_not);
	}
	if (m->batch_left > 0)
		m->batch_left--;
	if (m->batch_left > 0)
		return;
	m->busy[0] = '\0';
	if (m->batch_failed == 0)
		tui_note(m, STYLE_GOOD, now, "%zu %s.%s", m->batch_done, verb,
		    tui_can_undo(m, now) ? " u takes them back for 60 s." : "");
	else
		tui_note(m, STYLE_BAD, now, "%zu %s, %zu not: %s",
		    m->batch_done, verb, m->batch_failed,
		    why_not != NULL ? why_not : "each says why");
}

/* The line broke: what was not sent yet is not sent later either. */
void
tui_batch_drop(struct tui *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->order_count; i++) {
		if (!m->orders[i].batch)
			m->orders[kept++] = m->orders[i];
	}
	m->order_count = kept;
	m->batch_left = 0;
	tui_unmark_all(m);
	tui_unsee_all(m);
	if (m->mode == MODE_BATCH)
		m->mode = MODE_NORMAL;
}
