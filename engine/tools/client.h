#ifndef TOOLS_CLIENT_H
#define TOOLS_CLIENT_H
/*
 * Talk to the daemon over one of its unix sockets.
 *
 *     AUTO(client_freep) struct client *c = NULL;
 *     AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
 *     r = client_open(runtime, CLIENT_APPROVER, &c, e);
 *     r = client_call(c, &(struct client_request){ .method = "GET",
 *         .path = "/v1/grants" }, &reply, e);
 *     r = client_expect(&reply, e);     a problem becomes an error
 *
 * Only a socket in a folder that belongs to root or to this user is spoken
 * to. An answer that is not JSON, too long, or cut short is an error: nothing
 * of it is believed.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum client_door {
	CLIENT_AGENT, /* proposes */
	CLIENT_APPROVER, /* answers */
};

struct client;

/* One event of a stream; the texts are valid during the call. Non-zero ends
 * the stream: client_call then returns it. The first one is CLIENT_EVENT_OPEN,
 * without data: what happens after it is not missed. */
#define CLIENT_EVENT_OPEN "open"
/* What each line of an answer in lines (application/jsonl) is called. */
#define CLIENT_EVENT_LINE "line"
typedef int client_event_fn(
    void *ctx, struct str name, struct str data, struct err *e);

struct client_request {
	const char *method, *path; /* path with its query, encoded */
	struct str body; /* JSON, or nothing */
	int64_t wait_s; /* Prefer: wait; 0 none */
	int64_t timeout_ms; /* for the answer; 0: what it waits, and more */
	const char *if_match, *if_none_match, *idempotency_key; /* or NULL */
	client_event_fn *on_event; /* asks for an event stream */
	void *ctx;
};

#define CLIENT_ETAG_MAX 128

struct client_reply {
	long status;
	char etag[CLIENT_ETAG_MAX];
	json_t *json; /* NULL where there is no body (204, 304, streams) */
};

#define CLIENT_REPLY_INIT                                                      \
	{                                                                      \
		.status = 0                                                    \
	}

/* runtime: --runtime or NULL for the usual place. Nothing is sent yet. */
int client_open(const char *runtime, enum client_door door, struct client **ret,
    struct err *e);
void client_free(struct client *c);
void client_freep(struct client **c);
/* Called during calls whenever fd is readable; non-zero ends the call. */
typedef int client_interrupt_fn(void *ctx, struct err *e);
void client_interrupt_by(
    struct client *c, int fd, client_interrupt_fn *fn, void *ctx);
/* ERR_SYS: there is no daemon; ERR_INTERNAL: its answer is not an answer. */
int client_call(struct client *c, const struct client_request *request,
    struct client_reply *ret, struct err *e);

/*
 * The same while a loop goes on: on_done comes once, from the loop, with the
 * reply (valid during the call) or NULL and why. client_stop before that: it
 * never comes. Texts of the request are not kept, but on_event and its ctx.
 */
struct loop;
struct client_running;
typedef void client_done_fn(
    void *ctx, int r, const struct client_reply *reply, const struct err *why);
struct client_begin {
	struct client_request request;
	client_done_fn *on_done;
	void *ctx; /* of on_done */
};
int client_start(struct client *c, struct loop *l, const struct client_begin *b,
    struct client_running **ret, struct err *e);
void client_stop(struct client_running *k);

void client_reply_done(struct client_reply *r);
/* 0 for a status below 400, else the problem's own sentence as an error. */
int client_expect(const struct client_reply *r, struct err *e);
/* The exit status that the contract gives to a failure. */
int client_exit_status(const struct err *e);
/* A text member of an object, or NULL. */
const char *client_text(const json_t *object, const char *name);

#endif
