#ifndef BASE_DIAG_H
#define BASE_DIAG_H
/*
 * Findings in a file, all at once: file:line:col, the line, a caret, a hint.
 *
 *     struct diags *d = diags_new();
 *     diag_add(d, &(struct diag){ .code = "E012", .file = path, .line = 3,
 *         .col = 5, .width = 7 }, "unknown key '%s'", key);
 *     diags_print(d, &out);         for people
 *     diags_json(d, &w);            for machines
 *     if (diags_errors(d) > 0) ...
 */
#include <stddef.h>

#include "buf.h"
#include "jsonw.h"

#define DIAGS_MAX 200 /* more are counted, not kept */

enum diag_severity {
	DIAG_ERROR,
	DIAG_WARNING,
	DIAG_NOTE,
};

struct diag {
	enum diag_severity severity;
	const char *code; /* stable: E001.. errors, W001.. warnings */
	const char *file;
	unsigned line, col, width; /* 1-based; width of the caret, 0 = 1 */
	const char *hint; /* or NULL */
	const char *message; /* set by diag_add */
	const char *source; /* the text of the line, or NULL */
};

struct diags;

struct diags *diags_new(void);
void diags_free(struct diags *d);
void diags_freep(struct diags **d);
/* Copies everything; d may be NULL (then nothing is kept). */
void diag_add(struct diags *d, const struct diag *place, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
size_t diags_errors(const struct diags *d);
size_t diags_count(const struct diags *d);
const struct diag *diags_at(const struct diags *d, size_t i);
/* The first error that has a place, or NULL; d may be NULL. */
const struct diag *diags_first_error(const struct diags *d);
/* Escaped; sorted by file, line, column. */
void diags_print(const struct diags *d, struct buf *out);
void diags_json(const struct diags *d, struct jsonw *w);

#endif
