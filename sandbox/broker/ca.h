#ifndef BROKER_CA_H
#define BROKER_CA_H
/*
 * The authority that runs trust for hosts with a credential: made at start,
 * kept in memory, trusted inside of runs only.
 *
 *     r = ca_new(&ca, e);
 *     ca_certificate(ca, &pem, e);                what runs are shown
 *     r = ca_host(ca, "api.example", ssl, e);     a certificate for it
 */
#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/err.h"

struct ca;

int ca_new(struct ca **ret, struct err *e);
void ca_free(struct ca *ca);
/* Appends it as PEM. */
int ca_certificate(const struct ca *ca, struct buf *out, struct err *e);
/* The server's end of a connection has a certificate for host then. */
int ca_host(struct ca *ca, const char *host, SSL *ssl, struct err *e);

#endif
