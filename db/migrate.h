#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H
/*
 * From whatever version a database file has to the one that is needed.
 *
 *     r = migrate(db, migrations, migration_count, e);
 *
 * Each step is one transaction together with its version number: killed in
 * the middle, the file has the version before or the version after.
 */
#include <sqlite3.h>
#include <stddef.h>

#include "base/err.h"

#define STORE_APPLICATION_ID 0x61736e74 /* "asnt" in the file's header */

struct migration {
	int version; /* 1, 2, 3... */
	const char *sql; /* NULL: db/schema.sql */
};

extern const struct migration migrations[];
extern const size_t migration_count;

/* Fails for a file of another program, or of a newer version of ours. */
int migrate(
    sqlite3 *db, const struct migration *steps, size_t count, struct err *e);
/* Whether the schema is word for word what the steps make: no trigger lost,
 * none added. ERR_INVALID names the first object that differs. */
int schema_check(
    sqlite3 *db, const struct migration *steps, size_t count, struct err *e);

#endif
