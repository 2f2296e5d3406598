#ifndef DB_CURSOR_H
#define DB_CURSOR_H
/*
 * How far each destination has the log: one small file a destination in the
 * folder "exported" of the state folder, a row number and a newline. Whoever
 * exports writes his own after what he sent is safe; retention drops no body
 * that any of them does not have.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CURSOR_DIR "exported"
#define CURSOR_NAME_MAX 64

/* 0 rows when there is no such destination yet. */
int cursor_read(
    const char *state_dir, const char *name, uint64_t *ret, struct err *e);
int cursor_write(
    const char *state_dir, const char *name, uint64_t seq, struct err *e);
/* Each of them; non-zero of fn ends it. */
typedef int cursor_fn(void *ctx, const char *name, uint64_t seq, struct err *e);
int cursor_each(const char *state_dir, cursor_fn *fn, void *ctx, struct err *e);
/* Takes it away: nothing waits for that destination any more. ERR_NOTFOUND:
 * there is none of that name. */
int cursor_forget(const char *state_dir, const char *name, struct err *e);

struct cursor {
	char name[CURSOR_NAME_MAX + 1];
	uint64_t seq;
};

/* The least of all, or of those that are not the daemon's own destinations;
 * ERR_NOTFOUND when nothing was ever exported. */
int cursor_least(
    const char *state_dir, bool others, struct cursor *ret, struct err *e);

#endif
