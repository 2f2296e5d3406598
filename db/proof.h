#ifndef DB_PROOF_H
#define DB_PROOF_H
/*
 * That one row is in the log, provable to somebody who has neither the log
 * nor trust in this machine: the row's record, its path in the tree, and a
 * signed root (C2SP tlog-proof; what follows it are the notes by which keys
 * were handed over, from the first key to the one that signed the root).
 *
 *     r = proof_make(state_dir, 41, &out, e);
 *     r = proof_verify("row41.proof", "log.pub", &out, e);
 */
#include <stdint.h>

#include "base/buf.h"
#include "note.h"

/* ERR_NOTFOUND: no such row, or no checkpoint covers it yet. */
int proof_make(
    const char *state_dir, uint64_t seq, struct buf *out, struct err *e);
/* out: what the proof says, for people, escaped. ERR_DENIED: it proves
 * nothing. */
int proof_verify(
    const char *path, const char *public_key, struct buf *out, struct err *e);

/* The same for a proof and a key in memory. */
int proof_check(struct str proof, const struct note_public *first,
    struct buf *out, struct err *e);

#endif
