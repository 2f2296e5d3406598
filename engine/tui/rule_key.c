/*
 * Making a rule: it is shown whole, with what it would match, and written only
 * then.
 * Runs in: assent.  Trusts: nothing of the texts.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "model.h"

static enum tui_may
may_begin(const struct tui *m, int64_t now)
{
	const struct tui_entry *e = tui_focused(m);

	if (e == NULL)
		return MAY_NOTHING_FOCUSED;
	if (!m->link)
		return MAY_NO_LINK;
	if (m->busy[0] != '\0')
		return MAY_BUSY;
	if (tui_layout(m).case_width == 0)
		return MAY_NOT_OPENED; /* there is no room to show it */
	if (strcmp(m->drawn, e->id) != 0)
		return MAY_NOT_DRAWN;
	if (m->unfocused || m->paste)
		return MAY_UNFOCUSED;
	return now - m->typed_ns < TUI_BURST_NS ? MAY_TYPING : MAY_YES;
}

bool
tui_rule_key(struct tui *m, int64_t now)
{
	enum tui_may may;

	if (m->view != VIEW_WAITING && m->view != VIEW_HISTORY)
		return false;
	may = may_begin(m, now);
	if (may != MAY_YES)
		tui_note(m, STYLE_WARN, now, "%s", tui_may_text(may));
	else
		tui_look_first(m, MODE_RULE, ORDER_RULE, "", now);
	return true;
}

enum tui_may
tui_may_rule(const struct tui *m, int64_t now)
{
	const struct tui_preview *v = &m->preview;
	const struct tui_entry *e = tui_focused(m);

	if (e == NULL || strcmp(e->id, m->input_id) != 0)
		return MAY_NOTHING_FOCUSED;
	if (!m->link)
		return MAY_NO_LINK;
	if (strcmp(v->id, m->input_id) != 0 || v->rows.count == 0)
		return MAY_LOADING;
	if (!v->possible)
		return MAY_NOT_WHOLE;
	if (!v->drawn || v->seen < v->rows.count)
		return MAY_PART_HIDDEN;
	if (m->unfocused || m->paste)
		return MAY_UNFOCUSED;
	if (tui_arming(m, now) > 0 || now - v->since_ns < TUI_ARM_NS)
		return MAY_ARMING;
	return MAY_YES;
}

/* scope: "own", or "draft" for the organisation's. */
static void
save(struct tui *m, const char *scope)
{
	struct tui_order o = { .kind = ORDER_SAVE_RULE, .view = m->view };

	(void)snprintf(o.scope, sizeof(o.scope), "%s", scope);
	(void)snprintf(o.id, sizeof(o.id), "%s", m->input_id);
	(void)snprintf(m->busy, sizeof(m->busy), "%s", m->input_id);
	m->mode = MODE_NORMAL;
	tui_want(m, &o);
}

void
tui_rule_input(struct tui *m, int key, int64_t now)
{
	const enum tui_may may = tui_may_rule(m, now);

	if (key == KEY_ESCAPE || key == KEY_CTRL_C) {
		m->mode = MODE_NORMAL;
		tui_note(m, STYLE_PLAIN, now, "No rule was written.");
	} else if (key != KEY_RETURN && key != 'o') {
		tui_scroll_preview(m, key);
	} else if (may == MAY_YES) {
		save(m, key == 'o' ? "draft" : "own");
	} else if (may == MAY_NOT_WHOLE || may == MAY_NOTHING_FOCUSED) {
		m->mode = MODE_NORMAL;
		tui_note(m, STYLE_WARN, now, "No rule was written.");
	}
}
