#ifndef DB_STORE_H
#define DB_STORE_H
/*
 * The recorder behind core/ports.h, with what tests need to turn.
 *
 *     r = store_open(&(struct store_options){ .state_dir = dir }, &rec, e);
 */
#include "core/ports.h"

#define STORE_FILE "assent.db"
#define STORE_LOCK_FILE "assent.lock"
#define STORE_RESERVE_FILE "reserve"

struct store_options {
	const char *state_dir; /* made when it is not there */
	const char *vfs; /* NULL: the default */
	uint64_t seal_rows; /* 0: SEAL_ROWS, and so on */
	int64_t seal_ns, key_life_ns;
	int64_t (*real_ns)(void), (*boot_ns)(void);
};

int store_open(
    const struct store_options *o, struct recorder **ret, struct err *e);
void store_close(struct recorder *r);
void store_closep(struct recorder **r);

/* The files of a state folder, checked: owner, mode, kind. The path of the
 * database without symbolic links. */
int store_check_files(const char *state_dir, struct buf *ret_dir,
    struct buf *ret_path, struct err *e);

#endif
