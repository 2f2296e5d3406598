/*
 * Profiles of a configuration: what they inherit, what they may not have, and
 * which of two permits more.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "profile_set.h"
#include "sandbox/plan.h"

#define ARENA_MAX ((size_t)8 << 20)
#define ROUNDS 2000

static const char *words_ws_cache[] = { "$workspace", "/srv/cache", "/tmp" };
static const char *words_etc[] = { "$workspace", "/etc" };
static const char *words_state[] = { "/var/lib/assent" };
static const char *words_read[] = { "/srv/data" };
static const char *words_deny[] = { "*.pem" };
static const char *words_env[] = { "MY_*", "MODE=ci" };

static struct profile_set *
make(struct arena *a, struct config_profile *profiles, size_t count,
    struct err *e)
{
	const struct config c = {
		.profiles = profiles,
		.profile_count = count,
		.state_dir = "/var/lib/assent",
		.runtime_dir = "/run/assent",
		.home = "/home/dev",
	};
	struct profile_set *s = NULL;

	return profile_set_make(&c, a, &s, e) == 0 ? s : NULL;
}

static const struct profile *
get(const struct profile_set *s, const char *name)
{
	const struct profile *p = NULL;
	struct err e = ERR_INIT;

	if (profile_set_get(s, name, &p, &e) != 0)
		fail_msg("%s", e.msg);
	return p;
}

static void
limits_of_the_network_and_its_way_out_are_part_of_a_profile(void **state)
{
	static const char *hosts[] = { "a.test:80 GET" };
	static const char *wrong[] = { "a.test:80 PUT tls" };
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	struct config_profile all[] = {
		{ .name = "wide",
		    .where = "c:1",
		    .network = { hosts, 1 },
		    .has_network = true,
		    .network_only = true },
		{ .name = "narrow",
		    .base = "wide",
		    .where = "c:2",
		    .net_connections = 4,
		    .net_down_bytes = 1000,
		    .net_rate_bytes = 10,
		    .net_idle_ms = 5000 },
		{ .name = "through",
		    .base = "narrow",
		    .where = "c:3",
		    .network_upstream = "proxy.test:3128" },
	};
	struct profile_set *s = make(a, all, ARRAY_LEN(all), NULL);
	const struct profile *wide, *narrow, *through;
	struct err e = ERR_INIT;

	(void)state;
	assert_non_null(s);
	wide = get(s, "wide");
	narrow = get(s, "narrow");
	through = get(s, "through");
	assert_int_equal(through->net.connections, 4);
	assert_int_equal(through->net.down_bytes, 1000);
	assert_int_equal(through->net.idle_ms, 5000);
	assert_string_equal(through->net.upstream, "proxy.test:3128");
	assert_true(profile_within(narrow, wide));
	assert_false(profile_within(wide, narrow));
	/* Another way out is another thing, in both directions. */
	assert_false(profile_within(through, narrow));
	assert_false(profile_within(narrow, through));
	all[2].network_upstream = "proxy.test";
	assert_null(make(a, all, ARRAY_LEN(all), &e));
	assert_non_null(strstr(e.msg, "c:3"));
	all[2].network_upstream = NULL;
	all[0].network.items = wrong;
	assert_null(make(a, all, ARRAY_LEN(all), &e));
}

static void
a_profile_without_a_network_lifts_nothing_of_the_default_ones(void **state)
{
	static const char *hosts[] = { "a.test:80" };
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	struct config_profile all[] = {
		{ .name = "workspace-write",
		    .where = "c:1",
		    .network = { hosts, 1 },
		    .has_network = true,
		    .network_only = true,
		    .net_connections = 4,
		    .net_down_bytes = 1000,
		    .net_idle_ms = 5000,
		    .network_upstream = "proxy.test:3128" },
		{ .name = "less",
		    .base = "read-only",
		    .where = "c:2",
		    .net_down_bytes = 10,
		    .net_up_bytes = 20 },
		{ .name = "else",
		    .base = "read-only",
		    .where = "c:3",
		    .network_upstream = "other.test:3128" },
	};
	struct profile_set *s = make(a, all, ARRAY_LEN(all), NULL);
	const struct profile *usual, *p;

	(void)state;
	assert_non_null(s);
	usual = get(s, "workspace-write");
	p = get(s, "read-only");
	assert_false(p->online);
	assert_true(p->hosts_only);
	assert_string_equal(p->net.upstream, "proxy.test:3128");
	assert_int_equal(p->net.connections, 4);
	assert_int_equal(p->net.down_bytes, 1000);
	assert_int_equal(p->net.idle_ms, 5000);
	assert_true(profile_within(p, usual));
	p = get(s, "less");
	assert_int_equal(p->net.down_bytes, 10);
	assert_int_equal(p->net.up_bytes, 20);
	assert_true(profile_within(p, usual));
	/* Another way out is wider, whoever names the hosts. */
	assert_false(profile_within(get(s, "else"), usual));
	/* And none of it is narrower without what was taken over. */
	assert_false(profile_within(profile_find("read-only"), usual));
}

static void
a_named_profile_is_its_base_and_what_it_adds(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	struct config_profile all[] = {
		{
		    .name = "build",
		    .where = "c.yaml:3",
		    .write = { words_ws_cache, 3 },
		    .has_write = true,
		    .deny = { words_deny, 1 },
		    .env = { words_env, 2 },
		    .memory_bytes = 1 << 20,
		},
		{
		    .name = "more",
		    .base = "build",
		    .where = "c.yaml:9",
		    .read = { words_read, 1 },
		    .strict = true,
		},
	};
	struct err e = ERR_INIT;
	const struct profile *p = get(make(a, all, ARRAY_LEN(all), &e), "more");

	(void)state;
	assert_true(p->write);
	assert_true(p->strict);
	assert_string_equal(p->write_roots[0], "/srv/cache");
	assert_null(p->write_roots[1]); /* /tmp is private anyway */
	assert_string_equal(p->read_roots[0], "/srv/data");
	assert_string_equal(p->deny[0], "*.pem");
	assert_string_equal(p->env[0], "MY_*");
	assert_string_equal(p->set_env[0], "MODE=ci");
	assert_int_equal(p->limits.memory_bytes, 1 << 20);
	assert_int_equal(p->limits.wall_ms, 600000);
}

static void
no_profile_writes_what_no_run_may_write(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	struct config_profile p = {
		.name = "p",
		.where = "c.yaml:7",
		.write = { words_etc, 2 },
		.has_write = true,
	};
	struct err e = ERR_INIT;

	(void)state;
	assert_null(make(a, &p, 1, &e));
	assert_non_null(strstr(e.msg, "c.yaml:7"));
	assert_non_null(strstr(e.msg, "'/etc'"));
}

static void
no_profile_shows_the_daemons_own_folders(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	struct config_profile p = {
		.name = "p",
		.where = "c.yaml:7",
		.read = { words_state, 1 },
	};
	struct err e = ERR_INIT;

	(void)state;
	assert_null(make(a, &p, 1, &e));
	assert_non_null(strstr(e.msg, "folder of assent itself"));
}

static void
what_the_administrator_does_not_list_is_above_the_ceiling(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	const char *allowed[] = { "read-only" };
	const struct config c = { .ceiling.profiles = { allowed, 1 } };
	struct profile_set *s = NULL, *open = NULL;
	const struct profile *p = NULL;

	(void)state;
	assert_int_equal(profile_set_make(&c, a, &s, NULL), 0);
	assert_int_equal(profile_set_make(NULL, a, &open, NULL), 0);
	assert_int_equal(profile_set_get(s, "read-only", &p, NULL), 0);
	assert_int_equal(profile_set_get(s, NULL, &p, NULL), ERR_DENIED);
	assert_int_equal(
	    profile_set_get(open, "danger-full-access", &p, NULL), ERR_DENIED);
	assert_int_equal(
	    profile_set_get(open, "workspace", &p, NULL), ERR_INVALID);
}

/* ---- which permits more --------------------------------------------------- */

static uint32_t
next(uint32_t *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 8;
}

static const char *const roots_a[] = { "/srv/a", NULL };
static const char *const roots_ab[] = { "/srv/a", "/srv/b", NULL };
static const char *const roots_sub[] = { "/srv/a/sub", NULL };
static const char *const globs_1[] = { "*.pem", NULL };
static const char *const globs_2[] = { "*.pem", "*.key", NULL };

static const char *const *
pick(uint32_t *seed, const char *const *one, const char *const *two,
    const char *const *three)
{
	switch (next(seed) % 4) {
	case 0:
		return NULL;
	case 1:
		return one;
	case 2:
		return two;
	default:
		return three;
	}
}

static struct profile
random_profile(uint32_t *seed)
{
	struct profile p = *profile_find("workspace-write");

	p.write = next(seed) % 4 != 0;
	p.overlay = next(seed) % 4 == 0;
	p.strict = next(seed) % 4 == 0;
	p.limits.memory_bytes = 1 + next(seed) % 3;
	p.limits.wall_ms = 1 + next(seed) % 3;
	p.write_roots = pick(seed, roots_a, roots_ab, roots_sub);
	p.read_roots = pick(seed, roots_a, roots_ab, roots_sub);
	p.hide = pick(seed, roots_a, roots_ab, roots_sub);
	p.deny = pick(seed, globs_1, globs_2, globs_2);
	return p;
}

/* Each of these permits more than p does. */
static void
widen(struct profile *p, unsigned how)
{
	static const char *const more[] = { "/srv/other", NULL };

	switch (how) {
	case 0:
		p->limits.memory_bytes++;
		break;
	case 1:
		p->limits.processes++;
		break;
	case 2:
		p->write_roots = more;
		break;
	case 3:
		p->read_roots = more;
		break;
	case 4:
		p->online = true;
		break;
	case 5:
		p->unconfined = true;
		break;
	case 6:
		p->env = more;
		break;
	default:
		p->limits.wall_ms++;
		break;
	}
}

static void
a_request_narrows_and_never_widens(void **state)
{
	uint32_t seed = 20261125;

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		const struct profile x = random_profile(&seed);
		const struct profile y = random_profile(&seed);
		const struct profile z = random_profile(&seed);
		struct profile wider = x;

		assert_true(profile_within(&x, &x));
		if (profile_within(&x, &y) && profile_within(&y, &z))
			assert_true(profile_within(&x, &z));
		widen(&wider, i % 8);
		assert_false(profile_within(&wider, &x));
		if (profile_within(&x, &y)) {
			assert_true(!x.write || y.write);
			assert_true(
			    x.limits.memory_bytes <= y.limits.memory_bytes);
			assert_true(!y.strict || x.strict);
			assert_true(!y.overlay || x.overlay);
			assert_true(profile_list_len(y.deny) <=
			    profile_list_len(x.deny));
		}
	}
}

static void
the_plan_holds_what_the_profile_says(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	static const char *const argv[] = { "true" };
	static const char *const env[] = { "MY_MODE=1", "SECRET=2" };
	struct config_profile c = {
		.name = "build",
		.where = "c.yaml:3",
		.write = { words_ws_cache, 3 },
		.has_write = true,
		.deny = { words_deny, 1 },
		.env = { words_env, 2 },
	};
	struct err e = ERR_INIT;
	const struct plan_options o = {
		.profile = get(make(a, &c, 1, &e), "build"),
		.who = { .identity = IDENTITY_SAME, .uid = 1, .gid = 1 },
		.workspace = "/srv/proj",
		.home = "/home/dev",
		.argv = argv,
		.argc = 1,
		.env = env,
		.env_count = 2,
	};
	struct plan *p = NULL;
	bool passed = false, leaked = false, set = false;

	(void)state;
	assert_int_equal(plan_make(&o, a, &p, &e), 0);
	assert_int_equal(p->write_root_count, 1);
	assert_string_equal(p->write_roots[0], "/srv/cache");
	assert_int_equal(p->deny_count, 1);
	for (size_t i = 0; i < p->env_count; i++) {
		passed |= strcmp(p->env[i], "MY_MODE=1") == 0;
		leaked |= strncmp(p->env[i], "SECRET", 6) == 0;
		set |= strcmp(p->env[i], "MODE=ci") == 0;
	}
	assert_true(passed);
	assert_true(set);
	assert_false(leaked);
}

static void
paths_are_expanded_for_who_proposes(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);

	(void)state;
	assert_string_equal(plan_expand("~/.cache/x", "/home/dev", "/w", a),
	    "/home/dev/.cache/x");
	assert_string_equal(plan_expand("$workspace/x", NULL, "/w", a), "/w/x");
	assert_string_equal(plan_expand("/x", NULL, "/w", a), "/x");
	assert_null(plan_expand("~/x", NULL, "/w", a));
	assert_null(plan_expand("~/../x", "/home/dev", "/w", a));
	assert_null(plan_expand("$workspacex", NULL, "w", a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_named_profile_is_its_base_and_what_it_adds),
		cmocka_unit_test(
		    limits_of_the_network_and_its_way_out_are_part_of_a_profile),
		cmocka_unit_test(
		    a_profile_without_a_network_lifts_nothing_of_the_default_ones),
		cmocka_unit_test(no_profile_writes_what_no_run_may_write),
		cmocka_unit_test(no_profile_shows_the_daemons_own_folders),
		cmocka_unit_test(
		    what_the_administrator_does_not_list_is_above_the_ceiling),
		cmocka_unit_test(a_request_narrows_and_never_widens),
		cmocka_unit_test(the_plan_holds_what_the_profile_says),
		cmocka_unit_test(paths_are_expanded_for_who_proposes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
