/*
 * The help: what each key does.
 * Runs in: assent.  Trusts: nothing.  Owns: nothing.
 */
#include "base/mem.h"
#include "draw.h"

#define KEY_COLUMNS 13

static const struct {
	const char *key, *text;
} help_rows[] = {
	{ NULL, "Answers (only for what is on the screen)" },
	{ "a", "allow once; works when all was shown and 0.6 s were quiet" },
	{ "d", "deny, at once" },
	{ "m", "deny, with a message to the agent" },
	{ "s", "allow, and the like for this session" },
	{ "t", "allow, and the like for a time" },
	{ "u", "take the last answer back (60 s, if it has not begun)" },
	{ "R", "raise to other people" },
	{ "M", "make a rule of it, in your own rules, after a look at it" },
	{ "E", "edit it ($VISUAL, $EDITOR); the edited one is a new one" },
	{ "c",
	    "in History: what a run on a copy changed; apply it or drop it" },
	{ "space", "in the list: mark; a and d then answer all marked" },
	{ "x", "stop what runs; in Grants: revoke" },
	{ NULL, "Moving" },
	{ "j k  arrows", "up and down, in the list or in the case" },
	{ "J K  wheel", "scroll the case from the list" },
	{ "space PgDn", "a page of the open case; b PgUp back" },
	{ "g G Home End", "to the first, to the last" },
	{ "Enter  l", "open the chosen one; Tab changes the pane" },
	{ "Esc  h", "back; it never answers" },
	{ "v", "the case on the whole screen" },
	{ "e", "every rule that spoke (the trace)" },
	{ NULL, "Views" },
	{ "1 .. 6", "Waiting Running History Sessions Grants Health" },
	{ "H", "History; Enter shows its trace again" },
	{ "/", "filter: a text, agent:x rule:x state:x" },
	{ "y", "copy the id and the text (OSC 52)" },
	{ "? F1", "this help" },
	{ "q F10", "quit; nothing is decided by it" },
	{ NULL, "Signs" },
	{ "X ! ~", "critical, high and medium risk" },
	{ "+ -", "allowed, denied" },
	{ "<ESC>", "a character that cannot be seen, spelled out" },
};

static void
put_help(struct page *p)
{
	for (size_t i = 0; i < ARRAY_LEN(help_rows); i++) {
		if (help_rows[i].key == NULL) {
			page_own(p, STYLE_LABEL, "%s", help_rows[i].text);
			continue;
		}
		safe_style(&p->text, STYLE_BOLD);
		buf_printf(&p->text, " %-*s", KEY_COLUMNS, help_rows[i].key);
		buf_putc(&p->text, PAGE_FLOW);
		safe_style(&p->text, STYLE_PLAIN);
		buf_printf(&p->text, "%s\n", help_rows[i].text);
	}
}

void
draw_help(struct tui *m, struct grid *g)
{
	AUTO(page_done) struct page p = PAGE_INIT;
	AUTO(page_rows_done) struct page_rows rows = { 0 };
	const size_t height = g->rows > 2 ? (size_t)g->rows - 2 : 1;
	size_t last;

	put_help(&p);
	if (page_layout(&p, g->columns - 1, &rows, NULL) != 0)
		return;
	last = rows.count > height ? rows.count - height : 0;
	if (m->help_top > last)
		m->help_top = last;
	for (size_t i = 0; i < height && m->help_top + i < rows.count; i++)
		page_draw(&p, &rows.rows[m->help_top + i], g, (int)i + 1, 1,
		    g->columns - 1);
}
