#ifndef RULES_EMIT_H
#define RULES_EMIT_H
/*
 * Write rule files: for what is imported and suggested. What comes out loads.
 *
 *     emit_text(out, "a: b");          "a: b"
 *     emit_list(out, words, count);    [git, "a b"]
 */
#include "base/buf.h"

/* As a scalar that reads back as the same text: plain where that is safe. */
void emit_text(struct buf *out, struct str s);
void emit_list(struct buf *out, const struct str *v, size_t count);
/* For a regular expression: everything that means something is escaped. */
void emit_regex_literal(struct buf *out, struct str s);
/* A word of an id: letters, digits, '-', '_' and '.'. */
void emit_id_word(struct buf *out, struct str s);
/* A comment line; s has no newline after it. */
void emit_comment(struct buf *out, const char *indent, struct str s);

#endif
