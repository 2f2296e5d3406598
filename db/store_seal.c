/*
 * When to sign what is durable, and when to copy the write-ahead log back.
 * Runs in: engine.  Trusts: nothing beyond store_int.h.  Owns: nothing.
 */
#include <assert.h>

#include "store_int.h"

#define WAL_FRAME_BYTES ((int64_t)(4096 + 24))
#define SEAL_FAILURES_TOLD 3
#define SEAL_RETRY_NS (INT64_C(5) * 1000000000)

bool
store_seal_due(const struct recorder *r)
{
	const uint64_t rows = r->head.seq - seal_size(r->seal);
	const int64_t age = r->o.boot_ns() - r->sealed_boot_ns;

	if (rows == 0)
		return false;
	return age >= r->o.seal_ns ||
	    (rows >= r->o.seal_rows &&
		(r->seal_failures == 0 || age >= SEAL_RETRY_NS));
}

int
store_tree_put(struct recorder *r, struct err *e)
{
	AUTO_BUF struct buf peaks = BUF_INIT(MERKLE_LEVELS * SHA256_LEN);
	sqlite3_stmt *const s = r->q[Q_TREE_PUT];
	int rc, done;

	merkle_put(&r->head.tree, &peaks);
	done = buf_done(&peaks, e);
	if (done != 0)
		return done;
	rc = sqlite3_bind_int64(s, 1, (int64_t)r->head.seq);
	rc |= sql_bind_blob(s, 2, buf_str(&peaks));
	done = sql_bound(s, rc, e);
	if (done == 0)
		done = sql_run(s, e);
	if (done == 0)
		r->tree_seq = r->head.seq;
	return done;
}

void
store_seal(struct recorder *r)
{
	uint8_t root[SHA256_LEN];
	int done;

	assert(!r->in_transaction);
	if (r->durable.seq == seal_size(r->seal))
		return;
	/* Whatever comes of it, not again at once. */
	r->sealed_boot_ns = r->o.boot_ns();
	done = merkle_root(&r->durable.tree, r->tools.sha, root, &r->seal_why);
	if (done == 0)
		done = seal_write(r->seal, r->durable.seq, root, r->o.real_ns(),
		    &r->seal_why);
	if (done == 0)
		r->seal_failures = 0;
	else
		r->seal_failures++;
}

int
store_seal_watch(struct recorder *r, struct err *e)
{
	const bool broken = r->seal_failures >= SEAL_FAILURES_TOLD;

	if (broken == r->unsigned_told || (!broken && r->seal_failures > 0))
		return ERR_OK;
	r->unsigned_told = broken;
	return store_note(r, broken ? "store.unsigned" : "store.signed",
	    broken ? r->seal_why.msg : "checkpoints are signed again", e);
}

static void
copy_back(struct recorder *r, int mode)
{
	int log = 0, copied = 0;

	/* Readers are not waited for: what they hold comes next time. */
	(void)sqlite3_busy_timeout(r->db, 0);
	if (sqlite3_wal_checkpoint_v2(r->db, NULL, mode, &log, &copied) ==
	    SQLITE_OK)
		r->wal_pages = mode == SQLITE_CHECKPOINT_TRUNCATE ? 0 : log;
	(void)sqlite3_busy_timeout(r->db, BUSY_WRITER_MS);
	r->wal_pages_copied = r->wal_pages;
}

void
store_checkpoint(struct recorder *r, bool idle)
{
	const int64_t bytes = r->wal_pages * WAL_FRAME_BYTES;
	const int64_t fresh =
	    (r->wal_pages - r->wal_pages_copied) * WAL_FRAME_BYTES;

	if (r->db == NULL)
		return;
	/* The log begins anew once all of it was copied and nobody reads. */
	if (fresh < 0)
		r->wal_pages_copied = 0;
	if (bytes >= WAL_TRUNCATE_BYTES && (fresh >= WAL_PASSIVE_BYTES || idle))
		copy_back(r, SQLITE_CHECKPOINT_TRUNCATE);
	else if (fresh >= WAL_PASSIVE_BYTES || (idle && fresh > 0))
		copy_back(r, SQLITE_CHECKPOINT_PASSIVE);
}
