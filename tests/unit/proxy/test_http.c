/*
 * Heads and bodies of HTTP: one reading, and what is passed on.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http_frame.h"
#include "http_head.h"

#define BYTES_MAX ((size_t)1 << 16)

static int
request(const char *text, struct http_head *ret)
{
	return http_request_parse(str_of(text), ret, NULL);
}

static void
a_head_is_whole_at_its_last_byte_only(void **state)
{
	const struct str text =
	    STR("POST http://a.test/x HTTP/1.1\r\nHost: a.test\r\n"
		"Content-Length: 3\r\n\r\nabc");
	struct http_head h;

	(void)state;
	for (size_t n = 0; n < text.len - 3; n++)
		assert_int_equal(
		    http_request_parse(str_head(text, n), &h, NULL), 0);
	assert_int_equal(http_request_parse(text, &h, NULL), 1);
	assert_int_equal(h.bytes, text.len - 3);
	assert_int_equal(h.body, HTTP_BODY_LENGTH);
	assert_int_equal(h.length, 3);
}

static const char *const bad_requests[] = {
	"GET / HTTP/1.1\nHost: a\n\n",
	"GET / HTTP/1.1\r\nHost: a\r\n\n",
	"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
	"GET / HTTP/1.1\r\n A: b\r\n\r\n",
	"GET / HTTP/1.1\r\nA : b\r\n\r\n",
	"GET / HTTP/1.1\r\nA\r\n\r\n",
	"GET / HTTP/1.1\r\nA: \x01\r\n\r\n",
	"GET / HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n",
	"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: "
	"chunked\r\n\r\n",
	"GET / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
	"GET / HTTP/1.1\r\nTransfer-Encoding: \x0b"
	"chunked\r\n\r\n",
	"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
	"GET / HTTP/1.1\r\nContent-Length: 1 1\r\n\r\n",
	"GET / HTTP/1.1\r\nContent-Length: \r\n\r\n",
	"GET /\r\n\r\n",
	"GET / HTTP/1.2\r\n\r\n",
	"GET / HTTP/1.1 \r\n\r\n",
	"GET /\x7f HTTP/1.1\r\n\r\n",
	"G3T / HTTP/1.1\r\n\r\n",
	"\r\nGET / HTTP/1.1\r\n\r\n",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
};

static void
what_two_readers_could_read_differently_is_refused(void **state)
{
	struct http_head h;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_requests); i++) {
		if (request(bad_requests[i], &h) >= 0)
			fail_msg("taken: %s", bad_requests[i]);
	}
}

static void
what_is_for_one_hop_is_not_passed_on(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(BYTES_MAX);
	struct http_where to;
	struct http_head h;

	(void)state;
	assert_int_equal(
	    request("GET HTTP://A.test:81?q HTTP/1.1\r\nHost: a.test:81\r\n"
		    "Connection: X-Mine, content-length , authorization\r\n"
		    "X-Mine: 1\r\nProxy-Authorization: secret\r\nTE: x\r\n"
		    "Authorization: kept\r\nUpgrade: h2c\r\nContent-Length: 2"
		    "\r\nX:  spaced \t\r\n\r\n",
		&h),
	    1);
	assert_int_equal(http_absolute_parse(h.target, &to, NULL), 0);
	http_request_write(&out, &h, &to);
	assert_string_equal(buf_cstr(&out),
	    "GET /?q HTTP/1.1\r\nHost: a.test:81\r\nAuthorization: kept\r\n"
	    "Content-Length: 2\r\nX: spaced\r\nConnection: close\r\n\r\n");
}

static void
an_authority_has_one_reading(void **state)
{
	static const char *const bad[] = {
		"a.test:80:80",
		"::1:80",
		"[::1:80",
		"[::1]80",
		"a.test:",
		"a.test:+80",
		"a.test:080x",
		":80",
		"a@b.test:80",
		"a.test /:80",
		"[a.test]:80",
	};
	struct net_host h;
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (http_authority_parse(str_of(bad[i]), 0, &h, &port, NULL) ==
		    0)
			fail_msg("taken: %s as %s:%u", bad[i], h.name, port);
	}
	assert_int_equal(
	    http_authority_parse(STR("[::1]:443"), 0, &h, &port, NULL), 0);
	assert_string_equal(h.name, "::1");
	assert_int_equal(port, 443);
	assert_int_equal(
	    http_authority_parse(STR("[::1]"), 80, &h, &port, NULL), 0);
	assert_int_equal(
	    http_authority_parse(STR("a.test"), 0, &h, &port, NULL),
	    ERR_INVALID);
}

struct answer_case {
	const char *text;
	bool to_head;
	int result;
	enum http_body body;
};

static const struct answer_case answers[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", false, 1,
	    HTTP_BODY_LENGTH },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, 1,
	    HTTP_BODY_NONE },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", true, 1,
	    HTTP_BODY_NONE },
	{ "HTTP/1.1 200\r\n\r\n", false, 1, HTTP_BODY_TO_END },
	{ "HTTP/1.1 204 x\r\nContent-Length: 9\r\n\r\n", false, 1,
	    HTTP_BODY_NONE },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, 1,
	    HTTP_BODY_CHUNKED },
	{ "HTTP/1.1 99 x\r\n\r\n", false, ERR_INVALID, HTTP_BODY_NONE },
	{ "HTTP/1.1 2000 x\r\n\r\n", false, ERR_INVALID, HTTP_BODY_NONE },
	{ "ICY 200 OK\r\n\r\n", false, ERR_INVALID, HTTP_BODY_NONE },
};

static void
answers_say_where_they_end(void **state)
{
	struct http_head h;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		const struct answer_case *c = &answers[i];

		assert_int_equal(
		    http_response_parse(str_of(c->text), c->to_head, &h, NULL),
		    c->result);
		if (c->result == 1)
			assert_int_equal(h.body, c->body);
	}
}

static int
take(const char *text, unsigned status, size_t step, size_t *ret)
{
	const struct http_head h = { .body = HTTP_BODY_CHUNKED,
		.status = status };
	struct http_frame f = http_frame_of(&h);
	const struct str all = str_of(text);
	size_t n = 0;
	int r = 0;

	*ret = 0;
	for (size_t at = 0; r == 0 && at < all.len && !f.done; at += n) {
		r = http_frame_take(
		    &f, str_head(str_from(all, at), step), &n, NULL);
		*ret += n;
	}
	return r == 0 && f.done ? 0 : -1;
}

static void
chunks_end_where_they_say_however_they_are_cut(void **state)
{
	const char *good =
	    "3\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\nrest";
	static const char *const bad[] = {
		"3\nabc\r\n0\r\n\r\n",
		"3;x\r\nabc\r\n0\r\n\r\n",
		" 3\r\nabc\r\n0\r\n\r\n",
		"3\r\nabcd\r\n0\r\n\r\n",
		"\r\nabc",
		"ffffffffffffffff\r\n",
		"0\r\nT: x\n\r\n",
		"0\r\n\rx",
		"-1\r\n",
		"0x3\r\nabc\r\n",
	};
	size_t n;

	(void)state;
	for (size_t step = 1; step < 50; step++) {
		assert_int_equal(take(good, 200, step, &n), 0);
		assert_int_equal(n, strlen(good) - strlen("rest"));
		/* in a request a trailer could be taken for a field */
		assert_int_not_equal(take(good, 0, step, &n), 0);
		for (size_t i = 0; i < ARRAY_LEN(bad); i++)
			assert_int_not_equal(take(bad[i], 200, step, &n), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_is_whole_at_its_last_byte_only),
		cmocka_unit_test(
		    what_two_readers_could_read_differently_is_refused),
		cmocka_unit_test(what_is_for_one_hop_is_not_passed_on),
		cmocka_unit_test(an_authority_has_one_reading),
		cmocka_unit_test(answers_say_where_they_end),
		cmocka_unit_test(
		    chunks_end_where_they_say_however_they_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
