#ifndef SANDBOX_TERMINAL_H
#define SANDBOX_TERMINAL_H
/*
 * A terminal of a run's own, and the caller's while it is shown there.
 *
 *     terminal_open(&master, &slave, e)    in the run: of its own devpts
 *     terminal_take(&t, e)                 the caller's becomes raw
 *     terminal_resize(&t, master)          now and at each SIGWINCH
 *     terminal_give_back(&t)
 *
 * The caller's terminal is never seen by the run. It is put back as it was
 * also when this process is killed: a small process waits for that.
 */
#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

#include "base/err.h"

struct terminal {
	bool taken;
	struct termios before;
	int alive; /* its closing tells the guard that we are gone */
	pid_t guard;
};

int terminal_open(int *ret_master, int *ret_slave, struct err *e);
/* ERR_INVALID when the standard input is no terminal. */
int terminal_take(struct terminal *t, struct err *e);
void terminal_resize(int master);
void terminal_give_back(struct terminal *t);

#endif
