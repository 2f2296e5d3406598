/*
 * Credentials in the settings: whose they are is never in doubt, and nothing
 * about them is half understood.
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

static void
write_file(char path[static 32], const char *text)
{
	int fd;

	memcpy(path, "/tmp/assent-config-XXXXXX", 26);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "%s", text) >= 0);
	(void)close(fd);
}

static int
load(const char *text, const char *requirements, struct config **ret,
    struct diags *d)
{
	char path[32], limits[32];
	struct config_sources s = { .file = path };
	int r;

	write_file(path, text);
	if (requirements != NULL) {
		write_file(limits, requirements);
		s.requirements = limits;
	}
	r = config_load(&s, d, ret, NULL);
	(void)unlink(path);
	if (requirements != NULL)
		(void)unlink(limits);
	return r;
}

static void
assert_finding(const char *text, const char *requirements, const char *finding)
{
	AUTO(config_freep) struct config *c = NULL;
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf out = BUF_INIT(1 << 16);
	const int r = load(text, requirements, &c, d);

	diags_print(d, &out);
	if ((finding == NULL) != (r == 0) ||
	    (finding != NULL && strstr(buf_cstr(&out), finding) == NULL))
		print_error("%s: %s\n", text, buf_cstr(&out));
	assert_int_equal(r, finding == NULL ? 0 : ERR_INVALID);
	if (finding != NULL)
		assert_non_null(strstr(buf_cstr(&out), finding));
}

static void
assert_credential(const char *credential, const char *finding)
{
	char text[1024];

	(void)snprintf(
	    text, sizeof(text), "credentials:\n  - {%s}\n", credential);
	assert_finding(text, NULL, finding);
}

static void
a_credential_is_taken_as_it_is_meant(void **state)
{
	(void)state;
	assert_credential("name: gh, kind: git, hosts: [github.com], "
			  "username: x-access-token, file: ~/.t",
	    NULL);
	assert_credential("name: api, kind: header, hosts: [\"*.a.example\", "
			  "\"b.example:8443\"], header: \"X-Key: k={}\", "
			  "variable: API_KEY, env: KEY, plaintext: true",
	    NULL);
	assert_credential("name: deploy, kind: ssh, hosts: [git.a.example], "
			  "username: git, host_keys: [\"ssh-ed25519 AAAA\"], "
			  "systemd: deploy-key, ask: true, users: [1000]",
	    NULL);
	assert_credential("name: s, kind: git, hosts: [a.example], "
			  "username: u, secret_service: [service, x]",
	    NULL);
	assert_credential("name: c, kind: git, hosts: [a.example], "
			  "username: u, command: [/bin/pass, show, x], "
			  "agents: [codex], sessions: [s-1]",
	    NULL);
}

static const struct {
	const char *credential, *finding;
} wrong[] = {
	{ "kind: git", "a name and a kind" },
	{ "name: A b, kind: ssh, hosts: [a.b], file: /k", "not plain" },
	{ "name: a, kind: gti, hosts: [a.b], file: /k", "unknown kind" },
	{ "name: a, kind: ssh, file: /k", "names no host" },
	{ "name: a, kind: ssh, hosts: [], file: /k", "nobody" },
	{ "name: a, kind: ssh, hosts: [\"*\"], file: /k", "cannot be used" },
	{ "name: a, kind: ssh, hosts: [\"*.com\"], file: /k",
	    "cannot be used" },
	{ "name: a, kind: ssh, hosts: [\"a..b\"], file: /k", "cannot be used" },
	{ "name: a, kind: ssh, hosts: [\"https://a.b\"], file: /k",
	    "cannot be used" },
	{ "name: a, kind: ssh, hosts: [\"a.b:0\"], file: /k",
	    "cannot be used" },
	{ "name: a, kind: ssh, hosts: [a.b]", "in one way" },
	{ "name: a, kind: ssh, hosts: [a.b], file: /k, env: K", "in one way" },
	{ "name: a, kind: ssh, hosts: [a.b], file: k", "not an absolute path" },
	{ "name: a, kind: ssh, hosts: [a.b], command: [pass]", "half a path" },
	{ "name: a, kind: ssh, hosts: [a.b], secret: hunter2", "unknown key" },
	{ "name: a, kind: ssh, hosts: [a.b], file: /k, users: [me]",
	    "by number" },
	{ "name: a, kind: ssh, hosts: [a.b], file: /k, plaintext: true",
	    "never sent over http" },
	{ "name: a, kind: git, hosts: [a.b], file: /k", "names no user" },
	{ "name: a, kind: git, hosts: [a.b], file: /k, username: \"a:b\"",
	    "username that is not plain" },
	{ "name: a, kind: git, hosts: [a.b], file: /k, username: \"a'b\"",
	    "username that is not plain" },
	{ "name: a, kind: header, hosts: [a.b], file: /k", "names no header" },
	{ "name: a, kind: header, hosts: [a.b], file: /k, "
	  "header: \"Authorization: Bearer\"",
	    "once" },
	{ "name: a, kind: header, hosts: [a.b], file: /k, "
	  "header: \"X: {} {}\"",
	    "once" },
	{ "name: a, kind: header, hosts: [a.b], file: /k, "
	  "header: \"X y: {}\"",
	    "blank" },
	{ "name: a, kind: header, hosts: [a.b], file: /k, "
	  "header: \"Host: {}\"",
	    "how a request is read" },
	{ "name: a, kind: header, hosts: [a.b], file: /k, "
	  "header: \"transfer-encoding: {}\"",
	    "how a request is read" },
	{ "name: a, kind: value, file: /k, variable: V",
	    "names no profile; each run would have it" },
	{ "name: a, kind: value, file: /k, profiles: [p]", "needs a variable" },
	{ "name: a, kind: value, file: /k, variable: V, profiles: [p], "
	  "hosts: [a.b]",
	    "is for no host" },
	{ "name: a, kind: value, file: /k, variable: V, profiles: [p], "
	  "header: \"X: {}\"",
	    "only kind header has" },
	{ "name: a, kind: header, hosts: [a.b], file: /k, "
	  "header: \"X: {}\", variable: LD_PRELOAD",
	    "not plain" },
	{ "name: a, kind: ssh, hosts: [a.b], agent: SSH_AUTH_SOCK",
	    "which key of the agent" },
	{ "name: a, kind: ssh, hosts: [a.b], agent: ./sock, public_key: k",
	    "names no socket" },
	{ "name: a, kind: git, hosts: [a.b], username: u, agent: X, "
	  "public_key: k",
	    "only kind ssh can" },
	{ "name: a, kind: ssh, hosts: [a.b], file: /k, public_key: k",
	    "only one in an agent" },
	{ "name: a, kind: ssh, hosts: [a.b], file: /k, agent: X, "
	  "public_key: k",
	    "in one way" },
	{ "name: a, kind: ssh, hosts: [a.b], file: /k, ask: maybe",
	    "true or false" },
	{ "name: a, kind: ssh, hosts: [a.b], file: /k, "
	  "host_keys: [x], ca_file: /c",
	    "only kinds header and git" },
};

static void
what_is_wrong_with_a_credential_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_credential(wrong[i].credential, wrong[i].finding);
}

#define ONE "name: a, kind: ssh, hosts: [a.b], file: /k"

static void
a_credential_is_there_once(void **state)
{
	(void)state;
	assert_finding("credentials:\n  - {" ONE "}\n  - {" ONE "}\n", NULL,
	    "is there twice");
}

static void
requirements_name_what_may_be_used(void **state)
{
	static const char text[] = "credentials:\n  - {" ONE "}\n";

	(void)state;
	assert_finding(text, "credentials: {allowed: [a]}\n", NULL);
	assert_finding(
	    text, "credentials: {allowed: [b]}\n", "'a' is not permitted");
}

static void
a_credential_survives_the_way_to_a_role(void **state)
{
	AUTO(config_freep) struct config *c = NULL;
	AUTO(config_freep) struct config *again = NULL;
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf b = BUF_INIT(1 << 20);
	const struct config_credential *k;

	(void)state;
	assert_int_equal(load("credentials:\n  - {name: a, kind: ssh, hosts: "
			      "[x.y, z.y], file: /k, ask: true, username: "
			      "git, agents: [codex]}\n",
			     NULL, &c, d),
	    0);
	config_encode(c, SECRETS_NONE, &b);
	assert_int_equal(config_decode(buf_str(&b), &again, NULL), 0);
	assert_int_equal(again->credential_count, 1);
	k = &again->credentials[0];
	assert_string_equal(k->name, "a");
	assert_int_equal(credential_kind_of(k), CREDENTIAL_SSH);
	assert_int_equal(k->hosts.count, 2);
	assert_string_equal(k->hosts.items[1], "z.y");
	assert_string_equal(k->agents.items[0], "codex");
	assert_true(k->ask);
	assert_false(k->plaintext);
	assert_null(k->env);
}

static const char *hosts[] = { "*.a.example", "b.example:8443", "C.example" };

static void
a_host_is_named_exactly_or_by_what_it_ends_in(void **state)
{
	struct config_credential c = {
		.name = "x",
		.kind_name = "header",
		.hosts = { .items = hosts, .count = ARRAY_LEN(hosts) },
	};

	(void)state;
	assert_true(credential_has_host(&c, "x.a.example", 443));
	assert_true(credential_has_host(&c, "y.x.A.example", 443));
	assert_true(credential_has_host(&c, "b.example", 8443));
	assert_true(credential_has_host(&c, "c.EXAMPLE", 443));
	assert_false(credential_has_host(&c, "a.example", 443));
	assert_false(credential_has_host(&c, "xa.example", 443));
	assert_false(credential_has_host(&c, "b.example", 443));
	assert_false(credential_has_host(&c, "c.example", 80));
	assert_false(credential_has_host(&c, "c.example.evil", 443));
	assert_false(credential_has_host(&c, "c.example.", 443));
	assert_false(credential_has_host(&c, "", 443));
	assert_false(credential_has_host(&c, NULL, 443));
	c.plaintext = true;
	assert_true(credential_has_host(&c, "c.example", 80));
	c.kind_name = "ssh";
	assert_true(credential_has_host(&c, "c.example", 22));
	assert_false(credential_has_host(&c, "c.example", 443));
}

static const char *only[] = { "1000", "codex", "s-1", "online" };

static void
a_run_of_another_user_session_agent_or_profile_has_nothing(void **state)
{
	const struct config_credential c = {
		.name = "x",
		.users = { .items = &only[0], .count = 1 },
		.agents = { .items = &only[1], .count = 1 },
		.sessions = { .items = &only[2], .count = 1 },
		.profiles = { .items = &only[3], .count = 1 },
	};
	const struct config_credential all = { .name = "y" };
	struct credential_scope s = {
		.uid = 1000,
		.agent = "codex",
		.session = "s-1",
		.profile = "online",
	};

	(void)state;
	assert_true(credential_fits(&c, &s));
	s.uid = 100;
	assert_false(credential_fits(&c, &s));
	s.uid = 1000;
	s.agent = NULL;
	assert_false(credential_fits(&c, &s));
	assert_true(credential_fits(&all, &s));
	s.agent = "codex";
	s.session = "s-10";
	assert_false(credential_fits(&c, &s));
	s.session = "s-1";
	s.profile = "offline";
	assert_false(credential_fits(&c, &s));
}

static void
a_host_is_told_only_where_it_is_the_only_one(void **state)
{
	const char *one[] = { "vm:18922", "git.other.example" };
	const char *plain[] = { "git.example" }, *below[] = { "*.git.example" };
	struct config_credential c = {
		.name = "x",
		.kind_name = "ssh",
		.hosts = { .items = one, .count = 1 },
	};
	char host[CREDENTIAL_HOST_MAX];
	uint16_t port;

	(void)state;
	assert_true(credential_only_host(&c, host, &port));
	assert_string_equal(host, "vm");
	assert_int_equal(port, 18922);
	c.hosts.count = 2;
	assert_false(credential_only_host(&c, host, &port));
	c.hosts = (struct credential_list){ .items = plain, .count = 1 };
	assert_true(credential_only_host(&c, host, &port));
	assert_string_equal(host, "git.example");
	assert_int_equal(port, 22);
	c.hosts.items = below;
	assert_false(credential_only_host(&c, host, &port));
	c.hosts.count = 0;
	assert_false(credential_only_host(&c, host, &port));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_credential_is_taken_as_it_is_meant),
		cmocka_unit_test(what_is_wrong_with_a_credential_is_said),
		cmocka_unit_test(a_credential_is_there_once),
		cmocka_unit_test(requirements_name_what_may_be_used),
		cmocka_unit_test(a_credential_survives_the_way_to_a_role),
		cmocka_unit_test(a_host_is_named_exactly_or_by_what_it_ends_in),
		cmocka_unit_test(
		    a_run_of_another_user_session_agent_or_profile_has_nothing),
		cmocka_unit_test(a_host_is_told_only_where_it_is_the_only_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
