#ifndef BASE_HMAC_H
#define BASE_HMAC_H
/*
 * HMAC-SHA-256 (RFC 2104) by libcrypto.
 */
#include "err.h"
#include "sha256.h"
#include "str.h"

int hmac_sha256(struct str key, struct str bytes,
    uint8_t ret[static SHA256_LEN], struct err *e);

#endif
