/*
 * The walk over recorded calls, for "what if": bounded in rows and in time,
 * each call once, and it says so when it did not see all.
 */
#include "fake_ports.c.inc"

#include "engine_walk.h"

#define ROWS_MAX 10000 /* of one walk */
#define NOW_NS ((int64_t)1800000000 * SECOND_NS)

static struct {
	uint64_t rows; /* in the log */
	uint64_t same; /* rows for one call */
	int64_t age_ns, tick_ns; /* of each row; of each look at the clock */
	int64_t clock_ns;
	struct buf record;
	uint64_t listed, calls;
} log_of;

static int64_t
ticking(void)
{
	return log_of.clock_ns += log_of.tick_ns;
}

static int64_t
real_now(void)
{
	return NOW_NS;
}

static void
long_head(
    struct recorder *r, uint64_t *ret_seq, uint8_t ret_hash[static SHA256_LEN])
{
	(void)r;
	*ret_seq = log_of.rows;
	memset(ret_hash, 0, SHA256_LEN);
}

static int
long_list(struct recorder *r, const struct log_filter *f, log_row_fn *fn,
    void *ctx, struct err *e)
{
	(void)r;
	for (uint64_t seq = f->from_seq; seq < f->from_seq + f->limit; seq++) {
		char row[200];

		log_of.listed++;
		(void)snprintf(row, sizeof(row),
		    "{\"kind\":\"%s\",\"action_id\":\"act_%llu\","
		    "\"time_ns\":\"%lld\"}",
		    row_kind_name(ROW_DECIDED),
		    (unsigned long long)((seq - 1) / log_of.same),
		    (long long)(NOW_NS - log_of.age_ns));
		if (fn(ctx, seq, str_of(row), e) != 0)
			return ERR_LIMIT;
	}
	return 0;
}

static int
long_get(struct recorder *r, const char *id, open_action_fn *fn, void *ctx,
    struct err *e)
{
	const struct open_action o = { .id = id,
		.record = buf_str(&log_of.record) };

	(void)r;
	return fn(ctx, &o, e);
}

static int
count_call(void *ctx, struct action *a, int64_t time_ns, struct err *e)
{
	(void)ctx;
	(void)e;
	assert_int_equal(a->proposed_real_ns, NOW_NS);
	assert_int_equal(time_ns, NOW_NS - log_of.age_ns);
	log_of.calls++;
	return 0;
}

/* Was all of it seen? */
static bool
sees_all(uint64_t rows, uint64_t same, int64_t age_ns, int64_t tick_ns)
{
	static struct world w;
	struct recorder_port port;
	AUTO(action_freep) struct action *a = NULL;
	struct walk walk = { .fn = count_call };

	world_start(&w);
	port = *w.g->o.recorder_port;
	port.head = long_head;
	port.list = long_list;
	port.get_open = long_get;
	w.g->o.recorder_port = &port;
	w.g->o.env.boot_ns = ticking;
	w.g->o.env.real_ns = real_now;
	memset(&log_of, 0, sizeof(log_of));
	log_of.rows = rows;
	log_of.same = same;
	log_of.age_ns = age_ns;
	log_of.tick_ns = tick_ns;
	log_of.record = (struct buf)BUF_INIT(ACTION_BYTES_MAX);
	assert_int_equal(action_new(&a, NULL), 0);
	a->proposal.tool = TOOL_SHELL;
	a->proposal.input.script = arena_strdup(a->arena, "ls");
	a->proposal.executor = EXECUTOR_ASSENT;
	action_encode(a, &log_of.record);
	walk.g = w.g;
	engine_walk(&walk);
	buf_free(&log_of.record);
	w.g->o.recorder_port = &fake_recorder;
	world_stop(&w);
	return !walk.cut;
}

static void
a_short_log_is_seen_as_a_whole(void **state)
{
	(void)state;
	assert_true(sees_all(450, 1, SECOND_NS, 0));
	assert_int_equal(log_of.listed, 450);
	assert_int_equal(log_of.calls, 450);
	assert_true(sees_all(0, 1, SECOND_NS, 0));
	assert_int_equal(log_of.calls, 0);
}

static void
a_call_counts_once_however_many_rows_it_has(void **state)
{
	(void)state;
	assert_true(sees_all(450, 3, SECOND_NS, 0));
	assert_int_equal(log_of.calls, 150);
}

static void
no_more_rows_are_read_than_the_limit_and_it_says_so(void **state)
{
	(void)state;
	assert_false(sees_all(ROWS_MAX + 1000, 1, SECOND_NS, 0));
	assert_int_equal(log_of.listed, ROWS_MAX);
}

static void
it_ends_when_its_time_is_over_and_says_so(void **state)
{
	(void)state;
	assert_false(sees_all(5000, 1, SECOND_NS, SECOND_NS / 100));
	assert_in_range(log_of.calls, 1, 30);
}

static void
rows_from_before_are_no_calls_of_today(void **state)
{
	(void)state;
	assert_true(sees_all(100, 1, 31 * 24 * 3600 * SECOND_NS, 0));
	assert_int_equal(log_of.calls, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_log_is_seen_as_a_whole),
		cmocka_unit_test(a_call_counts_once_however_many_rows_it_has),
		cmocka_unit_test(
		    no_more_rows_are_read_than_the_limit_and_it_says_so),
		cmocka_unit_test(it_ends_when_its_time_is_over_and_says_so),
		cmocka_unit_test(rows_from_before_are_no_calls_of_today),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
