/*
 * Passphrases: what is kept of them, and who passes.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "passphrase.h"

#define GOOD STR("correct horse")

static void
only_the_right_passphrase_of_the_right_user_passes(void **state)
{
	AUTO_BUF struct buf text = BUF_INIT(4096);
	struct err e = ERR_INIT;

	(void)state;
	buf_puts(&text, "# people\n\n");
	assert_int_equal(passphrase_line(1000, GOOD, &text, &e), 0);
	assert_int_equal(
	    passphrase_line(1001, STR("battery staple"), &text, &e), 0);
	assert_int_equal(passphrase_check_form(buf_str(&text), &e), 0);
	assert_int_equal(passphrase_check(buf_str(&text), 1000, GOOD, &e), 0);
	assert_int_equal(
	    passphrase_check(buf_str(&text), 1001, GOOD, &e), ERR_DENIED);
	assert_int_equal(
	    passphrase_check(buf_str(&text), 1002, GOOD, &e), ERR_NOTFOUND);
	assert_int_equal(
	    passphrase_check(buf_str(&text), 1000, STR("correct horsE"), &e),
	    ERR_DENIED);
	assert_int_equal(
	    passphrase_check(buf_str(&text), 1000, STR(""), &e), ERR_DENIED);
	assert_true(passphrase_has(buf_str(&text), 1001));
	assert_false(passphrase_has(buf_str(&text), 1002));
}

static void
the_passphrase_itself_is_not_kept_and_equal_ones_look_different(void **state)
{
	AUTO_BUF struct buf a = BUF_INIT(1024);
	AUTO_BUF struct buf b = BUF_INIT(1024);

	(void)state;
	assert_int_equal(passphrase_line(7, GOOD, &a, NULL), 0);
	assert_int_equal(passphrase_line(7, GOOD, &b, NULL), 0);
	assert_null(strstr(buf_cstr(&a), "correct"));
	assert_string_not_equal(buf_cstr(&a), buf_cstr(&b));
}

static void
a_short_passphrase_is_refused(void **state)
{
	AUTO_BUF struct buf a = BUF_INIT(1024);

	(void)state;
	assert_int_equal(
	    passphrase_line(7, STR("1234567"), &a, NULL), ERR_INVALID);
	assert_int_equal(a.len, 0);
}

static void
a_line_that_is_none_is_named(void **state)
{
	static const char *const bad[] = {
		"1000 scrypt 00 00",
		"1000 plain aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"root scrypt",
		"4294967295 scrypt",
		"1000",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_BUF struct buf text = BUF_INIT(1024);
		struct err e = ERR_INIT;

		buf_printf(&text, "# one\n%s\n", bad[i]);
		assert_int_equal(
		    passphrase_check_form(buf_str(&text), &e), ERR_INVALID);
		assert_non_null(strstr(e.msg, "line 2"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    only_the_right_passphrase_of_the_right_user_passes),
		cmocka_unit_test(
		    the_passphrase_itself_is_not_kept_and_equal_ones_look_different),
		cmocka_unit_test(a_short_passphrase_is_refused),
		cmocka_unit_test(a_line_that_is_none_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
