#ifndef API_DEADLINE_H
#define API_DEADLINE_H
/*
 * Deadlines of many clients at the price of one timer: one list for each
 * kind, each kind with one period, so that every list is in order by itself.
 *
 *     deadline_set(&d, &c->deadline, DEADLINE_REQUEST);
 *     deadline_set(&d, &c->deadline, DEADLINE_NONE);
 */
#include <stdint.h>

#include "base/loop.h"

enum deadline_kind {
	DEADLINE_NONE,
	DEADLINE_IDLE, /* nothing asked */
	DEADLINE_REQUEST, /* the whole of a request, from its first byte */
	DEADLINE_ENGINE, /* the answer */
	DEADLINE_CLIENT, /* takes some more of the answer */
	DEADLINE_LINGER, /* reads the end before it is closed */
	DEADLINE_STREAM, /* a sign of life for a stream */
	DEADLINE_KINDS,
};

struct deadline {
	struct deadline *prev, *next;
	enum deadline_kind kind;
	int64_t due_ns;
	void *ctx; /* set by the owner */
};

typedef void deadline_fn(void *ctx, enum deadline_kind kind);

struct deadlines {
	struct loop *loop;
	deadline_fn *fn;
	int64_t period_ms[DEADLINE_KINDS];
	struct deadline *first[DEADLINE_KINDS], *last[DEADLINE_KINDS];
	struct loop_timer *timer;
	int64_t armed_ns; /* 0: not armed */
};

/* Moves d to the end of a kind's list (its time begins now). Where no timer
 * can be had, the next call tries again. */
void deadline_set(
    struct deadlines *all, struct deadline *d, enum deadline_kind kind);
/* The longest waiting of a kind, or NULL. */
struct deadline *deadline_oldest(
    const struct deadlines *all, enum deadline_kind kind);
void deadlines_done(struct deadlines *all);

#endif
