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
	/* How long to wait for a process that is just ending. */
	int64_t lock_wait_ms;
	int64_t (*real_ns)(void), (*boot_ns)(void);
};

int store_open(
    const struct store_options *o, struct recorder **ret, struct err *e);
void store_close(struct recorder *r);
void store_closep(struct recorder **r);

/* The folder, and the path of the database in it, without symbolic links. */
int store_locate(const char *state_dir, struct buf *ret_dir,
    struct buf *ret_path, struct err *e);
/* The same for those who only read: ERR_INVALID when there is no log. */
int store_find(const char *state_dir, struct buf *ret_dir, struct buf *ret_path,
    struct err *e);

#endif
