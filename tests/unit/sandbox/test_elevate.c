/*
 * Which account runs what: required, preferred, off; pools; ACLs as bytes.
 * Runs in: tests.
 */
#include "executor/elevate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "setup/acl_text.h"
#include "base/mem.h"

static struct config
set_up(enum elevated_mode mode, size_t pool)
{
	struct config c = {
		.elevated = mode,
		.elevated_setup = {
			.set_up = true,
			.ready = true,
			.offline = { "assent-offline", 900, 990 },
			.online_count = pool,
		},
	};

	for (size_t i = 0; i < pool; i++)
		c.elevated_setup.online[i] =
		    (struct config_account){ "assent-online",
			    (uint32_t)(901 + i), 990 };
	return c;
}

struct ask {
	uid_t uid;
	const char *session;
	const struct profile *p;
	uint64_t busy;
};

static int
choose(struct elevation *x, struct ask a, struct elevate_choice *ret)
{
	const struct proposer by = { .uid = a.uid, .gid = a.uid };
	const struct elevate_asked asked = {
		.proposer = &by,
		.session = a.session,
		.profile = a.p,
	};

	return elevation_choose(x, &asked, a.busy, ret, NULL);
}

static const struct profile plain = { .name = "p" };
static const struct profile net = { .name = "n", .online = true };
static const struct profile own = { .name = "o", .identity = RUNS_AS_OWN };

static void
an_account_of_its_own_never_is_root_or_the_proposer(void **state)
{
	const struct config c = set_up(ELEVATED_PREFERRED, 2);
	struct elevation x = { .mode = ELEVATED_OFF };
	struct elevate_choice got;

	(void)state;
	elevation_set(&x, &c);
	assert_int_equal(
	    choose(&x, (struct ask){ 1000, NULL, &plain, 0 }, &got), 0);
	assert_true(got.elevated);
	assert_int_equal(got.who.identity, IDENTITY_DEDICATED);
	assert_int_equal(got.who.uid, 900);
	assert_int_equal(got.who.owner, 1000);
	assert_int_equal(
	    choose(&x, (struct ask){ 1000, NULL, &net, 0 }, &got), 0);
	assert_int_equal(got.who.uid, 901);
	/* Root's own proposals: whoever owns the workspace. */
	assert_int_equal(
	    choose(&x, (struct ask){ 0, NULL, &plain, 0 }, &got), 0);
	assert_int_equal(got.who.uid, 900);
	assert_int_equal(got.who.owner, 0);
}

static void
what_is_required_is_never_fallen_back_from(void **state)
{
	struct config c = set_up(ELEVATED_REQUIRED, 1);
	struct elevation x = { .mode = ELEVATED_OFF };
	struct elevate_choice got;

	(void)state;
	elevation_set(&x, &c);
	assert_int_equal(
	    choose(&x, (struct ask){ 1, NULL, &plain, 0 }, &got), 0);
	assert_true(got.elevated);
	assert_int_equal(
	    choose(&x, (struct ask){ 1, NULL, &own, 0 }, &got), ERR_DENIED);
	c.elevated_setup.ready = false;
	elevation_set(&x, &c);
	assert_int_equal(
	    choose(&x, (struct ask){ 1, NULL, &plain, 0 }, &got), ERR_DENIED);
	c.elevated_setup.set_up = false;
	elevation_set(&x, &c);
	assert_int_equal(
	    choose(&x, (struct ask){ 1, NULL, &plain, 0 }, &got), ERR_DENIED);
}

static void
a_fallback_from_what_is_preferred_says_why(void **state)
{
	struct config c = set_up(ELEVATED_PREFERRED, 1);
	struct elevation x = { .mode = ELEVATED_OFF };
	struct elevate_choice got;

	(void)state;
	c.elevated_setup.ready = false;
	c.elevated_setup.why_not = "no nft";
	elevation_set(&x, &c);
	assert_int_equal(
	    choose(&x, (struct ask){ 1, NULL, &plain, 0 }, &got), 0);
	assert_false(got.elevated);
	assert_int_equal(got.who.identity, IDENTITY_SAME);
	assert_string_equal(got.why_not, "no nft");
	/* What was never set up, or is not wanted, is no fallback. */
	c.elevated_setup.set_up = false;
	elevation_set(&x, &c);
	assert_int_equal(
	    choose(&x, (struct ask){ 1, NULL, &plain, 0 }, &got), 0);
	assert_false(got.elevated);
	assert_null(got.why_not);
	c = set_up(ELEVATED_OFF, 1);
	elevation_set(&x, &c);
	assert_int_equal(
	    choose(&x, (struct ask){ 1, NULL, &plain, 0 }, &got), 0);
	assert_false(got.elevated);
}

static void
no_two_sessions_share_an_account_of_a_pool(void **state)
{
	const struct config c = set_up(ELEVATED_PREFERRED, 2);
	struct elevation x = { .mode = ELEVATED_OFF };
	struct elevate_choice a, b, again;

	(void)state;
	elevation_set(&x, &c);
	assert_int_equal(choose(&x, (struct ask){ 1, "a", &net, 0 }, &a), 0);
	assert_int_equal(choose(&x, (struct ask){ 1, "b", &net, 1 }, &b), 0);
	assert_int_not_equal(a.who.uid, b.who.uid);
	assert_int_equal(
	    choose(&x, (struct ask){ 1, "a", &net, 3 }, &again), 0);
	assert_int_equal(again.who.uid, a.who.uid);
	/* The same name of another user is another session. */
	assert_int_equal(
	    choose(&x, (struct ask){ 2, "a", &net, 3 }, &again), ERR_LIMIT);
	assert_int_equal(
	    choose(&x, (struct ask){ 1, "c", &net, 3 }, &again), ERR_LIMIT);
	/* Who has not run for longest gives way, when he does not run now. */
	assert_int_equal(
	    choose(&x, (struct ask){ 1, "c", &net, 0 }, &again), 0);
	assert_int_equal(again.who.uid, b.who.uid);
	elevation_set(&x, &c);
	assert_int_equal(
	    choose(&x, (struct ask){ 1, "a", &net, 0 }, &again), 0);
	assert_int_equal(again.who.uid, a.who.uid);
}

static void
what_a_mask_held_back_stays_held_back(void **state)
{
	uint8_t bytes[ACL_BYTES_MAX];
	struct acl a, b;
	mode_t group = 0;

	(void)state;
	acl_of_mode(0640, &a);
	assert_true(acl_is_mode(&a, &group));
	assert_int_equal(group, 4);
	assert_true(acl_add(&a, ACL_USER, 7, 7));
	acl_set_perm(&a, ACL_MASK, 0);
	a.at[a.count - 1].perm = 4; /* the mask: user 7 may only read */
	assert_true(acl_add(&a, ACL_GROUP, 9, 6));
	assert_true(acl_decode(bytes, acl_encode(&a, bytes), &b));
	for (size_t i = 0; i < b.count; i++) {
		if (b.at[i].tag == ACL_USER)
			assert_int_equal(b.at[i].perm, 4);
	}
	assert_int_equal(acl_perm(&b, ACL_MASK), 6);
	assert_false(acl_is_mode(&b, &group));
	acl_take_out(&b, ACL_USER, 7);
	acl_take_out(&b, ACL_GROUP, 9);
	assert_true(acl_is_mode(&b, &group));
	assert_int_equal(group, 4);
}

static void
bytes_that_are_no_acl_are_not_read(void **state)
{
	uint8_t bytes[ACL_BYTES_MAX + 8] = { 2 };
	struct acl a;
	size_t len;

	(void)state;
	assert_false(acl_decode(bytes, 0, &a));
	assert_false(acl_decode(bytes, 4, &a));
	assert_false(acl_decode(bytes, sizeof(bytes), &a));
	acl_of_mode(0755, &a);
	len = acl_encode(&a, bytes);
	assert_true(acl_decode(bytes, len, &a));
	assert_false(acl_decode(bytes, len - 1, &a));
	assert_false(acl_decode(bytes, len - 8, &a));
	bytes[6] = 8;
	assert_false(acl_decode(bytes, len, &a));
	bytes[6] = 7;
	bytes[0] = 3;
	assert_false(acl_decode(bytes, len, &a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    an_account_of_its_own_never_is_root_or_the_proposer),
		cmocka_unit_test(what_is_required_is_never_fallen_back_from),
		cmocka_unit_test(a_fallback_from_what_is_preferred_says_why),
		cmocka_unit_test(no_two_sessions_share_an_account_of_a_pool),
		cmocka_unit_test(what_a_mask_held_back_stays_held_back),
		cmocka_unit_test(bytes_that_are_no_acl_are_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
