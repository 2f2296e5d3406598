/*
 * The configuration: what is taken, what is refused and where, and what an
 * administrator's requirements do to it.
 * Runs in: tests.
 */
#include "config_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/mem.h"

static const struct config *
good(struct config_files *f, const char *text, const char *requirements)
{
	if (config_files_load(f, text, requirements) != 0) {
		AUTO_BUF struct buf out = BUF_INIT(1 << 16);

		diags_print(f->diags, &out);
		fail_msg("%s\n%s", f->err.msg, buf_cstr(&out));
	}
	return f->config;
}

static void
assert_refused(struct config_files *f, const char *text,
    const char *requirements, unsigned line, unsigned col, const char *message)
{
	AUTO_BUF struct buf out = BUF_INIT(1 << 16);
	const struct diag *d = NULL;

	assert_int_equal(config_files_load(f, text, requirements), ERR_INVALID);
	assert_null(f->config);
	diags_print(f->diags, &out);
	for (size_t i = 0; i < diags_count(f->diags) && d == NULL; i++) {
		const struct diag *at = diags_at(f->diags, i);

		if (at->severity == DIAG_ERROR &&
		    strstr(at->message, message) != NULL)
			d = at;
	}
	if (d == NULL)
		fail_msg("no '%s' in:\n%s", message, buf_cstr(&out));
	if (d->line != line || d->col != col)
		fail_msg("at %u:%u, not %u:%u:\n%s", d->line, d->col, line, col,
		    buf_cstr(&out));
}

static void
without_a_file_everything_has_a_default(void **state)
{
	const struct config *c = good(*state, "", NULL);

	assert_int_equal(c->approval_policy, POLICY_ON_REQUEST);
	assert_int_equal(c->approvals_reviewer, REVIEWER_AUTO);
	assert_int_equal(c->ask_timeout_ms, 600000);
	assert_int_equal(c->review_timeout_ms, 90000);
	assert_int_equal(c->log_payloads, PAYLOADS_MASKED);
	assert_null(c->listen_tcp);
	assert_int_equal(c->require_count, 0);
	assert_string_equal(c->state_dir, "/state");
	assert_string_equal(c->runtime_dir, "/run/x");
	assert_string_equal(c->rule_dirs[0].path, "/etc/assent/requirements.d");
	assert_true(c->rule_dirs[0].requirements);
	assert_string_equal(c->rule_dirs[1].path, "/etc/assent/rules.d");
}

static void
every_setting_is_taken(void **state)
{
	struct config_files *f = *state;
	const struct config *c;
	char text[512];

	config_files_put(f->token, "agent 0123456789abcdef\n", 0600);
	(void)snprintf(text, sizeof(text),
	    "approval_policy: never\n"
	    "approvals_reviewer: user\n"
	    "ask_timeout: 90s\n"
	    "reviewer: {timeout: 5s}\n"
	    "listen:\n"
	    "  tcp: \"127.0.0.1:7878\"\n"
	    "  token_file: %s\n"
	    "log: {payloads: \"off\"}\n"
	    "require: [landlock>=3, seccomp, userns]\n",
	    f->token);
	c = good(f, text, NULL);
	assert_int_equal(c->approval_policy, POLICY_NEVER);
	assert_int_equal(c->approvals_reviewer, REVIEWER_USER);
	assert_int_equal(c->ask_timeout_ms, 90000);
	assert_int_equal(c->review_timeout_ms, 5000);
	assert_string_equal(c->listen_tcp, "127.0.0.1:7878");
	assert_string_equal(c->token, "agent 0123456789abcdef\n");
	assert_int_equal(c->log_payloads, PAYLOADS_OFF);
	assert_int_equal(c->require_count, 3);
	assert_string_equal(c->require[0].feature, "landlock");
	assert_int_equal(c->require[0].min, 3);
	assert_string_equal(c->require[2].feature, "userns");
}

static void
approvals_name_people_and_a_group_by_risk(void **state)
{
	AUTO(config_freep) struct config *got = NULL;
	AUTO_BUF struct buf record = BUF_INIT((size_t)1 << 20);
	const struct config *c = good(*state,
	    "approvals: {high: 2, critical: {people: 3, group: security}}\n",
	    NULL);

	config_encode(c, SECRETS_ALL, &record);
	assert_int_equal(config_decode(buf_str(&record), &got, NULL), 0);
	assert_int_equal(got->approvals[RISK_HIGH], 2);
	assert_string_equal(got->approver_groups[RISK_HIGH], "");
	assert_int_equal(got->approvals[RISK_CRITICAL], 3);
	assert_string_equal(got->approver_groups[RISK_CRITICAL], "security");
	assert_refused(
	    *state, "approvals: {high: {grup: x}}\n", NULL, 1, 20, "grup");
	assert_refused(*state, "approvals: {high: {group: a:b}}\n", NULL, 1, 27,
	    "a group of this machine");
	assert_refused(*state,
	    "approvals: {high: {group: a234567890123456789012345678901234}}\n",
	    NULL, 1, 27, "a group of this machine");
}

static void
an_unknown_key_is_an_error_with_a_hint(void **state)
{
	struct config_files *f = *state;

	assert_refused(f, "a: 1\napproval_polcy: never\n", NULL, 2, 1,
	    "unknown key 'approval_polcy'");
	assert_string_equal(
	    diags_at(f->diags, 1)->hint, "did you mean 'approval_policy'?");
	assert_refused(
	    f, "log:\n  payload: full\n", NULL, 2, 3, "unknown key 'payload'");
	assert_string_equal(
	    diags_at(f->diags, 0)->hint, "did you mean 'payloads'?");
}

static void
a_key_twice_is_an_error(void **state)
{
	assert_refused(*state, "ask_timeout: 5m\nask_timeout: 6m\n", NULL, 2, 1,
	    "duplicate key");
}

static void
wrong_types_and_ranges_are_errors_with_a_place(void **state)
{
	static const struct {
		const char *text;
		unsigned line, col;
		const char *message;
	} cases[] = {
		{ "approval_policy: sometimes", 1, 18, "one of untrusted" },
		{ "approval_policy: [never]", 1, 18, "is one value" },
		{ "approval_policy:", 1, 17, "has no value" },
		{ "ask_timeout: 10", 1, 14, "is not a duration" },
		{ "ask_timeout: 10ms", 1, 14, "not '10ms'" },
		{ "ask_timeout: 9999999d", 1, 14, "seconds" },
		{ "ask_timeout: -5m", 1, 14, "is not a duration" },
		{ "log: masked", 1, 6, "keys of its own" },
		{ "listen: {tcp: 7878}", 1, 15, "is not an address" },
		{ "listen: {tcp: \"0.0.0.0:7878\"}", 1, 15, "loopback" },
		{ "listen: {tcp: \"10.0.0.1:7878\"}", 1, 15, "loopback" },
		{ "listen: {tcp: \"127.1:7878\"}", 1, 15, "loopback" },
		{ "listen: {tcp: \"127.0.0.1:70000\"}", 1, 15, "address" },
		{ "listen: {tcp: \"127.0.0.1:1\"}", 1, 15, "token_file" },
		{ "listen: {token_file: x/y}", 1, 22, "absolute" },
		{ "require: [apparmor]", 1, 11, "be required" },
		{ "require: [landlock>=x]", 1, 11, "no version" },
		{ "require: [seccomp>=2]", 1, 11, "no version" },
		{ "require: landlock", 1, 10, "is a list" },
		{ "- never", 1, 1, "map of settings" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_refused(*state, cases[i].text, NULL, cases[i].line,
		    cases[i].col, cases[i].message);
}

static void
all_findings_come_at_once(void **state)
{
	struct config_files *f = *state;

	assert_int_equal(
	    config_files_load(
		f, "approval_policy: x\nlog: {payloads: y}\nz: 1\n", NULL),
	    ERR_INVALID);
	assert_int_equal(diags_errors(f->diags), 3);
	assert_non_null(strstr(f->err.msg, "3 errors"));
}

static void
a_profile_names_hosts_and_ports_and_nothing_else(void **state)
{
	static const struct {
		const char *text, *message;
		unsigned line, col;
	} cases[] = {
		{ "profiles:\n  p: {network: [\"https://example.com\"]}",
		    "is not a host", 2, 17 },
		{ "profiles:\n  p: {network: [\"a b\"]}", "is not a host", 2,
		    17 },
		{ "profiles:\n  p: {network_only: maybe}",
		    "neither true nor false", 2, 21 },
		{ "profiles:\n  p: {network: [\"a:80 get\"]}", "and methods", 2,
		    17 },
		{ "profiles:\n  p: {network: [\"a:80 \"]}", "and methods", 2,
		    17 },
		{ "profiles:\n  p: {network_limits: {connections: 1025}}",
		    "1 to 1024 connections", 2, 37 },
		{ "profiles:\n  p: {network_limits: {up: much}}", "size", 2,
		    28 },
		{ "profiles:\n  p: {network_limits: {ups: 1}}", "ups", 2, 24 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_refused(*state, cases[i].text, NULL, cases[i].line,
		    cases[i].col, cases[i].message);
}

static void
the_log_goes_only_where_it_can_be_sent_safely(void **state)
{
	static const struct {
		const char *text, *message;
		unsigned line, col;
	} cases[] = {
		{ "telemetry: {otlp: \"http://collector:4318\"}",
		    "no address of https", 1, 19 },
		{ "telemetry: {otlp: \"https://u:p@collector\"}",
		    "no address of https", 1, 19 },
		{ "telemetry: {webhook: \"unix:/run/x\"}",
		    "no address of https", 1, 22 },
		{ "telemetry: {syslog: /dev/log}", "is no syslog destination",
		    1, 21 },
		{ "telemetry: {webhook: \"https://x/\"}",
		    "needs telemetry.webhook_key_file", 1, 22 },
		{ "telemetry: {file: rows.jsonl}", "not an absolute path", 1,
		    19 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_refused(*state, cases[i].text, NULL, cases[i].line,
		    cases[i].col, cases[i].message);
}

static void
lists_are_checked_although_they_are_refused(void **state)
{
	assert_refused(*state,
	    "reviewer:\n  providers:\n    - {nme: a, format: chat}\n", NULL, 3,
	    8, "unknown key 'nme'");
	assert_refused(*state,
	    "reviewer:\n  providers:\n    - {name: a, format: chat}\n", NULL, 3,
	    7, "has either a url or a command");
	assert_refused(*state, "profiles:\n  p: {limits: {memory: lots}}\n",
	    NULL, 2, 24, "is not a size");
	assert_refused(*state, "profiles:\n  p: {network: [1, [2]]}\n", NULL, 2,
	    20, "is one value");
}

/* ---- files and owners -------------------------------------------------- */

static void
a_named_file_that_is_not_there_is_an_error(void **state)
{
	const struct config_sources s = { .file = "/nonexistent/c.yaml" };
	struct config_files *f = *state;

	f->diags = diags_new();
	assert_int_equal(
	    config_load(&s, f->diags, &f->config, &f->err), ERR_NOTFOUND);
	assert_non_null(strstr(f->err.msg, "/nonexistent/c.yaml"));
}

static void
a_file_that_others_may_write_is_refused(void **state)
{
	struct config_files *f = *state;
	const struct config_sources s = { .file = f->file };

	config_files_put(f->file, "", 0622);
	f->diags = diags_new();
	assert_int_equal(
	    config_load(&s, f->diags, &f->config, &f->err), ERR_DENIED);
	assert_non_null(strstr(f->err.msg, "chmod go-w"));
}

static void
a_file_of_another_user_is_refused(void **state)
{
	struct config_files *f = *state;
	const struct config_sources s = { .file = f->file };

	if (geteuid() != 0) {
		print_message("SKIPPED: only root can give files away\n");
		skip();
	}
	config_files_put(f->file, "", 0600);
	assert_int_equal(chown(f->file, 54321, 0), 0);
	f->diags = diags_new();
	assert_int_equal(
	    config_load(&s, f->diags, &f->config, &f->err), ERR_DENIED);
	assert_non_null(strstr(f->err.msg, "belongs to user 54321"));
}

static void
a_token_file_must_be_private_and_plain_text(void **state)
{
	static const struct {
		const char *token;
		mode_t mode;
		const char *message;
	} cases[] = {
		{ "0123456789abcdef", 0640, "can be read by others" },
		{ " \n\n", 0600, "is empty" },
		{ "0123456789\xc3\xa9 abcdef", 0600, "not plain ASCII" },
		{ "0123456789\x1b[2J abcdef", 0600, "not plain ASCII" },
		{ NULL, 0, "there is no file" },
	};
	struct config_files *f = *state;
	char text[256];

	(void)snprintf(text, sizeof(text),
	    "listen: {tcp: \"[::1]:0\", token_file: %s}\n", f->token);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		(void)unlink(f->token);
		if (cases[i].token != NULL)
			config_files_put(
			    f->token, cases[i].token, cases[i].mode);
		assert_int_not_equal(config_files_load(f, text, NULL), 0);
		if (strstr(f->err.msg, cases[i].message) == NULL)
			fail_msg("'%s' does not say '%s'", f->err.msg,
			    cases[i].message);
		assert_null(strstr(f->err.msg, "0123456789"));
	}
}

/* ---- requirements ------------------------------------------------------ */

static void
a_value_that_is_not_allowed_is_refused_at_its_place(void **state)
{
	struct config_files *f = *state;

	assert_refused(f, "ask_timeout: 5m\napproval_policy: never\n",
	    "approval_policy: {allowed: [untrusted, on-request]}\n", 2, 18,
	    "approval_policy 'never' is not permitted");
	assert_refused(f, "log: {payloads: full}\n",
	    "log: {payloads: {allowed: [masked]}}\n", 1, 17,
	    "log.payloads 'full' is not permitted");
}

static void
a_default_that_is_not_allowed_gives_way(void **state)
{
	const struct config *c = good(*state, "",
	    "approval_policy: {allowed: [untrusted]}\n"
	    "approvals_reviewer: {allowed: [user]}\n");

	assert_int_equal(c->approval_policy, POLICY_UNTRUSTED);
	assert_int_equal(c->approvals_reviewer, REVIEWER_USER);
	assert_int_equal(c->ceiling.approval_policy.count, 1);
	assert_string_equal(c->ceiling.approval_policy.items[0], "untrusted");
}

static void
what_is_forced_cannot_be_overridden(void **state)
{
	struct config_files *f = *state;
	const struct config *c =
	    good(f, "approval_policy: on-request\nask_timeout: 1h\n",
		"approval_policy: {forced: untrusted}\n"
		"ask_timeout: {forced: 5m}\n"
		"log: {payloads: {forced: full}}\n");

	assert_int_equal(c->approval_policy, POLICY_UNTRUSTED);
	assert_int_equal(c->ask_timeout_ms, 300000);
	assert_int_equal(c->log_payloads, PAYLOADS_FULL);
	/* It is said, for each value that lost. */
	assert_int_equal(diags_count(f->diags), 2);
	assert_int_equal(diags_at(f->diags, 0)->severity, DIAG_WARNING);
}

static void
what_is_required_by_either_stays_required(void **state)
{
	const struct config *c = good(*state, "require: [seccomp]\n",
	    "require: {forced: [landlock>=6]}\n");

	assert_int_equal(c->require_count, 2);
	assert_string_equal(c->require[0].feature, "seccomp");
	assert_string_equal(c->require[1].feature, "landlock");
	assert_int_equal(c->require[1].min, 6);
}

static void
ill_formed_requirements_are_refused(void **state)
{
	struct config_files *f = *state;

	assert_refused(f, "", "approval_policy: untrusted\n", 1, 18,
	    "says what is allowed or forced");
	assert_refused(f, "", "approval_policy: {allow: [never]}\n", 1, 19,
	    "unknown key 'allow'");
	assert_refused(
	    f, "", "approval_polcy: {allowed: [never]}\n", 1, 1, "unknown key");
	assert_refused(f, "", "approval_policy: {allowed: []}\n", 1, 28,
	    "permits nothing");
	assert_refused(f, "", "approval_policy: {allowed: [nevr]}\n", 1, 29,
	    "is not a value of approval_policy");
	assert_refused(f, "", "ask_timeout: {allowed: [5m]}\n", 1, 24,
	    "cannot be limited to a list");
	assert_refused(f, "", "telemetry: {otlp: {forced: \"http://x\"}}\n", 1,
	    28, "no address of https");
}

static void
full_access_needs_the_administrators_word(void **state)
{
	struct config_files *f = *state;
	const struct config *c = good(f, "", NULL);

	assert_true(config_profile_allowed(c, "workspace-write"));
	assert_false(config_profile_allowed(c, "danger-full-access"));
	c = good(f, "", "profiles: {allowed: [read-only]}\n");
	assert_true(config_profile_allowed(c, "read-only"));
	assert_false(config_profile_allowed(c, "workspace-write"));
	c = good(f, "", "profiles: {allowed: [danger-full-access]}\n");
	assert_true(config_profile_allowed(c, "danger-full-access"));
}

/* ---- the record -------------------------------------------------------- */

static void
fill(struct config *c)
{
	static const char *words[] = { "a", "b" };
	static struct config_profile profile = {
		.name = "p",
		.write = { words, 2 },
		.has_write = true,
		.strict = true,
		.where = "x:1",
		.deny = { words, 1 },
		.disk_bytes = 9,
		.network = { words, 1 },
		.has_network = true,
		.network_only = true,
		.network_upstream = "proxy.example:3128",
		.net_connections = 7,
		.net_idle_ms = 9,
		.memory_bytes = 4096,
		.pids = 7,
		.wall_ms = 1000,
	};
	static struct config_provider provider = {
		.name = "n",
		.format = "command",
		.command = { words, 2 },
		.key_command = { words, 1 },
		.ca_file = "/c",
		.aliases = { words, 2 },
		.public_only = true,
	};

	c->profiles = &profile;
	c->profile_count = 1;
	c->providers = &provider;
	c->provider_count = 1;
	c->otlp = "http://x";
	c->token = "secret";
	c->passphrases = "1000 scrypt";
}

static void
a_configuration_survives_its_record(void **state)
{
	AUTO_BUF struct buf first = BUF_INIT(1 << 20);
	AUTO_BUF struct buf second = BUF_INIT(1 << 20);
	AUTO(config_freep) struct config *got = NULL;
	struct config_files *f = *state;

	(void)good(f, "approval_policy: never\nrequire: [landlock>=2]\n",
	    "profiles: {allowed: [read-only]}\n");
	fill(f->config);
	config_encode(f->config, SECRETS_ALL, &first);
	assert_int_equal(config_decode(buf_str(&first), &got, &f->err), 0);
	config_encode(got, SECRETS_ALL, &second);
	assert_true(str_eq(buf_str(&first), buf_str(&second)));
	assert_string_equal(got->token, "secret");
	assert_string_equal(got->passphrases, "1000 scrypt");
	assert_int_equal(got->approval_policy, POLICY_NEVER);
	assert_int_equal(got->profiles[0].pids, 7);
	assert_int_equal(got->profiles[0].net_connections, 7);
	assert_int_equal(got->profiles[0].net_idle_ms, 9);
	assert_string_equal(
	    got->profiles[0].network_upstream, "proxy.example:3128");
	assert_string_equal(got->profiles[0].write.items[1], "b");
	assert_false(config_profile_allowed(got, "workspace-write"));
}

static void
roles_that_need_no_secret_get_none(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(1 << 20);
	AUTO(config_freep) struct config *got = NULL;
	struct config_files *f = *state;

	(void)good(f, "", NULL);
	f->config->token = "very-secret";
	f->config->passphrases = "very-secret";
	config_encode(f->config, SECRETS_NONE, &b);
	assert_int_equal(str_search(buf_str(&b), STR("very-secret")), b.len);
	assert_int_equal(config_decode(buf_str(&b), &got, NULL), 0);
	assert_null(got->token);
	assert_null(got->passphrases);
}

static void
a_record_cut_short_or_changed_is_refused_or_whole(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(1 << 20);
	struct config_files *f = *state;

	(void)good(f, "", NULL);
	fill(f->config);
	config_encode(f->config, SECRETS_ALL, &b);
	for (size_t len = 0; len < b.len; len++) {
		AUTO(config_freep) struct config *got = NULL;

		assert_int_not_equal(
		    config_decode(str_n(b.s, len), &got, NULL), 0);
	}
	for (size_t at = 0; at < b.len; at++) {
		AUTO(config_freep) struct config *got = NULL;

		b.s[at] = (char)(b.s[at] ^ 0x81);
		if (config_decode(buf_str(&b), &got, NULL) == 0)
			assert_non_null(got->state_dir);
		b.s[at] = (char)(b.s[at] ^ 0x81);
	}
}

static void
the_description_names_every_key(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(1 << 16);

	(void)state;
	config_describe(&b);
	assert_non_null(strstr(buf_cstr(&b),
	    "approval_policy: untrusted | on-request | never (default "
	    "on-request)"));
	assert_non_null(strstr(buf_cstr(&b), "require\n"));
}

int
main(void)
{
#define T(f)                                                                   \
	cmocka_unit_test_setup_teardown(                                       \
	    f, config_files_setup, config_files_teardown)
	const struct CMUnitTest tests[] = {
		T(without_a_file_everything_has_a_default),
		T(every_setting_is_taken),
		T(approvals_name_people_and_a_group_by_risk),
		T(an_unknown_key_is_an_error_with_a_hint),
		T(a_key_twice_is_an_error),
		T(wrong_types_and_ranges_are_errors_with_a_place),
		T(all_findings_come_at_once),
		T(a_profile_names_hosts_and_ports_and_nothing_else),
		T(the_log_goes_only_where_it_can_be_sent_safely),
		T(lists_are_checked_although_they_are_refused),
		T(a_named_file_that_is_not_there_is_an_error),
		T(a_file_that_others_may_write_is_refused),
		T(a_file_of_another_user_is_refused),
		T(a_token_file_must_be_private_and_plain_text),
		T(a_value_that_is_not_allowed_is_refused_at_its_place),
		T(a_default_that_is_not_allowed_gives_way),
		T(what_is_forced_cannot_be_overridden),
		T(what_is_required_by_either_stays_required),
		T(ill_formed_requirements_are_refused),
		T(full_access_needs_the_administrators_word),
		T(a_configuration_survives_its_record),
		T(roles_that_need_no_secret_get_none),
		T(a_record_cut_short_or_changed_is_refused_or_whole),
		T(the_description_names_every_key),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
