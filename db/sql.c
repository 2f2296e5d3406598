/*
 * SQLite with the knobs turned once.
 * Runs in: engine, assent.  Trusts: libsqlite3; a database file only as far
 * as the limits below go.  Owns: nothing; connections are the caller's.
 */
#include "sql.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "store_limits.h"

#define URI_BYTES_MAX ((size_t)3 * 4096)

/* SQLITE_LIMIT_*: far above what our statements need, far below harm. */
static const struct limit {
	int id, value;
} limits[] = {
	{ SQLITE_LIMIT_LENGTH, SQL_VALUE_BYTES_MAX },
	{ SQLITE_LIMIT_SQL_LENGTH, 100000 },
	{ SQLITE_LIMIT_COLUMN, 100 },
	{ SQLITE_LIMIT_EXPR_DEPTH, 50 },
	{ SQLITE_LIMIT_COMPOUND_SELECT, 10 },
	{ SQLITE_LIMIT_VDBE_OP, 25000 },
	{ SQLITE_LIMIT_FUNCTION_ARG, 8 },
	{ SQLITE_LIMIT_ATTACHED, 0 },
	{ SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50 },
	{ SQLITE_LIMIT_VARIABLE_NUMBER, 64 },
	{ SQLITE_LIMIT_TRIGGER_DEPTH, 4 },
	{ SQLITE_LIMIT_WORKER_THREADS, 0 },
};

static const struct knob {
	int id, value;
} knobs[] = {
	{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
	{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
	{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
	{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
	{ SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0 },
	{ SQLITE_DBCONFIG_DQS_DML, 0 },
	{ SQLITE_DBCONFIG_DQS_DDL, 0 },
};

static enum err_code
code_of(int rc)
{
	if (rc == SQLITE_IOERR_NOMEM)
		return ERR_NOMEM;
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return ERR_NOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_CONSTRAINT:
		return ERR_CONFLICT;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_INVALID;
	case SQLITE_TOOBIG:
		return ERR_LIMIT;
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_PROTOCOL:
		return ERR_SYS;
	default:
		return ERR_INTERNAL;
	}
}

int
sql_error(sqlite3 *db, int rc, struct err *e)
{
	const enum err_code code = code_of(rc);
	/* SQLite keeps the errno of an I/O error, not that of a full disk. */
	const int sys = (rc & 0xff) == SQLITE_FULL ? ENOSPC
	    : db == NULL                           ? 0
						   : sqlite3_system_errno(db);

	if (code == ERR_NOMEM)
		return err_nomem(e);
	if (code == ERR_SYS && sys != 0)
		(void)err_set(e, code, "%s (%s)", sqlite3_errstr(rc),
		    strerrordesc_np(sys) == NULL ? "unknown error"
						 : strerrordesc_np(sys));
	else
		(void)err_set(e, code, "%s",
		    db == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(db));
	if (e != NULL)
		e->sys_errno = code == ERR_SYS ? sys : 0;
	return code;
}

/* Immutable files are named by a URI; others by their path alone. */
static int
name_of(const struct sql_options *o, struct buf *out, struct err *e)
{
	if (!o->immutable) {
		buf_puts(out, o->path);
		return buf_done(out, e);
	}
	buf_puts(out, "file:");
	for (const char *p = o->path; *p != '\0'; p++) {
		if (*p == '%' || *p == '?' || *p == '#')
			buf_printf(out, "%%%02x", (unsigned char)*p);
		else
			buf_putc(out, *p);
	}
	buf_puts(out, "?immutable=1");
	return buf_done(out, e);
}

static int
harden(sqlite3 *db, const struct sql_options *o, struct err *e)
{
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		(void)sqlite3_limit(db, limits[i].id, limits[i].value);
	for (size_t i = 0; i < ARRAY_LEN(knobs); i++) {
		rc = sqlite3_db_config(db, knobs[i].id, knobs[i].value, NULL);
		if (rc != SQLITE_OK)
			return sql_error(db, rc, e);
	}
	if (!o->write) {
		rc = sqlite3_db_config(
		    db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		if (rc != SQLITE_OK)
			return sql_error(db, rc, e);
	}
	(void)sqlite3_busy_timeout(db, o->busy_ms);
	/* Nobody checkpoints by accident: the store does it on purpose. */
	return sql_exec(db,
	    "PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=0;"
	    "PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON;"
	    "PRAGMA recursive_triggers=ON; PRAGMA synchronous=FULL;",
	    e);
}

int
sql_open(const struct sql_options *o, sqlite3 **ret, struct err *e)
{
	AUTO_BUF struct buf name = BUF_INIT(URI_BYTES_MAX);
	AUTO(sql_closep) sqlite3 *db = NULL;
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
	    SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
	int rc, r;

	flags |= o->write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	if (o->immutable)
		flags |= SQLITE_OPEN_URI;
	r = name_of(o, &name, e);
	if (r != 0)
		return r;
	rc = sqlite3_open_v2(buf_cstr(&name), &db, flags, o->vfs);
	if (rc != SQLITE_OK) {
		r = sql_error(db, rc, e);
		return err_wrap(e, r, "cannot open '%s'", o->path);
	}
	r = harden(db, o, e);
	if (r != 0)
		return err_wrap(e, r, "cannot open '%s'", o->path);
	*ret = TAKE_PTR(db);
	return ERR_OK;
}

void
sql_closep(sqlite3 **db)
{
	/* _v2: statements that are still open keep it until they end. */
	(void)sqlite3_close_v2(*db);
	*db = NULL;
}

int
sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret, struct err *e)
{
	const int rc = sqlite3_prepare_v3(
	    db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);

	if (rc != SQLITE_OK)
		return sql_error(db, rc, e);
	return ERR_OK;
}

void
sql_finalizep(sqlite3_stmt **s)
{
	(void)sqlite3_finalize(*s);
	*s = NULL;
}

int
sql_step(sqlite3_stmt *s, struct err *e)
{
	const int rc = sqlite3_step(s);
	int r;

	if (rc == SQLITE_ROW)
		return SQL_ROW;
	if (rc == SQLITE_DONE)
		return 0;
	r = sql_error(sqlite3_db_handle(s), rc, e);
	(void)sqlite3_reset(s);
	return r;
}

int
sql_run(sqlite3_stmt *s, struct err *e)
{
	const int r = sql_step(s, e);

	(void)sqlite3_reset(s);
	return r < 0 ? r : ERR_OK;
}

int
sql_exec(sqlite3 *db, const char *sql, struct err *e)
{
	const int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		return sql_error(db, rc, e);
	return ERR_OK;
}

int
sql_int(sqlite3 *db, const char *sql, int64_t *ret, struct err *e)
{
	AUTO(sql_finalizep) sqlite3_stmt *s = NULL;
	int r = sql_prepare(db, sql, &s, e);

	if (r != 0)
		return r;
	r = sql_step(s, e);
	if (r < 0)
		return r;
	if (r != SQL_ROW)
		return err_set(e, ERR_NOTFOUND, "no such value");
	*ret = sqlite3_column_int64(s, 0);
	return ERR_OK;
}

int
sql_bind_str(sqlite3_stmt *s, int at, struct str v)
{
	if (v.s == NULL)
		return sqlite3_bind_null(s, at);
	return sqlite3_bind_text64(
	    s, at, v.s, v.len, SQLITE_STATIC, SQLITE_UTF8);
}

int
sql_bind_blob(sqlite3_stmt *s, int at, struct str v)
{
	return sqlite3_bind_blob64(
	    s, at, v.s == NULL ? "" : v.s, v.len, SQLITE_STATIC);
}

int
sql_bind_hash(sqlite3_stmt *s, int at, const uint8_t *hash_or_null)
{
	if (hash_or_null == NULL)
		return sqlite3_bind_null(s, at);
	return sqlite3_bind_blob64(
	    s, at, hash_or_null, SHA256_LEN, SQLITE_STATIC);
}

int
sql_bound(sqlite3_stmt *s, int codes, struct err *e)
{
	/* Only two things can go wrong: too long, and no memory. */
	if (codes == SQLITE_OK)
		return ERR_OK;
	(void)sqlite3_reset(s);
	if ((codes & ~SQLITE_TOOBIG) == 0)
		return err_set(e, ERR_LIMIT, "a value is longer than %d bytes",
		    SQL_VALUE_BYTES_MAX);
	return err_nomem(e);
}

struct str
sql_str(sqlite3_stmt *s, int column)
{
	const void *p;

	if (sqlite3_column_type(s, column) == SQLITE_NULL)
		return STR_NONE;
	/* _blob: the bytes as stored. An empty one is no NULL. */
	p = sqlite3_column_blob(s, column);
	return str_n(
	    p == NULL ? "" : p, (size_t)sqlite3_column_bytes(s, column));
}

const uint8_t *
sql_hash(sqlite3_stmt *s, int column)
{
	if (sqlite3_column_type(s, column) != SQLITE_BLOB ||
	    sqlite3_column_bytes(s, column) != SHA256_LEN)
		return NULL;
	return sqlite3_column_blob(s, column);
}
