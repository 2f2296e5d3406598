/*
 * Identifiers: their form, their order, what is not one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/ids.h"

static void
an_id_is_a_prefix_and_a_ulid(void **state)
{
	const uint8_t random[ID_RANDOM_LEN] = { 0xff, 1, 2, 3 };
	char id[ACTION_ID_MAX];

	(void)state;
	id_make("act", INT64_C(1469918176385) * 1000000, random, id);
	assert_int_equal(strlen(id), 30);
	/* The time part of the specification's own example. */
	assert_memory_equal(id, "act_01ARYZ6S41", 14);
	assert_true(id_is("act", str_of(id)));
	assert_false(id_is("run", str_of(id)));
}

static void
later_ids_sort_after_earlier_ones(void **state)
{
	const uint8_t high[ID_RANDOM_LEN] = { 0xff, 0xff, 0xff };
	const uint8_t low[ID_RANDOM_LEN] = { 0 };
	char one[ACTION_ID_MAX], two[ACTION_ID_MAX];

	(void)state;
	id_make("act", INT64_C(1000000000000000), high, one);
	id_make("act", INT64_C(1000000001000000), low, two);
	assert_true(strcmp(one, two) < 0);
}

static void
what_is_not_an_id_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"act",
		"act_",
		"act_01ARYZ6S41TSV4RRFFQ69G5FA",
		"act_01ARYZ6S41TSV4RRFFQ69G5FAVX",
		"act-01ARYZ6S41TSV4RRFFQ69G5FAV",
		"act_01aryz6s41tsv4rrffq69g5fav",
		"act_01ARYZ6S41TSV4RRFFQ69G5FA/",
		"act_01ARYZ6S41TSV4RRFFQ69G5FAU",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(id_is("act", str_of(bad[i])));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_a_prefix_and_a_ulid),
		cmocka_unit_test(later_ids_sort_after_earlier_ones),
		cmocka_unit_test(what_is_not_an_id_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
