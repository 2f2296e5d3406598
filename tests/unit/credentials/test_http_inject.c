/*
 * Requests with a header put in: only for the one host, in one reading.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "credentials/http_inject.h"

#define SECRET "Bearer s3cret"
#define HOST "Host: api.example\r\n"

static const struct http_inject_options options = {
	.host = "api.example",
	.port = 443,
	.tls = true,
	.header = "Authorization",
};

/* Feeds in pieces of step bytes; 0 or what it was refused with. */
static int
feed(const char *text, size_t step, struct buf *out, bool *ret_idle)
{
	const struct str in = str_of(text);
	struct http_inject h;
	size_t at = 0;
	int r = 0;

	http_inject_init(&h, &options);
	while (r >= 0 && at < in.len) {
		const struct str some = str_head(str_from(in, at), step);

		r = http_inject_feed(&h, some, out, NULL);
		if (r > 0)
			at += (size_t)r;
		if (r >= 0 && h.waits)
			r = http_inject_go(&h, STR(SECRET), out, NULL);
	}
	if (ret_idle != NULL)
		*ret_idle = http_inject_idle(&h);
	http_inject_done(&h);
	return r < 0 ? r : 0;
}

static void
assert_becomes(const char *in, const char *wanted)
{
	for (size_t step = 1; step <= strlen(in); step++) {
		AUTO_BUF struct buf out = BUF_INIT(1 << 16);
		bool idle = false;

		assert_int_equal(feed(in, step, &out, &idle), 0);
		assert_string_equal(buf_cstr(&out), wanted);
		assert_true(idle);
	}
}

static void
a_request_gets_the_header(void **state)
{
	(void)state;
	assert_becomes("GET /a?b HTTP/1.1\r\n" HOST "Accept: */*\r\n\r\n",
	    "GET /a?b HTTP/1.1\r\n" HOST "Accept: */*\r\nAuthorization: " SECRET
	    "\r\n\r\n");
	assert_becomes("GET / HTTP/1.1\r\nhost: API.example:443\r\n\r\n",
	    "GET / HTTP/1.1\r\nhost: API.example:443\r\n"
	    "Authorization: " SECRET "\r\n\r\n");
}

static void
the_clients_own_header_does_not_go_on(void **state)
{
	(void)state;
	assert_becomes("GET / HTTP/1.1\r\nauthorization: Bearer dummy\r\n" HOST
		       "Upgrade: h2c\r\nConnection: Upgrade, Authorization"
		       "\r\nTE: trailers\r\n\r\n",
	    "GET / HTTP/1.1\r\n" HOST "Authorization: " SECRET "\r\n\r\n");
	assert_becomes("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
	    "GET / HTTP/1.1\r\n" HOST
	    "Connection: close\r\nAuthorization: " SECRET "\r\n\r\n");
}

static void
bodies_go_through_and_the_next_request_is_found(void **state)
{
	(void)state;
	assert_becomes("POST /x HTTP/1.1\r\n" HOST
		       "Content-Length: 5\r\n\r\nGET /"
		       "GET /y HTTP/1.1\r\n" HOST "\r\n",
	    "POST /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n"
	    "Authorization: " SECRET "\r\n\r\nGET /"
	    "GET /y HTTP/1.1\r\n" HOST "Authorization: " SECRET "\r\n\r\n");
	assert_becomes("POST /x HTTP/1.1\r\n" HOST
		       "Transfer-Encoding: chunked\r\n\r\n"
		       "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"
		       "GET /y HTTP/1.1\r\n" HOST "\r\n",
	    "POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
	    "Authorization: " SECRET "\r\n\r\n"
	    "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"
	    "GET /y HTTP/1.1\r\n" HOST "Authorization: " SECRET "\r\n\r\n");
}

static const char *const refused[] = {
	/* another host than the connection's */
	"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: api.example:80\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: api.example.\r\n\r\n",
	"GET / HTTP/1.1\r\n" HOST HOST "\r\n",
	"GET / HTTP/1.1\r\n\r\n",
	"GET http://evil.example/ HTTP/1.1\r\n" HOST "\r\n",
	"GET //x HTTP/1.1\r\nHost: api.example@evil\r\n\r\n",
	/* what would answer with the header, or is no request to the host */
	"TRACE / HTTP/1.1\r\n" HOST "\r\n",
	"trace / HTTP/1.1\r\n" HOST "\r\n",
	"CONNECT api.example:443 HTTP/1.1\r\n" HOST "\r\n",
	/* two readings */
	"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1"
	"\r\n\r\nx",
	"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n"
	"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\nx",
	"POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\nx",
	"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n",
	"POST / HTTP/1.1\r\n" HOST "Transfer_Encoding: x\r\n\r\n",
	"POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
	"GET / HTTP/1.1\n" HOST "\r\n",
	"GET / HTTP/1.1\r\n" HOST "A: b\rX: y\r\n\r\n",
	"GET / HTTP/1.1\r\n" HOST "A: b\r\n folded\r\n\r\n",
	"GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n",
	"GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n",
	"GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n",
	"GET  / HTTP/1.1\r\n" HOST "\r\n",
	"GET / HTTP/2.0\r\n" HOST "\r\n",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"GET / HTTP/1.1 x\r\n" HOST "\r\n",
	" GET / HTTP/1.1\r\n" HOST "\r\n",
	"GET / HTTP/1.1\r\n" HOST "A: \x01\r\n\r\n",
	/* chunks that are not what they say */
	"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	"3\r\nabcd\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	"0x3\r\nabc\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	"-1\r\nabc\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	"fffffffffffffff1\r\nabc\r\n",
	"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	"3\nabc\n0\n\n",
	"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	"0\r\nAuthorization: x\r\n\r\n",
};

static void
what_has_two_readings_or_another_host_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		for (size_t step = 1; step < 200; step += 66) {
			AUTO_BUF struct buf out = BUF_INIT(1 << 16);
			const int r = feed(refused[i], step, &out, NULL);

			if (r == 0)
				print_error("%s\n", refused[i]);
			assert_true(r == ERR_INVALID || r == ERR_DENIED);
		}
	}
}

/* The head of a refused request never leaves, so neither does the secret. */
static void
a_refused_request_has_no_secret(void **state)
{
	(void)state;
	for (size_t i = 0; i < 22; i++) {
		AUTO_BUF struct buf out = BUF_INIT(1 << 16);

		(void)feed(refused[i], 1000, &out, NULL);
		assert_null(strstr(buf_cstr(&out), "s3cret"));
	}
}

static void
nothing_of_a_request_leaves_before_it_is_recorded(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(1 << 16);
	struct http_inject h;
	const struct str in = STR("GET / HTTP/1.1\r\n" HOST "\r\nGET /2");

	(void)state;
	http_inject_init(&h, &options);
	assert_int_equal(http_inject_feed(&h, in, &out, NULL), (int)in.len - 6);
	assert_true(h.waits);
	assert_int_equal(out.len, 0);
	assert_true(str_eqz(h.method, "GET"));
	assert_int_equal(http_inject_feed(&h, STR("GET /2"), &out, NULL), 0);
	http_inject_done(&h);
}

static void
a_head_without_end_is_given_up(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(1 << 16);
	struct http_inject h;
	char line[1000];
	int r = 0;

	(void)state;
	memset(line, 'a', sizeof(line));
	http_inject_init(&h, &options);
	for (size_t i = 0; r >= 0 && i < 100; i++)
		r = http_inject_feed(&h, str_n(line, sizeof(line)), &out, NULL);
	assert_int_equal(r, ERR_LIMIT);
	http_inject_done(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_gets_the_header),
		cmocka_unit_test(the_clients_own_header_does_not_go_on),
		cmocka_unit_test(
		    bodies_go_through_and_the_next_request_is_found),
		cmocka_unit_test(
		    what_has_two_readings_or_another_host_is_refused),
		cmocka_unit_test(a_refused_request_has_no_secret),
		cmocka_unit_test(
		    nothing_of_a_request_leaves_before_it_is_recorded),
		cmocka_unit_test(a_head_without_end_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
