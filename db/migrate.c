/*
 * Versions of the schema, and the step from each to the next.
 * Runs in: engine, assent.  Trusts: the SQL that was built in.  Owns:
 * nothing.
 */
#include "migrate.h"

#include <string.h>

#include "base/mem.h"
#include "schema.h"
#include "sql.h"

/* sql NULL: the embedded schema.sql. */
const struct migration migrations[] = {
	{ 1, NULL },
};
const size_t migration_count = ARRAY_LEN(migrations);

static const char *
text_of(const struct migration *m)
{
	/* Embedded files are followed by a NUL that is not counted. */
	return m->sql == NULL ? schema_files[0].bytes.s : m->sql;
}

static int
set_version(sqlite3 *db, int version, struct err *e)
{
	char sql[96];

	/* A PRAGMA takes no parameters; both are numbers of ours. */
	(void)snprintf(sql, sizeof(sql),
	    "PRAGMA application_id=%d; PRAGMA user_version=%d;",
	    STORE_APPLICATION_ID, version);
	return sql_exec(db, sql, e);
}

static int
step(sqlite3 *db, const struct migration *m, struct err *e)
{
	int r = sql_exec(db, "BEGIN IMMEDIATE", e);

	if (r == 0)
		r = sql_exec(db, text_of(m), e);
	if (r == 0)
		r = set_version(db, m->version, e);
	if (r == 0)
		r = sql_exec(db, "COMMIT", e);
	if (r != 0) {
		if (sqlite3_get_autocommit(db) == 0)
			(void)sql_exec(db, "ROLLBACK", NULL);
		return err_wrap(
		    e, r, "cannot bring the store to version %d", m->version);
	}
	return ERR_OK;
}

/* An empty file has no version; anything else must be ours. */
static int
check_owner(sqlite3 *db, int64_t version, int64_t newest, struct err *e)
{
	int64_t id = 0, objects = 0;
	int r = sql_int(db, "PRAGMA application_id", &id, e);

	if (r == 0)
		r = sql_int(
		    db, "SELECT count(*) FROM sqlite_schema", &objects, e);
	if (r != 0)
		return r;
	if (id != STORE_APPLICATION_ID &&
	    (id != 0 || objects != 0 || version != 0))
		return err_set(
		    e, ERR_INVALID, "this is not a decision log of assent");
	if (version > newest)
		return err_set(e, ERR_INVALID,
		    "it has version %lld, made by a newer assent; this one "
		    "knows up to %lld: install the newer one again",
		    (long long)version, (long long)newest);
	return ERR_OK;
}

int
migrate(sqlite3 *db, const struct migration *steps, size_t count, struct err *e)
{
	int64_t version = 0;
	int r = sql_int(db, "PRAGMA user_version", &version, e);

	if (r == 0)
		r = check_owner(
		    db, version, count == 0 ? 0 : steps[count - 1].version, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (steps[i].version > version)
			r = step(db, &steps[i], e);
	}
	return r;
}

#define SCHEMA_QUERY                                                           \
	"SELECT name, coalesce(sql, '') FROM sqlite_schema "                   \
	"ORDER BY type, name"

static int
schema_compare(sqlite3_stmt *have, sqlite3_stmt *want, struct err *e)
{
	for (;;) {
		const int a = sql_step(have, e);
		const int b = sql_step(want, e);
		struct str name;

		if (a < 0 || b < 0)
			return a < 0 ? a : b;
		if (a == 0 && b == 0)
			return ERR_OK;
		/* Lost: only wanted has it; added: only the file has. */
		name = a == 0 ||
			(b != 0 &&
			    str_cmp(sql_str(want, 0), sql_str(have, 0)) < 0)
		    ? sql_str(want, 0)
		    : sql_str(have, 0);
		if (a != b || !str_eq(sql_str(have, 0), sql_str(want, 0)) ||
		    !str_eq(sql_str(have, 1), sql_str(want, 1)))
			return err_set(e, ERR_INVALID,
			    "the schema was changed: '%.*s' is not as made",
			    STR_ARG(name));
	}
}

int
schema_check(
    sqlite3 *db, const struct migration *steps, size_t count, struct err *e)
{
	AUTO(sql_closep) sqlite3 *fresh = NULL;
	AUTO(sql_finalizep) sqlite3_stmt *have = NULL;
	AUTO(sql_finalizep) sqlite3_stmt *want = NULL;
	int r =
	    sql_open(&(struct sql_options){ .path = ":memory:", .write = true },
		&fresh, e);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = sql_exec(fresh, text_of(&steps[i]), e);
	if (r == 0)
		r = sql_prepare(db, SCHEMA_QUERY, &have, e);
	if (r == 0)
		r = sql_prepare(fresh, SCHEMA_QUERY, &want, e);
	if (r != 0)
		return r;
	return schema_compare(have, want, e);
}
