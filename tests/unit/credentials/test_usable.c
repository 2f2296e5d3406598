/*
 * Secrets in the form in which they are used; none of them in an error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "credentials/usable.h"
#include "keys.h"

static const struct config_credential header = {
	.name = "h",
	.kind_name = "header",
	.header = "Authorization: Bearer {}",
};
static const struct config_credential git = {
	.name = "g",
	.kind_name = "git",
	.username = "x-access-token",
};

static void
a_secret_takes_its_place_in_the_header(void **state)
{
	static const struct config_credential quoted = {
		.kind_name = "header",
		.header = "X-Key: k=\"{}\"; v=1",
	};
	AUTO(usable_freep) struct usable *u = NULL;
	AUTO(usable_freep) struct usable *v = NULL;

	(void)state;
	assert_int_equal(usable_make(&header, STR("tok\n"), &u, NULL), 0);
	assert_string_equal(u->header, "Authorization");
	assert_true(str_eqz(usable_value(u), "Bearer tok"));
	assert_int_equal(usable_make(&quoted, STR("a b"), &v, NULL), 0);
	assert_string_equal(v->header, "X-Key");
	assert_true(str_eqz(usable_value(v), "k=\"a b\"; v=1"));
}

static void
a_password_of_git_is_basic_authorization(void **state)
{
	AUTO(usable_freep) struct usable *u = NULL;

	(void)state;
	assert_int_equal(usable_make(&git, STR("pw\r\n"), &u, NULL), 0);
	assert_string_equal(u->header, "Authorization");
	assert_true(str_eqz(usable_value(u), "Basic eC1hY2Nlc3MtdG9rZW46cHc="));
}

static void
a_secret_that_would_be_two_headers_is_refused(void **state)
{
	static const struct str bad[] = {
		{ "", 0 },
		{ "\n", 1 },
		{ "hunter2\r\nX: y", 13 },
		{ "hunter2\nX: y", 12 },
		{ "hunter2\0", 8 },
		{ "hunter2\xc3\xa9", 9 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct usable *u = NULL;
		struct err e = ERR_INIT;

		assert_int_equal(
		    usable_make(&header, bad[i], &u, &e), ERR_INVALID);
		assert_int_equal(
		    usable_make(&git, bad[i], &u, &e), ERR_INVALID);
		assert_null(u);
		assert_null(strstr(e.msg, "hunter2"));
	}
}

static void
a_key_comes_with_the_servers_it_is_for(void **state)
{
	static const char *hosts[] = { pub_ec };
	static const char *bad[] = { "git.example ssh-ed25519 AAAA" };
	struct config_credential c = {
		.kind_name = "ssh",
		.host_keys = { .items = hosts, .count = 1 },
	};
	AUTO(usable_freep) struct usable *u = NULL;
	struct usable *none = NULL;

	(void)state;
	assert_int_equal(usable_make(&c, str_of(key_ed), &u, NULL), 0);
	assert_non_null(u->key);
	assert_true(u->host_keys.len > 100);
	c.host_keys.items = bad;
	assert_int_equal(
	    usable_make(&c, str_of(key_ed), &none, NULL), ERR_INVALID);
	assert_null(none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_takes_its_place_in_the_header),
		cmocka_unit_test(a_password_of_git_is_basic_authorization),
		cmocka_unit_test(a_secret_that_would_be_two_headers_is_refused),
		cmocka_unit_test(a_key_comes_with_the_servers_it_is_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
