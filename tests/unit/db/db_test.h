#ifndef DB_TEST_H
#define DB_TEST_H
/*
 * What the tests of the store share: a folder of their own, rows like those
 * of real life, a look at the database from outside.
 */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "sql.h"
#include "store.h"
#include "store_limits.h"
#include "verify.h"

#define MAYBE_UNUSED __attribute__((unused))

struct place {
	char dir[96]; /* removed by place_remove */
	char state[128]; /* dir/state: not yet there */
	char db[192];
};

/* In memory where there is a memory file system: tests need no disk. */
MAYBE_UNUSED static void
place_make(struct place *p)
{
	const bool shm = access("/dev/shm", W_OK) == 0;

	(void)snprintf(p->dir, sizeof(p->dir), "%s/assent-db-XXXXXX",
	    shm ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(p->dir));
	(void)snprintf(p->state, sizeof(p->state), "%s/state", p->dir);
	(void)snprintf(p->db, sizeof(p->db), "%s/" STORE_FILE, p->state);
}

MAYBE_UNUSED static int
place_rm(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

MAYBE_UNUSED static void
place_remove(struct place *p)
{
	(void)nftw(p->dir, place_rm, 16, FTW_DEPTH | FTW_PHYS);
}

/* path in the state folder; ret has room for 192 bytes. */
MAYBE_UNUSED static const char *
place_path(const struct place *p, const char *name, char ret[static 192])
{
	(void)snprintf(ret, 192, "%s/%s", p->state, name);
	return ret;
}

MAYBE_UNUSED static void
copy_file(const char *from, const char *to)
{
	AUTO_BUF struct buf bytes = BUF_INIT((size_t)64 << 20);
	AUTO_FD int fd = -1;
	struct err e = ERR_INIT;

	if (fdio_read_file(from, &bytes, &e) != 0)
		fail_msg("%s", e.msg);
	fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(
	    fdio_write_all(fd, buf_cstr(&bytes), bytes.len, &e), 0);
}

/* 0 or fails the test with the sentence. */
MAYBE_UNUSED static void
must_(int r, const struct err *e, int line)
{
	if (r != 0)
		fail_msg("line %d: %d: %s", line, r, e->msg);
}
#define must(call, e) must_(call, e, __LINE__)

MAYBE_UNUSED static struct recorder *
store_at(const struct place *p)
{
	struct recorder *r = NULL;
	struct err e = ERR_INIT;

	must(store_open(
		 &(struct store_options){ .state_dir = p->state }, &r, &e),
	    &e);
	return r;
}

/* Row n of a log as it is in life. */
MAYBE_UNUSED static int
append_nth(struct recorder *r, unsigned n, uint64_t *ret_seq,
    struct receipt **receipt, struct err *e)
{
	static const uint8_t policy[SHA256_LEN] = { 0xb0, 0x11 };
	uint8_t action[SHA256_LEN] = { 0xac };
	uint8_t hash[SHA256_LEN];
	char id[ACTION_ID_MAX], body[512];

	action[1] = (uint8_t)n;
	(void)snprintf(id, sizeof(id), "act_01JZ%08u0000000000000", n / 2);
	(void)snprintf(body, sizeof(body),
	    "{\"text\":\"git push origin feature/%u && make test\","
	    "\"cwd\":\"/home/dev/proj\",\"reason\":\"row %u\","
	    "\"rules\":[\"git.push\"]}",
	    n, n);
	const struct row row = {
		.kind = n % 2 == 0 ? ROW_DECIDED : ROW_INTENT,
		.action_id = n % 7 == 6 ? NULL : id,
		.session = n % 3 == 0 ? "s-1" : NULL,
		.uid = 1000,
		.tool = TOOL_SHELL,
		.decision = n % 5 == 4 ? DECISION_DENY : DECISION_ALLOW,
		.by = BY_RULE,
		.rule_id = "git.push.feature",
		.time_real_ns = INT64_C(1795000000000000000) + n * 1000,
		.body = str_of(body),
		.action_sha256 = n % 7 == 6 ? NULL : action,
		.policy_sha256 = policy,
	};

	return db_recorder.append(r, &row, ret_seq, hash, receipt, e);
}

/* count rows from number first on, in commits of batch. */
MAYBE_UNUSED static void
add_rows(struct recorder *r, unsigned first, unsigned count, unsigned batch)
{
	struct err e = ERR_INIT;
	uint64_t seq = 0;

	for (unsigned n = 0; n < count; n++) {
		must(append_nth(r, first + n, &seq, NULL, &e), &e);
		if ((n + 1) % batch == 0 || n + 1 == count)
			must(db_recorder.commit(r, &e), &e);
	}
}

/* A store with that many rows, closed. */
MAYBE_UNUSED static void
make_log(const struct place *p, unsigned rows)
{
	struct recorder *r = store_at(p);

	add_rows(r, 0, rows, 16);
	store_close(r);
}

MAYBE_UNUSED static int
verify_at(const char *state, struct verify_result *v, struct err *e)
{
	return verify_log(&(struct verify_options){ .state_dir = state }, v, e);
}

/* Somebody with the file and with SQLite: no limits, no triggers. */
MAYBE_UNUSED static void
tamper(const struct place *p, const char *sql)
{
	sqlite3 *db = NULL;
	char *why = NULL;

	assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Triggers away, then the change, then the triggers as they were. */
MAYBE_UNUSED static void
tamper_rows(const struct place *p, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;
	AUTO_BUF struct buf drop = BUF_INIT(65536);
	AUTO_BUF struct buf make = BUF_INIT(65536);

	assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
			     "SELECT name, sql FROM sqlite_schema "
			     "WHERE type = 'trigger'",
			     -1, &s, NULL),
	    SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW) {
		buf_printf(&drop, "DROP TRIGGER %s;",
		    (const char *)sqlite3_column_text(s, 0));
		buf_printf(
		    &make, "%s;", (const char *)sqlite3_column_text(s, 1));
	}
	sqlite3_finalize(s);
	assert_int_equal(
	    sqlite3_exec(db, buf_cstr(&drop), NULL, NULL, NULL), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(
	    sqlite3_exec(db, buf_cstr(&make), NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

#endif
