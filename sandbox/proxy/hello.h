#ifndef PROXY_HELLO_H
#define PROXY_HELLO_H
/*
 * The first message of TLS: which host the client says it wants.
 *
 *     r = hello_parse(bytes, &hello, e);     1 whole, 0 more to come
 *     if (!hello.has_name || !str_eqz(...))
 *
 * Read across records, however they were cut; anything that two readers could
 * see differently (a name twice, lengths that do not fit) is refused.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

#define HELLO_BYTES_MAX ((size_t)32 * 1024)
#define HELLO_NAME_MAX 255

struct hello {
	bool has_name, encrypted; /* ECH, or what looks like it */
	char name[HELLO_NAME_MAX + 1];
};

/* Could these first bytes begin a TLS record with a handshake? */
bool hello_is_tls(struct str bytes);
/* 1: whole; 0: more bytes are needed; ERR_INVALID or ERR_LIMIT. */
int hello_parse(struct str bytes, struct hello *ret, struct err *e);

#endif
