/*
 * Open and close the store: files, version, the end of the chain, the seal.
 * Runs in: engine.  Trusts: the state folder as far as owner and mode say;
 * the database not at all until its end is checked.  Owns: the one writing
 * connection, the lock, the reserve.
 */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "migrate.h"
#include "row.h"
#include "store_int.h"

#define REASON_LEN_MAX 256

#define OPEN_ACTIONS                                                           \
	"(stage IN ('pending', 'running') OR "                                 \
	"(stage = 'decided' AND deadline <> 0))"

static const char *const statements[] = {
	[Q_BEGIN] = "BEGIN IMMEDIATE",
	[Q_COMMIT] = "COMMIT",
	[Q_ROLLBACK] = "ROLLBACK",
	[Q_LOG_INSERT] = "INSERT INTO log (seq, time, kind, action_id, "
			 "session, uid, tool, decision, decided_by, rule, "
			 "action_sha256, policy_sha256, body_sha256, hash) "
			 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
			 "?11, ?12, ?13, ?14)",
	[Q_PAYLOAD_INSERT] = "INSERT INTO payload (seq, body) VALUES (?1, ?2)",
	[Q_TREE_PUT] = "INSERT INTO tree (id, size, peaks) VALUES (1, ?1, ?2) "
		       "ON CONFLICT (id) DO UPDATE SET size = excluded.size, "
		       "peaks = excluded.peaks",
	[Q_ACTION_PUT] = "INSERT INTO actions (id, stage, uid, "
			 "idempotency_key, deadline, state, record) "
			 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
			 "ON CONFLICT (id) DO UPDATE SET "
			 "stage = excluded.stage, "
			 "idempotency_key = coalesce("
			 "excluded.idempotency_key, idempotency_key), "
			 "deadline = excluded.deadline, "
			 "state = excluded.state, "
			 "record = CASE length(excluded.record) WHEN 0 "
			 "THEN record ELSE excluded.record END",
	[Q_ACTION_GET] = "SELECT n, id, stage, uid, idempotency_key, "
			 "deadline, state, record FROM actions WHERE id = ?1",
	[Q_ACTION_KEY] = "SELECT id FROM actions "
			 "WHERE uid = ?1 AND idempotency_key = ?2",
	[Q_ACTION_EACH] = "SELECT n, id, stage, uid, idempotency_key, "
			  "deadline, state, record "
			  "FROM actions INDEXED BY actions_open "
			  "WHERE n > ?1 AND (" OPEN_ACTIONS ") "
			  "ORDER BY n LIMIT 1",
	[Q_ACTION_TRIM] = "DELETE FROM actions WHERE n IN (SELECT n "
			  "FROM actions WHERE n <= "
			  "(SELECT max(n) FROM actions) - ?1 "
			  "AND NOT " OPEN_ACTIONS " ORDER BY n LIMIT 1024)",
	[Q_MEMO_PUT] = "INSERT INTO meta (key, value) VALUES (?1, ?2) "
		       "ON CONFLICT (key) DO UPDATE SET value = ?2",
};
_Static_assert(ARRAY_LEN(statements) == Q_COUNT, "every statement has a text");

static int64_t
clock_ns(clockid_t clock)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(clock, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static int64_t
real_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

static int64_t
boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

/* ---- files ------------------------------------------------------------- */

static int
check_mode(const char *path, mode_t kind, mode_t forbidden, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return err_sys(e, "cannot stat '%s'", path);
	if ((st.st_mode & S_IFMT) != kind)
		return err_set(e, ERR_INVALID, "'%s' is not a %s", path,
		    kind == S_IFDIR ? "folder" : "regular file");
	if (st.st_uid != geteuid())
		return err_set(e, ERR_DENIED,
		    "'%s' belongs to uid %u, not to %u: chown it, or name "
		    "another state folder",
		    path, (unsigned)st.st_uid, (unsigned)geteuid());
	if ((st.st_mode & forbidden) != 0)
		return err_set(e, ERR_DENIED,
		    "'%s' has mode %04o, which lets others at the log: "
		    "chmod it to %s",
		    path, (unsigned)(st.st_mode & 07777),
		    kind == S_IFDIR ? "0700" : "0600");
	return ERR_OK;
}

int
store_locate(const char *state_dir, struct buf *ret_dir, struct buf *ret_path,
    struct err *e)
{
	char real[PATH_MAX];

	if (realpath(state_dir, real) == NULL)
		return err_sys(e,
		    "cannot find the state folder '%s'; --state names "
		    "another",
		    state_dir);
	buf_puts(ret_dir, real);
	buf_printf(ret_path, "%s/" STORE_FILE, real);
	if (buf_done(ret_dir, e) != 0)
		return buf_done(ret_dir, e);
	return buf_done(ret_path, e);
}

int
store_find(const char *state_dir, struct buf *ret_dir, struct buf *ret_path,
    struct err *e)
{
	const int done = store_locate(state_dir, ret_dir, ret_path, e);
	struct stat st;

	if (done == 0 && stat(buf_cstr(ret_path), &st) != 0 && errno == ENOENT)
		return err_set(e, ERR_INVALID,
		    "there is no log in '%s' (no " STORE_FILE "): name the "
		    "daemon's folder with --state",
		    buf_cstr(ret_dir));
	return done;
}

static int
prepare_dir(const char *dir, struct err *e)
{
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return err_sys(e, "cannot make the state folder '%s'", dir);
	return ERR_OK;
}

/* SQLite gives its other files the mode of this one. */
static int
prepare_file(const char *path, struct err *e)
{
	AUTO_FD int fd = open(
	    path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);

	if (fd < 0)
		return err_sys(e, "cannot open '%s'", path);
	return check_mode(path, S_IFREG, S_IWGRP | S_IRWXO, e);
}

/* One writer: also against a second daemon by mistake. */
/* 0, or errno. */
static int
lock_within(int fd, int64_t wait_ms)
{
	const struct timespec look = {
		.tv_nsec = LOCK_LOOK_MS * INT64_C(1000000),
	};

	for (;;) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK || wait_ms <= 0)
			return errno;
		wait_ms -= LOCK_LOOK_MS;
		(void)nanosleep(&look, NULL);
	}
}

static int
take_lock(struct recorder *r, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	int done;

	buf_printf(&path, "%s/" STORE_LOCK_FILE, buf_cstr(&r->dir));
	done = buf_done(&path, e);
	if (done != 0)
		return done;
	r->lock_fd = open(buf_cstr(&path),
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
	if (r->lock_fd < 0)
		return err_sys(e, "cannot open '%s'", buf_cstr(&path));
	done = lock_within(r->lock_fd, r->o.lock_wait_ms);
	if (done == EWOULDBLOCK)
		return err_set(e, ERR_CONFLICT,
		    "another assentd uses '%s': stop it first, or name "
		    "another state folder",
		    buf_cstr(&r->dir));
	errno = done;
	return done == 0 ? ERR_OK
			 : err_sys(e, "cannot lock '%s'", buf_cstr(&path));
}

/* ---- connecting -------------------------------------------------------- */

static int
on_wal(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct recorder *r = ctx;

	(void)db;
	(void)name;
	r->wal_pages = pages;
	return SQLITE_OK;
}

static int
open_file(struct recorder *r, struct err *e)
{
	const struct sql_options o = {
		.path = buf_cstr(&r->path),
		.vfs = r->o.vfs,
		.write = true,
		.busy_ms = BUSY_WRITER_MS,
	};
	AUTO(sql_finalizep) sqlite3_stmt *s = NULL;
	int done = sql_open(&o, &r->db, e);

	if (done == 0)
		done = sql_prepare(r->db, "PRAGMA journal_mode=WAL", &s, e);
	if (done == 0)
		done = sql_step(s, e);
	if (done < 0)
		return done;
	if (done != SQL_ROW || !str_eqz(sql_str(s, 0), "wal"))
		return err_set(e, ERR_SYS,
		    "its file system does not support shared memory");
	(void)sqlite3_wal_hook(r->db, on_wal, r);
	return ERR_OK;
}

static int
prepare_all(struct recorder *r, struct err *e)
{
	int done = 0;

	for (size_t i = 0; done == 0 && i < Q_COUNT; i++)
		done = sql_prepare(r->db, statements[i], &r->q[i], e);
	return done;
}

/* ---- the end of the chain ---------------------------------------------- */

/* Where the last transaction that kept the tree left it. */
static int
read_tree(struct recorder *r, struct chain *c, struct err *e)
{
	AUTO(sql_finalizep) sqlite3_stmt *s = NULL;
	const uint8_t *hash;
	int done = sql_prepare(r->db,
	    "SELECT tree.size, tree.peaks, log.hash FROM tree "
	    "LEFT JOIN log ON log.seq = tree.size",
	    &s, e);

	if (done == 0)
		done = sql_step(s, e);
	if (done <= 0)
		return done; /* a young log has none: from the first row */
	c->seq = (uint64_t)sqlite3_column_int64(s, 0);
	r->tree_seq = c->seq;
	hash = sql_hash(s, 2);
	if (c->seq == 0 || hash == NULL)
		return err_set(
		    e, ERR_INVALID, "row %" PRIu64 " is missing", c->seq);
	memcpy(c->hash, hash, SHA256_LEN);
	return merkle_get(c->seq, sql_str(s, 1), &c->tree, e);
}

static int
check_root(struct recorder *r, const struct chain *c, struct err *e)
{
	uint8_t root[SHA256_LEN];
	int done;

	if (c->seq == 0 || c->seq != seal_size(r->seal))
		return ERR_OK;
	done = merkle_root(&c->tree, r->tools.sha, root, e);
	if (done == 0 && memcmp(root, seal_root(r->seal), SHA256_LEN) != 0)
		done = err_set(e, ERR_DENIED,
		    "its first %" PRIu64 " rows are not those that were signed",
		    c->seq);
	return done;
}

static int
check_row(struct recorder *r, struct chain *c, sqlite3_stmt *s, struct err *e)
{
	const uint8_t *hash;
	struct log_row row;
	int done;

	row_read(s, &row, &hash);
	if (row.seq != c->seq + 1)
		return err_set(
		    e, ERR_INVALID, "row %" PRIu64 " is missing", c->seq + 1);
	done = chain_next(c, &r->tools, &row, e);
	if (done == 0 &&
	    (hash == NULL || memcmp(hash, c->hash, SHA256_LEN) != 0))
		done = err_set(e, ERR_INVALID,
		    "row %" PRIu64 " does not follow from the row before it",
		    row.seq);
	return done == 0 ? check_root(r, c, e) : done;
}

/* The chain from the kept tree to the last row, and what was signed. */
static int
read_head(struct recorder *r, struct err *e)
{
	AUTO(sql_finalizep) sqlite3_stmt *s = NULL;
	struct chain c = { 0 };
	int done;

	r->tree_seq = 0;
	done = read_tree(r, &c, e);

	if (done == 0)
		done = check_root(r, &c, e);
	if (done == 0)
		done = sql_prepare(r->db,
		    "SELECT " ROW_COLUMNS " FROM log WHERE seq > ?1 "
		    "ORDER BY seq",
		    &s, e);
	if (done != 0)
		return done;
	(void)sqlite3_bind_int64(s, 1, (int64_t)c.seq);
	while ((done = sql_step(s, e)) == SQL_ROW) {
		done = check_row(r, &c, s, e);
		if (done != 0)
			return done;
	}
	if (done != 0)
		return done;
	if (c.seq < seal_size(r->seal))
		return err_set(e, ERR_DENIED,
		    "it has %" PRIu64 " rows, but %" PRIu64
		    " were signed: rows were cut off, or an older copy was "
		    "put in its place",
		    c.seq, seal_size(r->seal));
	r->head = c;
	r->durable = c;
	return ERR_OK;
}

/* The reason first, then what to do: a person must act. */
static int
explain_bad_chain(struct recorder *r, int code, struct err *e)
{
	char why[REASON_LEN_MAX] = "";

	if (code != ERR_INVALID && code != ERR_DENIED)
		return err_wrap(e, code, "cannot check the decision log");
	if (e != NULL)
		(void)snprintf(why, sizeof(why), "%.255s", e->msg);
	return err_set(e, code,
	    "the decision log in '%s' is refused: %s. Run 'assent log verify "
	    "--state %s'; put back a copy, or keep this folder as evidence "
	    "and start with an empty one",
	    buf_cstr(&r->dir), why, buf_cstr(&r->dir));
}

/* ---- the seal ---------------------------------------------------------- */

static int
read_origin(struct recorder *r, struct buf *ret, struct err *e)
{
	AUTO(sql_finalizep) sqlite3_stmt *s = NULL;
	int done = sql_prepare(
	    r->db, "SELECT value FROM meta WHERE key = 'origin'", &s, e);

	if (done == 0)
		done = sql_step(s, e);
	if (done == SQL_ROW)
		buf_put_str(ret, sql_str(s, 0));
	return done < 0 ? done : buf_done(ret, e);
}

static int
write_origin(struct recorder *r, struct err *e)
{
	AUTO(sql_finalizep) sqlite3_stmt *s = NULL;
	int64_t rows = 0;
	int done = sql_int(r->db, "SELECT count(*) FROM log", &rows, e);

	if (done == 0 && rows != 0)
		return err_set(e, ERR_DENIED, "its name was removed");
	if (done == 0)
		done = sql_prepare(r->db,
		    "INSERT INTO meta (key, value) VALUES ('origin', ?1)", &s,
		    e);
	if (done == 0)
		done = sql_bound(
		    s, sql_bind_str(s, 1, str_of(seal_origin(r->seal))), e);
	return done == 0 ? sql_run(s, e) : done;
}

static int
open_seal(struct recorder *r, struct err *e)
{
	AUTO_BUF struct buf origin = BUF_INIT(NOTE_NAME_MAX);
	int done = read_origin(r, &origin, e);

	if (done != 0)
		return done;
	const struct seal_options o = {
		.dir = buf_cstr(&r->dir),
		.origin = origin.len == 0 ? NULL : buf_cstr(&origin),
		.key_life_ns = r->o.key_life_ns,
	};

	seal_closep(&r->seal);
	done = seal_open(&o, &r->seal, e);
	if (done == 0 && origin.len == 0)
		done = write_origin(r, e);
	return done;
}

int
store_connect(struct recorder *r, struct err *e)
{
	int done = open_file(r, e);

	if (done == 0)
		done = migrate(r->db, migrations, migration_count, e);
	if (done == 0)
		done = schema_check(r->db, migrations, migration_count, e);
	if (done == 0)
		done = prepare_all(r, e);
	if (done != 0) {
		store_disconnect(r);
		return err_wrap(
		    e, done, "cannot use the store '%s'", buf_cstr(&r->path));
	}
	done = open_seal(r, e);
	if (done == 0)
		done = read_head(r, e);
	if (done != 0) {
		store_disconnect(r);
		return explain_bad_chain(r, done, e);
	}
	r->sealed_boot_ns = r->o.boot_ns();
	return ERR_OK;
}

void
store_disconnect(struct recorder *r)
{
	for (size_t i = 0; i < Q_COUNT; i++)
		sql_finalizep(&r->q[i]);
	reader_closep(&r->reader);
	sql_closep(&r->db);
	r->in_transaction = false;
	r->wal_pages = 0;
	r->wal_pages_copied = 0;
}

static void
set_defaults(struct recorder *r, const struct store_options *o)
{
	r->o = *o;
	if (r->o.seal_rows == 0)
		r->o.seal_rows = SEAL_ROWS;
	if (r->o.seal_ns == 0)
		r->o.seal_ns = SEAL_SECONDS * INT64_C(1000000000);
	if (r->o.real_ns == NULL)
		r->o.real_ns = real_ns;
	if (r->o.boot_ns == NULL)
		r->o.boot_ns = boot_ns;
	r->dir = (struct buf)BUF_INIT(PATH_BYTES_MAX);
	r->path = (struct buf)BUF_INIT(PATH_BYTES_MAX);
	r->lock_fd = -1;
}

int
store_open(const struct store_options *o, struct recorder **ret, struct err *e)
{
	AUTO(store_closep) struct recorder *r = mem_new(1, sizeof(*r));
	int done;

	if (r == NULL)
		return err_nomem(e);
	set_defaults(r, o);
	done = chain_tools_init(&r->tools, e);
	if (done == 0)
		done = prepare_dir(o->state_dir, e);
	if (done == 0)
		done = store_locate(o->state_dir, &r->dir, &r->path, e);
	if (done == 0)
		/* Its files are closed to others; only they can be read. */
		done = check_mode(
		    buf_cstr(&r->dir), S_IFDIR, S_IWGRP | S_IWOTH, e);
	if (done == 0)
		done = take_lock(r, e);
	if (done == 0)
		done = prepare_file(buf_cstr(&r->path), e);
	if (done == 0)
		done = store_connect(r, e);
	if (done != 0)
		return done;
	space_reserve(r);
	/* What a crash left unsigned. */
	store_seal(r);
	*ret = TAKE_PTR(r);
	return ERR_OK;
}

/* So that the next start reads no more than it must. */
static void
keep_tree(struct recorder *r)
{
	if (r->tree_seq < r->head.seq) {
		if (store_begin(r, NULL) != 0 || store_tree_put(r, NULL) != 0 ||
		    sql_run(r->q[Q_COMMIT], NULL) != 0)
			return;
		r->in_transaction = false;
	}
	store_seal(r);
}

void
store_close(struct recorder *r)
{
	if (r == NULL)
		return;
	if (r->in_transaction)
		(void)sql_run(r->q[Q_ROLLBACK], NULL);
	receipts_settle(r, false);
	r->head = r->durable;
	r->in_transaction = false;
	if (r->db != NULL && r->trouble == TROUBLE_NONE) {
		keep_tree(r);
		store_checkpoint(r, true);
	}
	store_disconnect(r);
	seal_closep(&r->seal);
	chain_tools_done(&r->tools);
	buf_free(&r->dir);
	buf_free(&r->path);
	fd_closep(&r->lock_fd);
	mem_freep(&r);
}

void
store_closep(struct recorder **r)
{
	store_close(*r);
	*r = NULL;
}
