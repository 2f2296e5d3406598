#ifndef PROXY_HTTP_FRAME_H
#define PROXY_HTTP_FRAME_H
/*
 * Where a body ends: counted, chunked, or with the connection.
 *
 *     struct http_frame f = http_frame_of(&head);
 *     r = http_frame_take(&f, bytes, &n, e);     n of them belong to it
 *     if (f.done) ...
 */
#include "http_head.h"

enum http_chunk_step {
	CHUNK_SIZE,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER, /* at the beginning of a line */
	CHUNK_TRAILER_TEXT,
	CHUNK_TRAILER_LF,
	CHUNK_LAST_LF,
};

struct http_frame {
	enum http_body kind;
	bool done;
	enum http_chunk_step step;
	bool trailers; /* may come: not in a request, whose reader could take
			* them for fields of its head */
	unsigned digits; /* of the size that is being read */
	size_t trailer_bytes;
	uint64_t left; /* of the body, or of the chunk */
};

struct http_frame http_frame_of(const struct http_head *h);
/* Until the other side closes. */
struct http_frame http_frame_to_end(void);
/* *ret: how many of the bytes belong to the body; fewer than given when it
 * is done. ERR_INVALID for chunks that are malformed. */
int http_frame_take(
    struct http_frame *f, struct str bytes, size_t *ret, struct err *e);

#endif
