#ifndef HOOKS_MCP_H
#define HOOKS_MCP_H
/*
 * An MCP server without its transport: a message in; a message, a question to
 * the daemon or a time to wait out. What it offers is a table (mcp_menu.h).
 *
 *     r = mcp_session_new(&mcp_assent, folder, &s, e);     one client
 *     r = mcp_new(s, &m, e);                               one message of his
 *     next = mcp_take(m, line, &out);
 *     switch (next) case MCP_ASK: mcp_question(m) ...
 *     next = mcp_hear_daemon(m, status, json, &out);       and again
 *
 * After each step what is in mcp_told(m) goes to the client first. Whatever is
 * wrong with a message is a JSON-RPC error.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "hooks.h"

enum mcp_next {
	MCP_SAY, /* out holds the answer, the last word */
	MCP_QUIET, /* nothing more: a notification; or go on waiting */
	MCP_ASK, /* the daemon, as mcp_question says */
	MCP_WAIT, /* for the client's answer, or mcp_pause_ms */
	MCP_CANCEL, /* the call that mcp_about names */
	MCP_REPLY, /* to a request of ours that mcp_about names */
};

enum mcp_route {
	MCP_PROPOSE, /* POST /v1/actions */
	MCP_LOOK, /* GET /v1/actions/{id} */
	MCP_EXPLAIN, /* GET /v1/actions/{id}/explain */
	MCP_EVALUATE, /* POST /v1/evaluate */
	MCP_VERSION, /* GET /v1/version */
	MCP_REQUIREMENTS, /* GET /v1/requirements */
};

struct mcp_question {
	enum mcp_route route;
	const char *id; /* of an action; MCP_LOOK, MCP_EXPLAIN */
	struct str body; /* MCP_PROPOSE, MCP_EVALUATE */
	bool waits; /* until a person answered, as long as there is time */
	bool keeps; /* if nobody did, it stays open: check_approval tells */
};

struct mcp_menu;
struct mcp_session;
struct mcp;

#define MCP_SUBSCRIPTIONS_MAX 16 /* of a session */
#define MCP_PERSON_MS 1000 /* faster than anybody reads */

/* workspace: where calls run that name no folder, or NULL; copied. */
int mcp_session_new(const struct mcp_menu *menu, const char *workspace,
    struct mcp_session **ret, struct err *e);
void mcp_session_free(struct mcp_session *s);
void mcp_session_freep(struct mcp_session **s);
/* Does this client know of streams that begin without a word? */
bool mcp_session_primes(const struct mcp_session *s);
/* The i-th resource that it wants to hear of, or NULL beyond the last. */
const char *mcp_session_watches(const struct mcp_session *s, size_t i);
bool mcp_speaks(struct str version);
/* notifications/resources/updated */
void mcp_put_updated(struct buf *out, const char *uri);

/* The session must outlive its messages. */
int mcp_new(struct mcp_session *s, struct mcp **ret, struct err *e);
void mcp_free(struct mcp *m);
void mcp_freep(struct mcp **m);
enum mcp_next mcp_take(struct mcp *m, struct str message, struct buf *out);
/* Of the message that was taken; texts are JSON, valid until the next one. */
struct str mcp_id(const struct mcp *m);
struct str mcp_about(const struct mcp *m);
bool mcp_is_initialize(const struct mcp *m);
bool mcp_is_subscription(const struct mcp *m);
/* MCP_SAY: it was no message of the protocol at all. */
bool mcp_is_malformed(const struct mcp *m);
/* A reply (MCP_REPLY) is to this one's question. */
bool mcp_asks(const struct mcp *m, const struct mcp *reply);
/* Messages that go before, each with a newline; then mcp_told_done, with the
 * time of any clock: a question to the client may be among them. */
struct str mcp_told(const struct mcp *m);
void mcp_told_done(struct mcp *m, int64_t now_ms);

const struct mcp_question *mcp_question(const struct mcp *m);
/* MCP_WAIT: until mcp_hear_clock; negative: no time is set. */
int64_t mcp_pause_ms(const struct mcp *m);
/* MCP_WAIT: the stream is to end meanwhile, for the client to come back. */
bool mcp_cuts(const struct mcp *m);

/* What came of it. status 0: no answer, and json is why, as plain text. */
enum mcp_next mcp_hear_daemon(
    struct mcp *m, unsigned status, struct str json, struct buf *out);
/* It is open, or runs: there may be something to tell. */
void mcp_hear_wait(struct mcp *m, const struct hook_ruling *ruling);
/* MCP_SAY: what the daemon still has of it is to be given up. A no within
 * MCP_PERSON_MS is nobody's: so answers a client without a person. */
enum mcp_next mcp_hear_client(
    struct mcp *m, const struct mcp *reply, int64_t now_ms, struct buf *out);
enum mcp_next mcp_hear_clock(struct mcp *m, struct buf *out);
/* Nobody waits for it any more: a question to the client is taken back. */
void mcp_withdraw(struct mcp *m);

#endif
