#ifndef RULES_SCHEMA_DOC_H
#define RULES_SCHEMA_DOC_H
/* The table of keys as JSON Schema and as Markdown. */
#include "schema.h"

void schema_json(struct buf *out);
void schema_reference(struct buf *out);

#endif
