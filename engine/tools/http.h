#ifndef TOOLS_HTTP_H
#define TOOLS_HTTP_H
/*
 * One HTTP/1.1 exchange over a unix socket: a request, its whole answer.
 *
 *     r = http_exchange(&(struct http_call){ .socket = path,
 *         .request = buf_str(&bytes), .on_head = head, .on_body = body,
 *         .ctx = ctx, .timeout_ms = 30000, .interrupt_fd = -1 }, e);
 *
 * A connection carries one exchange. An answer whose end cannot be told from
 * a broken connection is an error, and so is one that breaks off.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define HTTP_FIELD_MAX 128

/* Of the head, what the caller cares for; "" where it was not sent. */
struct http_head {
	unsigned status;
	char content_type[HTTP_FIELD_MAX], etag[HTTP_FIELD_MAX];
};

typedef int http_head_fn(
    void *ctx, const struct http_head *head, struct err *e);
typedef int http_body_fn(void *ctx, struct str bytes, struct err *e);
typedef int http_interrupt_fn(void *ctx, struct err *e);

struct http_call {
	const char *socket; /* its path; with a port, what it is called */
	uint16_t port; /* 0, or: on this machine, over TCP */
	struct str request; /* head and body, ready to be sent */
	http_head_fn *on_head;
	http_body_fn *on_body; /* the bytes as they come */
	void *ctx; /* of both */
	int64_t timeout_ms; /* for the whole; 0: however long it takes */
	int interrupt_fd; /* -1, or: readable calls interrupt */
	http_interrupt_fn *interrupt;
	void *interrupt_ctx;
};

/* What a function of the call returned other than 0 ends it and is returned;
 * ERR_SYS: nobody answers, or not in time; ERR_INTERNAL: that is no HTTP. */
int http_exchange(const struct http_call *call, struct err *e);

#endif
