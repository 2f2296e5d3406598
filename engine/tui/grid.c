/*
 * A grid of cells.
 * Runs in: assent.  Trusts: that texts are safe text (style.h).
 * Owns: the cells.
 */
#include "grid.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "safe.h"

void
grid_done(struct grid *g)
{
	mem_freep(&g->cells);
	*g = (struct grid){ 0 };
}

int
grid_resize(struct grid *g, int rows, int columns, struct err *e)
{
	int r;

	if (rows < 1 || columns < 1 || rows > GRID_SIDE_MAX ||
	    columns > GRID_SIDE_MAX)
		return err_set(e, ERR_LIMIT,
		    "a screen of %d columns and %d rows: from 1 to %d", columns,
		    rows, GRID_SIDE_MAX);
	r = mem_grow(
	    &g->cells, &g->cap, (size_t)(rows * columns), sizeof(*g->cells));
	if (r != 0)
		return err_nomem(e);
	g->rows = rows;
	g->columns = columns;
	grid_clear(g);
	return ERR_OK;
}

static struct cell *
at(struct grid *g, int y, int x)
{
	return &g->cells[y * g->columns + x];
}

const struct cell *
grid_at(const struct grid *g, int y, int x)
{
	assert(y >= 0 && y < g->rows && x >= 0 && x < g->columns);
	return &g->cells[y * g->columns + x];
}

void
grid_clear(struct grid *g)
{
	for (int y = 0; y < g->rows; y++)
		grid_fill(g, y, 0, g->columns, ' ', STYLE_PLAIN);
}

/* Half of a wide character is none: its other half becomes a blank. */
static void
break_wide(struct grid *g, int y, int x)
{
	struct cell *c = at(g, y, x);

	if (c->cp == 0 && x > 0)
		at(g, y, x - 1)->cp = ' ';
	if (x + 1 < g->columns && at(g, y, x + 1)->cp == 0)
		at(g, y, x + 1)->cp = ' ';
}

static void
set_cell(struct grid *g, int y, int x, uint32_t cp, uint8_t style)
{
	if (g->cells[y * g->columns + x].cp != cp)
		break_wide(g, y, x);
	*at(g, y, x) = (struct cell){ .cp = cp, .style = style };
}

static void
join(struct cell *c, uint32_t mark)
{
	for (size_t i = 0; i < GRID_MARKS; i++) {
		if (c->marks[i] == 0) {
			c->marks[i] = mark;
			return;
		}
	}
}

int
grid_put(
    struct grid *g, int y, int x, int width, struct str safe, enum style style)
{
	const int first = x;
	int end = x + width;
	size_t i = 0;

	if (y < 0 || y >= g->rows || x < 0)
		return 0;
	if (end > g->columns)
		end = g->columns;
	while (i < safe.len) {
		const int32_t cp = text_decode(safe, &i);
		int w;

		if (cp < 0)
			continue;
		if (cp < 0x20) {
			if (cp > 0 && cp < STYLE_END)
				style = (enum style)cp;
			continue;
		}
		w = safe_width((uint32_t)cp);
		if (w == 0 && x > first)
			join(at(g, y, at(g, y, x - 1)->cp == 0 ? x - 2 : x - 1),
			    (uint32_t)cp);
		if (w <= 0)
			continue;
		if (x + w > end)
			break;
		set_cell(g, y, x, (uint32_t)cp, (uint8_t)style);
		if (w == 2) {
			set_cell(g, y, x + 1, ' ', (uint8_t)style);
			at(g, y, x + 1)->cp = 0;
			at(g, y, x)->cp = (uint32_t)cp;
		}
		x += w;
	}
	return x - first;
}

void
grid_fill(
    struct grid *g, int y, int x, int width, uint32_t cp, enum style style)
{
	if (y < 0 || y >= g->rows || x < 0)
		return;
	for (int i = x; i < x + width && i < g->columns; i++)
		*at(g, y, i) =
		    (struct cell){ .cp = cp, .style = (uint8_t)style };
}

void
grid_restyle(struct grid *g, int y, int x, int width, enum style style)
{
	if (y < 0 || y >= g->rows || x < 0)
		return;
	for (int i = x; i < x + width && i < g->columns; i++) {
		struct cell *c = at(g, y, i);

		if (c->style != STYLE_HIDDEN && c->style != STYLE_ALIKE)
			c->style = (uint8_t)style;
	}
}

static int
row_end(const struct grid *g, int y)
{
	int end = g->columns;

	while (end > 0 && grid_at(g, y, end - 1)->cp == ' ')
		end--;
	return end;
}

void
grid_text(const struct grid *g, struct buf *out)
{
	for (int y = 0; y < g->rows; y++) {
		const int end = row_end(g, y);

		for (int x = 0; x < end; x++) {
			const struct cell *c = grid_at(g, y, x);

			if (c->cp != 0)
				text_encode(out, c->cp);
			for (size_t i = 0; i < GRID_MARKS; i++) {
				if (c->marks[i] != 0)
					text_encode(out, c->marks[i]);
			}
		}
		buf_putc(out, '\n');
	}
}
