/*
 * The reviewer in the pipeline: it says once, no, or ask a person (I2, I3).
 */
#include "fake_ports.c.inc"

static void
what_rules_send_to_review_runs_once_approved(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	world_start_reviewed(&w, POLICY_ON_REQUEST);
	call = world_propose_reviewed(&w, "review");
	assert_int_equal(world_reply(&w, call)->status, 202);
	assert_int_equal(w.questions, 1);
	assert_int_equal(w.executor.started, 0);
	world_review(&w, REVIEW_APPROVE);
	assert_int_equal(w.executor.started, 1);
	assert_true(
	    reply_has(world_reply(&w, world_look(&w, call)), "\"reviewer\""));
	world_review(&w, REVIEW_APPROVE);
	assert_int_equal(w.executor.started, 1);
	world_stop(&w);
}

static void
a_denial_by_the_reviewer_is_told_to_the_agent(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	world_start_reviewed(&w, POLICY_ON_REQUEST);
	call = world_propose_reviewed(&w, "review");
	world_review(&w, REVIEW_DENY);
	assert_int_equal(w.executor.started, 0);
	assert_true(
	    reply_has(world_reply(&w, world_look(&w, call)), "\"deny\""));
	world_stop(&w);
}

static void
i3_every_doubt_goes_to_a_person(void **state)
{
	static const enum review_outcome doubts[] = {
		REVIEW_ESCALATE,
		REVIEW_INVALID,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(doubts); i++) {
		static struct world w;
		uint64_t call;

		world_start_reviewed(&w, POLICY_ON_REQUEST);
		call = world_propose_reviewed(&w, "review");
		world_review(&w, doubts[i]);
		assert_int_equal(w.executor.started, 0);
		assert_int_equal(
		    world_reply(&w, world_look(&w, call))->status, 202);
		/* A second thought of the reviewer comes too late. */
		world_review(&w, REVIEW_APPROVE);
		assert_int_equal(w.executor.started, 0);
		(void)world_answer(&w, world_look(&w, call), "allow");
		assert_int_equal(w.executor.started, 1);
		world_stop(&w);
	}
}

static void
i2_the_reviewer_is_never_asked_what_a_person_must_answer(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	world_start_reviewed(&w, POLICY_ON_REQUEST);
	call = world_propose_reviewed(&w, "ask");
	assert_int_equal(w.questions, 0);
	(void)world_id(&w, call, w.asked);
	world_review(&w, REVIEW_APPROVE);
	assert_int_equal(w.executor.started, 0);
	call = world_propose_reviewed(&w, "deny");
	(void)world_id(&w, call, w.asked);
	world_review(&w, REVIEW_APPROVE);
	assert_int_equal(w.questions, 0);
	assert_int_equal(w.executor.started, 0);
	world_stop(&w);
}

static void
i3_an_answer_for_another_hash_is_no_answer(void **state)
{
	static struct world w;

	(void)state;
	world_start_reviewed(&w, POLICY_ON_REQUEST);
	(void)world_propose_reviewed(&w, "review");
	w.asked_sha256[0] ^= 1;
	world_review(&w, REVIEW_APPROVE);
	assert_int_equal(w.executor.started, 0);
	world_stop(&w);
}

static void
a_reviewer_that_is_away_or_late_or_gone_means_a_person(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	world_start_reviewed(&w, POLICY_ON_REQUEST);
	w.reviewer_away = true;
	call = world_propose_reviewed(&w, "review");
	assert_int_equal(world_reply(&w, world_look(&w, call))->status, 202);
	w.reviewer_away = false;
	(void)world_propose_reviewed(&w, "review late");
	fake_now += 96 * INT64_C(1000000000);
	engine_tick(w.g);
	assert_int_equal(w.cancelled, 1);
	world_review(&w, REVIEW_APPROVE);
	(void)world_propose_reviewed(&w, "review gone");
	engine_reviewer_gone(w.g);
	engine_commit(w.g);
	world_review(&w, REVIEW_APPROVE);
	assert_int_equal(w.executor.started, 0);
	world_stop(&w);
}

static void
what_does_not_fit_or_hides_something_goes_to_a_person(void **state)
{
	static struct world w;

	(void)state;
	world_start_reviewed(&w, POLICY_ON_REQUEST);
	(void)world_propose_reviewed(&w, "review huge");
	(void)world_propose_reviewed(&w, "review hidden");
	assert_int_equal(w.questions, 0);
	world_stop(&w);
}

static void
with_policy_never_a_doubt_is_a_denial(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	world_start_reviewed(&w, POLICY_NEVER);
	call = world_propose_reviewed(&w, "review");
	assert_int_equal(w.questions, 1);
	world_review(&w, REVIEW_ESCALATE);
	assert_true(
	    reply_has(world_reply(&w, world_look(&w, call)), "\"deny\""));
	call = world_propose_reviewed(&w, "review");
	world_review(&w, REVIEW_APPROVE);
	assert_int_equal(w.executor.started, 1);
	world_stop(&w);
}

static void
a_person_may_answer_first(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	world_start_reviewed(&w, POLICY_ON_REQUEST);
	call = world_propose_reviewed(&w, "review");
	(void)world_answer(&w, world_look(&w, call), "deny");
	assert_int_equal(w.cancelled, 1);
	world_review(&w, REVIEW_APPROVE);
	assert_int_equal(w.executor.started, 0);
	world_stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_rules_send_to_review_runs_once_approved),
		cmocka_unit_test(a_denial_by_the_reviewer_is_told_to_the_agent),
		cmocka_unit_test(i3_every_doubt_goes_to_a_person),
		cmocka_unit_test(
		    i2_the_reviewer_is_never_asked_what_a_person_must_answer),
		cmocka_unit_test(i3_an_answer_for_another_hash_is_no_answer),
		cmocka_unit_test(
		    a_reviewer_that_is_away_or_late_or_gone_means_a_person),
		cmocka_unit_test(
		    what_does_not_fit_or_hides_something_goes_to_a_person),
		cmocka_unit_test(with_policy_never_a_doubt_is_a_denial),
		cmocka_unit_test(a_person_may_answer_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
