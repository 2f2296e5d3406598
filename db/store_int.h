#ifndef DB_STORE_INT_H
#define DB_STORE_INT_H
/*
 * What the files of the store share.
 *
 * head runs ahead of durable while a transaction is open. When it cannot be
 * committed, head goes back, the receipts are dead, the connection is closed
 * (an fsync that failed once is never trusted again) and nothing is recorded
 * until recover has opened the file anew and checked its end.
 */
#include "chain.h"
#include "reader.h"
#include "seal.h"
#include "sql.h"
#include "store.h"
#include "store_limits.h"

enum statement {
	Q_BEGIN,
	Q_COMMIT,
	Q_ROLLBACK,
	Q_LOG_INSERT,
	Q_PAYLOAD_INSERT,
	Q_TREE_PUT,
	Q_ACTION_PUT,
	Q_ACTION_GET,
	Q_ACTION_KEY,
	Q_ACTION_EACH,
	Q_ACTION_TRIM,
	Q_MEMO_PUT,
	Q_COUNT,
};

/* Why the store does not record. */
enum trouble {
	TROUBLE_NONE,
	TROUBLE_SPACE, /* the last words were said, if they could be */
	TROUBLE_IO,
};

struct recorder {
	struct store_options o;
	struct buf dir, path; /* without symbolic links */
	int lock_fd;
	sqlite3 *db; /* NULL while in trouble */
	sqlite3_stmt *q[Q_COUNT];
	struct chain_tools tools;
	struct chain head, durable;
	bool in_transaction;
	struct receipt *pending; /* of the open transaction */
	struct seal *seal;
	int64_t sealed_boot_ns;
	uint64_t tree_seq; /* size of the tree that is kept in the file */
	struct reader *reader; /* opened when first needed */
	enum trouble trouble;
	bool speaking; /* the last words: they are not said twice */
	struct err why;
	bool space_low;
	int64_t space_boot_ns, reserve_len;
	int wal_pages, wal_pages_copied;
	unsigned actions_added;
	unsigned seal_failures; /* in a row */
	struct err seal_why;
	bool unsigned_told;
};

/* ---- store.c ----------------------------------------------------------- */

/* Opens the file, brings it up to date, checks the end of the chain. */
int store_connect(struct recorder *r, struct err *e);
void store_disconnect(struct recorder *r);

/* ---- store_tx.c -------------------------------------------------------- */

int store_append(struct recorder *r, const struct row *row, uint64_t *ret_seq,
    uint8_t ret_hash[static SHA256_LEN], struct receipt **ret_receipt,
    struct err *e);
int store_begin(struct recorder *r, struct err *e);
/* The transaction is lost, for that reason: undone, closed, in trouble. */
int store_fail(struct recorder *r, const struct err *why, struct err *e);
int store_commit(struct recorder *r, struct err *e);
bool store_healthy(struct recorder *r, struct err *ret_why);
int store_recover(struct recorder *r, struct err *e);
void store_idle(struct recorder *r);
/* A row of the store's own, ROW_DEGRADED: event and a sentence. */
int store_note(
    struct recorder *r, const char *event, const char *text, struct err *e);

/* ---- store_seal.c ------------------------------------------------------ */

bool store_seal_due(const struct recorder *r);
/* Remembers the tree of head in the open transaction. */
int store_tree_put(struct recorder *r, struct err *e);
/* Signs what is durable. A failure is remembered, not fatal: the rows are. */
void store_seal(struct recorder *r);
/* Notes in the log when signing does not work, and when it does again. */
int store_seal_watch(struct recorder *r, struct err *e);
/* Copies the write-ahead log back where that is due. */
void store_checkpoint(struct recorder *r, bool idle);

/* ---- store_actions.c --------------------------------------------------- */

int store_put_open(
    struct recorder *r, const struct open_action *a, struct err *e);
int store_each_open(
    struct recorder *r, open_action_fn *fn, void *ctx, struct err *e);
int store_get_open(struct recorder *r, const char *id, open_action_fn *fn,
    void *ctx, struct err *e);
int store_find_idempotent(struct recorder *r, uid_t uid, const char *key,
    struct buf *ret_action_id, struct err *e);
int store_actions_trim(struct recorder *r, struct err *e);

/* ---- store_memo.c ------------------------------------------------------ */

int store_memo_put(
    struct recorder *r, const char *key, struct str value, struct err *e);
int store_memo_get(
    struct recorder *r, const char *key, struct buf *ret, struct err *e);
/* port.c: a second connection that only reads what is durable. */
int store_need_reader(struct recorder *r, struct err *e);

/* ---- store_space.c ----------------------------------------------------- */

/* Whether e says that there is no room. */
bool space_is_short(const struct err *e);
/* Keeps a file that can be given up for the last words. */
void space_reserve(struct recorder *r);
void space_give_up(struct recorder *r);
/* Whether there is room to work again. */
int space_check(const struct recorder *r, struct err *e);
/* Once a second at most: notes in the log when room gets short. */
int space_watch(struct recorder *r, struct err *e);

/* ---- receipt.c --------------------------------------------------------- */

int receipt_new(struct recorder *r, const struct row *row, uint64_t seq,
    struct receipt **ret, struct err *e);
/* All pending ones become valid, or dead. */
void receipts_settle(struct recorder *r, bool durable);

#endif
