#ifndef DB_ROW_H
#define DB_ROW_H
/*
 * A row between SQLite and struct log_row, and as JSON.
 *
 *     "SELECT " ROW_COLUMNS " FROM log ..."
 *     row_read(stmt, &row, &hash);
 */
#include <sqlite3.h>

#include "base/jsonw.h"
#include "chain.h"

#define ROW_COLUMNS                                                            \
	"log.seq, log.time, log.kind, log.action_id, log.session, log.uid, "   \
	"log.tool, log.decision, log.decided_by, log.rule, "                   \
	"log.action_sha256, log.policy_sha256, log.body_sha256, log.hash"
#define ROW_COLUMN_COUNT 14

/* Valid until the next step; *ret_hash NULL when it is not 32 bytes. */
void row_read(sqlite3_stmt *s, struct log_row *ret, const uint8_t **ret_hash);
/* Binds 1 to ROW_COLUMN_COUNT in the order of ROW_COLUMNS. */
int row_bind(sqlite3_stmt *s, const struct log_row *row,
    const uint8_t hash[static SHA256_LEN], struct err *e);

/*
 * The row as it is exported, one JSON object. body: NULL str when it was
 * pruned. Text that is not JSON is exported as a string.
 */
struct row_view {
	const struct log_row *row;
	const uint8_t *hash, *prev;
	struct str body;
};

void row_json(const struct row_view *v, struct buf *out);

#endif
