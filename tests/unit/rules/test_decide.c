/*
 * How rules combine: floors, covers, defaults, policies.
 * Runs in: tests.  Trusts: nothing.  Owns: its own worlds.
 */
#include "rule_world.h"

#define HEAD "assent: 1\nrules:\n"
#define DEFAULTS                                                               \
	HEAD                                                                   \
	    "  - {id: d.start, effects: {start: any}, decision: allow,\n"      \
	    "     policy: [on-request, never]}\n"                              \
	    "  - {id: d.read, effects: {read: [workspace, system]},\n"         \
	    "     decision: allow, policy: [untrusted, on-request, never]}\n"  \
	    "  - {id: d.write, effects: {write: [workspace]},\n"               \
	    "     executor: assent, decision: allow}\n"                        \
	    "  - {id: d.connect, effects: {connect: any}, decision: review}\n"

static struct effect
effect_path(enum effect_kind kind, enum path_class c, const char *path)
{
	return (struct effect){ .kind = kind, .path_class = c, .target = path };
}

static struct effect
effect_host(const char *host)
{
	return (struct effect){ .kind = EFFECT_CONNECT, .target = host };
}

static void
without_any_rule_everything_is_asked(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, "assent: 1\n");
	world_part(&w, "true", NULL, 0);
	assert_int_equal(world_decide(&w), DECISION_ASK);
	assert_int_equal(w.last.by, BY_DEFAULT);
	assert_non_null(w.last.reason);
	world_close(&w);
}

static void
the_strictest_rule_wins(void **state)
{
	struct world w;

	(void)state;
	world_open(&w,
	    HEAD
	    "  - {id: a, command: {program: git}, decision: allow}\n"
	    "  - {id: b, command: {program: git, subcommand: push}, decision: "
	    "ask}\n"
	    "  - {id: c, command: {program: git, options: [-f]}, decision: "
	    "deny, reason: no}\n");
	world_part(&w, "git status", NULL, 0);
	assert_int_equal(world_decide(&w), DECISION_ALLOW);
	world_part(&w, "git push", NULL, 0);
	assert_int_equal(world_decide(&w), DECISION_ASK);
	world_part(&w, "git push -f", NULL, 0);
	assert_int_equal(world_decide(&w), DECISION_DENY);
	assert_string_equal(w.last.reason, "no");
	assert_string_equal(w.last.parts[2].rules[0].id, "c");
	assert_int_equal(w.last.parts[2].rule_count, 3);
	world_close(&w);
}

static void
an_allow_does_not_allow_what_it_does_not_name(void **state)
{
	struct world w;
	struct effect fx[] = {
		effect_host("intranet.example.com"),
		effect_path(EFFECT_WRITE, PATH_PROTECTED, "/home/dev/.bashrc"),
	};

	(void)state;
	world_open_layers(&w, DEFAULTS,
	    HEAD "  - id: site.curl\n"
		 "    regex: '^curl .*https://intranet\\.example\\.com/.*$'\n"
		 "    decision: allow\n"
		 "    covers: {connect: [intranet.example.com]}\n",
	    NULL);
	world_part(&w, "curl -s https://intranet.example.com/x", fx, 1);
	assert_int_equal(world_decide(&w), DECISION_ALLOW);
	w.fx.count = 0;
	world_part(
	    &w, "curl -o ~/.bashrc https://intranet.example.com/x", fx, 2);
	assert_int_equal(world_decide(&w), DECISION_ASK);
	assert_int_equal(fx[0].decision, DECISION_ALLOW);
	assert_int_equal(fx[1].decision, DECISION_ASK);
	w.fx.count = 0;
	fx[0].target = "evil.example";
	world_part(&w, "curl https://intranet.example.com/x", fx, 1);
	assert_int_equal(world_decide(&w), DECISION_REVIEW);
	world_close(&w);
}

static void
secret_places_must_be_named_to_be_covered(void **state)
{
	struct world w;
	struct effect fx =
	    effect_path(EFFECT_READ, PATH_SECRET, "/home/dev/.ssh/id_rsa");

	(void)state;
	world_open(&w,
	    HEAD "  - {id: a, command: {program: cat}, decision: allow,\n"
		 "     covers: {read: [any, \"/home/**\"]}}\n"
		 "  - {id: b, command: {program: ssh-add}, decision: allow,\n"
		 "     covers: {read: [secret]}}\n");
	world_part(&w, "cat x", &fx, 1);
	assert_int_equal(world_decide(&w), DECISION_ASK);
	w.fx.count = 0;
	world_part(&w, "ssh-add x", &fx, 1);
	assert_int_equal(world_decide(&w), DECISION_ALLOW);
	world_close(&w);
}

static void
running_code_is_never_covered_by_default(void **state)
{
	struct world w;
	struct effect fx = { .kind = EFFECT_RUN_CODE,
		.code_class = CODE_WORKSPACE };

	(void)state;
	world_open(&w,
	    HEAD "  - {id: a, command: {program: make}, decision: allow}\n");
	world_part(&w, "make", &fx, 1);
	assert_int_equal(world_decide(&w), DECISION_ASK);
	world_close(&w);
}

static void
an_unknown_program_that_a_rule_names_may_start(void **state)
{
	struct world w;
	struct effect fx = { .kind = EFFECT_UNKNOWN };
	struct part_command *c;

	(void)state;
	world_open(&w,
	    HEAD "  - {id: a, command: {program: tool}, decision: allow}\n");
	c = world_part(&w, "tool run x", &fx, 1);
	c->described = false;
	assert_int_equal(world_decide(&w), DECISION_ALLOW);
	/* ...but not when a word of it is unknown, */
	w.fx.count = 0;
	c = world_part(&w, "tool run $X", &fx, 1);
	c->described = false;
	assert_int_equal(world_decide(&w), DECISION_ASK);
	/* nor when another file of that name is meant. */
	w.fx.count = 0;
	c = world_part(&w, "tool run x", &fx, 1);
	c->described = false;
	c->written = STR("./tool");
	assert_int_equal(world_decide(&w), DECISION_ASK);
	world_close(&w);
}

static void
a_floor_holds_against_every_allow(void **state)
{
	struct world w;
	struct effect fx =
	    effect_path(EFFECT_WRITE, PATH_SYSTEM, "/etc/passwd");

	(void)state;
	world_open_layers(&w,
	    HEAD "  - {id: f, effects: {write: [system]}, floor: true, "
		 "decision: deny}\n",
	    HEAD "  - {id: a, command: {program: tee}, decision: allow, "
		 "covers: {write: [system, /etc/passwd]}}\n",
	    NULL);
	world_part(&w, "tee /etc/passwd", &fx, 1);
	assert_int_equal(world_decide(&w), DECISION_DENY);
	assert_true(w.last.floor);
	assert_int_equal(w.last.by, BY_RULE);
	world_close(&w);
}

static void
i2_a_deny_from_rules_is_final(void **state)
{
	static const enum approval_policy policies[] = { POLICY_UNTRUSTED,
		POLICY_ON_REQUEST, POLICY_NEVER };
	struct world w;
	struct effect fx =
	    effect_path(EFFECT_WRITE, PATH_WORKSPACE, "/home/dev/proj/x");

	(void)state;
	world_open_layers(&w, DEFAULTS,
	    HEAD "  - {id: z, command: {program: rm}, decision: deny}\n"
		 "  - {id: a, command: {program: rm}, decision: allow,\n"
		 "     covers: {write: any, start: any, delete: any}}\n"
		 "  - {id: r, command: {program: rm}, decision: review,\n"
		 "     covers: {any: any}}\n",
	    NULL);
	world_part(&w, "rm x", &fx, 1);
	for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
		w.policy = policies[i];
		for (int reviewer = 0; reviewer < 2; reviewer++) {
			w.reviewer = reviewer != 0;
			assert_int_equal(world_decide(&w), DECISION_DENY);
		}
	}
	world_close(&w);
}

static void
rules_of_a_repository_only_tighten(void **state)
{
	struct world w;
	struct effect fx = effect_host("example.com");

	(void)state;
	world_open_layers(&w, DEFAULTS, NULL,
	    HEAD "  - {id: p.a, command: {program: curl}, decision: allow, "
		 "covers: {connect: any}}\n"
		 "  - {id: p.b, command: {program: wget}, decision: review, "
		 "covers: {any: any}}\n"
		 "  - {id: p.d, command: {program: nc}, decision: deny}\n");
	world_part(&w, "curl x", &fx, 1);
	assert_int_equal(world_decide(&w), DECISION_REVIEW);
	w.fx.count = 0;
	struct effect other =
	    effect_path(EFFECT_WRITE, PATH_HOME, "/home/dev/x");

	world_part(&w, "wget x", &other, 1);
	assert_int_equal(world_decide(&w), DECISION_ASK);
	w.fx.count = 0;
	world_part(&w, "nc x", &fx, 1);
	assert_int_equal(world_decide(&w), DECISION_DENY);
	world_close(&w);
}

static void
a_review_loosens_only_the_effects_that_it_covers(void **state)
{
	struct world w;
	struct effect fx[] = {
		{ .kind = EFFECT_REMOTE_STATE, .target = "github.com" },
		{ .kind = EFFECT_PRIVILEGE, .target = "sudo" },
	};

	(void)state;
	world_open_layers(&w, DEFAULTS,
	    HEAD "  - {id: a, command: {program: gh}, decision: review}\n"
		 "  - {id: b, command: {program: hub}, decision: review,\n"
		 "     covers: {remote_state: any}}\n",
	    NULL);
	world_part(&w, "gh pr", fx, 1);
	assert_int_equal(world_decide(&w), DECISION_ASK);
	w.fx.count = 0;
	world_part(&w, "hub pr", fx, 1);
	assert_int_equal(world_decide(&w), DECISION_REVIEW);
	w.fx.count = 0;
	world_part(&w, "hub pr", fx, 2);
	assert_int_equal(world_decide(&w), DECISION_ASK);
	world_close(&w);
}

static void
what_cannot_be_told_is_a_match_for_deny_and_none_for_allow(void **state)
{
	struct world w;

	(void)state;
	world_open(&w,
	    HEAD "  - {id: a, command: {program: [rm, git]}, decision: allow}\n"
		 "  - {id: d, command: {program: git, any_operand: [main]}, "
		 "decision: deny}\n"
		 "  - {id: g, command: {program: git, no_operand: [dev]}, "
		 "decision: review}\n"
		 "  - {id: x, regex: '^rm x/.*$', decision: ask}\n");
	world_part(&w, "git push dev", NULL, 0);
	assert_int_equal(world_decide(&w), DECISION_ALLOW);
	w.fx.count = 0;
	world_part(&w, "git push $BRANCH", NULL, 0);
	assert_int_equal(world_decide(&w), DECISION_ASK);
	w.fx.count = 0;
	world_part(&w, "rm y $X", NULL, 0);
	assert_int_equal(world_decide(&w), DECISION_ALLOW);
	w.fx.count = 0;
	world_part(&w, "rm x $X", NULL, 0);
	w.parts[0].text = "rm $X";
	assert_int_equal(world_decide(&w), DECISION_ASK);
	assert_non_null(strstr(w.last.reason, "cannot be told"));
	world_close(&w);
}

static void
a_rule_that_may_not_match_covers_nothing(void **state)
{
	struct world w;
	struct effect fx = { .kind = EFFECT_REMOTE_STATE,
		.target = "github.com" };

	(void)state;
	world_open(&w,
	    HEAD "  - {id: r, command: {program: hub, any_operand: [topic]},\n"
		 "     decision: review, covers: {remote_state: any, start: "
		 "any}}\n");
	world_part(&w, "hub push topic", &fx, 1);
	assert_int_equal(world_decide(&w), DECISION_REVIEW);
	w.fx.count = 0;
	world_part(&w, "hub push $BRANCH", &fx, 1);
	assert_int_equal(world_decide(&w), DECISION_ASK);
	world_close(&w);
}

static void
a_dynamic_program_may_be_the_one_that_is_denied(void **state)
{
	struct world w;
	struct part_command *c;

	(void)state;
	world_open(&w,
	    HEAD "  - {id: a, regex: '.*', decision: allow}\n"
		 "  - {id: d, command: {program: dd}, decision: deny}\n");
	c = world_part(&w, "$CMD x", NULL, 0);
	c->dynamic = true;
	assert_int_equal(world_decide(&w), DECISION_ASK);
	world_close(&w);
}

static void
what_is_not_understood_is_never_allowed(void **state)
{
	struct world w;

	(void)state;
	world_open(&w,
	    HEAD "  - {id: a, regex: '.*', decision: allow, covers: {any: "
		 "any, start: any}}\n"
		 "  - {id: b, not_understood: true, decision: allow}\n");
	world_part(&w, "ls", NULL, 0);
	assert_int_equal(world_decide(&w), DECISION_ALLOW);
	w.parts[0].not_understood = "a case that is not closed";
	assert_int_equal(world_decide(&w), DECISION_ASK);
	world_close(&w);
}

static void
unless_frees_only_what_it_names(void **state)
{
	struct world w;
	struct effect fx[] = {
		effect_path(EFFECT_READ, PATH_SECRET, "/home/dev/.ssh/config"),
		effect_path(EFFECT_READ, PATH_SECRET, "/home/dev/.ssh/id_rsa"),
		effect_host("intranet.example.com"),
		effect_host("evil.example"),
	};

	(void)state;
	world_open_layers(&w, DEFAULTS,
	    HEAD
	    "  - {id: s, effects: {read: [secret]}, decision: deny,\n"
	    "     unless: {path: \"~/.ssh/config\"}}\n"
	    "  - {id: c, command: {program: curl}, decision: deny,\n"
	    "     unless: {host: intranet.example.com}}\n"
	    "  - {id: n, command: {program: [cat, curl]}, decision: allow,\n"
	    "     covers: {read: [secret], connect: any}}\n",
	    NULL);
	world_part(&w, "cat a", fx, 1);
	assert_int_equal(world_decide(&w), DECISION_ALLOW);
	world_part(&w, "cat a b", fx, 2);
	assert_int_equal(world_decide(&w), DECISION_DENY);
	w.fx.count = 0;
	world_part(&w, "curl a", &fx[2], 1);
	assert_int_equal(world_decide(&w), DECISION_ALLOW);
	world_part(&w, "curl a b", &fx[2], 2);
	assert_int_equal(world_decide(&w), DECISION_DENY);
	world_close(&w);
}

static void
untrusted_asks_for_what_is_not_listed_for_it(void **state)
{
	struct world w;
	struct effect read =
	    effect_path(EFFECT_READ, PATH_WORKSPACE, "/home/dev/proj/x");
	struct effect write =
	    effect_path(EFFECT_WRITE, PATH_WORKSPACE, "/home/dev/proj/x");
	struct effect connect = effect_host("example.com");

	(void)state;
	world_open_layers(&w,
	    DEFAULTS "  - {id: d.cat, command: {program: cat}, decision: "
		     "allow, policy: [untrusted]}\n",
	    NULL, NULL);
	w.policy = POLICY_UNTRUSTED;
	world_part(&w, "cat x", &read, 1);
	assert_int_equal(world_decide(&w), DECISION_ALLOW);
	w.fx.count = 0;
	world_part(&w, "head x", &read, 1);
	assert_int_equal(world_decide(&w), DECISION_ASK);
	w.fx.count = 0;
	world_part(&w, "cat x", &write, 1);
	assert_int_equal(world_decide(&w), DECISION_ASK);
	w.fx.count = 0;
	world_part(&w, "cat x", &connect, 1);
	assert_int_equal(world_decide(&w), DECISION_ASK);
	w.policy = POLICY_ON_REQUEST;
	assert_int_equal(world_decide(&w), DECISION_REVIEW);
	world_close(&w);
}

static void
never_denies_what_nobody_can_answer(void **state)
{
	struct world w;
	struct effect connect = effect_host("example.com");

	(void)state;
	world_open_layers(&w, DEFAULTS, NULL, NULL);
	w.policy = POLICY_NEVER;
	world_part(&w, "curl x", &connect, 1);
	assert_int_equal(world_decide(&w), DECISION_REVIEW);
	w.reviewer = false;
	assert_int_equal(world_decide(&w), DECISION_DENY);
	assert_int_equal(w.last.by, BY_POLICY);
	connect.kind = EFFECT_PRIVILEGE;
	w.reviewer = true;
	assert_int_equal(world_decide(&w), DECISION_DENY);
	world_close(&w);
}

static void
a_default_for_our_sandbox_is_not_one_for_a_client(void **state)
{
	struct world w;
	struct effect write =
	    effect_path(EFFECT_WRITE, PATH_WORKSPACE, "/home/dev/proj/x");

	(void)state;
	world_open_layers(&w, DEFAULTS, NULL, NULL);
	world_part(&w, "touch x", &write, 1);
	assert_int_equal(world_decide(&w), DECISION_ALLOW);
	w.action->proposal.executor = EXECUTOR_CLIENT;
	assert_int_equal(world_decide(&w), DECISION_ASK);
	world_close(&w);
}

static void
an_action_is_as_strict_as_its_strictest_part(void **state)
{
	struct world w;

	(void)state;
	world_open(&w,
	    HEAD "  - {id: a, command: {program: [ls, cat]}, decision: allow}\n"
		 "  - {id: d, command: {program: dd}, decision: deny}\n");
	world_part(&w, "ls", NULL, 0);
	world_part(&w, "dd", NULL, 0);
	world_part(&w, "cat", NULL, 0);
	assert_int_equal(world_decide(&w), DECISION_DENY);
	assert_int_equal(w.parts[0].decision, DECISION_ALLOW);
	assert_int_equal(w.parts[1].decision, DECISION_DENY);
	world_close(&w);
}

static void
shadow_rules_are_shown_and_do_nothing(void **state)
{
	struct world w;

	(void)state;
	world_open(&w,
	    HEAD "  - {id: a, command: {program: ls}, decision: allow}\n"
		 "  - {id: s, command: {program: ls}, decision: deny, mode: "
		 "shadow}\n"
		 "  - {id: o, command: {program: ls}, decision: deny, mode: "
		 "'off'}\n");
	world_part(&w, "ls", NULL, 0);
	assert_int_equal(world_decide(&w), DECISION_ALLOW);
	assert_int_equal(w.parts[0].rule_count, 2);
	assert_string_equal(w.parts[0].rules[1].id, "s");
	world_close(&w);
}

static void
a_rule_ends_when_it_expires(void **state)
{
	struct world w;

	(void)state;
	world_open(&w,
	    HEAD "  - {id: a, command: {program: ls}, decision: allow, "
		 "expires: 2027-01-16}\n");
	world_part(&w, "ls", NULL, 0);
	assert_int_equal(world_decide(&w), DECISION_ALLOW);
	w.action->proposed_real_ns += (int64_t)86400 * 1000000000 * 2;
	assert_int_equal(world_decide(&w), DECISION_ASK);
	/* Without a clock it has ended. */
	w.action->proposed_real_ns = 0;
	assert_int_equal(world_decide(&w), DECISION_ASK);
	world_close(&w);
}

static void
a_rollout_is_stable_and_near_its_percent(void **state)
{
	struct world w;
	char session[32];
	int hits = 0;

	(void)state;
	world_open(&w,
	    HEAD "  - {id: a, tool: shell, decision: deny, rollout: {percent: "
		 "20}}\n");
	w.action->proposal.session = session;
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(session, sizeof(session), "s-%d", i);
		w.fx.count = 0;
		world_part(&w, "ls", NULL, 0);
		const enum decision first = world_decide(&w);

		assert_int_equal(world_decide(&w), first);
		hits += first == DECISION_DENY;
	}
	assert_in_range(hits, 150, 250);
	world_close(&w);
}

/* What a profile's hosts are held against: rules that deny a host as such. */
static void
hosts_that_rules_deny_are_told_whatever_the_call_is(void **state)
{
	struct world w;
	struct effect fx[] = {
		effect_path(EFFECT_WRITE, PATH_WORKSPACE, "/home/dev/proj/x"),
	};

	(void)state;
	world_open(&w,
	    HEAD
	    "  - {id: a, host: [a.example, '*.b.example:443'], decision: "
	    "deny}\n"
	    "  - {id: b, effects: {connect: [c.example]}, decision: deny}\n"
	    "  - {id: c, host: [d.example], decision: ask}\n"
	    "  - {id: d, host: [e.example], command: {program: curl}, "
	    "decision: deny}\n"
	    "  - {id: e, host: [f.example], decision: deny, mode: 'off'}\n"
	    "  - {id: f, host: [g.example], decision: deny, mode: shadow}\n"
	    "  - {id: g, host: [h.example], agent: [x], decision: deny}\n");
	world_part(&w, "x y", fx, ARRAY_LEN(fx));
	(void)world_decide(&w);
	const struct execution_profile *p = &w.last.profile;

	assert_int_equal(p->denied_count, 3);
	assert_string_equal(p->denied[0].host, "a.example");
	assert_string_equal(p->denied[0].rule, "a");
	assert_string_equal(p->denied[1].host, "*.b.example:443");
	assert_string_equal(p->denied[2].host, "c.example");
	assert_string_equal(p->denied[2].rule, "b");
	world_close(&w);
}

static void
the_profile_is_what_the_effects_need_and_no_more(void **state)
{
	struct world w;
	struct effect fx[] = {
		effect_host("b.example:443"),
		effect_host("a.example"),
		effect_host("b.example:443"),
		effect_path(EFFECT_WRITE, PATH_WORKSPACE, "/home/dev/proj/x"),
		effect_path(EFFECT_WRITE, PATH_OUTSIDE, "/srv/x"),
		effect_path(EFFECT_READ, PATH_SECRET, "/home/dev/.netrc"),
	};

	(void)state;
	world_open(&w,
	    HEAD "  - {id: a, command: {program: x}, decision: allow, "
		 "profile: workspace-write-online, hosts: [c.example]}\n"
		 "  - {id: b, command: {program: x}, decision: allow, "
		 "profile: danger-full-access}\n");
	world_part(&w, "x y", fx, ARRAY_LEN(fx));
	(void)world_decide(&w);
	const struct execution_profile *p = &w.last.profile;

	assert_string_equal(p->name, "workspace-write-online");
	assert_int_equal(p->host_count, 3);
	assert_string_equal(p->hosts[0], "a.example");
	assert_string_equal(p->hosts[1], "b.example:443");
	assert_string_equal(p->hosts[2], "c.example");
	assert_int_equal(p->write_count, 1);
	assert_string_equal(p->write[0], "/srv/x");
	assert_int_equal(p->read_count, 1);
	w.action->proposal.profile = arena_strdup(w.action->arena, "read-only");
	(void)world_decide(&w);
	assert_string_equal(w.last.profile.name, "read-only");
	world_close(&w);
}

/* The hosts of one call, as "a, b", and what is said of its network. */
static void
assert_network(struct effect ef, const char *hosts, const char *said)
{
	AUTO_BUF struct buf b = BUF_INIT(1024);
	struct world w;

	world_open(
	    &w, HEAD "  - {id: a, command: {program: y}, decision: allow}\n");
	world_part(&w, "x", &ef, 1);
	(void)world_decide(&w);
	for (size_t i = 0; i < w.last.profile.host_count; i++)
		buf_printf(
		    &b, "%s%s", i > 0 ? ", " : "", w.last.profile.hosts[i]);
	assert_string_equal(buf_cstr(&b), hosts);
	assert_string_equal(w.last.profile.network, said);
	world_close(&w);
}

static void
a_run_reaches_the_ports_that_its_addresses_mean(void **state)
{
	struct effect https = effect_host("a.example");
	struct effect http = effect_host("a.example");
	struct effect odd = effect_host("me@a.example");
	struct effect v6 = effect_host("2001:db8::1");

	(void)state;
	https.port = 443;
	http.port = 80;
	odd.port = 22;
	v6.port = 443;
	assert_network(
	    https, "a.example:443", "runs with network: a.example:443 only");
	assert_network(http, "a.example:443, a.example:80",
	    "runs with network: a.example:443, a.example:80 only");
	assert_network(
	    odd, "a.example:22", "runs with network: a.example:22 only");
	assert_network(v6, "[2001:db8::1]:443",
	    "runs with network: [2001:db8::1]:443 only");
	assert_network(effect_host("ldap://a.example:389"), "a.example:389",
	    "runs with network: a.example:389 only");
	assert_network(effect_host("pypi.org"),
	    "files.pythonhosted.org:443, pypi.org:443",
	    "runs with network: files.pythonhosted.org:443, pypi.org:443 only");
}

static void
what_a_client_runs_has_the_clients_network(void **state)
{
	struct effect ef = effect_host("a.example");
	struct world w;

	(void)state;
	world_open(
	    &w, HEAD "  - {id: a, command: {program: y}, decision: allow}\n");
	world_part(&w, "x", &ef, 1);
	w.action->proposal.executor = EXECUTOR_CLIENT;
	(void)world_decide(&w);
	assert_string_equal(w.last.profile.network,
	    "runs with whatever network the client has");
	world_close(&w);
}

static void
a_run_is_offline_unless_it_connects_to_another_machine(void **state)
{
	(void)state;
	assert_network(effect_host(NULL), "",
	    "runs with network; each host is asked about first");
	assert_network(effect_host("localhost:8080"), "", "runs offline");
	assert_network(effect_host("[::1]:8080"), "", "runs offline");
	assert_network(
	    effect_path(EFFECT_WRITE, PATH_WORKSPACE, "/home/dev/proj/x"), "",
	    "runs offline");
}

static void
a_regex_that_gives_up_is_a_match_for_deny_only(void **state)
{
	struct world w;
	AUTO_BUF struct buf b = BUF_INIT(WORLD_ARENA);

	(void)state;
	world_open(&w,
	    HEAD "  - {id: a, regex: 'x (a|a)*(a|aa)*b?', decision: allow}\n");
	buf_puts(&b, "x ");
	for (int i = 0; i < 60; i++)
		buf_putc(&b, 'a');
	world_part(&w, buf_cstr(&b), NULL, 0);
	assert_int_equal(world_decide(&w), DECISION_ALLOW);
	buf_puts(&b, "c");
	w.parts[0].text = buf_cstr(&b);
	assert_int_equal(world_decide(&w), DECISION_ASK);
	world_close(&w);
	world_open(&w,
	    HEAD
	    "  - {id: d, regex: 'x (a|a)*(a|aa)*(b|d)', decision: deny}\n");
	world_part(&w, buf_cstr(&b), NULL, 0);
	assert_int_equal(world_decide(&w), DECISION_DENY);
	world_close(&w);
}

static void
disabled_defaults_leave_the_question(void **state)
{
	struct world w;

	(void)state;
	world_open_layers(
	    &w, DEFAULTS, "assent: 1\ndisable: [d.start]\n", NULL);
	world_part(&w, "ls", NULL, 0);
	assert_int_equal(world_decide(&w), DECISION_ASK);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_any_rule_everything_is_asked),
		cmocka_unit_test(the_strictest_rule_wins),
		cmocka_unit_test(an_allow_does_not_allow_what_it_does_not_name),
		cmocka_unit_test(secret_places_must_be_named_to_be_covered),
		cmocka_unit_test(running_code_is_never_covered_by_default),
		cmocka_unit_test(
		    an_unknown_program_that_a_rule_names_may_start),
		cmocka_unit_test(a_floor_holds_against_every_allow),
		cmocka_unit_test(i2_a_deny_from_rules_is_final),
		cmocka_unit_test(rules_of_a_repository_only_tighten),
		cmocka_unit_test(
		    a_review_loosens_only_the_effects_that_it_covers),
		cmocka_unit_test(
		    what_cannot_be_told_is_a_match_for_deny_and_none_for_allow),
		cmocka_unit_test(a_rule_that_may_not_match_covers_nothing),
		cmocka_unit_test(
		    a_dynamic_program_may_be_the_one_that_is_denied),
		cmocka_unit_test(what_is_not_understood_is_never_allowed),
		cmocka_unit_test(unless_frees_only_what_it_names),
		cmocka_unit_test(untrusted_asks_for_what_is_not_listed_for_it),
		cmocka_unit_test(never_denies_what_nobody_can_answer),
		cmocka_unit_test(
		    a_default_for_our_sandbox_is_not_one_for_a_client),
		cmocka_unit_test(an_action_is_as_strict_as_its_strictest_part),
		cmocka_unit_test(shadow_rules_are_shown_and_do_nothing),
		cmocka_unit_test(a_rule_ends_when_it_expires),
		cmocka_unit_test(a_rollout_is_stable_and_near_its_percent),
		cmocka_unit_test(
		    hosts_that_rules_deny_are_told_whatever_the_call_is),
		cmocka_unit_test(
		    the_profile_is_what_the_effects_need_and_no_more),
		cmocka_unit_test(
		    a_run_reaches_the_ports_that_its_addresses_mean),
		cmocka_unit_test(what_a_client_runs_has_the_clients_network),
		cmocka_unit_test(
		    a_run_is_offline_unless_it_connects_to_another_machine),
		cmocka_unit_test(
		    a_regex_that_gives_up_is_a_match_for_deny_only),
		cmocka_unit_test(disabled_defaults_leave_the_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
