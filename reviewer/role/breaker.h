#ifndef REVIEWER_ROLE_BREAKER_H
#define REVIEWER_ROLE_BREAKER_H
/*
 * Does it make sense to ask this provider now? Pure: the clock is given.
 *
 *     if (!breaker_try(&b, now)) ...      not now: ask a person at once
 *     breaker_ok(&b);                     it answered
 *     breaker_failed(&b, now, false);     it did not
 *
 * BREAKER_FAILURES failures in a row open it; after a pause, which doubles,
 * one question is let through, and its fate decides.
 */
#include <stdbool.h>
#include <stdint.h>

#define BREAKER_FAILURES 3
#define BREAKER_PAUSE_MS 10000
#define BREAKER_PAUSE_MAX_MS 300000

struct breaker {
	unsigned failures; /* in a row */
	int64_t open_until_ns; /* 0: closed */
	int64_t pause_ns;
	bool probing; /* the one question is under way */
};

bool breaker_try(struct breaker *b, int64_t now_ns);
void breaker_ok(struct breaker *b);
/* hard: it will not be better in a moment (a wrong key, no money). */
void breaker_failed(struct breaker *b, int64_t now_ns, bool hard);
/* What was let through says nothing about it. */
void breaker_dropped(struct breaker *b);
/* "closed", "open", "half-open" */
const char *breaker_state(const struct breaker *b, int64_t now_ns);

#endif
