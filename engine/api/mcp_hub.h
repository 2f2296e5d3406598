#ifndef API_MCP_HUB_H
#define API_MCP_HUB_H
/*
 * Streamable HTTP: sessions, their streams, and the messages under way.
 *
 *     client -> mcped -> work -> engine
 *                          |
 *     client <- stream <---+      events are kept for who comes back
 *
 * A session belongs to one caller. It ends by DELETE, when it was idle for
 * MCP_IDLE_MS, or when a new one needs its place. A call in a session outlives
 * its connection; one without a session is its connection's own.
 */
#include "base/loop.h"
#include "core/messages.h"
#include "front.h"
#include "hooks/mcp_menu.h"

#define MCP_SESSION_ID_MAX 40
/* Ids of calls to the engine that no client's slot has. */
#define MCP_SLOT_FIRST 0x8000u

struct mcp_hub;
struct mcp_http;
struct mcp_stream;
struct mcp_work;

/* Who calls. */
struct mcp_caller {
	enum listener_kind kind;
	enum caller_role role;
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

struct mcp_hub {
	struct front *front;
	const struct mcp_menu *menu;
	struct mcp_http *first, *last; /* sessions, the latest used first */
	size_t session_count;
	struct mcp_work **works; /* by slot; NULL: free */
	size_t work_cap;
	size_t kept; /* bytes of events, of all sessions */
	struct loop_timer *sweep;
};

struct mcp_http {
	struct mcp_hub *hub;
	struct mcp_http *prev, *next;
	char id[MCP_SESSION_ID_MAX];
	struct mcp_caller owner;
	int64_t used_ns;
	struct mcp_session *said;
	struct mcp_stream *streams; /* the latest first; the last is number 0 */
	size_t stream_count;
	uint32_t next_stream;
	size_t work_count;
	size_t kept; /* bytes of its events */
};

/* ---- mcp_hub.c ---------------------------------------------------------- */

int mcp_hub_new(struct front *f, const struct mcp_menu *menu,
    struct mcp_hub **ret, struct err *e);
void mcp_hub_free(struct mcp_hub *hub);
/* ERR_LIMIT: all places are taken by sessions that work. */
int mcp_http_new(struct mcp_hub *hub, const struct mcp_caller *who,
    struct mcp_http **ret, struct err *e);
/* Its calls are given up. */
void mcp_http_end(struct mcp_http *s);
/* Moves it to the front. NULL: no such session of this caller. */
struct mcp_http *mcp_http_find(
    struct mcp_hub *hub, const struct mcp_caller *who, struct str id);

/* ---- mcp_stream.c ------------------------------------------------------- */

/* A stream of a session; it stays until it is over and others need room. */
int mcp_stream_new(
    struct mcp_http *s, struct str request_id, struct mcp_stream **ret);
void mcp_streams_free(struct mcp_http *s);
/* c hears it from now on, with what was said after the event; whoever heard
 * it before does not. NULL events: from the first one kept. */
void mcp_stream_open(struct mcp_stream *st, struct client *c, uint64_t after);
/* The stream of that event, or NULL. 0: the session's own. */
struct mcp_stream *mcp_stream_find(struct mcp_http *s, uint64_t event);
void mcp_stream_put(struct mcp_stream *st, struct str message);
/* Ends the connection; over: nothing more comes. */
void mcp_stream_cut(struct mcp_stream *st, bool over);
/* The client that heard it is gone. */
void mcp_stream_client_gone(struct mcp_stream *st, const struct client *c);

/* ---- mcp_work.c --------------------------------------------------------- */

struct mcp_work_options {
	struct mcp_caller who;
	struct mcp_http *session; /* NULL: c hears of it, as JSON */
	struct mcp_session *said; /* without a session; taken */
	struct mcp *mcp; /* taken, also on failure */
	enum mcp_next next; /* MCP_ASK or MCP_WAIT */
	struct client *client;
	bool streams; /* in a session: c hears events */
	int64_t wait_ms; /* else: as long as it waits for its answer */
};

/* ERR_LIMIT: too many at once; ERR_SYS: the engine is away. */
int mcp_work_begin(
    struct mcp_hub *hub, const struct mcp_work_options *o, struct err *e);
/* A call of the engine's in the hub's range of slots was answered. */
void mcp_work_reply(struct mcp_hub *hub, const struct reply *reply);
void mcp_work_engine_gone(struct mcp_hub *hub);
/* notifications/cancelled; an answer to a question of ours. */
void mcp_work_cancel(struct mcp_http *s, struct str id);
void mcp_work_hear(struct mcp_http *s, const struct mcp *reply);
bool mcp_work_has(const struct mcp_http *s, struct str id);
/* All of a session; all there are. */
void mcp_works_end(struct mcp_http *s);
void mcp_works_free(struct mcp_hub *hub);
/* Why there is no answer: it is the message's answer. */
void mcp_work_fail(struct mcp_work *w, const char *why);
/* The client that waits for it is gone. */
void mcp_work_client_gone(struct mcp_work *w);
/* Actions that the session subscribed to are looked at. */
void mcp_work_watch(struct mcp_http *s, const struct mcp_caller *who);

/* ---- mcped.c ------------------------------------------------------------ */

/* The action of a question, as the engine takes it, in the front's record. */
int mcped_question(struct front *f, const struct mcp_caller *who,
    const struct mcp_question *q, struct call *c, struct err *e);
void mcped_send(struct client *c, unsigned status, const struct buf *out,
    const char *session);

#endif
