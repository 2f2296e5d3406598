#ifndef RULES_ARCHIVE_H
#define RULES_ARCHIVE_H
/*
 * The files of a set in one piece, so that it can be in force again later.
 *
 *     archive_put(&out, name, layer, text);        for each file
 *     r = archive_read(bytes, arena, &texts, &count, e);
 */
#include "rules_int.h"

#define ARCHIVE_BYTES_MAX ((size_t)64 << 20)

void archive_put(
    struct buf *out, const char *name, enum rule_layer layer, struct str text);
/* Texts borrow from bytes; names are in the arena; free() the list. */
int archive_read(struct str bytes, struct arena *a, struct rule_text **ret,
    size_t *ret_count, struct err *e);

#endif
