#ifndef BASE_SHA256_H
#define BASE_SHA256_H
/*
 * SHA-256 by libcrypto.
 *
 *     uint8_t d[SHA256_LEN];
 *     r = sha256_of(bytes, len, d, e);
 */
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define SHA256_LEN 32
#define SHA256_HEX_LEN 64

int sha256_of(const void *bytes, size_t len, uint8_t ret[static SHA256_LEN],
    struct err *e);

/* Several pieces; the digest is of their concatenation. */
struct sha256;
int sha256_new(struct sha256 **ret, struct err *e);
int sha256_add(struct sha256 *h, const void *bytes, size_t len, struct err *e);
/* Gives the digest; h can then be used again from the start. */
int sha256_end(struct sha256 *h, uint8_t ret[static SHA256_LEN], struct err *e);
void sha256_free(struct sha256 *h);
void sha256_freep(struct sha256 **h);
/* Digest of the whole file behind fd from offset 0; does not move its
 * offset. ERR_LIMIT above bytes_max. */
int sha256_fd(
    int fd, uint64_t bytes_max, uint8_t ret[static SHA256_LEN], struct err *e);

#endif
