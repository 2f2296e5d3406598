#ifndef TOOLS_HTTP_LOOP_H
#define TOOLS_HTTP_LOOP_H
/*
 * The same exchange, while a loop goes on with other things.
 *
 *     r = http_start(loop, &call, on_done, ctx, &running, e);
 *     http_stop(running);                 before on_done; then it never comes
 *
 * call and its request are copied; what its functions are given is valid
 * during the call. on_done comes once, from the loop, and ends it.
 */
#include "base/loop.h"
#include "http.h"

struct http_running;
/* r is 0 or an error; why says it. */
typedef void http_done_fn(void *ctx, int r, const struct err *why);

int http_start(struct loop *l, const struct http_call *call,
    http_done_fn *on_done, void *ctx, struct http_running **ret, struct err *e);
void http_stop(struct http_running *h);

#endif
