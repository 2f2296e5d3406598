#ifndef BROKER_TLS_END_H
#define BROKER_TLS_END_H
/*
 * One end of a connection: a socket, with or without TLS, that never waits.
 *
 *     n = tls_end_read(&end, bytes, sizeof(bytes));
 *     n = tls_end_write(&end, bytes, len);
 *
 * Both give a count, 0 at the end of the stream, TLS_END_AGAIN or
 * TLS_END_FAILED. end.wants says what TLS itself waits for.
 */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TLS_END_AGAIN (-1)
#define TLS_END_FAILED (-2)

struct tls_end {
	int fd; /* owned */
	SSL *ssl; /* owned; NULL: plain */
	unsigned wants; /* LOOP_READ, LOOP_WRITE: to go on with TLS */
	bool ready; /* the handshake is over */
	bool ended; /* the peer sends no more */
};

/* The handshake, as far as it goes now: 1 done, TLS_END_AGAIN, or failed. */
int tls_end_begin(struct tls_end *t);
ssize_t tls_end_read(struct tls_end *t, void *bytes, size_t len);
ssize_t tls_end_write(struct tls_end *t, const void *bytes, size_t len);
/* Says that we send no more. */
void tls_end_shut(struct tls_end *t);
void tls_end_close(struct tls_end *t);

#endif
