/*
 * Unified diffs: applied exactly, or not at all.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "init/patch.h"

#define OUT_MAX ((size_t)1 << 16)
#define ARENA_MAX ((size_t)4 << 20)

struct patch_case {
	const char *old, *diff, *want; /* want NULL: refused */
};

static const struct patch_case cases[] = {
	{ "a\nb\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n", "a\nB\nc\n" },
	{ "a\nb\nc\n", "--- a/x\n+++ b/x\n@@ -2 +2,2 @@ f()\n b\n+d\n",
	    "a\nb\nd\nc\n" },
	/* New text, and none left. */
	{ "", "@@ -0,0 +1,2 @@\n+a\n+b\n", "a\nb\n" },
	{ "a\n", "@@ -1 +0,0 @@\n-a\n", "" },
	/* The end of a file without a newline. */
	{ "a\nb", "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n",
	    "a\nc\n" },
	{ "a\nb\n",
	    "@@ -1,2 +1,2 @@\n a\n-b\n+c\n\\ No newline at end of file\n",
	    "a\nc" },
	{ "a\nb", "@@ -1,2 +1,3 @@\n+z\n a\n b\n\\ No newline at end of file\n",
	    "z\na\nb" },
	/* Moved down, moved up, two hunks. */
	{ "x\nx\na\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n+B\n", "x\nx\na\nB\n" },
	{ "a\nb\n", "@@ -9,2 +9,2 @@\n a\n-b\n+B\n", "a\nB\n" },
	{ "a\nb\nc\nd\ne\n",
	    "@@ -1,2 +1,2 @@\n-a\n+A\n b\n@@ -4,2 +4,2 @@\n d\n-e\n+E\n",
	    "A\nb\nc\nd\nE\n" },
	/* A context line that lost its blank. */
	{ "a\n\nb\n", "@@ -1,3 +1,3 @@\n a\n\n-b\n+B\n", "a\n\nB\n" },
	/* Refused. */
	{ "a\nb\nc\n", "@@ -1,3 +1,3 @@\n a\n-x\n+B\n c\n", NULL },
	{ "a\nb\n", "@@ -1,3 +1,3 @@\n a\n b\n c\n", NULL },
	{ "a\n", "no hunk at all\n", NULL },
	{ "a\n", "", NULL },
	{ "a\n", "@@ -x +1 @@\n-a\n+b\n", NULL },
	{ "a\n", "@@ -99999999999 +1 @@\n-a\n+b\n", NULL },
	/* The second hunk must lie behind the first. */
	{ "a\nb\n", "@@ -2 +2 @@\n-b\n+B\n@@ -1 +1 @@\n-a\n+A\n", NULL },
};

static void
diffs_apply_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
		AUTO_BUF struct buf out = BUF_INIT(OUT_MAX);
		const int r = patch_apply(
		    str_of(cases[i].old), str_of(cases[i].diff), a, &out, NULL);

		if (cases[i].want == NULL)
			assert_int_not_equal(r, 0);
		else if (r != 0)
			fail_msg("case %zu is refused", i);
		else
			assert_string_equal(buf_cstr(&out), cases[i].want);
	}
}

static void
a_result_over_the_limit_is_an_error(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	AUTO_BUF struct buf out = BUF_INIT(8);

	(void)state;
	assert_int_equal(
	    patch_apply(STR("a\n"), STR("@@ -1 +1 @@\n-a\n+123456789\n"), a,
		&out, NULL),
	    ERR_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(diffs_apply_as_the_table_says),
		cmocka_unit_test(a_result_over_the_limit_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
