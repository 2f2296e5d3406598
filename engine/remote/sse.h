#ifndef REMOTE_SSE_H
#define REMOTE_SSE_H
/*
 * Server-sent events out of bytes as they come.
 *
 *     struct sse s = SSE_INIT(max, on_event, x);
 *     r = sse_feed(&s, bytes, len, e);     ERR_LIMIT: one is too long
 *     sse_done(&s);
 *
 * Data of several lines is put together with line feeds. Comments, types and
 * fields that are not known are left out. An event that is not ended by an
 * empty line is none.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define SSE_ID_MAX 256
#define SSE_RETRY_MS_MAX 60000

/* data may be empty: then it brings an id, or nothing. */
typedef void sse_event_fn(void *ctx, struct str data);

struct sse {
	sse_event_fn *on_event;
	void *ctx;
	struct buf line, data;
	bool has_data, after_cr, began;
	char id[SSE_ID_MAX]; /* of the latest event that had one, or "" */
	int64_t retry_ms; /* as the server wants it; -1: it did not say */
};

#define SSE_INIT(max_, on_event_, ctx_)                                        \
	{                                                                      \
		.on_event = (on_event_), .ctx = (ctx_),                        \
		.line = BUF_INIT(max_), .data = BUF_INIT(max_), .retry_ms = -1 \
	}

int sse_feed(struct sse *s, const char *bytes, size_t len, struct err *e);
/* Another stream begins: what is not complete is none. */
void sse_restart(struct sse *s);
void sse_done(struct sse *s);

#endif
