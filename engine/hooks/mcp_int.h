#ifndef HOOKS_MCP_INT_H
#define HOOKS_MCP_INT_H
/*
 * Inside the MCP server: what is known of a client, and of a message.
 */
#include "mcp_menu.h"

#define MCP_TOLD_MAX ((size_t)1 << 20)
#define MCP_CAPTURED_MAX 64
#define MCP_URI_MAX 512
#define MCP_RECENT_MAX 16
#define MCP_ASK_ID_MAX 32

struct mcp_session {
	const struct mcp_menu *menu;
	char *workspace;
	bool elicits, samples, primes;
	enum mcp_level level;
	unsigned asked; /* requests of ours, so far */
	char *watched[MCP_SUBSCRIPTIONS_MAX];
	char recent[MCP_RECENT_MAX][ACTION_ID_MAX];
	size_t noted;
};

struct mcp {
	struct mcp_session *session;
	struct rpc message;
	const struct mcp_offer *offer; /* NULL: none is under way */
	size_t args; /* node, or 0 */
	const char *uri;
	char captured[MCP_CAPTURED_MAX];
	int step;
	unsigned waited;
	struct hook *hook;
	struct buf body, told;
	struct str about; /* MCP_CANCEL, MCP_REPLY */
	bool malformed, subscribes, cuts;
	char ask_id[MCP_ASK_ID_MAX]; /* of our question to the client, or "" */
	int64_t asked_ms; /* when, by the transport's clock; -1: not yet */
	int64_t pause_ms;
	struct mcp_question question;
};

/* mcp_session.c */
/* What an initialize says of its client. Returns the version to speak. */
const char *mcp_session_greet(struct mcp_session *s, const struct rpc *m);
/* ERR_LIMIT, ERR_NOMEM. */
int mcp_session_watch(struct mcp_session *s, const char *uri, struct err *e);
void mcp_session_unwatch(struct mcp_session *s, const char *uri);
enum mcp_level mcp_level_of(const char *name);
const char *mcp_level_name(enum mcp_level level);

/* mcp_methods.c */
enum mcp_next mcp_request(struct mcp *m, struct buf *out);

#endif
