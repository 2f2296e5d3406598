/*
 * Digests of passphrases by libcrypto's scrypt (RFC 7914).
 * Runs in: engine, supervisor, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "passphrase.h"

#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>

#include "mem.h"
#include "num.h"
#include "text.h"

#define SALT_LEN 16
#define DIGEST_LEN 32
/* 16 MiB, as RFC 7914 proposes for those who wait in front of a screen. */
#define COST UINT64_C(16384)
#define BLOCK UINT64_C(8)
#define PARALLEL UINT64_C(1)
#define MEMORY_MAX (UINT64_C(32) << 20)
#define METHOD "scrypt"
#define UID_LAST (UINT32_MAX - 1)

struct kept {
	uid_t uid;
	uint8_t salt[SALT_LEN], digest[DIGEST_LEN];
};

static int
digest_of(struct str passphrase, const uint8_t salt[static SALT_LEN],
    uint8_t ret[static DIGEST_LEN], struct err *e)
{
	if (passphrase.len < PASSPHRASE_LEN_MIN ||
	    passphrase.len > PASSPHRASE_LEN_MAX)
		return err_set(e, ERR_INVALID,
		    "a passphrase has %d to %d bytes", PASSPHRASE_LEN_MIN,
		    PASSPHRASE_LEN_MAX);
	if (EVP_PBE_scrypt(passphrase.s, passphrase.len, salt, SALT_LEN, COST,
		BLOCK, PARALLEL, MEMORY_MAX, ret, DIGEST_LEN) != 1)
		return err_set(
		    e, ERR_NOMEM, "libcrypto makes no digest by scrypt");
	return ERR_OK;
}

int
passphrase_line(
    uid_t uid, struct str passphrase, struct buf *out, struct err *e)
{
	struct kept k = { .uid = uid };
	int r;

	if (getrandom(k.salt, SALT_LEN, 0) != SALT_LEN)
		return err_sys(e, "no random bytes");
	r = digest_of(passphrase, k.salt, k.digest, e);
	if (r != 0)
		return r;
	buf_printf(out, "%u " METHOD " ", (unsigned)uid);
	text_hex(out, k.salt, SALT_LEN);
	buf_putc(out, ' ');
	text_hex(out, k.digest, DIGEST_LEN);
	buf_putc(out, '\n');
	return buf_done(out, e);
}

int
passphrase_line_uid(struct str line, uid_t *ret)
{
	uint64_t uid;

	if (num_parse_u64(str_cut(&line, ' '), 0, UID_LAST, &uid) != 0)
		return ERR_INVALID;
	*ret = (uid_t)uid;
	return ERR_OK;
}

static bool
read_line(struct str line, struct kept *ret)
{
	struct str salt;

	if (passphrase_line_uid(line, &ret->uid) != 0)
		return false;
	(void)str_cut(&line, ' ');
	if (!str_eqz(str_cut(&line, ' '), METHOD))
		return false;
	salt = str_cut(&line, ' ');
	return text_unhex(salt, ret->salt, SALT_LEN) == 0 &&
	    text_unhex(line, ret->digest, DIGEST_LEN) == 0;
}

/* The next line that says something; false at the end. */
static bool
next_line(struct str *rest, unsigned *number, struct str *ret)
{
	while (rest->len > 0) {
		*ret = str_trim(str_cut(rest, '\n'));
		(*number)++;
		if (ret->len > 0 && ret->s[0] != '#')
			return true;
	}
	return false;
}

int
passphrase_check_form(struct str text, struct err *e)
{
	unsigned number = 0;
	struct str line;
	struct kept k;

	while (next_line(&text, &number, &line)) {
		if (!read_line(line, &k))
			return err_set(e, ERR_INVALID,
			    "line %u is no passphrase of a user; 'assent "
			    "passphrase' writes such lines",
			    number);
	}
	return ERR_OK;
}

static bool
find(struct str text, uid_t uid, struct kept *ret)
{
	unsigned number = 0;
	struct str line;

	while (next_line(&text, &number, &line)) {
		if (read_line(line, ret) && ret->uid == uid)
			return true;
	}
	return false;
}

bool
passphrase_has(struct str text, uid_t uid)
{
	struct kept k;

	return find(text, uid, &k);
}

int
passphrase_check(
    struct str text, uid_t uid, struct str passphrase, struct err *e)
{
	uint8_t digest[DIGEST_LEN];
	struct kept k;
	int r;

	if (!find(text, uid, &k))
		return err_set(e, ERR_NOTFOUND, "user %u has no passphrase",
		    (unsigned)uid);
	r = digest_of(passphrase, k.salt, digest, e);
	/* Too short or too long is none either. */
	if (r == ERR_INVALID ||
	    (r == 0 && !mem_equal_secret(digest, k.digest, DIGEST_LEN)))
		r = err_set(e, ERR_DENIED, "that is not the passphrase");
	explicit_bzero(digest, sizeof(digest));
	return r;
}
