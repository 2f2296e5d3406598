#ifndef HOOKS_MCP_H
#define HOOKS_MCP_H
/*
 * assent as an MCP server, without its transport: a message in, a message or
 * a question to the daemon out.
 *
 *     r = mcp_new(&options, &m, e);
 *     switch (mcp_take(m, line, &out)) case MCP_ASK: mcp_question(m) ...
 *     mcp_answer(m, status, json, &out);     what the daemon said
 *
 * One message at a time. Whatever is wrong with it is a JSON-RPC error.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum mcp_next {
	MCP_SAY, /* out holds the answer */
	MCP_QUIET, /* a notification: no answer */
	MCP_ASK, /* the daemon, as mcp_question says */
	MCP_CANCEL, /* the call that mcp_about names */
	MCP_REPLY, /* to a request of ours that mcp_about names */
};

enum mcp_route {
	MCP_PROPOSE, /* POST /v1/actions */
	MCP_LOOK, /* GET /v1/actions/{id} */
	MCP_EXPLAIN, /* GET /v1/actions/{id}/explain */
	MCP_EVALUATE, /* POST /v1/evaluate */
};

struct mcp_question {
	enum mcp_route route;
	const char *id; /* of an action; MCP_LOOK, MCP_EXPLAIN */
	struct str body; /* MCP_PROPOSE, MCP_EVALUATE */
	bool waits; /* until a person answered, as long as there is time */
	bool keeps; /* if nobody did, it stays open: check_approval tells */
};

struct mcp;

/* workspace: where calls run that name no folder; copied. */
int mcp_new(const char *workspace, struct mcp **ret, struct err *e);
void mcp_free(struct mcp *m);
void mcp_freep(struct mcp **m);
enum mcp_next mcp_take(struct mcp *m, struct str message, struct buf *out);
const struct mcp_question *mcp_question(const struct mcp *m);
/* Of the message that was taken; texts are JSON, valid until the next one. */
struct str mcp_id(const struct mcp *m);
struct str mcp_about(const struct mcp *m);
/* MCP_REPLY: a person at the client declines. A yes of his is none: whoever
 * proposes would answer himself. */
bool mcp_said_no(const struct mcp *m);
/* After an initialize: the client can ask its person. */
bool mcp_elicits(const struct mcp *m);
/* The token by which the client wants progress, or empty. */
struct str mcp_progress(const struct mcp *m);
/* status 0: there was no answer, and json is why, as plain text. */
void mcp_answer(
    struct mcp *m, unsigned status, struct str json, struct buf *out);

#endif
