#ifndef TUI_PAGE_H
#define TUI_PAGE_H
/*
 * A text of many lines, and how it is broken into rows of a width.
 *
 *     page_code(&p, text, how);          foreign text, each line numbered
 *     page_line(&p, STYLE_LABEL, "cwd"); our own words begin a line
 *     r = page_layout(&p, width, &rows, e);
 *     page_draw(&p, &rows.rows[i], &grid, y, x, width);
 *
 * Lines end with '\n'. In a line, PAGE_HANG says where its continuation rows
 * begin when it is code (then a mark says that the row goes on), PAGE_FLOW
 * when it is prose (then it breaks at blanks).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "grid.h"
#include "safe.h"

#define PAGE_HANG '\x1f'
#define PAGE_FLOW '\x1e'
#define PAGE_BYTES_MAX ((size_t)12 << 20)
#define PAGE_ROWS_MAX 200000

struct page {
	struct buf text;
	size_t must; /* bytes from the start that have to be seen */
	unsigned notes; /* of safe_text */
	bool utf8;
};

struct page_row {
	uint32_t from, len;
	uint16_t indent; /* blank columns before it */
	uint8_t style; /* at its start */
	bool goes_on; /* continues a line of code */
};

struct page_rows {
	struct page_row *rows;
	size_t count, cap;
	size_t must; /* rows from the first that have to be seen */
	int width;
};

#define PAGE_INIT                                                              \
	{                                                                      \
		.text = BUF_INIT(PAGE_BYTES_MAX)                               \
	}

void page_done(struct page *p);
void page_reset(struct page *p);
/* "LABEL   value": the label in 9 columns, the value flows behind it. The
 * value is foreign; NULL or empty: no line. */
void page_field(
    struct page *p, const char *label, const char *value, enum style style);
/* A line of our own words. */
void page_own(struct page *p, enum style style, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* Tells a run of many empty lines at the start of *rest and skips it; returns
 * how many there were, 0 when they are few enough to be shown. */
size_t page_empty_run(struct page *p, struct str *rest);
/* Foreign text, line by line behind "prefix "; empty runs are told. */
void page_code(
    struct page *p, const char *prefix, struct str text, enum style style);
/* A patch: each line in the style of its first character. */
void page_patch(struct page *p, const char *prefix, struct str patch);
/* ERR_LIMIT: too long to be shown here. */
int page_layout(
    const struct page *p, int width, struct page_rows *ret, struct err *e);
void page_rows_done(struct page_rows *r);
void page_draw(const struct page *p, const struct page_row *row, struct grid *g,
    int y, int x, int width);

#endif
