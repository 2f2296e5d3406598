#ifndef PROXY_SOCKS_H
#define PROXY_SOCKS_H
/*
 * SOCKS5 (RFC 1928) as a client speaks it.
 *
 *     n = socks_greeting_parse(bytes, &no_auth, e);   bytes used, 0: more
 *     n = socks_request_parse(bytes, &request, e);
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define SOCKS_REPLY_BYTES 10

enum socks_command {
	SOCKS_CONNECT = 1,
	SOCKS_BIND = 2,
	SOCKS_UDP = 3,
};

enum socks_reply {
	SOCKS_OK = 0,
	SOCKS_FAILED = 1,
	SOCKS_DENIED = 2,
	SOCKS_NET_UNREACHABLE = 3,
	SOCKS_HOST_UNREACHABLE = 4,
	SOCKS_REFUSED = 5,
	SOCKS_TIMED_OUT = 6,
	SOCKS_BAD_COMMAND = 7,
	SOCKS_BAD_ADDRESS = 8,
};

struct socks_request {
	unsigned command;
	struct str name; /* empty: an address */
	uint8_t addr[16];
	size_t addr_len;
	uint16_t port;
};

/* Bytes used, 0 when there are too few, ERR_INVALID. */
int socks_greeting_parse(struct str bytes, bool *ret_no_auth, struct err *e);
/* Also ERR_NOTFOUND for a kind of address that SOCKS5 does not have. */
int socks_request_parse(
    struct str bytes, struct socks_request *ret, struct err *e);
void socks_reply_write(enum socks_reply r, uint8_t ret[SOCKS_REPLY_BYTES]);

#endif
