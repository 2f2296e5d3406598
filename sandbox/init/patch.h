#ifndef SANDBOX_PATCH_H
#define SANDBOX_PATCH_H
/*
 * Apply a unified diff to one text. Pure.
 *
 *     r = patch_apply(old, diff, arena, &out, e);
 *
 * Context must match exactly; a hunk may have moved, when there is one nearest
 * place for it. Never half: out is complete or the result is an error.
 */
#include "base/buf.h"

#define PATCH_LINES_MAX 1000000

int patch_apply(struct str old, struct str diff, struct arena *a,
    struct buf *out, struct err *e);

#endif
