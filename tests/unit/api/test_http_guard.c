/*
 * The guard: what two readers could understand differently is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "http_guard.h"
#include "model/limits.h"

#define H "Host: 127.0.0.1\r\n"
#define J "Content-Type: application/json\r\n"
#define GET "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\n"
#define CHUNKED POST H J "Transfer-Encoding: chunked\r\n\r\n"
#define BYTES(lit)                                                             \
	{                                                                      \
		lit, sizeof(lit) - 1                                           \
	}

static const struct refused {
	const char *name;
	struct str bytes;
	unsigned status;
} refused[] = {
	{ "content length and transfer encoding",
	    BYTES(POST H J "Content-Length: 4\r\nTransfer-Encoding: "
			   "chunked\r\n\r\n0\r\n\r\n"),
	    400 },
	{ "transfer encoding and content length",
	    BYTES(POST H J "Transfer-Encoding: chunked\r\nContent-Length: "
			   "4\r\n\r\n0\r\n\r\n"),
	    400 },
	{ "two content lengths",
	    BYTES(POST H J "Content-Length: 2\r\nContent-Length: "
			   "40\r\n\r\n{}"),
	    400 },
	{ "two equal content lengths",
	    BYTES(POST H J "Content-Length: 2\r\ncontent-length: "
			   "2\r\n\r\n{}"),
	    400 },
	{ "a list as content length",
	    BYTES(POST H J "Content-Length: 2, 2\r\n\r\n{}"), 400 },
	{ "negative content length",
	    BYTES(POST H J "Content-Length: -1\r\n\r\n"), 400 },
	{ "signed content length",
	    BYTES(POST H J "Content-Length: +2\r\n\r\n{}"), 400 },
	{ "hexadecimal content length",
	    BYTES(POST H J "Content-Length: 0x2\r\n\r\n{}"), 400 },
	{ "empty content length", BYTES(POST H J "Content-Length: \r\n\r\n"),
	    400 },
	{ "content length of 100 MB",
	    BYTES(POST H J "Content-Length: 104857600\r\n\r\n"), 413 },
	{ "content length beyond 64 bits",
	    BYTES(POST H J "Content-Length: 99999999999999999999999\r\n\r\n"),
	    413 },
	{ "two hosts", BYTES(GET H "Host: evil\r\n\r\n"), 400 },
	{ "no host", BYTES(GET "\r\n"), 400 },
	{ "host with a path", BYTES(GET "Host: a/b\r\n\r\n"), 400 },
	{ "host with a user", BYTES(GET "Host: a@b\r\n\r\n"), 400 },
	{ "two authorizations",
	    BYTES(GET H "Authorization: a\r\nAuthorization: b\r\n\r\n"), 400 },
	{ "two idempotency keys",
	    BYTES(GET H "Idempotency-Key: a\r\nIdempotency-Key: "
			"b\r\n\r\n"),
	    400 },
	{ "two content types", BYTES(POST H J J "\r\n"), 400 },
	{ "bad chunk size", BYTES(CHUNKED "ZZ\r\n"), 400 },
	{ "empty chunk size", BYTES(CHUNKED "\r\n"), 400 },
	{ "chunk size with 0x", BYTES(CHUNKED "0x2\r\n{}\r\n0\r\n\r\n"), 400 },
	{ "chunk size with a sign", BYTES(CHUNKED "+2\r\n{}\r\n"), 400 },
	{ "chunk size with a space", BYTES(CHUNKED "2 \r\n{}\r\n"), 400 },
	{ "chunk extension", BYTES(CHUNKED "2;a=b\r\n{}\r\n0\r\n\r\n"), 400 },
	{ "chunk size that overflows", BYTES(CHUNKED "fffffffffffffffff\r\n"),
	    400 },
	{ "chunk size of 100 MB", BYTES(CHUNKED "6400000\r\n"), 413 },
	{ "chunk longer than it says", BYTES(CHUNKED "2\r\n{}}\r\n"), 400 },
	{ "chunk that ends in LF", BYTES(CHUNKED "2\n{}\n0\n\n"), 400 },
	{ "chunk size line of LF", BYTES(CHUNKED "2\r{}"), 400 },
	{ "trailer", BYTES(CHUNKED "0\r\nX: a\r\n\r\n"), 400 },
	{ "chunked twice",
	    BYTES(POST H J "Transfer-Encoding: chunked, chunked\r\n\r\n"),
	    400 },
	{ "gzip, chunked",
	    BYTES(POST H J "Transfer-Encoding: gzip, chunked\r\n\r\n"), 400 },
	{ "identity", BYTES(POST H J "Transfer-Encoding: identity\r\n\r\n"),
	    400 },
	{ "xchunked", BYTES(POST H J "Transfer-Encoding: xchunked\r\n\r\n"),
	    400 },
	{ "two transfer encodings",
	    BYTES(POST H J "Transfer-Encoding: chunked\r\n"
			   "Transfer-Encoding: chunked\r\n\r\n"),
	    400 },
	{ "chunked in HTTP/1.0",
	    BYTES(
		"POST / HTTP/1.0\r\n" H J "Transfer-Encoding: chunked\r\n\r\n"),
	    400 },
	{ "compressed body", BYTES(POST H J "Content-Encoding: gzip\r\n\r\n"),
	    415 },
	{ "line feed only", BYTES("GET / HTTP/1.1\nHost: a\n\n"), 400 },
	{ "one bare line feed", BYTES(GET "Host: a\nX: b\r\n\r\n"), 400 },
	{ "bare carriage return", BYTES(GET "Host: a\rX: b\r\n\r\n"), 400 },
	{ "NUL in a header", BYTES(GET H "X: a\0b\r\n\r\n"), 400 },
	{ "NUL in the target", BYTES("GET /\0 HTTP/1.1\r\n" H "\r\n"), 400 },
	{ "NUL before the end of the head", BYTES("GET /\0"), 400 },
	{ "control character",
	    BYTES(GET H "X: a\x01"
			"b\r\n\r\n"),
	    400 },
	{ "DEL", BYTES(GET H "X: a\x7f\r\n\r\n"), 400 },
	{ "a byte that is not ASCII", BYTES(GET H "X: \xc3\xa9\r\n\r\n"), 400 },
	{ "absolute target of another host",
	    BYTES("GET http://evil/ HTTP/1.1\r\n" H "\r\n"), 400 },
	{ "absolute target, https",
	    BYTES("GET https://127.0.0.1/ HTTP/1.1\r\n" H "\r\n"), 400 },
	{ "absolute target without a path",
	    BYTES("GET http://127.0.0.1 HTTP/1.1\r\n" H "\r\n"), 400 },
	{ "authority as target",
	    BYTES("GET 127.0.0.1:80 HTTP/1.1\r\n" H "\r\n"), 400 },
	{ "asterisk as target", BYTES("OPTIONS * HTTP/1.1\r\n" H "\r\n"), 400 },
	{ "fragment in the target", BYTES("GET /#a HTTP/1.1\r\n" H "\r\n"),
	    400 },
	{ "backslash in the target", BYTES("GET /\\a HTTP/1.1\r\n" H "\r\n"),
	    400 },
	{ "folded line", BYTES(GET H "X: a\r\n b\r\n\r\n"), 400 },
	{ "folded line with a tab", BYTES(GET H "X: a\r\n\tb\r\n\r\n"), 400 },
	{ "folded first header", BYTES(GET " Host: a\r\n\r\n"), 400 },
	{ "space before the colon",
	    BYTES(GET H "Origin : https://evil\r\n\r\n"), 400 },
	{ "tab before the colon", BYTES(GET H "Origin\t: x\r\n\r\n"), 400 },
	{ "no colon", BYTES(GET H "Origin\r\n\r\n"), 400 },
	{ "no name", BYTES(GET H ": x\r\n\r\n"), 400 },
	{ "empty first line", BYTES("\r\n" GET H "\r\n"), 400 },
	{ "two spaces", BYTES("GET  / HTTP/1.1\r\n" H "\r\n"), 400 },
	{ "a tab in the request line", BYTES("GET\t/ HTTP/1.1\r\n" H "\r\n"),
	    400 },
	{ "space at the end", BYTES("GET / HTTP/1.1 \r\n" H "\r\n"), 505 },
	{ "no version", BYTES("GET /\r\n" H "\r\n"), 400 },
	{ "HTTP/0.9", BYTES("GET / HTTP/0.9\r\n" H "\r\n"), 505 },
	{ "HTTP/2", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505 },
	{ "http/1.1", BYTES("GET / http/1.1\r\n" H "\r\n"), 400 },
	{ "another expectation", BYTES(POST H "Expect: b\r\n\r\n"), 417 },
	{ "a body with GET", BYTES(GET H "Content-Length: 1\r\n\r\nx"), 400 },
	{ "a body with DELETE",
	    BYTES("DELETE / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx"),
	    400 },
	{ "TLS", BYTES("\x16\x03\x01\x02\x00\x01\x00"), 400 },
};

/* All at once, or one byte after the other: the answer is the same. */
static enum guard_result
feed(struct guard *g, struct str bytes, struct buf *b, bool by_bytes)
{
	enum guard_result r = GUARD_MORE;

	*g = (struct guard)GUARD_INIT;
	buf_reset(b);
	if (!by_bytes) {
		buf_put_str(b, bytes);
		return guard_feed(g, b->s, &b->len);
	}
	for (size_t i = 0; i < bytes.len && r == GUARD_MORE; i++) {
		buf_put(b, bytes.s + i, 1);
		r = guard_feed(g, b->s, &b->len);
	}
	return r;
}

static void
every_ambiguous_request_is_refused(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(65536);
	struct guard g;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		for (int by_bytes = 0; by_bytes < 2; by_bytes++) {
			if (feed(&g, refused[i].bytes, &b, by_bytes == 1) !=
				GUARD_BAD ||
			    g.status != refused[i].status)
				fail_msg("%s: state %d status %u (%s)",
				    refused[i].name, (int)g.state, g.status,
				    g.status == 0 ? "" : g.detail);
			assert_non_null(g.detail);
			assert_non_null(g.code);
		}
	}
}

static void
a_plain_request_is_read(void **state)
{
	static const char text[] =
	    "PUT /v1/actions/a?b=c HTTP/1.1\r\nHost: localhost:7\r\n"
	    "content-TYPE:\t application/json \r\nX-Other: \r\n"
	    "Content-Length: 2\r\nConnection: close\r\n\r\n{}GET";
	AUTO_BUF struct buf b = BUF_INIT(65536);
	struct guard g;

	(void)state;
	for (int by_bytes = 0; by_bytes < 2; by_bytes++) {
		assert_int_equal(
		    feed(&g, str_n(text, sizeof(text) - 1), &b, by_bytes == 1),
		    GUARD_DONE);
		assert_int_equal(g.head.method, METHOD_PUT);
		assert_true(
		    str_eqz(guard_span(b.s, g.head.path), "/v1/actions/a"));
		assert_true(str_eqz(guard_span(b.s, g.head.query), "b=c"));
		assert_true(str_eqz(guard_header(&g, b.s, HEADER_CONTENT_TYPE),
		    "application/json"));
		assert_true(
		    str_eqz(guard_header(&g, b.s, HEADER_HOST), "localhost:7"));
		assert_true(str_eqz(guard_body(&g, b.s), "{}"));
		assert_false(g.head.keep_alive);
		assert_int_equal(g.end, sizeof(text) - 1 - 3);
		if (by_bytes == 0)
			assert_true(
			    str_eqz(str_n(b.s + g.end, b.len - g.end), "GET"));
	}
}

static void
a_chunked_body_is_put_together(void **state)
{
	static const char text[] =
	    CHUNKED "1\r\n{\r\n00a\r\n0123456789\r\n1\r\n}\r\n0\r\n\r\nrest";
	AUTO_BUF struct buf b = BUF_INIT(65536);
	struct guard g;

	(void)state;
	for (int by_bytes = 0; by_bytes < 2; by_bytes++) {
		assert_int_equal(
		    feed(&g, str_n(text, sizeof(text) - 1), &b, by_bytes == 1),
		    GUARD_DONE);
		assert_true(str_eqz(guard_body(&g, b.s), "{0123456789}"));
		if (by_bytes == 0)
			assert_true(
			    str_eqz(str_n(b.s + g.end, b.len - g.end), "rest"));
		else
			assert_int_equal(g.end, b.len);
	}
}

static void
chunks_are_counted_to_the_limit(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT((size_t)16 << 20);
	enum guard_result r = GUARD_MORE;
	struct guard g = GUARD_INIT;
	char chunk[0x2000];
	size_t sent = 0;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	buf_puts(&b, CHUNKED);
	r = guard_feed(&g, b.s, &b.len);
	while (r == GUARD_MORE && sent < (size_t)100 << 20) {
		buf_puts(&b, "2000\r\n");
		buf_put(&b, chunk, sizeof(chunk));
		buf_puts(&b, "\r\n");
		sent += sizeof(chunk);
		r = guard_feed(&g, b.s, &b.len);
	}
	assert_int_equal(r, GUARD_BAD);
	assert_int_equal(g.status, 413);
	assert_true(sent <= HTTP_BODY_BYTES_MAX + 2 * sizeof(chunk));
	assert_true(b.len <= HTTP_BODY_BYTES_MAX + 3 * sizeof(chunk));
}

static void
a_body_of_tiny_chunks_costs_no_more_than_its_bytes(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT((size_t)64 << 20);
	struct guard g = GUARD_INIT;

	(void)state;
	buf_puts(&b, CHUNKED);
	for (size_t i = 0; i < (size_t)1 << 20; i++)
		buf_puts(&b, "1\r\nx\r\n");
	buf_puts(&b, "0\r\n\r\n");
	assert_int_equal(guard_feed(&g, b.s, &b.len), GUARD_DONE);
	assert_int_equal(g.body_len, 1 << 20);
}

static void
a_head_has_its_limit(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT((size_t)1 << 20);
	struct guard g = GUARD_INIT;
	enum guard_result r = GUARD_MORE;

	(void)state;
	buf_puts(&b, GET H);
	for (int i = 0; r == GUARD_MORE && i < 3000; i++) {
		buf_printf(&b, "X-%d: %0100d\r\n", i, i);
		r = guard_feed(&g, b.s, &b.len);
	}
	assert_int_equal(r, GUARD_BAD);
	assert_int_equal(g.status, 431);
	assert_true(b.len < HTTP_HEAD_BYTES_MAX + 200);
	buf_reset(&b);
	g = (struct guard)GUARD_INIT;
	buf_puts(&b, GET H);
	for (int i = 0; i < HTTP_HEADERS_MAX; i++)
		buf_puts(&b, "X: y\r\n");
	buf_puts(&b, "\r\n");
	assert_int_equal(guard_feed(&g, b.s, &b.len), GUARD_BAD);
	assert_int_equal(g.status, 431);
}

static void
an_absolute_target_of_this_host_is_read(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(65536);
	struct guard g;

	(void)state;
	assert_int_equal(feed(&g,
			     STR("GET http://LocalHost:7/x HTTP/1.1\r\nHost: "
				 "localhost:7\r\n\r\n"),
			     &b, false),
	    GUARD_DONE);
	assert_true(str_eqz(guard_span(b.s, g.head.path), "/x"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_ambiguous_request_is_refused),
		cmocka_unit_test(a_plain_request_is_read),
		cmocka_unit_test(a_chunked_body_is_put_together),
		cmocka_unit_test(chunks_are_counted_to_the_limit),
		cmocka_unit_test(
		    a_body_of_tiny_chunks_costs_no_more_than_its_bytes),
		cmocka_unit_test(a_head_has_its_limit),
		cmocka_unit_test(an_absolute_target_of_this_host_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
