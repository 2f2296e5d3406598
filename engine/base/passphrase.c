/*
 * Digests of passphrases by libcrypto's scrypt (RFC 7914).
 * Runs in: engine, supervisor, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "passphrase.h"

#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>

#include "mem.h"
#include "passphrase_kept.h"
#include "text.h"

/* 16 MiB, as RFC 7914 proposes for those who wait in front of a screen. */
#define COST UINT64_C(16384)
#define BLOCK UINT64_C(8)
#define PARALLEL UINT64_C(1)
#define MEMORY_MAX (UINT64_C(32) << 20)

static int
digest_of(struct str passphrase, const uint8_t salt[static PASSPHRASE_SALT_LEN],
    uint8_t ret[static PASSPHRASE_DIGEST_LEN], struct err *e)
{
	if (passphrase.len < PASSPHRASE_LEN_MIN ||
	    passphrase.len > PASSPHRASE_LEN_MAX)
		return err_set(e, ERR_INVALID,
		    "a passphrase has %d to %d bytes", PASSPHRASE_LEN_MIN,
		    PASSPHRASE_LEN_MAX);
	if (EVP_PBE_scrypt(passphrase.s, passphrase.len, salt,
		PASSPHRASE_SALT_LEN, COST, BLOCK, PARALLEL, MEMORY_MAX, ret,
		PASSPHRASE_DIGEST_LEN) != 1)
		return err_set(
		    e, ERR_NOMEM, "libcrypto makes no digest by scrypt");
	return ERR_OK;
}

int
passphrase_line(
    uid_t uid, struct str passphrase, struct buf *out, struct err *e)
{
	struct passphrase_kept k = { .uid = uid };
	int r;

	if (getrandom(k.salt, PASSPHRASE_SALT_LEN, 0) != PASSPHRASE_SALT_LEN)
		return err_sys(e, "no random bytes");
	r = digest_of(passphrase, k.salt, k.digest, e);
	if (r != 0)
		return r;
	buf_printf(out, "%u " PASSPHRASE_METHOD " ", (unsigned)uid);
	text_hex(out, k.salt, PASSPHRASE_SALT_LEN);
	buf_putc(out, ' ');
	text_hex(out, k.digest, PASSPHRASE_DIGEST_LEN);
	buf_putc(out, '\n');
	return buf_done(out, e);
}

int
passphrase_check(
    struct str text, uid_t uid, struct str passphrase, struct err *e)
{
	uint8_t digest[PASSPHRASE_DIGEST_LEN];
	struct passphrase_kept k;
	int r;

	if (!passphrase_find(text, uid, &k))
		return err_set(e, ERR_NOTFOUND, "user %u has no passphrase",
		    (unsigned)uid);
	r = digest_of(passphrase, k.salt, digest, e);
	/* Too short or too long is none either. */
	if (r == ERR_INVALID ||
	    (r == 0 &&
		!mem_equal_secret(digest, k.digest, PASSPHRASE_DIGEST_LEN)))
		r = err_set(e, ERR_DENIED, "that is not the passphrase");
	explicit_bzero(digest, sizeof(digest));
	return r;
}
