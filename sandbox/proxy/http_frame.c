/*
 * Where the body of an HTTP message ends.
 * Runs in: assent-proxy.  Trusts: nothing.  Owns: nothing.
 */
#include "http_frame.h"

#define SIZE_DIGITS_MAX 15
#define TRAILER_BYTES_MAX 8192

struct http_frame
http_frame_of(const struct http_head *h)
{
	return (struct http_frame){ .kind = h->body,
		.done = h->body == HTTP_BODY_NONE,
		.trailers = h->status != 0,
		.left = h->body == HTTP_BODY_LENGTH ? h->length : 0 };
}

struct http_frame
http_frame_to_end(void)
{
	return (struct http_frame){ .kind = HTTP_BODY_TO_END };
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
size_byte(struct http_frame *f, char c)
{
	const int v = hex_value(c);

	if (v >= 0 && f->digits < SIZE_DIGITS_MAX) {
		f->left = f->left * 16 + (uint64_t)v;
		f->digits++;
		return true;
	}
	/* Extensions are read by nobody, but differently. */
	f->step = CHUNK_SIZE_LF;
	return c == '\r' && f->digits > 0;
}

static bool
trailer_byte(struct http_frame *f, char c)
{
	if (f->step == CHUNK_TRAILER && c == '\r') {
		f->step = CHUNK_LAST_LF;
		return true;
	}
	f->step = c == '\r' ? CHUNK_TRAILER_LF : CHUNK_TRAILER_TEXT;
	return f->trailers &&
	    (c == '\r' || c == '\t' || (unsigned char)c >= 0x20) &&
	    ++f->trailer_bytes <= TRAILER_BYTES_MAX;
}

static bool
expect(struct http_frame *f, char c, char want, enum http_chunk_step next)
{
	f->step = next;
	return c == want;
}

/* One byte that is not data of a chunk. */
static bool
chunk_byte(struct http_frame *f, char c)
{
	switch (f->step) {
	case CHUNK_SIZE:
		return size_byte(f, c);
	case CHUNK_SIZE_LF:
		f->digits = 0;
		return expect(
		    f, c, '\n', f->left > 0 ? CHUNK_DATA : CHUNK_TRAILER);
	case CHUNK_DATA_CR:
		return expect(f, c, '\r', CHUNK_DATA_LF);
	case CHUNK_DATA_LF:
		return expect(f, c, '\n', CHUNK_SIZE);
	case CHUNK_TRAILER:
	case CHUNK_TRAILER_TEXT:
		return trailer_byte(f, c);
	case CHUNK_TRAILER_LF:
		return expect(f, c, '\n', CHUNK_TRAILER);
	case CHUNK_LAST_LF:
		f->done = true;
		return c == '\n';
	case CHUNK_DATA:
		break;
	}
	return false;
}

static size_t
counted(struct http_frame *f, size_t len)
{
	const size_t n = f->left < len ? (size_t)f->left : len;

	f->left -= n;
	return n;
}

static int
take_chunked(struct http_frame *f, struct str bytes, size_t *ret, struct err *e)
{
	size_t at = 0;

	while (at < bytes.len && !f->done) {
		if (f->step == CHUNK_DATA) {
			at += counted(f, bytes.len - at);
			if (f->left == 0)
				f->step = CHUNK_DATA_CR;
		} else if (!chunk_byte(f, bytes.s[at++])) {
			return err_set(e, ERR_INVALID,
			    "malformed HTTP: a chunk that is none");
		}
	}
	*ret = at;
	return ERR_OK;
}

int
http_frame_take(
    struct http_frame *f, struct str bytes, size_t *ret, struct err *e)
{
	if (f->done) {
		*ret = 0;
		return ERR_OK;
	}
	if (f->kind == HTTP_BODY_CHUNKED)
		return take_chunked(f, bytes, ret, e);
	*ret = bytes.len;
	if (f->kind == HTTP_BODY_LENGTH) {
		*ret = counted(f, bytes.len);
		f->done = f->left == 0;
	}
	return ERR_OK;
}
