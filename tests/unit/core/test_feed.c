/*
 * The log as a feed: the reporter gets what it asked for, in order, without a
 * gap, and costs the pipeline nothing when it does not ask.
 */
#include "fake_ports.c.inc"

static void
make_rows(struct world *w, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		(void)world_propose(w, "deny", false, NULL, -1);
		engine_commit(w->g);
	}
}

static void
begin(struct world *w)
{
	uint64_t seq;

	world_start(w);
	assert_int_equal(engine_feed_open(w->g, 0, "otlp", &seq, NULL), 0);
	assert_int_equal(engine_feed_open(w->g, 1, "syslog", &seq, NULL), 0);
}

static void
feed(struct world *w, uint32_t id, uint64_t seq, uint32_t count)
{
	w->fed[id] = seq;
	assert_int_equal(engine_feed(w->g, id, seq, count, NULL), 0);
}

static void
rows_come_as_asked_for_and_no_more(void **state)
{
	static struct world w;

	(void)state;
	begin(&w);
	make_rows(&w, 10);
	feed(&w, 0, 0, 4);
	assert_int_equal(w.fed[0], 4);
	make_rows(&w, 1);
	engine_tick(w.g);
	assert_int_equal(w.fed[0], 4);
	feed(&w, 0, 4, 100);
	assert_int_equal(w.fed[0], w.recorder.durable);
	make_rows(&w, 3);
	engine_tick(w.g);
	assert_int_equal(w.fed[0], w.recorder.durable);
	world_stop(&w);
}

static void
each_feed_is_at_its_own_row(void **state)
{
	static struct world w;

	(void)state;
	begin(&w);
	make_rows(&w, 6);
	feed(&w, 0, 0, 2);
	feed(&w, 1, 3, FEED_ROWS_MAX);
	assert_int_equal(w.fed[0], 2);
	assert_int_equal(w.fed[1], w.recorder.durable);
	world_stop(&w);
}

static void
feeds_that_wait_for_the_same_row_share_it(void **state)
{
	static struct world w;
	uint64_t before;

	(void)state;
	begin(&w);
	feed(&w, 0, w.recorder.durable, FEED_ROWS_MAX);
	feed(&w, 1, w.recorder.durable, 3);
	before = w.recorder.durable;
	w.rows_fed = 0;
	make_rows(&w, 5);
	engine_tick(w.g);
	assert_int_equal(w.fed[0], w.recorder.durable);
	assert_int_equal(w.fed[1], before + 3);
	assert_int_equal(w.rows_fed, w.recorder.durable - before);
	world_stop(&w);
}

static void
a_full_link_loses_no_row(void **state)
{
	static struct world w;

	(void)state;
	begin(&w);
	make_rows(&w, 5);
	w.reporter_full = true;
	feed(&w, 0, 0, FEED_ROWS_MAX);
	assert_int_equal(w.fed[0], 0);
	w.reporter_full = false;
	engine_tick(w.g);
	assert_int_equal(w.fed[0], w.recorder.durable);
	world_stop(&w);
}

static void
a_reporter_that_has_gone_gets_nothing_until_it_asks(void **state)
{
	static struct world w;

	(void)state;
	begin(&w);
	feed(&w, 0, 0, FEED_ROWS_MAX);
	engine_reporter_gone(w.g);
	make_rows(&w, 2);
	engine_tick(w.g);
	assert_int_equal(w.fed[0], 0);
	world_stop(&w);
}

static void
a_row_is_fed_only_when_it_is_durable(void **state)
{
	static struct world w;

	(void)state;
	begin(&w);
	w.recorder.fail_commit = true;
	(void)world_propose(&w, "deny", false, NULL, -1);
	feed(&w, 0, 0, FEED_ROWS_MAX);
	engine_tick(w.g);
	assert_int_equal(w.fed[0], 0);
	world_stop(&w);
}

static void
wishes_beyond_the_limits_end_the_link(void **state)
{
	static struct world w;
	struct err e = ERR_INIT;

	(void)state;
	begin(&w);
	assert_int_equal(engine_feed(w.g, FEEDS_MAX, 0, 1, &e), ERR_INVALID);
	assert_int_equal(
	    engine_feed(w.g, 0, 0, FEED_ROWS_MAX + 1, &e), ERR_INVALID);
	assert_int_equal(engine_feed(w.g, 0, UINT64_MAX, 1, &e), ERR_INVALID);
	world_stop(&w);
}

static void
a_feed_that_was_not_opened_gives_nothing(void **state)
{
	static struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(engine_feed(w.g, 2, 0, 1, NULL), ERR_INVALID);
	world_stop(&w);
}

static int
lag(struct world *w, uint64_t seq)
{
	const struct destination_lag l = {
		.seq = seq,
		.refused = 7,
		.failures = 3,
		.why = "HTTP 503",
	};

	return engine_lag(w->g, 0, &l, NULL);
}

static void
how_far_destinations_are_is_a_metric(void **state)
{
	static struct world w;
	const struct fake_reply *r;

	(void)state;
	begin(&w);
	make_rows(&w, 5);
	assert_int_equal(lag(&w, 1), 0);
	r = world_reply(&w,
	    world_call(&w,
		(struct call){
		    .route = ROUTE_METRICS, .role = CALLER_AUDITOR }));
	assert_true(reply_has(r, "assent_export_lag_records{dest=\"otlp\"} 4"));
	assert_true(
	    reply_has(r, "assent_export_lag_records{dest=\"syslog\"} 5"));
	assert_true(
	    reply_has(r, "assent_export_refused_total{dest=\"otlp\"} 7"));
	assert_true(reply_has(r, "assent_export_failures{dest=\"otlp\"} 3"));
	world_stop(&w);
}

static void
what_a_destination_has_is_written_down_about_once_a_second(void **state)
{
	static struct world w;
	uint64_t seq = 0;

	(void)state;
	begin(&w);
	make_rows(&w, 5);
	/* a new destination is written down at once: retention waits for it */
	assert_int_equal(w.recorder.cursor_writes, 2);
	w.recorder.cursor_writes = 0;
	fake_now = 2 * INT64_C(1000000000);
	assert_int_equal(lag(&w, 2), 0);
	engine_tick(w.g);
	assert_int_equal(w.recorder.cursor, 2);
	assert_int_equal(lag(&w, 4), 0);
	engine_tick(w.g);
	assert_int_equal(w.recorder.cursor_writes, 1);
	engine_feeds_save(w.g);
	assert_int_equal(w.recorder.cursor, 4);
	assert_int_equal(engine_feed_open(w.g, 0, "otlp", &seq, NULL), 0);
	assert_int_equal(seq, 4);
	world_stop(&w);
}

/* Retention would drop what nobody has. */
static void
nobody_can_have_more_than_there_is_or_less_than_before(void **state)
{
	static struct world w;

	(void)state;
	begin(&w);
	make_rows(&w, 5);
	assert_int_equal(lag(&w, w.recorder.durable + 1), ERR_INVALID);
	assert_int_equal(lag(&w, 3), 0);
	assert_int_equal(lag(&w, 2), ERR_INVALID);
	world_stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_as_asked_for_and_no_more),
		cmocka_unit_test(each_feed_is_at_its_own_row),
		cmocka_unit_test(feeds_that_wait_for_the_same_row_share_it),
		cmocka_unit_test(a_full_link_loses_no_row),
		cmocka_unit_test(
		    a_reporter_that_has_gone_gets_nothing_until_it_asks),
		cmocka_unit_test(a_row_is_fed_only_when_it_is_durable),
		cmocka_unit_test(wishes_beyond_the_limits_end_the_link),
		cmocka_unit_test(a_feed_that_was_not_opened_gives_nothing),
		cmocka_unit_test(how_far_destinations_are_is_a_metric),
		cmocka_unit_test(
		    what_a_destination_has_is_written_down_about_once_a_second),
		cmocka_unit_test(
		    nobody_can_have_more_than_there_is_or_less_than_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
