/*
 * Small things that are of use after a restart: beside the log, not part of
 * its chain, in the same transaction.
 * Runs in: engine.  Trusts: its caller for the keys.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "store_int.h"

#define MEMO_PREFIX "memo."
#define MEMO_KEY_MAX 128
#define MEMO_BYTES_MAX 4096

static int
name_it(char ret[static MEMO_KEY_MAX], const char *key, struct err *e)
{
	return snprintf(ret, MEMO_KEY_MAX, MEMO_PREFIX "%s", key) < MEMO_KEY_MAX
	    ? ERR_OK
	    : err_set(e, ERR_LIMIT, "the key of a memo is too long");
}

int
store_memo_put(
    struct recorder *r, const char *key, struct str value, struct err *e)
{
	char name[MEMO_KEY_MAX];
	struct err why = ERR_INIT;
	sqlite3_stmt *s;
	int done = name_it(name, key, e);

	if (done == 0 && value.len > MEMO_BYTES_MAX)
		done = err_set(e, ERR_LIMIT, "a memo is too long");
	if (done == 0)
		done = store_begin(r, e);
	if (done != 0)
		return done;
	s = r->q[Q_MEMO_PUT];
	done = sql_bound(s,
	    sql_bind_str(s, 1, str_of(name)) | sql_bind_str(s, 2, value), &why);
	if (done == 0)
		done = sql_run(s, &why);
	return done == 0 ? ERR_OK : store_fail(r, &why, e);
}

int
store_memo_get(
    struct recorder *r, const char *key, struct buf *ret, struct err *e)
{
	char name[MEMO_KEY_MAX];
	int done = name_it(name, key, e);

	if (done == 0)
		done = store_need_reader(r, e);
	return done == 0 ? reader_meta(r->reader, name, ret, e) : done;
}
