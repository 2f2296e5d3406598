#ifndef TUI_CHANGES_PAGE_H
#define TUI_CHANGES_PAGE_H
/*
 * What a run on a copy of its workspace changed, as a page of which each
 * change has a part of its own.
 *
 *     at = mem_new(json_array_size(list) + 1, sizeof(*at));
 *     r = changes_page(list, &page, at, &count, e);
 */
#include <jansson.h>

#include "model.h"

/* One that cannot be read makes all of them none: what is not shown is not
 * applied. *ret_count of at are set in any case, and their texts owned. */
int changes_page(const json_t *list, struct page *p, struct tui_change *at,
    size_t *ret_count, struct err *e);

#endif
