/*
 * Network policies: spellings of hosts, classes of addresses, who decides.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sandbox/net_policy.h"
#include "sandbox/proxy_proto.h"

#define ARENA_MAX ((size_t)1 << 20)
#define RECORD_MAX ((size_t)1 << 20)

static const char *const reads[] = { "GET", "HEAD" };

static const struct net_rule sample_rules[] = {
	{ .host = "example.com",
	    .port_min = 443,
	    .port_max = 443,
	    .decision = NET_ALLOW,
	    .id = "exact" },
	{ .host = "*.example.com",
	    .port_min = 1,
	    .port_max = 65535,
	    .decision = NET_ALLOW,
	    .id = "below" },
	{ .host = "bad.example.com",
	    .port_min = 1,
	    .port_max = 65535,
	    .decision = NET_DENY,
	    .id = "bad" },
	{ .host = "10.1.0.0/16",
	    .port_min = 5432,
	    .port_max = 5433,
	    .decision = NET_ALLOW,
	    .id = "database" },
	{ .host = "read.test",
	    .port_min = 80,
	    .port_max = 80,
	    .protocol = NET_HTTP,
	    .decision = NET_ALLOW,
	    .methods = reads,
	    .method_count = 2,
	    .id = "reads" },
	{ .host = "wiki.corp",
	    .port_min = 443,
	    .port_max = 443,
	    .decision = NET_ALLOW,
	    .flags = NET_RULE_MAY_BE_PRIVATE,
	    .id = "intranet",
	    .inject = "wiki-token" },
	{ .host = "93.184.0.0/16",
	    .port_min = 1,
	    .port_max = 65535,
	    .decision = NET_DENY,
	    .id = "block" },
};

static struct net_policy
sample(struct net_rule rules[static ARRAY_LEN(sample_rules)])
{
	struct net_policy p = net_policy_default();

	memcpy(rules, sample_rules, sizeof(sample_rules));
	p.rules = rules;
	p.rule_count = ARRAY_LEN(sample_rules);
	return p;
}

static struct net_host
host(const char *text)
{
	struct net_host h = { .is_addr = false };
	struct err e = ERR_INIT;

	if (net_host_parse(str_of(text), &h, &e) != 0)
		fail_msg("%s: %s", text, e.msg);
	return h;
}

static struct net_ruling
ask(const char *name, uint16_t port, enum net_protocol protocol,
    const char *method)
{
	struct net_rule rules[ARRAY_LEN(sample_rules)];
	const struct net_policy p = sample(rules);
	const struct net_host h = host(name);
	struct net_ruling got = net_policy_match(
	    &p, &(struct net_target){ &h, port, protocol, str_of(method) });

	if (got.rule != NULL) /* the copy goes away */
		got.rule = &sample_rules[got.rule - rules];
	return got;
}

static void
assert_ruled(
    const char *name, uint16_t port, enum net_decision d, const char *id)
{
	const struct net_ruling got = ask(name, port, NET_TLS, NULL);

	assert_int_equal(got.decision, d);
	assert_string_equal(got.rule == NULL ? "" : got.rule->id, id);
}

static void
the_strictest_matching_rule_decides(void **state)
{
	(void)state;
	assert_ruled("example.com", 443, NET_ALLOW, "exact");
	assert_ruled("EXAMPLE.com.", 443, NET_ALLOW, "exact");
	assert_ruled("example.com", 8443, NET_DENY, "");
	assert_ruled("a.b.example.com", 22, NET_ALLOW, "below");
	assert_ruled("bad.example.com", 443, NET_DENY, "bad");
	assert_ruled("notexample.com", 443, NET_DENY, "");
	assert_ruled("example.com.evil.test", 443, NET_DENY, "");
	assert_ruled("10.1.2.3", 5432, NET_ALLOW, "database");
	assert_ruled("10.1.2.3", 5434, NET_DENY, "");
	assert_ruled("10.2.2.3", 5432, NET_DENY, "");
	assert_ruled("::ffff:10.1.2.3", 5432, NET_ALLOW, "database");
}

static void
a_method_that_cannot_be_seen_is_not_allowed(void **state)
{
	(void)state;
	assert_int_equal(
	    ask("read.test", 80, NET_HTTP, "GET").decision, NET_ALLOW);
	assert_int_equal(
	    ask("read.test", 80, NET_HTTP, "POST").decision, NET_DENY);
	assert_int_equal(
	    ask("read.test", 80, NET_HTTP, "get").decision, NET_DENY);
	assert_int_equal(
	    ask("read.test", 80, NET_ANY, NULL).decision, NET_DENY);
	assert_int_equal(
	    ask("read.test", 80, NET_TCP, "GET").decision, NET_DENY);
}

static void
spellings_that_other_readers_take_for_addresses_are_refused(void **state)
{
	static const char *const bad[] = {
		"127.1",
		"0x7f000001",
		"0x7f.0.0.1",
		"2130706433",
		"017700000001",
		"0177.0.0.1",
		"127.0.0.01",
		"1.2.3.4.5",
		"256.1.1.1",
		"1.2.3",
		"foo.0x1f",
		"foo.1",
		"fe80::1%eth0",
		"[fe80::1%251]",
		"[127.0.0.1]",
		"::1::",
		"",
		".",
		"a..b",
		".a",
		"a b",
		"a/b",
		"a@b",
		"-a.b",
		"a-.b",
		"ex\xc3\xa4mple.com",
		"1.2.3.4:80",
		"a..",
	};
	struct net_host h;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (net_host_parse(str_of(bad[i]), &h, NULL) == 0)
			fail_msg("'%s' was taken as %s", bad[i], h.name);
	}
	assert_int_not_equal(net_host_parse(STR("a\0.b"), &h, NULL), 0);
	assert_int_not_equal(net_host_parse(STR("1.2.3.4\0"), &h, NULL), 0);
}

static void
one_host_has_one_spelling(void **state)
{
	(void)state;
	assert_string_equal(host("WWW.Example.COM.").name, "www.example.com");
	assert_string_equal(host("[2001:0DB8:0::1]").name, "2001:db8::1");
	assert_string_equal(host("::ffff:1.2.3.4").name, "1.2.3.4");
	assert_string_equal(host("::ffff:0102:0304").name, "1.2.3.4");
	assert_true(host("1.2.3.4.").is_addr);
	assert_string_equal(
	    host("xn--bcher-kva.example").name, "xn--bcher-kva.example");
	assert_false(host("0xabc.example").is_addr);
}

struct class_case {
	const char *text;
	enum net_class class;
};

static const struct class_case classes[] = {
	{ "93.184.216.34", NET_PUBLIC },
	{ "2606:2800::1", NET_PUBLIC },
	{ "64:ff9b::8.8.8.8", NET_PUBLIC },
	{ "0.0.0.0", NET_RESERVED },
	{ "0.1.2.3", NET_RESERVED },
	{ "10.255.255.255", NET_PRIVATE },
	{ "11.0.0.0", NET_PUBLIC },
	{ "172.15.255.255", NET_PUBLIC },
	{ "172.16.0.0", NET_PRIVATE },
	{ "172.31.255.255", NET_PRIVATE },
	{ "172.32.0.0", NET_PUBLIC },
	{ "192.168.1.1", NET_PRIVATE },
	{ "100.64.0.1", NET_SHARED },
	{ "100.127.255.255", NET_SHARED },
	{ "100.128.0.0", NET_PUBLIC },
	{ "127.255.255.254", NET_LOOPBACK },
	{ "169.254.1.1", NET_LINK_LOCAL },
	{ "169.254.169.254", NET_METADATA },
	{ "100.100.100.200", NET_METADATA },
	{ "168.63.129.16", NET_METADATA },
	{ "224.0.0.1", NET_MULTICAST },
	{ "255.255.255.255", NET_RESERVED },
	{ "198.19.0.1", NET_RESERVED },
	{ "203.0.113.9", NET_RESERVED },
	{ "::", NET_RESERVED },
	{ "::1", NET_LOOPBACK },
	{ "::127.0.0.1", NET_LOOPBACK },
	{ "::ffff:127.0.0.1", NET_LOOPBACK },
	{ "::ffff:0:127.0.0.1", NET_LOOPBACK },
	{ "::ffff:169.254.169.254", NET_METADATA },
	{ "64:ff9b::169.254.169.254", NET_METADATA },
	{ "64:ff9b::10.0.0.1", NET_PRIVATE },
	{ "64:ff9b:1::10.0.0.1", NET_PRIVATE },
	{ "2002:7f00:1::", NET_LOOPBACK },
	{ "2002:a9fe:a9fe::1", NET_METADATA },
	{ "2002:808:808::1", NET_RESERVED },
	{ "2001:0:808:808::f5ff:fffe", NET_PRIVATE }, /* client 10.0.0.1 */
	{ "2001:0:7f00:1::1", NET_LOOPBACK }, /* server 127.0.0.1 */
	{ "2606:2800::5efe:10.0.0.1", NET_PRIVATE },
	{ "2606:2800::200:5efe:127.0.0.1", NET_LOOPBACK },
	{ "fd00:ec2::254", NET_METADATA },
	{ "fd00::1", NET_PRIVATE },
	{ "fec0::1", NET_PRIVATE },
	{ "fe80::1", NET_LINK_LOCAL },
	{ "febf::1", NET_LINK_LOCAL },
	{ "ff02::1", NET_MULTICAST },
	{ "2001:db8::1", NET_RESERVED },
	{ "100::1", NET_RESERVED },
	{ "4000::1", NET_RESERVED },
};

static void
every_address_has_its_class(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		const struct net_host h = host(classes[i].text);
		const enum net_class got = net_addr_class(&h.addr);

		assert_true(h.is_addr);
		if (got != classes[i].class)
			fail_msg(
			    "%s is %s", classes[i].text, net_class_name(got));
	}
}

static int
check(const char *name, uint16_t port, const char *address)
{
	struct net_rule rules[ARRAY_LEN(sample_rules)];
	const struct net_policy p = sample(rules);
	const struct net_host h = host(name);
	const struct net_host a = host(address);
	const struct net_ruling by = net_policy_match(
	    &p, &(struct net_target){ &h, port, NET_TLS, STR_NONE });

	return net_policy_check_addr(&p, &by, &a.addr, port, NULL);
}

static void
an_allowed_name_does_not_lead_to_a_private_address(void **state)
{
	(void)state;
	assert_int_equal(check("example.com", 443, "8.8.8.8"), 0);
	assert_int_equal(check("example.com", 443, "127.0.0.1"), ERR_DENIED);
	assert_int_equal(check("example.com", 443, "10.9.0.1"), ERR_DENIED);
	assert_int_equal(check("example.com", 443, "::1"), ERR_DENIED);
	assert_int_equal(
	    check("example.com", 443, "169.254.169.254"), ERR_DENIED);
	/* the block is named for another port */
	assert_int_equal(check("example.com", 443, "10.1.0.1"), ERR_DENIED);
	assert_int_equal(check("a.example.com", 5432, "10.1.0.1"), 0);
	assert_int_equal(check("wiki.corp", 443, "10.9.0.1"), 0);
	assert_int_equal(check("wiki.corp", 443, "127.0.0.1"), ERR_DENIED);
	assert_int_equal(
	    check("wiki.corp", 443, "169.254.169.254"), ERR_DENIED);
	assert_int_equal(check("10.1.0.1", 5432, "10.1.0.1"), 0);
	/* denied is denied, whoever allows the name */
	assert_int_equal(
	    check("example.com", 443, "93.184.216.34"), ERR_DENIED);
	assert_int_equal(check("nobody.test", 443, "8.8.8.8"), ERR_DENIED);
}

static void
a_denied_address_is_denied_behind_a_nat64(void **state)
{
	struct net_rule rules[] = {
		{ .host = "*",
		    .port_min = 1,
		    .port_max = 65535,
		    .decision = NET_ALLOW },
		{ .host = "93.184.0.0/16",
		    .port_min = 1,
		    .port_max = 65535,
		    .decision = NET_DENY },
	};
	struct net_policy p = net_policy_default();
	const struct net_host h = host("64:ff9b::93.184.216.34");
	const struct net_host other = host("64:ff9b::8.8.8.8");
	const struct net_ruling by = { NET_ALLOW, &rules[0] };
	struct err e = ERR_INIT;

	(void)state;
	p.rules = rules;
	p.rule_count = ARRAY_LEN(rules);
	assert_int_equal(net_policy_match(&p,
			     &(struct net_target){ &h, 443, NET_TLS, STR_NONE })
			     .decision,
	    NET_DENY);
	assert_int_equal(
	    net_policy_match(
		&p, &(struct net_target){ &other, 443, NET_TLS, STR_NONE })
		.decision,
	    NET_ALLOW);
	/* a name that leads there */
	assert_int_equal(
	    net_policy_check_addr(&p, &by, &h.addr, 443, &e), ERR_DENIED);
	assert_int_equal(
	    net_policy_check_addr(&p, &by, &other.addr, 443, &e), 0);
	/* what is allowed is allowed as it is written */
	rules[1].decision = NET_ALLOW;
	p.rules = &rules[1];
	p.rule_count = 1;
	assert_int_equal(net_policy_match(&p,
			     &(struct net_target){ &h, 443, NET_TLS, STR_NONE })
			     .decision,
	    NET_DENY);
}

static void
metadata_must_be_named_by_its_very_address(void **state)
{
	struct net_rule rules[] = {
		{ .host = "169.254.0.0/16",
		    .port_min = 80,
		    .port_max = 80,
		    .decision = NET_ALLOW },
	};
	struct net_policy p = net_policy_default();
	const struct net_host m = host("169.254.169.254");
	const struct net_ruling by = { NET_ALLOW, &rules[0] };

	(void)state;
	p.rules = rules;
	p.rule_count = 1;
	assert_int_equal(
	    net_policy_check_addr(&p, &by, &m.addr, 80, NULL), ERR_DENIED);
	rules[0].host = "169.254.169.254";
	assert_int_equal(net_policy_check_addr(&p, &by, &m.addr, 80, NULL), 0);
}

static void
an_address_that_was_asked_about_is_named_by_that_rule(void **state)
{
	struct net_rule rules[] = {
		{ .host = "10.0.0.0/8",
		    .port_min = 1,
		    .port_max = 65535,
		    .decision = NET_ASK },
	};
	struct net_policy p = net_policy_default();
	const struct net_host a = host("10.1.2.3");
	const struct net_ruling asked = { NET_ALLOW, &rules[0] };
	const struct net_ruling other = { NET_ALLOW, NULL };

	(void)state;
	p.rules = rules;
	p.rule_count = 1;
	assert_int_equal(
	    net_policy_check_addr(&p, &asked, &a.addr, 80, NULL), 0);
	/* not for a name that somebody said yes to and that leads there */
	assert_int_equal(
	    net_policy_check_addr(&p, &other, &a.addr, 80, NULL), ERR_DENIED);
}

static void
names_that_lead_nowhere_are_not_known(void **state)
{
	struct net_rule rules[ARRAY_LEN(sample_rules)];
	struct net_policy p = sample(rules);
	struct net_host h = host("x.example.com");

	(void)state;
	assert_true(net_policy_knows_name(&p, &h));
	h = host("bad.example.com");
	assert_false(net_policy_knows_name(&p, &h));
	h = host("other.test");
	assert_false(net_policy_knows_name(&p, &h));
	p.otherwise = NET_ASK;
	assert_true(net_policy_knows_name(&p, &h));
	h = host("bad.example.com");
	assert_false(net_policy_knows_name(&p, &h));
}

static void
a_policy_survives_its_bytes(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	AUTO_BUF struct buf one = BUF_INIT(RECORD_MAX);
	AUTO_BUF struct buf two = BUF_INIT(RECORD_MAX);
	struct net_rule rules[ARRAY_LEN(sample_rules)];
	struct net_policy p = sample(rules), back;
	struct rec r;

	(void)state;
	p.upstream = "proxy.corp:3128";
	net_policy_put(&one, &p);
	for (size_t n = 0; n < one.len; n++) {
		AUTO(arena_freep) struct arena *own = arena_new(ARENA_MAX);

		r = rec_of(str_n(one.s, n));
		assert_int_not_equal(net_policy_get(&r, own, &back, NULL), 0);
	}
	r = rec_of(buf_str(&one));
	assert_int_equal(net_policy_get(&r, a, &back, NULL), 0);
	assert_int_equal(rec_done(&r, NULL), 0);
	net_policy_put(&two, &back);
	assert_true(str_eq(buf_str(&one), buf_str(&two)));
}

static void
a_policy_that_means_nothing_is_refused(void **state)
{
	struct net_rule rules[ARRAY_LEN(sample_rules)];
	struct net_policy p = sample(rules);

	(void)state;
	assert_int_equal(net_policy_check(&p, NULL), 0);
	p.otherwise = NET_ALLOW;
	assert_int_equal(net_policy_check(&p, NULL), ERR_INVALID);
	p.otherwise = NET_DENY;
	rules[0].host = "Example.com";
	assert_int_equal(net_policy_check(&p, NULL), ERR_INVALID);
	rules[0].host = "a*.example.com";
	assert_int_equal(net_policy_check(&p, NULL), ERR_INVALID);
	rules[0].host = "10.1.2.3/8";
	assert_int_equal(net_policy_check(&p, NULL), ERR_INVALID);
	rules[0].host = "example.com";
	rules[0].decision = NET_DECISION_INVALID;
	assert_int_equal(net_policy_check(&p, NULL), ERR_INVALID);
	rules[0].decision = NET_ALLOW;
	p.upstream = "proxy.corp";
	assert_int_equal(net_policy_check(&p, NULL), ERR_INVALID);
}

struct rule_case {
	const char *text, *host; /* NULL: refused */
	unsigned min, max;
};

static const struct rule_case rule_texts[] = {
	{ "example.com", "example.com", 1, 65535 },
	{ "Example.com:443", "example.com", 443, 443 },
	{ "*.example.com:8000-8100", "*.example.com", 8000, 8100 },
	{ "*:443", "*", 443, 443 },
	{ "10.0.0.0/8:5432", "10.0.0.0/8", 5432, 5432 },
	{ "[::1]:80", "::1", 80, 80 },
	{ "[::1]", "::1", 1, 65535 },
	{ "fd00::/8", "fd00::/8", 1, 65535 },
	{ "2001:db8::1", "2001:db8::1", 1, 65535 },
	{ "example.com:*", "example.com", 1, 65535 },
	{ "example.com:", NULL, 0, 0 },
	{ "example.com:0", NULL, 0, 0 },
	{ "example.com:65536", NULL, 0, 0 },
	{ "example.com:9-8", NULL, 0, 0 },
	{ "example.com:http", NULL, 0, 0 },
	{ "[::1", NULL, 0, 0 },
	{ "[::1]x", NULL, 0, 0 },
	{ "*.*.com", NULL, 0, 0 },
	{ "*.10.0.0.1", NULL, 0, 0 },
	{ "", NULL, 0, 0 },
	{ ":80", NULL, 0, 0 },
	{ "http://example.com", NULL, 0, 0 },
};

static void
rules_are_read_from_text(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rule_texts); i++) {
		const struct rule_case *c = &rule_texts[i];
		struct net_rule rule;
		const int r = net_rule_parse(str_of(c->text), a, &rule, NULL);

		if ((r == 0) != (c->host != NULL))
			fail_msg("'%s' gave %d", c->text, r);
		if (r != 0)
			continue;
		assert_string_equal(rule.host, c->host);
		assert_int_equal(rule.port_min, c->min);
		assert_int_equal(rule.port_max, c->max);
	}
}

static void
a_line_says_what_is_spoken_and_by_which_methods(void **state)
{
	static const struct {
		const char *text;
		enum net_protocol protocol;
		size_t methods;
	} good[] = {
		{ "a.test", NET_ANY, 0 },
		{ "a.test:443 tls", NET_TLS, 0 },
		{ "a.test:22 tcp", NET_TCP, 0 },
		{ "a.test:80 GET HEAD", NET_ANY, 2 },
		{ "a.test:80 http GET", NET_HTTP, 1 },
	};
	static const char *const bad[] = { "a.test get", "a.test:443 tls GET",
		"a.test ", "a.test  GET", "a.test:80 GET http", "tls a.test",
		"a.test udp" };
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	struct net_rule rule;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(
		    net_rule_parse_line(str_of(good[i].text), a, &rule, NULL),
		    0);
		assert_string_equal(rule.host, "a.test");
		assert_int_equal(rule.protocol, good[i].protocol);
		assert_int_equal(rule.method_count, good[i].methods);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (net_rule_parse_line(str_of(bad[i]), a, &rule, NULL) == 0)
			fail_msg("'%s' was taken", bad[i]);
	}
}

static void
messages_of_a_proxy_survive_their_bytes(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	AUTO_BUF struct buf b = BUF_INIT(RECORD_MAX);
	const struct proxy_event ev = { .allow = true,
		.host = "example.com",
		.port = 443,
		.address = "8.8.8.8",
		.protocol = NET_TLS,
		.bytes_up = 1,
		.bytes_down = 2,
		.ms = 3,
		.by = "rule" };
	struct proxy_event back;
	struct proxy_verdict v;
	struct rec r;

	(void)state;
	proxy_event_put(&b, &ev);
	r = rec_of(buf_str(&b));
	assert_int_equal(proxy_event_get(&r, a, &back, NULL), 0);
	assert_string_equal(back.host, "example.com");
	assert_int_equal(back.bytes_down, 2);
	assert_null(back.method);
	buf_reset(&b);
	rec_put_u64(&b, 7);
	rec_put_u8(&b, 2); /* neither yes nor no is a no */
	rec_put_u8(&b, 0);
	rec_put_cstr(&b, "x");
	r = rec_of(buf_str(&b));
	assert_int_equal(proxy_verdict_get(&r, a, &v, NULL), 0);
	assert_false(v.allow);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_strictest_matching_rule_decides),
		cmocka_unit_test(a_method_that_cannot_be_seen_is_not_allowed),
		cmocka_unit_test(
		    spellings_that_other_readers_take_for_addresses_are_refused),
		cmocka_unit_test(one_host_has_one_spelling),
		cmocka_unit_test(every_address_has_its_class),
		cmocka_unit_test(
		    an_allowed_name_does_not_lead_to_a_private_address),
		cmocka_unit_test(a_denied_address_is_denied_behind_a_nat64),
		cmocka_unit_test(metadata_must_be_named_by_its_very_address),
		cmocka_unit_test(
		    an_address_that_was_asked_about_is_named_by_that_rule),
		cmocka_unit_test(names_that_lead_nowhere_are_not_known),
		cmocka_unit_test(a_policy_survives_its_bytes),
		cmocka_unit_test(a_policy_that_means_nothing_is_refused),
		cmocka_unit_test(rules_are_read_from_text),
		cmocka_unit_test(
		    a_line_says_what_is_spoken_and_by_which_methods),
		cmocka_unit_test(messages_of_a_proxy_survive_their_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
