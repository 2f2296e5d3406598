/*
 * A destination loses no row and sends none out of order, whatever its sink
 * and its link do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "destination.h"

#define LOG_ROWS 3000
#define TURNS_MAX 20000

/* A log, a sink with a mood, and what arrived. */
struct world {
	struct sink sink;
	struct loop *loop;
	struct destination *d;
	uint64_t rows; /* in the log */
	uint64_t wanted_after;
	uint32_t wanted;
	unsigned got[LOG_ROWS + 1]; /* how often each row arrived */
	uint64_t last, attested_at; /* last when a checkpoint came */
	size_t part; /* so many of a batch are taken, then it fails; 0: all */
	bool late, down, closed, hold;
	unsigned fail_every; /* 0: never */
	uint64_t poison; /* a row that it refuses */
	unsigned sends, errors;
	sink_done_fn *done;
	void *done_ctx;
	struct destination_state told;
};

static uint64_t
seq_of(const json_t *row)
{
	return (uint64_t)json_integer_value(json_object_get(row, "seq"));
}

static void
take(struct world *w, json_t *const *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const uint64_t seq = seq_of(rows[i]);

		assert_true(seq <= w->last + 1);
		if (seq == 0)
			w->attested_at = w->last;
		if (seq > w->last)
			w->last = seq;
		w->got[seq]++;
	}
}

static bool
holds(json_t *const *rows, size_t count, uint64_t seq)
{
	for (size_t i = 0; i < count; i++) {
		if (seq_of(rows[i]) == seq)
			return true;
	}
	return false;
}

static void
fake_send(struct sink *s, json_t *const *rows, size_t count, sink_done_fn *done,
    void *ctx)
{
	struct world *w = (struct world *)s;
	struct sink_result r = { .verdict = SINK_TAKEN };

	w->sends++;
	if (w->hold) {
		w->done = done;
		w->done_ctx = ctx;
		return;
	}
	if (w->down || (w->fail_every > 0 && w->sends % w->fail_every == 0))
		r = (struct sink_result){ .verdict = SINK_LATER,
			.why = "HTTP 503" };
	else if (w->poison != 0 && holds(rows, count, w->poison)) {
		r = (struct sink_result){ .verdict = SINK_REFUSED,
			.why = "HTTP 400" };
		if (count == 1)
			w->last = w->poison;
	} else if (w->part > 0 && count > w->part) {
		take(w, rows, w->part);
		r = (struct sink_result){ .verdict = SINK_LATER,
			.taken = w->part,
			.why = "its queue is full" };
	} else {
		take(w, rows, count);
	}
	done(ctx, &r);
}

static void
fake_close(struct sink *s)
{
	((struct world *)s)->closed = true;
}

static const struct sink_ops ops = { .send = fake_send, .close = fake_close };

static void
on_ask(void *ctx, uint64_t seq, uint32_t count)
{
	struct world *w = ctx;

	w->wanted_after = seq;
	w->wanted = count;
}

static void
on_tell(void *ctx, const struct destination_state *s)
{
	((struct world *)ctx)->told = *s;
}

static void
start(struct world *w, uint64_t rows)
{
	struct destination_options o;

	memset(w, 0, sizeof(*w));
	w->sink = (struct sink){ .ops = &ops, .name = "fake" };
	w->rows = rows;
	assert_int_equal(loop_new(&w->loop, NULL), 0);
	o = (struct destination_options){
		.loop = w->loop,
		.sink = &w->sink,
		.batch_delay_ms = 1,
		.retry_min_ms = 1,
		.ask = on_ask,
		.tell = on_tell,
		.ctx = w,
	};
	assert_int_equal(destination_new(&o, &w->d, NULL), 0);
}

static void
stop(struct world *w)
{
	destination_free(w->d);
	assert_true(w->closed);
	loop_free(w->loop);
}

static int
hand(struct world *w, uint64_t seq, struct str json)
{
	json_t *row = NULL;
	const int r = row_parse(seq, json, &row, NULL);

	if (r == 0)
		destination_row(w->d, seq, row, json.len);
	json_decref(row);
	return r;
}

static void
give(struct world *w, uint64_t seq)
{
	char json[64];

	(void)snprintf(
	    json, sizeof(json), "{\"seq\":%llu}", (unsigned long long)seq);
	if (hand(w, seq, str_of(json)) != 0)
		w->errors++;
}

/* As the engine: a few rows at a time of those that were asked for. */
static void
feed(struct world *w)
{
	for (unsigned i = 0; i < 7 && w->wanted > 0; i++) {
		if (w->wanted_after >= w->rows)
			return;
		w->wanted_after++;
		w->wanted--;
		give(w, w->wanted_after);
	}
}

static void
turn(struct world *w)
{
	feed(w);
	assert_int_equal(loop_once(w->loop, 0, NULL), 0);
}

static void
run_until_all_are_there(struct world *w)
{
	for (unsigned i = 0; i < TURNS_MAX && w->told.seq < w->rows; i++) {
		feed(w);
		assert_int_equal(loop_once(w->loop, 1, NULL), 0);
	}
	assert_int_equal(w->told.seq, w->rows);
	assert_int_equal(w->errors, 0);
}

static void
all_rows_arrive_once_and_in_order(void **state)
{
	static struct world w;

	(void)state;
	start(&w, LOG_ROWS);
	destination_link(w.d, 0);
	run_until_all_are_there(&w);
	for (unsigned i = 1; i <= LOG_ROWS; i++)
		assert_int_equal(w.got[i], 1);
	stop(&w);
}

static void
it_goes_on_where_it_was(void **state)
{
	static struct world w;

	(void)state;
	start(&w, 20);
	w.last = 15;
	destination_link(w.d, 15);
	run_until_all_are_there(&w);
	assert_int_equal(w.got[15], 0);
	assert_int_equal(w.got[16], 1);
	stop(&w);
}

static void
a_sink_that_fails_often_gets_everything_all_the_same(void **state)
{
	static struct world w;

	(void)state;
	start(&w, 300);
	w.fail_every = 2;
	destination_link(w.d, 0);
	run_until_all_are_there(&w);
	for (unsigned i = 1; i <= 300; i++)
		assert_int_equal(w.got[i], 1);
	assert_int_equal(w.told.failures, 0);
	stop(&w);
}

static void
a_sink_that_is_down_costs_one_batch_of_memory_and_says_why(void **state)
{
	static struct world w;

	(void)state;
	start(&w, LOG_ROWS);
	w.down = true;
	destination_link(w.d, 0);
	for (unsigned i = 0; i < 200; i++)
		turn(&w);
	assert_true(w.told.failures > 0);
	assert_string_equal(w.told.why, "HTTP 503");
	assert_int_equal(w.told.seq, 0);
	assert_true(w.wanted_after <= BATCH_ROWS_MAX);
	w.down = false;
	run_until_all_are_there(&w);
	stop(&w);
}

static void
one_row_that_is_refused_loses_no_other(void **state)
{
	static struct world w;

	(void)state;
	start(&w, 500);
	w.poison = 333;
	destination_link(w.d, 0);
	run_until_all_are_there(&w);
	for (unsigned i = 1; i <= 500; i++)
		assert_int_equal(w.got[i], i == 333 ? 0 : 1);
	assert_int_equal(w.told.refused, 1);
	stop(&w);
}

static void
the_next_batch_is_fetched_while_one_is_under_way(void **state)
{
	static struct world w;
	const struct sink_result taken = { .verdict = SINK_TAKEN };

	(void)state;
	start(&w, LOG_ROWS);
	w.hold = true;
	destination_link(w.d, 0);
	while (w.done == NULL)
		turn(&w);
	for (unsigned i = 0; i < LOG_ROWS; i++)
		turn(&w);
	/* one batch ahead, and no more */
	assert_int_equal(w.sends, 1);
	assert_true(w.wanted_after > 1);
	assert_true(w.wanted_after <= 2 * BATCH_ROWS_MAX);
	assert_int_equal(w.told.seq, 0);
	w.hold = false;
	w.last = w.wanted_after;
	w.done(w.done_ctx, &taken);
	assert_true(w.told.seq > 0 && w.told.seq <= BATCH_ROWS_MAX);
	run_until_all_are_there(&w);
	for (unsigned i = 1; i <= LOG_ROWS; i++)
		assert_true(w.got[i] <= 1);
	stop(&w);
}

/* The new engine knows nothing of what the old one was asked for. */
static void
after_a_link_that_broke_the_next_batch_is_asked_for_again(void **state)
{
	static struct world w;
	const struct sink_result taken = { .verdict = SINK_TAKEN };

	(void)state;
	start(&w, LOG_ROWS);
	w.hold = true;
	destination_link(w.d, 0);
	while (w.done == NULL)
		turn(&w);
	destination_unlink(w.d);
	w.wanted = 0;
	destination_link(w.d, 0);
	assert_int_equal(w.wanted, 0);
	w.hold = false;
	w.last = w.wanted_after;
	w.done(w.done_ctx, &taken);
	assert_int_equal(w.wanted, BATCH_ROWS_MAX);
	assert_int_equal(w.wanted_after, w.told.seq);
	run_until_all_are_there(&w);
	stop(&w);
}

/* On its way when a new request replaced the old one. */
static void
a_row_out_of_turn_is_no_gap(void **state)
{
	static struct world w;

	(void)state;
	start(&w, 10);
	destination_link(w.d, 0);
	give(&w, 2);
	give(&w, 5);
	give(&w, 1);
	give(&w, 1);
	give(&w, 2);
	w.wanted_after = 2;
	run_until_all_are_there(&w);
	for (unsigned i = 1; i <= 10; i++)
		assert_int_equal(w.got[i], 1);
	stop(&w);
}

static void
a_link_that_breaks_loses_nothing_and_what_is_under_way_goes_on(void **state)
{
	static struct world w;
	const struct sink_result taken = { .verdict = SINK_TAKEN };

	(void)state;
	start(&w, 40);
	destination_link(w.d, 0);
	give(&w, 1);
	/* not yet sent: asked for again */
	destination_unlink(w.d);
	destination_link(w.d, 0);
	assert_int_equal(w.wanted_after, 0);
	w.hold = true;
	give(&w, 1);
	give(&w, 2);
	while (w.done == NULL)
		assert_int_equal(loop_once(w.loop, 1, NULL), 0);
	destination_unlink(w.d);
	/* the engine has not heard of those two */
	destination_link(w.d, 0);
	w.hold = false;
	w.last = 2;
	w.done(w.done_ctx, &taken);
	assert_int_equal(w.told.seq, 2);
	run_until_all_are_there(&w);
	assert_int_equal(w.got[1], 0);
	assert_int_equal(w.got[3], 1);
	stop(&w);
}

static void
what_is_no_row_is_an_error(void **state)
{
	static struct world w;

	(void)state;
	start(&w, 10);
	destination_link(w.d, 0);
	assert_int_equal(hand(&w, 1, STR("[1]")), ERR_INVALID);
	assert_int_equal(hand(&w, 1, STR("{")), ERR_INVALID);
	stop(&w);
}

/* 8 MB of text in each row make no request that nobody takes. */
static void
a_batch_of_large_rows_is_a_small_one(void **state)
{
	static struct world w;
	AUTO_BUF struct buf json = BUF_INIT(BATCH_BYTES_MAX);

	(void)state;
	start(&w, 4);
	w.hold = true;
	destination_link(w.d, 0);
	buf_puts(&json, "{\"seq\":1,\"x\":\"");
	while (json.len < BATCH_BYTES_MAX / 2)
		buf_putc(&json, 'x');
	buf_puts(&json, "\"}");
	assert_int_equal(hand(&w, 1, buf_str(&json)), 0);
	assert_int_equal(w.sends, 0);
	assert_int_equal(hand(&w, 2, buf_str(&json)), 0);
	assert_int_equal(w.sends, 1);
	stop(&w);
}

static void
what_a_receiver_has_of_a_batch_is_not_sent_again(void **state)
{
	static struct world w;

	(void)state;
	start(&w, 300);
	w.part = 10;
	destination_link(w.d, 0);
	run_until_all_are_there(&w);
	assert_int_equal(w.told.failures, 0);
	for (unsigned i = 1; i <= 300; i++)
		assert_int_equal(w.got[i], 1);
	stop(&w);
}

#define CHECKPOINT STR("{\"kind\":\"checkpoint\"}")

static void
run_until_it_is_attested(struct world *w)
{
	for (unsigned i = 0; i < TURNS_MAX && w->got[0] == 0; i++) {
		feed(w);
		assert_int_equal(loop_once(w->loop, 1, NULL), 0);
	}
	assert_int_equal(w->got[0], 1);
}

static void
a_checkpoint_follows_the_rows_that_it_attests(void **state)
{
	static struct world w;

	(void)state;
	start(&w, 900);
	w.fail_every = 3;
	assert_int_equal(destination_checkpoint(w.d, 600, CHECKPOINT, NULL), 0);
	destination_link(w.d, 0);
	run_until_it_is_attested(&w);
	assert_true(w.attested_at >= 600);
	run_until_all_are_there(&w);
	for (unsigned i = 1; i <= 900; i++)
		assert_int_equal(w.got[i], 1);
	assert_int_equal(w.got[0], 1);
	stop(&w);
}

static void
a_checkpoint_that_is_known_is_not_sent_again(void **state)
{
	static struct world w;

	(void)state;
	start(&w, 10);
	destination_link(w.d, 0);
	run_until_all_are_there(&w);
	assert_int_equal(destination_checkpoint(w.d, 10, CHECKPOINT, NULL), 0);
	run_until_it_is_attested(&w);
	assert_int_equal(destination_checkpoint(w.d, 10, CHECKPOINT, NULL), 0);
	for (unsigned i = 0; i < 20; i++)
		turn(&w);
	assert_int_equal(w.got[0], 1);
	assert_int_equal(
	    destination_checkpoint(w.d, 11, STR("[]"), NULL), ERR_INVALID);
	stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_rows_arrive_once_and_in_order),
		cmocka_unit_test(it_goes_on_where_it_was),
		cmocka_unit_test(
		    a_sink_that_fails_often_gets_everything_all_the_same),
		cmocka_unit_test(
		    a_sink_that_is_down_costs_one_batch_of_memory_and_says_why),
		cmocka_unit_test(one_row_that_is_refused_loses_no_other),
		cmocka_unit_test(
		    the_next_batch_is_fetched_while_one_is_under_way),
		cmocka_unit_test(
		    after_a_link_that_broke_the_next_batch_is_asked_for_again),
		cmocka_unit_test(a_row_out_of_turn_is_no_gap),
		cmocka_unit_test(
		    a_link_that_breaks_loses_nothing_and_what_is_under_way_goes_on),
		cmocka_unit_test(what_is_no_row_is_an_error),
		cmocka_unit_test(a_batch_of_large_rows_is_a_small_one),
		cmocka_unit_test(
		    what_a_receiver_has_of_a_batch_is_not_sent_again),
		cmocka_unit_test(a_checkpoint_follows_the_rows_that_it_attests),
		cmocka_unit_test(a_checkpoint_that_is_known_is_not_sent_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
