#ifndef TOOLS_CAPTURE_H
#define TOOLS_CAPTURE_H
/*
 * Run a program with a text on its standard input, and keep what it says.
 *
 *     r = capture(&(struct capture){ .path = path, .argv = argv,
 *         .input = STR(""), .timeout_ms = 5000 }, &out, &status, e);
 *
 * Its environment is ours; beyond the time limit it is killed.
 */
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct capture {
	const char *path;
	char *const *argv;
	struct str input;
	const char *until; /* enough once the output holds this; or NULL */
	int64_t timeout_ms;
};

/* *ret_status: the exit status, or minus a signal. ERR_SYS: it could not be
 * started, or not in time. */
int capture(
    const struct capture *c, struct buf *out, int *ret_status, struct err *e);
/* The program of that name in PATH, or NULL: free it. */
char *capture_find(const char *name);

#endif
