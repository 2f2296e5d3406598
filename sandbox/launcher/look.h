#ifndef SANDBOX_LOOK_H
#define SANDBOX_LOOK_H
/*
 * What files hold now, with this process's eyes.
 *
 *     r = look_answer(request, &answer, e);      XL_LOOK, LX_LOOKED
 */
#include "base/buf.h"
#include "base/err.h"
#include "model/action.h"

/* Fills state, path, sha256 and why of each; named is given. */
int look_at(struct operand *list, size_t count, struct arena *a, struct err *e);
int look_answer(struct str request, struct buf *ret, struct err *e);

#endif
