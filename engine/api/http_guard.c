/*
 * Where a request ends, and whether every reader would say so.
 * Runs in: front.  Trusts: nothing.  Owns: nothing; the caller's buffer.
 */
#include "http_guard.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

#include "model/limits.h"

#define CHUNK_SIZE_LINE_MAX 10 /* hexadecimal digits and CRLF */

enum guard_result
guard_refuse(
    struct guard *g, unsigned status, const char *code, const char *detail)
{
	g->state = GUARD_IS_BAD;
	g->status = status;
	g->code = code;
	g->detail = detail;
	return GUARD_BAD;
}

struct str
guard_span(const char *bytes, struct http_span s)
{
	return str_n(bytes + s.at, s.len);
}

struct str
guard_header(const struct guard *g, const char *bytes, enum http_header h)
{
	if ((g->head.seen & (uint32_t)1 << h) == 0)
		return STR_NONE;
	return guard_span(bytes, g->head.headers[h]);
}

bool
guard_has_head(const struct guard *g)
{
	return g->state != GUARD_IN_HEAD && g->state != GUARD_IS_BAD;
}

struct str
guard_body(const struct guard *g, const char *bytes)
{
	return str_n(bytes + g->head_len, g->body_len);
}

/* ---- the head ---------------------------------------------------------- */

/* Length of the head with its empty line, or 0: not all here yet. */
static size_t
find_head_end(struct guard *g, const char *bytes, size_t len)
{
	const size_t from = g->scanned < 3 ? 0 : g->scanned - 3;
	const char *end = memmem(bytes + from, len - from, "\r\n\r\n", 4);

	g->scanned = len;
	return end == NULL ? 0 : (size_t)(end - bytes) + 4;
}

/* Bytes that no good head has: refused before the end of it is there. */
static bool
has_bad_bytes(const char *bytes, size_t from, size_t len)
{
	for (size_t i = from; i < len; i++) {
		if (bytes[i] == '\0' ||
		    (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r')))
			return true;
	}
	return false;
}

static enum guard_result
feed_head(struct guard *g, const char *bytes, size_t len)
{
	const size_t before = g->scanned;
	const size_t n = find_head_end(g, bytes, len);

	if (n == 0 && has_bad_bytes(bytes, before, len))
		return guard_refuse(g, 400, "malformed_http",
		    "the head contains a NUL or a line that does not end in "
		    "CR LF");
	if (n > HTTP_HEAD_BYTES_MAX || (n == 0 && len > HTTP_HEAD_BYTES_MAX))
		return guard_refuse(g, 431, "head_too_large",
		    "the head of the request has more than 16 KiB");
	if (n == 0)
		return GUARD_MORE;
	g->head_len = g->raw = n;
	if (http_head_parse(str_n(bytes, n), g) != 0)
		return GUARD_BAD;
	g->state = g->head.chunked ? GUARD_IN_CHUNK_SIZE : GUARD_IN_BODY;
	return GUARD_DONE;
}

/* ---- the body ---------------------------------------------------------- */

static enum guard_result
done(struct guard *g, size_t end)
{
	g->state = GUARD_IS_DONE;
	g->end = end;
	return GUARD_DONE;
}

static enum guard_result
feed_body(struct guard *g, size_t len)
{
	const size_t have = len - g->head_len;

	assert(g->head.content_length <= HTTP_BODY_BYTES_MAX);
	if (have < g->head.content_length)
		return GUARD_MORE;
	g->body_len = (size_t)g->head.content_length;
	return done(g, g->head_len + g->body_len);
}

/* Closes the gap between the body and what is not understood yet. */
static void
compact(struct guard *g, char *bytes, size_t *len)
{
	const size_t to = g->head_len + g->body_len;

	if (!g->head.chunked || g->raw == to)
		return;
	memmove(bytes + to, bytes + g->raw, *len - g->raw);
	*len -= g->raw - to;
	g->raw = to;
}

static enum guard_result
bad_chunk(struct guard *g)
{
	return guard_refuse(g, 400, "malformed_http",
	    "the chunked body is wrong: a size must be hexadecimal digits "
	    "followed by CR LF, a chunk must end in CR LF, and extensions and "
	    "trailers are not accepted");
}

/* "1f\r\n". Extensions are refused: nobody needs them here. */
static enum guard_result
feed_chunk_size(struct guard *g, const char *bytes, size_t len)
{
	const char *at = bytes + g->raw;
	const size_t have = len - g->raw;
	size_t n = 0, size = 0;

	while (n < have && n < CHUNK_SIZE_LINE_MAX - 2 &&
	    text_hex_digit(at[n]) >= 0)
		size = size << 4 | (size_t)text_hex_digit(at[n++]);
	if (n < have && (n == 0 || at[n] != '\r'))
		return bad_chunk(g);
	if (n + 1 < have && at[n + 1] != '\n')
		return bad_chunk(g);
	if (n + 1 >= have)
		return GUARD_MORE;
	if (size > HTTP_BODY_BYTES_MAX - g->body_len)
		return guard_refuse(g, 413, "body_too_large",
		    "the body has more than 4 MiB; send less");
	g->raw += n + 2;
	g->chunk_left = size;
	g->state = size == 0 ? GUARD_IN_TRAILER : GUARD_IN_CHUNK;
	return GUARD_DONE;
}

static enum guard_result
feed_chunk(struct guard *g, char *bytes, size_t len)
{
	const size_t have = len - g->raw;
	const size_t n = have < g->chunk_left ? have : g->chunk_left;

	memmove(bytes + g->head_len + g->body_len, bytes + g->raw, n);
	g->raw += n;
	g->body_len += n;
	g->chunk_left -= n;
	if (g->chunk_left > 0)
		return GUARD_MORE;
	g->state = GUARD_IN_CHUNK_END;
	return GUARD_DONE;
}

static enum guard_result
feed_crlf(struct guard *g, const char *bytes, size_t len, enum guard_state next)
{
	const char *at = bytes + g->raw;
	const size_t have = len - g->raw;

	if ((have > 0 && at[0] != '\r') || (have > 1 && at[1] != '\n'))
		return bad_chunk(g);
	if (have < 2)
		return GUARD_MORE;
	g->raw += 2;
	g->state = next;
	return next == GUARD_IS_DONE ? done(g, g->raw) : GUARD_DONE;
}

static enum guard_result
step(struct guard *g, char *bytes, size_t len)
{
	switch (g->state) {
	case GUARD_IN_HEAD:
		return feed_head(g, bytes, len);
	case GUARD_IN_BODY:
		return feed_body(g, len);
	case GUARD_IN_CHUNK_SIZE:
		return feed_chunk_size(g, bytes, len);
	case GUARD_IN_CHUNK:
		return feed_chunk(g, bytes, len);
	case GUARD_IN_CHUNK_END:
		return feed_crlf(g, bytes, len, GUARD_IN_CHUNK_SIZE);
	case GUARD_IN_TRAILER:
		return feed_crlf(g, bytes, len, GUARD_IS_DONE);
	case GUARD_IS_DONE:
		return GUARD_DONE;
	case GUARD_IS_BAD:
		break;
	}
	return GUARD_BAD;
}

enum guard_result
guard_feed(struct guard *g, char *bytes, size_t *len)
{
	enum guard_result r = GUARD_DONE;

	while (r == GUARD_DONE && g->state != GUARD_IS_DONE)
		r = step(g, bytes, *len);
	if (r == GUARD_MORE)
		compact(g, bytes, len);
	assert(g->state != GUARD_IS_DONE || g->end <= *len);
	return r;
}
