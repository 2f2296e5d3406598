/*
 * Retention while the log is being written: bodies leave it, never a row, and
 * never what a destination does not have.
 */
#include "db_test.h"

#include "cursor.h"
#include "retain.h"

#define ROWS 50
#define FIRST_NS INT64_C(1795000000000000000)
#define ROW_NS 1000 /* between two rows of append_nth */

struct world {
	struct place p;
	struct recorder *r;
};

static int64_t
now(void)
{
	return FIRST_NS + (int64_t)ROWS * ROW_NS;
}

static int
set_up(void **state)
{
	static struct world w;
	struct err e = ERR_INIT;

	place_make(&w.p);
	must(store_open(&(struct store_options){ .state_dir = w.p.state,
			    .real_ns = now },
		 &w.r, &e),
	    &e);
	add_rows(w.r, 0, ROWS, 16);
	*state = &w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	store_closep(&w->r);
	place_remove(&w->p);
	return 0;
}

/* Drops what is older than the n-th row, for a destination that has through. */
static uint64_t
retain(struct world *w, unsigned n, uint64_t through)
{
	struct err e = ERR_INIT;
	uint64_t dropped = 0;

	must(store_retain(
		 w->r, FIRST_NS + (int64_t)n * ROW_NS, through, &dropped, &e),
	    &e);
	return dropped;
}

static void
export_through(struct world *w, const char *name, uint64_t seq)
{
	struct err e = ERR_INIT;

	must(cursor_write(w->p.state, name, seq, &e), &e);
}

static void
old_bodies_go_and_the_log_verifies_beside_its_writer(void **state)
{
	struct world *w = *state;
	struct verify_result v;
	struct err e = ERR_INIT;

	export_through(w, "otlp", ROWS);
	assert_int_equal(retain(w, 20, ROWS), 20);
	assert_int_equal(retain(w, 20, ROWS), 0);
	add_rows(w->r, ROWS, 5, 1);
	assert_int_equal(retain(w, 30, ROWS), 10);
	must(verify_at(w->p.state, &v, &e), &e);
	assert_int_equal(v.bodies_dropped, 30);
	/* two rows say what was dropped */
	assert_int_equal(v.rows, ROWS + 5 + 2);
}

static void
nothing_goes_that_a_destination_does_not_have(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;
	uint64_t dropped = 0;

	assert_int_equal(
	    store_retain(w->r, INT64_MAX, UINT64_MAX, &dropped, &e),
	    ERR_NOTFOUND);
	export_through(w, "siem", ROWS);
	export_through(w, "archive", 7);
	assert_int_equal(retain(w, ROWS, ROWS), 7);
	/* what is written down is not what the engine has heard */
	export_through(w, "archive", ROWS);
	assert_int_equal(retain(w, ROWS, 9), 2);
	assert_int_equal(retain(w, ROWS, 0), 0);
}

static void
a_destination_that_is_removed_holds_up_nothing(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;
	struct cursor least;
	uint64_t dropped = 0;

	/* it was the daemon's, and is not set any more: exported is the word
	 * of those that are */
	export_through(w, "syslog", 3);
	must(store_retain(w->r, INT64_MAX, 5, &dropped, &e), &e);
	assert_int_equal(dropped, 5);
	/* no destination at all, and nobody else */
	assert_int_equal(
	    store_retain(w->r, INT64_MAX, UINT64_MAX, &dropped, &e),
	    ERR_NOTFOUND);
	/* somebody else's counts until it is forgotten */
	export_through(w, "siem", 7);
	must(store_retain(w->r, INT64_MAX, UINT64_MAX, &dropped, &e), &e);
	assert_int_equal(dropped, 2);
	must(cursor_least(w->p.state, false, &least, &e), &e);
	assert_string_equal(least.name, "syslog");
	must(cursor_forget(w->p.state, "siem", &e), &e);
	assert_int_equal(cursor_forget(w->p.state, "siem", &e), ERR_NOTFOUND);
	assert_int_equal(
	    cursor_forget(w->p.state, "../log.db", &e), ERR_INVALID);
}

static void
a_clock_that_was_wrong_drops_no_young_row(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;
	uint64_t seq = 0;

	/* rows that are older than their neighbours, after young ones */
	must(append_nth(w->r, 0, &seq, NULL, &e), &e);
	must(db_recorder.commit(w->r, &e), &e);
	export_through(w, "otlp", seq);
	assert_int_equal(retain(w, 1, seq), 1);
	assert_int_equal(retain(w, 1, seq), 0);
}

static void
an_open_transaction_is_left_alone(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;
	uint64_t seq = 0;

	export_through(w, "otlp", ROWS);
	must(append_nth(w->r, 0, &seq, NULL, &e), &e);
	assert_int_equal(retain(w, ROWS, ROWS), 0);
	must(db_recorder.commit(w->r, &e), &e);
	assert_int_equal(retain(w, ROWS, ROWS), ROWS);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(old_bodies_go_and_the_log_verifies_beside_its_writer),
		T(nothing_goes_that_a_destination_does_not_have),
		T(a_destination_that_is_removed_holds_up_nothing),
		T(a_clock_that_was_wrong_drops_no_young_row),
		T(an_open_transaction_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
