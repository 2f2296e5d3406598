#ifndef DB_STORE_LIMITS_H
#define DB_STORE_LIMITS_H
/*
 * Limits of the store. Beyond a limit nothing is recorded, hence nothing is
 * allowed.
 */
#include "model/limits.h"

/* A value of SQLite: the largest record and the largest body. */
#define SQL_VALUE_BYTES_MAX (9 << 20)
#define LOG_BODY_BYTES_MAX ((size_t)8 << 20)
#define LOG_TEXT_MAX 4096 /* names of sessions and rules */
#define LOG_RECORD_BYTES_MAX ((size_t)16384) /* canonical, without the body */
#define LOG_JSON_BYTES_MAX ((size_t)16 << 20) /* a row as exported */
#define ACTION_STATE_BYTES_MAX ((size_t)8 << 20)

/* Actions whose end is known are kept for GET and Idempotency-Key. */
#define ACTIONS_ENDED_KEPT 10000
#define ACTIONS_TRIM_EVERY 256 /* new actions */

/* The write-ahead log is copied back at leisure above the first size, and
 * cut to nothing above the second. */
#define WAL_PASSIVE_BYTES ((int64_t)16 << 20)
#define WAL_TRUNCATE_BYTES ((int64_t)64 << 20)

#define RESERVE_BYTES ((int64_t)1 << 20) /* for the last words on a full disk */
#define SPACE_WARN_BYTES ((uint64_t)256 << 20)

#define SEAL_ROWS 4096 /* a signed checkpoint at least every so many rows */
#define SEAL_SECONDS 60 /* and so many seconds, when there are new rows */
/* Rows beyond these and without a signature: somebody took it away. */
#define SEAL_OVERDUE_SECONDS 600
#define SEAL_OVERDUE_ROWS ((uint64_t)8 * SEAL_ROWS)
#define SEAL_KEY_SECONDS 86400 /* then the next key is made, the old erased */
#define SEAL_FILE_BYTES_MAX ((size_t)256 << 20)
#define NOTE_BYTES_MAX ((size_t)4096)

/* An engine whose supervisor was killed signs and copies back, then ends. */
#define LOCK_WAIT_MS 10000
#define LOCK_LOOK_MS 10

#define BUSY_WRITER_MS 1000
#define BUSY_READER_MS 5000

#endif
