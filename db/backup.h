#ifndef DB_BACKUP_H
#define DB_BACKUP_H
/*
 * A copy of the log at one moment, while the daemon runs: the database, the
 * checkpoints and the first public key, in a new folder that 'assent log
 * verify --state' takes. Never the signing key.
 *
 *     r = backup_make(state_dir, "/media/usb/log-2026-11-25", &rows, e);
 */
#include <stdint.h>

#include "base/err.h"

/* The copy is verified before this returns 0; rows is what it holds. */
int backup_make(const char *state_dir, const char *target, uint64_t *ret_rows,
    struct err *e);

#endif
