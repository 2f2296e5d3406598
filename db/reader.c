/*
 * Read-only access to the log, with each row checked on its way out.
 * Runs in: engine, assent.  Trusts: nothing in the database.  Owns: one
 * read-only connection, which never checkpoints.
 */
#include "reader.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "migrate.h"
#include "sql.h"
#include "store_limits.h"

#define QUERY_BYTES_MAX ((size_t)4096)
#define COL_BODY ROW_COLUMN_COUNT

struct reader {
	sqlite3 *db;
	struct chain_tools tools;
	sqlite3_stmt *hash_of; /* of one row, for the row after it */
	bool holding;
};

/* Nothing in the write-ahead log: the file alone is the whole truth. */
static bool
stands_alone(const char *path)
{
	AUTO_BUF struct buf wal = BUF_INIT(PATH_BYTES_MAX);
	struct stat st;

	buf_printf(&wal, "%s-wal", path);
	if (wal.failed != 0)
		return false;
	return stat(buf_cstr(&wal), &st) != 0 || st.st_size == 0;
}

static int
try_open(struct reader *r, const char *path, const char *vfs, bool immutable,
    struct err *e)
{
	const struct sql_options o = {
		.path = path,
		.vfs = vfs,
		.immutable = immutable,
		.busy_ms = BUSY_READER_MS,
	};
	int64_t version = 0, id = 0;
	int done;

	sql_finalizep(&r->hash_of);
	sql_closep(&r->db);
	done = sql_open(&o, &r->db, e);
	if (done == 0)
		done = sql_int(r->db, "PRAGMA user_version", &version, e);
	if (done == 0)
		done = sql_int(r->db, "PRAGMA application_id", &id, e);
	if (done != 0)
		return done;
	if (id != STORE_APPLICATION_ID)
		return err_set(
		    e, ERR_INVALID, "this is not a decision log of assent");
	if (version != migrations[migration_count - 1].version)
		return err_set(e, ERR_INVALID,
		    "it has version %" PRId64 ", this program reads %d",
		    version, migrations[migration_count - 1].version);
	return sql_prepare(
	    r->db, "SELECT hash FROM log WHERE seq = ?1", &r->hash_of, e);
}

int
reader_open(
    const char *path, const char *vfs, struct reader **ret, struct err *e)
{
	AUTO(reader_closep) struct reader *r = mem_new(1, sizeof(*r));
	struct err first = ERR_INIT;
	int done;

	if (r == NULL)
		return err_nomem(e);
	done = chain_tools_init(&r->tools, e);
	if (done != 0)
		return done;
	done = try_open(r, path, vfs, false, &first);
	/* A medium that is read-only: SQLite cannot make its index there. */
	if (done == ERR_SYS && stands_alone(path))
		done = try_open(r, path, vfs, true, &first);
	if (done != 0) {
		if (e != NULL)
			*e = first;
		return err_wrap(e, done, "cannot read the log '%s'", path);
	}
	*ret = TAKE_PTR(r);
	return ERR_OK;
}

void
reader_close(struct reader *r)
{
	if (r == NULL)
		return;
	reader_release(r);
	sql_finalizep(&r->hash_of);
	sql_closep(&r->db);
	chain_tools_done(&r->tools);
	mem_freep(&r);
}

void
reader_closep(struct reader **r)
{
	reader_close(*r);
	*r = NULL;
}

sqlite3 *
reader_db(struct reader *r)
{
	return r->db;
}

struct chain_tools *
reader_tools(struct reader *r)
{
	return &r->tools;
}

int
reader_hold(struct reader *r, struct err *e)
{
	int64_t any = 0;
	int done = sql_exec(r->db, "BEGIN", e);

	if (done != 0)
		return done;
	r->holding = true;
	/* The moment is taken by the first read. */
	return sql_int(r->db, "SELECT count(*) FROM meta", &any, e);
}

void
reader_release(struct reader *r)
{
	if (r->holding)
		(void)sql_exec(r->db, "COMMIT", NULL);
	r->holding = false;
}

/* ---- queries ----------------------------------------------------------- */

/* A condition of the query and the value for its parameter. */
struct binding {
	const char *name; /* ":session" */
	const char *text; /* or NULL: number */
	int64_t number;
};

#define BINDINGS_MAX 12

struct plan {
	struct buf sql;
	struct binding bindings[BINDINGS_MAX];
	size_t count;
};

static void
where(struct plan *p, const char *condition, struct binding b)
{
	if (b.text == NULL && b.number == 0)
		return;
	buf_puts(&p->sql, p->count == 0 ? " WHERE " : " AND ");
	buf_printf(&p->sql, "%s %s", condition, b.name);
	p->bindings[p->count++] = b;
}

#define NUMBER(name_, value)                                                   \
	((struct binding){ .name = (name_), .number = (int64_t)(value) })
#define TEXT(name_, value)                                                     \
	((struct binding){ .name = (name_), .text = (value) })

static void
plan_query(const struct log_query *q, struct plan *p)
{
	buf_puts(&p->sql,
	    "SELECT " ROW_COLUMNS ", payload.body FROM log "
	    "LEFT JOIN payload ON payload.seq = log.seq");
	where(p, "log.seq >=", NUMBER(":from", q->from_seq));
	where(p, "log.seq <=", NUMBER(":to", q->to_seq));
	where(p, "log.action_id =", TEXT(":action", q->action_id));
	where(p, "log.session =", TEXT(":session", q->session));
	where(p, "log.kind =", TEXT(":kind", q->kind));
	where(p, "log.tool =", TEXT(":tool", q->tool));
	where(p, "log.decision =", TEXT(":decision", q->decision));
	where(p, "log.rule =", TEXT(":rule", q->rule));
	where(p, "log.time >=", NUMBER(":since", q->since_ns));
	where(p, "log.time <", NUMBER(":until", q->until_ns));
	buf_printf(
	    &p->sql, " ORDER BY log.seq%s", q->newest_first ? " DESC" : "");
	if (q->limit != 0)
		buf_printf(&p->sql, " LIMIT %" PRIu64, q->limit);
}

static int
prepare_plan(
    struct reader *r, struct plan *p, sqlite3_stmt **ret, struct err *e)
{
	int rc = SQLITE_OK;
	int done = buf_done(&p->sql, e);

	if (done == 0)
		done = sql_prepare(r->db, buf_cstr(&p->sql), ret, e);
	if (done != 0)
		return done;
	for (size_t i = 0; i < p->count; i++) {
		const struct binding *b = &p->bindings[i];
		const int at = sqlite3_bind_parameter_index(*ret, b->name);

		if (b->text != NULL)
			rc |= sql_bind_str(*ret, at, str_of(b->text));
		else
			rc |= sqlite3_bind_int64(*ret, at, b->number);
	}
	return sql_bound(*ret, rc, e);
}

/* ---- checking ---------------------------------------------------------- */

/* The hash of the row before seq: the last one seen, or looked up. */
static int
prev_of(struct reader *r, uint64_t seq, struct chain *last, struct err *e)
{
	const uint8_t *hash;
	int done;

	if (last->seq + 1 == seq)
		return ERR_OK;
	last->seq = seq - 1;
	memset(last->hash, 0, SHA256_LEN);
	if (last->seq == 0)
		return ERR_OK;
	(void)sqlite3_bind_int64(r->hash_of, 1, (int64_t)last->seq);
	done = sql_step(r->hash_of, e);
	hash = done == SQL_ROW ? sql_hash(r->hash_of, 0) : NULL;
	if (hash != NULL)
		memcpy(last->hash, hash, SHA256_LEN);
	(void)sqlite3_reset(r->hash_of);
	if (done >= 0 && hash == NULL)
		return err_set(
		    e, ERR_DENIED, "row %" PRIu64 " is missing", last->seq);
	return done < 0 ? done : ERR_OK;
}

static int
changed(uint64_t seq, const char *what, struct err *e)
{
	return err_set(e, ERR_DENIED,
	    "row %" PRIu64 " was changed after it was recorded (%s): "
	    "'assent log verify' says more",
	    seq, what);
}

static int
check(struct reader *r, const struct row_view *v, struct err *e)
{
	const struct log_row *row = v->row;
	struct chain_tools *t = &r->tools;
	uint8_t hash[SHA256_LEN], body[SHA256_LEN];
	int done;

	buf_reset(&t->record);
	chain_encode(row, v->prev, &t->record);
	done = buf_done(&t->record, e);
	if (done == 0)
		done = chain_hash(t->sha, buf_str(&t->record), hash, e);
	if (done == 0)
		done = sha256_add(t->sha, v->body.s, v->body.len, e);
	if (done == 0)
		done = sha256_end(t->sha, body, e);
	if (done != 0)
		return done;
	if (v->hash == NULL || row->body_sha256 == NULL ||
	    memcmp(hash, v->hash, SHA256_LEN) != 0)
		return changed(row->seq, "its hash is another", e);
	/* No body: dropped by retention, which verify accounts for. */
	if (v->body.s != NULL &&
	    memcmp(body, row->body_sha256, SHA256_LEN) != 0)
		return changed(row->seq, "its body is another", e);
	return ERR_OK;
}

static int
each_row(
    struct reader *r, sqlite3_stmt *s, reader_fn *fn, void *ctx, struct err *e)
{
	struct chain last = { .seq = UINT64_MAX - 1 };
	int done;

	while ((done = sql_step(s, e)) == SQL_ROW) {
		struct log_row row;
		struct row_view v = { .row = &row, .prev = last.hash };

		row_read(s, &row, &v.hash);
		v.body = sql_str(s, COL_BODY);
		done = prev_of(r, row.seq, &last, e);
		if (done == 0)
			done = check(r, &v, e);
		if (done == 0)
			done = fn(ctx, &v, e);
		if (done != 0)
			return done;
		memcpy(last.hash, v.hash, SHA256_LEN);
		last.seq = row.seq;
	}
	return done;
}

int
reader_each(struct reader *r, const struct log_query *q, reader_fn *fn,
    void *ctx, struct err *e)
{
	AUTO(sql_finalizep) sqlite3_stmt *s = NULL;
	struct plan p = { .sql = BUF_INIT(QUERY_BYTES_MAX) };
	int done;

	plan_query(q, &p);
	done = prepare_plan(r, &p, &s, e);
	buf_free(&p.sql);
	return done == 0 ? each_row(r, s, fn, ctx, e) : done;
}

int
reader_last(struct reader *r, uint64_t *ret, struct err *e)
{
	int64_t n = 0;
	const int done =
	    sql_int(r->db, "SELECT coalesce(max(seq), 0) FROM log", &n, e);

	if (done == 0)
		*ret = (uint64_t)n;
	return done;
}

int
reader_meta(struct reader *r, const char *key, struct buf *ret, struct err *e)
{
	AUTO(sql_finalizep) sqlite3_stmt *s = NULL;
	int done =
	    sql_prepare(r->db, "SELECT value FROM meta WHERE key = ?1", &s, e);

	if (done == 0)
		done = sql_bound(s, sql_bind_str(s, 1, str_of(key)), e);
	if (done == 0)
		done = sql_step(s, e);
	if (done < 0)
		return done;
	if (done != SQL_ROW)
		return err_set(e, ERR_NOTFOUND, "'%s' is not set", key);
	buf_put_str(ret, sql_str(s, 0));
	return buf_done(ret, e);
}
