/*
 * SHA-256 for assent and assent-exec: the same interface as sha256.h on the
 * three functions of libcrypto that do the work, linked statically. Loading
 * the whole library would cost more than a hook or a sandbox.
 * Runs in: assent, assent-exec.  Trusts: libcrypto.  Owns: its contexts.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/sha256.h"

#include <openssl/sha.h>
#include <unistd.h>

#define READ_BYTES 8192

struct sha256 {
	SHA256_CTX ctx;
};

static int
crypto_failed(struct err *e)
{
	return err_set(e, ERR_INTERNAL, "libcrypto cannot compute SHA-256");
}

void
sha256_free(struct sha256 *h)
{
	mem_freep(&h);
}

void
sha256_freep(struct sha256 **h)
{
	sha256_free(*h);
	*h = NULL;
}

int
sha256_new(struct sha256 **ret, struct err *e)
{
	AUTO(sha256_freep) struct sha256 *h = mem_new(1, sizeof(*h));

	if (h == NULL)
		return err_nomem(e);
	if (SHA256_Init(&h->ctx) != 1)
		return crypto_failed(e);
	*ret = TAKE_PTR(h);
	return ERR_OK;
}

int
sha256_add(struct sha256 *h, const void *bytes, size_t len, struct err *e)
{
	return SHA256_Update(&h->ctx, bytes, len) == 1 ? ERR_OK
						       : crypto_failed(e);
}

int
sha256_end(struct sha256 *h, uint8_t ret[static SHA256_LEN], struct err *e)
{
	if (SHA256_Final(ret, &h->ctx) != 1 || SHA256_Init(&h->ctx) != 1)
		return crypto_failed(e);
	return ERR_OK;
}

int
sha256_of(const void *bytes, size_t len, uint8_t ret[static SHA256_LEN],
    struct err *e)
{
	struct sha256 h;

	if (SHA256_Init(&h.ctx) != 1)
		return crypto_failed(e);
	return sha256_add(&h, bytes, len, e) == 0 ? sha256_end(&h, ret, e)
						  : ERR_INTERNAL;
}

int
sha256_fd(
    int fd, uint64_t bytes_max, uint8_t ret[static SHA256_LEN], struct err *e)
{
	char bytes[READ_BYTES];
	struct sha256 h;
	uint64_t at = 0;
	ssize_t n;

	if (SHA256_Init(&h.ctx) != 1)
		return crypto_failed(e);
	while ((n = pread(fd, bytes, sizeof(bytes), (off_t)at)) > 0) {
		at += (uint64_t)n;
		if (at > bytes_max)
			return err_set(e, ERR_LIMIT,
			    "the file has more than %llu bytes",
			    (unsigned long long)bytes_max);
		if (sha256_add(&h, bytes, (size_t)n, e) != 0)
			return ERR_INTERNAL;
	}
	if (n < 0)
		return err_sys(e, "cannot read the file");
	return sha256_end(&h, ret, e);
}
