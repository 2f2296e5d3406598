/*
 * The transaction that a batch of decisions shares: append, commit, and what
 * happens when the disk says no.
 * Runs in: engine.  Trusts: SQLite with synchronous=FULL.  Owns: the open
 * transaction and its receipts.
 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/jsonw.h"
#include "row.h"
#include "store_int.h"

#define NOTE_JSON_MAX ((size_t)4096)

/* ---- trouble ----------------------------------------------------------- */

/* Everything since the last commit is undone, also in memory. */
static void
undo(struct recorder *r)
{
	receipts_settle(r, false);
	r->head = r->durable;
	if (r->db != NULL && sqlite3_get_autocommit(r->db) == 0)
		(void)sql_run(r->q[Q_ROLLBACK], NULL);
	r->in_transaction = false;
}

/* One row that says why, in the room that was kept for it. */
static void
last_words(struct recorder *r)
{
	const struct err why = r->why;

	r->speaking = true;
	space_give_up(r);
	if (store_connect(r, NULL) == 0) {
		r->trouble = TROUBLE_NONE;
		if (store_note(r, "store.degraded", why.msg, NULL) == 0 &&
		    sql_run(r->q[Q_COMMIT], NULL) == 0)
			r->durable = r->head;
	}
	store_disconnect(r);
	r->head = r->durable;
	r->trouble = TROUBLE_SPACE;
	r->why = why;
	r->speaking = false;
}

int
store_fail(struct recorder *r, const struct err *why, struct err *e)
{
	undo(r);
	store_disconnect(r);
	r->why = *why;
	(void)err_wrap(
	    &r->why, why->code, "the decision log cannot be written");
	r->trouble = TROUBLE_IO;
	if (space_is_short(why) && !r->speaking)
		last_words(r);
	if (e != NULL)
		*e = r->why;
	return r->why.code;
}

static int
refuse(const struct recorder *r, struct err *e)
{
	if (e != NULL)
		*e = r->why;
	return r->why.code;
}

/* ---- append ------------------------------------------------------------ */

int
store_begin(struct recorder *r, struct err *e)
{
	struct err why = ERR_INIT;

	if (r->trouble != TROUBLE_NONE)
		return refuse(r, e);
	if (r->in_transaction)
		return ERR_OK;
	if (sql_run(r->q[Q_BEGIN], &why) != 0)
		return store_fail(r, &why, e);
	r->in_transaction = true;
	return ERR_OK;
}

static struct str
optional(const char *s)
{
	return s == NULL ? STR_NONE : str_of(s);
}

/* Enumerations by name; the invalid value is no value. */
static struct log_row
row_of(const struct recorder *r, const struct row *row)
{
	return (struct log_row){
		.seq = r->head.seq + 1,
		.time_real_ns = row->time_real_ns,
		.kind = str_of(row_kind_name(row->kind)),
		.action_id = optional(row->action_id),
		.session = optional(row->session),
		.uid = row->uid,
		.tool = row->tool == TOOL_INVALID
		    ? STR_NONE
		    : str_of(tool_name(row->tool)),
		.decision = row->decision == DECISION_INVALID
		    ? STR_NONE
		    : str_of(decision_name(row->decision)),
		.decided_by = row->by == BY_INVALID
		    ? STR_NONE
		    : str_of(decided_by_name(row->by)),
		.rule = optional(row->rule_id),
		.action_sha256 = row->action_sha256,
		.policy_sha256 = row->policy_sha256,
	};
}

static int
check(const struct row *row, struct err *e)
{
	if (row->kind == ROW_INVALID)
		return err_set(e, ERR_INVALID, "a row needs a kind");
	if (row->action_id != NULL && strlen(row->action_id) >= ACTION_ID_MAX)
		return err_set(e, ERR_LIMIT,
		    "the id of an action is longer than %d bytes",
		    ACTION_ID_MAX - 1);
	if ((row->session != NULL && strlen(row->session) > LOG_TEXT_MAX) ||
	    (row->rule_id != NULL && strlen(row->rule_id) > LOG_TEXT_MAX))
		return err_set(e, ERR_LIMIT,
		    "the name of a session or rule is longer than %d bytes",
		    LOG_TEXT_MAX);
	if (row->body.len > LOG_BODY_BYTES_MAX)
		return err_set(e, ERR_LIMIT,
		    "a row of %zu bytes is more than the log takes (%zu)",
		    row->body.len, LOG_BODY_BYTES_MAX);
	return ERR_OK;
}

static int
insert(struct recorder *r, const struct log_row *row, struct str body,
    const uint8_t hash[static SHA256_LEN], struct err *e)
{
	sqlite3_stmt *const payload = r->q[Q_PAYLOAD_INSERT];
	int done = row_bind(r->q[Q_LOG_INSERT], row, hash, e);
	int rc;

	if (done == 0)
		done = sql_run(r->q[Q_LOG_INSERT], e);
	if (done != 0 || body.len == 0)
		return done;
	rc = sqlite3_bind_int64(payload, 1, (int64_t)row->seq);
	rc |= sql_bind_blob(payload, 2, body);
	done = sql_bound(payload, rc, e);
	return done == 0 ? sql_run(payload, e) : done;
}

/* A failure after the head has moved loses the transaction, and the head goes
 * back with it. */
static int
chain_and_insert(struct recorder *r, const struct row *row, struct err *e)
{
	struct log_row stored = row_of(r, row);
	uint8_t digest[SHA256_LEN];
	int done = 0;

	if (row->body.len > 0)
		done = sha256_add(r->tools.sha, row->body.s, row->body.len, e);
	if (done == 0)
		done = sha256_end(r->tools.sha, digest, e);
	stored.body_sha256 = digest;
	if (done == 0)
		done = chain_next(&r->head, &r->tools, &stored, e);
	if (done == 0)
		done = insert(r, &stored, row->body, r->head.hash, e);
	return done;
}

int
store_append(struct recorder *r, const struct row *row, uint64_t *ret_seq,
    uint8_t ret_hash[static SHA256_LEN], struct receipt **ret_receipt,
    struct err *e)
{
	struct receipt *receipt = NULL;
	struct err why = ERR_INIT;
	int done = check(row, e);

	if (done == 0)
		done = store_begin(r, e);
	if (done != 0)
		return done;
	if (ret_receipt != NULL) {
		done = receipt_new(r, row, r->head.seq + 1, &receipt, e);
		if (done != 0)
			return done;
	}
	if (chain_and_insert(r, row, &why) != 0) {
		receipt_free(receipt);
		return store_fail(r, &why, e);
	}
	*ret_seq = r->head.seq;
	memcpy(ret_hash, r->head.hash, SHA256_LEN);
	if (ret_receipt != NULL)
		*ret_receipt = receipt;
	return ERR_OK;
}

int
store_note(
    struct recorder *r, const char *event, const char *text, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(NOTE_JSON_MAX);
	uint8_t hash[SHA256_LEN];
	struct jsonw w = jsonw_on(&body);
	uint64_t seq = 0;
	int done;

	jsonw_object(&w);
	jsonw_kstr(&w, "event", event);
	jsonw_kstr(&w, "reason", text);
	jsonw_end(&w);
	done = buf_done(&body, e);
	if (done != 0)
		return done;
	const struct row row = {
		.kind = ROW_DEGRADED,
		.uid = geteuid(),
		.time_real_ns = r->o.real_ns(),
		.body = buf_str(&body),
	};
	return store_append(r, &row, &seq, hash, NULL, e);
}

/* ---- commit ------------------------------------------------------------ */

/* What goes along in the same transaction. */
static int
before_commit(struct recorder *r, struct err *e)
{
	int done = space_watch(r, e);

	if (done == 0)
		done = store_seal_watch(r, e);
	if (done == 0)
		done = store_actions_trim(r, e);
	if (done == 0 && store_seal_due(r))
		done = store_tree_put(r, e);
	return done;
}

int
store_commit(struct recorder *r, struct err *e)
{
	struct err why = ERR_INIT;
	int done;

	if (r->trouble != TROUBLE_NONE)
		return refuse(r, e);
	if (!r->in_transaction)
		return ERR_OK;
	done = before_commit(r, &why);
	/* Already failed and undone: that is what why says. */
	if (done != 0 && r->trouble != TROUBLE_NONE)
		return refuse(r, e);
	if (done == 0)
		done = sql_run(r->q[Q_COMMIT], &why);
	if (done != 0)
		return store_fail(r, &why, e);
	r->in_transaction = false;
	r->durable = r->head;
	receipts_settle(r, true);
	if (store_seal_due(r))
		store_seal(r);
	store_checkpoint(r, false);
	return ERR_OK;
}

bool
store_healthy(struct recorder *r, struct err *ret_why)
{
	if (r->trouble == TROUBLE_NONE)
		return true;
	if (ret_why != NULL)
		*ret_why = r->why;
	return false;
}

/* ---- recovery ---------------------------------------------------------- */

/*
 * What a failed fsync left in the page cache may look written and not be.
 * Copied into the database and synced there, all that is visible is durable.
 */
static int
settle_wal(struct recorder *r, struct err *e)
{
	int64_t any = 0;
	int log = 0, copied = 0, rc;
	/* A connection that never read does not copy anything. */
	int done = sql_int(r->db, "SELECT count(*) FROM meta", &any, e);

	if (done != 0)
		return done;
	rc = sqlite3_wal_checkpoint_v2(
	    r->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &log, &copied);
	if (rc != SQLITE_OK)
		return sql_error(r->db, rc, e);
	return ERR_OK;
}

int
store_recover(struct recorder *r, struct err *e)
{
	const struct err before = r->why;
	struct err why = ERR_INIT;
	int done;

	if (r->trouble == TROUBLE_NONE)
		return ERR_OK;
	if (r->trouble == TROUBLE_SPACE && space_check(r, &why) != 0) {
		if (e != NULL)
			*e = why;
		return why.code;
	}
	done = store_connect(r, &why);
	if (done == 0)
		done = settle_wal(r, &why);
	if (done != 0) {
		store_disconnect(r);
		(void)err_wrap(&why, done, "still not working");
		r->why = why;
		return refuse(r, e);
	}
	space_reserve(r);
	r->trouble = TROUBLE_NONE;
	r->why = (struct err)ERR_INIT;
	done = store_note(r, "store.recovered", before.msg, e);
	return done == 0 ? store_commit(r, e) : done;
}

/* ---- leisure ----------------------------------------------------------- */

void
store_idle(struct recorder *r)
{
	if (r->trouble != TROUBLE_NONE || r->in_transaction)
		return;
	if (store_seal_due(r))
		store_seal(r);
	store_checkpoint(r, true);
}
