/*
 * Deadlines in lists, one timer for all.
 * Runs in: front.  Trusts: its callers.  Owns: the timer.
 */
#include "deadline.h"

#include <assert.h>
#include <stddef.h>

#define NS_PER_MS ((int64_t)1000000)

static void arm(struct deadlines *all);

static void
unlink_it(struct deadlines *all, struct deadline *d)
{
	if (d->kind == DEADLINE_NONE)
		return;
	if (d->prev != NULL)
		d->prev->next = d->next;
	else
		all->first[d->kind] = d->next;
	if (d->next != NULL)
		d->next->prev = d->prev;
	else
		all->last[d->kind] = d->prev;
	d->prev = d->next = NULL;
	d->kind = DEADLINE_NONE;
}

static int64_t
earliest(const struct deadlines *all)
{
	int64_t due = 0;

	for (unsigned k = DEADLINE_NONE + 1; k < DEADLINE_KINDS; k++) {
		const struct deadline *d = all->first[k];

		if (d != NULL && (due == 0 || d->due_ns < due))
			due = d->due_ns;
	}
	return due;
}

static void
on_timer(void *ctx)
{
	struct deadlines *all = ctx;
	const int64_t now = loop_now_ns();

	all->timer = NULL;
	all->armed_ns = 0;
	for (unsigned k = DEADLINE_NONE + 1; k < DEADLINE_KINDS; k++) {
		struct deadline *d;

		while ((d = all->first[k]) != NULL && d->due_ns <= now) {
			unlink_it(all, d);
			all->fn(d->ctx, (enum deadline_kind)k);
		}
	}
	arm(all);
}

/* Only when something is due earlier than the timer fires: deadlines are set
 * and dropped all the time. */
static void
arm(struct deadlines *all)
{
	const int64_t due = earliest(all);
	int64_t wait;

	if (due == 0 || (all->armed_ns != 0 && all->armed_ns <= due))
		return;
	loop_cancel(all->loop, all->timer);
	all->timer = NULL;
	all->armed_ns = 0;
	wait = (due - loop_now_ns()) / NS_PER_MS + 1;
	if (loop_after(all->loop, wait, on_timer, all, &all->timer, NULL) == 0)
		all->armed_ns = due;
}

void
deadline_set(struct deadlines *all, struct deadline *d, enum deadline_kind kind)
{
	assert(kind < DEADLINE_KINDS);
	unlink_it(all, d);
	if (kind == DEADLINE_NONE)
		return;
	d->kind = kind;
	d->due_ns = loop_now_ns() + all->period_ms[kind] * NS_PER_MS;
	d->prev = all->last[kind];
	if (d->prev != NULL)
		d->prev->next = d;
	else
		all->first[kind] = d;
	all->last[kind] = d;
	arm(all);
}

struct deadline *
deadline_oldest(const struct deadlines *all, enum deadline_kind kind)
{
	return all->first[kind];
}

void
deadlines_done(struct deadlines *all)
{
	loop_cancel(all->loop, all->timer);
	all->timer = NULL;
	all->armed_ns = 0;
}
