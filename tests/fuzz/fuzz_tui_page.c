/*
 * Whatever an agent and a daemon say about an action: its page is laid out and
 * drawn at several widths, and no cell holds what a terminal would obey.
 */
#include <assert.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/text.h"
#include "case_page.h"
#include "grid.h"
#include "model/json_in.h"

#define ROWS_DRAWN 60

/* JSON of a decision and an explanation, or a script. */
static void
read_input(struct str input, json_t **ret_d, json_t **ret_x)
{
	json_auto_t *both = NULL;

	if (json_in(input, &both, NULL) == 0 && json_is_object(both)) {
		*ret_d = json_incref(json_object_get(both, "d"));
		*ret_x = json_incref(json_object_get(both, "x"));
		return;
	}
	*ret_x = json_pack("{s:{s:s,s:{s:s%}}}", "action", "tool", "shell",
	    "input", "script", input.s, (int)input.len);
}

static void
check(const struct grid *g)
{
	for (int y = 0; y < g->rows; y++) {
		for (int x = 0; x < g->columns; x++) {
			const struct cell *c = grid_at(g, y, x);

			assert(c->cp == 0 ||
			    (safe_width(c->cp) > 0 && !text_is_hidden(c->cp)));
			assert(c->cp != 0 ||
			    (x > 0 &&
				safe_width(grid_at(g, y, x - 1)->cp) == 2));
		}
	}
}

static void
draw(const struct page *p, struct page_rows *rows, int width)
{
	struct grid g = { 0 };

	if (page_layout(p, width, rows, NULL) != 0 ||
	    grid_resize(&g, ROWS_DRAWN, width, NULL) != 0)
		return;
	assert(rows->must <= rows->count);
	for (size_t i = 0; i < rows->count && i < ROWS_DRAWN; i++)
		page_draw(p, &rows->rows[i], &g, (int)i, 0, width);
	check(&g);
	grid_done(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct case_how how = { .user = "dev",
		.with_outcome = size % 2 == 0 };
	struct page page = PAGE_INIT;
	struct page_rows rows = { 0 };
	json_auto_t *d = NULL, *x = NULL;

	page.utf8 = size % 3 != 0;
	read_input(str_n((const char *)data, size), &d, &x);
	(void)case_page(d, x, &how, &page);
	draw(&page, &rows, 80);
	draw(&page, &rows, 39);
	draw(&page, &rows, 5);
	page_rows_done(&rows);
	page_done(&page);
	return 0;
}
