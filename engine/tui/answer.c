/*
 * When a key is an answer. It is one only for the case that was on the screen,
 * whole, and quiet for a while, when it was pressed.
 * Runs in: assent.  Trusts: the clock it is given to go forward; when it does
 * not, nothing is armed.  Owns: nothing.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model.h"

static void
set(char *to, size_t size, const char *text)
{
	(void)snprintf(to, size, "%s", text);
}

/* ---- may it be answered? ------------------------------------------------- */

int64_t
tui_arming(const struct tui *m, int64_t now)
{
	const int64_t quiet = now - m->quiet_ns;

	if (quiet < 0)
		return TUI_ARM_NS;
	return quiet >= TUI_ARM_NS ? 0 : TUI_ARM_NS - quiet;
}

enum tui_may
tui_may_at_all(const struct tui *m)
{
	const struct tui_entry *e = tui_focused(m);

	if (m->view != VIEW_WAITING || e == NULL)
		return MAY_NOTHING_FOCUSED;
	if (!m->link)
		return MAY_NO_LINK;
	if (m->busy[0] != '\0')
		return MAY_BUSY;
	if (strcmp(m->drawn, e->id) != 0)
		return MAY_NOT_DRAWN;
	return MAY_YES;
}

/* All but the clock. */
static enum tui_may
may_be_allowed(const struct tui *m)
{
	const struct tui_entry *e = tui_focused(m);
	const struct tui_case *c = &m->open;
	const enum tui_may at_all = tui_may_at_all(m);

	if (at_all != MAY_YES)
		return at_all;
	if (!m->opened)
		return MAY_NOT_OPENED;
	/* the case is this entry's, and of the very hash in the list */
	if (strcmp(c->id, e->id) != 0 || c->etag[0] == '\0' ||
	    strcmp(c->sha256, e->sha256) != 0 ||
	    strcmp(c->state, "pending") != 0)
		return MAY_LOADING;
	if (m->drawn_stamp != m->stamp || strcmp(m->drawn_case, e->id) != 0)
		return MAY_NOT_DRAWN;
	if (!c->whole)
		return MAY_NOT_WHOLE;
	if (c->rows.count == 0 || c->seen < c->rows.must)
		return MAY_PART_HIDDEN;
	if (m->unfocused || m->paste)
		return MAY_UNFOCUSED;
	return MAY_YES;
}

bool
tui_is_critical(const struct tui_entry *e)
{
	if (e == NULL)
		return true;
	return strcmp(e->risk, "low") != 0 && strcmp(e->risk, "medium") != 0 &&
	    strcmp(e->risk, "high") != 0;
}

enum tui_may
tui_may_allow(const struct tui *m, int64_t now)
{
	const enum tui_may may = may_be_allowed(m);

	if (may != MAY_YES)
		return may;
	if (tui_arming(m, now) > 0)
		return MAY_ARMING;
	return tui_is_critical(tui_focused(m)) ? MAY_TYPE_WORD : MAY_YES;
}

enum tui_may
tui_may_deny(const struct tui *m, int64_t now)
{
	const enum tui_may may = tui_may_at_all(m);

	if (may != MAY_YES)
		return may;
	if (m->paste)
		return MAY_UNFOCUSED;
	return now - m->typed_ns < TUI_BURST_NS ? MAY_TYPING : MAY_YES;
}

const char *
tui_may_text(enum tui_may may)
{
	static const char *const texts[] = {
		[MAY_YES] = "",
		[MAY_TYPE_WORD] = "",
		[MAY_ARMING] = "Too soon: wait until the bar is full.",
		[MAY_NOTHING_FOCUSED] = "Nothing is chosen.",
		[MAY_NOT_OPENED] = "Open it first: Enter.",
		[MAY_LOADING] = "Not loaded yet.",
		[MAY_NOT_WHOLE] = "It cannot be shown whole here: deny it, or "
				  "look at it with 'assent pending --long'.",
		[MAY_PART_HIDDEN] = "Part of it is not shown yet: scroll to "
				    "its end (space or PgDn).",
		[MAY_UNFOCUSED] = "This window has not the focus.",
		[MAY_NO_LINK] = "No daemon: nothing can be answered.",
		[MAY_BUSY] = "An answer is on its way.",
		[MAY_TYPING] = "That came in the middle of typing: press it "
			       "again.",
		[MAY_NOT_DRAWN] = "It was not on the screen yet: press again.",
	};

	return (size_t)may < ARRAY_LEN(texts) ? texts[may] : "";
}

/* Made from the hash, so that it belongs to this action. */
void
tui_word(const struct tui *m, char ret[static TUI_WORD_LEN + 1])
{
	static const char consonants[] = "bdfgklmnprstvz";
	static const char vowels[] = "aeiou";
	uint8_t bytes[TUI_WORD_LEN] = { 0 };

	(void)text_unhex(
	    str_n(m->open.sha256, 2 * TUI_WORD_LEN), bytes, sizeof(bytes));
	for (size_t i = 0; i < TUI_WORD_LEN; i++)
		ret[i] = i % 2 == 0
		    ? consonants[bytes[i] % (sizeof(consonants) - 1)]
		    : vowels[bytes[i] % (sizeof(vowels) - 1)];
	ret[TUI_WORD_LEN] = '\0';
}

/* ---- answering ----------------------------------------------------------- */

static void
send(struct tui *m, enum tui_order_kind kind, const char *scope,
    const char *text)
{
	const struct tui_entry *e = tui_focused(m);
	struct tui_order o = { .kind = kind, .view = m->view };

	set(o.id, sizeof(o.id), e->id);
	set(o.sha256, sizeof(o.sha256), e->sha256);
	if (strcmp(m->open.id, e->id) == 0 &&
	    strcmp(m->open.sha256, e->sha256) == 0)
		set(o.etag, sizeof(o.etag), m->open.etag);
	set(o.scope, sizeof(o.scope), scope);
	set(o.text, sizeof(o.text), text);
	set(m->busy, sizeof(m->busy), e->id);
	tui_want(m, &o);
}

static void
refuse(struct tui *m, enum tui_may may, int64_t now)
{
	tui_note(m, STYLE_WARN, now, "%s", tui_may_text(may));
}

static void
ask(struct tui *m, enum tui_mode mode, const char *scope, const char *preset,
    int64_t now)
{
	m->mode = mode;
	m->mode_ns = now;
	set(m->input, sizeof(m->input), preset);
	set(m->input_scope, sizeof(m->input_scope), scope);
	set(m->input_id, sizeof(m->input_id), tui_focused(m)->id);
}

/* What lasts is given after a look at all that it would match. */
void
tui_look_first(struct tui *m, enum tui_mode mode, enum tui_order_kind kind,
    const char *scope, int64_t now)
{
	struct tui_order o = { .kind = kind, .view = m->view };

	ask(m, mode, scope, "", now);
	m->preview.id[0] = '\0';
	m->preview.possible = m->preview.drawn = false;
	page_reset(&m->preview.page);
	m->preview.rows.count = 0;
	set(o.id, sizeof(o.id), m->input_id);
	set(o.scope, sizeof(o.scope), scope);
	tui_want(m, &o);
}

static void
allow(struct tui *m, const char *scope, int64_t now)
{
	const enum tui_may may = tui_may_allow(m, now);

	if (may == MAY_TYPE_WORD) {
		/* a critical risk is allowed once, and by a word */
		if (strcmp(scope, "once") != 0)
			tui_note(m, STYLE_WARN, now,
			    "Of critical risk: it can be allowed once only "
			    "(a).");
		else
			ask(m, MODE_WORD, scope, "", now);
	} else if (may != MAY_YES) {
		refuse(m, may, now);
	} else if (strcmp(scope, "until") == 0) {
		ask(m, MODE_UNTIL, scope, "1h", now);
	} else if (strcmp(scope, "session") == 0) {
		tui_look_first(m, MODE_GRANT, ORDER_PREVIEW, scope, now);
	} else {
		send(m, ORDER_ALLOW, scope, "");
	}
}

static void
deny(struct tui *m, bool with_words, int64_t now)
{
	const enum tui_may may = tui_may_deny(m, now);

	if (may != MAY_YES)
		refuse(m, may, now);
	else if (with_words)
		ask(m, MODE_MESSAGE, "once", "", now);
	else
		send(m, ORDER_DENY, "once", "");
}

bool
tui_can_undo(const struct tui *m, int64_t now)
{
	return (m->skills & SKILL_UNDO) != 0 && m->undo_count > 0 &&
	    now >= m->undo_ns && now - m->undo_ns < TUI_UNDO_NS;
}

void
tui_undo_begin(struct tui *m)
{
	m->undo_count = 0;
}

void
tui_undo_add(struct tui *m, const char *id, int64_t now)
{
	if (m->undo_count == TUI_MARKS_MAX)
		return;
	set(m->undo_ids[m->undo_count++], TUI_FIELD_MAX, id);
	m->undo_ns = now;
}

/* Several that were answered at once are taken back at once. */
static void
undo(struct tui *m, int64_t now)
{
	struct tui_order o = { .kind = ORDER_UNDO, .batch = m->undo_count > 1 };

	if (!tui_can_undo(m, now)) {
		tui_note(m, STYLE_WARN, now, "Nothing to take back.");
		return;
	}
	if (m->busy[0] != '\0' ||
	    m->order_count + m->undo_count > TUI_ORDERS_MAX) {
		refuse(m, MAY_BUSY, now);
		return;
	}
	if (o.batch)
		tui_batch_begin(m, m->undo_count);
	for (size_t i = 0; i < m->undo_count; i++) {
		set(o.id, sizeof(o.id), m->undo_ids[i]);
		tui_want(m, &o);
	}
	m->undo_count = 0;
}

static void
raise_it(struct tui *m, int64_t now)
{
	const enum tui_may may = tui_may_at_all(m);

	if (may != MAY_YES)
		refuse(m, may, now);
	else if (m->open.etag[0] == '\0')
		refuse(m, MAY_LOADING, now);
	else
		ask(m, MODE_RAISE, "", "", now);
}

/* No answer; but who edits what he has not looked at edits something else. */
static void
edit(struct tui *m, int64_t now)
{
	const enum tui_may may = tui_may_deny(m, now);

	if (may != MAY_YES)
		refuse(m, may, now);
	else if (!m->opened)
		refuse(m, MAY_NOT_OPENED, now);
	else if (m->open.etag[0] == '\0' ||
	    strcmp(m->drawn_case, m->open.id) != 0)
		refuse(m, MAY_LOADING, now);
	else
		send(m, ORDER_EDIT, "", "");
}

bool
tui_answer_key(struct tui *m, int key, int64_t now)
{
	if (tui_batch_key(m, key, now))
		return true;
	switch (key) {
	case 'a':
		allow(m, "once", now);
		return true;
	case 's':
		if ((m->skills & SKILL_SCOPE) == 0)
			return false;
		allow(m, "session", now);
		return true;
	case 't':
		if ((m->skills & SKILL_SCOPE) == 0)
			return false;
		allow(m, "until", now);
		return true;
	case 'd':
		deny(m, false, now);
		return true;
	case 'm':
		deny(m, true, now);
		return true;
	case 'u':
		if ((m->skills & SKILL_UNDO) == 0)
			return false;
		undo(m, now);
		return true;
	case 'R':
		if ((m->skills & SKILL_RAISE) == 0)
			return false;
		raise_it(m, now);
		return true;
	case 'M':
		return tui_rule_key(m, now);
	case 'E':
		if ((m->skills & SKILL_EDIT) == 0)
			return false;
		edit(m, now);
		return true;
	default:
		return false;
	}
}

/* ---- prompts ------------------------------------------------------------- */

/* What was asked about may have gone, or another may be chosen by now. */
static bool
still_about(struct tui *m, int64_t now)
{
	const struct tui_entry *e = tui_focused(m);

	if (e != NULL && strcmp(e->id, m->input_id) == 0)
		return true;
	m->mode = MODE_NORMAL;
	tui_note(m, STYLE_WARN, now,
	    "It is not there any more: nothing was answered.");
	return false;
}

/* The prompt must have been there for a while; its keys may be quick. */
static void
finish_allow(struct tui *m, const char *text, int64_t now)
{
	const enum tui_may may = may_be_allowed(m);

	m->mode = MODE_NORMAL;
	if (may != MAY_YES)
		refuse(m, may, now);
	else if (now - m->mode_ns < TUI_ARM_NS)
		refuse(m, MAY_ARMING, now);
	else
		send(m, ORDER_ALLOW, m->input_scope, text);
}

static void
finish_word(struct tui *m, int64_t now)
{
	char word[TUI_WORD_LEN + 1];

	tui_word(m, word);
	if (strcmp(m->input, word) == 0) {
		finish_allow(m, "", now);
		return;
	}
	m->mode = MODE_NORMAL;
	tui_note(m, STYLE_WARN, now, "Not the word: nothing was answered.");
}

enum tui_may
tui_may_grant(const struct tui *m, int64_t now)
{
	const struct tui_preview *v = &m->preview;
	const enum tui_may may = may_be_allowed(m);

	if (may != MAY_YES)
		return may;
	if (strcmp(v->id, m->input_id) != 0 || v->rows.count == 0)
		return MAY_LOADING;
	if (!v->possible)
		return MAY_NOT_WHOLE;
	if (!v->drawn || v->seen < v->rows.count)
		return MAY_PART_HIDDEN;
	if (tui_arming(m, now) > 0 || now - v->since_ns < TUI_ARM_NS)
		return MAY_ARMING;
	return MAY_YES;
}

static void
finish_grant(struct tui *m, int64_t now)
{
	const enum tui_may may = tui_may_grant(m, now);

	if (may == MAY_YES) {
		m->mode = MODE_NORMAL;
		send(m, ORDER_ALLOW, m->input_scope, "");
	} else if (may == MAY_NOT_WHOLE) {
		m->mode = MODE_NORMAL;
		tui_note(
		    m, STYLE_WARN, now, "Not possible: nothing was answered.");
	} else {
		refuse(m, may, now);
	}
}

static void
finish_raise(struct tui *m, int64_t now)
{
	const enum tui_may may = tui_may_at_all(m);

	m->mode = MODE_NORMAL;
	if (may != MAY_YES)
		refuse(m, may, now);
	else if (m->input[0] != '\0')
		send(m, ORDER_RAISE, "", m->input);
}

static void
finish(struct tui *m, int64_t now)
{
	char scope[TUI_SCOPE_MAX];
	enum tui_may may;

	if (!still_about(m, now))
		return;
	switch (m->mode) {
	case MODE_WORD:
		finish_word(m, now);
		break;
	case MODE_UNTIL:
		(void)snprintf(scope, sizeof(scope), "until %.40s", m->input);
		m->mode = MODE_NORMAL;
		tui_look_first(m, MODE_GRANT, ORDER_PREVIEW, scope, now);
		break;
	case MODE_GRANT:
		finish_grant(m, now);
		break;
	case MODE_RAISE:
		finish_raise(m, now);
		break;
	case MODE_MESSAGE:
		m->mode = MODE_NORMAL;
		may = tui_may_at_all(m);
		if (may != MAY_YES)
			refuse(m, may, now);
		else
			send(m, ORDER_DENY, "once", m->input);
		break;
	case MODE_NORMAL:
	case MODE_HELP:
	case MODE_FILTER:
	case MODE_BATCH:
	case MODE_RULE:
	case MODE_CHANGES:
	case MODE_APPLY:
		break;
	}
}

static void
put_char(struct tui *m, int key)
{
	AUTO_BUF struct buf one = BUF_INIT(8);
	const size_t len = strlen(m->input);

	text_encode(&one, (uint32_t)key);
	if (one.failed == 0 && len + one.len < sizeof(m->input)) {
		memcpy(m->input + len, one.s, one.len);
		m->input[len + one.len] = '\0';
	}
}

static void
rub_out(struct tui *m)
{
	size_t len = strlen(m->input);

	while (len > 0 && (m->input[len - 1] & 0xc0) == 0x80)
		len--;
	m->input[len > 0 ? len - 1 : 0] = '\0';
}

void
tui_scroll_preview(struct tui *m, int key)
{
	struct tui_preview *v = &m->preview;
	const size_t page = tui_case_rows(m);
	const size_t last = v->rows.count > page ? v->rows.count - page : 0;

	if (key == 'j' || key == KEY_DOWN_)
		v->top++;
	else if (key == ' ' || key == KEY_PAGE_DOWN)
		v->top += page;
	else if ((key == 'k' || key == KEY_UP_) && v->top > 0)
		v->top--;
	else if (key == 'b' || key == KEY_PAGE_UP)
		v->top = v->top > page ? v->top - page : 0;
	if (v->top > last)
		v->top = last;
}

void
tui_answer_input(struct tui *m, int key, int64_t now)
{
	if (key == KEY_ESCAPE || key == KEY_CTRL_C) {
		m->mode = MODE_NORMAL;
		tui_note(m, STYLE_PLAIN, now, "Nothing was answered.");
	} else if (key == KEY_RETURN) {
		/* the end of a line that was pasted is no decision */
		if (!m->paste)
			finish(m, now);
	} else if (m->mode == MODE_GRANT) {
		tui_scroll_preview(m, key);
	} else if (key == KEY_RUBOUT) {
		rub_out(m);
	} else if (key < KEY_UP_ && key >= 0x20 &&
	    !text_is_hidden((uint32_t)key) &&
	    !(m->paste && m->mode != MODE_MESSAGE)) {
		put_char(m, key);
	}
}
