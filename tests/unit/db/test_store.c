/*
 * The store in daily life: rows, receipts, open actions, who may open it.
 * Runs in: tests.
 */
#include "db_test.h"

#include "migrate.h"
#include "reader.h"

static int
setup(void **state)
{
	struct place *p = mem_new(1, sizeof(*p));

	place_make(p);
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;

	place_remove(p);
	mem_freep(&p);
	return 0;
}

static void
rows_follow_each_other(void **state)
{
	const struct place *p = *state;
	struct recorder *r = store_at(p);
	struct verify_result v;
	struct err e = ERR_INIT;
	uint8_t hash[SHA256_LEN];
	uint64_t seq = 9;

	db_recorder.head(r, &seq, hash);
	assert_int_equal(seq, 0);
	add_rows(r, 0, 10, 4);
	db_recorder.head(r, &seq, hash);
	assert_int_equal(seq, 10);
	must(db_recorder.verify(r, &seq, &e), &e);
	assert_int_equal(seq, 10);
	store_close(r);
	must(verify_at(p->state, &v, &e), &e);
	assert_int_equal(v.rows, 10);
	assert_memory_equal(v.head, hash, SHA256_LEN);
	assert_int_equal(v.signed_rows, 10);
	r = store_at(p);
	add_rows(r, 10, 5, 5);
	store_close(r);
	must(verify_at(p->state, &v, &e), &e);
	assert_int_equal(v.rows, 15);
	assert_int_equal(v.signed_rows, 15);
	assert_int_equal(v.bodies_dropped, 0);
}

static void
i1_a_receipt_exists_only_after_commit(void **state)
{
	struct recorder *r = store_at(*state);
	struct receipt *kept = NULL, *freed = NULL;
	struct err e = ERR_INIT;
	const uint8_t none[SHA256_LEN] = { 0 };
	uint64_t seq = 0;

	must(append_nth(r, 1, &seq, &kept, &e), &e);
	must(append_nth(r, 3, &seq, &freed, &e), &e);
	assert_int_equal(receipt_kind(kept), ROW_INVALID);
	assert_int_equal(receipt_seq(kept), 0);
	assert_string_equal(receipt_action_id(kept), "");
	assert_memory_equal(receipt_action_sha256(kept), none, SHA256_LEN);
	receipt_freep(&freed);
	must(db_recorder.commit(r, &e), &e);
	assert_int_equal(receipt_kind(kept), ROW_INTENT);
	assert_int_equal(receipt_seq(kept), 1);
	assert_string_equal(
	    receipt_action_id(kept), "act_01JZ000000000000000000000");
	assert_int_equal(receipt_action_sha256(kept)[0], 0xac);
	store_close(r);
	/* It outlives the recorder, as it is true for ever. */
	assert_int_equal(receipt_kind(kept), ROW_INTENT);
	receipt_free(kept);
}

static void
i1_a_receipt_of_a_lost_transaction_stays_dead(void **state)
{
	struct recorder *r = store_at(*state);
	struct receipt *receipt = NULL;
	struct err e = ERR_INIT;
	uint64_t seq = 0;

	must(append_nth(r, 1, &seq, &receipt, &e), &e);
	store_close(r);
	assert_int_equal(receipt_kind(receipt), ROW_INVALID);
	receipt_free(receipt);
	r = store_at(*state);
	db_recorder.head(r, &seq, (uint8_t[SHA256_LEN]){ 0 });
	assert_int_equal(seq, 0);
	store_close(r);
}

/* ---- open actions ------------------------------------------------------ */

struct seen {
	unsigned count;
	char ids[8][ACTION_ID_MAX];
	struct open_action last;
	char record[64], note[64], key[64];
	struct recorder *change; /* put it as done while walking */
};

static int
see(void *ctx, const struct open_action *a, struct err *e)
{
	struct seen *s = ctx;

	(void)snprintf(s->ids[s->count++], ACTION_ID_MAX, "%s", a->id);
	s->last = *a;
	(void)snprintf(
	    s->record, sizeof(s->record), "%.*s", STR_ARG(a->record));
	(void)snprintf(s->note, sizeof(s->note), "%.*s", STR_ARG(a->state));
	(void)snprintf(s->key, sizeof(s->key), "%s",
	    a->idempotency_key == NULL ? "" : a->idempotency_key);
	if (s->change == NULL)
		return 0;
	return db_recorder.put_open(s->change,
	    &(struct open_action){
		.id = a->id, .stage = STAGE_DONE, .uid = a->uid },
	    e);
}

static void
put(struct recorder *r, const char *id, enum stage stage, int64_t deadline,
    const char *key)
{
	struct err e = ERR_INIT;
	const struct open_action a = {
		.id = id,
		.stage = stage,
		.uid = 1000,
		.record = STR("record"),
		.state = STR("note"),
		.deadline_real_ns = deadline,
		.idempotency_key = key,
	};

	must(db_recorder.put_open(r, &a, &e), &e);
}

static void
a_restart_finds_what_is_open(void **state)
{
	struct recorder *r = store_at(*state);
	struct err e = ERR_INIT;
	struct seen s = { .count = 0 };

	put(r, "act_1", STAGE_PENDING, 5, "key-1");
	put(r, "act_2", STAGE_DECIDED, 0, NULL);
	put(r, "act_3", STAGE_DECIDED, 7, NULL);
	put(r, "act_4", STAGE_RUNNING, 0, NULL);
	put(r, "act_5", STAGE_DONE, 0, NULL);
	must(db_recorder.commit(r, &e), &e);
	put(r, "act_6", STAGE_PENDING, 0, NULL); /* never committed */
	store_close(r);
	r = store_at(*state);
	must(db_recorder.each_open(r, see, &s, &e), &e);
	assert_int_equal(s.count, 3);
	assert_string_equal(s.ids[0], "act_1");
	assert_string_equal(s.ids[1], "act_3");
	assert_string_equal(s.ids[2], "act_4");
	assert_int_equal(s.last.stage, STAGE_RUNNING);
	s.count = 0;
	must(db_recorder.get_open(r, "act_1", see, &s, &e), &e);
	assert_int_equal(s.last.stage, STAGE_PENDING);
	assert_int_equal(s.last.deadline_real_ns, 5);
	assert_string_equal(s.key, "key-1");
	assert_int_equal(
	    db_recorder.get_open(r, "act_6", see, &s, &e), ERR_NOTFOUND);
	store_close(r);
}

static void
an_update_without_record_keeps_the_record(void **state)
{
	struct recorder *r = store_at(*state);
	struct err e = ERR_INIT;
	struct seen s = { .count = 0 };
	const struct open_action later = {
		.id = "act_1",
		.stage = STAGE_DECIDED,
		.uid = 1000,
		.state = STR("other note"),
		.deadline_real_ns = 9,
	};

	put(r, "act_1", STAGE_PENDING, 5, "key-1");
	must(db_recorder.put_open(r, &later, &e), &e);
	must(db_recorder.get_open(r, "act_1", see, &s, &e), &e);
	assert_string_equal(s.record, "record");
	assert_string_equal(s.note, "other note");
	assert_string_equal(s.key, "key-1");
	assert_int_equal(s.last.stage, STAGE_DECIDED);
	store_close(r);
}

static void
what_is_walked_over_may_be_changed(void **state)
{
	struct recorder *r = store_at(*state);
	struct err e = ERR_INIT;
	struct seen s = { .change = r };

	put(r, "act_1", STAGE_PENDING, 5, NULL);
	put(r, "act_2", STAGE_RUNNING, 5, NULL);
	must(db_recorder.each_open(r, see, &s, &e), &e);
	assert_int_equal(s.count, 2);
	must(db_recorder.commit(r, &e), &e);
	s.count = 0;
	must(db_recorder.each_open(r, see, &s, &e), &e);
	assert_int_equal(s.count, 0);
	store_close(r);
}

static void
an_idempotency_key_belongs_to_one_action_of_a_uid(void **state)
{
	struct recorder *r = store_at(*state);
	AUTO_BUF struct buf id = BUF_INIT(64);
	struct err e = ERR_INIT;
	uint64_t seq = 0;
	const struct open_action other = { .id = "act_2",
		.stage = STAGE_PENDING,
		.uid = 1000,
		.idempotency_key = "key-1" };
	const struct open_action stranger = { .id = "act_3",
		.stage = STAGE_PENDING,
		.uid = 1001,
		.idempotency_key = "key-1" };

	put(r, "act_1", STAGE_PENDING, 5, "key-1");
	/* Found before the commit: two of one batch must not both be new. */
	must(db_recorder.find_idempotent(r, 1000, "key-1", &id, &e), &e);
	assert_string_equal(buf_cstr(&id), "act_1");
	must(append_nth(r, 1, &seq, NULL, &e), &e);
	assert_int_equal(db_recorder.put_open(r, &other, &e), ERR_CONFLICT);
	/* That alone was refused: the batch goes on. */
	must(db_recorder.put_open(r, &stranger, &e), &e);
	must(db_recorder.commit(r, &e), &e);
	assert_int_equal(db_recorder.find_idempotent(r, 1002, "key-1", &id, &e),
	    ERR_NOTFOUND);
	buf_reset(&id);
	must(db_recorder.find_idempotent(r, 1001, "key-1", &id, &e), &e);
	assert_string_equal(buf_cstr(&id), "act_3");
	db_recorder.head(r, &seq, (uint8_t[SHA256_LEN]){ 0 });
	assert_int_equal(seq, 1);
	store_close(r);
}

static void
ended_actions_are_forgotten_open_ones_never(void **state)
{
	const struct place *p = *state;
	struct recorder *r = store_at(p);
	struct seen s = { .count = 0 };
	struct err e = ERR_INIT;
	sqlite3_stmt *q = NULL;
	sqlite3 *db = NULL;
	char id[32];

	put(r, "act_open", STAGE_PENDING, 5, NULL);
	for (unsigned i = 0; i < ACTIONS_ENDED_KEPT + 3000; i++) {
		(void)snprintf(id, sizeof(id), "act_%u", i);
		put(r, id, STAGE_DONE, 0, NULL);
		if (i % 512 == 511)
			must(db_recorder.commit(r, &e), &e);
	}
	must(db_recorder.commit(r, &e), &e);
	must(db_recorder.get_open(r, "act_open", see, &s, &e), &e);
	assert_int_equal(
	    db_recorder.get_open(r, "act_0", see, &s, &e), ERR_NOTFOUND);
	must(db_recorder.get_open(r, "act_12999", see, &s, &e), &e);
	store_close(r);
	assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(
			     db, "SELECT count(*) FROM actions", -1, &q, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	assert_in_range(sqlite3_column_int(q, 0), ACTIONS_ENDED_KEPT,
	    ACTIONS_ENDED_KEPT + 1024);
	sqlite3_finalize(q);
	sqlite3_close(db);
}

/* ---- limits and refusals ----------------------------------------------- */

static void
what_is_too_long_is_refused_and_the_batch_goes_on(void **state)
{
	struct recorder *r = store_at(*state);
	struct err e = ERR_INIT;
	uint8_t hash[SHA256_LEN];
	char *big = mem_new(LOG_BODY_BYTES_MAX + 1, 1);
	uint64_t seq = 0;
	struct row row = { .kind = ROW_EVENT };

	assert_non_null(big);
	memset(big, ' ', LOG_BODY_BYTES_MAX + 1);
	must(append_nth(r, 1, &seq, NULL, &e), &e);
	row.body = str_n(big, LOG_BODY_BYTES_MAX + 1);
	assert_int_equal(
	    db_recorder.append(r, &row, &seq, hash, NULL, &e), ERR_LIMIT);
	row.body = str_n(big, LOG_BODY_BYTES_MAX);
	must(db_recorder.append(r, &row, &seq, hash, NULL, &e), &e);
	row.body = STR_NONE;
	big[5000] = '\0';
	row.session = big;
	assert_int_equal(
	    db_recorder.append(r, &row, &seq, hash, NULL, &e), ERR_LIMIT);
	row.session = NULL;
	row.kind = ROW_INVALID;
	assert_int_equal(
	    db_recorder.append(r, &row, &seq, hash, NULL, &e), ERR_INVALID);
	must(db_recorder.commit(r, &e), &e);
	must(db_recorder.verify(r, &seq, &e), &e);
	assert_int_equal(seq, 2);
	store_close(r);
	mem_freep(&big);
}

static void
a_second_writer_is_refused(void **state)
{
	const struct place *p = *state;
	struct recorder *r = store_at(p), *second = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(
	    store_open(
		&(struct store_options){ .state_dir = p->state }, &second, &e),
	    ERR_CONFLICT);
	assert_non_null(strstr(e.msg, "another assentd"));
	store_close(r);
}

static void
expect_refusal(const struct place *p, int code, const char *words)
{
	struct recorder *r = NULL;
	struct err e = ERR_INIT;
	const int got = store_open(
	    &(struct store_options){ .state_dir = p->state }, &r, &e);

	if (got != code || strstr(e.msg, words) == NULL)
		fail_msg("%d '%s', expected %d '%s'", got, e.msg, code, words);
}

static void
a_folder_that_others_may_write_is_refused(void **state)
{
	const struct place *p = *state;

	assert_int_equal(mkdir(p->state, 0700), 0);
	assert_int_equal(chmod(p->state, 0770), 0);
	expect_refusal(p, ERR_DENIED, "chmod it to 0700");
}

static void
a_database_that_others_may_read_is_refused(void **state)
{
	const struct place *p = *state;

	make_log(p, 3);
	assert_int_equal(chmod(p->db, 0644), 0);
	expect_refusal(p, ERR_DENIED, "chmod it to 0600");
}

static void
a_database_that_is_a_link_is_refused(void **state)
{
	const struct place *p = *state;
	char elsewhere[192];

	make_log(p, 3);
	place_path(p, "elsewhere", elsewhere);
	assert_int_equal(rename(p->db, elsewhere), 0);
	assert_int_equal(symlink(elsewhere, p->db), 0);
	expect_refusal(p, ERR_SYS, "cannot open");
}

static void
a_key_that_others_may_read_is_refused(void **state)
{
	const struct place *p = *state;
	char key[192];

	make_log(p, 3);
	assert_int_equal(chmod(place_path(p, "log.key", key), 0640), 0);
	expect_refusal(p, ERR_DENIED, "treat the key as known");
}

static void
another_programs_database_is_refused(void **state)
{
	const struct place *p = *state;

	assert_int_equal(mkdir(p->state, 0700), 0);
	tamper(p, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
	assert_int_equal(chmod(p->db, 0600), 0);
	expect_refusal(p, ERR_INVALID, "not a decision log");
}

static void
a_newer_version_is_refused(void **state)
{
	const struct place *p = *state;

	make_log(p, 3);
	tamper(p, "PRAGMA user_version = 99");
	expect_refusal(p, ERR_INVALID, "made by a newer assent");
}

static void
a_changed_schema_is_refused(void **state)
{
	const struct place *p = *state;

	make_log(p, 3);
	tamper(p, "DROP TRIGGER log_delete");
	expect_refusal(p, ERR_INVALID, "'log_delete' is not as made");
}

static void
i9_a_cut_log_is_refused_at_start(void **state)
{
	const struct place *p = *state;

	make_log(p, 30);
	tamper_rows(p,
	    "DELETE FROM log WHERE seq > 20; DELETE FROM payload "
	    "WHERE seq > 20; DELETE FROM tree");
	expect_refusal(p, ERR_DENIED, "20 rows, but 30 were signed");
}

static void
i9_an_older_copy_is_refused_at_start(void **state)
{
	const struct place *p = *state;
	char copy[192];

	make_log(p, 30);
	place_path(p, "yesterday", copy);
	copy_file(p->db, copy);
	struct recorder *r = store_at(p);

	add_rows(r, 30, 3, 1);
	store_close(r);
	copy_file(copy, p->db);
	expect_refusal(p, ERR_DENIED, "30 rows, but 33 were signed");
}

static void
i9_a_changed_tail_is_refused_at_start(void **state)
{
	const struct place *p = *state;

	make_log(p, 30);
	tamper_rows(p,
	    "UPDATE log SET decision = 'allow' WHERE seq = 30; "
	    "DELETE FROM tree");
	expect_refusal(p, ERR_INVALID, "row 30 does not follow");
}

static void
i9_a_lost_key_is_not_replaced_silently(void **state)
{
	const struct place *p = *state;
	char path[192];

	make_log(p, 3);
	assert_int_equal(unlink(place_path(p, "log.key", path)), 0);
	expect_refusal(p, ERR_DENIED, "Restore 'log.key' and 'checkpoints'");
}

static void
i9_our_own_connection_cannot_change_rows(void **state)
{
	const struct place *p = *state;
	static const char *const attempts[] = {
		"UPDATE log SET decision = 'allow'",
		"DELETE FROM log WHERE seq = 2",
		"INSERT OR REPLACE INTO log SELECT * FROM log WHERE seq = 2",
		"UPDATE payload SET body = x'00'",
		"DELETE FROM payload WHERE seq = 1",
		"INSERT OR REPLACE INTO payload VALUES (2, x'00')",
		"DELETE FROM sqlite_schema",
		"PRAGMA writable_schema = ON; DELETE FROM sqlite_schema",
	};
	sqlite3 *db = NULL;
	struct err e = ERR_INIT;

	make_log(p, 3);
	must(sql_open(&(struct sql_options){ .path = p->db, .write = true },
		 &db, &e),
	    &e);
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
		if (sql_exec(db, attempts[i], &e) == 0)
			fail_msg("'%s' was not refused", attempts[i]);
	}
	sql_closep(&db);
}

struct events {
	char text[512];
};

static int
take_event(void *ctx, const struct row_view *v, struct err *e)
{
	struct events *x = ctx;
	const size_t len = strlen(x->text);

	(void)e;
	(void)snprintf(
	    x->text + len, sizeof(x->text) - len, "%.*s;", STR_ARG(v->body));
	return 0;
}

/* Rows that cannot be signed are recorded, and the log itself says so. */
static void
what_cannot_be_signed_is_recorded_and_told(void **state)
{
	const struct place *p = *state;
	const struct store_options o = {
		.state_dir = p->state, .seal_ns = 1, .key_life_ns = 1
	};
	AUTO(reader_closep) struct reader *reader = NULL;
	struct recorder *r = NULL;
	struct events events = { .text = "" };
	struct err e = ERR_INIT;
	char next[192], inside[256];

	must(store_open(&o, &r, &e), &e);
	/* The next key cannot be stored where a folder is. */
	place_path(p, "log.key.next", next);
	(void)snprintf(inside, sizeof(inside), "%s/x", next);
	assert_int_equal(mkdir(next, 0700), 0);
	assert_int_equal(mkdir(inside, 0700), 0);
	add_rows(r, 0, 5, 1);
	assert_true(db_recorder.healthy(r, &e));
	assert_int_equal(rmdir(inside), 0);
	assert_int_equal(rmdir(next), 0);
	add_rows(r, 5, 2, 1);
	store_close(r);
	must(reader_open(p->db, NULL, &reader, &e), &e);
	must(reader_each(reader, &(struct log_query){ .kind = "degraded" },
		 take_event, &events, &e),
	    &e);
	assert_non_null(strstr(events.text, "store.unsigned"));
	assert_non_null(strstr(events.text, "log.key.next"));
	assert_non_null(strstr(events.text, "store.signed"));
}

/* ---- versions ---------------------------------------------------------- */

static const struct migration two_steps[] = {
	{ 1, "CREATE TABLE a (x); INSERT INTO a VALUES (1);" },
	{ 2, "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = 2;" },
};
static const struct migration broken_step[] = {
	{ 1, "CREATE TABLE a (x); INSERT INTO a VALUES (1);" },
	{ 2, "ALTER TABLE a ADD COLUMN y; UPDATE a SET z = 2;" },
};

static void
a_step_that_fails_leaves_the_version_before(void **state)
{
	sqlite3 *db = NULL;
	struct err e = ERR_INIT;
	int64_t n = 0;

	(void)state;
	must(
	    sql_open(&(struct sql_options){ .path = ":memory:", .write = true },
		&db, &e),
	    &e);
	assert_int_not_equal(migrate(db, broken_step, 2, &e), 0);
	must(sql_int(db, "PRAGMA user_version", &n, &e), &e);
	assert_int_equal(n, 1);
	must(sql_int(db, "SELECT count(*) FROM pragma_table_info('a')", &n, &e),
	    &e);
	assert_int_equal(n, 1);
	must(migrate(db, two_steps, 2, &e), &e);
	must(migrate(db, two_steps, 2, &e), &e);
	must(sql_int(db, "SELECT y FROM a", &n, &e), &e);
	assert_int_equal(n, 2);
	must(schema_check(db, two_steps, 2, &e), &e);
	assert_int_equal(schema_check(db, two_steps, 1, &e), ERR_INVALID);
	assert_int_equal(migrate(db, two_steps, 1, &e), ERR_INVALID);
	sql_closep(&db);
}

/* ---- reading ----------------------------------------------------------- */

struct lines {
	unsigned count;
	uint64_t first, last;
	char text[2048];
};

static int
take_line(void *ctx, uint64_t seq, struct str json, struct err *e)
{
	struct lines *l = ctx;

	(void)e;
	if (l->count++ == 0)
		l->first = seq;
	l->last = seq;
	(void)snprintf(l->text, sizeof(l->text), "%.*s", STR_ARG(json));
	return 0;
}

static void
list_gives_rows_as_they_are_exported(void **state)
{
	static const char *const fields[] = { "\"seq\":7",
		"\"kind\":\"decided\"", "\"time\":\"2026-", "\"uid\":1000",
		"\"session\":\"s-1\"", "\"tool\":\"shell\"",
		"\"decision\":\"allow\"", "\"decided_by\":\"rule\"",
		"\"rule\":\"git.push.feature\"", "\"action_id\":null",
		"\"action_sha256\":null", "\"policy_sha256\":\"b011",
		"\"prev_hash\":\"", "\"log_hash\":\"",
		"\"body\":{\"text\":\"git push origin feature/6 && " };
	struct recorder *r = store_at(*state);
	struct lines l = { .count = 0 };
	struct log_filter f = { .from_seq = 7, .limit = 1 };
	struct err e = ERR_INIT;
	uint64_t seq = 0;

	add_rows(r, 0, 9, 3);
	must(append_nth(r, 9, &seq, NULL, &e), &e); /* not durable: not seen */
	must(db_recorder.list(r, &f, take_line, &l, &e), &e);
	assert_int_equal(l.count, 1);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (strstr(l.text, fields[i]) == NULL)
			fail_msg("no %s in %s", fields[i], l.text);
	}
	f = (struct log_filter){ .action_id = "act_01JZ000000020000000000000" };
	l.count = 0;
	must(db_recorder.list(r, &f, take_line, &l, &e), &e);
	assert_int_equal(l.count, 2);
	assert_int_equal(l.first, 5);
	f = (struct log_filter){ .session = "s-1" };
	l.count = 0;
	must(db_recorder.list(r, &f, take_line, &l, &e), &e);
	assert_int_equal(l.count, 3);
	f = (struct log_filter){ .from_seq = 1 };
	l.count = 0;
	must(db_recorder.list(r, &f, take_line, &l, &e), &e);
	assert_int_equal(l.count, 9);
	store_close(r);
}

static void
i9_a_changed_row_is_not_shown_as_if_it_were_true(void **state)
{
	const struct place *p = *state;
	struct lines l = { .count = 0 };
	struct err e = ERR_INIT;
	struct recorder *r;

	make_log(p, 30);
	tamper_rows(p, "UPDATE log SET rule = 'other' WHERE seq = 12");
	r = store_at(p);
	assert_int_equal(
	    db_recorder.list(
		r, &(struct log_filter){ .from_seq = 12 }, take_line, &l, &e),
	    ERR_DENIED);
	assert_non_null(strstr(e.msg, "row 12 was changed"));
	assert_int_equal(l.count, 0);
	store_close(r);
}

static void
reading_changes_nothing_and_needs_no_daemon(void **state)
{
	const struct place *p = *state;
	struct recorder *r = store_at(p);
	AUTO(reader_closep) struct reader *reader = NULL;
	struct err e = ERR_INIT;
	uint64_t last = 0;

	add_rows(r, 0, 5, 5);
	/* While it runs, at one moment. */
	must(reader_open(p->db, NULL, &reader, &e), &e);
	must(reader_hold(reader, &e), &e);
	add_rows(r, 5, 5, 5);
	must(reader_last(reader, &last, &e), &e);
	assert_int_equal(last, 5);
	reader_release(reader);
	must(reader_last(reader, &last, &e), &e);
	assert_int_equal(last, 10);
	assert_int_not_equal(sql_exec(reader_db(reader),
				 "INSERT INTO meta VALUES ('a', 'b')", &e),
	    0);
	reader_closep(&reader);
	store_close(r);
	must(reader_open(p->db, NULL, &reader, &e), &e);
	must(reader_last(reader, &last, &e), &e);
	assert_int_equal(last, 10);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(rows_follow_each_other),
		T(i1_a_receipt_exists_only_after_commit),
		T(i1_a_receipt_of_a_lost_transaction_stays_dead),
		T(a_restart_finds_what_is_open),
		T(an_update_without_record_keeps_the_record),
		T(what_is_walked_over_may_be_changed),
		T(an_idempotency_key_belongs_to_one_action_of_a_uid),
		T(ended_actions_are_forgotten_open_ones_never),
		T(what_is_too_long_is_refused_and_the_batch_goes_on),
		T(a_second_writer_is_refused),
		T(a_folder_that_others_may_write_is_refused),
		T(a_database_that_others_may_read_is_refused),
		T(a_database_that_is_a_link_is_refused),
		T(a_key_that_others_may_read_is_refused),
		T(another_programs_database_is_refused),
		T(a_newer_version_is_refused),
		T(a_changed_schema_is_refused),
		T(i9_a_cut_log_is_refused_at_start),
		T(i9_an_older_copy_is_refused_at_start),
		T(i9_a_changed_tail_is_refused_at_start),
		T(i9_a_lost_key_is_not_replaced_silently),
		T(i9_our_own_connection_cannot_change_rows),
		T(what_cannot_be_signed_is_recorded_and_told),
		T(a_step_that_fails_leaves_the_version_before),
		T(list_gives_rows_as_they_are_exported),
		T(i9_a_changed_row_is_not_shown_as_if_it_were_true),
		T(reading_changes_nothing_and_needs_no_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
