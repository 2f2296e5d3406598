/*
 * SOCKS5 requests and replies.
 * Runs in: assent-proxy.  Trusts: nothing.  Owns: nothing.
 */
#include "socks.h"

#include <string.h>

#define VERSION 5
#define NO_AUTH 0
#define HEAD_BYTES 4 /* version, command, reserved, kind of address */
#define PORT_BYTES 2

enum address_kind {
	ADDRESS_V4 = 1,
	ADDRESS_NAME = 3,
	ADDRESS_V6 = 4,
};

static uint8_t
byte(struct str s, size_t i)
{
	return (uint8_t)str_at(s, i);
}

int
socks_greeting_parse(struct str bytes, bool *ret_no_auth, struct err *e)
{
	const size_t count = byte(bytes, 1);

	if (bytes.len >= 1 && byte(bytes, 0) != VERSION)
		return err_set(e, ERR_INVALID,
		    "SOCKS version %u; only version 5 is spoken",
		    byte(bytes, 0));
	if (bytes.len < 2 || bytes.len < 2 + count)
		return 0;
	*ret_no_auth = memchr(bytes.s + 2, NO_AUTH, count) != NULL;
	return (int)(2 + count);
}

/* How long the address is, 0 when more is needed to tell. */
static int
address_bytes(struct str bytes, size_t *ret, struct err *e)
{
	switch (byte(bytes, 3)) {
	case ADDRESS_V4:
		*ret = 4;
		return 1;
	case ADDRESS_V6:
		*ret = 16;
		return 1;
	case ADDRESS_NAME:
		*ret = (size_t)1 + byte(bytes, HEAD_BYTES);
		return bytes.len > HEAD_BYTES ? 1 : 0;
	default:
		return err_set(e, ERR_NOTFOUND,
		    "SOCKS does not have addresses of kind %u", byte(bytes, 3));
	}
}

int
socks_request_parse(struct str bytes, struct socks_request *ret, struct err *e)
{
	struct socks_request q = { .command = byte(bytes, 1) };
	size_t len = 0;
	struct str at;
	int r;

	if (bytes.len >= 1 && byte(bytes, 0) != VERSION)
		return err_set(e, ERR_INVALID, "malformed SOCKS request");
	if (bytes.len < HEAD_BYTES)
		return 0;
	if (byte(bytes, 2) != 0)
		return err_set(e, ERR_INVALID, "malformed SOCKS request");
	r = address_bytes(bytes, &len, e);
	if (r != 1 || bytes.len < HEAD_BYTES + len + PORT_BYTES)
		return r == 1 ? 0 : r;
	at = str_n(bytes.s + HEAD_BYTES, len);
	if (byte(bytes, 3) == ADDRESS_NAME) {
		q.name = str_from(at, 1);
		if (q.name.len == 0)
			return err_set(
			    e, ERR_INVALID, "a SOCKS request without a name");
	} else {
		memcpy(q.addr, at.s, len);
		q.addr_len = len;
	}
	at = str_from(bytes, HEAD_BYTES + len);
	q.port = (uint16_t)(byte(at, 0) << 8 | byte(at, 1));
	*ret = q;
	return (int)(HEAD_BYTES + len + PORT_BYTES);
}

/* What we are bound to is nobody's business. */
void
socks_reply_write(enum socks_reply r, uint8_t ret[SOCKS_REPLY_BYTES])
{
	memset(ret, 0, SOCKS_REPLY_BYTES);
	ret[0] = VERSION;
	ret[1] = (uint8_t)r;
	ret[3] = ADDRESS_V4;
}
