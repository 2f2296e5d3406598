#ifndef API_MCP_WORK_H
#define API_MCP_WORK_H
/*
 * Inside messages under way, and actions that a session watches.
 */
#include "mcp_hub.h"

#define ETAG_MAX 64

struct mcp_work {
	struct mcp_hub *hub;
	size_t slot;
	struct mcp_caller who;
	struct mcp_http *session; /* or NULL */
	struct mcp_session *own; /* without a session */
	struct mcp *mcp; /* NULL: it watches an action */
	struct mcp_stream *stream; /* where it is told; or NULL */
	struct client *client; /* who waits for one answer; or NULL */
	uint64_t call_id; /* 0: the engine owes nothing */
	struct loop_timer *timer;
	struct hook_ruling ruling; /* "" as its id: none yet */
	bool dropped; /* what the engine has of it is to be taken back */
	/* of a watch */
	char *uri, id[ACTION_ID_MAX], etag[ETAG_MAX];
	int64_t asked_ns;
	bool wanted;
};

int mcp_work_new(struct mcp_hub *hub, const struct mcp_caller *who,
    struct mcp_work **ret, struct err *e);
void mcp_work_free(struct mcp_work *w);
/* -1: the engine is away. */
int mcp_work_call(struct mcp_work *w, struct call *call);
/* Every one, from *at on; NULL after the last. */
struct mcp_work *mcp_work_next(const struct mcp_hub *hub, size_t *at);

/* mcp_watched.c */
void mcp_watched_reply(struct mcp_work *w, const struct reply *reply);

#endif
