#ifndef TUI_GRID_H
#define TUI_GRID_H
/*
 * What the screen shows, as cells: the renderer draws here, the terminal
 * copies it, tests compare it.
 *
 *     r = grid_resize(&g, rows, columns, e);
 *     grid_clear(&g);
 *     grid_put(&g, y, x, width, text, STYLE_PLAIN);
 *     grid_text(&g, &out);            for tests and bug reports
 *
 * Whatever is outside is not drawn; a wide character that does not fit whole
 * is not drawn either.
 */
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "style.h"

#define GRID_SIDE_MAX 1000
#define GRID_MARKS 2

struct cell {
	uint32_t cp; /* 0: the second half of a wide character */
	uint32_t marks[GRID_MARKS]; /* joined to it; 0 none */
	uint8_t style;
};

struct grid {
	struct cell *cells;
	size_t cap;
	int rows, columns;
};

void grid_done(struct grid *g);
/* ERR_LIMIT beyond GRID_SIDE_MAX (then nothing changes). */
int grid_resize(struct grid *g, int rows, int columns, struct err *e);
void grid_clear(struct grid *g);
/* Safe text (style.h) from column x on, width columns at most. Returns the
 * columns that were drawn. */
int grid_put(
    struct grid *g, int y, int x, int width, struct str safe, enum style style);
void grid_fill(
    struct grid *g, int y, int x, int width, uint32_t cp, enum style style);
/* All of a row in one style, keeping its characters and its escapes. */
void grid_restyle(struct grid *g, int y, int x, int width, enum style style);
const struct cell *grid_at(const struct grid *g, int y, int x);
/* One line a row, trailing blanks gone. */
void grid_text(const struct grid *g, struct buf *out);

#endif
