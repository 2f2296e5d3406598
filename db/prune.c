/*
 * Drop bodies that every destination has.
 * Runs in: assent, while no daemon runs; engine.  Trusts: the cursors.  Owns: nothing.
 */
#include "prune.h"

#include <inttypes.h>

#include "base/jsonw.h"
#include "base/mem.h"
#include "cursor.h"
#include "store_int.h"

#define BATCH_SQL "4096"
#define NOTE_JSON_MAX ((size_t)512)

static int
check(struct recorder *r, uint64_t through, struct err *e)
{
	struct cursor least;
	const int done = cursor_least(buf_cstr(&r->dir), false, &least, e);

	if (done == ERR_NOTFOUND)
		return ERR_DENIED;
	if (done != 0)
		return done;
	if (through > least.seq)
		return err_set(e, ERR_DENIED,
		    "rows from %" PRIu64 " on were not exported everywhere "
		    "yet, and their bodies stay: '%s' does not have them; if "
		    "it is no destination any more, 'assent log cursors "
		    "--forget %s'",
		    least.seq + 1, least.name, least.name);
	if (through > r->durable.seq)
		return err_set(e, ERR_INVALID,
		    "the log has only %" PRIu64 " rows", r->durable.seq);
	return ERR_OK;
}

/* The log's own word on it comes first: killed in the middle, it holds. */
static int
say(struct recorder *r, uint64_t through, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(NOTE_JSON_MAX);
	struct jsonw w = jsonw_on(&body);
	uint8_t hash[SHA256_LEN];
	uint64_t seq = 0;
	int done;

	jsonw_object(&w);
	jsonw_kstr(&w, "event", "log.pruned");
	jsonw_key(&w, "through");
	jsonw_uint(&w, through);
	jsonw_end(&w);
	done = buf_done(&body, e);
	if (done != 0)
		return done;
	const struct row row = {
		.kind = ROW_PRUNED,
		.uid = geteuid(),
		.time_real_ns = r->o.real_ns(),
		.body = buf_str(&body),
	};
	return store_append(r, &row, &seq, hash, NULL, e);
}

static int
run_with(struct recorder *r, const char *sql, uint64_t through, struct err *e)
{
	AUTO(sql_finalizep) sqlite3_stmt *s = NULL;
	int done = sql_prepare(r->db, sql, &s, e);

	if (done == 0)
		done =
		    sql_bound(s, sqlite3_bind_int64(s, 1, (int64_t)through), e);
	return done == 0 ? sql_run(s, e) : done;
}

static int
drop_batch(struct recorder *r, uint64_t through, uint64_t *ret, struct err *e)
{
	int done = store_begin(r, e);

	if (done == 0)
		done = run_with(r,
		    "DELETE FROM payload WHERE seq IN (SELECT seq FROM payload "
		    "WHERE seq <= ?1 ORDER BY seq LIMIT " BATCH_SQL ")",
		    through, e);
	if (done != 0)
		return done;
	*ret = (uint64_t)sqlite3_changes64(r->db);
	return store_commit(r, e);
}

static int
any_left(struct recorder *r, uint64_t through, bool *ret, struct err *e)
{
	int64_t first = 0;
	const int done =
	    sql_int(r->db, "SELECT min(seq) FROM payload", &first, e);

	/* No row gives NULL, which reads as 0. */
	*ret = first != 0 && (uint64_t)first <= through;
	return done;
}

int
store_prune(
    struct recorder *r, uint64_t through, uint64_t *ret_dropped, struct err *e)
{
	const int done = check(r, through, e);

	return done != 0 ? done : store_drop(r, through, ret_dropped, e);
}

int
store_drop(
    struct recorder *r, uint64_t through, uint64_t *ret_dropped, struct err *e)
{
	uint64_t dropped = 0, total = 0;
	bool any = false;
	int done = any_left(r, through, &any, e);

	*ret_dropped = 0;
	if (done != 0 || !any)
		return done;
	done = say(r, through, e);
	if (done == 0)
		done = run_with(r,
		    "INSERT INTO meta (key, value) VALUES ('bodies_exported', "
		    "?1) ON CONFLICT (key) DO UPDATE SET value = "
		    "excluded.value",
		    through, e);
	do {
		if (done == 0)
			done = drop_batch(r, through, &dropped, e);
		total += dropped;
	} while (done == 0 && dropped > 0);
	*ret_dropped = total;
	/* Also out of the write-ahead log. */
	if (done == 0)
		store_checkpoint(r, true);
	return done;
}
