#ifndef HOOKS_MCP_MENU_H
#define HOOKS_MCP_MENU_H
/*
 * What an MCP server offers, as tables, and what their functions may do.
 *
 *     static enum mcp_next
 *     begin_now(struct mcp *m, struct buf *out)
 *     {
 *             return mcp_say_text(m, STR("12:00"), false, out);
 *     }
 *     static const struct mcp_offer tools[] = {
 *             { .name = "now", .json = "{\"name\":\"now\",...}",
 *               .begin = begin_now },
 *     };
 *
 * A function returns MCP_SAY with the answer in out, or what it waits for:
 * then its offer's heard is called with what came.
 */
#include "base/jsonw.h"
#include "mcp.h"
#include "model/limits.h"
#include "rpc.h"

#define MCP_BODY_MAX (2 * HTTP_BODY_BYTES_MAX)

enum mcp_level {
	MCP_LEVEL_UNSET, /* the client asked for no log */
	MCP_LEVEL_DEBUG,
	MCP_LEVEL_INFO,
	MCP_LEVEL_NOTICE,
	MCP_LEVEL_WARNING,
	MCP_LEVEL_ERROR,
	MCP_LEVEL_CRITICAL,
	MCP_LEVEL_ALERT,
	MCP_LEVEL_EMERGENCY,
};

enum mcp_from {
	MCP_FROM_DAEMON, /* its last word: status and json */
	MCP_FROM_WAIT, /* it is open, or runs: ruling */
	MCP_FROM_CLIENT, /* json: the result; status 0: the error */
	MCP_FROM_CLOCK,
};

struct mcp_news {
	enum mcp_from from;
	unsigned status;
	struct str json;
	const struct hook_ruling *ruling;
	bool declined; /* MCP_FROM_CLIENT: a person said no */
};

typedef enum mcp_next mcp_begin_fn(struct mcp *m, struct buf *out);
typedef enum mcp_next mcp_heard_fn(
    struct mcp *m, const struct mcp_news *news, struct buf *out);
/* Values of an argument that begin with what is typed so far. */
typedef void mcp_complete_fn(struct mcp *m, const char *argument,
    const char *typed, struct jsonw *values);

struct mcp_offer {
	const char *name; /* of a resource: its URI, with one {x} a template */
	const char *json; /* as its list shows it */
	int tag; /* for the functions */
	mcp_begin_fn *begin;
	mcp_heard_fn *heard;
};

struct mcp_table {
	const struct mcp_offer *offers;
	size_t count;
};

struct mcp_menu {
	const char *name, *title, *instructions;
	const struct mcp_table *tools, *resources, *prompts;
	mcp_complete_fn *complete; /* or NULL: nothing is known */
};

/* ---- the message -------------------------------------------------------- */

const struct mcp_offer *mcp_offer(const struct mcp *m);
const struct rpc *mcp_message(const struct mcp *m);
/* Node of the arguments, or 0; an argument that is text, or NULL. */
size_t mcp_args(const struct mcp *m);
const char *mcp_arg(const struct mcp *m, const char *name);
/* A resource: its URI, and what stood for {x}, or NULL. */
const char *mcp_uri(const struct mcp *m);
const char *mcp_captured(const struct mcp *m);
const char *mcp_workspace(const struct mcp *m);
/* The function's own: 0 at the beginning; freed with the message. */
int *mcp_step(struct mcp *m);
/* How often it was heard that it waits, by the function's own count. */
unsigned *mcp_waited(struct mcp *m);
struct buf *mcp_body(struct mcp *m);
struct hook **mcp_hook(struct mcp *m);
bool mcp_can_elicit(const struct mcp *m);
bool mcp_can_sample(const struct mcp *m);
/* Actions that this client heard of, the latest first; NULL beyond. */
const char *mcp_recent(const struct mcp *m, size_t i);
void mcp_note_action(struct mcp *m, const char *id);

/* ---- answers ------------------------------------------------------------ */

enum mcp_next mcp_fail(
    const struct mcp *m, enum rpc_error code, const char *why, struct buf *out);
/* The result as JSON. */
enum mcp_next mcp_say(const struct mcp *m, struct str json, struct buf *out);
/* A tool's: one text. */
enum mcp_next mcp_say_text(
    const struct mcp *m, struct str words, bool is_error, struct buf *out);
/* A resource's: one text. */
enum mcp_next mcp_say_resource(
    const struct mcp *m, const char *media, struct str text, struct buf *out);

/* ---- before the answer -------------------------------------------------- */

/* Nothing where the client gave no token. total 0: not known. */
void mcp_tell_progress(
    struct mcp *m, unsigned done, unsigned total, const char *message);
/* Nothing below the level that the client set. */
void mcp_tell_log(struct mcp *m, enum mcp_level level, const char *text);
/* One at a time; params is JSON. Then MCP_WAIT, or whatever it waits for. */
void mcp_ask_client(struct mcp *m, const char *method, struct str params);
bool mcp_asks_client(const struct mcp *m);
enum mcp_next mcp_ask_daemon(
    struct mcp *m, const struct mcp_question *question);
/* cut: the stream ends meanwhile. */
enum mcp_next mcp_pause(struct mcp *m, int64_t ms, bool cut);

/* What assent itself offers. */
extern const struct mcp_menu mcp_assent;

#endif
