#ifndef DB_PRUNE_H
#define DB_PRUNE_H
/*
 * Retention: drop the bodies of old rows. The rows stay, and so do their
 * hashes and those of their bodies: the log verifies as before, and says in
 * a row of its own what was dropped.
 *
 *     r = store_prune(rec, through, &dropped, e);
 */
#include "core/ports.h"

/* ERR_DENIED: a destination does not have them yet (cursor.h). */
int store_prune(
    struct recorder *r, uint64_t through, uint64_t *ret_dropped, struct err *e);

/* The same for a caller that knows who has them. */
int store_drop(
    struct recorder *r, uint64_t through, uint64_t *ret_dropped, struct err *e);

#endif
