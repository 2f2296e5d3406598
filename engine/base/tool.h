#ifndef BASE_TOOL_H
#define BASE_TOOL_H
/*
 * Run one of the system's programs to its end: text in, text out, in bounded
 * time.
 *
 *     char *const argv[] = { "nft", "-f", "-", NULL };
 *     r = tool_run(&(struct tool_call){ .path = "/usr/sbin/nft", .argv = argv,
 *         .input = text }, &output, e);
 */
#include "buf.h"
#include "err.h"
#include "str.h"

#define TOOL_TIMEOUT_MS 10000

struct tool_call {
	const char *path;
	char *const *argv;
	struct str input; /* its standard input; empty: nothing */
};

/* Standard output and errors together. ERR_NOTFOUND: there is no such
 * program; ERR_SYS with the first line of what it said: it failed. */
int tool_run(const struct tool_call *t, struct buf *ret_output, struct err *e);

#endif
