#ifndef TUI_CASE_PAGE_H
#define TUI_CASE_PAGE_H
/*
 * One action in full, as a page: why it is asked, all of what it is, what it
 * does in words, where and as whom it would run.
 *
 *     case_page(decision, explanation, &(struct case_how){ .user = "ana" },
 *         &page);
 *
 * What has to be seen before it may be allowed ends at page->must; the trace
 * of the rules follows. Everything of the JSON is foreign text (safe.h).
 */
#include <jansson.h>
#include <stdbool.h>

#include "page.h"

/* Appends what the file holds now; false when it cannot be read. */
typedef bool case_file_fn(void *ctx, const char *path, struct buf *out);

struct case_how {
	const char *user; /* the name of the uid that proposed it, or NULL */
	case_file_fn *file; /* to show an edit as a difference; or NULL */
	void *ctx;
	bool with_outcome; /* it is over: what came of it */
};

/* explanation may be NULL: then nothing may be allowed on this page, and
 * false is returned; also when a part of it is missing. */
bool case_page(const json_t *decision, const json_t *explanation,
    const struct case_how *how, struct page *ret);

#endif
