#ifndef OTLP_LINES_H
#define OTLP_LINES_H
/*
 * Rows as JSON lines, ASCII alone: no text of a row ends a line.
 */
#include <jansson.h>

#include "base/buf.h"

int rows_as_lines(
    json_t *const *rows, size_t count, struct buf *out, struct err *e);

#endif
