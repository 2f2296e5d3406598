/*
 * Answers that last, and answers of several people, over fake ports: I1, I2,
 * I7, restarts, clocks.
 */
#include "fake_ports.c.inc"

#include "engine_int.h"
#include "grants.h"

static void
begin(struct world *w)
{
	world_start(w);
	w->session = "s-1";
	w->uid = 0;
	w->approver = 0;
	w->scope = NULL;
}

static bool
says(struct world *w, uint64_t call, const char *text)
{
	return reply_has(world_reply(w, call), text);
}

static uint64_t
propose(struct world *w, const char *script)
{
	const uint64_t call = world_propose(w, script, false, NULL, -1);

	engine_commit(w->g);
	return call;
}

/* A person allows it for the scope; the status of that. */
static unsigned
allow_for(struct world *w, const char *script, const char *scope)
{
	const uint64_t call = propose(w, script);
	uint64_t answered;

	assert_int_equal(world_reply(w, call)->status, 202);
	w->scope = scope;
	answered = world_answer(w, call, "allow");
	w->scope = NULL;
	return world_reply(w, answered)->status;
}

static bool
is_granted(struct world *w, const char *script)
{
	const uint64_t call = propose(w, script);

	return says(w, call, "\"decision\":\"allow\"") &&
	    says(w, call, "\"decided_by\":\"grant\"");
}

static void
i7_a_grant_answers_the_like_and_names_itself(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	begin(&w);
	assert_int_equal(allow_for(&w, "ask run tool host", "session"), 200);
	call = propose(&w, "ask run tool host");
	assert_true(says(&w, call, "\"grant\":\"grt_"));
	assert_false(is_granted(&w, "ask run tool other"));
	assert_false(is_granted(&w, "ask run other host"));
	assert_false(is_granted(&w, "ask"));
	world_stop(&w);
}

static void
i2_no_grant_changes_a_deny(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	begin(&w);
	assert_int_equal(allow_for(&w, "ask run tool host", "until 2h"), 200);
	call = propose(&w, "deny run tool host");
	assert_true(says(&w, call, "\"decision\":\"deny\""));
	world_stop(&w);
}

static void
a_grant_is_for_its_uid_session_and_no_other(void **state)
{
	static struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(allow_for(&w, "ask run tool host", "session"), 200);
	assert_int_equal(allow_for(&w, "ask run two host", "until 2h"), 200);
	w.session = "s-2";
	assert_false(is_granted(&w, "ask run tool host"));
	assert_true(is_granted(&w, "ask run two host"));
	w.session = NULL;
	assert_false(is_granted(&w, "ask run tool host"));
	w.uid = 1001;
	assert_false(is_granted(&w, "ask run two host"));
	w.uid = 0;
	w.session = "s-1";
	assert_true(is_granted(&w, "ask run tool host"));
	world_stop(&w);
}

static void
i1_a_grant_that_is_not_durable_answers_nothing(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	begin(&w);
	call = propose(&w, "ask run tool host");
	w.scope = "session";
	w.recorder.fail_commit = true;
	call = world_answer(&w, call, "allow");
	assert_int_equal(world_reply(&w, call)->status, 503);
	w.recorder.fail_commit = false;
	w.scope = NULL;
	assert_false(is_granted(&w, "ask run tool host"));
	world_stop(&w);
}

static const char *
the_grant(struct world *w, char ret[static ACTION_ID_MAX])
{
	const struct call list = {
		.route = ROUTE_GRANTS,
		.role = CALLER_APPROVER,
		.uid = 1000,
	};
	const struct fake_reply *r = world_reply(w, world_call(w, list));
	const char *at = strstr(r->body, "grt_");

	if (at == NULL)
		return NULL;
	memset(ret, 0, ACTION_ID_MAX);
	memcpy(ret, at, strcspn(at, "\""));
	return ret;
}

static void
what_is_being_revoked_answers_nothing_in_the_same_batch(void **state)
{
	static struct world w;
	char id[ACTION_ID_MAX];
	uint64_t call;

	(void)state;
	begin(&w);
	assert_int_equal(allow_for(&w, "ask run tool host", "session"), 200);
	const struct call revoke = {
		.route = ROUTE_REVOKE,
		.role = CALLER_APPROVER,
		.uid = 1000,
		.target = id,
	};

	assert_non_null(the_grant(&w, id));
	(void)world_call(&w, revoke);
	call = world_propose(&w, "ask run tool host", false, NULL, -1);
	engine_commit(w.g);
	assert_int_equal(world_reply(&w, call)->status, 202);
	assert_null(the_grant(&w, id));
	world_stop(&w);
}

static void
a_grant_survives_a_restart_and_its_revocation_too(void **state)
{
	static struct world w;
	char id[ACTION_ID_MAX];

	(void)state;
	begin(&w);
	assert_int_equal(allow_for(&w, "ask run tool host", "until 2h"), 200);
	world_restart(&w);
	assert_true(is_granted(&w, "ask run tool host"));
	assert_non_null(the_grant(&w, id));
	const struct call revoke = {
		.route = ROUTE_REVOKE,
		.role = CALLER_APPROVER,
		.uid = 1000,
		.target = id,
	};

	(void)world_call(&w, revoke);
	engine_commit(w.g);
	world_restart(&w);
	assert_false(is_granted(&w, "ask run tool host"));
	world_stop(&w);
}

static void
a_grant_ends_with_its_time(void **state)
{
	static struct world w;
	char id[ACTION_ID_MAX];

	(void)state;
	begin(&w);
	assert_int_equal(allow_for(&w, "ask run tool host", "until 1m"), 200);
	fake_now += 59 * INT64_C(1000000000);
	assert_true(is_granted(&w, "ask run tool host"));
	fake_now += 2 * INT64_C(1000000000);
	assert_false(is_granted(&w, "ask run tool host"));
	engine_tick(w.g);
	assert_null(the_grant(&w, id));
	world_stop(&w);
}

static void
an_ill_formed_or_distant_time_is_refused(void **state)
{
	static const char *const scopes[] = { "until", "until ", "until soon",
		"until 2h ", "until 400d", "until 0s", "forever",
		"until 1970-01-01T00:00:00Z" };
	static struct world w;
	char id[ACTION_ID_MAX];

	(void)state;
	begin(&w);
	for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
		assert_int_equal(
		    allow_for(&w, "ask run tool host", scopes[i]), 422);
	assert_null(the_grant(&w, id));
	world_stop(&w);
}

/* ---- clocks, on a grant alone ------------------------------------------------ */

#define HOUR INT64_C(3600000000000)

static struct grant
one_hour(void)
{
	return (struct grant){
		.given_boot_ns = 10 * HOUR,
		.given_real_ns = 1000 * HOUR,
		.life_ns = HOUR,
		.boot_id = "boot-1",
	};
}

static bool
over_at(struct grant g, int64_t boot_ns, int64_t real_ns, const char *boot_id)
{
	const struct grant_clock now = { boot_ns, real_ns, boot_id };

	grant_carry_over(&g, &now);
	return grant_is_over(&g, &now);
}

static void
i7_no_jump_of_a_clock_makes_a_grant_longer(void **state)
{
	const struct grant g = one_hour();

	(void)state;
	assert_false(over_at(g, 10 * HOUR + 1, 1000 * HOUR + 1, "boot-1"));
	assert_true(over_at(g, 11 * HOUR, 1001 * HOUR, "boot-1"));
	/* Set back, however far: the other clock goes on. */
	assert_true(over_at(g, 11 * HOUR, 1000 * HOUR + 1, "boot-1"));
	assert_true(over_at(g, 10 * HOUR + 1, 999 * HOUR, "boot-1"));
	/* Set forward: it ends early rather than late. */
	assert_true(over_at(g, 10 * HOUR + 1, 1002 * HOUR, "boot-1"));
	/* After a boot the wall clock tells how old it is. */
	assert_false(over_at(g, 1, 1000 * HOUR + HOUR / 2, "boot-2"));
	assert_true(over_at(g, 1, 1001 * HOUR, "boot-2"));
	assert_true(over_at(g, 1, 999 * HOUR, "boot-2"));
	/* Where the boot is not known neither. */
	assert_true(over_at(g, 1, 1001 * HOUR, ""));
}

/* ---- several people --------------------------------------------------------- */

static void
two_people_have_to_allow_and_one_counts_once(void **state)
{
	static struct world w;
	uint64_t call, answered;
	char id[ACTION_ID_MAX];

	(void)state;
	begin(&w);
	w.g->o.set.policy.approvals[RISK_LOW] = 2;
	call = propose(&w, "ask run tool host");
	assert_true(says(&w, call, "\"approvals\":\"0/2\""));
	answered = world_answer(&w, call, "allow");
	assert_int_equal(world_reply(&w, answered)->status, 202);
	assert_true(says(&w, answered, "\"approvals\":\"1/2\""));
	/* The same person again, with what he sees now. */
	assert_int_equal(
	    world_reply(&w, world_answer(&w, answered, "allow"))->status, 409);
	/* Another one, after a restart. */
	world_restart(&w);
	w.g->o.set.policy.approvals[RISK_LOW] = 2;
	w.approver = 1001;
	(void)world_id(&w, call, id);
	answered = world_answer(&w, answered, "allow");
	assert_int_equal(world_reply(&w, answered)->status, 200);
	assert_true(says(&w, answered, "\"approvals\":\"2/2\""));
	assert_true(says(&w, answered, "\"decision\":\"allow\""));
	world_stop(&w);
}

static void
what_takes_two_people_is_granted_by_nobody(void **state)
{
	static struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(allow_for(&w, "ask run tool host", "session"), 200);
	w.g->o.set.policy.approvals[RISK_LOW] = 2;
	assert_false(is_granted(&w, "ask run tool host"));
	world_stop(&w);
}

static void
where_grants_are_forbidden_those_that_exist_answer_nothing(void **state)
{
	static struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(allow_for(&w, "ask run tool host", "until 2h"), 200);
	w.g->o.set.policy.grants = GRANTS_SESSION;
	assert_false(is_granted(&w, "ask run tool host"));
	w.g->o.set.policy.grants = GRANTS_NONE;
	assert_false(is_granted(&w, "ask run tool host"));
	assert_int_equal(allow_for(&w, "ask run tool two", "session"), 403);
	world_stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(i7_a_grant_answers_the_like_and_names_itself),
		cmocka_unit_test(i2_no_grant_changes_a_deny),
		cmocka_unit_test(a_grant_is_for_its_uid_session_and_no_other),
		cmocka_unit_test(
		    i1_a_grant_that_is_not_durable_answers_nothing),
		cmocka_unit_test(
		    what_is_being_revoked_answers_nothing_in_the_same_batch),
		cmocka_unit_test(
		    a_grant_survives_a_restart_and_its_revocation_too),
		cmocka_unit_test(a_grant_ends_with_its_time),
		cmocka_unit_test(an_ill_formed_or_distant_time_is_refused),
		cmocka_unit_test(i7_no_jump_of_a_clock_makes_a_grant_longer),
		cmocka_unit_test(two_people_have_to_allow_and_one_counts_once),
		cmocka_unit_test(what_takes_two_people_is_granted_by_nobody),
		cmocka_unit_test(
		    where_grants_are_forbidden_those_that_exist_answer_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
