/*
 * Memory that runs out at every point, in our code and in SQLite's: the store
 * says so, gives everything back, and has lost nothing.
 *
 * ASSENT_TEST_FULL=1 tries every allocation; else every one of ours and one
 * in SQL_STRIDE of SQLite's. Linked with malloc and its kin wrapped.
 * Runs in: tests.
 */
#include "db_test.h"

#include "reader.h"

#define POINTS_MAX 100000
#define SQL_STRIDE 97

/* Allocations until one fails (negative: never), and what is not given
 * back. SQLite has a count of its own. */
static long countdown = -1, sql_countdown = -1;
static long outstanding;
static bool sticky; /* from then on all of them fail */
static sqlite3_mem_methods sql_real;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);

static bool
fails_now(long *count)
{
	if (*count < 0)
		return false;
	if (*count > 0) {
		--*count;
		return false;
	}
	if (!sticky)
		*count = -1;
	return true;
}

static void *
counted(void *p)
{
	outstanding += p != NULL;
	return p;
}

void *
__wrap_malloc(size_t size)
{
	return fails_now(&countdown) ? NULL : counted(__real_malloc(size));
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails_now(&countdown) ? NULL
				     : counted(__real_calloc(count, size));
}

void *
__wrap_realloc(void *p, size_t size)
{
	if (fails_now(&countdown))
		return NULL;
	outstanding -= p != NULL;
	return counted(__real_realloc(p, size));
}

void
__wrap_free(void *p)
{
	outstanding -= p != NULL;
	__real_free(p);
}

static void *
sql_malloc(int size)
{
	return fails_now(&sql_countdown) ? NULL : sql_real.xMalloc(size);
}

static void *
sql_realloc(void *p, int size)
{
	return fails_now(&sql_countdown) ? NULL : sql_real.xRealloc(p, size);
}

/* ---- a life ------------------------------------------------------------ */

static struct place place;
static uint64_t acked;

static int
drop_row(void *ctx, uint64_t seq, struct str json, struct err *e)
{
	(void)ctx;
	(void)seq;
	(void)json;
	(void)e;
	return 0;
}

static int
drop_open(void *ctx, const struct open_action *a, struct err *e)
{
	(void)ctx;
	(void)a;
	(void)e;
	return 0;
}

static int
use(struct recorder *r, struct err *e)
{
	static const struct open_action open = { .id = "act_1",
		.stage = STAGE_PENDING,
		.uid = 1000,
		.idempotency_key = "key",
		.record = { "record", 6 },
		.state = { "state", 5 } };
	AUTO_BUF struct buf id = BUF_INIT(64);
	struct receipt *receipt = NULL;
	uint64_t seq = 0;
	int done = append_nth(r, 1, &seq, &receipt, e);

	if (done == 0)
		done = db_recorder.put_open(r, &open, e);
	if (done == 0)
		done = db_recorder.commit(r, e);
	if (done == 0)
		acked = seq;
	if (receipt != NULL)
		assert_true(
		    (receipt_kind(receipt) == ROW_INTENT) == (done == 0));
	receipt_free(receipt);
	if (done == 0)
		done = db_recorder.each_open(r, drop_open, NULL, e);
	if (done == 0)
		done = db_recorder.find_idempotent(r, 1000, "key", &id, e);
	if (done == 0)
		done = db_recorder.list(
		    r, &(struct log_filter){ .limit = 3 }, drop_row, NULL, e);
	if (done == 0)
		done = db_recorder.verify(r, &seq, e);
	return done;
}

/* Each life begins the same: else it needs more memory than the last. */
static void
begin_anew(void)
{
	static const char *const names[] = { STORE_FILE, "log.key", "log.pub",
		"checkpoints" };
	char from[256], to[192];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(
		    from, sizeof(from), "%s/%s", place.dir, names[i]);
		copy_file(from, place_path(&place, names[i], to));
	}
	(void)unlink(place_path(&place, STORE_FILE "-wal", to));
	(void)unlink(place_path(&place, STORE_FILE "-shm", to));
	(void)unlink(place_path(&place, STORE_RESERVE_FILE, to));
	acked = 0;
}

static void
keep_beginning(void)
{
	static const char *const names[] = { STORE_FILE, "log.key", "log.pub",
		"checkpoints" };
	char from[192], to[256];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(to, sizeof(to), "%s/%s", place.dir, names[i]);
		copy_file(place_path(&place, names[i], from), to);
	}
}

static int
live(struct err *e)
{
	const struct store_options o = { .state_dir = place.state,
		.seal_rows = 1 };
	struct recorder *r = NULL;
	int done = store_open(&o, &r, e);

	if (done != 0)
		return done;
	done = use(r, e);
	if (done != 0 && !db_recorder.healthy(r, NULL))
		(void)db_recorder.recover(r, NULL);
	store_close(r);
	return done;
}

/* Afterwards, with memory: everything acknowledged is there and good. */
static void
judge(long point)
{
	struct verify_result v;
	struct err e = ERR_INIT;

	if (verify_at(place.state, &v, &e) != 0)
		fail_msg("allocation %ld: %s", point, e.msg);
	if (v.rows < acked)
		fail_msg("allocation %ld: row %llu is lost", point,
		    (unsigned long long)acked);
}

/* Returns how many points there were. */
static long
fail_each(long *count, long stride)
{
	long point = 0;

	for (;; point += stride) {
		const long before = outstanding;
		const sqlite3_int64 sql_before = sqlite3_memory_used();
		struct err e = ERR_INIT;
		int r;

		assert_true(point < POINTS_MAX);
		begin_anew();
		*count = point;
		r = live(&e);
		if (r == 0 && *count > 0) {
			*count = -1;
			return point;
		}
		*count = -1;
		if (outstanding != before)
			fail_msg("allocation %ld: %ld not given back", point,
			    outstanding - before);
		if (sqlite3_memory_used() != sql_before)
			fail_msg("allocation %ld: SQLite keeps %lld bytes",
			    point,
			    (long long)(sqlite3_memory_used() - sql_before));
		/* What is not needed may fail in silence: a signature that
		 * comes later, the reserve. */
		if (r != 0 && r != ERR_NOMEM && r != ERR_SYS)
			fail_msg("allocation %ld: %d: %s", point, r, e.msg);
		if (point % (stride * 4) == 0)
			judge(point);
	}
}

static void
our_memory_can_run_out_anywhere(void **state)
{
	(void)state;
	sticky = false;
	print_message("%ld allocations\n", fail_each(&countdown, 1));
	sticky = true;
	assert_true(fail_each(&countdown, 3) > 30);
}

static void
sqlites_memory_can_run_out_anywhere(void **state)
{
	const long stride = getenv("ASSENT_TEST_FULL") != NULL ? 1 : SQL_STRIDE;

	(void)state;
	sticky = false;
	print_message("%ld allocations\n", fail_each(&sql_countdown, stride));
	sticky = true;
	assert_true(fail_each(&sql_countdown, stride + 1) > 100);
}

static int
group_setup(void **state)
{
	sqlite3_mem_methods mine;

	(void)state;
	assert_int_equal(
	    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sql_real), SQLITE_OK);
	mine = sql_real;
	mine.xMalloc = sql_malloc;
	mine.xRealloc = sql_realloc;
	assert_int_equal(
	    sqlite3_config(SQLITE_CONFIG_MALLOC, &mine), SQLITE_OK);
	place_make(&place);
	make_log(&place, 5);
	keep_beginning();
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	place_remove(&place);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_memory_can_run_out_anywhere),
		cmocka_unit_test(sqlites_memory_can_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
