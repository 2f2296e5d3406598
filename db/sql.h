#ifndef DB_SQL_H
#define DB_SQL_H
/*
 * SQLite with the knobs turned once: hardened connections, statements that
 * end with their scope, errors as sentences.
 *
 *     AUTO(sql_closep) sqlite3 *db = NULL;
 *     AUTO(sql_finalizep) sqlite3_stmt *q = NULL;
 *     r = sql_open(&(struct sql_options){ .path = path }, &db, e);
 *     r = sql_prepare(db, "SELECT ...", &q, e);
 *     while ((r = sql_step(q, e)) == SQL_ROW) ...
 *
 * Exactly one connection of all processes writes and checkpoints (SQLite
 * before 3.51.3 can lose a reset of its log to a second one); everybody else
 * opens with write = false.
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define SQL_ROW 1 /* sql_step: there is a row; 0: the statement is done */

struct sql_options {
	const char *path; /* no symbolic link in it */
	const char *vfs; /* NULL: the default; tests inject faults */
	bool write;
	/* Nobody writes and nobody can: media that are read-only. */
	bool immutable;
	int busy_ms;
};

int sql_open(const struct sql_options *o, sqlite3 **ret, struct err *e);
void sql_closep(sqlite3 **db);

/* A statement that lives as long as its connection. */
int sql_prepare(
    sqlite3 *db, const char *sql, sqlite3_stmt **ret, struct err *e);
void sql_finalizep(sqlite3_stmt **s);
/* SQL_ROW, 0 when done, or negative; then the statement is reset. */
int sql_step(sqlite3_stmt *s, struct err *e);
/* Runs a statement that gives no rows, and resets it. */
int sql_run(sqlite3_stmt *s, struct err *e);
/* One or more statements without parameters. */
int sql_exec(sqlite3 *db, const char *sql, struct err *e);
/* The first column of the first row; ERR_NOTFOUND without a row. */
int sql_int(sqlite3 *db, const char *sql, int64_t *ret, struct err *e);

/* Borrowed until the statement is reset. 0, or a code of SQLite: or them
 * together and ask sql_bound once. A str whose s is NULL is NULL. */
int sql_bind_str(sqlite3_stmt *s, int at, struct str v);
int sql_bind_blob(sqlite3_stmt *s, int at, struct str v);
int sql_bind_hash(sqlite3_stmt *s, int at, const uint8_t *hash_or_null);
int sql_bound(sqlite3_stmt *s, int codes, struct err *e);
/* Valid until the next step; .s is NULL where the column is NULL. */
struct str sql_str(sqlite3_stmt *s, int column);
/* The 32 bytes of a blob column, or NULL when it is anything else. */
const uint8_t *sql_hash(sqlite3_stmt *s, int column);

/* What rc means, in our words; keeps errno of the system call that failed. */
int sql_error(sqlite3 *db, int rc, struct err *e);

#endif
