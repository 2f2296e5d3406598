#ifndef API_REQUEST_H
#define API_REQUEST_H
/*
 * From a request that the guard let through to a call for the engine.
 *
 *     r = request_check(&rq, &refusal);      who, where, which route
 *     r = request_call(&rq, arena, &record, &call, &refusal);
 *
 * Pure: what is needed of the world is in struct request.
 */
#include "auth.h"
#include "base/buf.h"
#include "core/messages.h"
#include "http_guard.h"
#include "route.h"

struct request {
	const struct guard *guard;
	const char *bytes;
	const struct auth_peer *peer;
	const struct tokens *tokens;
	const char *listen_tcp;
	/* by request_check */
	struct route_match match;
	enum caller_role role;
	bool options; /* OPTIONS of a path that exists */
};

/* Why not: becomes problem+json. */
struct refusal {
	unsigned status;
	const char *code;
	char detail[ERR_MSG_MAX];
	unsigned allow; /* 405: methods */
	bool record; /* the engine keeps it: somebody tried what he may not */
};

/* -1 with the refusal, or 0. */
int request_check(struct request *rq, struct refusal *ret);
/* Who calls, the path's {id} and the headers. -1 with the refusal. */
int request_head(
    struct request *rq, struct arena *a, struct call *ret, struct refusal *why);
/*
 * The same and the body:
 * fills ret but its id; texts live in the arena, the action's record in
 * record. -1 with the refusal.
 */
int request_call(struct request *rq, struct arena *a, struct buf *record,
    struct call *ret, struct refusal *why);
/* Sets a refusal; returns -1. */
int refuse_with(struct refusal *r, unsigned status, const char *code,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
