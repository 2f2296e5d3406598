#ifndef TUI_DIFF_H
#define TUI_DIFF_H
/*
 * What changes between two texts, line by line.
 *
 *     r = diff_lines(old, new, on_line, ctx);   fn gets ' ', '-', '+' or '@'
 *
 * Unchanged lines further than DIFF_CONTEXT from a change are left out: '@'
 * stands for them. Texts that differ too much are told as all '-', all '+'.
 */
#include <stdbool.h>

#include "base/str.h"

#define DIFF_CONTEXT 3
#define DIFF_LINES_MAX 20000
#define DIFF_EDITS_MAX 400

typedef void diff_fn(void *ctx, char sign, struct str line);

/* 0, or ERR_NOMEM. */
int diff_lines(struct str old, struct str now, diff_fn *fn, void *ctx);

#endif
