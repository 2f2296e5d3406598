/*
 * TLS hellos, SOCKS, DNS, names of other alphabets, the table of hosts.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dns.h"
#include "hello.h"
#include "hosts.h"
#include "idn.h"
#include "names.h"
#include "socks.h"

#define BYTES_MAX ((size_t)1 << 16)

/* ---- TLS --------------------------------------------------------------- */

static void
put_number(struct buf *b, size_t v, unsigned bytes)
{
	while (bytes-- > 0)
		buf_putc(b, (char)(v >> (8 * bytes)));
}

/* The extensions of a hello as records of at most so many bytes. */
static void
put_hello(struct buf *out, struct str extensions, size_t record)
{
	AUTO_BUF struct buf m = BUF_INIT(BYTES_MAX);
	struct str rest;

	buf_putc(&m, 1);
	put_number(&m, 2 + 32 + 1 + 4 + 2 + 2 + extensions.len, 3);
	put_number(&m, 0x0303, 2);
	for (int i = 0; i < 32; i++)
		buf_putc(&m, 'r');
	buf_putc(&m, 0);
	put_number(&m, 2, 2);
	put_number(&m, 0x1301, 2);
	put_number(&m, 0x0100, 2);
	put_number(&m, extensions.len, 2);
	buf_put_str(&m, extensions);
	rest = buf_str(&m);
	while (rest.len > 0) {
		const struct str part = str_head(rest, record);

		put_number(out, 0x160301, 3);
		put_number(out, part.len, 2);
		buf_put_str(out, part);
		rest = str_from(rest, part.len);
	}
}

static void
put_name(struct buf *b, const char *name)
{
	const size_t len = strlen(name);

	put_number(b, 0, 2);
	put_number(b, len + 5, 2);
	put_number(b, len + 3, 2);
	buf_putc(b, 0);
	put_number(b, len, 2);
	buf_puts(b, name);
}

static int
parse(struct str extensions, size_t record, struct hello *ret)
{
	AUTO_BUF struct buf out = BUF_INIT(BYTES_MAX);

	put_hello(&out, extensions, record);
	for (size_t n = 0; n < out.len; n++) {
		const int r = hello_parse(str_n(out.s, n), ret, NULL);

		if (r != 0)
			return r == 1 ? -100 : r; /* whole before its end */
	}
	return hello_parse(buf_str(&out), ret, NULL);
}

static void
a_hello_names_its_host_however_it_is_cut(void **state)
{
	static const size_t records[] = { 1, 3, 40, 1000 };
	AUTO_BUF struct buf ext = BUF_INIT(BYTES_MAX);
	struct hello h;

	(void)state;
	put_number(&ext, 0x000a0000, 4);
	put_name(&ext, "web.test");
	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		assert_int_equal(parse(buf_str(&ext), records[i], &h), 1);
		assert_true(h.has_name);
		assert_false(h.encrypted);
		assert_string_equal(h.name, "web.test");
	}
	put_number(&ext, 0xfe0d0000, 4);
	assert_int_equal(parse(buf_str(&ext), 1000, &h), 1);
	assert_true(h.encrypted);
	assert_int_equal(parse(STR_NONE, 1000, &h), 1);
	assert_false(h.has_name);
}

static void
a_hello_with_two_readings_is_refused(void **state)
{
	AUTO_BUF struct buf ext = BUF_INIT(BYTES_MAX);
	struct hello h;

	(void)state;
	put_name(&ext, "web.test");
	put_name(&ext, "web.test");
	assert_true(parse(buf_str(&ext), 1000, &h) < 0);
	buf_reset(&ext);
	put_number(&ext, 0x0000000800060000, 8);
	put_number(&ext, 0x03, 1);
	assert_true(parse(buf_str(&ext), 1000, &h) < 0);
	buf_reset(&ext);
	put_number(&ext, 0x000000ff, 4);
	assert_true(parse(buf_str(&ext), 1000, &h) < 0);
	assert_true(hello_parse(STR("\x16\x03\x01\x40\x01"), &h, NULL) < 0);
	assert_true(hello_parse(STR("\x17\x03\x01\x00\x01x"), &h, NULL) < 0);
	assert_true(
	    hello_parse(STR("\x16\x03\x01\x00\x04\x02\0\0\0"), &h, NULL) < 0);
	/* longer than any hello, as it says itself */
	assert_true(hello_parse(STR("\x16\x03\x01\x00\x05\x01\xff\xff\xff\x03"),
			&h, NULL) <= 0);
}

/* ---- SOCKS ------------------------------------------------------------- */

static void
socks_requests_are_whole_at_their_last_byte_only(void **state)
{
	const struct str name = STR("\x05\x01\x00\x03\x04"
				    "a.bc\x01\xbb");
	const struct str v6 = STR("\x05\x01\x00\x04"
				  "0123456789abcdef"
				  "\x00\x50");
	struct socks_request q;
	bool no_auth;

	(void)state;
	for (size_t n = 0; n < name.len; n++)
		assert_int_equal(
		    socks_request_parse(str_head(name, n), &q, NULL), 0);
	assert_int_equal(socks_request_parse(name, &q, NULL), name.len);
	assert_true(str_eqz(q.name, "a.bc"));
	assert_int_equal(q.port, 443);
	assert_int_equal(socks_request_parse(v6, &q, NULL), v6.len);
	assert_int_equal(q.addr_len, 16);
	assert_int_equal(q.port, 80);
	assert_int_equal(
	    socks_greeting_parse(STR("\x05\x02\x02"), &no_auth, NULL), 0);
	assert_int_equal(
	    socks_greeting_parse(STR("\x05\x02\x02\x00"), &no_auth, NULL), 4);
	assert_true(no_auth);
	assert_true(socks_greeting_parse(STR("\x04"), &no_auth, NULL) < 0);
	assert_int_equal(
	    socks_greeting_parse(STR("\x05\x00"), &no_auth, NULL), 2);
	assert_false(no_auth);
}

/* ---- DNS --------------------------------------------------------------- */

#define DNS_HEAD "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"

static void
dns_questions_are_one_name_in_one_spelling(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(BYTES_MAX);
	const struct str good = STR(DNS_HEAD "\x03Web\x04test\x00\x00\x01\x00"
					     "\x01");
	const struct net_addr addr = { .len = 4, .bytes = { 127, 64, 0, 1 } };
	struct dns_query q;
	bool answerable;

	(void)state;
	assert_int_equal(dns_query_parse(good, &q, &answerable, NULL), 0);
	assert_string_equal(q.name, "Web.test");
	assert_int_equal(q.type, DNS_A);
	dns_answer_write(&out, &q, DNS_OK, &addr);
	assert_int_equal(out.len, good.len + 16);
	assert_memory_equal(out.s + good.len + 12, addr.bytes, 4);
	for (size_t n = 0; n < good.len; n++)
		assert_int_not_equal(
		    dns_query_parse(str_head(good, n), &q, &answerable, NULL),
		    0);
	/* a dot inside of a label, a pointer, another class, an answer */
	assert_int_not_equal(
	    dns_query_parse(STR(DNS_HEAD "\x03"
					 "a.b\x00\x00\x01\x00\x01"),
		&q, &answerable, NULL),
	    0);
	assert_int_not_equal(
	    dns_query_parse(STR(DNS_HEAD "\xc0\x0c\x00\x01\x00\x01"), &q,
		&answerable, NULL),
	    0);
	assert_int_not_equal(
	    dns_query_parse(STR(DNS_HEAD "\x01"
					 "a\x00\x00\x01\x00\x03"),
		&q, &answerable, NULL),
	    0);
	assert_true(answerable);
	assert_int_not_equal(
	    dns_query_parse(STR("\x12\x34\x81\x00\x00\x01\0\0\0\0\0\0"), &q,
		&answerable, NULL),
	    0);
	assert_false(answerable);
}

/* ---- names ------------------------------------------------------------- */

static void
a_name_keeps_its_address(void **state)
{
	struct names n = { .list = NULL };
	struct net_addr one, again, six, other;
	char name[16];

	(void)state;
	assert_int_equal(names_address(&n, "web.test", false, &one), 0);
	assert_int_equal(names_address(&n, "other.test", false, &other), 0);
	assert_int_equal(names_address(&n, "web.test", false, &again), 0);
	assert_int_equal(names_address(&n, "web.test", true, &six), 0);
	assert_true(net_addr_eq(&one, &again));
	assert_false(net_addr_eq(&one, &other));
	assert_int_equal(net_addr_class(&one), NET_LOOPBACK);
	assert_string_equal(names_find(&n, &one), "web.test");
	assert_string_equal(names_find(&n, &six), "web.test");
	one.bytes[3] = 200;
	assert_null(names_find(&n, &one));
	for (size_t i = 2; i < NAMES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "n%zu", i);
		assert_int_equal(names_address(&n, name, false, &other), 0);
	}
	assert_string_equal(names_find(&n, &other), name);
	assert_int_equal(
	    names_address(&n, "too.many", false, &other), ERR_LIMIT);
	names_done(&n);
}

static void
other_alphabets_become_punycode(void **state)
{
	struct net_host h;

	(void)state;
	assert_int_equal(idn_host_parse(STR("b\xc3\xbc"
					    "cher.test"),
			     &h, NULL),
	    0);
	assert_string_equal(h.name, "xn--bcher-kva.test");
	/* fullwidth letters and digits, an ideographic full stop */
	assert_int_equal(idn_host_parse(STR("\xef\xbc\x97\xe3\x80\x82"
					    "1"),
			     &h, NULL) == 0,
	    0);
	assert_int_not_equal(idn_host_parse(STR("a\xc3.test"), &h, NULL), 0);
	assert_int_not_equal(
	    idn_host_parse(STR("\xc3\xbc\0.test"), &h, NULL), 0);
}

static void
the_table_of_hosts_is_read_as_everybody_reads_it(void **state)
{
	struct hosts h = { .rows = NULL };
	struct net_addr found[4];

	(void)state;
	assert_int_equal(
	    hosts_parse(STR("# x\n127.0.0.1\tlocalhost  Me.test # me.two\n"
			    "::1 localhost\nnonsense here\n10.0.0.1\n"
			    "10.0.0.2 last.test"),
		&h, NULL),
	    0);
	assert_int_equal(hosts_find(&h, "localhost", found, 4), 2);
	assert_int_equal(hosts_find(&h, "localhost", found, 1), 1);
	assert_int_equal(hosts_find(&h, "me.test", found, 4), 1);
	assert_int_equal(hosts_find(&h, "me.two", found, 4), 0);
	assert_int_equal(hosts_find(&h, "last.test", found, 4), 1);
	hosts_done(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_names_its_host_however_it_is_cut),
		cmocka_unit_test(a_hello_with_two_readings_is_refused),
		cmocka_unit_test(
		    socks_requests_are_whole_at_their_last_byte_only),
		cmocka_unit_test(dns_questions_are_one_name_in_one_spelling),
		cmocka_unit_test(a_name_keeps_its_address),
		cmocka_unit_test(other_alphabets_become_punycode),
		cmocka_unit_test(
		    the_table_of_hosts_is_read_as_everybody_reads_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
