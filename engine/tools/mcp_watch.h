#ifndef TOOLS_MCP_WATCH_H
#define TOOLS_MCP_WATCH_H
/*
 * Actions that a client of the MCP server wants to hear of.
 *
 *     r = watches_new(loop, runtime, on_change, x, &w, e);
 *     watches_follow(w, session);      after it subscribed or unsubscribed
 *
 * A watch ends by itself when nothing can change any more, or when the daemon
 * is not there: to subscribe again begins it again.
 */
#include "base/loop.h"
#include "hooks/mcp.h"

struct watches;
typedef void watch_fn(void *ctx, const char *uri);

int watches_new(struct loop *l, const char *runtime, watch_fn *on_change,
    void *ctx, struct watches **ret, struct err *e);
void watches_free(struct watches *w);
void watches_follow(struct watches *w, const struct mcp_session *s);

#endif
