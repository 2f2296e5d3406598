/*
 * Make certificates for hosts.
 * Runs in: assent-broker.  Trusts: libcrypto.  Owns: the authority's key and
 * the one of all hosts.
 */
#include "ca.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define HOST_MAX 253
#define KEPT_MAX 256 /* certificates of hosts */
#define PEM_MAX 8192
#define BEFORE_S (-3600) /* clocks differ */
#define CA_LIFE_S (3650L * 86400)
#define HOST_LIFE_S (90L * 86400) /* clients refuse what lasts too long */
#define SERIAL_BYTES 16
#define COMMON_NAME_MAX 64 /* RFC 5280 */

struct kept {
	char host[HOST_MAX + 1];
	X509 *cert;
};

struct ca {
	EVP_PKEY *key, *host_key;
	X509 *cert;
	struct kept kept[KEPT_MAX];
	size_t next;
};

void
ca_free(struct ca *ca)
{
	if (ca == NULL)
		return;
	for (size_t i = 0; i < KEPT_MAX; i++)
		X509_free(ca->kept[i].cert);
	X509_free(ca->cert);
	EVP_PKEY_free(ca->host_key);
	EVP_PKEY_free(ca->key);
	mem_freep(&ca);
}

static void
free_cert(X509 **c)
{
	X509_free(*c);
	*c = NULL;
}

static bool
set_serial(X509 *c)
{
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *n;
	bool good;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] &= 0x7f;
	n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	good = n != NULL &&
	    BN_to_ASN1_INTEGER(n, X509_get_serialNumber(c)) != NULL;
	BN_free(n);
	return good;
}

static bool
set_name(X509_NAME *n, const char *key, const char *value)
{
	return X509_NAME_add_entry_by_txt(n, key, MBSTRING_UTF8,
		   (const unsigned char *)value, -1, -1, 0) == 1;
}

static bool
add_extension(X509 *c, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *x;
	bool good;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, c, NULL, NULL, 0);
	x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	good = x != NULL && X509_add_ext(c, x, -1) == 1;
	X509_EXTENSION_free(x);
	return good;
}

static bool
fill(X509 *c, EVP_PKEY *key, long life_s)
{
	return X509_set_version(c, X509_VERSION_3) == 1 && set_serial(c) &&
	    X509_gmtime_adj(X509_getm_notBefore(c), BEFORE_S) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(c), life_s) != NULL &&
	    X509_set_pubkey(c, key) == 1;
}

static X509 *
make_authority(EVP_PKEY *key)
{
	AUTO(free_cert) X509 *c = X509_new();
	X509_NAME *n = c == NULL ? NULL : X509_get_subject_name(c);
	const bool good = c != NULL && fill(c, key, CA_LIFE_S) &&
	    set_name(n, "O", "assent") &&
	    set_name(n, "CN", "assent: hosts with a credential") &&
	    X509_set_issuer_name(c, n) == 1 &&
	    add_extension(
		c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	    add_extension(c, c, NID_key_usage, "critical,keyCertSign") &&
	    add_extension(c, c, NID_subject_key_identifier, "hash") &&
	    X509_sign(c, key, EVP_sha256()) > 0;

	return good ? TAKE_PTR(c) : NULL;
}

int
ca_new(struct ca **ret, struct err *e)
{
	struct ca *ca = mem_new(1, sizeof(*ca));

	if (ca == NULL)
		return err_nomem(e);
	ca->key = EVP_EC_gen("P-256");
	ca->host_key = EVP_EC_gen("P-256");
	if (ca->key != NULL && ca->host_key != NULL)
		ca->cert = make_authority(ca->key);
	if (ca->cert == NULL) {
		ca_free(ca);
		ERR_clear_error();
		return err_set(e, ERR_INTERNAL,
		    "cannot make an authority for certificates");
	}
	*ret = ca;
	return ERR_OK;
}

int
ca_certificate(const struct ca *ca, struct buf *out, struct err *e)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes = NULL;
	long len = 0;
	bool good = bio != NULL && PEM_write_bio_X509(bio, ca->cert) == 1;

	if (good)
		len = BIO_get_mem_data(bio, &bytes);
	good = good && len > 0 && len < PEM_MAX;
	if (good)
		buf_put(out, bytes, (size_t)len);
	BIO_free(bio);
	return good ? buf_done(out, e)
		    : err_set(e, ERR_INTERNAL, "cannot write a certificate");
}

/* ---- hosts ---------------------------------------------------------------- */

static bool
is_address(const char *host)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, bytes) == 1 ||
	    inet_pton(AF_INET6, host, bytes) == 1;
}

/* host is plain (credential_host_wrong): nothing in it is syntax here. */
static X509 *
make_host(const struct ca *ca, const char *host)
{
	AUTO(free_cert) X509 *c = X509_new();
	char names[HOST_MAX + 16];
	X509_NAME *n = c == NULL ? NULL : X509_get_subject_name(c);
	bool good;

	(void)snprintf(names, sizeof(names), "%s:%s",
	    is_address(host) ? "IP" : "DNS", host);
	good = c != NULL && fill(c, ca->host_key, HOST_LIFE_S) &&
	    set_name(
		n, "CN", strlen(host) > COMMON_NAME_MAX ? "a host" : host) &&
	    X509_set_issuer_name(c, X509_get_subject_name(ca->cert)) == 1 &&
	    add_extension(
		c, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(
		c, ca->cert, NID_key_usage, "critical,digitalSignature") &&
	    add_extension(c, ca->cert, NID_ext_key_usage, "serverAuth") &&
	    add_extension(c, ca->cert, NID_authority_key_identifier, "keyid") &&
	    add_extension(c, ca->cert, NID_subject_alt_name, names) &&
	    X509_sign(c, ca->key, EVP_sha256()) > 0;
	return good ? TAKE_PTR(c) : NULL;
}

static struct kept *
find(struct ca *ca, const char *host)
{
	for (size_t i = 0; i < KEPT_MAX; i++) {
		if (ca->kept[i].cert != NULL &&
		    strcmp(ca->kept[i].host, host) == 0)
			return &ca->kept[i];
	}
	return NULL;
}

static struct kept *
add(struct ca *ca, const char *host)
{
	struct kept *k = &ca->kept[ca->next];
	X509 *c = strlen(host) > HOST_MAX ? NULL : make_host(ca, host);

	if (c == NULL)
		return NULL;
	ca->next = (ca->next + 1) % KEPT_MAX;
	X509_free(k->cert);
	k->cert = c;
	(void)snprintf(k->host, sizeof(k->host), "%s", host);
	return k;
}

int
ca_host(struct ca *ca, const char *host, SSL *ssl, struct err *e)
{
	const struct kept *k = find(ca, host);

	if (k == NULL)
		k = add(ca, host);
	if (k != NULL && SSL_use_certificate(ssl, k->cert) == 1 &&
	    SSL_use_PrivateKey(ssl, ca->host_key) == 1)
		return ERR_OK;
	ERR_clear_error();
	return err_set(
	    e, ERR_INTERNAL, "cannot make a certificate for '%s'", host);
}
