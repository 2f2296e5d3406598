/*
 * Reviews as they run: places, the queue, shadow, denials in a row, a second
 * look; and at random, that no verdict whatever moves what it may not
 * (I2, I3, I5).
 */
#include "fake_ports.c.inc"

#include "engine_int.h"

/* How the action of a proposal stands. */
static const struct fake_reply *
now(struct world *w, uint64_t call)
{
	return world_reply(w, world_look(w, call));
}

static void
as_many_are_asked_as_there_are_places_and_the_rest_waits(void **state)
{
	static struct world w;
	uint64_t calls[10];

	(void)state;
	memset(&w, 0, sizeof(w));
	world_start(&w);
	engine_free(w.g);
	w.policy.auto_review = true;
	w.policy.provider = true;
	w.review_parallel = 4;
	w.review_queue = 3;
	start_engine(&w);
	for (unsigned i = 0; i < 10; i++) {
		char script[32];

		(void)snprintf(script, sizeof(script), "review %u", i);
		calls[i] = world_propose_reviewed(&w, script);
	}
	assert_int_equal(w.questions, 4);
	/* Three wait, three are for a person at once. */
	for (unsigned i = 0; i < 7; i++)
		assert_false(reply_has(now(&w, calls[i]), "\"busy\""));
	for (unsigned i = 7; i < 10; i++)
		assert_true(reply_has(now(&w, calls[i]), "\"busy\""));
	world_review(&w, REVIEW_APPROVE);
	assert_int_equal(w.questions, 5);
	/* Rules do not wait for reviewers. */
	(void)world_propose_reviewed(&w, "allow");
	assert_int_equal(w.executor.started, 2);
	world_stop(&w);
}

static void
what_a_person_or_the_agent_ends_gives_its_place_away(void **state)
{
	static struct world w;
	uint64_t first;

	(void)state;
	memset(&w, 0, sizeof(w));
	world_start(&w);
	engine_free(w.g);
	w.policy.auto_review = true;
	w.policy.provider = true;
	w.review_parallel = 1;
	w.review_queue = 5;
	start_engine(&w);
	first = world_propose_reviewed(&w, "review 1");
	(void)world_propose_reviewed(&w, "review 2");
	assert_int_equal(w.questions, 1);
	(void)world_answer(&w, world_look(&w, first), "deny");
	engine_commit(w.g);
	assert_int_equal(w.cancelled, 1);
	engine_tick(w.g);
	assert_int_equal(w.questions, 2);
	/* What waits for too long is for a person, too. */
	(void)world_propose_reviewed(&w, "review 3");
	fake_now += 91 * SECOND_NS;
	engine_tick(w.g);
	assert_int_equal(w.executor.started, 0);
	world_stop(&w);
}

static void
in_shadow_it_is_asked_and_a_person_decides(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	memset(&w, 0, sizeof(w));
	world_start(&w);
	engine_free(w.g);
	w.policy.auto_review = true;
	w.shadow = true;
	start_engine(&w);
	call = world_propose_reviewed(&w, "review");
	assert_int_equal(w.questions, 1);
	world_review(&w, REVIEW_APPROVE);
	assert_int_equal(w.executor.started, 0);
	assert_int_equal(now(&w, call)->status, 202);
	/* The person is not told, so that the comparison is worth something. */
	assert_false(reply_has(now(&w, call), "as it seems"));
	(void)world_answer(&w, world_look(&w, call), "allow");
	engine_commit(w.g);
	assert_int_equal(w.executor.started, 1);
	assert_int_equal(w.g->n.shadow_agreed, 1);
	call = world_propose_reviewed(&w, "review other");
	world_review(&w, REVIEW_DENY);
	(void)world_answer(&w, world_look(&w, call), "allow");
	engine_commit(w.g);
	assert_int_equal(w.executor.started, 2);
	assert_int_equal(w.g->n.shadow_differed, 1);
	world_stop(&w);
}

static void
after_three_denials_a_person_answers_until_one_has(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	memset(&w, 0, sizeof(w));
	world_start_reviewed(&w, POLICY_ON_REQUEST);
	for (unsigned i = 0; i < 3; i++) {
		char script[32];

		(void)snprintf(script, sizeof(script), "review %u", i);
		(void)world_propose_reviewed(&w, script);
		world_review(&w, REVIEW_DENY);
	}
	assert_int_equal(w.questions, 3);
	call = world_propose_reviewed(&w, "review more");
	assert_int_equal(w.questions, 3);
	assert_true(reply_has(now(&w, call), "too_many_denials"));
	/* Another session of the same user has its own three. */
	w.session = "other";
	(void)world_propose_reviewed(&w, "review elsewhere");
	assert_int_equal(w.questions, 4);
	w.session = NULL;
	(void)world_answer(&w, world_look(&w, call), "allow");
	engine_commit(w.g);
	(void)world_propose_reviewed(&w, "review again");
	assert_int_equal(w.questions, 5);
	world_stop(&w);
}

static uint64_t
ask_for_a_second_look(struct world *w, uint64_t call, enum caller_role role)
{
	AUTO_FREE char *sha = reply_text(now(w, call), "action_sha256");
	char id[ACTION_ID_MAX], field[] = "decision", value[] = "review";
	char hash_field[] = "action_sha256";
	struct env_var fields[] = {
		{ .name = field, .value = value },
		{ .name = hash_field, .value = sha },
	};
	const struct call c = {
		.route = ROUTE_DECIDE,
		.role = role,
		.pid = 7,
		.uid = 1000,
		.wait_ms = -1,
		.target = id,
		.fields = fields,
		.field_count = 2,
	};
	uint64_t answered;

	(void)world_id(w, call, id);
	answered = world_call(w, c);
	engine_commit(w->g);
	return answered;
}

static int
refuse_kin(pid_t pid, const struct proposer *of, struct err *e)
{
	(void)of;
	return pid == 7 ? err_set(e, ERR_DENIED, "itself") : ERR_OK;
}

static void
an_agent_does_not_have_its_own_action_looked_at_again(void **state)
{
	static struct world w;
	uint64_t first;

	(void)state;
	memset(&w, 0, sizeof(w));
	world_start_reviewed(&w, POLICY_ON_REQUEST);
	first = world_propose_reviewed(&w, "review x");
	world_review(&w, REVIEW_DENY);
	w.g->o.env.answers_itself = refuse_kin;
	assert_int_equal(
	    world_reply(&w, ask_for_a_second_look(&w, first, CALLER_APPROVER))
		->status,
	    403);
	(void)world_propose_reviewed(&w, "review x");
	assert_int_equal(w.questions, 1);
	world_stop(&w);
}

static void
a_denied_action_is_looked_at_once_more_only_when_a_person_wants_it(void **state)
{
	static struct world w;
	uint64_t first, call;

	(void)state;
	memset(&w, 0, sizeof(w));
	world_start_reviewed(&w, POLICY_ON_REQUEST);
	first = world_propose_reviewed(&w, "review x");
	world_review(&w, REVIEW_DENY);
	/* The very same again: no second opinion, a person. */
	call = world_propose_reviewed(&w, "review x");
	assert_int_equal(w.questions, 1);
	assert_true(reply_has(now(&w, call), "denied_before"));
	/* An agent cannot want it. */
	assert_int_equal(
	    world_reply(&w, ask_for_a_second_look(&w, first, CALLER_AGENT))
		->status,
	    403);
	(void)world_propose_reviewed(&w, "review x");
	assert_int_equal(w.questions, 1);
	assert_int_equal(
	    world_reply(&w, ask_for_a_second_look(&w, first, CALLER_APPROVER))
		->status,
	    200);
	assert_int_equal(w.executor.started, 0);
	(void)world_propose_reviewed(&w, "review x");
	assert_int_equal(w.questions, 2);
	assert_true(w.asked_again);
	world_review(&w, REVIEW_APPROVE);
	assert_int_equal(w.executor.started, 1);
	world_stop(&w);
}

static void
i2_a_second_look_is_for_what_the_reviewer_denied_alone(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	memset(&w, 0, sizeof(w));
	world_start_reviewed(&w, POLICY_ON_REQUEST);
	call = world_propose_reviewed(&w, "deny");
	assert_int_equal(
	    world_reply(&w, ask_for_a_second_look(&w, call, CALLER_APPROVER))
		->status,
	    409);
	(void)world_propose_reviewed(&w, "deny");
	assert_int_equal(w.questions, 0);
	assert_int_equal(w.executor.started, 0);
	world_stop(&w);
}

static void
the_budget_of_a_session_ends_in_a_question_to_a_person(void **state)
{
	static struct world w;

	(void)state;
	memset(&w, 0, sizeof(w));
	world_start(&w);
	engine_free(w.g);
	w.policy.auto_review = true;
	w.policy.provider = true;
	w.session_tokens = 1000;
	w.tokens = 600;
	start_engine(&w);
	for (unsigned i = 0; i < 4; i++) {
		char script[32];

		(void)snprintf(script, sizeof(script), "review %u", i);
		(void)world_propose_reviewed(&w, script);
		if (w.questions == i + 1)
			world_review(&w, REVIEW_APPROVE);
	}
	assert_int_equal(w.questions, 2);
	assert_int_equal(w.executor.started, 2);
	world_stop(&w);
}

static void
each_way_that_a_review_ends_has_words_of_its_own(void **state)
{
	static struct world w;
	uint64_t denied, failed, late;

	(void)state;
	memset(&w, 0, sizeof(w));
	world_start_reviewed(&w, POLICY_ON_REQUEST);
	denied = world_propose_reviewed(&w, "review a");
	world_review(&w, REVIEW_DENY);
	failed = world_propose_reviewed(&w, "review b");
	world_review(&w, REVIEW_INVALID);
	late = world_propose_reviewed(&w, "review c");
	fake_now += 96 * SECOND_NS;
	engine_tick(w.g);
	assert_true(reply_has(now(&w, denied), "materially safer"));
	assert_true(reply_has(now(&w, failed), "\"not_reviewed\""));
	assert_true(reply_has(now(&w, failed), "no finding"));
	assert_true(reply_has(now(&w, late), "\"timed_out\""));
	assert_true(reply_has(now(&w, late), "says nothing about the action"));
	/* What the model wrote is for people, in the explanation. */
	assert_false(reply_has(now(&w, denied), "as it seems"));
	world_stop(&w);
}

/* N16: an approval that is not durable is none. */
static void
i3_what_cannot_be_recorded_is_not_approved(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	memset(&w, 0, sizeof(w));
	world_start_reviewed(&w, POLICY_ON_REQUEST);
	call = world_propose_reviewed(&w, "review");
	w.recorder.fail_commit = true;
	world_review(&w, REVIEW_APPROVE);
	assert_int_equal(w.executor.started, 0);
	w.recorder.fail_commit = false;
	engine_tick(w.g);
	/* The answer is gone with its row; the person is still there. */
	world_review(&w, REVIEW_APPROVE);
	assert_int_equal(w.executor.started, 0);
	assert_int_equal(now(&w, call)->status, 202);
	(void)world_answer(&w, world_look(&w, call), "allow");
	engine_commit(w.g);
	assert_int_equal(w.executor.started, 1);
	world_stop(&w);
}

/* ---- at random ------------------------------------------------------------ */

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

struct life {
	uint64_t call;
	char id[ACTION_ID_MAX];
	uint8_t sha256[SHA256_LEN];
	unsigned decision; /* as rules say: 0 allow .. 3 deny */
	bool asked, approved, allowed_by_person;
};

#define LIVES 24

static void
answer_wildly(struct world *w, struct life *lives, size_t count, uint32_t *seed)
{
	static const enum review_outcome all[] = { REVIEW_INVALID,
		REVIEW_APPROVE, REVIEW_ESCALATE, REVIEW_DENY };
	struct life *aimed = &lives[next_random(seed) % count];
	struct life *hashed = &lives[next_random(seed) % count];
	const bool straight = next_random(seed) % 3 != 0;
	struct review_answer r = {
		.action_id = aimed->id,
		.outcome = all[next_random(seed) % ARRAY_LEN(all)],
		.risk = (enum risk)(next_random(seed) % (RISK_CRITICAL + 1)),
	};

	memcpy(r.sha256, straight ? aimed->sha256 : hashed->sha256, SHA256_LEN);
	if (aimed->asked && r.outcome == REVIEW_APPROVE &&
	    memcmp(r.sha256, aimed->sha256, SHA256_LEN) == 0)
		aimed->approved = true;
	engine_reviewed(w->g, &r);
	engine_commit(w->g);
}

/* Each property for every action, after whatever was said. */
static void
check_lives(
    struct world *w, const struct life *lives, size_t count, uint32_t seed)
{
	for (size_t i = 0; i < count; i++) {
		const struct life *l = &lives[i];
		const struct live *at = live_find(w->g->live, l->id);
		bool ran;

		if (at == NULL)
			continue;
		ran =
		    at->a->stage == STAGE_RUNNING || at->a->stage == STAGE_DONE;
		if (ran && l->decision == 3)
			fail_msg("I2: a denial ran, seed %u", seed);
		if (ran && l->decision == 2 && !l->allowed_by_person)
			fail_msg("I2: a question ran, seed %u", seed);
		if (ran && l->decision == 1 && !l->approved &&
		    !l->allowed_by_person)
			fail_msg("I3: ran without an approval, seed %u", seed);
		/* I5: whatever was answered, the profile is the one shown. */
		assert_string_equal(
		    at->a->classification.profile.name, "workspace-write");
		assert_int_equal(at->a->classification.profile.host_count, 0);
		assert_int_equal(at->a->classification.profile.write_count, 0);
	}
}

static void
live_once(struct world *w, uint32_t seed)
{
	static const char *const scripts[] = { "allow", "review", "ask",
		"deny" };
	static struct life lives[LIVES];
	uint32_t r = seed;

	memset(lives, 0, sizeof(lives));
	for (size_t i = 0; i < LIVES; i++) {
		struct life *l = &lives[i];
		const unsigned asked = w->questions;
		const struct live *at;
		char script[64];

		l->decision = next_random(&r) % 4;
		(void)snprintf(script, sizeof(script), "%s %u.%zu",
		    scripts[l->decision], seed, i);
		l->call = world_propose_reviewed(w, script);
		(void)world_id(w, l->call, l->id);
		at = live_find(w->g->live, l->id);
		assert_non_null(at);
		memcpy(l->sha256, at->a->sha256, SHA256_LEN);
		l->asked = w->questions > asked;
		if (l->asked)
			assert_int_equal(l->decision, 1);
		for (unsigned k = next_random(&r) % 4; k > 0; k--)
			answer_wildly(w, lives, i + 1, &r);
		if (next_random(&r) % 8 == 0 && l->decision != 3) {
			l->allowed_by_person = true;
			(void)world_answer(w, world_look(w, l->call), "allow");
			engine_commit(w->g);
		}
		check_lives(w, lives, i + 1, seed);
	}
}

static void
i2_i3_i5_no_verdict_moves_what_it_may_not(void **state)
{
	static const enum approval_policy policies[] = { POLICY_UNTRUSTED,
		POLICY_ON_REQUEST, POLICY_NEVER };

	(void)state;
	for (uint32_t seed = 1; seed <= 60; seed++) {
		static struct world w;

		memset(&w, 0, sizeof(w));
		w.shadow = false;
		world_start_reviewed(&w, policies[seed % ARRAY_LEN(policies)]);
		live_once(&w, seed);
		world_stop(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    an_agent_does_not_have_its_own_action_looked_at_again),
		cmocka_unit_test(
		    as_many_are_asked_as_there_are_places_and_the_rest_waits),
		cmocka_unit_test(
		    what_a_person_or_the_agent_ends_gives_its_place_away),
		cmocka_unit_test(in_shadow_it_is_asked_and_a_person_decides),
		cmocka_unit_test(
		    after_three_denials_a_person_answers_until_one_has),
		cmocka_unit_test(
		    a_denied_action_is_looked_at_once_more_only_when_a_person_wants_it),
		cmocka_unit_test(
		    i2_a_second_look_is_for_what_the_reviewer_denied_alone),
		cmocka_unit_test(
		    the_budget_of_a_session_ends_in_a_question_to_a_person),
		cmocka_unit_test(
		    each_way_that_a_review_ends_has_words_of_its_own),
		cmocka_unit_test(i3_what_cannot_be_recorded_is_not_approved),
		cmocka_unit_test(i2_i3_i5_no_verdict_moves_what_it_may_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
