/*
 * SHA-256 by libcrypto's EVP interface; the algorithm is fetched once a
 * context, since the fetch costs more than a short digest.
 * Runs in: every program.  Trusts: libcrypto.  Owns: its contexts.
 */
#include "sha256.h"

#include <openssl/evp.h>
#include <unistd.h>

struct sha256 {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

static int
crypto_failed(struct err *e)
{
	return err_set(e, ERR_INTERNAL, "libcrypto cannot compute SHA-256");
}

void
sha256_free(struct sha256 *h)
{
	if (h == NULL)
		return;
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md);
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
	h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	h->ctx = EVP_MD_CTX_new();
	if (h->md == NULL || h->ctx == NULL ||
	    EVP_DigestInit_ex2(h->ctx, h->md, NULL) != 1)
		return crypto_failed(e);
	*ret = TAKE_PTR(h);
	return ERR_OK;
}

int
sha256_add(struct sha256 *h, const void *bytes, size_t len, struct err *e)
{
	if (EVP_DigestUpdate(h->ctx, bytes, len) != 1)
		return crypto_failed(e);
	return ERR_OK;
}

int
sha256_end(struct sha256 *h, uint8_t ret[static SHA256_LEN], struct err *e)
{
	if (EVP_DigestFinal_ex(h->ctx, ret, NULL) != 1 ||
	    EVP_DigestInit_ex2(h->ctx, h->md, NULL) != 1)
		return crypto_failed(e);
	return ERR_OK;
}

int
sha256_of(const void *bytes, size_t len, uint8_t ret[static SHA256_LEN],
    struct err *e)
{
	if (EVP_Q_digest(NULL, "SHA256", NULL, bytes, len, ret, NULL) != 1)
		return crypto_failed(e);
	return ERR_OK;
}

int
sha256_fd(
    int fd, uint64_t bytes_max, uint8_t ret[static SHA256_LEN], struct err *e)
{
	AUTO(sha256_freep) struct sha256 *h = NULL;
	char bytes[8192];
	off_t at = 0;
	ssize_t n;
	int r;

	r = sha256_new(&h, e);
	if (r != 0)
		return r;
	while ((n = pread(fd, bytes, sizeof(bytes), at)) > 0) {
		at += n;
		if ((uint64_t)at > bytes_max)
			return err_set(e, ERR_LIMIT,
			    "file is longer than %llu bytes",
			    (unsigned long long)bytes_max);
		r = sha256_add(h, bytes, (size_t)n, e);
		if (r != 0)
			return r;
	}
	if (n < 0)
		return err_sys(e, "cannot read the file");
	return sha256_end(h, ret, e);
}
