#ifndef BASE_BUF_H
#define BASE_BUF_H
/*
 * A byte buffer under construction, with a ceiling that its owner chooses.
 *
 *     AUTO_BUF struct buf b = BUF_INIT(PROMPT_BYTES_MAX);
 *     buf_puts(&b, "head ");
 *     buf_printf(&b, "%d", n);
 *     r = buf_done(&b, e);      0, ERR_LIMIT or ERR_NOMEM
 *
 * A buf remembers failure: append freely, check once. bytes are always
 * followed by a NUL that is not counted, so b.s is a C string (NULL only
 * while nothing was appended: use buf_cstr).
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "str.h"

struct buf {
	char *s;
	size_t len, cap, max;
	int failed; /* 0, ERR_LIMIT or ERR_NOMEM */
};

#define BUF_INIT(max_)                                                         \
	{                                                                      \
		.max = (max_)                                                  \
	}
#define AUTO_BUF AUTO(buf_free)

void buf_free(struct buf *b);
/* Forgets the content and a failure, keeps the memory. */
void buf_reset(struct buf *b);
void buf_put(struct buf *b, const void *bytes, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_put_str(struct buf *b, struct str s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
/* Removes the first n bytes. */
void buf_consume(struct buf *b, size_t n);
/* Room for n more bytes; returns where to write them, NULL on failure. Then
 * buf_advance by what was written. */
char *buf_reserve(struct buf *b, size_t n);
void buf_advance(struct buf *b, size_t n);
int buf_done(const struct buf *b, struct err *e);
struct str buf_str(const struct buf *b);
const char *buf_cstr(const struct buf *b);
/* Gives the bytes away as a C string (never NULL on success). Free it. */
int buf_take(struct buf *b, char **ret, struct err *e);

/*
 * Length-prefixed records, little endian: the canonical form of actions and
 * the payload of messages between roles. Readers check every length; after
 * the first failure all reads give zero and rec_done reports it.
 */
void rec_put_u8(struct buf *b, uint8_t v);
void rec_put_u16(struct buf *b, uint16_t v);
void rec_put_u32(struct buf *b, uint32_t v);
void rec_put_u64(struct buf *b, uint64_t v);
void rec_put_i64(struct buf *b, int64_t v);
void rec_put_str(struct buf *b, struct str s);
/* NULL and "" differ: a missing field is not an empty one. */
void rec_put_cstr(struct buf *b, const char *s);
/* The count (u32), then each of them. */
void rec_put_cstrs(struct buf *b, const char *const *list, size_t count);

struct rec {
	struct str rest;
	int failed;
};

struct rec rec_of(struct str bytes);
uint8_t rec_u8(struct rec *r);
uint16_t rec_u16(struct rec *r);
uint32_t rec_u32(struct rec *r);
uint64_t rec_u64(struct rec *r);
int64_t rec_i64(struct rec *r);
struct str rec_bytes(struct rec *r, size_t len);
struct str rec_str(struct rec *r);
/* A copy in the arena; NULL when the writer put NULL, holds a NUL byte
 * (then failed), or memory is short (then failed). */
char *rec_cstr(struct rec *r, struct arena *a);
/* The last of a message, for a person: why something is not so. The words for
 * it where none came. 0, or what rec_done says. */
int rec_reason(struct rec *r, struct arena *a, const char *otherwise,
    const char **ret, struct err *e);
/* A count that the caller loops over: failed when above max. */
uint32_t rec_count(struct rec *r, uint32_t max);
/* 0 when every read succeeded and nothing is left, else ERR_INVALID. */
int rec_done(const struct rec *r, struct err *e);

#endif
