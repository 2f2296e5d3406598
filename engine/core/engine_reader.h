#ifndef CORE_ENGINE_READER_H
#define CORE_ENGINE_READER_H
/*
 * What readers of repositories' rules write, collected from their pipes.
 *
 *     r = readers_add(rs, ticket, fd, e);      calls done(ctx, ticket, ...)
 */
#include "base/loop.h"
#include "base/str.h"

struct readers;
typedef void readers_done_fn(void *ctx, uint64_t ticket, struct str record);

int readers_new(struct loop *l, readers_done_fn *done, void *ctx,
    struct readers **ret, struct err *e);
void readers_free(struct readers *rs);
/* Takes fd, a pipe. Its whole content is given to done, or what there was of
 * it when it was too much (which is no record then). */
int readers_add(struct readers *rs, uint64_t ticket, int fd, struct err *e);

#endif
