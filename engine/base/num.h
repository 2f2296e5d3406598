#ifndef BASE_NUM_H
#define BASE_NUM_H
/*
 * Numbers from outside: whole string, no sign, no space, a range.
 *
 *     uint64_t port;
 *     if (num_parse_u64(s, 1, 65535, &port) != 0) ...
 *     if (!num_add(a, b, &sum)) return err_set(e, ERR_LIMIT, ...);
 */
#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "str.h"

/* 0, ERR_INVALID (not a decimal number) or ERR_LIMIT (out of range). */
int num_parse_u64(struct str s, uint64_t min, uint64_t max, uint64_t *ret);
/* "90s", "10m", "2h", "1d", "250ms" to milliseconds. 0, ERR_INVALID. */
int num_parse_duration_ms(struct str s, int64_t *ret);
/* "512", "64K", "8M", "4G" (powers of 1024) to bytes. 0, ERR_INVALID. */
int num_parse_bytes(struct str s, uint64_t *ret);

#define num_add(a, b, ret) (!__builtin_add_overflow(a, b, ret))
#define num_mul(a, b, ret) (!__builtin_mul_overflow(a, b, ret))

#endif
