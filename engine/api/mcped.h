#ifndef API_MCPED_H
#define API_MCPED_H
/*
 * /v1/mcp: streamable HTTP of the Model Context Protocol. POST brings a
 * message, GET opens or resumes a stream, DELETE ends a session.
 *
 *     if (mcped_call(rq, arena, call, c, &why) < 0) refuse
 *
 * The client was answered, or c->work will answer it, or its stream is open.
 */
#include "request.h"

struct client;

/* 1, or -1: refused, why says it. */
int mcped_call(struct request *rq, struct call *head, struct client *c,
    struct refusal *why);

#endif
