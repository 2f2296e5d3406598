#ifndef API_HTTP_GUARD_H
#define API_HTTP_GUARD_H
/*
 * The strict reader of HTTP/1.1 requests: pure, incremental, fuzzed.
 *
 *     struct guard g = GUARD_INIT;
 *     while (guard_feed(&g, bytes, &len) == GUARD_MORE)
 *             read more behind bytes + len;
 *     GUARD_DONE: g.head, guard_body(&g, bytes); the next request begins at
 *             bytes + g.end
 *     GUARD_BAD: answer g.status and g.detail, then close
 *
 * bytes always begins at the request's first byte and keeps what was fed
 * before. A chunked body is put together in place, so that it stands right
 * behind the head and len shrinks. Whatever two readers could understand
 * differently is refused: two lengths, two hosts, a bare line feed, a folded
 * line, a space before a colon, a NUL, anything in a chunk but its bytes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum http_method {
	METHOD_INVALID,
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PUT,
	METHOD_DELETE,
	METHOD_OPTIONS,
	METHOD_OTHER, /* a word that no route knows */
};

/* The headers that mean something here; each may be there once. */
enum http_header {
	HEADER_HOST,
	HEADER_CONTENT_LENGTH,
	HEADER_TRANSFER_ENCODING,
	HEADER_CONTENT_TYPE,
	HEADER_CONTENT_ENCODING,
	HEADER_AUTHORIZATION,
	HEADER_IDEMPOTENCY_KEY,
	HEADER_IF_MATCH,
	HEADER_IF_NONE_MATCH,
	HEADER_PREFER,
	HEADER_TRACEPARENT,
	HEADER_ACCEPT,
	HEADER_LAST_EVENT_ID,
	HEADER_CONNECTION,
	HEADER_EXPECT,
	HEADER_ORIGIN,
	HEADER_SEC_FETCH_SITE,
	HEADER_X_REQUEST_ID,
	HEADER_MCP_SESSION_ID,
	HEADER_MCP_PROTOCOL_VERSION,
	HEADERS_KNOWN,
};

#define HTTP_HEADERS_MAX 64 /* lines in one head */
#define HTTP_TARGET_BYTES_MAX 4096

enum guard_result {
	GUARD_MORE,
	GUARD_DONE,
	GUARD_BAD,
};

enum guard_state {
	GUARD_IN_HEAD,
	GUARD_IN_BODY, /* Content-Length */
	GUARD_IN_CHUNK_SIZE,
	GUARD_IN_CHUNK,
	GUARD_IN_CHUNK_END, /* the CRLF behind a chunk */
	GUARD_IN_TRAILER,
	GUARD_IS_DONE,
	GUARD_IS_BAD,
};

/* Bytes of the head, by offset: it may move when more is read. */
struct http_span {
	uint16_t at, len;
};

struct http_head {
	enum http_method method;
	unsigned minor; /* HTTP/1.minor */
	struct http_span path, query;
	struct http_span headers[HEADERS_KNOWN];
	uint32_t seen; /* bit by enum http_header */
	bool keep_alive, expect_continue, chunked;
	uint64_t content_length;
};

struct guard {
	enum guard_state state;
	struct http_head head;
	size_t scanned; /* of the head: no end before this */
	size_t head_len, body_len;
	size_t raw; /* chunks: first byte that is not understood yet */
	size_t chunk_left;
	size_t end; /* GUARD_DONE: of the whole request */
	/* GUARD_BAD */
	unsigned status;
	const char *code, *detail;
};

#define GUARD_INIT                                                             \
	{                                                                      \
		.state = GUARD_IN_HEAD                                         \
	}

/* len may shrink (chunks); bytes from body's end to len are not read yet. */
enum guard_result guard_feed(struct guard *g, char *bytes, size_t *len);
/* True once the head is complete and good; the body may still be missing. */
bool guard_has_head(const struct guard *g);
struct str guard_body(const struct guard *g, const char *bytes);
/* The value, or STR_NONE when the header is not there. */
struct str guard_header(
    const struct guard *g, const char *bytes, enum http_header h);
struct str guard_span(const char *bytes, struct http_span s);

/* http_head.c: the head alone, all of it in text with its empty line. 0, or
 * the guard has status, code and detail. */
int http_head_parse(struct str text, struct guard *g);
/* Sets the guard's refusal; returns GUARD_BAD. */
enum guard_result guard_refuse(
    struct guard *g, unsigned status, const char *code, const char *detail);

#endif
