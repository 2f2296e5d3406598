/*
 * HMAC-SHA-256 by libcrypto.
 * Runs in: everywhere.  Trusts: libcrypto.  Owns: nothing.
 */
#include "hmac.h"

#include <openssl/evp.h>

int
hmac_sha256(struct str key, struct str bytes, uint8_t ret[static SHA256_LEN],
    struct err *e)
{
	size_t len = 0;

	if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key.s, key.len,
		(const unsigned char *)bytes.s, bytes.len, ret, SHA256_LEN,
		&len) == NULL ||
	    len != SHA256_LEN)
		return err_set(e, ERR_INTERNAL, "HMAC-SHA-256 failed");
	return ERR_OK;
}
