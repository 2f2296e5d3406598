/*
 * The reviewer's settings: a key never travels in the clear, and nothing is
 * half understood.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/config.h"
#include "model/provider_url.h"

static int
load(const char *provider, struct config **ret, struct diags *d)
{
	char path[] = "/tmp/assent-config-XXXXXX";
	const struct config_sources s = { .file = path };
	const int fd = mkstemp(path);
	int r;

	assert_true(fd >= 0);
	assert_true(
	    dprintf(fd, "reviewer:\n  providers:\n    - {%s}\n", provider) > 0);
	(void)close(fd);
	r = config_load(&s, d, ret, NULL);
	(void)unlink(path);
	return r;
}

static void
assert_provider(const char *provider, const char *finding)
{
	AUTO(config_freep) struct config *c = NULL;
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf text = BUF_INIT(1 << 16);
	const int r = load(provider, &c, d);

	diags_print(d, &text);
	if (finding == NULL) {
		if (r != 0)
			print_error("%s: %s\n", provider, buf_cstr(&text));
		assert_int_equal(r, 0);
		assert_int_equal(c->provider_count, 1);
		return;
	}
	assert_int_equal(r, ERR_INVALID);
	if (strstr(buf_cstr(&text), finding) == NULL)
		print_error("%s: %s\n", provider, buf_cstr(&text));
	assert_non_null(strstr(buf_cstr(&text), finding));
}

static void
a_provider_is_taken_as_it_is_meant(void **state)
{
	(void)state;
	assert_provider("name: a, format: chat, model: m, "
			"url: \"https://api.example/v1/chat/completions\", "
			"key_file: /k",
	    NULL);
	assert_provider(
	    "name: a, format: responses, model: m, url: \"unix:/run/x.sock\"",
	    NULL);
	assert_provider("name: a, format: messages, model: m, "
			"url: \"http://[::1]:8080/v1\", key_env: KEY, "
			"aliases: [\"*\"], schema: off, addresses: public",
	    NULL);
	assert_provider(
	    "name: a, format: command, command: [/bin/judge, -x]", NULL);
	assert_provider("name: a, format: azure, model: m, "
			"url: \"https://x.example\", key_command: [/bin/key]",
	    NULL);
}

static void
what_is_wrong_with_a_provider_is_said(void **state)
{
	static const struct {
		const char *provider, *finding;
	} cases[] = {
		{ "name: a, format: chat, model: m, url: \"http://x.example\"",
		    "in the clear" },
		{ "name: a, format: chat, model: m, "
		  "url: \"http://127.0.0.1.x.example/\"",
		    "in the clear" },
		{ "name: a, format: chat, model: m, "
		  "url: \"http://localhost/\"",
		    "in the clear" },
		{ "name: a, format: chat, model: m, url: \"ftp://x/\"",
		    "begins with https" },
		{ "name: a, format: chat, model: m, "
		  "url: \"https://user:pw@x.example/\"",
		    "user and password" },
		{ "name: a, format: chat, model: m, url: \"https:///v1\"",
		    "names no host" },
		{ "name: a, format: chat, model: m, url: \"https://x:0/\"",
		    "port" },
		{ "name: a, format: chat, model: m, url: \"https://x /\"",
		    "no URL has" },
		{ "name: a, format: chat, model: m, url: \"unix:x\"",
		    "unix:/path" },
		{ "name: a, format: chat, url: \"https://x.example\"",
		    "names no model" },
		{ "name: a, format: chta, model: m, url: \"https://x\"",
		    "unknown format" },
		{ "name: A b, format: chat, model: m, url: \"https://x\"",
		    "not plain" },
		{ "name: a, format: command, command: [judge]", "half a path" },
		{ "name: a, format: chat, command: [/bin/judge]",
		    "mixes format command" },
		{ "name: a, format: command, command: [/j], key_file: /k",
		    "takes no key" },
		{ "name: a, format: chat, model: m, url: \"https://x\", "
		  "key_file: /k, key_env: K",
		    "more than one key" },
		{ "name: a, format: chat, model: m, url: \"https://x\", "
		  "key_file: k",
		    "not an absolute path" },
		{ "name: a, format: chat, model: m, url: \"https://x\", "
		  "schema: maybe",
		    "'on' or 'off'" },
		{ "name: a, format: chat, model: m, url: \"https://x\", "
		  "key: sk-1",
		    "unknown key" },
		{ "name: a, format: chat, model: m, url: \"https://x\", "
		  "token_field: temperature",
		    "unknown token_field" },
		{ "format: chat", "a name and a format" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_provider(cases[i].provider, cases[i].finding);
}

static void
a_url_is_split_where_it_is_split_by_others(void **state)
{
	struct provider_url u;
	const char *why = NULL;

	(void)state;
	assert_int_equal(
	    provider_url_parse("https://a.example:8443/v1?x=y", &u, &why), 0);
	assert_true(u.https);
	assert_true(str_eqz(u.host, "a.example"));
	assert_true(str_eqz(u.path, "/v1?x=y"));
	assert_int_equal(provider_url_parse("http://[::1]:99/a", &u, &why), 0);
	assert_true(str_eqz(u.host, "[::1]"));
	assert_int_equal(provider_url_parse("unix:/a/b", &u, &why), 0);
	assert_true(u.is_unix);
	assert_true(str_eqz(u.socket, "/a/b"));
}

static void
only_a_loopback_address_may_be_spoken_to_in_the_clear(void **state)
{
	static const char *const bad[] = {
		"http://127.0.0.1@evil.example/",
		"http://127.0.0.1\\@evil.example/",
		"http://127.0.0.1#@evil.example/",
		"http://127.0.0.1.evil.example/",
		"http://0x7f.1/",
		"http://127.1/",
		"http://10.0.0.1/",
		"http://[::ffff:127.0.0.1]/",
		"http://[::2]/",
		"HTTP://127.0.0.1/",
		"https://a.example/\r\nX: y",
	};
	struct provider_url u;
	const char *why = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
		    provider_url_parse(bad[i], &u, &why), ERR_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_provider_is_taken_as_it_is_meant),
		cmocka_unit_test(what_is_wrong_with_a_provider_is_said),
		cmocka_unit_test(a_url_is_split_where_it_is_split_by_others),
		cmocka_unit_test(
		    only_a_loopback_address_may_be_spoken_to_in_the_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
