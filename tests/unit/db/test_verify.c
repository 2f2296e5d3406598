/*
 * I9: whatever is done to a recorded log is found by verify, offline.
 *
 * ASSENT_TEST_FULL=1 flips every byte (minutes); else one in FLIP_STRIDE.
 * Runs in: tests.
 */
#include "db_test.h"

#include <limits.h>

#include "chain.h"
#include "model/checkpoint_word.h"
#include "reader.h"
#include "row.h"
#include "seal.h"

#define ROWS 200
#define ROW_NS INT64_C(10000000000) /* in all longer than overdue */
#define FLIP_STRIDE 331
#define FILE_BYTES_MAX ((size_t)4 << 20)

/* A log of ROWS rows, made once; each test works on a copy. */
struct log {
	struct place p;
	struct buf db, checkpoints, public, key;
	uint8_t exported[SHA256_LEN];
};

/* Many short rows: more structure a byte than in life. */
static void
make_short_rows(const struct place *p, unsigned count, uint64_t seal_rows)
{
	const struct store_options o = { .state_dir = p->state,
		.seal_rows = seal_rows };
	struct recorder *r = NULL;
	struct err e = ERR_INIT;
	uint8_t hash[SHA256_LEN];
	uint64_t seq = 0;

	must(store_open(&o, &r, &e), &e);
	for (unsigned n = 0; n < count; n++) {
		char id[ACTION_ID_MAX], body[64];

		(void)snprintf(id, sizeof(id), "act_%u", n / 2);
		(void)snprintf(body, sizeof(body), "{\"n\":%u}", n);
		const struct row row = {
			.kind = ROW_DECIDED,
			.action_id = id,
			.session = n % 3 == 0 ? "s-1" : NULL,
			.uid = 1000,
			.tool = TOOL_SHELL,
			.decision = n % 5 == 4 ? DECISION_DENY : DECISION_ALLOW,
			.by = BY_HUMAN,
			.time_real_ns =
			    INT64_C(1795000000000000000) + n * ROW_NS,
			.body = str_of(body),
		};

		must(db_recorder.append(r, &row, &seq, hash, NULL, &e), &e);
		if (n % 4 == 3)
			must(db_recorder.commit(r, &e), &e);
	}
	must(db_recorder.commit(r, &e), &e);
	store_close(r);
}

static int
digest_row(void *ctx, const struct row_view *v, struct err *e)
{
	AUTO_BUF struct buf json = BUF_INIT(65536);

	row_json(v, &json);
	return sha256_add(ctx, buf_cstr(&json), json.len, e);
}

/* Of all rows as they would be exported; 0 or why not. */
static int
export_digest(const struct place *p, uint8_t ret[SHA256_LEN], struct err *e)
{
	AUTO(reader_closep) struct reader *r = NULL;
	AUTO(sha256_freep) struct sha256 *h = NULL;
	int done = sha256_new(&h, e);

	if (done == 0)
		done = reader_open(p->db, NULL, &r, e);
	if (done == 0)
		done = reader_each(
		    r, &(struct log_query){ .limit = 0 }, digest_row, h, e);
	return done == 0 ? sha256_end(h, ret, e) : done;
}

static void
slurp(const char *path, struct buf *out)
{
	struct err e = ERR_INIT;

	*out = (struct buf)BUF_INIT(FILE_BYTES_MAX);
	must(fdio_read_file(path, out, &e), &e);
}

static void
spill(const char *path, const struct buf *bytes)
{
	AUTO_FD int fd =
	    open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct err e = ERR_INIT;

	assert_true(fd >= 0);
	must(fdio_write_all(fd, bytes->s, bytes->len, &e), &e);
}

static int
group_setup(void **state)
{
	struct log *l = mem_new(1, sizeof(*l));
	struct err e = ERR_INIT;
	char path[192];

	place_make(&l->p);
	make_short_rows(&l->p, ROWS, 50);
	slurp(l->p.db, &l->db);
	slurp(place_path(&l->p, SEAL_FILE, path), &l->checkpoints);
	slurp(place_path(&l->p, SEAL_PUBLIC_FILE, path), &l->public);
	slurp(place_path(&l->p, SEAL_KEY_FILE, path), &l->key);
	must(export_digest(&l->p, l->exported, &e), &e);
	*state = l;
	return 0;
}

static int
group_teardown(void **state)
{
	struct log *l = *state;

	place_remove(&l->p);
	buf_free(&l->db);
	buf_free(&l->checkpoints);
	buf_free(&l->public);
	buf_free(&l->key);
	mem_freep(&l);
	return 0;
}

static int
restore(void **state)
{
	struct log *l = *state;
	char path[192];

	spill(l->p.db, &l->db);
	spill(place_path(&l->p, SEAL_FILE, path), &l->checkpoints);
	spill(place_path(&l->p, SEAL_PUBLIC_FILE, path), &l->public);
	spill(place_path(&l->p, SEAL_KEY_FILE, path), &l->key);
	(void)unlink(place_path(&l->p, STORE_FILE "-wal", path));
	(void)unlink(place_path(&l->p, STORE_FILE "-shm", path));
	return 0;
}

static void
expect_good(const struct log *l)
{
	struct verify_result v;
	struct err e = ERR_INIT;

	must(verify_at(l->p.state, &v, &e), &e);
	assert_int_equal(v.rows, ROWS);
	assert_int_equal(v.signed_rows, ROWS);
	assert_int_equal(v.bad_seq, 0);
}

static void
expect_bad(const struct log *l, uint64_t seq, const char *words)
{
	struct verify_result v;
	struct err e = ERR_INIT;
	const int r = verify_at(l->p.state, &v, &e);

	if (r != ERR_DENIED || strstr(e.msg, words) == NULL ||
	    (seq != 0 && v.bad_seq != seq))
		fail_msg("%d, row %llu: '%s', expected '%s'", r,
		    (unsigned long long)v.bad_seq, e.msg, words);
}

/* ---- bytes ------------------------------------------------------------- */

static void
i9_any_flipped_byte_is_found(void **state)
{
	struct log *l = *state;
	const bool full = getenv("ASSENT_TEST_FULL") != NULL;
	AUTO_FD int fd = open(l->p.db, O_RDWR | O_CLOEXEC);
	size_t found = 0, harmless = 0;

	assert_true(fd >= 0);
	expect_good(l);
	for (size_t at = 0; at < l->db.len; at += full ? 1 : FLIP_STRIDE) {
		const char was = l->db.s[at];
		const char is = (char)(was ^ (char)(1u << (at % 8)));
		uint8_t digest[SHA256_LEN];
		struct verify_result v;
		struct err e = ERR_INIT;

		assert_int_equal(pwrite(fd, &is, 1, (off_t)at), 1);
		if (verify_at(l->p.state, &v, &e) != 0) {
			found++;
		} else {
			/* Then every row must be what it was. */
			if (export_digest(&l->p, digest, &e) != 0 ||
			    memcmp(digest, l->exported, SHA256_LEN) != 0)
				fail_msg("byte %zu: %s", at, e.msg);
			harmless++;
		}
		assert_int_equal(pwrite(fd, &was, 1, (off_t)at), 1);
	}
	expect_good(l);
	print_message("%zu bytes: %zu found, %zu harmless\n", found + harmless,
	    found, harmless);
	/* The rest is free space and the tables beside the log. */
	assert_true(found * 4 > found + harmless);
}

/* ---- rows -------------------------------------------------------------- */

static void
i9_any_deleted_row_is_found(void **state)
{
	struct log *l = *state;

	for (unsigned k = 1; k <= ROWS; k += 3) {
		char sql[256];

		(void)snprintf(sql, sizeof(sql),
		    "DELETE FROM log WHERE seq = %u; "
		    "DELETE FROM payload WHERE seq = %u",
		    k, k);
		restore(state);
		tamper_rows(&l->p, sql);
		expect_bad(l, k, k == ROWS ? "were signed" : "is missing");
	}
}

/* The neighbours close up: no gap is left to see. */
static void
i9_any_deleted_and_renumbered_row_is_found(void **state)
{
	struct log *l = *state;

	for (unsigned k = 1; k < ROWS; k += 7) {
		char sql[512];

		(void)snprintf(sql, sizeof(sql),
		    "DELETE FROM log WHERE seq = %u; "
		    "DELETE FROM payload WHERE seq = %u;"
		    "UPDATE log SET seq = -(seq - 1) WHERE seq > %u;"
		    "UPDATE log SET seq = -seq WHERE seq < 0;"
		    "UPDATE payload SET seq = -(seq - 1) WHERE seq > %u;"
		    "UPDATE payload SET seq = -seq WHERE seq < 0",
		    k, k, k, k);
		restore(state);
		tamper_rows(&l->p, sql);
		expect_bad(l, k, "does not follow");
	}
}

static void
i9_any_inserted_row_is_found(void **state)
{
	struct log *l = *state;

	for (unsigned k = 1; k <= ROWS; k += 7) {
		char sql[768];

		/* Room at k, then a copy of the row before with other words. */
		(void)snprintf(sql, sizeof(sql),
		    "UPDATE log SET seq = -(seq + 1) WHERE seq >= %u;"
		    "UPDATE log SET seq = -seq WHERE seq < 0;"
		    "UPDATE payload SET seq = -(seq + 1) WHERE seq >= %u;"
		    "UPDATE payload SET seq = -seq WHERE seq < 0;"
		    "INSERT INTO log SELECT %u, time, kind, action_id, session,"
		    " uid, tool, 'ask', decided_by, rule, action_sha256,"
		    " policy_sha256, body_sha256, hash FROM log "
		    "WHERE seq = %u;"
		    "INSERT INTO payload SELECT %u, body FROM payload "
		    "WHERE seq = %u",
		    k, k, k, k + 1, k, k + 1);
		restore(state);
		tamper_rows(&l->p, sql);
		expect_bad(l, k, "does not follow");
	}
}

static void
swap_rows(const struct log *l, unsigned a, unsigned b)
{
	char sql[768];

	(void)snprintf(sql, sizeof(sql),
	    "UPDATE log SET seq = -1 WHERE seq = %u;"
	    "UPDATE log SET seq = %u WHERE seq = %u;"
	    "UPDATE log SET seq = %u WHERE seq = -1;"
	    "UPDATE payload SET seq = -1 WHERE seq = %u;"
	    "UPDATE payload SET seq = %u WHERE seq = %u;"
	    "UPDATE payload SET seq = %u WHERE seq = -1",
	    a, a, b, b, a, a, b, b);
	tamper_rows(&l->p, sql);
}

static void
i9_any_swapped_rows_are_found(void **state)
{
	struct log *l = *state;

	for (unsigned k = 1; k < ROWS; k += 7) {
		restore(state);
		swap_rows(l, k, k + 1);
		expect_bad(l, k, "does not follow");
		restore(state);
		swap_rows(l, k, ROWS);
		expect_bad(l, k, "does not follow");
	}
}

static void
i9_swapped_bodies_are_found(void **state)
{
	struct log *l = *state;

	tamper_rows(&l->p,
	    "UPDATE payload SET seq = -1 WHERE seq = 20;"
	    "UPDATE payload SET seq = 20 WHERE seq = 21;"
	    "UPDATE payload SET seq = 21 WHERE seq = -1");
	expect_bad(l, 20, "its body was changed");
}

static void
i9_a_missing_body_is_found(void **state)
{
	struct log *l = *state;

	tamper_rows(&l->p, "DELETE FROM payload WHERE seq = 33");
	expect_bad(l, 33, "its body is missing");
	/* The table's own word on what was exported counts for nothing. */
	tamper_rows(
	    &l->p, "INSERT INTO meta VALUES ('bodies_exported', '200')");
	expect_bad(l, 33, "its body is missing");
}

static void
i9_an_added_body_is_found(void **state)
{
	struct log *l = *state;

	tamper_rows(&l->p, "INSERT INTO payload VALUES (201, x'7b7d')");
	expect_bad(l, 201, "a body without a row");
}

static void
i9_any_changed_column_is_found(void **state)
{
	static const char *const changes[] = {
		"time = time + 1",
		"kind = 'intent'",
		"action_id = 'act_0'",
		"action_id = NULL",
		"session = ''",
		"uid = 0",
		"tool = 'exec'",
		"decision = 'allow'",
		"decided_by = 'rule'",
		"rule = 'x'",
		"action_sha256 = zeroblob(32)",
		"policy_sha256 = zeroblob(32)",
		"body_sha256 = zeroblob(32)",
		"hash = zeroblob(32)",
		"hash = zeroblob(31)",
		"body_sha256 = x''",
		"rule = replace(hex(zeroblob(20000)), '0', 'x')",
	};
	struct log *l = *state;

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		char sql[256];

		(void)snprintf(sql, sizeof(sql),
		    "UPDATE log SET %s WHERE seq = 125", changes[i]);
		restore(state);
		tamper_rows(&l->p, sql);
		expect_bad(l, 125, "row 125");
	}
}

static void
i9_truncation_at_any_row_is_found(void **state)
{
	struct log *l = *state;

	for (unsigned k = 0; k < ROWS; k += 3) {
		char sql[256];

		(void)snprintf(sql, sizeof(sql),
		    "DELETE FROM log WHERE seq > %u;"
		    "DELETE FROM payload WHERE seq > %u; DELETE FROM tree",
		    k, k);
		restore(state);
		tamper_rows(&l->p, sql);
		expect_bad(l, k + 1, "rows were cut off");
	}
}

static void
i9_truncation_of_the_file_is_found(void **state)
{
	struct log *l = *state;

	for (size_t len = 0; len < l->db.len; len += 1024) {
		struct verify_result v;
		struct err e = ERR_INIT;

		restore(state);
		assert_int_equal(truncate(l->p.db, (off_t)len), 0);
		assert_int_not_equal(verify_at(l->p.state, &v, &e), 0);
	}
}

static void
i9_removed_triggers_are_found(void **state)
{
	struct log *l = *state;

	tamper(&l->p, "DROP TRIGGER payload_delete");
	expect_bad(l, 0, "'payload_delete' is not as made");
	restore(state);
	tamper(&l->p,
	    "CREATE TRIGGER t AFTER INSERT ON log BEGIN "
	    "DELETE FROM actions; END");
	expect_bad(l, 0, "'t' is not as made");
}

/* ---- signatures -------------------------------------------------------- */

static void
i9_missing_checkpoints_are_found(void **state)
{
	struct log *l = *state;
	char path[192];

	assert_int_equal(unlink(place_path(&l->p, SEAL_FILE, path)), 0);
	expect_bad(l, 0, "there is no");
}

static void
i9_emptied_checkpoints_are_found(void **state)
{
	struct log *l = *state;
	char path[192];

	assert_int_equal(truncate(place_path(&l->p, SEAL_FILE, path), 0), 0);
	expect_bad(l, 1, "checkpoints were taken away");
}

static void
i9_checkpoints_cut_short_are_found(void **state)
{
	struct log *l = *state;
	char path[192];

	assert_int_equal(truncate(place_path(&l->p, SEAL_FILE, path),
			     (off_t)l->checkpoints.len / 3),
	    0);
	expect_bad(l, 0, "checkpoints were taken away");
}

static void
i9_a_changed_checkpoint_is_found(void **state)
{
	struct log *l = *state;
	struct buf b = { .s = NULL };
	char path[192];

	place_path(&l->p, SEAL_FILE, path);
	slurp(path, &b);
	for (size_t at = 0; at < b.len; at += 5) {
		struct verify_result v;
		struct err e = ERR_INIT;

		b.s[at] ^= 1;
		spill(path, &b);
		b.s[at] ^= 1;
		/* A newline of the gap, or the end: then nothing is lost. */
		if (verify_at(l->p.state, &v, &e) == 0 &&
		    v.signed_rows != ROWS && !v.torn)
			fail_msg("byte %zu", at);
	}
	buf_free(&b);
}

static void
half_a_checkpoint_is_no_alarm(void **state)
{
	struct log *l = *state;
	struct verify_result v;
	struct err e = ERR_INIT;
	struct recorder *r;
	char path[192];

	place_path(&l->p, SEAL_FILE, path);
	assert_int_equal(truncate(path, (off_t)l->checkpoints.len - 20), 0);
	must(verify_at(l->p.state, &v, &e), &e);
	assert_true(v.torn);
	assert_true(v.signed_rows < ROWS);
	/* The next start takes the half away and signs again. */
	r = store_at(&l->p);
	store_close(r);
	expect_good(l);
}

/* An attacker with everything in the state folder: changes a row and makes
 * the hashes anew from row first to row last. */
static void
hash_anew(const struct log *l, const char *change, int first, int last)
{
	struct chain_tools t;
	struct chain c = { 0 };
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL, *u = NULL;
	struct err e = ERR_INIT;

	tamper_rows(&l->p, change);
	must(chain_tools_init(&t, &e), &e);
	assert_int_equal(sqlite3_open(l->p.db, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "DROP TRIGGER log_update", NULL, NULL, NULL), 0);
	assert_int_equal(
	    sqlite3_prepare_v2(db,
		"SELECT " ROW_COLUMNS " FROM log WHERE seq = ?1", -1, &s, NULL),
	    SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(
		db, "UPDATE log SET hash = ?1 WHERE seq = ?2", -1, &u, NULL),
	    SQLITE_OK);
	for (int k = 1; k <= last; k++) {
		const uint8_t *hash;
		struct log_row row;

		sqlite3_bind_int(s, 1, k);
		if (sqlite3_step(s) != SQLITE_ROW)
			break;
		row_read(s, &row, &hash);
		must(chain_next(&c, &t, &row, &e), &e);
		sqlite3_reset(s);
		if (k < first)
			continue;
		sqlite3_bind_blob(u, 1, c.hash, SHA256_LEN, SQLITE_STATIC);
		sqlite3_bind_int(u, 2, k);
		assert_int_equal(sqlite3_step(u), SQLITE_DONE);
		sqlite3_reset(u);
	}
	sqlite3_finalize(s);
	sqlite3_finalize(u);
	assert_int_equal(
	    sqlite3_exec(db,
		"CREATE TRIGGER log_update BEFORE UPDATE ON log\nBEGIN\n"
		"\tSELECT RAISE(ABORT, 'the log is append-only');\nEND",
		NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "DELETE FROM tree", NULL, NULL, NULL), 0);
	sqlite3_close(db);
	chain_tools_done(&t);
}

static void
chain_anew(const struct log *l, const char *change)
{
	hash_anew(l, change, 1, INT_MAX);
}

#define LIE "UPDATE log SET decision = 'allow' WHERE seq = 50"

/* The row fits the one before it; the one after it does not fit any more. */
static void
i9_a_row_whose_hash_is_made_anew_is_found_by_the_next(void **state)
{
	struct log *l = *state;

	hash_anew(l, LIE, 50, 50);
	expect_bad(l, 51, "does not follow");
}

static void
i9_a_log_chained_anew_is_found(void **state)
{
	struct log *l = *state;

	chain_anew(l, LIE);
	expect_bad(l, 0, "the log was chained anew");
}

/* Signs the log as it now is with the key of the folder. */
static void
sign_anew(const struct log *l, bool keep_old)
{
	char path[192];

	if (!keep_old)
		assert_int_equal(unlink(place_path(&l->p, SEAL_FILE, path)), 0);
	store_close(store_at(&l->p));
}

static int
verify_with(const struct log *l, const char *public_key, const char *against,
    struct err *e)
{
	struct verify_result v;
	const struct verify_options o = { .state_dir = l->p.state,
		.public_key = public_key,
		.against = &against,
		.against_count = against == NULL ? 0 : 1 };

	return verify_log(&o, &v, e);
}

static void
i9_history_signed_anew_is_found_by_a_checkpoint_kept_elsewhere(void **state)
{
	struct log *l = *state;
	struct err e = ERR_INIT;
	char kept[192];

	place_path(&l->p, "kept-elsewhere", kept);
	spill(kept, &l->checkpoints);
	must(verify_with(l, NULL, kept, &e), &e);
	chain_anew(l, LIE);
	sign_anew(l, false);
	/* With the key and no witness nobody can tell. */
	must(verify_with(l, NULL, NULL, &e), &e);
	assert_int_equal(verify_with(l, NULL, kept, &e), ERR_DENIED);
	assert_non_null(strstr(e.msg, "a given checkpoint signed"));
}

static void
i9_an_older_copy_is_found_by_a_checkpoint_kept_elsewhere(void **state)
{
	struct log *l = *state;
	struct recorder *r = store_at(&l->p);
	struct err e = ERR_INIT;
	char kept[192], path[192];

	add_rows(r, 0, 5, 1);
	store_close(r);
	place_path(&l->p, SEAL_FILE, path);
	copy_file(path, place_path(&l->p, "kept-elsewhere", kept));
	/* Yesterday's folder as a whole: consistent in itself. */
	restore(state);
	expect_good(l);
	assert_int_equal(verify_with(l, NULL, kept, &e), ERR_DENIED);
	assert_non_null(strstr(e.msg, "an older copy was put in place"));
}

/* A collector's file: lines of all kinds, of several logs. */
static void
export_words(const char *path, const struct str *notes, size_t count)
{
	AUTO_BUF struct buf out = BUF_INIT(SEAL_FILE_BYTES_MAX);

	buf_puts(&out, "<86>1 2026-11-25 box assent 7 DECIDED - allow: ls\n");
	for (size_t i = 0; i < count; i++) {
		struct str rest = notes[i];
		struct note n;

		while (note_parse(rest, &n, NULL) == 0) {
			buf_puts(&out, "{\"checkpoint\":\"");
			checkpoint_word_put(&out, str_head(rest, n.len));
			buf_puts(&out, "\"}\n");
			rest = str_from(rest, n.len);
			if (rest.len > 0)
				rest = str_from(rest, 1);
		}
	}
	spill(path, &out);
}

static void
i9_an_older_copy_is_found_by_what_was_exported(void **state)
{
	struct log *l = *state;
	struct recorder *r = store_at(&l->p);
	AUTO_BUF struct buf later = BUF_INIT(SEAL_FILE_BYTES_MAX);
	AUTO_BUF struct buf foreign = BUF_INIT(SEAL_FILE_BYTES_MAX);
	struct place other;
	struct err e = ERR_INIT;
	char kept[192], path[192];

	add_rows(r, 0, 5, 1);
	store_close(r);
	place_make(&other);
	make_short_rows(&other, 10, 50);
	slurp(place_path(&l->p, SEAL_FILE, path), &later);
	slurp(place_path(&other, SEAL_FILE, path), &foreign);
	place_path(&l->p, "kept-elsewhere", kept);
	export_words(kept,
	    (const struct str[]){ buf_str(&foreign), buf_str(&later) }, 2);
	must(verify_with(l, NULL, kept, &e), &e);
	restore(state);
	expect_good(l);
	assert_int_equal(verify_with(l, NULL, kept, &e), ERR_DENIED);
	assert_non_null(strstr(e.msg, "an older copy was put in place"));
	/* of another log alone it says nothing, and that is no 'good' */
	export_words(kept, (const struct str[]){ buf_str(&foreign) }, 1);
	assert_int_equal(verify_with(l, NULL, kept, &e), ERR_INVALID);
	assert_non_null(strstr(e.msg, "no checkpoint of this log"));
	place_remove(&other);
}

static void
a_checkpoint_of_another_log_is_refused(void **state)
{
	struct log *l = *state;
	struct place other;
	struct err e = ERR_INIT;
	char kept[192];

	place_make(&other);
	make_short_rows(&other, 10, 50);
	assert_int_equal(
	    verify_with(l, NULL, place_path(&other, SEAL_FILE, kept), &e),
	    ERR_DENIED);
	assert_int_equal(
	    verify_with(
		l, place_path(&other, SEAL_PUBLIC_FILE, kept), NULL, &e),
	    ERR_DENIED);
	place_remove(&other);
}

/* Every start hands over to a new key: the forger has today's only. */
static void
i9_history_signed_anew_with_todays_key_is_found_by_the_first_key(void **state)
{
	struct log *l = *state;
	const struct store_options o = { .state_dir = l->p.state,
		.key_life_ns = 1 };
	struct recorder *r = NULL;
	struct verify_result v;
	struct err e = ERR_INIT;
	char first[192], path[192];

	place_path(&l->p, "first-key-kept-elsewhere", first);
	spill(first, &l->public);
	for (unsigned n = 0; n < 3; n++) {
		must(store_open(&o, &r, &e), &e);
		add_rows(r, n, 1, 1);
		store_close(r);
	}
	must(verify_at(l->p.state, &v, &e), &e);
	assert_int_equal(v.keys, 4);
	must(verify_with(l, first, NULL, &e), &e);
	/* He keeps the notes of before: they hold the old root. */
	chain_anew(l, LIE);
	expect_bad(l, 0, "the log was chained anew");
	/* He writes them all anew, and the public key with them. */
	sign_anew(l, false);
	{
		AUTO_BUF struct buf text = BUF_INIT(1024);
		AUTO(seal_closep) struct seal *s = NULL;

		must(seal_open(&(struct seal_options){ .dir = l->p.state,
				   .origin = NULL },
			 &s, &e),
		    &e);
		note_public_print(seal_public(s), &text);
		spill(place_path(&l->p, SEAL_PUBLIC_FILE, path), &text);
	}
	must(verify_with(l, NULL, NULL, &e), &e);
	assert_int_equal(verify_with(l, first, NULL, &e), ERR_DENIED);
	assert_non_null(strstr(e.msg, "signed by another key"));
}

static void
a_key_that_was_handed_over_is_gone(void **state)
{
	struct log *l = *state;
	struct buf before = { .s = NULL }, after = { .s = NULL };
	const struct store_options o = { .state_dir = l->p.state,
		.key_life_ns = 1 };
	struct recorder *r = NULL;
	struct err e = ERR_INIT;
	char path[192];

	slurp(place_path(&l->p, SEAL_KEY_FILE, path), &before);
	must(store_open(&o, &r, &e), &e);
	add_rows(r, 0, 1, 1);
	store_close(r);
	slurp(path, &after);
	assert_string_not_equal(buf_cstr(&before), buf_cstr(&after));
	assert_int_equal(
	    access(place_path(&l->p, SEAL_KEY_FILE ".next", path), F_OK), -1);
	buf_free(&before);
	buf_free(&after);
}

/* The machine stops between the announcement and the rename. */
static void
a_handover_that_was_cut_short_is_finished(void **state)
{
	struct log *l = *state;
	struct buf old = { .s = NULL }, new = { .s = NULL };
	const struct store_options o = { .state_dir = l->p.state,
		.key_life_ns = 1 };
	struct recorder *r = NULL;
	struct verify_result v;
	struct err e = ERR_INIT;
	char key[192], next[192];

	place_path(&l->p, SEAL_KEY_FILE, key);
	place_path(&l->p, SEAL_KEY_FILE ".next", next);
	slurp(key, &old);
	must(store_open(&o, &r, &e), &e);
	add_rows(r, 0, 1, 1);
	store_close(r);
	slurp(key, &new);
	spill(next, &new);
	spill(key, &old);
	r = store_at(&l->p);
	add_rows(r, 1, 1, 1);
	store_close(r);
	must(verify_at(l->p.state, &v, &e), &e);
	assert_int_equal(v.signed_rows, v.rows);
	assert_int_equal(access(next, F_OK), -1);
	/* Once more, and the old one was erased already. */
	must(store_open(&o, &r, &e), &e);
	add_rows(r, 2, 1, 1);
	store_close(r);
	buf_free(&new);
	slurp(key, &new);
	memset(old.s, 0, old.len);
	spill(next, &new);
	spill(key, &old);
	store_close(store_at(&l->p));
	assert_int_equal(access(next, F_OK), -1);
	buf_free(&old);
	buf_free(&new);
}

/* The key file cannot be replaced: the chain of keys holds all the same. */
static void
a_handover_whose_files_cannot_be_moved_goes_on_in_memory(void **state)
{
	struct log *l = *state;
	const struct store_options o = { .state_dir = l->p.state,
		.key_life_ns = 1 };
	struct recorder *r = NULL;
	struct verify_result v;
	struct err e = ERR_INIT;
	char key[192], inside[256];

	must(store_open(&o, &r, &e), &e);
	place_path(&l->p, SEAL_KEY_FILE, key);
	(void)snprintf(inside, sizeof(inside), "%s/x", key);
	assert_int_equal(unlink(key), 0);
	assert_int_equal(mkdir(key, 0700), 0);
	assert_int_equal(mkdir(inside, 0700), 0);
	add_rows(r, 0, 1, 1);
	store_close(r);
	assert_int_equal(rmdir(inside), 0);
	assert_int_equal(rmdir(key), 0);
	r = store_at(&l->p);
	add_rows(r, 1, 1, 1);
	store_close(r);
	must(verify_at(l->p.state, &v, &e), &e);
	assert_int_equal(v.signed_rows, v.rows);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, restore, NULL)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(i9_any_flipped_byte_is_found),
		T(i9_any_deleted_row_is_found),
		T(i9_any_deleted_and_renumbered_row_is_found),
		T(i9_any_inserted_row_is_found),
		T(i9_any_swapped_rows_are_found),
		T(i9_swapped_bodies_are_found),
		T(i9_a_missing_body_is_found),
		T(i9_an_added_body_is_found),
		T(i9_any_changed_column_is_found),
		T(i9_truncation_at_any_row_is_found),
		T(i9_truncation_of_the_file_is_found),
		T(i9_removed_triggers_are_found),
		T(i9_missing_checkpoints_are_found),
		T(i9_emptied_checkpoints_are_found),
		T(i9_checkpoints_cut_short_are_found),
		T(i9_a_changed_checkpoint_is_found),
		T(half_a_checkpoint_is_no_alarm),
		T(i9_a_row_whose_hash_is_made_anew_is_found_by_the_next),
		T(i9_a_log_chained_anew_is_found),
		T(i9_history_signed_anew_is_found_by_a_checkpoint_kept_elsewhere),
		T(i9_an_older_copy_is_found_by_a_checkpoint_kept_elsewhere),
		T(i9_an_older_copy_is_found_by_what_was_exported),
		T(a_checkpoint_of_another_log_is_refused),
		T(a_key_that_was_handed_over_is_gone),
		T(a_handover_that_was_cut_short_is_finished),
		T(a_handover_whose_files_cannot_be_moved_goes_on_in_memory),
		T(i9_history_signed_anew_with_todays_key_is_found_by_the_first_key),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
