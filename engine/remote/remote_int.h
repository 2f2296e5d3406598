#ifndef REMOTE_REMOTE_INT_H
#define REMOTE_REMOTE_INT_H
/*
 * Inside the client of a remote MCP server.
 */
#include "hooks/rpc.h"
#include "model/limits.h"
#include "remote.h"
#include "sse.h"
#include "web/curl_loop.h"

#define REMOTE_MESSAGE_MAX HTTP_BODY_BYTES_MAX
#define REMOTE_EXCHANGES_MAX 64
#define REMOTE_WAITING_MAX 64 /* lines, until initialize was answered */
#define REMOTE_SESSION_MAX 512
#define REMOTE_VERSION_MAX 32
#define REMOTE_RETRIES_MAX 5 /* of a stream without a word on it */
#define REMOTE_RETRY_MS 1000
#define REMOTE_ANSWERED_MS 1000 /* for a stream to end after its answer */
#define REMOTE_RETRY_MS_MAX 30000

enum exchange_kind {
	EXCHANGE_POST,
	EXCHANGE_LISTEN, /* the server's own stream */
	EXCHANGE_END, /* DELETE */
};

/* One message and its answer; or one stream, in as many requests as it
 * takes. */
struct exchange {
	struct remote *remote;
	struct exchange *next;
	enum exchange_kind kind;
	CURL *easy; /* NULL: it waits for its next request */
	struct curl_transfer transfer;
	struct curl_slist *headers;
	struct loop_timer *timer;
	struct buf body, answer;
	struct sse sse;
	char id[RPC_ID_MAX + 1]; /* of the request, as written; or "" */
	bool initialize, initialized, answered, resumes, events, heard;
	bool session_was_known;
	long status;
	unsigned tries;
	struct err failed; /* while its bytes came */
};

struct remote {
	struct remote_options o;
	struct curl_loop *curl;
	struct exchange *exchanges;
	size_t exchange_count;
	char session[REMOTE_SESSION_MAX], version[REMOTE_VERSION_MAX];
	bool greeting; /* initialize is under way */
	bool listens, ends;
	char *waiting[REMOTE_WAITING_MAX];
	size_t waiting_count;
	struct buf out;
};

/* exchange.c */
/* Its first request, or its next one. */
int exchange_start(struct exchange *x, struct err *e);
void exchange_free(struct exchange *x);

/* remote.c */
/* A message that came: JSON. */
void remote_deliver(struct exchange *x, struct str json);
/* The request is over; code is libcurl's. */
void remote_over(struct exchange *x, CURLcode code);

#endif
