#ifndef API_FRONT_H
#define API_FRONT_H
/*
 * Inside the front: clients, their requests, the answers.
 *
 *     listener -> client (http_guard reads) -> request -> call -> engine
 *     engine -> reply -> link (libmicrohttpd writes) -> client
 *
 * One client has one request at a time. A request reaches nobody before all
 * of it was read and found good, and the library sees no byte that a client
 * sent (docs/adr/0002).
 */
#include "auth.h"
#include "base/buf.h"
#include "base/ipc.h"
#include "base/loop.h"
#include "core/messages.h"
#include "deadline.h"
#include "http_guard.h"
#include "request.h"

#define SCRATCH_BYTES ((size_t)64 << 10)
#define LISTENERS_MAX 8
#define REQUEST_ID_MAX 64
/* Beyond the limit of connections these are told so; more are just closed. */
#define TOLD_MAX 128

struct front;
struct role_env;
struct client;
struct link;
struct MHD_Daemon;

enum client_state {
	CLIENT_READING, /* or idle, between two requests */
	CLIENT_WAITING, /* for the engine */
	CLIENT_ANSWERING,
	CLIENT_LINGERING, /* answered for the last time, not closed yet */
};

struct client {
	struct front *front;
	int fd;
	size_t slot;
	struct auth_peer peer;
	int pidfd; /* of who connected to the approver's socket; or -1 */
	enum client_state state;
	unsigned events; /* watched */
	bool counted; /* among the connections of its uid */
	struct deadline deadline;
	struct guard guard;
	struct buf in; /* what was read of the request, and behind it */
	struct buf out; /* of the answer, not taken by the socket */
	struct link *link; /* NULL until the first answer */
	struct hook *hook; /* of a client's own form; or NULL */
	struct mcp_work *work; /* an MCP message that it waits for; or NULL */
	struct mcp_stream *stream; /* of MCP, that it hears; or NULL */
	uint64_t call_id; /* 0: the engine owes nothing */
	/* of the request that is being answered */
	bool close_after, head_only, sent_continue, streaming, heartbeat;
	bool paced; /* the engine waits for what is taken of the stream */
	unsigned silent; /* signs of life since it took something */
	unsigned minor;
	int64_t wait_ms;
	char request_id[REQUEST_ID_MAX + 1];
	bool in_answering;
	struct client *next_answering;
};

struct answer {
	unsigned status;
	enum body_type type;
	struct str body;
	bool chunks, paced;
	const char *etag, *location;
	const char *session; /* of MCP */
	unsigned allow; /* methods, for the header Allow */
	uint32_t retry_after_s;
};

struct uid_count {
	uid_t uid;
	size_t count;
};

struct front_listener {
	struct front *front;
	enum listener_kind kind;
	int fd;
};

struct front {
	struct role_env *env; /* of the role; NULL in tests */
	struct loop *loop;
	struct buf openapi; /* GET /openapi.json */
	const char *listen_tcp;
	struct tokens *tokens;
	uid_t owner; /* whose daemon this is */
	struct ipc *engine; /* NULL: away */
	struct MHD_Daemon *mhd;
	int mhd_fd;
	struct link *opening;
	struct loop_task run_mhd;
	struct client *answering; /* to be pumped after the library ran */
	struct front_listener listeners[LISTENERS_MAX];
	size_t listener_count;
	bool listeners_off;
	struct client **clients; /* by slot; NULL: free */
	size_t client_cap, client_count;
	struct uid_count *uids;
	size_t uid_cap, uid_count;
	struct deadlines deadlines;
	struct mcp_hub *mcp;
	size_t buffered; /* bytes of requests that are not complete */
	size_t held; /* bytes of answers that are not taken */
	uint64_t calls;
	uint64_t requests; /* for request ids */
	uint64_t boot; /* random, in request ids */
	int64_t refused_ns; /* when the last token of the bucket was given */
	unsigned refused_left, refused_lost;
	struct buf record, call; /* scratch of one call */
	char scratch[SCRATCH_BYTES];
};

/* front.c */
int front_new(struct loop *l, uid_t owner, struct front **ret, struct err *e);
void front_free(struct front *f);
int front_listen(
    struct front *f, enum listener_kind kind, int fd, struct err *e);
void front_client_gone(struct front *f, struct client *c);
/* Is there room for so many bytes more of answers? */
bool front_may_hold(const struct front *f, size_t bytes);
/* Somebody tried what he may not: a row in the log, at a bounded rate. */
void front_record_refusal(
    struct front *f, const struct request *rq, const struct refusal *why);

/* engine_link.c */
/* Takes fd. closed gets f as its ctx, and calls front_engine_gone. */
int front_engine(struct front *f, int fd, ipc_closed_fn *closed, struct err *e);
/* The link is gone: everybody who waits for it is told. */
void front_engine_gone(struct front *f);
/* Sends a call for c; -1 when the engine is away or does not keep up. */
int front_call(struct front *f, struct client *c, struct call *call);
/* The same for what has a slot of its own. Sets the call's id. */
int front_send(struct front *f, size_t slot, struct call *call);
/* Nobody waits for the reply of that call; 0: none. */
void front_unask(struct front *f, uint64_t call_id);
void front_call_gone(struct front *f, struct client *c);
/* c has taken so many bytes of a paced stream. */
void front_taken(struct front *f, const struct client *c, uint64_t bytes);

/* client.c */
int client_new(struct front *f, int fd, const struct auth_peer *peer,
    struct client **ret, struct err *e);
void client_close(struct client *c);
void client_deadline(void *ctx, enum deadline_kind kind);
void client_answer(struct client *c, const struct answer *a);
void client_problem(struct client *c, unsigned status, const char *code,
    const char *detail, uint32_t retry_after_s);
/* Told that there is no room, then closed. */
void client_turn_away(struct client *c);
/* Moves bytes from the library to the client. */
void client_pump(struct client *c);

/* link.c: the library's side of an answer */
int link_daemon(struct front *f, struct err *e);
void link_daemon_stop(struct front *f);
/* Begins an answer on c's link, which is made when there is none. */
int link_answer(struct client *c, const struct answer *a, struct err *e);
/* Bytes of the answer: >0, 0 at the end, -1 none now. */
ssize_t link_read(struct link *k, void *to, size_t len);
bool link_completed(const struct link *k);
/* All that will ever come of a stream is here. */
bool link_ended(const struct link *k);
/* Watches for more of the answer, or not: while the client takes nothing. */
void link_watch(struct link *k, bool on);
/* More of a stream; false when the client reads too slowly: it is ended. */
bool link_chunk(struct link *k, struct str bytes);
void link_end(struct link *k, struct str last_words);
/* The client is gone, or wants no more of it. */
void link_drop(struct link *k);

#endif
