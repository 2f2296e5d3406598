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
	world_start(&w);
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
	world_start(&w);
	make_rows(&w, 6);
	feed(&w, 0, 0, 2);
	feed(&w, 1, 3, FEED_ROWS_MAX);
	assert_int_equal(w.fed[0], 2);
	assert_int_equal(w.fed[1], w.recorder.durable);
	world_stop(&w);
}

static void
a_full_link_loses_no_row(void **state)
{
	static struct world w;

	(void)state;
	world_start(&w);
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
	world_start(&w);
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
	world_start(&w);
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
	world_start(&w);
	assert_int_equal(engine_feed(w.g, FEEDS_MAX, 0, 1, &e), ERR_INVALID);
	assert_int_equal(
	    engine_feed(w.g, 0, 0, FEED_ROWS_MAX + 1, &e), ERR_INVALID);
	assert_int_equal(engine_feed(w.g, 0, UINT64_MAX, 1, &e), ERR_INVALID);
	world_stop(&w);
}

static void
how_far_destinations_are_is_a_metric(void **state)
{
	static struct world w;
	const struct destination_lag lag = {
		.name = "otlp",
		.seq = 1,
		.refused = 7,
		.failures = 3,
		.why = "HTTP 503",
	};
	const struct fake_reply *r;

	(void)state;
	world_start(&w);
	make_rows(&w, 5);
	assert_int_equal(engine_lag(w.g, &lag, NULL), 0);
	r = world_reply(&w,
	    world_call(&w,
		(struct call){
		    .route = ROUTE_METRICS, .role = CALLER_AUDITOR }));
	assert_true(reply_has(r, "assent_export_lag_records{dest=\"otlp\"} 4"));
	assert_true(
	    reply_has(r, "assent_export_refused_total{dest=\"otlp\"} 7"));
	assert_true(reply_has(r, "assent_export_failures{dest=\"otlp\"} 3"));
	world_stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_as_asked_for_and_no_more),
		cmocka_unit_test(each_feed_is_at_its_own_row),
		cmocka_unit_test(a_full_link_loses_no_row),
		cmocka_unit_test(
		    a_reporter_that_has_gone_gets_nothing_until_it_asks),
		cmocka_unit_test(a_row_is_fed_only_when_it_is_durable),
		cmocka_unit_test(wishes_beyond_the_limits_end_the_link),
		cmocka_unit_test(how_far_destinations_are_is_a_metric),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
