#ifndef BASE_LOOP_H
#define BASE_LOOP_H
/*
 * The event loop of a role: descriptors, timers, signals; single-threaded.
 *
 *     r = loop_new(&l, e);
 *     r = loop_fd(l, fd, LOOP_READ, on_readable, ctx, e);
 *     loop_after(l, 5000, on_timeout, ctx, &timer, e);
 *     r = loop_run(l, e);              until loop_stop
 *
 * After each batch of events the idle function runs once: the engine commits
 * there, so all decisions of a batch share one commit. Deferred tasks run
 * before and after it: links send there what was queued, in one system call.
 */
#include <stdbool.h>
#include <stdint.h>

#include "err.h"

enum loop_events {
	LOOP_READ = 1,
	LOOP_WRITE = 2,
	LOOP_HUP = 4, /* always reported */
};

struct loop;
struct loop_timer;
typedef void loop_fn(void *ctx, int fd, unsigned events);
typedef void loop_timer_fn(void *ctx);
typedef void loop_signal_fn(void *ctx, int signo);
typedef void loop_idle_fn(void *ctx);

/* In the caller's own struct; runs once for each loop_defer. */
struct loop_task {
	loop_idle_fn *fn;
	void *ctx;
	struct loop_task *next;
	bool queued;
};

int loop_new(struct loop **ret, struct err *e);
void loop_free(struct loop *l);
void loop_freep(struct loop **l);
/* Watches fd (borrowed until loop_forget). */
int loop_fd(struct loop *l, int fd, unsigned events, loop_fn *fn, void *ctx,
    struct err *e);
int loop_change(struct loop *l, int fd, unsigned events, struct err *e);
/* Before the descriptor is closed. Events already read are not delivered. */
void loop_forget(struct loop *l, int fd);
/* One shot; *ret is valid until it fires or loop_cancel. */
int loop_after(struct loop *l, int64_t delay_ms, loop_timer_fn *fn, void *ctx,
    struct loop_timer **ret, struct err *e);
/* t may be NULL. */
void loop_cancel(struct loop *l, struct loop_timer *t);
/* By signalfd; blocks the signal. */
int loop_signal(
    struct loop *l, int signo, loop_signal_fn *fn, void *ctx, struct err *e);
void loop_idle(struct loop *l, loop_idle_fn *fn, void *ctx);
/* Runs t->fn before the loop waits again; nothing when already queued. */
void loop_defer(struct loop *l, struct loop_task *t);
void loop_undefer(struct loop *l, struct loop_task *t);
int loop_run(struct loop *l, struct err *e);
/* One batch: waits at most wait_ms (negative: until something happens). */
int loop_once(struct loop *l, int wait_ms, struct err *e);
void loop_stop(struct loop *l);
/* Readable when loop_once has something to do: for a poll of somebody else. */
int loop_poll_fd(const struct loop *l);
/* CLOCK_BOOTTIME, nanoseconds: deadlines. */
int64_t loop_now_ns(void);
int64_t loop_now_ms(void); /* the same in milliseconds */
/* CLOCK_REALTIME, nanoseconds: what is shown and stored. */
int64_t loop_realtime_ns(void);

#endif
