/*
 * What only requirements.yaml says: kept with its place, held against what
 * was chosen, and asked later.
 * Runs in: tests.
 */
#include "config_files.h"

#include "model/requirements.h"

#include <sys/stat.h>

#include "base/mem.h"

static const struct config_ceiling *
good(struct config_files *f, const char *requirements)
{
	if (config_files_load(f, "", requirements) != 0)
		fail_msg("%s", f->err.msg);
	return &f->config->ceiling;
}

static void
assert_told(struct config_files *f, const char *text, const char *requirements,
    const char *message)
{
	AUTO_BUF struct buf out = BUF_INIT(1 << 16);

	assert_int_not_equal(config_files_load(f, text, requirements), 0);
	assert_null(f->config);
	diags_print(f->diags, &out);
	buf_puts(&out, f->err.msg);
	if (strstr(buf_cstr(&out), message) == NULL)
		fail_msg("no '%s' in:\n%s", message, buf_cstr(&out));
}

static void
a_refusal_names_the_line_and_what_it_permits(void **state)
{
	struct config_files *f = *state;
	AUTO_BUF struct buf want = BUF_INIT(1024);

	buf_printf(
	    &want, "%s:3 permits untrusted, on-request", f->requirements);
	assert_told(f, "approval_policy: never\n",
	    "# ours\n\napproval_policy: {allowed: [untrusted, on-request]}\n",
	    buf_cstr(&want));
	assert_told(f, "contained_clients: [codex, gemini]\n",
	    "contained_clients: {allowed: [codex]}\n",
	    "contained_clients 'gemini' is not permitted");
	assert_told(f, "telemetry: {file: /tmp/x.jsonl}\n",
	    "telemetry: {file: {allowed: [/var/log/assent.jsonl]}}\n",
	    "telemetry.file '/tmp/x.jsonl' is not permitted");
	assert_told(f,
	    "reviewer: {providers: [{name: m, format: chat, model: x, "
	    "url: \"https://api.example.evil/v1\", key_file: /k}]}\n",
	    "reviewer: {providers: {allowed: [\"https://api.example\"]}}\n",
	    "reviewer 'm' is not permitted");
	assert_int_equal(
	    config_files_load(f,
		"contained_clients: [codex]\n"
		"reviewer: {providers: [{name: m, format: chat, model: x, "
		"url: \"https://api.example/v1\", key_file: /k}]}\n",
		"contained_clients: {allowed: [codex]}\n"
		"reviewer: {providers: {allowed: [\"https://api.example\"]}}"
		"\n"),
	    0);
}

static void
hosts_are_permitted_only_where_all_of_them_lie_in_the_list(void **state)
{
	static const struct {
		const char *host;
		bool permitted;
	} cases[] = {
		{ "www.example.com", true },
		{ "www.example.com:443", true },
		{ "secret.example.com", false },
		{ "*.example.com", false }, /* holds a denied one */
		{ "example.org", false },
		{ "10.1.1.1:22", true },
		{ "", false },
		{ NULL, false },
	};
	const struct config_requirement *q;
	const struct config_ceiling *c = good(*state,
	    "hosts:\n  allowed: ['*.example.com', 10.0.0.0/8]\n"
	    "  denied: [secret.example.com]\n");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (requirements_permit_host(c, cases[i].host, &q) !=
		    cases[i].permitted)
			fail_msg("%s", cases[i].host);
	}
	c = good(*state, "");
	assert_true(requirements_permit_host(c, NULL, &q));
}

static void
a_client_that_is_not_listed_is_not_permitted(void **state)
{
	const struct config_requirement *q;
	const struct config_ceiling *c =
	    good(*state, "clients: {allowed: [codex, unnamed]}\n");

	assert_true(requirements_permit_client(c, "codex", &q));
	assert_true(requirements_permit_client(c, NULL, &q));
	assert_false(requirements_permit_client(c, "Codex", &q));
	assert_false(requirements_permit_client(c, "", &q));
	assert_false(requirements_permit_client(c, "gemini", &q));
	assert_non_null(strstr(q->where, "r.yaml:1"));
}

static void
folders_of_rules_are_forced_and_limited(void **state)
{
	struct config_files *f = *state;
	const struct config *c;
	bool found = false;
	const char *rules[1];

	f->more.rule_dirs = rules;
	f->more.rule_dir_count = 1;
	rules[0] = "/srv/elsewhere";
	assert_told(f, "", "rules: {directories: {allowed: [/srv/rules]}}\n",
	    "'/srv/elsewhere' cannot be a folder of rules");
	rules[0] = "/srv/rulesets";
	assert_told(f, "", "rules: {directories: {allowed: [/srv/rules]}}\n",
	    "cannot be a folder of rules");
	rules[0] = "/srv/rules/a";
	assert_int_equal(config_files_load(f, "",
			     "rules: {directories: {allowed: [/srv/rules], "
			     "forced: [/etc/rules]}}\n"),
	    0);
	c = f->config;
	for (size_t i = 0; i < c->rule_dir_count; i++)
		found = found ||
		    (strcmp(c->rule_dirs[i].path, "/etc/rules") == 0 &&
			!c->rule_dirs[i].optional && !c->rule_dirs[i].user);
	assert_true(found);
}

static void
what_is_ill_formed_is_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "hosts: {forced: [a]}\n", "unknown key 'forced'" },
		{ "hosts: {allowed: []}\n", "permits nothing" },
		{ "hosts: [a]\n", "says what is allowed" },
		{ "hosts: {allowed: ['http://a']}\n", "no pattern for hosts" },
		{ "clients: {denied: [a]}\n", "unknown key 'denied'" },
		{ "client: {allowed: [a]}\n", "unknown key 'client'" },
		{ "rules: {cover: {allowed: [project]}}\n", "no layer" },
		{ "rules: {covers: {allowed: [user]}}\n", "unknown key" },
		{ "rules: {directories: {forced: [rules]}}\n",
		    "not an absolute path" },
		{ "contained_clients: {allowed: [codexx]}\n",
		    "not a value of contained_clients" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_told(*state, "", cases[i].text, cases[i].message);
}

static void
all_of_it_is_read_back_with_its_places_in_every_role(void **state)
{
	struct config_files *f = *state;
	AUTO_BUF struct buf record = BUF_INIT(1 << 20);
	AUTO_BUF struct buf json = BUF_INIT(1 << 16);
	AUTO_BUF struct buf text = BUF_INIT(1 << 16);
	AUTO(config_freep) struct config *copy = NULL;

	assert_int_equal(config_files_load(f, "",
			     "approval_policy: {forced: untrusted}\n"
			     "telemetry:\n"
			     "  file: {forced: /var/log/a.jsonl}\n"
			     "log: {payloads: {allowed: [masked]}}\n"
			     "hosts: {allowed: [a.example]}\n"
			     "profiles: {forced: {build: {env: [\"A=1\"]}}}\n"),
	    0);
	config_encode(f->config, SECRETS_NONE, &record);
	assert_int_equal(config_decode(buf_str(&record), &copy, NULL), 0);
	requirements_to_json(&copy->ceiling, &json);
	requirements_to_text(&copy->ceiling, &text);
	assert_string_equal(f->config->telemetry_file, "/var/log/a.jsonl");
	for (size_t i = 0; i < 2; i++) {
		const char *const shown = buf_cstr(i == 0 ? &json : &text);

		assert_non_null(strstr(shown, "r.yaml:3"));
		assert_non_null(strstr(shown, "telemetry.file"));
		assert_non_null(strstr(shown, "log.payloads"));
		assert_non_null(strstr(shown, "a.example"));
		assert_non_null(strstr(shown, "{build: {env: [A=1]}}"));
	}
}

int
main(void)
{
#define T(t)                                                                   \
	cmocka_unit_test_setup_teardown(                                       \
	    t, config_files_setup, config_files_teardown)
	const struct CMUnitTest tests[] = {
		T(a_refusal_names_the_line_and_what_it_permits),
		T(hosts_are_permitted_only_where_all_of_them_lie_in_the_list),
		T(a_client_that_is_not_listed_is_not_permitted),
		T(folders_of_rules_are_forced_and_limited),
		T(what_is_ill_formed_is_refused),
		T(all_of_it_is_read_back_with_its_places_in_every_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
