/*
 * The store on a disk that fails at every possible moment: no row that was
 * acknowledged is lost, nothing is acknowledged that is not there.
 *
 * ASSENT_TEST_FULL=1 tries every operation; else one in STRIDE, all of them
 * over the kinds of fault.
 * Runs in: tests.
 */
#include "db_test.h"

#include "fault_vfs.h"
#include "reader.h"

#define COMMITS 8
#define ROWS_A_COMMIT 3
#define OPERATIONS_MAX 5000
#define STRIDE 13

static unsigned
stride(void)
{
	return getenv("ASSENT_TEST_FULL") != NULL ? 1 : STRIDE;
}

/* What the store said was durable. */
struct acked {
	uint64_t seq;
	uint8_t hash[SHA256_LEN];
	unsigned actions;
	bool opened, alive; /* at the end: committed, or recovered */
};

static int
do_commit(struct recorder *r, unsigned n, struct acked *a)
{
	struct receipt *receipts[ROWS_A_COMMIT] = { NULL };
	struct err e = ERR_INIT;
	char id[ACTION_ID_MAX];
	uint64_t seq = 0;
	int done = 0;

	for (unsigned i = 0; done == 0 && i < ROWS_A_COMMIT; i++)
		done = append_nth(
		    r, n * ROWS_A_COMMIT + i, &seq, &receipts[i], &e);
	(void)snprintf(id, sizeof(id), "act_%u", n);
	if (done == 0)
		done = db_recorder.put_open(r,
		    &(struct open_action){ .id = id,
			.stage = STAGE_PENDING,
			.uid = 1000,
			.record = STR("record"),
			.state = STR("state") },
		    &e);
	if (done == 0)
		done = db_recorder.commit(r, &e);
	for (unsigned i = 0; i < ROWS_A_COMMIT; i++) {
		/* I1: a receipt says yes exactly when the commit did. */
		if (receipts[i] != NULL &&
		    (receipt_kind(receipts[i]) != ROW_INVALID) != (done == 0))
			fail_msg("a receipt lies: %s", e.msg);
		receipt_free(receipts[i]);
	}
	if (done == 0) {
		db_recorder.head(r, &a->seq, a->hash);
		a->actions++;
	}
	return done;
}

/* Some life: it goes on after a fault where the store can. */
static void
live(const struct place *p, struct acked *a)
{
	const struct store_options o = {
		.state_dir = p->state,
		.vfs = FAULT_VFS,
		.seal_rows = 5,
	};
	struct recorder *r = NULL;
	struct err e = ERR_INIT;
	int done = store_open(&o, &r, &e);

	memset(a, 0, sizeof(*a));
	a->opened = done == 0;
	for (unsigned n = 0; done == 0 && n < COMMITS; n++) {
		if (n == 3 || n == 6)
			db_recorder.idle(r);
		a->alive = do_commit(r, n, a) == 0;
		if (a->alive)
			continue;
		assert_false(db_recorder.healthy(r, &e));
		if (db_recorder.recover(r, &e) == 0) {
			assert_true(db_recorder.healthy(r, NULL));
			db_recorder.head(r, &a->seq, a->hash);
			a->alive = true;
		}
	}
	store_close(r);
}

struct last {
	uint64_t seq;
	const struct acked *acked;
	bool found;
};

static int
find_acked(void *ctx, const struct row_view *v, struct err *e)
{
	struct last *l = ctx;

	(void)e;
	l->seq = v->row->seq;
	if (v->row->seq == l->acked->seq)
		l->found = memcmp(v->hash, l->acked->hash, SHA256_LEN) == 0;
	return 0;
}

static int
count_open(void *ctx, const struct open_action *a, struct err *e)
{
	(void)a;
	(void)e;
	++*(unsigned *)ctx;
	return 0;
}

/* The folder after the fault, on a disk that works. 0 or what is wrong. */
static const char *
judge(const char *state, const struct acked *a, struct err *e)
{
	AUTO(store_closep) struct recorder *r = NULL;
	AUTO(reader_closep) struct reader *reader = NULL;
	struct last l = { .acked = a };
	struct verify_result v;
	unsigned open_count = 0;
	uint64_t seq = 0;
	char db[256];

	if (store_open(&(struct store_options){ .state_dir = state }, &r, e) !=
	    0)
		return "it does not open";
	db_recorder.head(r, &seq, (uint8_t[SHA256_LEN]){ 0 });
	if (seq < a->seq)
		return "acknowledged rows are lost";
	(void)snprintf(db, sizeof(db), "%s/" STORE_FILE, state);
	if (reader_open(db, NULL, &reader, e) != 0 ||
	    reader_each(reader, &(struct log_query){ .limit = 0 }, find_acked,
		&l, e) != 0)
		return "it cannot be read";
	if (a->seq > 0 && !l.found)
		return "an acknowledged row is another";
	if (db_recorder.each_open(r, count_open, &open_count, e) != 0 ||
	    open_count < a->actions)
		return "an acknowledged action is lost";
	if (verify_at(state, &v, e) != 0)
		return "it does not verify";
	/* And it goes on. */
	add_rows(r, 100, 2, 1);
	return NULL;
}

static void
copy_plain_files(const struct place *p, const char *to)
{
	static const char *const names[] = { "log.key", "log.pub",
		"checkpoints", "log.key.next" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char from[192], target[256];

		place_path(p, names[i], from);
		(void)snprintf(target, sizeof(target), "%s/%s", to, names[i]);
		if (access(from, F_OK) == 0)
			copy_file(from, target);
	}
}

/*
 * One life with one fault. Returns false when the life was over before the
 * operation came; *ret_why: what is wrong, or NULL.
 */
static bool
try(enum fault_kind kind, unsigned at, bool sticky, unsigned seed,
    const char **ret_why, struct err *e)
{
	struct place p;
	struct acked a;
	char image[128];
	const char *folder;

	place_make(&p);
	(void)snprintf(image, sizeof(image), "%s/image", p.dir);
	assert_int_equal(mkdir(image, 0700), 0);
	fault_arm(kind, at, sticky, seed, image);
	live(&p, &a);
	folder = kind == FAULT_CRASH ? image : p.state;
	*ret_why = NULL;
	if (fault.fired) {
		const bool lying = fault.lying_sync;

		if (kind == FAULT_CRASH)
			copy_plain_files(&p, image);
		fault_arm(FAULT_NONE, 0, false, 0, NULL);
		fault.lying_sync = lying;
		*ret_why = judge(folder, &a, e);
		/* What fails once is worked around. */
		if (*ret_why == NULL && a.opened && !a.alive && !sticky &&
		    kind != FAULT_CRASH)
			*ret_why = "it did not recover";
	}
	place_remove(&p);
	return fault.kind == FAULT_NONE;
}

/* All operations, or every stride()th from first on; how many were tried. */
static unsigned
try_all(enum fault_kind kind, bool sticky, unsigned seed, unsigned first)
{
	unsigned tried = 0;

	for (unsigned at = first; at < OPERATIONS_MAX; at += stride()) {
		struct err e = ERR_INIT;
		const char *why = NULL;

		if (!try(kind, at, sticky, seed, &why, &e))
			return tried;
		if (why != NULL)
			fail_msg("kind %d, operation %u, sticky %d, seed %u: "
				 "%s: %s",
			    (int)kind, at, sticky, seed, why, e.msg);
		tried++;
	}
	fail_msg("it never ends");
	return tried;
}

static void
no_acknowledged_row_is_lost_when_power_fails(void **state)
{
	unsigned tried = try_all(FAULT_CRASH, false, 0, 1);

	(void)state;
	for (unsigned seed = 1; seed <= 3; seed++)
		tried += try_all(FAULT_CRASH, false, seed, 1 + seed);
	print_message("%u crashes\n", tried);
	assert_true(tried >= 20);
}

static void
no_acknowledged_row_is_lost_by_io_errors(void **state)
{
	(void)state;
	assert_true(try_all(FAULT_IOERR, false, 0, 1) > 5);
	assert_true(try_all(FAULT_IOERR, true, 0, 2) > 5);
}

static void
no_acknowledged_row_is_lost_on_a_full_disk(void **state)
{
	(void)state;
	assert_true(try_all(FAULT_FULL, false, 0, 1) > 5);
	assert_true(try_all(FAULT_FULL, true, 0, 2) > 5);
}

static void
no_acknowledged_row_is_lost_when_fsync_fails(void **state)
{
	(void)state;
	assert_true(try_all(FAULT_FSYNC, false, 0, 1) > 1);
	assert_true(try_all(FAULT_FSYNC, true, 0, 2) > 1);
}

/* The mutant: with a disk that does not sync, the test above must fail. */
static void
the_crash_test_sees_a_store_that_does_not_sync(void **state)
{
	unsigned lost = 0;

	(void)state;
	fault.lying_sync = true;
	for (unsigned at = 20; at < 200; at += 10) {
		struct err e = ERR_INIT;
		const char *why = NULL;

		if (!try(FAULT_CRASH, at, false, 0, &why, &e))
			break;
		lost += why != NULL;
	}
	fault.lying_sync = false;
	assert_true(lost > 2);
}

/* A fault while a fault is recovered from. */
static void
recovery_survives_a_second_fault(void **state)
{
	(void)state;
	for (unsigned at = 25; at < 400; at += 3 * stride()) {
		for (unsigned again = 1; again < 40; again += stride()) {
			struct place p;
			struct acked a, b;
			struct err e = ERR_INIT;
			const char *why;
			char image[128];

			place_make(&p);
			(void)snprintf(image, sizeof(image), "%s/image", p.dir);
			assert_int_equal(mkdir(image, 0700), 0);
			fault_arm(FAULT_CRASH, at, false, at, image);
			live(&p, &a);
			if (!fault.fired) {
				place_remove(&p);
				return;
			}
			copy_plain_files(&p, image);
			(void)snprintf(p.state, sizeof(p.state), "%s", image);
			fault_arm(FAULT_IOERR, again, again % 2 == 0, 0, NULL);
			live(&p, &b);
			fault_arm(FAULT_NONE, 0, false, 0, NULL);
			why = judge(image, &a, &e);
			if (why == NULL)
				why = judge(image, &b, &e);
			if (why != NULL)
				fail_msg("crash at %u, then I/O error at %u: "
					 "%s: %s",
				    at, again, why, e.msg);
			place_remove(&p);
		}
	}
}

static int
group_setup(void **state)
{
	(void)state;
	fault_register();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_acknowledged_row_is_lost_when_power_fails),
		cmocka_unit_test(no_acknowledged_row_is_lost_by_io_errors),
		cmocka_unit_test(no_acknowledged_row_is_lost_on_a_full_disk),
		cmocka_unit_test(no_acknowledged_row_is_lost_when_fsync_fails),
		cmocka_unit_test(
		    the_crash_test_sees_a_store_that_does_not_sync),
		cmocka_unit_test(recovery_survives_a_second_fault),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
