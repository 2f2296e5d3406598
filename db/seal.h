#ifndef DB_SEAL_H
#define DB_SEAL_H
/*
 * The signed checkpoints beside the store: what makes a cut, a rollback or a
 * log that was chained anew visible.
 *
 *     r = seal_open(&(struct seal_options){ .dir = state_dir }, &s, e);
 *     r = seal_write(s, size, root, now_ns, e);
 *     seal_close(s);
 *
 * Files: log.key (0600, the key of today), log.pub (the first public key:
 * keep a copy elsewhere), checkpoints (signed notes, appended to only).
 * Once a key is SEAL_KEY_SECONDS old the next one is announced under its
 * signature and it is erased: a thief of today's key cannot sign yesterday.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "note.h"
#include "store_limits.h"

#define SEAL_KEY_FILE "log.key"
#define SEAL_PUBLIC_FILE "log.pub"
#define SEAL_FILE "checkpoints"

struct seal;

struct seal_options {
	const char *dir;
	/* The name in the store; NULL: a new log, make a key unless there is
	 * one already. */
	const char *origin;
	int64_t key_life_ns; /* 0: SEAL_KEY_SECONDS */
};

int seal_open(const struct seal_options *o, struct seal **ret, struct err *e);
void seal_close(struct seal *s);
void seal_closep(struct seal **s);
const char *seal_origin(const struct seal *s);
const struct note_public *seal_public(const struct seal *s);
/* What the last note in the file attests; size 0: there is none. */
uint64_t seal_size(const struct seal *s);
const uint8_t *seal_root(const struct seal *s);
/* The last note itself, text of seal_size; empty: there is none. */
struct str seal_note(const struct seal *s);
/* Durable when it returns 0. The rows must be durable before. */
int seal_write(struct seal *s, uint64_t size,
    const uint8_t root[static SHA256_LEN], int64_t now_real_ns, struct err *e);

/* ---- reading, by whoever verifies -------------------------------------- */

struct seal_point {
	uint64_t size;
	uint8_t root[SHA256_LEN];
	bool foreign; /* from another file than the store's own */
};

struct seal_set {
	struct note_public *keys; /* in the order of their time */
	size_t key_count, key_cap;
	struct seal_point *points; /* seal_set_sort: by size */
	size_t count, cap;
	bool torn; /* the file ends in the middle of a note */
	/* For proofs: the newest note as it is in the file, and those before
	 * it that hand over to another key, an empty line after each. */
	struct buf newest, handovers;
};

#define SEAL_SET_INIT                                                          \
	{                                                                      \
		.newest = BUF_INIT(NOTE_BYTES_MAX),                            \
		.handovers = BUF_INIT(SEAL_FILE_BYTES_MAX),                    \
	}

void seal_set_free(struct seal_set *s);
/*
 * The store's own file, from its first key on. Every signature is checked
 * and every key must have been announced by the one before. ERR_DENIED: the
 * file is not what this log has signed; ERR_NOTFOUND: there is no file.
 */
int seal_set_load(struct seal_set *s, const char *path,
    const struct note_public *first, struct err *e);
/* The same for notes in memory; name is for errors. */
int seal_set_parse(struct seal_set *s, const char *name, struct str text,
    const struct note_public *first, struct err *e);
/*
 * Notes kept elsewhere, signed by any key that is known by now: a copy of the
 * file, or any text in which checkpoints are words (model/checkpoint_word.h).
 * There, those of other logs are left out. ERR_DENIED: one is not this log's,
 * ERR_INVALID: there is none.
 */
int seal_set_add(struct seal_set *s, const char *path, struct err *e);
/* By size. */
void seal_set_sort(struct seal_set *s);

#endif
