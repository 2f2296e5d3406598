/*
 * Patterns: what they match, and that none is slow.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/mem.h"
#include "glob.h"
#include "rule_world.h"

static bool
match(enum glob_style style, const char *pattern, const char *text)
{
	struct glob g;

	assert_int_equal(glob_init_keep(&g, str_of(pattern), style, NULL), 0);
	return glob_match(&g, str_of(text));
}

static void
text_patterns(void **state)
{
	(void)state;
	assert_true(match(GLOB_TEXT, "release/*", "release/2.0/x"));
	assert_false(match(GLOB_TEXT, "release/*", "xrelease/2.0"));
	assert_true(match(GLOB_TEXT, "*", ""));
	assert_true(match(GLOB_TEXT, "a?c", "abc"));
	assert_false(match(GLOB_TEXT, "a?c", "ac"));
	assert_true(match(GLOB_TEXT, "[a-c]x[!0-9]", "bxy"));
	assert_false(match(GLOB_TEXT, "[a-c]x[!0-9]", "bx7"));
	assert_true(match(GLOB_TEXT, "\\*x", "*x"));
	assert_false(match(GLOB_TEXT, "\\*x", "ax"));
	assert_true(match(GLOB_TEXT, "[]]", "]"));
	assert_false(match(GLOB_TEXT, "Main", "main"));
}

static void
path_patterns(void **state)
{
	(void)state;
	assert_true(match(GLOB_PATH, "docs/*.md", "docs/a.md"));
	assert_false(match(GLOB_PATH, "docs/*.md", "docs/x/a.md"));
	assert_true(match(GLOB_PATH, "docs/**", "docs/x/a.md"));
	assert_true(match(GLOB_PATH, "docs/**/a.md", "docs/a.md"));
	assert_true(match(GLOB_PATH, "docs/**/a.md", "docs/x/y/a.md"));
	assert_false(match(GLOB_PATH, "docs/**/a.md", "docsa.md"));
	assert_true(match(GLOB_PATH, "**/a.md", "a.md"));
	assert_false(match(GLOB_PATH, "a[/]b", "a/b"));
	assert_false(match(GLOB_PATH, "a?b", "a/b"));
}

static void
host_patterns(void **state)
{
	(void)state;
	assert_true(match(GLOB_HOST, "*.Example.com", "a.B.example.COM"));
	assert_false(match(GLOB_HOST, "*.example.com", "example.com"));
	assert_false(match(GLOB_HOST, "*.example.com", "evilexample.com"));
	assert_true(match(GLOB_HOST, "example.com", "EXAMPLE.com"));
}

static void
bad_patterns_are_refused(void **state)
{
	char longer[GLOB_BYTES_MAX + 2];
	struct glob g;

	(void)state;
	memset(longer, 'a', sizeof(longer));
	assert_int_not_equal(glob_init_keep(&g, STR(""), GLOB_TEXT, NULL), 0);
	assert_int_not_equal(
	    glob_init_keep(&g, STR("a[b"), GLOB_TEXT, NULL), 0);
	assert_int_not_equal(
	    glob_init_keep(
		&g, str_n(longer, sizeof(longer) - 1), GLOB_TEXT, NULL),
	    0);
}

static double
seconds(const char *pattern, const char *text)
{
	struct timespec a, b;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	assert_false(match(GLOB_TEXT, pattern, text));
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	return (double)(b.tv_sec - a.tv_sec) +
	    (double)(b.tv_nsec - a.tv_nsec) / 1e9;
}

static void
no_pattern_is_slow(void **state)
{
	static char text[100001];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	assert_true(seconds("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text) < 2);
}

static void
a_path_pattern_is_relative_to_the_workspace(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool match;
	} cases[] = {
		{ "docs/**", "/home/dev/proj/docs/a/b", true },
		{ "docs/**", "/home/dev/proj/docs", true },
		{ "docs/**", "/home/dev/docs/a", false },
		{ "./a", "/home/dev/proj/a", true },
		{ "a/b", "/home/dev/project/a/b", false },
		{ "*.pem", "/srv/keys/x.pem", true },
		{ "~/.ssh/*", "/home/dev/.ssh/id_rsa", true },
		{ "~/.ssh/**", "/home/dev2/.ssh/id_rsa", false },
		{ "/etc/**", "/etc/ssl/x", true },
		{ "/etc/*", "/etc/ssl/x", false },
		{ "$workspace/**", "/home/dev/proj/x", true },
		{ "$home/x", "/home/dev/x", true },
		{ "$workspace", "/home/dev/proj", true },
	};
	struct world w;

	(void)state;
	world_open(&w, "assent: 1\n");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct glob g;

		assert_int_equal(glob_init_keep(&g, str_of(cases[i].pattern),
				     GLOB_PATH, NULL),
		    0);
		if (glob_match_path(&g, cases[i].path, w.action) !=
		    cases[i].match)
			fail_msg("%s on %s", cases[i].pattern, cases[i].path);
	}
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_patterns),
		cmocka_unit_test(path_patterns),
		cmocka_unit_test(host_patterns),
		cmocka_unit_test(bad_patterns_are_refused),
		cmocka_unit_test(no_pattern_is_slow),
		cmocka_unit_test(a_path_pattern_is_relative_to_the_workspace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
