#ifndef DB_RETAIN_H
#define DB_RETAIN_H
/*
 * Retention while the log is being written: a small step of store_prune.
 *
 *     r = store_retain(rec, before_real_ns, exported, &dropped, e);
 */
#include "core/ports.h"

#define RETAIN_ROWS 4096 /* in one step, so that nobody waits for it */

/*
 * Drops the oldest bodies that are older than that, that every destination
 * has, and whose rows are not above exported. 0 dropped: there are none now.
 */
int store_retain(struct recorder *r, int64_t before_real_ns, uint64_t exported,
    uint64_t *ret_dropped, struct err *e);

#endif
