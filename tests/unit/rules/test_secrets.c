/*
 * Secret material in text, and hosts in every spelling.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "hosts.h"
#include "secrets.h"

#define ARENA_MAX ((size_t)1 << 20)

struct pair {
	const char *text, *shown;
};

static void
known_forms_are_masked_and_named(void **state)
{
	static const struct pair pairs[] = {
		{ "echo ghp_0123456789abcdefGHIJ0123456789abcdef",
		    "echo ghp_[masked]" },
		{ "AKIAIOSFODNN7EXAMPLE x", "AKIA[masked] x" },
		{ "curl -H 'Authorization: Bearer abcDEF123456789xyz'",
		    "curl -H 'Authorization: Bearer [masked]'" },
		{ "psql postgres://u:hunter22@db/x",
		    "psql postgres://u:[masked]@db/x" },
		{ "mysql --password=Sup3rS3cret db",
		    "mysql --password=[masked] db" },
		{ "API_KEY=a1b2c3d4e5f6 make", "API_KEY=[masked] make" },
		{ "{\"token\": \"abc123def456\"}",
		    "{\"token\": \"[masked]\"}" },
		{ "sk-proj-abcdEFGH1234567890", "sk-proj-[masked]" },
		{ "x -----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA",
		    "x -----BEGIN RSA PRIVATE KEY-----[masked]"
		    "-----END RSA" },
	};
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		const struct str s = secrets_mask(a, str_of(pairs[i].text));

		if (!str_eqz(s, pairs[i].shown))
			print_message("%.*s\n", STR_ARG(s));
		assert_true(str_eqz(s, pairs[i].shown));
		assert_true(secrets_found(str_of(pairs[i].text)));
	}
}

static void
ordinary_text_is_left_alone(void **state)
{
	static const char *const texts[] = { "git commit -m 'fix token parser'",
		"grep -rn password src", "echo $GITHUB_TOKEN",
		"export TOKEN=$(cat x)", "https://example.com/a:b@c",
		"ls --sort=time", "sk-learn", "make TOKEN_COUNT=100000",
		"cat secrets.txt", "ssh user@host", "key: value" };
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct str s = secrets_mask(a, str_of(texts[i]));

		assert_true(str_eqz(s, texts[i]));
	}
}

static void
names_of_secrets_are_known(void **state)
{
	static const char *const secret[] = { "AWS_SECRET_ACCESS_KEY",
		"GITHUB_TOKEN", "DB_PASSWORD", "dbPassword", "STRIPE_KEY",
		"OPENAI_API_KEY", "PGPASSWORD", "MY_PWD", "CLIENT_SECRET" };
	static const char *const fine[] = { "PATH", "HOME", "PUBLIC_KEY",
		"TOKEN_COUNT", "KEYBOARD", "MONKEY", "PWD", "AUTHOR",
		"SSH_KEY_PATH", "TOKENIZERS_PARALLELISM" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(secret); i++)
		assert_true(secret_name(str_of(secret[i])));
	for (size_t i = 0; i < ARRAY_LEN(fine); i++)
		assert_false(secret_name(str_of(fine[i])));
}

static void
an_address_has_one_spelling(void **state)
{
	static const struct pair pairs[] = {
		{ "http://2852039166/x", "169.254.169.254" },
		{ "http://0xA9FEA9FE", "169.254.169.254" },
		{ "http://0251.0376.0251.0376/", "169.254.169.254" },
		{ "http://169.254.43518/", "169.254.169.254" },
		{ "http://[::ffff:a9fe:a9fe]:80/", "169.254.169.254:80" },
		{ "http://127.1", "127.0.0.1" },
		{ "HTTPS://GitHub.COM./x", "github.com" },
		{ "https://git%68ub.com", "github.com" },
		{ "http://[FD00:EC2::254]/", "[fd00:ec2::254]" },
		{ "https://github.com@evil.example/x",
		    "github.com@evil.example" },
		{ "https://u:p@host:8443/x", "u@host:8443" },
		{ "gopher://127.0.0.1:6379/_x", "gopher://127.0.0.1:6379" },
		{ "host:8080/path", "host:8080" },
		{ "example.com", "example.com" },
	};
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct url u;

		assert_true(url_parse(a, str_of(pairs[i].text), &u));
		assert_true(str_eqz(url_target(a, &u), pairs[i].shown));
	}
}

static void
loopback_is_this_machine_only(void **state)
{
	(void)state;
	assert_true(host_is_loopback(STR("127.0.0.1:8080")));
	assert_true(host_is_loopback(STR("localhost")));
	assert_true(host_is_loopback(STR("[::1]:80")));
	assert_true(host_is_loopback(STR("::1")));
	assert_true(host_is_loopback(STR("app.localhost")));
	assert_false(host_is_loopback(STR("localhost.evil.example")));
	assert_false(host_is_loopback(STR("example.com")));
	assert_false(host_is_loopback(STR("128.0.0.1")));
}

static void
mask_log(const char *text, const char *expected)
{
	AUTO(arena_freep) struct arena *a = arena_new((size_t)1 << 20);
	const struct str got = secrets_mask_log(a, str_of(text));

	if (!str_eqz(got, expected))
		fail_msg("'%.*s', expected '%s'", STR_ARG(got), expected);
}

static void
the_log_masks_what_looks_random_too(void **state)
{
	(void)state;
	mask_log("use Zq8vN3xK1mW7pR5tY2cB9dLf4 now", "use [masked] now");
	mask_log("a Zq8vN3xK1mW7pR5tY2cB9dLf4 b ghp_"
		 "Zq8vN3xK1mW7pR5tY2cB9dLf4aaaaaaaaaaa",
	    "a [masked] b ghp_[masked]");
	mask_log("3f786850e387550fdab836ed7e6dc881de23001b",
	    "3f786850e387550fdab836ed7e6dc881de23001b");
	mask_log("src/Components/HttpRequestHandlerFactoryBean2.java",
	    "src/Components/HttpRequestHandlerFactoryBean2.java");
}

static void
the_log_says_which_server_a_key_was_used_for(void **state)
{
	(void)state;
	mask_log("sign as git for the server "
		 "SHA256:Zq8vN3xK1mW7pR5tY2cB9dLf4Hj6sGk0uVbXeIoA+/P",
	    "sign as git for the server "
	    "SHA256:Zq8vN3xK1mW7pR5tY2cB9dLf4Hj6sGk0uVbXeIoA+/P");
	/* Nothing but that, and no other text that says it is one. */
	mask_log("SHA256:Zq8vN3xK1mW7pR5tY2cB9dLf4Hj6sGk0uVbXeIoA+/P",
	    "SHA256:[masked]");
	mask_log("for the server "
		 "SHA256:Zq8vN3xK1mW7pR5tY2cB9dLf4Hj6sGk0uVbXeIoA+/Pb",
	    "for the server SHA256:[masked]");
}

struct values {
	char text[256];
	size_t count;
};

static void
take_value(void *ctx, struct str value)
{
	struct values *v = ctx;

	v->count++;
	(void)snprintf(v->text, sizeof(v->text), "%.*s", STR_ARG(value));
}

/* So that it can be found by whoever has the whole of it. */
static void
a_masked_value_is_given_without_what_stays(void **state)
{
	struct values v = { .count = 0 };

	(void)state;
	secrets_each(STR("curl -H 'Authorization: Bearer abcDEF123456xyz'"),
	    take_value, &v);
	assert_int_equal(v.count, 1);
	assert_string_equal(v.text, "abcDEF123456xyz");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_forms_are_masked_and_named),
		cmocka_unit_test(ordinary_text_is_left_alone),
		cmocka_unit_test(names_of_secrets_are_known),
		cmocka_unit_test(an_address_has_one_spelling),
		cmocka_unit_test(loopback_is_this_machine_only),
		cmocka_unit_test(the_log_masks_what_looks_random_too),
		cmocka_unit_test(the_log_says_which_server_a_key_was_used_for),
		cmocka_unit_test(a_masked_value_is_given_without_what_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
