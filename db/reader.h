#ifndef DB_READER_H
#define DB_READER_H
/*
 * Read the log: from a running daemon's folder or from a copy, never writing.
 *
 *     r = reader_open(path, NULL, &rd, e);
 *     r = reader_each(rd, &(struct log_query){ .limit = 50 }, fn, ctx, e);
 *
 * Every row that is handed out was checked against its own hash, so what is
 * shown or exported is what was recorded, or an error.
 */
#include <stdbool.h>
#include <stdint.h>

#include "row.h"

struct reader;

/* path: of the database, without symbolic links. */
int reader_open(
    const char *path, const char *vfs, struct reader **ret, struct err *e);
void reader_close(struct reader *r);
void reader_closep(struct reader **r);
sqlite3 *reader_db(struct reader *r);
struct chain_tools *reader_tools(struct reader *r);
/* All that follows sees one moment of the log, until reader_release. */
int reader_hold(struct reader *r, struct err *e);
void reader_release(struct reader *r);

struct log_query {
	uint64_t from_seq, to_seq; /* 0: from the first, to the last */
	bool newest_first;
	uint64_t limit; /* 0: none */
	/* NULL or 0: any */
	const char *action_id, *session, *kind, *tool, *decision, *rule;
	int64_t since_ns, until_ns; /* since <= time < until */
};

/* Non-zero stops and is returned. */
typedef int reader_fn(void *ctx, const struct row_view *v, struct err *e);
/* ERR_DENIED: a row was changed after it was recorded. */
int reader_each(struct reader *r, const struct log_query *q, reader_fn *fn,
    void *ctx, struct err *e);
/* The last seq; 0 when the log is empty. */
int reader_last(struct reader *r, uint64_t *ret, struct err *e);
/* A value of the table meta; ERR_NOTFOUND. */
int reader_meta(
    struct reader *r, const char *key, struct buf *ret, struct err *e);

#endif
