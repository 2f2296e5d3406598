/*
 * Signatures of files in minisign's form.
 * Runs in: assent.  Trusts: nothing in signatures.  Owns: nothing.
 */
#include "minisign.h"

#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>

#include "text.h"

#define SIGNATURE_LEN 64
#define HASH_LEN 64
#define ALGORITHM_LEN 2
#define PUBLIC_LEN (ALGORITHM_LEN + MINISIGN_ID + MINISIGN_KEY)
#define SECRET_LEN (ALGORITHM_LEN + MINISIGN_ID + 2 * MINISIGN_KEY)
#define BLOB_LEN (ALGORITHM_LEN + MINISIGN_ID + SIGNATURE_LEN)
#define LINE_MAX_BYTES 4096
#define UNTRUSTED "untrusted comment: "
#define TRUSTED "trusted comment: "

/* ---- Ed25519 --------------------------------------------------------------- */

static int
crypto_failed(struct err *e)
{
	return err_set(e, ERR_INTERNAL, "libcrypto failed");
}

static int
sign_raw(const uint8_t *seed, struct str bytes,
    uint8_t ret[static SIGNATURE_LEN], struct err *e)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_ED25519, NULL, seed, MINISIGN_KEY);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = SIGNATURE_LEN;
	const bool ok = key != NULL && ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(
		ctx, ret, &len, (const uint8_t *)bytes.s, bytes.len) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok ? ERR_OK : crypto_failed(e);
}

static bool
is_signed(const uint8_t *public, struct str bytes, const uint8_t *signature)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_ED25519, NULL, public, MINISIGN_KEY);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const bool ok = key != NULL && ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestVerify(ctx, signature, SIGNATURE_LEN,
		(const uint8_t *)bytes.s, bytes.len) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok;
}

static int
hash(struct str bytes, uint8_t ret[static HASH_LEN], struct err *e)
{
	return EVP_Digest(
		   bytes.s, bytes.len, ret, NULL, EVP_blake2b512(), NULL) == 1
	    ? ERR_OK
	    : crypto_failed(e);
}

/* ---- keys ------------------------------------------------------------------ */

int
minisign_generate(struct minisign_secret *ret, struct err *e)
{
	size_t len = MINISIGN_KEY;
	EVP_PKEY *key;
	bool ok;

	if (getrandom(ret->seed, MINISIGN_KEY, 0) != MINISIGN_KEY ||
	    getrandom(ret->public.id, MINISIGN_ID, 0) != MINISIGN_ID)
		return err_sys(e, "cannot get random bytes");
	key = EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_ED25519, NULL, ret->seed, MINISIGN_KEY);
	ok = key != NULL &&
	    EVP_PKEY_get_raw_public_key(key, ret->public.key, &len) == 1;
	EVP_PKEY_free(key);
	return ok ? ERR_OK : crypto_failed(e);
}

void
minisign_wipe(struct minisign_secret *k)
{
	explicit_bzero(k, sizeof(*k));
}

static void
put_blob(struct buf *out, const char *comment, const void *blob, size_t len)
{
	buf_printf(out, UNTRUSTED "%s\n", comment);
	text_base64(out, str_n(blob, len));
	buf_putc(out, '\n');
}

void
minisign_print_public(const struct minisign_public *p, struct buf *out)
{
	uint8_t blob[PUBLIC_LEN] = { 'E', 'd' };

	memcpy(blob + ALGORITHM_LEN, p->id, MINISIGN_ID);
	memcpy(blob + ALGORITHM_LEN + MINISIGN_ID, p->key, MINISIGN_KEY);
	put_blob(out, "public key of rules", blob, sizeof(blob));
}

void
minisign_print_secret(const struct minisign_secret *k, struct buf *out)
{
	uint8_t blob[SECRET_LEN] = { 'E', 'd' };

	memcpy(blob + ALGORITHM_LEN, k->public.id, MINISIGN_ID);
	memcpy(blob + ALGORITHM_LEN + MINISIGN_ID, k->seed, MINISIGN_KEY);
	memcpy(blob + ALGORITHM_LEN + MINISIGN_ID + MINISIGN_KEY, k->public.key,
	    MINISIGN_KEY);
	put_blob(out, "assent secret key", blob, sizeof(blob));
	explicit_bzero(blob, sizeof(blob));
}

/* The line after an untrusted comment as len bytes. */
static int
get_blob(
    struct str *text, void *ret, size_t len, const char *what, struct err *e)
{
	AUTO_BUF struct buf bytes = BUF_INIT(LINE_MAX_BYTES);
	const struct str comment = str_cut(text, '\n');
	const struct str line = str_trim(str_cut(text, '\n'));
	int r;

	if (!str_starts(comment, str_of(UNTRUSTED)) ||
	    text_unbase64(line, &bytes) != 0 || bytes.len != len ||
	    bytes.s[0] != 'E' || (bytes.s[1] != 'd' && bytes.s[1] != 'D'))
		r = err_set(e, ERR_INVALID, "this is no %s", what);
	else
		r = ERR_OK;
	if (r == 0)
		memcpy(ret, bytes.s, len);
	if (bytes.len > 0)
		explicit_bzero(bytes.s, bytes.len);
	return r;
}

int
minisign_parse_public(
    struct str text, struct minisign_public *ret, struct err *e)
{
	uint8_t blob[PUBLIC_LEN];
	const int r = get_blob(&text, blob, sizeof(blob), "public key", e);

	if (r != 0)
		return r;
	memcpy(ret->id, blob + ALGORITHM_LEN, MINISIGN_ID);
	memcpy(ret->key, blob + ALGORITHM_LEN + MINISIGN_ID, MINISIGN_KEY);
	return ERR_OK;
}

int
minisign_parse_secret(
    struct str text, struct minisign_secret *ret, struct err *e)
{
	uint8_t blob[SECRET_LEN];
	const int r = get_blob(&text, blob, sizeof(blob), "secret key", e);
	const uint8_t *at = blob + ALGORITHM_LEN;

	if (r != 0)
		return r;
	memcpy(ret->public.id, at, MINISIGN_ID);
	memcpy(ret->seed, at + MINISIGN_ID, MINISIGN_KEY);
	memcpy(ret->public.key, at + MINISIGN_ID + MINISIGN_KEY, MINISIGN_KEY);
	explicit_bzero(blob, sizeof(blob));
	return ERR_OK;
}

/* ---- signatures ------------------------------------------------------------ */

/* The second signature is over the first one and the trusted comment. */
static int
put_trusted(
    struct buf *to, const uint8_t *signature, struct str comment, struct err *e)
{
	buf_put(to, signature, SIGNATURE_LEN);
	buf_put_str(to, comment);
	return buf_done(to, e);
}

int
minisign_sign(const struct minisign_secret *k, struct str bytes,
    const char *comment, struct buf *out, struct err *e)
{
	AUTO_BUF struct buf both = BUF_INIT(LINE_MAX_BYTES);
	uint8_t blob[BLOB_LEN] = { 'E', 'D' };
	uint8_t *signature = blob + ALGORITHM_LEN + MINISIGN_ID;
	uint8_t digest[HASH_LEN], whole[SIGNATURE_LEN];
	int r = hash(bytes, digest, e);

	memcpy(blob + ALGORITHM_LEN, k->public.id, MINISIGN_ID);
	if (r == 0)
		r = sign_raw(k->seed, str_n((const char *)digest, HASH_LEN),
		    signature, e);
	if (r == 0)
		r = put_trusted(&both, signature, str_of(comment), e);
	if (r == 0)
		r = sign_raw(k->seed, buf_str(&both), whole, e);
	if (r != 0)
		return r;
	put_blob(out, "signature of rules", blob, sizeof(blob));
	buf_printf(out, TRUSTED "%s\n", comment);
	text_base64(out, str_n((const char *)whole, SIGNATURE_LEN));
	buf_putc(out, '\n');
	return buf_done(out, e);
}

static int
check_trusted(const struct minisign_public *p, const uint8_t *signature,
    struct str text, struct buf *ret_comment, struct err *e)
{
	AUTO_BUF struct buf both = BUF_INIT(LINE_MAX_BYTES);
	AUTO_BUF struct buf whole = BUF_INIT(LINE_MAX_BYTES);
	struct str comment = str_cut(&text, '\n');

	if (!str_starts(comment, str_of(TRUSTED)) ||
	    comment.len > MINISIGN_COMMENT_MAX ||
	    text_unbase64(str_trim(str_cut(&text, '\n')), &whole) != 0 ||
	    whole.len != SIGNATURE_LEN)
		return err_set(e, ERR_INVALID, "this is no signature");
	comment = str_from(comment, strlen(TRUSTED));
	if (put_trusted(&both, signature, comment, e) != 0)
		return ERR_NOMEM;
	if (!is_signed(p->key, buf_str(&both), (const uint8_t *)whole.s))
		return err_set(
		    e, ERR_DENIED, "the signature's comment was changed");
	buf_put_str(ret_comment, comment);
	return buf_done(ret_comment, e);
}

int
minisign_verify(const struct minisign_public *p, struct str bytes,
    struct str signature, struct buf *ret_comment, struct err *e)
{
	uint8_t blob[BLOB_LEN], digest[HASH_LEN];
	struct str signed_bytes = bytes;
	int r = get_blob(&signature, blob, sizeof(blob), "signature", e);

	if (r != 0)
		return r;
	if (memcmp(blob + ALGORITHM_LEN, p->id, MINISIGN_ID) != 0)
		return err_set(e, ERR_DENIED, "it is signed by another key");
	if (blob[1] == 'D') {
		r = hash(bytes, digest, e);
		signed_bytes = str_n((const char *)digest, HASH_LEN);
	}
	if (r != 0)
		return r;
	if (!is_signed(
		p->key, signed_bytes, blob + ALGORITHM_LEN + MINISIGN_ID))
		return err_set(e, ERR_DENIED,
		    "the signature is not of these bytes: the file was "
		    "changed or cut");
	return check_trusted(
	    p, blob + ALGORITHM_LEN + MINISIGN_ID, signature, ret_comment, e);
}
