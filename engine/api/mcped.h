#ifndef API_MCPED_H
#define API_MCPED_H
/*
 * POST /v1/mcp: one MCP message in, its answer out (streamable HTTP, without
 * sessions and without streams). The client waits with the message beside it.
 *
 *     switch (mcped_call(rq, arena, &record, &call, c, &why)) ...
 *     mcped_reply(c, &reply);       the engine's answer
 *     mcped_failed(c, "...");       or why there is none
 */
#include "request.h"

struct client;

/* 0: for the engine; 1: c was answered; -1: refused, why says it. */
int mcped_call(const struct request *rq, struct arena *a, struct buf *record,
    struct call *ret, struct client *c, struct refusal *why);
/* Each takes the message from the client and answers. */
void mcped_reply(struct client *c, const struct reply *reply);
void mcped_failed(struct client *c, const char *why);

#endif
