#ifndef DB_MASK_KEY_H
#define DB_MASK_KEY_H
/*
 * The key with which masked values are hashed: one a store, in the file
 * mask.key of the state folder, mode 0600. Whoever has it and the log can ask
 * whether a secret that he knows was seen; a secret that he does not know he
 * can only guess.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"

#define MASK_KEY_FILE "mask.key"

/* make: a new one when there is none; else ERR_NOTFOUND. */
int mask_key_load(const char *state_dir, bool make,
    uint8_t ret[static SHA256_LEN], struct err *e);

#endif
