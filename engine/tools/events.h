#ifndef TOOLS_EVENTS_H
#define TOOLS_EVENTS_H
/*
 * Server-sent events from bytes as they come.
 *
 *     struct events in = EVENTS_INIT(on_event, ctx);
 *     r = events_feed(&in, bytes, e);      any cut of the stream
 *     events_done(&in);
 *
 * Fields other than event and data are ignored, as the format wants it. An
 * event above EVENT_BYTES_MAX is ERR_LIMIT.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define EVENT_BYTES_MAX ((size_t)64 << 20)
#define EVENT_NAME_MAX 64

typedef int events_fn(
    void *ctx, struct str name, struct str data, struct err *e);

struct events {
	events_fn *fn;
	void *ctx;
	struct buf line, data;
	char name[EVENT_NAME_MAX];
};

#define EVENTS_INIT(fn_, ctx_)                                                 \
	{                                                                      \
		.fn = (fn_), .ctx = (ctx_), .line = BUF_INIT(EVENT_BYTES_MAX), \
		.data = BUF_INIT(EVENT_BYTES_MAX)                              \
	}

int events_feed(struct events *in, struct str bytes, struct err *e);
void events_done(struct events *in);

#endif
