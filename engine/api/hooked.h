#ifndef API_HOOKED_H
#define API_HOOKED_H
/*
 * POST /v1/hooks/CLIENT: a client's hook in, its answer out. The client waits
 * with the hook beside it, and whatever happens is told in its own form, with
 * status 200: most clients take every other status for a yes.
 *
 *     switch (hooked_call(rq, arena, &record, &call, &c->hook, &why)) ...
 *     hooked_reply(c, &reply);      the engine's answer
 *     hooked_failed(c, "...");      or why there is none
 */
#include "request.h"

struct client;
struct hook;

enum hooked_result {
	HOOKED_REFUSED = -1, /* why says it; ret_hook may be set all the same */
	HOOKED_CALL, /* for the engine */
	HOOKED_PASS, /* nothing to ask */
};

enum hooked_result hooked_call(const struct request *rq, struct arena *a,
    struct buf *record, struct call *ret, struct hook **ret_hook,
    struct refusal *why);
/* Each takes the hook from the client and answers. */
void hooked_reply(struct client *c, const struct reply *reply);
void hooked_failed(struct client *c, const char *why);
void hooked_pass(struct client *c);
/* For a client that waits with a hook or an MCP message: is answered in that
 * form. false: it waits with neither. */
bool form_failed(struct client *c, const char *why);
bool form_reply(struct client *c, const struct reply *reply);

#endif
