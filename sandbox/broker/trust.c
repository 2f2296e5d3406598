/*
 * Whom the broker trusts, and whom runs trust: certificates.
 * Runs in: assent-broker, before it is confined.  Trusts: the system's list of
 * authorities, the configured ones.  Owns: the contexts of TLS.
 */
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker.h"

#define BUNDLE_MAX ((size_t)16 << 20)
#define PEM_MAX ((size_t)16 << 10)
#define FILE_MODE 0644

static const char *const system_lists[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

static const char *
system_list(void)
{
	for (size_t i = 0; i < ARRAY_LEN(system_lists); i++) {
		if (access(system_lists[i], R_OK) == 0)
			return system_lists[i];
	}
	return NULL;
}

static const unsigned char http_1_1[] = { 8, 'h', 't', 't', 'p', '/', '1', '.',
	'1' };

/* A run that offers HTTP/2 is told that there is only 1.1. */
static int
select_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned inlen, void *ctx)
{
	unsigned char *chosen = NULL;

	(void)ssl;
	(void)ctx;
	if (SSL_select_next_proto(&chosen, outlen, http_1_1, sizeof(http_1_1),
		in, inlen) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static void
set_modes(SSL_CTX *c)
{
	(void)SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
	(void)SSL_CTX_set_options(
	    c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	(void)SSL_CTX_set_mode(c,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
}

static SSL_CTX *
make_server(void)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());

	if (c == NULL)
		return NULL;
	set_modes(c);
	SSL_CTX_set_alpn_select_cb(c, select_alpn, NULL);
	(void)SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	return c;
}

static int
make_client(const char *ca_file, SSL_CTX **ret, struct err *e)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());
	const char *list = ca_file == NULL ? system_list() : ca_file;

	if (c == NULL)
		return err_nomem(e);
	set_modes(c);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
	(void)SSL_CTX_set_alpn_protos(c, http_1_1, sizeof(http_1_1));
	if (list == NULL || SSL_CTX_load_verify_file(c, list) != 1) {
		SSL_CTX_free(c);
		ERR_clear_error();
		return err_set(e, ERR_INVALID,
		    "cannot read certificates to trust from '%s'",
		    list == NULL ? "the system" : list);
	}
	*ret = c;
	return ERR_OK;
}

/* What one run trusts: the system's, and ours for hosts with a credential. */
static int
write_lists(struct broker *b, struct err *e)
{
	AUTO_BUF struct buf own = BUF_INIT(PEM_MAX);
	AUTO_BUF struct buf all = BUF_INIT(BUNDLE_MAX);
	const char *list = system_list();
	char path[PATH_BYTES_MAX];
	int r = ca_certificate(b->ca, &own, e);

	if (r == 0 && list != NULL && fdio_read_file(list, &all, NULL) != 0)
		log_warn("no-authorities", "file=%s", list);
	buf_putc(&all, '\n');
	buf_put_str(&all, buf_str(&own));
	if (r == 0)
		r = buf_done(&all, e);
	(void)snprintf(path, sizeof(path), "%s/ca.pem", b->ca_dir);
	if (r == 0)
		r = fdio_write_file(path, own.s, own.len, FILE_MODE, e);
	(void)snprintf(path, sizeof(path), "%s/bundle.pem", b->ca_dir);
	if (r == 0)
		r = fdio_write_file(path, all.s, all.len, FILE_MODE, e);
	return r;
}

int
broker_trust_open(struct broker *b, struct err *e)
{
	int r = ca_new(&b->ca, e);

	for (size_t i = 0; r == 0 && i < b->held_count; i++) {
		struct holding *h = &b->held[i];

		if (credential_is_injected(h->c))
			r = make_client(h->c->ca_file, &h->tls, e);
		if (r != 0)
			r = err_wrap(e, r, "credential '%s'", h->c->name);
	}
	if (r == 0) {
		b->server = make_server();
		r = b->server == NULL ? err_nomem(e) : write_lists(b, e);
	}
	return r;
}

void
broker_trust_close(struct broker *b)
{
	for (size_t i = 0; i < b->held_count; i++)
		SSL_CTX_free(b->held[i].tls);
	SSL_CTX_free(b->server);
	ca_free(b->ca);
}
