#ifndef RULES_FORMAT_H
#define RULES_FORMAT_H
/*
 * The one layout of rule files: two blanks a level, items below their key,
 * no trailing blanks, at most one empty line. Comments stay where they are.
 *
 *     r = rules_format("a.yaml", text, diags, &out, e);
 *
 * What the file means is compared before and after; where that would differ,
 * it is ERR_INTERNAL and nothing is changed. Formatting twice is the same as
 * formatting once.
 */
#include "base/buf.h"
#include "base/diag.h"

int rules_format(const char *file, struct str text, struct diags *d,
    struct buf *out, struct err *e);

#endif
