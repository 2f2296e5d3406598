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
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum mcp_next {
	MCP_SAY, /* out holds the answer */
	MCP_QUIET, /* a notification: no answer */
	MCP_ASK, /* the daemon, as mcp_question says */
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
};

struct mcp;

/* workspace: where calls run that name no folder; copied. */
int mcp_new(const char *workspace, struct mcp **ret, struct err *e);
void mcp_free(struct mcp *m);
void mcp_freep(struct mcp **m);
enum mcp_next mcp_take(struct mcp *m, struct str message, struct buf *out);
const struct mcp_question *mcp_question(const struct mcp *m);
/* status 0: there was no answer, and json is why, as plain text. */
void mcp_answer(
    struct mcp *m, unsigned status, struct str json, struct buf *out);

#endif
