#ifndef TOOLS_SECRET_LINE_H
#define TOOLS_SECRET_LINE_H
/*
 * A line of a terminal that nobody sees on it: a passphrase.
 *
 *     r = secret_line(&(struct secret_line){ .tty = tty, .stop_fd = -1,
 *         .prompt = "Passphrase: ", .timeout_ms = -1 }, &line, e);
 *     secret_line_wipe(&line);
 */
#include <stddef.h>

#include "base/err.h"
#include "base/passphrase.h"

struct secret_line {
	int tty;
	int stop_fd; /* readable: nobody waits any more; or -1 */
	const char *prompt;
	int timeout_ms; /* as for poll */
};

struct secret_text {
	char s[PASSPHRASE_LEN_MAX + 2]; /* and the end of the line */
	size_t len;
};

/* ERR_NOTFOUND: nothing was typed in time; ERR_INVALID: too long, no UTF-8. */
int secret_line(
    const struct secret_line *o, struct secret_text *ret, struct err *e);
void secret_line_wipe(struct secret_text *t);

#endif
