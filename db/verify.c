/*
 * Verify a log: file, schema, chain, bodies, signatures.
 * Runs in: assent, engine.  Trusts: the first public key.  Owns: nothing.
 */
#include "verify.h"

#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "migrate.h"
#include "reader.h"
#include "seal.h"
#include "sql.h"
#include "store.h"
#include "store_limits.h"

struct verify {
	const struct verify_options *o;
	struct buf dir, path;
	struct reader *reader;
	struct seal_set seals;
	size_t seal_at; /* the first point not yet passed */
	sqlite3_stmt *rows, *bodies;
	bool body_ready; /* bodies stands on a row */
	struct chain chain;
	uint64_t missing_body; /* the last row that has none */
	uint64_t pruned_through; /* as the log itself says */
	int64_t unsigned_ns, last_ns; /* first row not signed, last row */
	struct verify_result *ret;
};

static int
bad(struct verify *v, uint64_t seq, struct err *e)
{
	v->ret->bad_seq = seq;
	if (e != NULL)
		e->code = ERR_DENIED;
	return ERR_DENIED;
}

static int
bad_row(struct verify *v, uint64_t seq, const char *what, struct err *e)
{
	(void)err_set(e, ERR_DENIED, "row %" PRIu64 ": %s", seq, what);
	return bad(v, seq, e);
}

/* ---- signatures -------------------------------------------------------- */

static int
read_public(struct verify *v, struct note_public *ret, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	int r;

	if (v->o->public_key != NULL)
		buf_puts(&path, v->o->public_key);
	else
		buf_printf(&path, "%s/" SEAL_PUBLIC_FILE, buf_cstr(&v->dir));
	r = buf_done(&path, e);
	return r == 0 ? note_public_read(buf_cstr(&path), ret, e)
		      : err_wrap(e, r, "public key '%s'", buf_cstr(&path));
}

/* Before the log is read: rows may be added meanwhile, never fewer. */
static int
load_seals(struct verify *v, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	struct note_public first;
	int r = read_public(v, &first, e);

	buf_printf(&path, "%s/" SEAL_FILE, buf_cstr(&v->dir));
	if (r == 0)
		r = buf_done(&path, e);
	if (r == 0)
		r = seal_set_load(&v->seals, buf_cstr(&path), &first, e);
	if (r == ERR_NOTFOUND || r == ERR_DENIED || r == ERR_INVALID)
		return bad(v, 0, e);
	v->ret->first_key = first;
	v->ret->checkpoints = v->seals.count;
	for (size_t i = 0; r == 0 && i < v->o->against_count; i++)
		r = seal_set_add(&v->seals, v->o->against[i], e);
	if (r == ERR_DENIED)
		return bad(v, 0, e);
	if (r != 0)
		return r;
	v->ret->foreign_checkpoints = v->seals.count - v->ret->checkpoints;
	v->ret->keys = v->seals.key_count;
	v->ret->torn = v->seals.torn;
	seal_set_sort(&v->seals);
	return ERR_OK;
}

/* The log has that name; its key must have it, too. */
static int
check_origin(struct verify *v, struct err *e)
{
	AUTO_BUF struct buf origin = BUF_INIT(SQL_VALUE_BYTES_MAX);
	const int r = reader_meta(v->reader, "origin", &origin, e);

	if (r == ERR_NOTFOUND && v->seals.count == 0)
		return ERR_OK; /* a start that did not come so far */
	if (r != 0 && r != ERR_NOTFOUND)
		return r;
	if (!str_eqz(buf_str(&origin), v->seals.keys[0].name)) {
		(void)err_set(e, ERR_DENIED,
		    "the log is not the one that the key belongs to");
		return bad(v, 0, e);
	}
	return ERR_OK;
}

/* All points at the size that the chain now has. */
static int
check_points(struct verify *v, struct err *e)
{
	bool known = false;

	for (; v->seal_at < v->seals.count; v->seal_at++) {
		const struct seal_point *p = &v->seals.points[v->seal_at];
		int r = 0;

		if (p->size != v->chain.seq)
			return ERR_OK;
		if (!known)
			r = merkle_root(&v->chain.tree,
			    reader_tools(v->reader)->sha, v->ret->root, e);
		known = true;
		if (r == 0 && memcmp(p->root, v->ret->root, SHA256_LEN) != 0) {
			(void)err_set(e, ERR_DENIED,
			    "the first %" PRIu64 " rows are not those that a "
			    "%scheckpoint signed: the log was chained anew",
			    p->size, p->foreign ? "given " : "");
			r = bad(v, 0, e);
		}
		if (r != 0)
			return r;
		v->ret->signed_rows = p->size;
	}
	return ERR_OK;
}

/* ---- rows -------------------------------------------------------------- */

/* The log's own word on what retention dropped: {"event":"log.pruned",
 * "through":N} in a row of kind degraded or event. */
static void
note_pruned(struct verify *v, struct str body)
{
	json_t *j = json_loadb(body.s, body.len, 0, NULL);
	const char *event = json_string_value(json_object_get(j, "event"));
	const json_int_t through =
	    json_integer_value(json_object_get(j, "through"));

	if (event != NULL && str_eqz(str_of(event), "log.pruned") &&
	    through > 0 && (uint64_t)through > v->pruned_through)
		v->pruned_through = (uint64_t)through;
	json_decref(j);
}

static int
next_body(struct verify *v, struct err *e)
{
	const int r = sql_step(v->bodies, e);

	v->body_ready = r == SQL_ROW;
	return r < 0 ? r : ERR_OK;
}

static int
check_body(struct verify *v, const struct log_row *row, struct err *e)
{
	struct sha256 *sha = reader_tools(v->reader)->sha;
	const bool have = v->body_ready &&
	    (uint64_t)sqlite3_column_int64(v->bodies, 0) == row->seq;
	struct str body = have ? sql_str(v->bodies, 1) : STR_NONE;
	uint8_t digest[SHA256_LEN];
	int r = 0;

	if (body.len > 0)
		r = sha256_add(sha, body.s, body.len, e);
	if (r == 0)
		r = sha256_end(sha, digest, e);
	if (r != 0)
		return r;
	if (memcmp(digest, row->body_sha256, SHA256_LEN) != 0) {
		if (have)
			return bad_row(v, row->seq, "its body was changed", e);
		v->missing_body = row->seq;
		v->ret->bodies_dropped++;
	}
	if (have && str_eqz(row->kind, "pruned"))
		note_pruned(v, body);
	return have ? next_body(v, e) : ERR_OK;
}

static int
check_row(struct verify *v, struct err *e)
{
	const uint8_t *hash;
	struct log_row row;
	int r;

	row_read(v->rows, &row, &hash);
	if (row.seq != v->chain.seq + 1)
		return bad_row(v, v->chain.seq + 1, "it is missing", e);
	if (row.body_sha256 == NULL || hash == NULL)
		return bad_row(v, row.seq, "its digests were changed", e);
	r = chain_next(&v->chain, reader_tools(v->reader), &row, e);
	if (r == ERR_LIMIT)
		return bad_row(v, row.seq, "it was changed", e);
	if (r != 0)
		return r;
	if (memcmp(hash, v->chain.hash, SHA256_LEN) != 0)
		return bad_row(v, row.seq,
		    "it does not follow from the row before it: it, its place "
		    "or its neighbour was changed",
		    e);
	r = check_body(v, &row, e);
	if (r != 0)
		return r;
	v->ret->rows = row.seq;
	memcpy(v->ret->head, v->chain.hash, SHA256_LEN);
	if (row.seq == v->ret->signed_rows + 1)
		v->unsigned_ns = row.time_real_ns;
	v->last_ns = row.time_real_ns;
	return check_points(v, e);
}

static int
check_rows(struct verify *v, struct err *e)
{
	sqlite3 *db = reader_db(v->reader);
	int r = sql_prepare(
	    db, "SELECT " ROW_COLUMNS " FROM log ORDER BY seq", &v->rows, e);

	if (r == 0)
		r = sql_prepare(db,
		    "SELECT seq, body FROM payload ORDER BY seq", &v->bodies,
		    e);
	if (r == 0)
		r = next_body(v, e);
	if (r == 0)
		r = check_points(v, e);
	if (r != 0)
		return r;
	while ((r = sql_step(v->rows, e)) == SQL_ROW) {
		r = check_row(v, e);
		if (r != 0)
			return r;
	}
	return r;
}

/* So many rows without a signature, the oldest and the newest of those times. */
static bool
is_overdue(uint64_t rows, int64_t oldest_ns, int64_t newest_ns)
{
	const int64_t ns = SEAL_OVERDUE_SECONDS * INT64_C(1000000000);

	return rows > SEAL_OVERDUE_ROWS ||
	    (rows > 1 && newest_ns / 2 - oldest_ns / 2 > ns / 2);
}

static int
check_unsigned(struct verify *v, struct err *e)
{
	const uint64_t first = v->ret->signed_rows + 1;

	if (!is_overdue(v->chain.seq + 1 - first, v->unsigned_ns, v->last_ns))
		return ERR_OK;
	(void)err_set(e, ERR_DENIED,
	    "rows %" PRIu64 " to %" PRIu64
	    " should have been signed long ago and are not: checkpoints were "
	    "taken away, or could not be written",
	    first, v->chain.seq);
	return bad(v, first, e);
}

static int
check_end(struct verify *v, struct err *e)
{
	int r;

	if (v->body_ready)
		return bad_row(v, (uint64_t)sqlite3_column_int64(v->bodies, 0),
		    "there is a body without a row", e);
	if (v->missing_body > v->pruned_through)
		return bad_row(v, v->missing_body, "its body is missing", e);
	if (v->seal_at < v->seals.count) {
		const uint64_t size = v->seals.points[v->seals.count - 1].size;

		(void)err_set(e, ERR_DENIED,
		    "there are %" PRIu64 " rows, but %" PRIu64
		    " were signed: rows were cut off, or an older copy was "
		    "put in place",
		    v->chain.seq, size);
		return bad(v, v->chain.seq + 1, e);
	}
	r = merkle_root(
	    &v->chain.tree, reader_tools(v->reader)->sha, v->ret->root, e);
	return r == 0 ? check_unsigned(v, e) : r;
}

/* ---- the file ---------------------------------------------------------- */

/* What SQLite itself finds: pages, order of keys, indexes against tables. */
static int
check_file(struct verify *v, struct err *e)
{
	AUTO(sql_finalizep) sqlite3_stmt *s = NULL;
	int r = sql_prepare(
	    reader_db(v->reader), "PRAGMA integrity_check(1)", &s, e);

	if (r == 0)
		r = sql_step(s, e);
	if (r < 0)
		return r;
	if (r != SQL_ROW || !str_eqz(sql_str(s, 0), "ok"))
		return err_set(e, ERR_INVALID, "%.*s", STR_ARG(sql_str(s, 0)));
	return schema_check(
	    reader_db(v->reader), migrations, migration_count, e);
}

static int
run(struct verify *v, struct err *e)
{
	int r = load_seals(v, e);

	if (r != 0)
		return r;
	r = reader_open(buf_cstr(&v->path), NULL, &v->reader, e);
	if (r == 0)
		r = reader_hold(v->reader, e);
	if (r == 0)
		r = check_origin(v, e);
	if (r == 0)
		r = check_rows(v, e);
	if (r == 0)
		r = check_end(v, e);
	if (r == 0)
		r = check_file(v, e);
	/* SQLite could not make sense of the file. */
	if (r == ERR_INVALID) {
		(void)err_wrap(e, r, "the database is damaged");
		return bad(v, v->ret->rows + 1, e);
	}
	return r;
}

static void
done(struct verify *v)
{
	sql_finalizep(&v->rows);
	sql_finalizep(&v->bodies);
	reader_closep(&v->reader);
	seal_set_free(&v->seals);
	buf_free(&v->dir);
	buf_free(&v->path);
}

int
verify_log(
    const struct verify_options *o, struct verify_result *ret, struct err *e)
{
	struct verify v = {
		.o = o,
		.dir = BUF_INIT(PATH_BYTES_MAX),
		.path = BUF_INIT(PATH_BYTES_MAX),
		.seals = SEAL_SET_INIT,
		.ret = ret,
	};
	int r;

	memset(ret, 0, sizeof(*ret));
	r = store_find(o->state_dir, &v.dir, &v.path, e);
	if (r == 0)
		r = run(&v, e);
	done(&v);
	return r;
}
