#ifndef DB_SEAL_INT_H
#define DB_SEAL_INT_H
/*
 * What seal.c (the checkpoints) and seal_keys.c (who signs them) share.
 */
#include <sys/types.h>

#include "seal.h"

struct seal {
	char *dir;
	struct note_key *key;
	int64_t key_since_ns, key_life_ns;
	int fd; /* checkpoints, for appending */
	off_t len;
	bool half; /* the file may go on after len */
	uint64_t size;
	uint8_t root[SHA256_LEN];
	struct buf last; /* the last note as it is in the file */
};

/* The path of a file beside the store. */
void seal_path(const struct seal *s, const char *name, struct buf *out);
/*
 * The key that continues the file whose last note is last (text.len 0: none).
 * origin: the log's name, NULL for a new log, which then gets a key.
 */
int seal_key_open(
    struct seal *s, const char *origin, const struct note *last, struct err *e);
/* Makes the next key and stores it beside the present one. */
int seal_key_next(const struct seal *s, struct note_key **ret, struct err *e);
/* Its announcement is durable: from now on next (taken) signs, whatever
 * becomes of the files; what cannot be erased now is at the next start. */
void seal_key_take_over(
    struct seal *s, struct note_key *next, int64_t now_real_ns);

/* ---- seal_read.c, for seal_foreign.c ------------------------------------ */

int seal_set_put_key(
    struct seal_set *s, const struct note_public *p, struct err *e);
int seal_set_put_point(
    struct seal_set *s, const struct note *n, bool foreign, struct err *e);
/* Empty lines, and signatures of witnesses, which we do not judge. */
struct str seal_skip_between(struct str rest);
/* ERR_NOTFOUND: there is none. */
int seal_read_file(const char *path, struct buf *out, struct err *e);
/* The n-th checkpoint of a file is bad: says which. */
int seal_damaged(const char *path, size_t n, int code, struct err *e);

#endif
