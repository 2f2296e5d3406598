#ifndef TOOLS_RUN_TTY_H
#define TOOLS_RUN_TTY_H
/*
 * `assent run --tty`: the run's terminal shown in ours, and lines for it.
 *
 *     r = run_tty_take(&t, r->now.id, e)      ours becomes raw
 *     ... when STDIN_FILENO is readable: run_tty_keys(&t, r, e)
 *     ... on SIGWINCH: run_tty_size(r)
 *     run_tty_give_back(&t)
 *
 * What is typed is a line at a time: each is an action of its own ('stdin'),
 * judged before the run gets it. Ctrl-C and Ctrl-\ are signals, Ctrl-D on an
 * empty line is the end of input.
 */
#include <termios.h>

#include "base/buf.h"
#include "run.h"

#define RUN_TTY_LINE_MAX 4096

struct run_tty {
	bool taken;
	struct termios before;
	struct buf line; /* typed, not sent */
};

int run_tty_take(struct run_tty *t, struct err *e);
void run_tty_give_back(struct run_tty *t);
/* Reads what was typed; 0, or an error that ends the command. */
int run_tty_keys(struct run_tty *t, struct run *r, struct err *e);
void run_tty_size(struct run *r);

#endif
