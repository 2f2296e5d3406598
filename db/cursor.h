#ifndef DB_CURSOR_H
#define DB_CURSOR_H
/*
 * How far each destination has the log: one small file a destination in the
 * folder "exported" of the state folder, a row number and a newline. Whoever
 * exports writes his own after what he sent is safe; retention drops no body
 * that any of them does not have.
 */
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
/* The least of all; ERR_NOTFOUND when nothing was ever exported. */
int cursor_least(const char *state_dir, uint64_t *ret, struct err *e);

#endif
