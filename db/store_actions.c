/*
 * Actions that a restart must find again: a mutable table beside the log, in
 * the same transaction.
 * Runs in: engine.  Trusts: the core's notes are opaque here.  Owns: nothing.
 */
#include <string.h>

#include "base/mem.h"
#include "store_int.h"

enum column {
	COL_N,
	COL_ID,
	COL_STAGE,
	COL_UID,
	COL_KEY,
	COL_DEADLINE,
	COL_STATE,
	COL_RECORD,
};

static int
bind_action(sqlite3_stmt *s, const struct open_action *a, struct err *e)
{
	int rc = sql_bind_str(s, 1, str_of(a->id));

	rc |= sql_bind_str(s, 2, str_of(stage_name(a->stage)));
	rc |= sqlite3_bind_int64(s, 3, (int64_t)a->uid);
	rc |= sql_bind_str(s, 4,
	    a->idempotency_key == NULL ? STR_NONE : str_of(a->idempotency_key));
	rc |= sqlite3_bind_int64(s, 5, a->deadline_real_ns);
	rc |= sql_bind_blob(s, 6, a->state);
	rc |= sql_bind_blob(s, 7, a->record);
	return sql_bound(s, rc, e);
}

int
store_put_open(struct recorder *r, const struct open_action *a, struct err *e)
{
	struct err why = ERR_INIT;
	int done;

	if (a->id == NULL || strlen(a->id) >= ACTION_ID_MAX)
		return err_set(e, ERR_INVALID, "not the id of an action");
	if (a->record.len > ACTION_BYTES_MAX ||
	    a->state.len > ACTION_STATE_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "the action is too long to keep");
	done = store_begin(r, e);
	if (done != 0)
		return done;
	done = bind_action(r->q[Q_ACTION_PUT], a, &why);
	if (done == 0)
		done = sql_run(r->q[Q_ACTION_PUT], &why);
	if (done == 0) {
		r->actions_added++;
		return ERR_OK;
	}
	/* The statement alone was undone; the transaction goes on. */
	if (done == ERR_CONFLICT && sqlite3_get_autocommit(r->db) == 0)
		return err_set(
		    e, ERR_CONFLICT, "another action has this Idempotency-Key");
	return store_fail(r, &why, e);
}

static enum stage
stage_of(struct str name)
{
	/* Two stages share a name; what is stored was at least pending. */
	for (int s = STAGE_PENDING; s <= STAGE_EXPIRED; s++) {
		if (str_eqz(name, stage_name((enum stage)s)))
			return (enum stage)s;
	}
	return STAGE_INVALID;
}

/* A row copied out of the statement: the callback may use the store. */
struct copy {
	struct arena *arena;
	struct open_action action;
};

static void
copy_done(struct copy *c)
{
	arena_free(c->arena);
}

static struct str
keep(struct copy *c, struct str s)
{
	const char *p = arena_strndup(c->arena, s.s, s.len);

	return str_n(p, s.len);
}

static int
copy_action(sqlite3_stmt *s, struct copy *c, struct err *e)
{
	const struct str key = sql_str(s, COL_KEY);

	c->action = (struct open_action){
		.id = keep(c, sql_str(s, COL_ID)).s,
		.stage = stage_of(sql_str(s, COL_STAGE)),
		.uid = (uid_t)sqlite3_column_int64(s, COL_UID),
		.idempotency_key = key.s == NULL ? NULL : keep(c, key).s,
		.deadline_real_ns = sqlite3_column_int64(s, COL_DEADLINE),
		.state = keep(c, sql_str(s, COL_STATE)),
		.record = keep(c, sql_str(s, COL_RECORD)),
	};
	if (arena_failed(c->arena))
		return err_nomem(e);
	if (c->action.stage == STAGE_INVALID)
		return err_set(e, ERR_INVALID,
		    "action '%s' has a stage that is not known", c->action.id);
	return ERR_OK;
}

/* Steps s once and resets it: SQL_ROW, 0 when there is no row, or negative. */
static int
fetch(sqlite3_stmt *s, struct copy *c, int64_t *ret_n, struct err *e)
{
	int done;

	c->arena = arena_new((size_t)SQL_VALUE_BYTES_MAX * 3);
	if (c->arena == NULL)
		return err_nomem(e);
	done = sql_step(s, e);
	if (done == SQL_ROW) {
		*ret_n = sqlite3_column_int64(s, COL_N);
		done = copy_action(s, c, e);
		if (done == 0)
			done = SQL_ROW;
	}
	(void)sqlite3_reset(s);
	return done;
}

static int
unavailable(const struct recorder *r, struct err *e)
{
	if (e != NULL)
		*e = r->why;
	return r->why.code;
}

int
store_each_open(
    struct recorder *r, open_action_fn *fn, void *ctx, struct err *e)
{
	int64_t n = 0;
	int done;

	/* One at a time: the function may change what is walked over. */
	do {
		AUTO(copy_done) struct copy c = { .arena = NULL };
		sqlite3_stmt *const s = r->q[Q_ACTION_EACH];

		if (r->db == NULL)
			return unavailable(r, e);
		(void)sqlite3_bind_int64(s, 1, n);
		done = fetch(s, &c, &n, e);
		if (done != SQL_ROW)
			return done;
		done = fn(ctx, &c.action, e);
	} while (done == 0);
	return done;
}

int
store_get_open(struct recorder *r, const char *id, open_action_fn *fn,
    void *ctx, struct err *e)
{
	AUTO(copy_done) struct copy c = { .arena = NULL };
	sqlite3_stmt *const s = r->q[Q_ACTION_GET];
	int64_t n = 0;
	int done;

	if (r->db == NULL)
		return unavailable(r, e);
	done = sql_bound(s, sql_bind_str(s, 1, str_of(id)), e);
	if (done != 0)
		return done;
	done = fetch(s, &c, &n, e);
	if (done == 0)
		return err_set(e, ERR_NOTFOUND, "there is no such action");
	return done == SQL_ROW ? fn(ctx, &c.action, e) : done;
}

int
store_find_idempotent(struct recorder *r, uid_t uid, const char *key,
    struct buf *ret_action_id, struct err *e)
{
	sqlite3_stmt *s = r->q[Q_ACTION_KEY];
	int done;

	if (r->db == NULL)
		return unavailable(r, e);
	(void)sqlite3_bind_int64(s, 1, (int64_t)uid);
	done = sql_bound(s, sql_bind_str(s, 2, str_of(key)), e);
	if (done == 0)
		done = sql_step(s, e);
	if (done == SQL_ROW) {
		buf_put_str(ret_action_id, sql_str(s, 0));
		done = buf_done(ret_action_id, e);
	} else if (done == 0) {
		done = err_set(e, ERR_NOTFOUND, "no action has that key");
	}
	(void)sqlite3_reset(s);
	return done;
}

int
store_actions_trim(struct recorder *r, struct err *e)
{
	sqlite3_stmt *const s = r->q[Q_ACTION_TRIM];

	if (r->actions_added < ACTIONS_TRIM_EVERY)
		return ERR_OK;
	r->actions_added = 0;
	(void)sqlite3_bind_int64(s, 1, ACTIONS_ENDED_KEPT);
	return sql_run(s, e);
}
