#ifndef OTLP_JOURNAL_ENTRY_H
#define OTLP_JOURNAL_ENTRY_H
/*
 * A row as fields of a journal entry, in the native protocol's form: NAME=text
 * in a line, or NAME, length and bytes where the text has lines of its own.
 * No text of a row can make a field.
 */
#include <jansson.h>

#include "base/buf.h"

void journal_entry(const json_t *row, struct buf *out);

#endif
