#ifndef DB_VERIFY_H
#define DB_VERIFY_H
/*
 * Is this log what was recorded? Offline, read-only, from the outside.
 *
 *     r = verify_log(&(struct verify_options){ .state_dir = dir }, &v, e);
 *     0: v tells how far and by which signatures; ERR_DENIED: v.bad_seq and
 *     e say what is wrong; others: it could not be read.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"
#include "note.h"

struct reader;

struct verify_options {
	const char *state_dir;
	/* The first public key, kept elsewhere; NULL: the one in the folder. */
	const char *public_key;
	const char *const *against; /* files of checkpoints kept elsewhere */
	size_t against_count;
};

struct verify_result {
	uint64_t rows; /* good ones, from the first on */
	uint64_t bad_seq; /* 0: none, or not of one row */
	uint64_t bodies_dropped; /* by retention */
	uint64_t signed_rows; /* covered by the newest signature */
	size_t checkpoints, foreign_checkpoints, keys;
	bool torn; /* the checkpoints end in half a note */
	uint8_t head[SHA256_LEN], root[SHA256_LEN];
	struct note_public first_key; /* bytes zero: not read */
};

int verify_log(
    const struct verify_options *o, struct verify_result *ret, struct err *e);

#endif
