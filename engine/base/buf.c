/*
 * Buffers with a ceiling, and length-prefixed records on top of them.
 * Runs in: every program.  Trusts: nothing read by rec_*.  Owns: buf memory.
 */
#include "buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CSTR_NULL UINT32_MAX

void
buf_free(struct buf *b)
{
	const size_t max = b->max;

	free(b->s);
	*b = (struct buf)BUF_INIT(max);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = 0;
	if (b->s != NULL)
		b->s[0] = '\0';
}

char *
buf_reserve(struct buf *b, size_t n)
{
	size_t cap = b->cap < 64 ? 64 : b->cap;
	char *s;

	if (b->failed != 0)
		return NULL;
	if (n > b->max || b->len > b->max - n) {
		b->failed = ERR_LIMIT;
		return NULL;
	}
	if (b->s != NULL && b->len + n < b->cap)
		return b->s + b->len;
	while (cap <= b->len + n) {
		if (__builtin_mul_overflow(cap, (size_t)2, &cap)) {
			b->failed = ERR_LIMIT;
			return NULL;
		}
	}
	s = realloc(b->s, cap);
	if (s == NULL) {
		b->failed = ERR_NOMEM;
		return NULL;
	}
	b->s = s;
	b->cap = cap;
	b->s[b->len] = '\0';
	return b->s + b->len;
}

void
buf_advance(struct buf *b, size_t n)
{
	if (b->failed != 0)
		return;
	b->len += n;
	b->s[b->len] = '\0';
}

void
buf_put(struct buf *b, const void *bytes, size_t len)
{
	char *to;

	if (len == 0)
		return;
	to = buf_reserve(b, len);
	if (to == NULL)
		return;
	memcpy(to, bytes, len);
	buf_advance(b, len);
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_put_str(struct buf *b, struct str s)
{
	buf_put(b, s.s, s.len);
}

void
buf_putc(struct buf *b, char c)
{
	char *to = buf_reserve(b, 1);

	if (to == NULL)
		return;
	*to = c;
	buf_advance(b, 1);
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char *to;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0) {
		b->failed = ERR_LIMIT;
		return;
	}
	if (n == 0)
		return;
	to = buf_reserve(b, (size_t)n);
	if (to == NULL)
		return;
	(void)vsnprintf(to, (size_t)n + 1, fmt, ap);
	buf_advance(b, (size_t)n);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
	} else {
		memmove(b->s, b->s + n, b->len - n);
		b->len -= n;
	}
	if (b->s != NULL)
		b->s[b->len] = '\0';
}

int
buf_done(const struct buf *b, struct err *e)
{
	if (b->failed == ERR_LIMIT)
		return err_set(
		    e, ERR_LIMIT, "text is longer than %zu bytes", b->max);
	if (b->failed != 0)
		return err_nomem(e);
	return ERR_OK;
}

struct str
buf_str(const struct buf *b)
{
	return str_n(b->s, b->len);
}

const char *
buf_cstr(const struct buf *b)
{
	return b->s == NULL ? "" : b->s;
}

int
buf_take(struct buf *b, char **ret, struct err *e)
{
	int r;

	if (b->s == NULL)
		(void)buf_reserve(b, 0);
	r = buf_done(b, e);
	if (r != 0)
		return r;
	*ret = b->s;
	b->s = NULL;
	buf_free(b);
	return ERR_OK;
}

static void
put_le(struct buf *b, uint64_t v, size_t bytes)
{
	unsigned char raw[8];

	for (size_t i = 0; i < bytes; i++)
		raw[i] = (unsigned char)(v >> (8 * i));
	buf_put(b, raw, bytes);
}

void
rec_put_u8(struct buf *b, uint8_t v)
{
	put_le(b, v, 1);
}

void
rec_put_u16(struct buf *b, uint16_t v)
{
	put_le(b, v, 2);
}

void
rec_put_u32(struct buf *b, uint32_t v)
{
	put_le(b, v, 4);
}

void
rec_put_u64(struct buf *b, uint64_t v)
{
	put_le(b, v, 8);
}

void
rec_put_i64(struct buf *b, int64_t v)
{
	put_le(b, (uint64_t)v, 8);
}

void
rec_put_str(struct buf *b, struct str s)
{
	if (s.len >= CSTR_NULL) {
		b->failed = ERR_LIMIT;
		return;
	}
	rec_put_u32(b, (uint32_t)s.len);
	buf_put_str(b, s);
}

void
rec_put_cstr(struct buf *b, const char *s)
{
	if (s == NULL)
		rec_put_u32(b, CSTR_NULL);
	else
		rec_put_str(b, str_of(s));
}

void
rec_put_cstrs(struct buf *b, const char *const *list, size_t count)
{
	rec_put_u32(b, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		rec_put_cstr(b, list[i]);
}

struct rec
rec_of(struct str bytes)
{
	return (struct rec){ .rest = bytes };
}

struct str
rec_bytes(struct rec *r, size_t len)
{
	struct str got = STR_NONE;

	if (r->failed || len > r->rest.len) {
		r->failed = 1;
		return got;
	}
	got = str_head(r->rest, len);
	r->rest = str_from(r->rest, len);
	return got;
}

static uint64_t
get_le(struct rec *r, size_t bytes)
{
	const struct str raw = rec_bytes(r, bytes);
	uint64_t v = 0;

	for (size_t i = raw.len; i > 0; i--)
		v = v << 8 | (unsigned char)raw.s[i - 1];
	return v;
}

uint8_t
rec_u8(struct rec *r)
{
	return (uint8_t)get_le(r, 1);
}

uint16_t
rec_u16(struct rec *r)
{
	return (uint16_t)get_le(r, 2);
}

uint32_t
rec_u32(struct rec *r)
{
	return (uint32_t)get_le(r, 4);
}

uint64_t
rec_u64(struct rec *r)
{
	return get_le(r, 8);
}

int64_t
rec_i64(struct rec *r)
{
	return (int64_t)get_le(r, 8);
}

struct str
rec_str(struct rec *r)
{
	const uint32_t len = rec_u32(r);

	if (len == CSTR_NULL) {
		r->failed = 1;
		return STR_NONE;
	}
	return rec_bytes(r, len);
}

char *
rec_cstr(struct rec *r, struct arena *a)
{
	const uint32_t len = rec_u32(r);
	struct str s;
	char *copy;

	if (r->failed || len == CSTR_NULL)
		return NULL;
	s = rec_bytes(r, len);
	if (r->failed)
		return NULL;
	if (s.len > 0 && memchr(s.s, '\0', s.len) != NULL) {
		r->failed = 1;
		return NULL;
	}
	copy = arena_strndup(a, s.s, s.len);
	if (copy == NULL)
		r->failed = 1;
	return copy;
}

int
rec_reason(struct rec *r, struct arena *a, const char *otherwise,
    const char **ret, struct err *e)
{
	const char *why = rec_cstr(r, a);
	const int code = rec_done(r, e);

	if (code == 0)
		*ret = why == NULL ? otherwise : why;
	return code;
}

uint32_t
rec_count(struct rec *r, uint32_t max)
{
	const uint32_t n = rec_u32(r);

	if (n > max)
		r->failed = 1;
	return r->failed ? 0 : n;
}

int
rec_done(const struct rec *r, struct err *e)
{
	if (r->failed || r->rest.len != 0)
		return err_set(e, ERR_INVALID, "record is ill-formed");
	return ERR_OK;
}
