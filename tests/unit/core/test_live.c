/*
 * What the actions in memory may keep of their output.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "live.h"
#include "model/limits.h"

#define RUNS 40
#define GREEDY 1000
#define OTHER 1001
#define MIB ((size_t)1 << 20)

/* These have no row in a log, so nothing that says so. */
void
receipt_free(struct receipt *r)
{
	assert_null(r);
}

static const struct outflow_out nowhere = { .ctx = NULL };

/* A run of uid that ended and wrote n bytes, as far as they are kept. */
static struct live *
run(struct live_table *t, uid_t uid, const char *id, size_t n)
{
	AUTO(action_freep) struct action *a = NULL;
	AUTO_FREE char *bytes = mem_new(1, n);
	struct live *l = NULL;
	const struct str all = str_n(bytes, n);

	assert_non_null(bytes);
	assert_int_equal(action_new(&a, NULL), 0);
	(void)snprintf(a->id, sizeof(a->id), "%s", id);
	a->proposer.uid = uid;
	a->stage = STAGE_RUNNING;
	assert_int_equal(live_add(t, &a, &l, NULL), 0);
	live_kept(t, l,
	    outflow_add(&l->output, &nowhere, 1, all, live_may_keep(t, l)));
	live_kept(t, l,
	    outflow_add(&l->output, &nowhere, 2, all, live_may_keep(t, l)));
	return l;
}

static size_t
kept(const struct live *l)
{
	return l->output.kept[0].len + l->output.kept[1].len;
}

static void
stall(struct live *l)
{
	l->output.readers = mem_new(1, sizeof(*l->output.readers));
	assert_non_null(l->output.readers);
}

static void
a_uid_whose_readers_stall_leaves_room_for_others(void **state)
{
	AUTO(live_table_freep) struct live_table *t = NULL;
	struct live *l;
	size_t all = 0;
	char id[16];

	(void)state;
	assert_int_equal(live_table_new(&t, NULL), 0);
	for (int i = 0; i < RUNS; i++) {
		(void)snprintf(id, sizeof(id), "g%d", i);
		l = run(t, GREEDY, id, 8 * MIB);
		stall(l);
		live_set_stage(t, l, STAGE_DONE);
		all += kept(l);
		live_trim(t);
	}
	assert_in_range(all, 64 * MIB, RUN_KEPT_BYTES_MAX / 2);
	assert_true(live_is_greedy(t, l));
	l = run(t, OTHER, "o", 8 * MIB);
	assert_int_equal(kept(l), 16 * MIB);
	live_set_stage(t, l, STAGE_DONE);
	live_trim(t);
	assert_ptr_equal(live_find(t, "o"), l);
	assert_false(live_is_greedy(t, l));
}

static void
the_uid_that_keeps_most_is_trimmed_first(void **state)
{
	AUTO(live_table_freep) struct live_table *t = NULL;
	char id[16];

	(void)state;
	assert_int_equal(live_table_new(&t, NULL), 0);
	live_set_stage(t, run(t, OTHER, "o", 8 * MIB), STAGE_DONE);
	for (int i = 0; i < 6; i++) {
		(void)snprintf(id, sizeof(id), "g%d", i);
		live_set_stage(t, run(t, GREEDY, id, 8 * MIB), STAGE_DONE);
		live_trim(t);
	}
	assert_non_null(live_find(t, "o"));
	assert_null(live_find(t, "g0"));
	assert_non_null(live_find(t, "g5"));
}

static void
what_is_gone_is_counted_no_more(void **state)
{
	AUTO(live_table_freep) struct live_table *t = NULL;
	struct live *l;

	(void)state;
	assert_int_equal(live_table_new(&t, NULL), 0);
	for (int i = 0; i < RUNS; i++) {
		l = run(t, GREEDY, "g", 8 * MIB);
		assert_int_equal(kept(l), 16 * MIB);
		if (i % 2 == 0)
			live_set_stage(t, l, STAGE_DONE);
		live_remove(t, l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_uid_whose_readers_stall_leaves_room_for_others),
		cmocka_unit_test(the_uid_that_keeps_most_is_trimmed_first),
		cmocka_unit_test(what_is_gone_is_counted_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
