/*
 * Sign with private keys, verify with public ones.
 * Runs in: assent-broker, tools.  Trusts: libcrypto.  Owns: the key.
 */
#include "ssh_key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/text.h"
#include "ssh_key_int.h"
#include "ssh_wire.h"

#define RSA_BITS_MIN 2048
#define POINT_MAX 133 /* of the largest curve */
#define TEXT_MAX ((size_t)64 << 10)

struct ssh_key {
	EVP_PKEY *pkey;
	const struct ssh_key_kind *kind;
	struct buf blob;
};

/* ---- parse --------------------------------------------------------------- */

/* Nobody is there to type one. */
static int
no_passphrase(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static int
parse_pem(struct str text, EVP_PKEY **ret, struct err *e)
{
	BIO *bio;

	if (str_search(text, STR("ENCRYPTED")) < text.len)
		return err_set(e, ERR_INVALID, SSH_KEY_LOCKED);
	if (text.len > TEXT_MAX)
		return err_set(e, ERR_LIMIT, "the private key is too long");
	bio = BIO_new_mem_buf(text.s, (int)text.len);
	*ret = bio == NULL
	    ? NULL
	    : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	ERR_clear_error();
	return *ret != NULL ? ERR_OK
			    : err_set(e, ERR_INVALID, "this is no private key");
}

static void
put_number(struct buf *b, const EVP_PKEY *k, const char *name)
{
	unsigned char bytes[SSH_BLOB_MAX];
	BIGNUM *n = NULL;

	if (EVP_PKEY_get_bn_param(k, name, &n) == 1 &&
	    (size_t)BN_num_bytes(n) <= sizeof(bytes))
		wire_put_mpint(
		    b, str_n((char *)bytes, (size_t)BN_bn2bin(n, bytes)));
	else
		b->failed = ERR_LIMIT;
	BN_free(n);
}

static void
put_octets(struct buf *b, const EVP_PKEY *k, const struct ssh_key_kind *kind)
{
	unsigned char bytes[POINT_MAX];
	size_t len = sizeof(bytes);
	int good;

	if (kind->id == EVP_PKEY_ED25519)
		good = EVP_PKEY_get_raw_public_key(k, bytes, &len);
	else
		good = EVP_PKEY_get_octet_string_param(
		    k, OSSL_PKEY_PARAM_PUB_KEY, bytes, sizeof(bytes), &len);
	if (good == 1)
		wire_put_str(b, str_n((char *)bytes, len));
	else
		b->failed = ERR_LIMIT;
}

static int
make_blob(struct ssh_key *k, struct err *e)
{
	struct buf *b = &k->blob;

	wire_put_str(b, str_of(k->kind->type));
	if (k->kind->id == EVP_PKEY_RSA) {
		put_number(b, k->pkey, OSSL_PKEY_PARAM_RSA_E);
		put_number(b, k->pkey, OSSL_PKEY_PARAM_RSA_N);
	} else {
		if (k->kind->curve != NULL)
			wire_put_str(b, str_of(k->kind->curve));
		put_octets(b, k->pkey, k->kind);
	}
	return buf_done(b, NULL) == 0
	    ? ERR_OK
	    : err_set(e, ERR_INVALID, "the key's public half is unknown");
}

int
ssh_key_parse(struct str text, struct ssh_key **ret, struct err *e)
{
	AUTO(ssh_key_freep) struct ssh_key *k = mem_new(1, sizeof(*k));
	int r;

	if (k == NULL)
		return err_nomem(e);
	k->blob = (struct buf)BUF_INIT(SSH_BLOB_MAX);
	r = str_search(text, STR("OPENSSH PRIVATE KEY")) < text.len
	    ? ssh_pkey_parse_openssh(text, &k->pkey, e)
	    : parse_pem(text, &k->pkey, e);
	if (r != 0)
		return r;
	k->kind = ssh_kind_of(k->pkey);
	if (k->kind == NULL)
		return err_set(e, ERR_INVALID,
		    "the private key is of a kind that is not supported; "
		    "ed25519, ecdsa and rsa are");
	if (k->kind->id == EVP_PKEY_RSA &&
	    EVP_PKEY_get_bits(k->pkey) < RSA_BITS_MIN)
		return err_set(e, ERR_INVALID,
		    "an RSA key of less than %d bits", RSA_BITS_MIN);
	r = make_blob(k, e);
	if (r == 0)
		*ret = TAKE_PTR(k);
	return r;
}

void
ssh_key_free(struct ssh_key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	buf_free(&k->blob);
	mem_freep(&k);
}

void
ssh_key_freep(struct ssh_key **k)
{
	ssh_key_free(*k);
	*k = NULL;
}

struct str
ssh_key_blob(const struct ssh_key *k)
{
	return buf_str(&k->blob);
}

struct str
ssh_key_type(const struct ssh_key *k)
{
	return str_of(k->kind->type);
}

/* ---- sign ---------------------------------------------------------------- */

/* The name of a signature, and its digest; NULL digest: of its own. */
static const char *
algorithm(const struct ssh_key_kind *kind, uint32_t flags, const char **digest)
{
	*digest = kind->digest;
	if (kind->id != EVP_PKEY_RSA)
		return kind->type;
	if ((flags & SSH_SIGN_RSA_SHA512) != 0) {
		*digest = "SHA512";
		return "rsa-sha2-512";
	}
	*digest = "SHA256";
	return (flags & SSH_SIGN_RSA_SHA256) != 0 ? "rsa-sha2-256" : NULL;
}

/* DER's pair of numbers as SSH writes it. */
static void
put_ecdsa(struct buf *out, const unsigned char *der, size_t len)
{
	AUTO_BUF struct buf pair = BUF_INIT(SSH_SIGNATURE_MAX);
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &der, (long)len);
	unsigned char bytes[POINT_MAX];

	if (s == NULL) {
		out->failed = ERR_LIMIT;
		return;
	}
	wire_put_mpint(&pair,
	    str_n(
		(char *)bytes, (size_t)BN_bn2bin(ECDSA_SIG_get0_r(s), bytes)));
	wire_put_mpint(&pair,
	    str_n(
		(char *)bytes, (size_t)BN_bn2bin(ECDSA_SIG_get0_s(s), bytes)));
	ECDSA_SIG_free(s);
	wire_put_str(out, buf_str(&pair));
}

int
ssh_key_sign(const struct ssh_key *k, struct str data, uint32_t flags,
    struct buf *out, struct err *e)
{
	unsigned char sig[SSH_SIGNATURE_MAX];
	size_t len = sizeof(sig);
	const char *digest;
	const char *name = algorithm(k->kind, flags, &digest);
	EVP_MD_CTX *c;
	bool good;

	if (name == NULL)
		return err_set(
		    e, ERR_DENIED, "a signature with SHA-1 was asked for");
	c = EVP_MD_CTX_new();
	good = c != NULL &&
	    EVP_DigestSignInit_ex(c, NULL, digest, NULL, NULL, k->pkey, NULL) ==
		1 &&
	    EVP_DigestSign(
		c, sig, &len, (const unsigned char *)data.s, data.len) == 1;
	EVP_MD_CTX_free(c);
	ERR_clear_error();
	if (!good)
		return err_set(e, ERR_INTERNAL, "the signature failed");
	wire_put_str(out, str_of(name));
	if (k->kind->id == EVP_PKEY_EC)
		put_ecdsa(out, sig, len);
	else
		wire_put_str(out, str_n((char *)sig, len));
	return buf_done(out, e);
}

/* ---- verify -------------------------------------------------------------- */

/* SSH's pair of numbers as DER; 0: it is none. */
static size_t
der_of(struct str pair, unsigned char ret[static SSH_SIGNATURE_MAX])
{
	struct wire w = wire_of(pair);
	const struct str r = wire_str(&w);
	const struct str s = wire_str(&w);
	unsigned char *at = ret;
	ECDSA_SIG *sig;
	int len = -1;

	if (!wire_ends(&w) || r.len > POINT_MAX || s.len > POINT_MAX)
		return 0;
	sig = ECDSA_SIG_new();
	if (sig != NULL &&
	    ECDSA_SIG_set0(sig,
		BN_bin2bn((const unsigned char *)r.s, (int)r.len, NULL),
		BN_bin2bn((const unsigned char *)s.s, (int)s.len, NULL)) == 1)
		len = i2d_ECDSA_SIG(sig, &at);
	ECDSA_SIG_free(sig);
	return len < 0 ? 0 : (size_t)len;
}

static bool
verify(EVP_PKEY *key, const char *digest, struct str sig, struct str data)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	const bool good = c != NULL &&
	    EVP_DigestVerifyInit_ex(c, NULL, digest, NULL, NULL, key, NULL) ==
		1 &&
	    EVP_DigestVerify(c, (const unsigned char *)sig.s, sig.len,
		(const unsigned char *)data.s, data.len) == 1;

	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return good;
}

bool
ssh_blob_verify(struct str blob, struct str signature, struct str data)
{
	const struct ssh_key_kind *kind = NULL;
	AUTO(ssh_pkey_freep) EVP_PKEY *key = ssh_pkey_of_blob(blob, &kind);
	struct wire w = wire_of(signature);
	const struct str name = wire_str(&w);
	struct str sig = wire_str(&w);
	unsigned char der[SSH_SIGNATURE_MAX];
	const char *digest, *wanted;
	uint32_t flags;

	if (key == NULL || !wire_ends(&w) || sig.len > SSH_SIGNATURE_MAX / 4)
		return false;
	flags = str_eqz(name, "rsa-sha2-512") ? SSH_SIGN_RSA_SHA512
					      : SSH_SIGN_RSA_SHA256;
	wanted = algorithm(kind, flags, &digest);
	if (wanted == NULL || !str_eqz(name, wanted))
		return false;
	if (kind->id == EVP_PKEY_EC)
		sig = str_n((char *)der, der_of(sig, der));
	return sig.len > 0 && verify(key, digest, sig, data);
}

/* ---- words --------------------------------------------------------------- */

int
ssh_blob_fingerprint(
    struct str blob, char ret[static SSH_FINGERPRINT_MAX], struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(SSH_FINGERPRINT_MAX);
	uint8_t digest[SHA256_LEN];
	int r = sha256_of(blob.s, blob.len, digest, e);

	if (r != 0)
		return r;
	buf_puts(&b, "SHA256:");
	text_base64(&b, str_n((char *)digest, sizeof(digest)));
	r = buf_done(&b, e);
	if (r != 0)
		return r;
	/* Without the padding, as ssh shows it. */
	while (b.len > 0 && b.s[b.len - 1] == '=')
		b.s[--b.len] = '\0';
	memcpy(ret, b.s, b.len + 1);
	return ERR_OK;
}

int
ssh_blob_parse(struct str line, struct buf *out, struct err *e)
{
	struct str rest = str_trim(line);
	const struct str type = str_cut(&rest, ' ');
	const struct str text = str_cut(&rest, ' ');
	const size_t before = out->len;
	struct wire w;

	if (text_unbase64(text, out) != 0)
		return err_set(e, ERR_INVALID,
		    "'%.*s' is not a public key; write it as in known_hosts, "
		    "without the host: ssh-ed25519 AAAA...",
		    (int)(line.len > 40 ? 40 : line.len), line.s);
	w = wire_of(str_from(buf_str(out), before));
	if (!str_eq(wire_str(&w), type) || w.failed)
		return err_set(e, ERR_INVALID,
		    "a public key does not hold what its name says");
	return buf_done(out, e);
}
