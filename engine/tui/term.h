#ifndef TUI_TERM_H
#define TUI_TERM_H
/*
 * The terminal, by ncursesw: grids go out, keys come in. Nothing else of the
 * program knows of it.
 *
 *     r = term_open(&(struct term_options){ .colour = true }, &t, e);
 *     term_show(t, &grid);
 *     while (term_read(t, &event)) ...
 *     term_close(t);         the terminal is as it was
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "grid.h"

struct term;

struct term_options {
	bool colour;
	bool ascii; /* even if the locale has more */
};

enum term_event_kind {
	TERM_KEY,
	TERM_CLICK,
	TERM_WHEEL,
	TERM_PASTE_BEGINS,
	TERM_PASTE_ENDS,
	TERM_FOCUS_IN,
	TERM_FOCUS_OUT,
	TERM_SUSPEND, /* Ctrl-Z: see term_suspend */
};

struct term_event {
	enum term_event_kind kind;
	int key; /* a character or enum tui_key; of a wheel: rows */
	int y, x; /* of a click */
};

int term_open(const struct term_options *o, struct term **ret, struct err *e);
void term_close(struct term *t);
/* Does it show more than ASCII? */
bool term_is_utf8(const struct term *t);
/* What it has now. */
void term_size(const struct term *t, int *ret_rows, int *ret_columns);
/* Only rows that differ from what is there are written. */
int term_show(struct term *t, const struct grid *g, struct err *e);
/* All of it next time: something else may have written there. */
void term_redraw(struct term *t);
/* False: nothing more is there now. Does not wait. */
bool term_read(struct term *t, struct term_event *ret);
void term_suspend(struct term *t);
/* Another program has the terminal, until term_back. */
void term_leave(struct term *t);
void term_back(struct term *t);
/* Bytes of our own for the terminal itself (a bell, a notice). */
void term_raw(struct term *t, struct str bytes);

#endif
