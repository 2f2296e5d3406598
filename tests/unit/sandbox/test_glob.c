/*
 * Patterns of what a profile denies.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "glob.h"
#include "gate/guard.h"

struct glob_case {
	const char *pattern, *rel;
	enum glob_answer want;
};

static const struct glob_case cases[] = {
	{ "*.pem", "key.pem", GLOB_MATCH },
	{ "*.pem", "deep/below/key.PEM", GLOB_MATCH },
	{ "*.pem", ".pem", GLOB_MATCH },
	{ "*.pem", "key.pem.txt", GLOB_NO },
	{ "*.pem", "dir.pem/inside", GLOB_MATCH },
	{ "secrets", "a/secrets/b/c", GLOB_MATCH },
	{ "secrets", "a/secrets2", GLOB_NO },
	{ "secrets/*.key", "secrets/a.key", GLOB_MATCH },
	{ "secrets/*.key", "x/secrets/a.key", GLOB_NO },
	{ "secrets/*.key", "secrets", GLOB_LEADS },
	{ "secrets/*.key", "secrets/sub/a.key", GLOB_NO },
	{ "**/secrets/*.key", "x/y/secrets/a.key", GLOB_MATCH },
	{ "**/secrets/*.key", "secrets/a.key", GLOB_MATCH },
	{ "**/secrets/*.key", "x/y/secrets", GLOB_LEADS },
	{ "**/secrets/*.key", "x/y", GLOB_NO },
	{ "a/**/z", "a/z", GLOB_MATCH },
	{ "a/**/z", "a/b/c/z/more", GLOB_MATCH },
	{ "a/**/z", "a", GLOB_LEADS },
	{ "a/**/z", "b/a/z", GLOB_NO },
	{ "a/**", "a/b", GLOB_MATCH },
	{ "**", "anything", GLOB_MATCH },
};

static void
a_pattern_means_these_names_and_no_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const enum glob_answer got =
		    glob_match_name(cases[i].pattern, cases[i].rel);

		if (got != cases[i].want)
			fail_msg("'%s' against '%s': %d", cases[i].pattern,
			    cases[i].rel, (int)got);
	}
}

static void
what_is_too_long_to_judge_matches(void **state)
{
	static char deep[2 * GLOB_PARTS_MAX + 2];

	(void)state;
	for (size_t i = 0; i < GLOB_PARTS_MAX; i++) {
		deep[2 * i] = 'a';
		deep[2 * i + 1] = '/';
	}
	deep[2 * GLOB_PARTS_MAX] = 'a';
	assert_int_equal(glob_match_name(deep, "b"), GLOB_MATCH);
	assert_int_equal(glob_match_name("", "b"), GLOB_MATCH);
}

static void
a_denied_name_is_neither_made_nor_moved_nor_read(void **state)
{
	static const char *const deny[] = { "*.pem", "**/vault/*.txt" };
	const struct guard g = { .deny = deny, .deny_count = 2 };

	(void)state;
	for (int act = GUARD_WRITE; act <= GUARD_READ; act++) {
		assert_int_equal(
		    guard_check(&g, "new.pem", (enum guard_act)act),
		    GUARD_DENIED);
		assert_int_equal(
		    guard_check(&g, "x/vault/a.txt", (enum guard_act)act),
		    GUARD_DENIED);
		assert_int_equal(
		    guard_check(&g, "x/ok.txt", (enum guard_act)act), GUARD_OK);
	}
	/* Else what is in it would have another name. */
	assert_int_equal(guard_check(&g, "x/vault", GUARD_TAKE), GUARD_DENIED);
	assert_int_equal(guard_check(&g, "x/vault", GUARD_PLACE), GUARD_DENIED);
	assert_int_equal(guard_check(&g, "x/vault", GUARD_MKDIR), GUARD_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_means_these_names_and_no_others),
		cmocka_unit_test(what_is_too_long_to_judge_matches),
		cmocka_unit_test(
		    a_denied_name_is_neither_made_nor_moved_nor_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
