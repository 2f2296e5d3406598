/*
 * Which bodies are old enough to be dropped, and may be.
 * Runs in: engine.  Trusts: the cursors.  Owns: nothing.
 */
#include "retain.h"

#include "base/mem.h"
#include "cursor.h"
#include "prune.h"
#include "store_int.h"

/* The last of the rows from first to last before one that is not older:
 * clocks jump, rows do not. 0: not even the first. */
static int
old_through(struct recorder *r, int64_t first, int64_t last, int64_t before_ns,
    int64_t *ret, struct err *e)
{
	AUTO(sql_finalizep) sqlite3_stmt *s = NULL;
	int64_t young = 0;
	int done = sql_prepare(r->db,
	    "SELECT coalesce(min(seq), 0) FROM log WHERE seq BETWEEN ?1 AND "
	    "?2 AND time >= ?3",
	    &s, e);

	if (done != 0)
		return done;
	(void)sqlite3_bind_int64(s, 1, first);
	(void)sqlite3_bind_int64(s, 2, last);
	(void)sqlite3_bind_int64(s, 3, before_ns);
	done = sql_step(s, e);
	if (done == SQL_ROW)
		young = sqlite3_column_int64(s, 0);
	*ret = young == 0 ? last : young - 1;
	return done < 0 ? done : ERR_OK;
}

/* Of the daemon's own destinations those of now count alone, and exported is
 * theirs: what one of before does not have waits for nobody. */
static int
least_exported(
    struct recorder *r, uint64_t exported, int64_t *ret, struct err *e)
{
	struct cursor least = { .seq = exported };
	const int done = cursor_least(buf_cstr(&r->dir), true, &least, e);

	if (done != 0 && (done != ERR_NOTFOUND || exported == UINT64_MAX))
		return done;
	if (least.seq > exported)
		least.seq = exported;
	if (least.seq > r->durable.seq)
		least.seq = r->durable.seq;
	*ret = (int64_t)least.seq;
	return ERR_OK;
}

int
store_retain(struct recorder *r, int64_t before_real_ns, uint64_t exported,
    uint64_t *ret_dropped, struct err *e)
{
	int64_t first = 0, last = 0, through = 0;
	int done;

	*ret_dropped = 0;
	if (r->trouble != TROUBLE_NONE || r->in_transaction)
		return ERR_OK;
	done = least_exported(r, exported, &last, e);
	if (done == 0)
		done =
		    sql_int(r->db, "SELECT min(seq) FROM payload", &first, e);
	if (done != 0 || first == 0 || first > last)
		return done;
	if (last - first >= RETAIN_ROWS)
		last = first + RETAIN_ROWS - 1;
	done = old_through(r, first, last, before_real_ns, &through, e);
	if (done != 0 || through < first)
		return done;
	return store_drop(r, (uint64_t)through, ret_dropped, e);
}
