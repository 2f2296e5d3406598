#ifndef RULES_IMPORT_READER_H
#define RULES_IMPORT_READER_H
/*
 * What the readers of other programs' languages share: a place in a text, and
 * texts in quotes.
 *
 *     struct import_reader r = { .file = file, .text = text, .line = 1,
 *             .e = e };
 *     if (!reader_take(&r, '['))
 *             return reader_fail(&r, "a list is expected here");
 *
 * Borrows the file's name, the text and the err for as long as it is used.
 */
#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct import_reader {
	const char *file;
	struct str text;
	size_t at; /* offset of the next byte */
	unsigned line; /* from 1 */
	struct err *e;
};

/* Appends what stands for the escape whose letter is next, and passes it. */
typedef void reader_escape_fn(struct import_reader *r, struct buf *out);

/* The next byte; 0 at the end (and for a zero byte). */
char reader_peek(const struct import_reader *r);
/* A text in quotes begins here. */
bool reader_at_quote(const struct import_reader *r);
/* Passes the byte if it is c. */
bool reader_take(struct import_reader *r, char c);
/* Writes r->e with the line; always NULL. */
json_t *reader_fail(struct import_reader *r, const char *what);
/* Passes one quote, or three of them: which it was. */
size_t reader_quotes(struct import_reader *r);
/*
 * The text up to as many of the same quotes, and passes them; quote and count
 * as at its beginning. escape NULL: a backslash is a character. NULL: it does
 * not end (one quote: in its line), or holds no UTF-8, or is too long.
 */
json_t *reader_quoted(struct import_reader *r, char quote, size_t count,
    reader_escape_fn *escape);

#endif
