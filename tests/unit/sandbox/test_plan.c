/*
 * Plans: what they refuse, what they hold, and that bytes keep all of it.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/action.h"
#include "sandbox/plan.h"

#define ARENA_MAX ((size_t)8 << 20)
#define RECORD_MAX ((size_t)1 << 20)

static const char *const argv_sample[] = { "make", "test" };
static const char *const env_sample[] = {
	"PATH=/usr/bin",
	"OPENAI_API_KEY=sk-1",
	"LD_PRELOAD=/x.so",
	"LC_ALL=C",
	"AWS_SECRET_ACCESS_KEY=x",
	"BASH_ENV=/x",
	"HOME=/elsewhere",
};
static const char *const write_sample[] = { "/srv/cache" };
static const char *const hide_sample[] = { "/srv/proj/private" };

static struct plan_options
sample(void)
{
	return (struct plan_options){
		.profile = profile_find("workspace-write"),
		.who = { .identity = IDENTITY_DEDICATED,
		    .uid = PLAN_UID_DEDICATED,
		    .gid = PLAN_UID_DEDICATED,
		    .name = "assent" },
		.workspace = "/srv/proj",
		.home = "/home/dev",
		.argv = argv_sample,
		.argc = 2,
		.env = env_sample,
		.env_count = ARRAY_LEN(env_sample),
		.write = write_sample,
		.write_count = 1,
		.hide = hide_sample,
		.hide_count = 1,
		.stdin_text = STR("input"),
		.has_stdin = true,
	};
}

static struct plan *
make(struct arena *a, const struct plan_options *o)
{
	struct plan *p = NULL;
	struct err e = ERR_INIT;

	if (plan_make(o, a, &p, &e) != 0)
		fail_msg("%s", e.msg);
	return p;
}

static int
code_of(const struct plan_options *o)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	struct plan *p = NULL;

	return plan_make(o, a, &p, NULL);
}

static void
a_plan_survives_its_bytes(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	AUTO_BUF struct buf one = BUF_INIT(RECORD_MAX);
	AUTO_BUF struct buf two = BUF_INIT(RECORD_MAX);
	AUTO_BUF struct buf text_one = BUF_INIT(RECORD_MAX);
	AUTO_BUF struct buf text_two = BUF_INIT(RECORD_MAX);
	const struct plan_options o = sample();
	const struct plan *p = make(a, &o);
	struct plan *back = NULL;

	(void)state;
	plan_encode(p, &one);
	assert_int_equal(plan_decode(buf_str(&one), a, &back, NULL), 0);
	plan_encode(back, &two);
	assert_true(str_eq(buf_str(&one), buf_str(&two)));
	plan_json(p, &text_one);
	plan_json(back, &text_two);
	assert_string_equal(buf_cstr(&text_one), buf_cstr(&text_two));
}

static void
a_record_cut_anywhere_is_refused(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	AUTO_BUF struct buf b = BUF_INIT(RECORD_MAX);
	const struct plan_options o = sample();
	struct plan *back = NULL;

	(void)state;
	plan_encode(make(a, &o), &b);
	for (size_t n = 0; n < b.len; n++) {
		AUTO(arena_freep) struct arena *own = arena_new(ARENA_MAX);

		assert_int_not_equal(
		    plan_decode(str_n(b.s, n), own, &back, NULL), 0);
	}
	buf_putc(&b, 'x');
	assert_int_not_equal(plan_decode(buf_str(&b), a, &back, NULL), 0);
}

static void
no_record_makes_a_run_the_hosts_root(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	AUTO_BUF struct buf b = BUF_INIT(RECORD_MAX);
	struct plan_options o = sample();
	struct plan *back = NULL;

	(void)state;
	o.who.uid = 0;
	plan_encode(make(a, &o), &b);
	assert_int_not_equal(plan_decode(buf_str(&b), a, &back, NULL), 0);
}

static void
i5_every_part_of_a_plan_changes_its_hash(void **state)
{
	static const char *const other[] = { "make", "tesT" };
	static const char *const hosts[] = { "a.example:443", "b.example" };
	struct plan_options v[18];
	uint8_t d[18][SHA256_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		v[i] = sample();
	v[1].argv = other;
	v[2].workspace = "/srv/proj2";
	v[3].home = NULL;
	v[4].cwd = "/srv/proj/sub";
	v[5].profile = profile_find("read-only");
	v[6].write_count = 0;
	v[7].hide_count = 0;
	v[8].stdin_text = STR("inpuT");
	v[9].wall_ms = 1000;
	v[10].who.uid++;
	v[11].env_count = 1;
	v[12].network = true;
	v[13].hosts = hosts;
	v[13].host_count = 1;
	v[14].hosts = hosts + 1;
	v[14].host_count = 1;
	v[15].hosts = hosts;
	v[15].host_count = 2;
	v[16].network = v[16].can_ask = true;
	v[17].sockets = other;
	v[17].socket_count = 1;
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
		AUTO_BUF struct buf b = BUF_INIT(RECORD_MAX);

		plan_encode(make(a, &v[i]), &b);
		assert_int_equal(plan_hash(buf_str(&b), d[i], NULL), 0);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(d[i], d[k], SHA256_LEN);
	}
}

static void
only_the_frame_decides_which_template_serves(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	AUTO_BUF struct buf one = BUF_INIT(RECORD_MAX);
	AUTO_BUF struct buf two = BUF_INIT(RECORD_MAX);
	AUTO_BUF struct buf three = BUF_INIT(RECORD_MAX);
	struct plan_options o = sample();

	(void)state;
	plan_template_key(make(a, &o), &one);
	o.cwd = "/srv/proj/sub";
	o.argc = 1;
	o.wall_ms = 5;
	plan_template_key(make(a, &o), &two);
	o.write_count = 0;
	plan_template_key(make(a, &o), &three);
	assert_true(str_eq(buf_str(&one), buf_str(&two)));
	assert_false(str_eq(buf_str(&one), buf_str(&three)));
}

/* What the plan says of the network, for a profile and some hosts. */
static void
assert_network(const struct plan_options *o, const char *said)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	AUTO_BUF struct buf record = BUF_INIT(RECORD_MAX);
	AUTO_BUF struct buf text = BUF_INIT(RECORD_MAX);
	struct plan *again = NULL;

	plan_encode(make(a, o), &record);
	assert_int_equal(plan_decode(buf_str(&record), a, &again, NULL), 0);
	plan_network_text(again, &text);
	assert_string_equal(buf_cstr(&text), said);
}

static void
a_plan_says_what_its_run_reaches(void **state)
{
	static const char *const hosts[] = { "a.example:443", "*", "x*.y",
		"[2001:db8::1]:22" };
	static const char *const named[] = { "*.site.example", NULL };
	static const char *const spoken[] = { "a.example:80 GET HEAD",
		"b.example:443 tls", NULL };
	struct profile site = *profile_find("workspace-write");
	struct plan_options o = sample();

	(void)state;
	assert_network(&o, "runs offline");
	o.hosts = hosts;
	o.host_count = ARRAY_LEN(hosts);
	/* A call names no pattern for everything, and none that is not one. */
	assert_network(
	    &o, "runs with network: a.example:443, [2001:db8::1]:22 only");
	o.can_ask = true;
	assert_network(&o,
	    "runs with network: a.example:443, [2001:db8::1]:22 only; each "
	    "other host is asked about first");
	site.online = site.hosts_only = true;
	site.hosts = named;
	o.profile = &site;
	o.host_count = 1;
	assert_network(
	    &o, "runs with network: *.site.example, a.example:443 only");
	site.hosts = spoken;
	site.ech = named;
	site.net = (struct profile_network){
		.connections = 9,
		.up_bytes = 1000,
		.down_bytes = 10 << 20,
		.idle_ms = 120000,
		.upstream = "proxy.example:3128",
	};
	o.host_count = 0;
	assert_network(&o,
	    "runs with network: a.example:80 with GET/HEAD, b.example:443 by "
	    "tls only; at most 1000 bytes up; at most 10M down; at most 9 "
	    "connections at a time; none idle for 2m; with encrypted TLS "
	    "hellos to *.site.example; through the proxy proxy.example:3128");
	o.profile = profile_find("workspace-write-online");
	o.host_count = 0;
	assert_network(&o, "runs with network; each host is asked about first");
}

static struct net_ruling
ruling_on(const struct plan *p, const char *name)
{
	struct net_host host;

	assert_int_equal(net_host_parse(str_of(name), &host, NULL), 0);
	return net_policy_match(
	    &p->net, &(struct net_target){ .host = &host, .port = 443 });
}

static void
a_rule_that_denies_a_host_is_held_against_a_profile(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	static const char *const named[] = { "*.site.example", NULL };
	struct denied_host denied[] = {
		{ "secret.site.example", "org.secret" },
		{ "paste.*", "org.paste" },
	};
	struct profile site = *profile_find("workspace-write");
	struct plan_options o = sample();
	const struct plan *p;

	(void)state;
	site.online = true;
	site.hosts = named;
	o.profile = &site;
	o.can_ask = true;
	o.rules_denied = denied;
	o.rules_denied_count = 1;
	p = make(a, &o);
	assert_int_equal(ruling_on(p, "wiki.site.example").decision, NET_ALLOW);
	assert_int_equal(
	    ruling_on(p, "secret.site.example").decision, NET_DENY);
	assert_string_equal(
	    ruling_on(p, "secret.site.example").rule->id, "org.secret");
	/* What the proxy cannot hold is no reason to drop it. */
	o.rules_denied_count = 2;
	p = make(a, &o);
	assert_int_equal(ruling_on(p, "wiki.site.example").decision, NET_ASK);
	assert_int_equal(
	    ruling_on(p, "secret.site.example").decision, NET_DENY);
}

static enum net_decision
decision_on(const struct plan *p, const char *name, const char *method)
{
	struct net_host host;

	assert_int_equal(net_host_parse(str_of(name), &host, NULL), 0);
	return net_policy_match(&p->net,
	    &(struct net_target){ .host = &host,
		.port = 80,
		.protocol = NET_HTTP,
		.method = str_of(method) })
	    .decision;
}

/* The same where the profile is another one than that which says it. */
static void
a_call_that_names_a_host_lifts_no_limit_of_a_profile(void **state)
{
	static const char *const said[] = { "web.test:80 GET",
		"*.site.test:80 http GET", "10.1.0.0/16:80 GET", NULL };
	static const char *const hosts[] = { "web.test:80", "a.site.test",
		"*.test:80", "10.1.2.3:80", "other.test" };
	struct profile site = *profile_find("workspace-write");
	struct profile less = *profile_find("read-only");
	struct plan_options o = sample();

	(void)state;
	site.online = site.hosts_only = less.hosts_only = true;
	site.hosts = less.bounds = said;
	o.hosts = hosts;
	for (size_t i = 0; i < 2 * ARRAY_LEN(hosts); i++) {
		AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
		const struct plan *p;

		o.profile = i % 2 == 0 ? &site : &less;
		o.host_count = i / 2 + 1;
		p = make(a, &o);
		assert_int_equal(decision_on(p, "web.test", "GET"), NET_ALLOW);
		assert_int_equal(decision_on(p, "web.test", "POST"), NET_DENY);
		assert_int_equal(
		    decision_on(p, "a.site.test", "POST"), NET_DENY);
		assert_int_equal(decision_on(p, "10.1.2.3", "POST"), NET_DENY);
		assert_int_equal(decision_on(p, "other.test", "POST"),
		    o.host_count > 2 ? NET_ALLOW : NET_DENY);
	}
}

static void
a_hello_is_encrypted_only_for_hosts_that_a_profile_names_for_it(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	AUTO_BUF struct buf record = BUF_INIT(RECORD_MAX);
	static const char *const named[] = { "*.front.example:443", NULL };
	struct profile site = *profile_find("workspace-write");
	struct plan_options o = sample();
	struct plan *p;
	struct net_host in, out;

	(void)state;
	assert_int_equal(net_host_parse(STR("a.front.example"), &in, NULL), 0);
	assert_int_equal(net_host_parse(STR("front.example"), &out, NULL), 0);
	site.online = true;
	site.ech = named;
	o.profile = &site;
	plan_encode(make(a, &o), &record);
	assert_int_equal(plan_decode(buf_str(&record), a, &p, NULL), 0);
	assert_true(net_policy_may_hide(&p->net, &in, 443));
	assert_false(net_policy_may_hide(&p->net, &in, 8443));
	assert_false(net_policy_may_hide(&p->net, &out, 443));
	/* It says nothing about whether they are reached. */
	assert_int_equal(ruling_on(p, "a.front.example").decision, NET_DENY);
}

static void
no_name_leads_to_an_address_that_is_denied_to_all(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	static const char *const named[] = { "wiki.site.example", NULL };
	static const char *const denied[] = { "10.1.0.0/16",
		"secret.site.example" };
	const struct net_addr in = { .len = 4, .bytes = { 10, 1, 2, 3 } };
	const struct net_addr out = { .len = 4, .bytes = { 10, 2, 2, 3 } };
	struct profile site = *profile_find("workspace-write");
	struct plan_options o = sample();
	struct net_ruling by;
	struct net_host h;
	struct err e = ERR_INIT;
	struct plan *p;

	(void)state;
	site.online = true;
	site.hosts = named;
	o.profile = &site;
	o.can_ask = true;
	o.denied = denied;
	o.denied_count = ARRAY_LEN(denied);
	p = make(a, &o);
	assert_int_equal(net_host_parse(str_of(named[0]), &h, &e), 0);
	by = net_policy_match(
	    &p->net, &(struct net_target){ &h, 443, NET_TLS, STR_NONE });
	assert_int_equal(by.decision, NET_ALLOW);
	assert_int_equal(
	    net_policy_check_addr(&p->net, &by, &in, 443, &e), ERR_DENIED);
	assert_int_equal(net_policy_check_addr(&p->net, &by, &out, 443, &e), 0);
	assert_int_equal(net_host_parse(str_of(denied[1]), &h, &e), 0);
	by = net_policy_match(
	    &p->net, &(struct net_target){ &h, 443, NET_TLS, STR_NONE });
	assert_int_equal(by.decision, NET_DENY);
}

static void
a_run_that_is_offline_has_nothing_of_the_network(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	struct plan_options o = sample();
	struct plan *p = make(a, &o);

	(void)state;
	assert_int_equal(p->port_count, 0);
	assert_int_equal(p->net.rule_count, 0);
	for (size_t i = 0; i < p->env_count; i++)
		assert_null(strcasestr(p->env[i], "proxy"));
	for (size_t i = 0; i < p->op_count; i++)
		assert_string_not_equal(p->ops[i].path, "/etc/resolv.conf");
	o.network = true;
	p = make(a, &o);
	assert_int_equal(p->port_count, 4);
	assert_int_equal(p->net.otherwise, NET_DENY);
}

static void
homes_and_system_folders_are_no_workspace(void **state)
{
	static const char *const refused[] = {
		"/",
		"/home",
		"/home/dev",
		"/root",
		"/tmp",
		"/var",
		"/var/tmp",
		"/usr/src/x",
		"/etc/x",
		"/proc/1/root",
		"/sys",
		"/dev/shm/x",
		"/run/x",
		"/var/lib/x",
		"relative",
		"/srv/../etc",
		"/srv//x",
		"/srv/x/",
		"/srv/./x",
		"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct plan_options o = sample();

		o.workspace = refused[i];
		if (code_of(&o) == 0)
			fail_msg("'%s' was accepted", refused[i]);
		o = sample();
		o.write = &refused[i];
		if (code_of(&o) == 0)
			fail_msg("'%s' was made writable", refused[i]);
	}
	assert_null(plan_workspace_refused("/home/dev/proj", "/home/dev"));
	assert_null(plan_workspace_refused("/tmp/x/proj", "/tmp/x"));
}

static void
a_request_shortens_the_time_and_never_lengthens_it(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	struct plan_options o = sample();
	const int64_t most = o.profile->limits.wall_ms;

	(void)state;
	o.wall_ms = 1;
	assert_int_equal(make(a, &o)->limits.wall_ms, 1);
	o.wall_ms = most + 1;
	assert_int_equal(make(a, &o)->limits.wall_ms, most);
	o.wall_ms = -1;
	assert_int_equal(make(a, &o)->limits.wall_ms, most);
}

static const char *
variable(const struct plan *p, const char *name)
{
	const size_t n = strlen(name);

	for (size_t i = 0; i < p->env_count; i++) {
		if (strncmp(p->env[i], name, n) == 0 && p->env[i][n] == '=')
			return p->env[i] + n + 1;
	}
	return NULL;
}

static void
variables_pass_by_an_allow_list(void **state)
{
	static const char *const set[] = { "LD_LIBRARY_PATH=/approved" };
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	struct plan_options o = sample();
	const struct plan *p;

	(void)state;
	o.set_env = set;
	o.set_env_count = 1;
	p = make(a, &o);
	assert_null(variable(p, "OPENAI_API_KEY"));
	assert_null(variable(p, "LD_PRELOAD"));
	assert_null(variable(p, "AWS_SECRET_ACCESS_KEY"));
	assert_null(variable(p, "BASH_ENV"));
	assert_string_equal(variable(p, "PATH"), "/usr/bin");
	assert_string_equal(variable(p, "LC_ALL"), "C");
	assert_string_equal(variable(p, "HOME"), "/home/dev");
	assert_string_equal(variable(p, "TMPDIR"), "/tmp");
	assert_string_equal(variable(p, "LD_LIBRARY_PATH"), "/approved");
}

static void
a_variable_without_a_value_is_an_error(void **state)
{
	static const char *const set[] = { "NOVALUE" };
	struct plan_options o = sample();

	(void)state;
	o.set_env = set;
	o.set_env_count = 1;
	assert_int_equal(code_of(&o), ERR_INVALID);
}

static void
a_plan_without_a_command_is_an_error(void **state)
{
	struct plan_options o = sample();

	(void)state;
	o.argc = 0;
	assert_int_equal(code_of(&o), ERR_INVALID);
}

static bool
has_op(const struct plan *p, enum op_kind kind, const char *path)
{
	for (size_t i = 0; i < p->op_count; i++) {
		if (p->ops[i].kind == kind && strcmp(p->ops[i].path, path) == 0)
			return true;
	}
	return false;
}

static void
a_writable_workspace_has_its_protected_parts(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	const struct plan_options o = sample();
	const struct plan *p = make(a, &o);

	(void)state;
	assert_true(has_op(p, OP_WORKSPACE, "/srv/proj"));
	assert_true(has_op(p, OP_PIN_NAME, "/srv/proj/.git"));
	assert_true(has_op(p, OP_PROTECT, "/srv/proj/.git/hooks"));
	assert_true(has_op(p, OP_PROTECT, "/srv/proj/.git/config"));
	assert_true(has_op(p, OP_PROTECT, "/srv/proj/.vscode"));
	assert_true(has_op(p, OP_MASK, "/srv/proj/.env"));
	assert_true(has_op(p, OP_MASK, "/srv/proj/private"));
	assert_true(has_op(p, OP_PROTECT, "/srv/cache/.git/hooks"));
}

/* A mount beyond a link is refused: the folder itself has to be there. */
static void
a_cache_that_holds_what_is_shown_is_a_folder_and_no_link(void **state)
{
	static const char *const cache[] = { "/home/dev/.cache/ccache" };
	static const char *const packages[] = { "/home/dev/.npm" };
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	struct plan_options o = sample();
	const struct plan *p = make(a, &o);

	(void)state;
	assert_true(has_op(p, OP_LINK, "/home/dev/.cache"));
	assert_true(has_op(p, OP_LINK, "/home/dev/.npm"));
	o.write = cache;
	o.read = packages;
	o.read_count = 1;
	p = make(a, &o);
	assert_false(has_op(p, OP_LINK, "/home/dev/.cache"));
	assert_false(has_op(p, OP_LINK, "/home/dev/.npm"));
	assert_true(has_op(p, OP_LINK, "/home/dev/.local/state"));
	assert_true(has_op(p, OP_ROOTED, "/home/dev/.cache/ccache"));
	assert_true(has_op(p, OP_TOOL, "/home/dev/.npm"));
}

static void
nothing_shows_the_home_itself_or_the_root(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	const struct plan_options o = sample();
	const struct plan *p = make(a, &o);

	(void)state;
	for (size_t i = 0; i < p->op_count; i++) {
		const struct op *op = &p->ops[i];

		if (op->kind != OP_SAME && op->kind != OP_TOOL &&
		    op->kind != OP_ROOTED)
			continue;
		assert_string_not_equal(op->path, "/");
		assert_false(plan_path_within("/home/dev", op->path));
		assert_false(plan_path_within("/home/dev/.ssh", op->path));
		assert_false(plan_path_within("/run/docker.sock", op->path));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_survives_its_bytes),
		cmocka_unit_test(a_record_cut_anywhere_is_refused),
		cmocka_unit_test(no_record_makes_a_run_the_hosts_root),
		cmocka_unit_test(i5_every_part_of_a_plan_changes_its_hash),
		cmocka_unit_test(a_plan_says_what_its_run_reaches),
		cmocka_unit_test(
		    a_call_that_names_a_host_lifts_no_limit_of_a_profile),
		cmocka_unit_test(
		    a_rule_that_denies_a_host_is_held_against_a_profile),
		cmocka_unit_test(
		    a_hello_is_encrypted_only_for_hosts_that_a_profile_names_for_it),
		cmocka_unit_test(
		    no_name_leads_to_an_address_that_is_denied_to_all),
		cmocka_unit_test(
		    a_run_that_is_offline_has_nothing_of_the_network),
		cmocka_unit_test(only_the_frame_decides_which_template_serves),
		cmocka_unit_test(homes_and_system_folders_are_no_workspace),
		cmocka_unit_test(
		    a_request_shortens_the_time_and_never_lengthens_it),
		cmocka_unit_test(variables_pass_by_an_allow_list),
		cmocka_unit_test(a_variable_without_a_value_is_an_error),
		cmocka_unit_test(a_plan_without_a_command_is_an_error),
		cmocka_unit_test(a_writable_workspace_has_its_protected_parts),
		cmocka_unit_test(
		    a_cache_that_holds_what_is_shown_is_a_folder_and_no_link),
		cmocka_unit_test(nothing_shows_the_home_itself_or_the_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
