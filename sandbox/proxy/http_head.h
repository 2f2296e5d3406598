#ifndef PROXY_HTTP_HEAD_H
#define PROXY_HTTP_HEAD_H
/*
 * Heads of HTTP/1.x messages, read strictly and written anew.
 *
 *     r = http_request_parse(bytes, &head, e);   1 whole, 0 more to come
 *     r = http_absolute_parse(head.target, &to, e);
 *     http_request_write(&out, &head, &to);
 *
 * One reading only: lines end with CR LF, a name is followed by its colon, no
 * folding, no NUL, one length or one "chunked" and never both. What is passed
 * on is written from what was understood, so that the next reader cannot see
 * another message than we did. Views point into the bytes.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "sandbox/net_addr.h"

#define HTTP_FIELDS_MAX 128

struct http_field {
	struct str name, value;
};

enum http_body {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH,
	HTTP_BODY_CHUNKED,
	HTTP_BODY_TO_END, /* of an answer: until the server closes */
};

struct http_head {
	struct str method, target; /* of a request */
	struct str reason; /* of an answer, with status */
	unsigned status, minor;
	struct http_field fields[HTTP_FIELDS_MAX];
	size_t field_count;
	enum http_body body;
	uint64_t length;
	size_t bytes; /* of the head, with its empty line */
};

/* Where a request goes, and what the server there is asked for. */
struct http_where {
	struct net_host host;
	uint16_t port;
	struct str path;
};

/* 1: whole; 0: more bytes are needed; ERR_INVALID or ERR_LIMIT. */
int http_request_parse(struct str bytes, struct http_head *ret, struct err *e);
/* to_head: it answers a HEAD, so that no body follows. */
int http_response_parse(
    struct str bytes, bool to_head, struct http_head *ret, struct err *e);
/* The only field of that (lower case) name; ERR_NOTFOUND, or ERR_INVALID for
 * several. */
int http_head_only(
    const struct http_head *h, const char *name, struct str *ret);
/* "host:port"; without a port fallback is taken, 0 demands one. */
int http_authority_parse(struct str text, uint16_t fallback,
    struct net_host *ret_host, uint16_t *ret_port, struct err *e);
/* "http://host[:port]/path?query" */
int http_absolute_parse(
    struct str target, struct http_where *ret, struct err *e);
/* Without what is meant for one hop; with Host and Connection of our own. */
void http_request_write(
    struct buf *out, const struct http_head *h, const struct http_where *to);
void http_response_write(struct buf *out, const struct http_head *h);

#endif
