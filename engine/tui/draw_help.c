/*
 * The help: what each key does.
 * Runs in: assent.  Trusts: nothing.  Owns: nothing.
 */
#include "base/mem.h"
#include "draw.h"

#define KEY_COLUMNS 14

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
	{ "x", "stop what runs; in Grants: revoke" },
	{ NULL, "Moving" },
	{ "j k  arrows", "up and down, in the list or in the case" },
	{ "J K  wheel", "scroll the case from the list" },
	{ "space PgDn", "a page of the case; b PgUp back" },
	{ "g G  Home End", "to the first, to the last" },
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

void
draw_help(struct tui *m, struct grid *g)
{
	const size_t height = g->rows > 2 ? (size_t)g->rows - 2 : 1;
	const size_t last =
	    ARRAY_LEN(help_rows) > height ? ARRAY_LEN(help_rows) - height : 0;

	if (m->help_top > last)
		m->help_top = last;
	for (size_t i = 0; i < height; i++) {
		const size_t row = m->help_top + i;
		const int y = (int)i + 1;

		if (row >= ARRAY_LEN(help_rows))
			break;
		if (help_rows[row].key == NULL) {
			(void)grid_put(g, y, 1, g->columns - 1,
			    str_of(help_rows[row].text), STYLE_LABEL);
			continue;
		}
		(void)grid_put(g, y, 2, KEY_COLUMNS, str_of(help_rows[row].key),
		    STYLE_BOLD);
		(void)grid_put(g, y, 2 + KEY_COLUMNS,
		    g->columns - 2 - KEY_COLUMNS, str_of(help_rows[row].text),
		    STYLE_PLAIN);
	}
}
