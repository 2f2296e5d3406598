#ifndef TUI_DRAW_H
#define TUI_DRAW_H
/*
 * The state as a grid of cells. Draws, decides nothing; the same state and
 * times give the same grid.
 *
 *     draw_screen(&m, &grid, now, wall);
 */
#include "grid.h"
#include "model.h"

/* now: boot clock, for what is armed; wall: for ages and deadlines. Keeps
 * m's lists scrolled so that the chosen entry is shown. */
void draw_screen(struct tui *m, struct grid *g, int64_t now, int64_t wall);

/* ---- the parts (draw_list.c, draw_bars.c, draw_help.c) ------------------- */

void draw_list(
    struct tui *m, struct grid *g, const struct tui_layout *l, int64_t wall);
void draw_header(const struct tui *m, struct grid *g, int64_t wall);
void draw_bars(const struct tui *m, struct grid *g, const struct tui_layout *l,
    int64_t now, int64_t wall);
void draw_help(struct tui *m, struct grid *g);
/* "4:19", "2:03:00", "3 d". */
void draw_span(struct buf *out, int64_t ns);

#endif
