/*
 * SSH's forms of keys as libcrypto's.
 * Runs in: assent-broker, tools.  Trusts: libcrypto.  Owns: nothing.
 */
#include "ssh_key_int.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ssh_wire.h"

/* In the order of OpenSSH's file: n, e, d, 1/q mod p, p, q. */
#define RSA_D 2
#define RSA_P 4
#define BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define END "-----END OPENSSH PRIVATE KEY-----"
#define MAGIC "openssh-key-v1"
#define KEY_FILE_MAX ((size_t)64 << 10)
#define ED25519_LEN 32

static const struct ssh_key_kind kinds[] = {
	{ "ssh-ed25519", EVP_PKEY_ED25519, NULL, NULL, NULL },
	{ "ecdsa-sha2-nistp256", EVP_PKEY_EC, "prime256v1", "nistp256",
	    "SHA256" },
	{ "ecdsa-sha2-nistp384", EVP_PKEY_EC, "secp384r1", "nistp384",
	    "SHA384" },
	{ "ecdsa-sha2-nistp521", EVP_PKEY_EC, "secp521r1", "nistp521",
	    "SHA512" },
	{ "ssh-rsa", EVP_PKEY_RSA, NULL, NULL, NULL },
};

const struct ssh_key_kind *
ssh_kind_by_type(struct str type)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (str_eqz(type, kinds[i].type))
			return &kinds[i];
	}
	return NULL;
}

const struct ssh_key_kind *
ssh_kind_of(const EVP_PKEY *k)
{
	char group[64] = "";

	(void)EVP_PKEY_get_utf8_string_param(
	    k, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (EVP_PKEY_get_base_id(k) == kinds[i].id &&
		    (kinds[i].group == NULL ||
			strcmp(group, kinds[i].group) == 0))
			return &kinds[i];
	}
	return NULL;
}

void
ssh_pkey_freep(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
	*k = NULL;
}

/* ---- from numbers -------------------------------------------------------- */

static void
free_bn(BIGNUM **b)
{
	BN_clear_free(*b);
	*b = NULL;
}

static void
free_builder(OSSL_PARAM_BLD **b)
{
	OSSL_PARAM_BLD_free(*b);
	*b = NULL;
}

static void
free_params(OSSL_PARAM **p)
{
	for (OSSL_PARAM *at = *p; at != NULL && at->key != NULL; at++)
		OPENSSL_cleanse(at->data, at->data_size);
	OSSL_PARAM_free(*p);
	*p = NULL;
}

static void
free_context(EVP_PKEY_CTX **c)
{
	EVP_PKEY_CTX_free(*c);
	*c = NULL;
}

static EVP_PKEY *
from_params(const char *type, OSSL_PARAM *params)
{
	AUTO(free_context)
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *k = NULL;
	const bool whole =
	    OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_D) != NULL ||
	    OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PRIV_KEY) != NULL;

	if (c == NULL || EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, &k,
		whole ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return k;
}

static bool
push_numbers(OSSL_PARAM_BLD *b, const struct ssh_number *numbers, size_t count,
    BIGNUM **kept)
{
	for (size_t i = 0; i < count; i++) {
		const struct str n = numbers[i].bytes;

		kept[i] = n.len > SSH_BLOB_MAX
		    ? NULL
		    : BN_bin2bn((const unsigned char *)n.s, (int)n.len, NULL);
		if (kept[i] == NULL ||
		    OSSL_PARAM_BLD_push_BN(b, numbers[i].name, kept[i]) != 1)
			return false;
	}
	return true;
}

/*
 * SSH's file has no d mod (p - 1) and d mod (q - 1), libcrypto loses the other
 * numbers for the quick way where it is not given these.
 */
static bool
push_exponents(OSSL_PARAM_BLD *b, BIGNUM **kept)
{
	static const char *const names[] = { OSSL_PKEY_PARAM_RSA_EXPONENT1,
		OSSL_PKEY_PARAM_RSA_EXPONENT2 };
	BN_CTX *c = BN_CTX_new();
	bool good = c != NULL;

	for (size_t i = 0; i < ARRAY_LEN(names) && good; i++) {
		BIGNUM *less = BN_dup(kept[RSA_P + i]);
		BIGNUM *r = BN_new();

		kept[SSH_NUMBERS_MAX + i] = r;
		good = less != NULL && r != NULL && BN_sub_word(less, 1) == 1 &&
		    BN_mod(r, kept[RSA_D], less, c) == 1 &&
		    OSSL_PARAM_BLD_push_BN(b, names[i], r) == 1;
		BN_clear_free(less);
	}
	BN_CTX_free(c);
	return good;
}

EVP_PKEY *
ssh_pkey_make(const char *type, const char *group, struct str point,
    const struct ssh_number *numbers, size_t count)
{
	AUTO(free_builder) OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	AUTO(free_params) OSSL_PARAM *params = NULL;
	BIGNUM *kept[SSH_NUMBERS_MAX + 2] = { NULL };
	bool good = b != NULL && count <= SSH_NUMBERS_MAX;
	EVP_PKEY *k = NULL;

	if (good && group != NULL)
		good = OSSL_PARAM_BLD_push_utf8_string(
			   b, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
		    OSSL_PARAM_BLD_push_octet_string(
			b, OSSL_PKEY_PARAM_PUB_KEY, point.s, point.len) == 1;
	good = good && push_numbers(b, numbers, count, kept) &&
	    (count != SSH_NUMBERS_MAX || push_exponents(b, kept));
	if (good)
		params = OSSL_PARAM_BLD_to_param(b);
	if (params != NULL)
		k = from_params(type, params);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		free_bn(&kept[i]);
	ERR_clear_error();
	return k;
}

/* ---- public halves ------------------------------------------------------- */

EVP_PKEY *
ssh_pkey_of_blob(struct str blob, const struct ssh_key_kind **ret)
{
	struct wire w = wire_of(blob);
	const struct ssh_key_kind *kind = ssh_kind_by_type(wire_str(&w));
	AUTO(ssh_pkey_freep) EVP_PKEY *k = NULL;
	struct str a, b = STR_NONE;

	if (kind == NULL)
		return NULL;
	a = wire_str(&w);
	if (kind->id != EVP_PKEY_ED25519)
		b = wire_str(&w);
	if (!wire_ends(&w))
		return NULL;
	if (kind->id == EVP_PKEY_ED25519)
		k = EVP_PKEY_new_raw_public_key(
		    EVP_PKEY_ED25519, NULL, (const unsigned char *)a.s, a.len);
	else if (kind->id == EVP_PKEY_EC && str_eqz(a, kind->curve))
		k = ssh_pkey_make("EC", kind->group, b, NULL, 0);
	else if (kind->id == EVP_PKEY_RSA)
		k = ssh_pkey_make("RSA", NULL, STR_NONE,
		    (const struct ssh_number[]){
			{ OSSL_PKEY_PARAM_RSA_E, a },
			{ OSSL_PKEY_PARAM_RSA_N, b },
		    },
		    2);
	*ret = kind;
	ERR_clear_error();
	return TAKE_PTR(k);
}

/* ---- OpenSSH's own files ------------------------------------------------- */

static EVP_PKEY *
read_private(struct wire *w)
{
	const struct ssh_key_kind *kind = ssh_kind_by_type(wire_str(w));
	struct str f[SSH_NUMBERS_MAX] = { { 0 } };
	size_t count = kind == NULL    ? 0
	    : kind->id == EVP_PKEY_RSA ? 6
	    : kind->id == EVP_PKEY_EC  ? 3
				       : 2;

	for (size_t i = 0; i < count; i++)
		f[i] = wire_str(w);
	if (kind == NULL || w->failed)
		return NULL;
	if (kind->id == EVP_PKEY_RSA)
		return ssh_pkey_make("RSA", NULL, STR_NONE,
		    (const struct ssh_number[]){
			{ OSSL_PKEY_PARAM_RSA_N, f[0] },
			{ OSSL_PKEY_PARAM_RSA_E, f[1] },
			{ OSSL_PKEY_PARAM_RSA_D, f[2] },
			{ OSSL_PKEY_PARAM_RSA_COEFFICIENT1, f[3] },
			{ OSSL_PKEY_PARAM_RSA_FACTOR1, f[4] },
			{ OSSL_PKEY_PARAM_RSA_FACTOR2, f[5] },
		    },
		    6);
	if (kind->id == EVP_PKEY_EC)
		return str_eqz(f[0], kind->curve)
		    ? ssh_pkey_make("EC", kind->group, f[1],
			  &(struct ssh_number){
			      OSSL_PKEY_PARAM_PRIV_KEY, f[2] },
			  1)
		    : NULL;
	/* Both halves stand there; the first is the secret one. */
	return f[1].len == 2 * ED25519_LEN
	    ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
		  (const unsigned char *)f[1].s, ED25519_LEN)
	    : NULL;
}

static int
read_bytes(struct str bytes, EVP_PKEY **ret, struct err *e)
{
	struct wire w = wire_of(bytes), inner;
	struct str cipher;
	uint32_t check;

	if (!str_eq(wire_bytes(&w, sizeof(MAGIC)), STR(MAGIC "\0")))
		return err_set(e, ERR_INVALID, "this is no private key");
	cipher = wire_str(&w);
	if (!w.failed && !str_eqz(cipher, "none"))
		return err_set(e, ERR_INVALID, SSH_KEY_LOCKED);
	(void)wire_str(&w); /* how a passphrase is used */
	(void)wire_str(&w);
	if (wire_u32(&w) != 1)
		return err_set(e, ERR_INVALID, "one private key is wanted");
	(void)wire_str(&w); /* its public half is made anew */
	inner = wire_of(wire_str(&w));
	check = wire_u32(&inner);
	if (!wire_ends(&w) || wire_u32(&inner) != check || inner.failed)
		return err_set(e, ERR_INVALID, "the private key is damaged");
	*ret = read_private(&inner);
	return *ret != NULL
	    ? ERR_OK
	    : err_set(e, ERR_INVALID,
		  "the private key is of a kind that is not supported; "
		  "ed25519, ecdsa and rsa are");
}

static void
wipe(struct buf *b)
{
	if (b->s != NULL)
		explicit_bzero(b->s, b->cap);
	buf_free(b);
}

int
ssh_pkey_parse_openssh(struct str text, EVP_PKEY **ret, struct err *e)
{
	AUTO(wipe) struct buf one = BUF_INIT(KEY_FILE_MAX);
	AUTO(wipe) struct buf bytes = BUF_INIT(KEY_FILE_MAX);
	const size_t from = str_search(text, STR(BEGIN));
	const size_t to = str_search(text, STR(END));

	if (from == text.len || to == text.len || to < from)
		return err_set(e, ERR_INVALID, "the private key has no end");
	/* At once, so that no copy stays behind when it grows. */
	if (buf_reserve(&one, text.len + 1) == NULL ||
	    buf_reserve(&bytes, text.len + 1) == NULL)
		return err_set(e, ERR_LIMIT, "the private key is too long");
	for (size_t i = from + sizeof(BEGIN) - 1; i < to; i++) {
		if (text.s[i] != '\n' && text.s[i] != '\r')
			buf_putc(&one, text.s[i]);
	}
	if (text_unbase64(buf_str(&one), &bytes) != 0)
		return err_set(e, ERR_INVALID, "the private key is damaged");
	return read_bytes(buf_str(&bytes), ret, e);
}
