/*
 * When a person takes over from the reviewer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "review_sessions.h"

static const uint8_t *
hash(uint8_t n)
{
	static uint8_t bytes[4][SHA256_LEN];
	static unsigned next;
	uint8_t *b = bytes[next++ % 4];

	memset(b, n, SHA256_LEN);
	return b;
}

static struct review_session *
session(struct review_sessions *t, const char *name)
{
	struct review_session *s = NULL;

	assert_int_equal(review_session_of(t, 1000, name, &s, NULL), 0);
	return s;
}

static struct review_session *
user(struct review_sessions *t)
{
	struct review_session *s = NULL;

	assert_int_equal(review_session_of_user(t, 1000, &s, NULL), 0);
	return s;
}

static void
deny(struct review_session *s, uint8_t from, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		review_session_said(s, REVIEW_DENY, hash((uint8_t)(from + i)));
}

static void
three_denials_in_a_row_end_it_and_a_person_starts_it_again(void **state)
{
	struct review_sessions *t = NULL;
	struct review_session *s;

	(void)state;
	assert_int_equal(review_sessions_new(&t, NULL), 0);
	s = session(t, "a");
	deny(s, 1, 2);
	assert_null(review_session_stops(s, hash(99), 0, 0));
	review_session_said(s, REVIEW_APPROVE, hash(50));
	deny(s, 10, 2);
	assert_null(review_session_stops(s, hash(99), 0, 0));
	deny(s, 20, 1);
	assert_string_equal(
	    review_session_stops(s, hash(99), 0, 0), "too_many_denials");
	/* No verdict is no approval: it changes nothing. */
	review_session_said(s, REVIEW_ESCALATE, hash(1));
	review_session_said(s, REVIEW_INVALID, hash(1));
	assert_non_null(review_session_stops(s, hash(99), 0, 0));
	review_session_person(s);
	assert_null(review_session_stops(s, hash(99), 0, 0));
	review_sessions_free(t);
}

static void
ten_of_the_last_fifty_end_it_and_the_eleventh_oldest_is_forgotten(void **state)
{
	struct review_sessions *t = NULL;
	struct review_session *s;

	(void)state;
	assert_int_equal(review_sessions_new(&t, NULL), 0);
	s = session(t, "a");
	for (unsigned i = 0; i < 9; i++) {
		deny(s, (uint8_t)i, 1);
		for (unsigned k = 0; k < 4; k++)
			review_session_said(s, REVIEW_APPROVE, hash(200));
	}
	assert_null(review_session_stops(s, hash(99), 0, 0));
	/* The first leaves the window as the tenth comes in. */
	for (unsigned k = 0; k < 5; k++)
		review_session_said(s, REVIEW_APPROVE, hash(200));
	deny(s, 100, 1);
	assert_null(review_session_stops(s, hash(99), 0, 0));
	deny(s, 101, 1);
	assert_string_equal(
	    review_session_stops(s, hash(99), 0, 0), "too_many_denials");
	review_sessions_free(t);
}

static void
another_name_of_the_session_does_not_help(void **state)
{
	struct review_sessions *t = NULL;

	(void)state;
	assert_int_equal(review_sessions_new(&t, NULL), 0);
	for (unsigned i = 0; i < 10; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "s%u", i);
		deny(session(t, name), (uint8_t)i, 1);
		deny(user(t), (uint8_t)i, 1);
	}
	assert_null(review_session_stops(session(t, "new"), hash(99), 0, 0));
	assert_string_equal(
	    review_session_stops(user(t), hash(99), 0, 0), "too_many_denials");
	review_sessions_free(t);
}

static void
what_was_denied_is_not_asked_again_but_once_when_a_person_wants_it(void **state)
{
	struct review_sessions *t = NULL;
	struct review_session *s;

	(void)state;
	assert_int_equal(review_sessions_new(&t, NULL), 0);
	s = session(t, "a");
	deny(s, 7, 1);
	assert_string_equal(
	    review_session_stops(s, hash(7), 0, 0), "denied_before");
	assert_null(review_session_stops(s, hash(8), 0, 0));
	review_session_again(s, hash(7), 0);
	assert_null(review_session_stops(s, hash(7), 0, 1));
	assert_false(review_session_take_again(s, hash(8), 1));
	assert_true(review_session_take_again(s, hash(7), 1));
	assert_false(review_session_take_again(s, hash(7), 1));
	assert_non_null(review_session_stops(s, hash(7), 0, 1));
	/* A wish is good for ten minutes. */
	review_session_again(s, hash(7), 0);
	assert_non_null(review_session_stops(s, hash(7), 0, REVIEW_AGAIN_NS));
	review_sessions_free(t);
}

static void
a_budget_of_tokens_is_kept_by_session(void **state)
{
	struct review_sessions *t = NULL;
	struct review_session *s;

	(void)state;
	assert_int_equal(review_sessions_new(&t, NULL), 0);
	s = session(t, "a");
	review_session_spent(s, 900);
	review_session_spent(s, -5);
	assert_null(review_session_stops(s, hash(1), 1000, 0));
	review_session_spent(s, 100);
	assert_string_equal(
	    review_session_stops(s, hash(1), 1000, 0), "token_budget");
	assert_null(review_session_stops(s, hash(1), 0, 0));
	assert_null(review_session_stops(session(t, "b"), hash(1), 1000, 0));
	review_sessions_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    three_denials_in_a_row_end_it_and_a_person_starts_it_again),
		cmocka_unit_test(
		    ten_of_the_last_fifty_end_it_and_the_eleventh_oldest_is_forgotten),
		cmocka_unit_test(another_name_of_the_session_does_not_help),
		cmocka_unit_test(
		    what_was_denied_is_not_asked_again_but_once_when_a_person_wants_it),
		cmocka_unit_test(a_budget_of_tokens_is_kept_by_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
