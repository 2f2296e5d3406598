#ifndef OTLP_SYSLOG_STREAM_H
#define OTLP_SYSLOG_STREAM_H
/*
 * A connection over TCP or TLS that takes bytes and says when the peer has
 * them. Nothing here waits: a peer that hangs costs nobody else anything.
 *
 *     r = syslog_stream_new(&options, &s, e);
 *     syslog_stream_send(s, bytes, on_done, ctx);    one at a time
 *     syslog_stream_free(s);             no on_done after it
 *
 * It connects with the first bytes, and again after a failure.
 */
#include "base/buf.h"
#include "base/loop.h"
#include "web/curl_loop.h"
#include "web/curl_set.h"

struct syslog_stream;

/* Borrowed as long as it lives. */
struct syslog_stream_options {
	struct loop *loop;
	struct curl_loop *curl;
	const char *where; /* "host:601" */
	bool encrypted;
	const char *name; /* for messages: the destination as it is set */
	struct web_tls tls;
};

/* Once for each send, from the loop or within it. r 0: the peer's kernel has
 * all of it. */
typedef void syslog_stream_fn(void *ctx, int r, const struct err *why);

int syslog_stream_new(const struct syslog_stream_options *o,
    struct syslog_stream **ret, struct err *e);
/* Takes what is in bytes, which is empty then. */
void syslog_stream_send(struct syslog_stream *s, struct buf *bytes,
    syslog_stream_fn *done, void *ctx);
void syslog_stream_free(struct syslog_stream *s);

#endif
