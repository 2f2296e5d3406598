#ifndef DB_CHAIN_H
#define DB_CHAIN_H
/*
 * What a row is, byte for byte, and how each holds on to the one before.
 *
 *     record = version, seq, time, names, ids, digests, hash of row seq - 1
 *              (thirty-two zero bytes before row 1)
 *     hash   = SHA-256(0x00 || record)
 *
 * So the hash of a row is also its leaf in the Merkle tree of RFC 6962, and
 * the record alone, with the path to a signed root, proves the row. The body
 * takes part by its digest: it can be dropped later and the row still proves.
 */
#include <stdint.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "base/str.h"
#include "merkle.h"

#define CHAIN_RECORD_VERSION 1

/* A row as stored; text borrowed. A missing value has .s == NULL. */
struct log_row {
	uint64_t seq;
	int64_t time_real_ns;
	struct str kind, action_id, session;
	uint64_t uid;
	struct str tool, decision, decided_by, rule;
	const uint8_t *action_sha256, *policy_sha256; /* or NULL */
	const uint8_t *body_sha256;
};

void chain_encode(const struct log_row *row,
    const uint8_t prev[static SHA256_LEN], struct buf *out);
/* Everything in ret, and *ret_prev, borrows from record. */
int chain_decode(struct str record, struct log_row *ret,
    const uint8_t **ret_prev, struct err *e);
/* The hash of a record; h is reused. */
int chain_hash(struct sha256 *h, struct str record,
    uint8_t ret[static SHA256_LEN], struct err *e);

/*
 * How far a chain has come: a value, copied freely. { 0 } is before row 1.
 *
 *     struct chain c = { 0 };
 *     r = chain_next(&c, &tools, &row, e);     c.hash is the hash of row
 */
struct chain {
	uint64_t seq;
	uint8_t hash[SHA256_LEN];
	struct merkle tree;
};

/* What hashing needs, made once. */
struct chain_tools {
	struct sha256 *sha;
	struct buf record; /* of the row that was hashed last */
};

int chain_tools_init(struct chain_tools *t, struct err *e);
void chain_tools_done(struct chain_tools *t);
/* The chain with one more row; unchanged on failure. */
int chain_next(struct chain *c, struct chain_tools *t,
    const struct log_row *row, struct err *e);

#endif
