#ifndef CORE_ENGINE_WATCH_H
#define CORE_ENGINE_WATCH_H
/*
 * Notice that rule files changed, and say so once they have been at rest.
 *
 *     r = watch_new(loop, on_change, ctx, &w, e);
 *     watch_dir(w, path);        before confinement, and after each change
 *
 * An editor or a checkout writes several files, one after another: change is
 * told when nothing has happened for a while.
 */
#include "base/loop.h"

#define WATCH_REST_MS 200
#define WATCH_PATIENCE_NS INT64_C(3000000000) /* of writing without rest */

struct watch;
typedef void watch_fn(void *ctx);

int watch_new(
    struct loop *l, watch_fn *fn, void *ctx, struct watch **ret, struct err *e);
void watch_free(struct watch *w);
/* One that is not there is waited for, in the folder where it will be. Twice
 * is once. */
void watch_dir(struct watch *w, const char *path);

#endif
