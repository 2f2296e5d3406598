#ifndef CREDENTIALS_HTTP_INJECT_H
#define CREDENTIALS_HTTP_INJECT_H
/*
 * Rewrite the requests of one HTTP/1.1 connection on their way to a server:
 * each gets a header that the client does not have.
 *
 *     struct http_inject h;
 *     http_inject_init(&h, &(struct http_inject_options){
 *         .host = "api.example", .port = 443, .tls = true,
 *         .header = "Authorization" });
 *     n = http_inject_feed(&h, input, &out, e);     bytes taken, or refused
 *     if (h.waits)
 *             ... ask; then http_inject_go(&h, value, &out, e);
 *
 * Strict: what could be read in two ways is refused, and ends the connection.
 * No head is passed on before http_inject_go; a body goes through as it is.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define HTTP_INJECT_HEAD_MAX ((size_t)64 << 10)
#define HTTP_INJECT_HEADERS_MAX 200
#define HTTP_INJECT_LINE_MAX 300 /* of a chunk's size */

struct http_inject_options {
	const char *host; /* the one whose requests get the header */
	uint16_t port;
	bool tls; /* 443 need not be written, else 80 */
	const char *header; /* its name */
};

enum http_inject_part {
	HTTP_HEAD,
	HTTP_BODY, /* left bytes of it */
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK, /* left bytes of one, with its end of line */
	HTTP_CHUNKS_END,
};

struct http_inject {
	struct http_inject_options o;
	enum http_inject_part part;
	struct buf head; /* of the request that is read or waits */
	uint64_t left;
	char line[HTTP_INJECT_LINE_MAX]; /* of a chunk's size */
	size_t line_len;
	bool waits; /* a whole head is here: http_inject_go */
	struct str method, target; /* in head, while it waits */
};

void http_inject_init(
    struct http_inject *h, const struct http_inject_options *o);
void http_inject_done(struct http_inject *h);
/*
 * How many bytes of in were taken (all, unless a head is complete); ERR_DENIED
 * or ERR_INVALID: the connection must end, e->msg says why.
 */
int http_inject_feed(
    struct http_inject *h, struct str in, struct buf *out, struct err *e);
/* Passes the head that waits on, with the header. value is the secret's: out
 * is wiped by who owns it. */
int http_inject_go(
    struct http_inject *h, struct str value, struct buf *out, struct err *e);
/* Between two requests: the client may end here. */
bool http_inject_idle(const struct http_inject *h);
/* An answer of ours, for what was refused. */
void http_inject_refusal(struct buf *out, unsigned status, const char *why);

#endif
