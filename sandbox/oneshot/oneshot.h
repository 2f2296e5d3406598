#ifndef SANDBOX_ONESHOT_H
#define SANDBOX_ONESHOT_H
/* One run for one caller: `assent sandbox`. */
#include <time.h>

#include "sandbox/plan.h"

enum oneshot_status {
	ONESHOT_FAILED = 123,
	ONESHOT_TIMED_OUT = 124,
	ONESHOT_DENIED = 125,
};

/* What becomes of an overlay: "all", "none", or paths. */
struct oneshot_apply {
	const char *const *words;
	size_t count;
};

struct blank;

/* Connects the caller's 0, 1, 2; returns the exit status. begun, where there
 * is one, gets the plan's record, or is over. */
int oneshot_run(const struct plan *p, const struct oneshot_apply *apply,
    struct blank *begun, struct str record);
/* A line on stderr, escaped. */
void oneshot_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Shows what a run changed in its copy, applies what was asked for; status is
 * the command's and becomes 125 when something could not be applied. */
int oneshot_overlay(const struct plan *p, const struct oneshot_apply *apply,
    int layer, int workspace, const struct timespec *began, int status);
/* Prints what went wrong; 123 or 125. */
int oneshot_error(const struct err *e);

#endif
