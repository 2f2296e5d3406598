#ifndef SANDBOX_ONESHOT_H
#define SANDBOX_ONESHOT_H
/* One run for one caller: `assent sandbox`. */
#include "sandbox/plan.h"

enum oneshot_status {
	ONESHOT_FAILED = 123,
	ONESHOT_TIMED_OUT = 124,
	ONESHOT_DENIED = 125,
};

/* Connects the caller's 0, 1, 2; returns the exit status. */
int oneshot_run(const struct plan *p);
/* Prints what went wrong; 123 or 125. */
int oneshot_error(const struct err *e);

#endif
