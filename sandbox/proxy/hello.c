/*
 * The ClientHello of TLS, as far as it names a host.
 * Runs in: assent-proxy.  Trusts: nothing.  Owns: nothing.
 */
#include "hello.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"

#define RECORD_HANDSHAKE 0x16
#define RECORD_HEAD 5
#define RECORD_BYTES_MAX 16384
#define CLIENT_HELLO 1
#define HANDSHAKE_HEAD 4
#define EXTENSION_NAME 0
#define EXTENSION_ECH 0xfe0d
#define EXTENSIONS_MAX 128

static int
bad(struct err *e, const char *what)
{
	return err_set(e, ERR_INVALID, "malformed TLS hello: %s", what);
}

bool
hello_is_tls(struct str bytes)
{
	return bytes.len > 0 && bytes.s[0] == RECORD_HANDSHAKE &&
	    (bytes.len < 2 || bytes.s[1] == 3);
}

/* Reader of big-endian fields: after a failure everything is empty. */
struct in {
	struct str rest;
	bool failed;
};

static struct str
take(struct in *in, size_t len)
{
	const struct str got = str_head(in->rest, len);

	if (in->failed || in->rest.len < len) {
		in->failed = true;
		return STR_NONE;
	}
	in->rest = str_from(in->rest, len);
	return got;
}

static size_t
take_number(struct in *in, size_t bytes)
{
	const struct str s = take(in, bytes);
	size_t v = 0;

	for (size_t i = 0; i < s.len; i++)
		v = v << 8 | (uint8_t)s.s[i];
	return v;
}

/* A field that begins with its own length of so many bytes. */
static struct str
take_vector(struct in *in, size_t bytes)
{
	return take(in, take_number(in, bytes));
}

/* ---- extensions -------------------------------------------------------- */

static int
parse_name(struct str body, struct hello *ret, struct err *e)
{
	struct in in = { .rest = body };
	struct in list = { .rest = take_vector(&in, 2) };
	const size_t type = take_number(&list, 1);
	const struct str name = take_vector(&list, 2);

	if (ret->has_name)
		return bad(e, "two names");
	if (in.failed || list.failed || in.rest.len > 0 || list.rest.len > 0 ||
	    type != 0 || name.len == 0 || name.len > HELLO_NAME_MAX ||
	    memchr(name.s, '\0', name.len) != NULL)
		return bad(e, "its name is not one host name");
	memcpy(ret->name, name.s, name.len);
	ret->name[name.len] = '\0';
	ret->has_name = true;
	return ERR_OK;
}

static int
parse_extensions(struct str body, struct hello *ret, struct err *e)
{
	struct in in = { .rest = body };

	for (size_t n = 0; in.rest.len > 0; n++) {
		const size_t type = take_number(&in, 2);
		const struct str ext = take_vector(&in, 2);

		if (in.failed || n == EXTENSIONS_MAX)
			return bad(e, "its extensions do not fit");
		if (type == EXTENSION_ECH)
			ret->encrypted = true;
		if (type == EXTENSION_NAME && parse_name(ext, ret, e) != 0)
			return ERR_INVALID;
	}
	return ERR_OK;
}

static int
parse_message(struct str body, struct hello *ret, struct err *e)
{
	struct in in = { .rest = body };
	struct str extensions;

	*ret = (struct hello){ .has_name = false };
	(void)take(&in, 2 + 32); /* version, random */
	(void)take_vector(&in, 1); /* session */
	(void)take_vector(&in, 2); /* ciphers */
	(void)take_vector(&in, 1); /* compression */
	if (in.failed)
		return bad(e, "it is too short");
	if (in.rest.len == 0)
		return ERR_OK; /* no extensions: no name */
	extensions = take_vector(&in, 2);
	if (in.failed || in.rest.len > 0)
		return bad(e, "its extensions do not fit");
	return parse_extensions(extensions, ret, e);
}

/* ---- records ----------------------------------------------------------- */

/* The whole message is there: its head says how long it is. */
static bool
is_whole(const struct buf *message, size_t *ret_len)
{
	const unsigned char *s = (const unsigned char *)message->s;

	if (message->len < HANDSHAKE_HEAD)
		return false;
	*ret_len = (size_t)s[1] << 16 | (size_t)s[2] << 8 | s[3];
	return message->len >= HANDSHAKE_HEAD + *ret_len;
}

/* 1: one more record was taken; 0: it is not whole. */
static int
take_record(struct str *rest, struct buf *message, struct err *e)
{
	struct in in = { .rest = *rest };
	const size_t type = take_number(&in, 1);
	const size_t major = take_number(&in, 1);
	size_t len;

	(void)take(&in, 1);
	len = take_number(&in, 2);
	if (in.failed)
		return 0;
	if (type != RECORD_HANDSHAKE || major != 3 || len == 0 ||
	    len > RECORD_BYTES_MAX)
		return bad(e, "it is not in records of a handshake");
	if (in.rest.len < len)
		return 0;
	buf_put_str(message, take(&in, len));
	*rest = in.rest;
	return buf_done(message, e) == 0 ? 1 : ERR_LIMIT;
}

int
hello_parse(struct str bytes, struct hello *ret, struct err *e)
{
	AUTO_BUF struct buf message = BUF_INIT(HELLO_BYTES_MAX);
	struct str rest = bytes;
	size_t len = 0;
	int r = 1;

	if (bytes.len > HELLO_BYTES_MAX)
		return err_set(e, ERR_LIMIT,
		    "a TLS hello of more than %zu bytes", HELLO_BYTES_MAX);
	while (r == 1 && !is_whole(&message, &len))
		r = take_record(&rest, &message, e);
	if (message.len > 0 && message.s[0] != CLIENT_HELLO)
		return bad(e, "another message comes first");
	if (len > HELLO_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "a TLS hello of %zu bytes", len);
	if (r != 1)
		return r;
	r = parse_message(str_n(message.s + HANDSHAKE_HEAD, len), ret, e);
	return r == 0 ? 1 : r;
}
