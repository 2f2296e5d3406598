/*
 * The lists of the screen: what is in them, what is chosen, what the daemon
 * adds and takes away.
 * Runs in: assent.  Trusts: nothing of the texts; ids and hashes are only
 * compared.  Owns: the entries.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model.h"

static void
set(char *to, size_t size, const char *text)
{
	(void)snprintf(to, size, "%s", text);
}

/* ---- entries ------------------------------------------------------------- */

void
tui_entry_done(struct tui_entry *e)
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

void
tui_choose(struct tui *m, const char *id, bool by_person, int64_t now)
{
	struct tui_list *l = tui_list(m);
	char chosen[TUI_FIELD_MAX]; /* id may be the focus itself */

	set(chosen, sizeof(chosen), id);
	if (strcmp(l->focus, chosen) != 0 || strcmp(m->open.id, chosen) != 0) {
		set(l->focus, sizeof(l->focus), chosen);
		tui_close_case(m);
		tui_want_case(m, chosen);
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
		tui_close_case(m);
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
	tui_want_case(m, e->id);
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
		tui_entry_done(there);
		*there = *e;
		there->stale = false;
	} else if (l->count >= TUI_ENTRIES_MAX ||
	    mem_grow(&l->at, &l->cap, l->count + 1, sizeof(*l->at)) != 0) {
		tui_entry_done(e);
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

	tui_entry_done(&l->at[i]);
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
