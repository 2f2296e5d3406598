/*
 * Settings are shown without the credentials that people keep in them.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "root/clean.h"

static void
becomes(const char *text, const char *expected)
{
	AUTO_BUF struct buf b = BUF_INIT(4096);
	const bool left = clean_text(str_of(text), &b);

	assert_string_equal(buf_cstr(&b), expected);
	assert_int_equal(left, strcmp(text, expected) != 0);
}

static void
what_is_no_credential_stays_as_it_is(void **state)
{
	(void)state;
	becomes("", "");
	becomes("[core]\n\tbare = false", "[core]\n\tbare = false");
	becomes("[remote \"tokens\"]\n\turl = git@h.example:a/token.git\n",
	    "[remote \"tokens\"]\n\turl = git@h.example:a/token.git\n");
	becomes("url = https://h.example/a@b/secret.git\n",
	    "url = https://h.example/a@b/secret.git\n");
	becomes(
	    "url = ssh://git@h.example/x\n", "url = ssh://git@h.example/x\n");
	becomes("[alias]\n\tt = log --grep token\n\\\n",
	    "[alias]\n\tt = log --grep token\n\\\n");
}

static void
an_address_does_not_say_who_one_is(void **state)
{
	(void)state;
	becomes("\turl = https://me:hunter2@h.example/x.git\r\n",
	    "\turl = https://h.example/x.git\r\n");
	becomes(
	    "\turl = HTTPS://ghp_abc@h.example", "\turl = HTTPS://h.example");
	becomes("[url \"https://a:b@c@h.example/\"]\n",
	    "[url \"https://h.example/\"]\n");
	becomes("p = http://a:b@x/ https://c@y/?q=@z\n",
	    "p = http://x/ https://y/?q=@z\n");
	becomes(
	    "url = ssh://me:pw@h.example/x\n", "url = ssh://me@h.example/x\n");
}

static void
the_value_of_a_secret_key_is_left_out(void **state)
{
	(void)state;
	becomes("[http]\n\textraHeader = AUTHORIZATION: basic eDp5\nx = 1\n",
	    "[http]\n\textraHeader = \"\"\nx = 1\n");
	becomes("[registries.x] # a\nToken=\"abc\"\nindex = \"sparse+h\"\n",
	    "[registries.x] # a\nToken= \"\"\nindex = \"sparse+h\"\n");
	becomes("[http] extraheader = X: y\n", "[http] extraheader = \"\"\n");
	becomes(
	    "helper = \"!f() { echo password=abc; }; f\"\n", "helper = \"\"\n");
	becomes("registries = { x = { token = \"abc\" } }\n",
	    "registries = \"\"\n");
}

static void
a_value_of_several_lines_is_left_out_as_a_whole(void **state)
{
	(void)state;
	becomes("token = ab\\\ncd\\\nef\nx = 1\n", "token = \"\"\nx = 1\n");
	becomes(
	    "token = \"\"\"\nabc\n\"\"\"\nx = 1\n", "token = \"\"\nx = 1\n");
	becomes("token = '''abc\nno end", "token = \"\"\n");
	becomes("token = '''abc'''\nx = 1\n", "token = \"\"\nx = 1\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_credential_stays_as_it_is),
		cmocka_unit_test(an_address_does_not_say_who_one_is),
		cmocka_unit_test(the_value_of_a_secret_key_is_left_out),
		cmocka_unit_test(
		    a_value_of_several_lines_is_left_out_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
