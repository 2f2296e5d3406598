/*
 * The final decision as a pure function: I2, I3, and the table of policies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ruling.h"
#include "stage.h"

/* Every combination of what rules say, who is set to answer, and what they
 * say: there are few enough to try them all. */
static void
each_case(
    void (*check)(const struct classification *, const struct ruling_policy *,
	const struct answer *, int, const struct ruling *))
{
	for (int d = DECISION_INVALID; d <= DECISION_DENY; d++)
		for (int p = POLICY_INVALID; p <= POLICY_NEVER; p++)
			for (int bits = 0; bits < 4; bits++)
				for (int kind = ANSWER_NONE;
				     kind <= ANSWER_TIMEOUT; kind++)
					for (int outcome = REVIEW_INVALID;
					     outcome <= REVIEW_DENY; outcome++)
						for (int said =
							 DECISION_INVALID;
						     said <= DECISION_DENY;
						     said++) {
							const struct
							    classification c = {
								    .decision =
									(enum decision)
									    d,
								    .by =
									BY_RULE,
							    };
							const struct ruling_policy
							    policy = {
								    .approval =
									(enum approval_policy)
									    p,
								    .auto_review =
									(bits &
									    1) !=
									0,
								    .provider =
									(bits &
									    2) !=
									0,
							    };
							const struct answer answer = {
								.kind =
								    (enum answer_kind)
									kind,
								.outcome =
								    (enum review_outcome)
									outcome,
								.decision =
								    (enum decision)
									said,
								.approver =
								    "uid:1",
							};
							struct ruling ruling = {
								0
							};
							const int r = ruling_of(
							    &c, &policy,
							    &answer, &ruling,
							    NULL);

							check(&c, &policy,
							    &answer, r,
							    &ruling);
						}
}

static void
check_deny_is_final(const struct classification *c,
    const struct ruling_policy *p, const struct answer *a, int r,
    const struct ruling *ruling)
{
	(void)p;
	(void)a;
	if (c->decision == DECISION_DENY && r == 0)
		assert_int_equal(ruling->decision, DECISION_DENY);
}

static void
i2_a_deny_from_rules_is_final(void **state)
{
	(void)state;
	each_case(check_deny_is_final);
}

static void
check_ask_needs_person(const struct classification *c,
    const struct ruling_policy *p, const struct answer *a, int r,
    const struct ruling *ruling)
{
	(void)p;
	if (c->decision == DECISION_ASK && r == 0 &&
	    ruling->decision == DECISION_ALLOW)
		assert_int_equal(a->kind, ANSWER_PERSON);
}

static void
i2_an_ask_is_answered_by_a_person_only(void **state)
{
	(void)state;
	each_case(check_ask_needs_person);
}

static void
check_reviewer(const struct classification *c, const struct ruling_policy *p,
    const struct answer *a, int r, const struct ruling *ruling)
{
	if (a->kind != ANSWER_REVIEWER || r != 0)
		return;
	assert_int_equal(c->decision, DECISION_REVIEW);
	assert_true(p->auto_review && p->provider);
	if (ruling->decision == DECISION_ALLOW)
		assert_int_equal(a->outcome, REVIEW_APPROVE);
}

static void
i3_a_reviewer_allows_only_what_rules_sent_to_it(void **state)
{
	(void)state;
	each_case(check_reviewer);
}

static void
check_never(const struct classification *c, const struct ruling_policy *p,
    const struct answer *a, int r, const struct ruling *ruling)
{
	if (p->approval != POLICY_NEVER || r != 0 ||
	    ruling->decision != DECISION_ALLOW)
		return;
	if (a->kind == ANSWER_PERSON)
		assert_int_equal(c->decision, DECISION_REVIEW);
}

static void
with_never_a_person_is_not_asked(void **state)
{
	(void)state;
	each_case(check_never);
}

static void
check_default(const struct classification *c, const struct ruling_policy *p,
    const struct answer *a, int r, const struct ruling *ruling)
{
	(void)p;
	(void)a;
	if (r == 0) {
		assert_true(ruling->decision == DECISION_ALLOW ||
		    ruling->decision == DECISION_DENY);
		assert_int_not_equal(ruling->by, BY_INVALID);
		assert_int_not_equal(c->decision, DECISION_INVALID);
	} else {
		assert_int_equal(ruling->decision, DECISION_INVALID);
	}
}

static void
what_was_never_classified_is_never_ruled(void **state)
{
	(void)state;
	each_case(check_default);
}

static void
an_answer_without_an_approver_does_not_count(void **state)
{
	const struct classification c = { .decision = DECISION_ASK };
	const struct ruling_policy p = { .approval = POLICY_ON_REQUEST };
	const struct answer a = {
		.kind = ANSWER_PERSON,
		.decision = DECISION_ALLOW,
	};
	struct ruling ruling = { 0 };

	(void)state;
	assert_int_not_equal(ruling_of(&c, &p, &a, &ruling, NULL), 0);
}

static void
nothing_runs_before_it_is_decided(void **state)
{
	(void)state;
	for (int s = STAGE_INVALID; s <= STAGE_EXPIRED; s++) {
		if (stage_may_follow((enum stage)s, STAGE_RUNNING))
			assert_int_equal(s, STAGE_DECIDED);
		assert_false(stage_may_follow((enum stage)s, STAGE_INVALID));
		assert_false(stage_may_follow((enum stage)s, STAGE_PROPOSED));
	}
}

static void
what_ran_is_over(void **state)
{
	(void)state;
	assert_true(stage_is_final(STAGE_DONE));
	assert_true(stage_is_final(STAGE_UNKNOWN));
	assert_false(stage_may_follow(STAGE_UNKNOWN, STAGE_RUNNING));
	assert_false(stage_may_follow(STAGE_DONE, STAGE_RUNNING));
	assert_false(stage_may_follow((enum stage)99, STAGE_RUNNING));
	assert_false(stage_may_follow(STAGE_DECIDED, (enum stage)31));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(i2_a_deny_from_rules_is_final),
		cmocka_unit_test(i2_an_ask_is_answered_by_a_person_only),
		cmocka_unit_test(
		    i3_a_reviewer_allows_only_what_rules_sent_to_it),
		cmocka_unit_test(with_never_a_person_is_not_asked),
		cmocka_unit_test(what_was_never_classified_is_never_ruled),
		cmocka_unit_test(an_answer_without_an_approver_does_not_count),
		cmocka_unit_test(nothing_runs_before_it_is_decided),
		cmocka_unit_test(what_ran_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
