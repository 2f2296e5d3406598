/*
 * Keys, clicks and the wheel: where they lead. What answers is in answer.c.
 * Runs in: assent.  Trusts: nothing.  Owns: nothing.
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

/* ---- the list ------------------------------------------------------------ */

/* The entry some shown rows away from the chosen one. */
static void
move(struct tui *m, long by, int64_t now)
{
	struct tui_list *l = tui_list(m);
	const struct tui_entry *e = tui_focused(m);
	size_t i = e == NULL ? 0 : (size_t)(e - l->at);
	size_t to = i;

	while (by != 0 && l->count > 0) {
		if (by > 0 && i + 1 >= l->count)
			break;
		if (by < 0 && i == 0)
			break;
		i = by > 0 ? i + 1 : i - 1;
		if (!tui_matches(m, &l->at[i]))
			continue;
		to = i;
		by += by > 0 ? -1 : 1;
	}
	if (l->count > 0 && strcmp(l->at[to].id, l->focus) != 0)
		tui_choose(m, l->at[to].id, true, now);
}

/* ---- the case ------------------------------------------------------------ */

static void
scroll(struct tui *m, long by)
{
	struct tui_case *c = &m->open;
	const size_t height = tui_case_rows(m);
	const size_t last = c->rows.count > height ? c->rows.count - height : 0;

	if (by < 0)
		c->top = c->top > (size_t)-by ? c->top - (size_t)-by : 0;
	else
		c->top += (size_t)by;
	if (c->top > last)
		c->top = last;
}

static void
step(struct tui *m, long by, int64_t now)
{
	if (m->in_case)
		scroll(m, by);
	else
		move(m, by, now);
}

/* ---- views --------------------------------------------------------------- */

static void
look_at(struct tui *m, enum tui_view view, int64_t now)
{
	const struct tui_order o = { .kind = ORDER_LIST, .view = view };
	struct tui_list *l;

	if (view != m->view) {
		m->view = view;
		m->in_case = m->full = false;
		m->opened = false;
		m->filter[0] = '\0';
	}
	l = tui_list(m);
	if (tui_focused(m) == NULL && l->count > 0)
		set(l->focus, sizeof(l->focus),
		    view == VIEW_HISTORY ? l->at[l->count - 1].id
					 : l->at[0].id);
	if (l->focus[0] != '\0')
		tui_choose(m, l->focus, false, now);
	if (view != VIEW_WAITING)
		tui_want(m, &o);
}

static void
enter(struct tui *m, int64_t now)
{
	const struct tui_entry *e = tui_focused(m);

	if (e == NULL)
		return;
	if (strcmp(m->open.id, e->id) != 0 || m->open.why_not[0] != '\0')
		tui_choose(m, e->id, true, now);
	m->opened = true;
	m->in_case = true;
	tui_resize(m, m->rows, m->columns, now);
}

static void
leave(struct tui *m, int64_t now)
{
	if (m->full || m->in_case) {
		m->full = m->in_case = false;
		tui_resize(m, m->rows, m->columns, now);
	} else if (m->view == VIEW_WAITING && tui_marked(m) > 0) {
		tui_unmark_all(m);
	} else if (m->filter[0] != '\0') {
		m->filter[0] = '\0';
	} else if (m->view != VIEW_WAITING) {
		look_at(m, VIEW_WAITING, now);
	}
}

/* ---- what is done to the chosen one -------------------------------------- */

static void
order(struct tui *m, enum tui_order_kind kind)
{
	const struct tui_entry *e = tui_focused(m);
	struct tui_order o = { .kind = kind, .view = m->view };

	if (e == NULL)
		return;
	set(o.id, sizeof(o.id), e->id);
	set(o.sha256, sizeof(o.sha256), e->sha256);
	set(o.etag, sizeof(o.etag), m->open.etag);
	tui_want(m, &o);
}

static void
do_to_it(struct tui *m, int key, int64_t now)
{
	if (strcmp(m->drawn, tui_list(m)->focus) != 0) {
		tui_note(m, STYLE_WARN, now, "%s", tui_may_text(MAY_NOT_DRAWN));
		return;
	}
	if (key == 'x' && m->view == VIEW_RUNNING)
		order(m, ORDER_STOP);
	else if (key == 'x' && m->view == VIEW_GRANTS)
		order(m, ORDER_REVOKE);
	else if (key == ' ')
		tui_mark(m, now);
	else if (key == 'y')
		order(m, ORDER_COPY);
	else if (key == 'c' && !tui_changes_key(m, now))
		tui_note(m, STYLE_WARN, now,
		    "Changes are those of a run that ended: 3, History.");
}

/* ---- keys ---------------------------------------------------------------- */

static bool
moves(struct tui *m, int key, int64_t now)
{
	const long page = (long)tui_case_rows(m);

	switch (key) {
	case 'j':
	case KEY_DOWN_:
		step(m, 1, now);
		return true;
	case 'k':
	case KEY_UP_:
		step(m, -1, now);
		return true;
	case 'J':
		scroll(m, 1);
		return true;
	case 'K':
		scroll(m, -1);
		return true;
	case ' ':
		if (!m->in_case && m->view == VIEW_WAITING)
			return false; /* it marks */
		scroll(m, page);
		return true;
	case KEY_PAGE_DOWN:
		scroll(m, page);
		return true;
	case 'b':
	case KEY_PAGE_UP:
		scroll(m, -page);
		return true;
	case 'g':
	case KEY_FIRST:
		step(m, -(long)PAGE_ROWS_MAX, now);
		return true;
	case 'G':
	case KEY_LAST:
		step(m, (long)PAGE_ROWS_MAX, now);
		return true;
	default:
		return false;
	}
}

static bool
leads(struct tui *m, int key, int64_t now)
{
	switch (key) {
	case KEY_RETURN:
	case KEY_RIGHT_:
	case 'l':
		enter(m, now);
		return true;
	case KEY_ESCAPE:
	case KEY_CTRL_C:
	case KEY_LEFT_:
	case 'h':
		leave(m, now);
		return true;
	case KEY_TAB_:
		if (m->in_case)
			leave(m, now);
		else
			enter(m, now);
		return true;
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
		look_at(m, (enum tui_view)(key - '1'), now);
		return true;
	case 'H':
		look_at(m, VIEW_HISTORY, now);
		return true;
	default:
		return false;
	}
}

static void
normal_key(struct tui *m, int key, int64_t now)
{
	switch (key) {
	case 'q':
	case KEY_QUIT_:
		m->quit = true;
		break;
	case '?':
	case KEY_HELP_:
		m->mode = MODE_HELP;
		m->help_top = 0;
		break;
	case '/':
	case KEY_FIND_:
		m->mode = MODE_FILTER;
		set(m->input, sizeof(m->input), m->filter);
		break;
	case 'v':
		m->full = !m->full;
		m->in_case = m->full || m->in_case;
		tui_resize(m, m->rows, m->columns, now);
		break;
	case 'e':
		m->open.top = m->open.rows.must;
		scroll(m, 0);
		break;
	case ' ':
	case 'x':
	case 'y':
	case 'c':
		do_to_it(m, key, now);
		break;
	default:
		break;
	}
}

static void
help_key(struct tui *m, int key)
{
	if (key == 'j' || key == KEY_DOWN_ || key == ' ' ||
	    key == KEY_PAGE_DOWN) {
		m->help_top += key == ' ' || key == KEY_PAGE_DOWN ? 10 : 1;
	} else if (key == 'k' || key == KEY_UP_ || key == KEY_PAGE_UP) {
		const size_t by = key == KEY_PAGE_UP ? 10 : 1;

		m->help_top = m->help_top > by ? m->help_top - by : 0;
	} else {
		m->mode = MODE_NORMAL;
	}
}

static void
filter_key(struct tui *m, int key, int64_t now)
{
	const struct tui_entry *e;

	if (key == KEY_RETURN) {
		m->mode = MODE_NORMAL;
	} else if (key == KEY_ESCAPE || key == KEY_CTRL_C) {
		m->mode = MODE_NORMAL;
		m->filter[0] = '\0';
	} else {
		/* the same line editor; it answers nothing in this mode */
		tui_answer_input(m, key, now);
		set(m->filter, sizeof(m->filter), m->input);
	}
	e = tui_focused(m);
	if (e != NULL && !tui_matches(m, e)) {
		move(m, 1, now);
		e = tui_focused(m);
		if (e != NULL && !tui_matches(m, e))
			move(m, -1, now);
		m->opened = false;
	}
}

void
tui_key(struct tui *m, int key, int64_t now)
{
	bool moved = false;

	if (m->link)
		m->note[0] = '\0'; /* it was read, or is of no use now */
	switch (m->mode) {
	case MODE_NORMAL:
		/* text that was pasted is no key at all */
		if (m->paste)
			break;
		if (tui_answer_key(m, key, now))
			break;
		moved = moves(m, key, now) || leads(m, key, now);
		if (!moved)
			normal_key(m, key, now);
		break;
	case MODE_HELP:
		help_key(m, key);
		break;
	case MODE_FILTER:
		filter_key(m, key, now);
		break;
	case MODE_RULE:
		tui_rule_input(m, key, now);
		break;
	case MODE_BATCH:
		tui_batch_input(m, key, now);
		break;
	case MODE_CHANGES:
	case MODE_APPLY:
		tui_changes_input(m, key, now);
		break;
	case MODE_MESSAGE:
	case MODE_WORD:
	case MODE_UNTIL:
	case MODE_GRANT:
	case MODE_RAISE:
		tui_answer_input(m, key, now);
		break;
	}
	/* only now: the answer was judged by the quiet before this key */
	tui_disturb(m, now);
	/* in the midst of typing, j and k are letters like any other */
	if (!moved || now - m->typed_ns < TUI_BURST_NS)
		m->typed_ns = now;
}

/* ---- the mouse ----------------------------------------------------------- */

void
tui_click(struct tui *m, int y, int x, int64_t now)
{
	const struct tui_layout l = tui_layout(m);
	const struct tui_list *list = tui_list(m);
	size_t row = 0;

	tui_disturb(m, now);
	if (m->mode != MODE_NORMAL || y <= l.top || y >= l.top + l.height)
		return;
	if (x >= l.list_width) {
		m->in_case = l.case_width > 0 && tui_focused(m) != NULL;
		return;
	}
	m->in_case = false;
	for (size_t i = list->top; i < list->count; i++) {
		if (!tui_matches(m, &list->at[i]))
			continue;
		if (row == (size_t)(y - l.top - 1) / (size_t)l.entry_rows) {
			tui_choose(m, list->at[i].id, true, now);
			return;
		}
		row++;
	}
}

void
tui_wheel(struct tui *m, int rows, int64_t now)
{
	tui_disturb(m, now);
	if (m->mode == MODE_NORMAL)
		scroll(m, rows);
}
