/*
 * Reading and writing with or without TLS.
 * Runs in: assent-broker.  Trusts: libssl.  Owns: the socket.
 */
#include "tls_end.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"

/* What libssl waits for, or how it ended. */
static ssize_t
outcome(struct tls_end *t, int r)
{
	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		t->wants = LOOP_READ;
		return TLS_END_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		t->wants = LOOP_WRITE;
		return TLS_END_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		t->ended = true;
		return 0;
	default:
		return TLS_END_FAILED;
	}
}

int
tls_end_begin(struct tls_end *t)
{
	int r;

	if (t->ready || t->ssl == NULL) {
		t->ready = true;
		return 1;
	}
	t->wants = 0;
	ERR_clear_error();
	r = SSL_do_handshake(t->ssl);
	if (r == 1) {
		t->ready = true;
		return 1;
	}
	r = (int)outcome(t, r);
	return r == TLS_END_AGAIN ? r : TLS_END_FAILED;
}

static ssize_t
plain_result(ssize_t n)
{
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? TLS_END_AGAIN
							 : TLS_END_FAILED;
	return n;
}

ssize_t
tls_end_read(struct tls_end *t, void *bytes, size_t len)
{
	ssize_t n;
	int r;

	if (t->ssl == NULL) {
		n = plain_result(recv(t->fd, bytes, len, 0));
		t->ended = t->ended || n == 0;
		return n;
	}
	t->wants = 0;
	ERR_clear_error();
	r = SSL_read(t->ssl, bytes, len > INT_MAX ? INT_MAX : (int)len);
	return r > 0 ? r : outcome(t, r);
}

ssize_t
tls_end_write(struct tls_end *t, const void *bytes, size_t len)
{
	int r;

	if (t->ssl == NULL)
		return plain_result(send(t->fd, bytes, len, MSG_NOSIGNAL));
	t->wants = 0;
	ERR_clear_error();
	r = SSL_write(t->ssl, bytes, len > INT_MAX ? INT_MAX : (int)len);
	return r > 0 ? r : outcome(t, r);
}

void
tls_end_shut(struct tls_end *t)
{
	if (t->ssl != NULL && t->ready)
		(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
	(void)shutdown(t->fd, SHUT_WR);
}

void
tls_end_close(struct tls_end *t)
{
	SSL_free(t->ssl);
	t->ssl = NULL;
	fd_closep(&t->fd);
}
