/*
 * Patterns for hosts: what lies in what, and that doubt is no.
 * Runs in: tests.
 */
#include "model/host_pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

static const struct {
	const char *pattern, *asked;
	bool covers, meets;
} cases[] = {
	{ "example.com", "example.com", true, true },
	{ "example.com", "EXAMPLE.com.", true, true },
	{ "example.com", "example.com:443", true, true },
	{ "example.com:443", "example.com:443", true, true },
	{ "example.com:443", "example.com", false, true },
	{ "example.com:443", "example.com:22", false, false },
	{ "example.com:80-443", "example.com:443", true, true },
	{ "example.com:80-443", "example.com:444", false, false },
	{ "example.com", "www.example.com", false, false },
	{ "example.com", "badexample.com", false, false },
	{ "*.example.com", "www.example.com", true, true },
	{ "*.example.com", "a.b.example.com", true, true },
	{ "*.example.com", "example.com", false, false },
	{ "*.example.com", "badexample.com", false, false },
	{ "*.example.com", "*.example.com", true, true },
	{ "*.example.com", "*.b.example.com", true, true },
	{ "*.b.example.com", "*.example.com", false, true },
	{ "www.example.com", "*.example.com", false, true },
	{ "*.com", "*", false, true },
	{ "*", "anything.at.all:1", true, true },
	{ "*", "10.0.0.1", true, true },
	{ "*.com", "10.0.0.1", false, false },
	{ "10.0.0.0/8", "10.200.3.4", true, true },
	{ "10.0.0.0/8", "10.200.3.4:22", true, true },
	{ "10.0.0.0/8", "11.0.0.1", false, false },
	{ "10.0.0.0/8", "10.1.0.0/16", true, true },
	{ "10.1.0.0/16", "10.0.0.0/8", false, true },
	{ "10.0.0.0/8", "::ffff:10.0.0.1", true, true },
	{ "10.0.0.0/12", "10.15.0.1", true, true },
	{ "10.0.0.0/12", "10.16.0.1", false, false },
	{ "2001:db8::/32", "[2001:db8::1]:443", true, true },
	{ "[2001:db8::1]:443", "[2001:db8::1]:443", true, true },
	{ "2001:db8::1", "2001:db8::2", false, false },
	/* Another way to write an address is a name that no name is. */
	{ "10.0.0.1", "0x0a000001", false, false },
	{ "*.example.com", "0x0a000001", false, false },
};

static void
a_host_lies_in_a_pattern_only_where_all_of_it_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct str p = str_of(cases[i].pattern);
		const struct str a = str_of(cases[i].asked);

		if (host_pattern_covers(p, a) != cases[i].covers ||
		    host_pattern_meets(p, a) != cases[i].meets ||
		    host_pattern_meets(a, p) != cases[i].meets)
			fail_msg("%s, %s", cases[i].pattern, cases[i].asked);
	}
}

static void
what_is_no_host_is_refused_and_lies_in_nothing(void **state)
{
	static const char *const bad[] = { "", "*.", "*.*", "a..b", ".a",
		"a:", "a:0", "a:65536", "a:9-1", "a b", "a/8", "10.0.0.0/33",
		"10.1.2.3/8", "fd00::1/8", "10.0.0/8", "[::1", "[::1]x", "[]",
		"::1/129", "http://a", "a*", "*a", "caf\xc3\xa9.fr", "..",
		"a:1:2:zz" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct str b = str_of(bad[i]);

		if (host_pattern_valid(b) || host_pattern_covers(STR("*"), b) ||
		    host_pattern_covers(b, STR("a")) ||
		    !host_pattern_meets(b, STR("a")))
			fail_msg("'%s'", bad[i]);
	}
	assert_false(host_pattern_covers(STR("*"), str_n("a\0b", 3)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_host_lies_in_a_pattern_only_where_all_of_it_does),
		cmocka_unit_test(
		    what_is_no_host_is_refused_and_lies_in_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
