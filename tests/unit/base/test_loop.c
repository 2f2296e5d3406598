/*
 * The event loop: order, timers, stale events, signals, deferred tasks.
 * Runs in: tests.
 */
#include "base/loop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#define SEEN_MAX 64

struct seen {
	struct loop *loop;
	char letters[SEEN_MAX];
	size_t count;
	int pipes[2][2];
	struct loop_timer *timer;
	struct loop_task task;
	bool task_again;
};

static void
note(struct seen *s, char letter)
{
	assert_true(s->count + 1 < SEEN_MAX);
	s->letters[s->count++] = letter;
}

static int
setup(void **state)
{
	static struct seen s;

	memset(&s, 0, sizeof(s));
	assert_int_equal(loop_new(&s.loop, NULL), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pipe(s.pipes[i]), 0);
	*state = &s;
	return 0;
}

static int
teardown(void **state)
{
	struct seen *s = *state;

	loop_free(s->loop);
	for (int i = 0; i < 2; i++) {
		(void)close(s->pipes[i][0]);
		(void)close(s->pipes[i][1]);
	}
	return 0;
}

static void
on_a(void *ctx)
{
	note(ctx, 'a');
}

static void
on_b(void *ctx)
{
	note(ctx, 'b');
}

static void
on_stop(void *ctx)
{
	struct seen *s = ctx;

	note(s, '.');
	loop_stop(s->loop);
}

static void
timers_fire_in_order_of_time_and_of_setting(void **state)
{
	struct seen *s = *state;

	assert_int_equal(loop_after(s->loop, 30, on_stop, s, NULL, NULL), 0);
	assert_int_equal(loop_after(s->loop, 20, on_b, s, NULL, NULL), 0);
	assert_int_equal(loop_after(s->loop, 10, on_a, s, NULL, NULL), 0);
	assert_int_equal(loop_after(s->loop, 10, on_b, s, NULL, NULL), 0);
	assert_int_equal(loop_run(s->loop, NULL), 0);
	assert_string_equal(s->letters, "abb.");
}

static void
a_cancelled_timer_does_not_fire(void **state)
{
	struct seen *s = *state;
	struct loop_timer *many[32];

	for (int i = 0; i < 32; i++)
		assert_int_equal(
		    loop_after(s->loop, 32 - i, on_a, s, &many[i], NULL), 0);
	for (int i = 0; i < 32; i += 2)
		loop_cancel(s->loop, many[i]);
	for (int i = 1; i < 32; i += 2)
		loop_cancel(s->loop, many[i]);
	assert_int_equal(loop_after(s->loop, 40, on_stop, s, NULL, NULL), 0);
	assert_int_equal(loop_run(s->loop, NULL), 0);
	assert_string_equal(s->letters, ".");
}

static void
a_timer_set_later_but_due_earlier_fires_first(void **state)
{
	struct seen *s = *state;
	const int64_t start = loop_now_ns();

	assert_int_equal(loop_after(s->loop, 60000, on_a, s, NULL, NULL), 0);
	assert_int_equal(loop_after(s->loop, 5, on_stop, s, NULL, NULL), 0);
	assert_int_equal(loop_run(s->loop, NULL), 0);
	assert_string_equal(s->letters, ".");
	assert_true(loop_now_ns() - start < (int64_t)10 * 1000000000);
}

struct many {
	struct loop_timer *timer;
	struct seen *s;
	unsigned delay;
};

#define MANY 300

static unsigned last_delay, fired;

static void
in_order(void *ctx)
{
	const struct many *m = ctx;

	assert_true(m->delay >= last_delay);
	last_delay = m->delay;
	fired++;
}

static void
whatever_is_cancelled_the_rest_fires_in_order(void **state)
{
	static struct many many[MANY];
	struct seen *s = *state;
	unsigned random = 12345;

	last_delay = 0;
	fired = 0;
	for (size_t i = 0; i < MANY; i++) {
		random = random * 1103515245 + 12345;
		many[i].delay = 5 * (random >> 16 & 15);
		assert_int_equal(loop_after(s->loop, many[i].delay, in_order,
				     &many[i], &many[i].timer, NULL),
		    0);
	}
	for (size_t i = 0; i < MANY; i++) {
		random = random * 1103515245 + 12345;
		if ((random >> 16 & 1) == 0)
			continue;
		loop_cancel(s->loop, many[i].timer);
		fired++;
	}
	/* All are due at once: only the heap tells their order. */
	(void)usleep(100000);
	assert_int_equal(loop_once(s->loop, 1000, NULL), 0);
	assert_int_equal(fired, MANY);
}

/* What takes the place of the cancelled one belongs above its new parent. */
static void
cancelling_in_another_branch_keeps_the_order(void **state)
{
	const unsigned delays[] = { 1, 10, 2, 11, 12, 15, 3 };
	struct many some[ARRAY_LEN(delays)];
	struct seen *s = *state;

	last_delay = 0;
	fired = 0;
	for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
		some[i].delay = delays[i];
		assert_int_equal(loop_after(s->loop, delays[i], in_order,
				     &some[i], &some[i].timer, NULL),
		    0);
	}
	loop_cancel(s->loop, some[3].timer);
	(void)usleep(20000);
	assert_int_equal(loop_once(s->loop, 1000, NULL), 0);
	assert_int_equal(fired, ARRAY_LEN(delays) - 1);
}

static void
set_again(void *ctx)
{
	struct seen *s = ctx;

	note(s, 'r');
	if (s->count < 3)
		(void)loop_after(s->loop, 1, set_again, s, NULL, NULL);
	else
		loop_stop(s->loop);
}

static void
a_timer_may_set_the_next_one(void **state)
{
	struct seen *s = *state;

	assert_int_equal(loop_after(s->loop, 0, set_again, s, NULL, NULL), 0);
	assert_int_equal(loop_run(s->loop, NULL), 0);
	assert_string_equal(s->letters, "rrr");
}

static void
an_endless_delay_does_not_wrap(void **state)
{
	struct seen *s = *state;

	assert_int_equal(
	    loop_after(s->loop, INT64_MAX, on_a, s, &s->timer, NULL), 0);
	assert_int_equal(loop_after(s->loop, 1, on_stop, s, NULL, NULL), 0);
	assert_int_equal(loop_run(s->loop, NULL), 0);
	assert_string_equal(s->letters, ".");
	loop_cancel(s->loop, s->timer);
}

static void
forget_the_other(void *ctx, int fd, unsigned events)
{
	struct seen *s = ctx;
	const int other =
	    fd == s->pipes[0][0] ? s->pipes[1][0] : s->pipes[0][0];

	assert_int_equal(events & LOOP_READ, LOOP_READ);
	note(s, 'f');
	loop_forget(s->loop, other);
	/* The number is in use again before its old event would come. */
	assert_int_equal(
	    loop_fd(s->loop, other, LOOP_READ, forget_the_other, s, NULL), 0);
	loop_forget(s->loop, fd);
}

static void
an_event_for_a_forgotten_descriptor_is_not_delivered(void **state)
{
	struct seen *s = *state;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(write(s->pipes[i][1], "x", 1), 1);
		assert_int_equal(loop_fd(s->loop, s->pipes[i][0], LOOP_READ,
				     forget_the_other, s, NULL),
		    0);
	}
	assert_int_equal(loop_once(s->loop, 1000, NULL), 0);
	assert_string_equal(s->letters, "f");
}

static void
see_hup(void *ctx, int fd, unsigned events)
{
	struct seen *s = ctx;

	(void)fd;
	assert_int_equal(events & LOOP_HUP, LOOP_HUP);
	note(s, 'h');
	loop_forget(s->loop, fd);
}

static void
a_hang_up_is_always_reported(void **state)
{
	struct seen *s = *state;

	assert_int_equal(
	    loop_fd(s->loop, s->pipes[0][0], 0, see_hup, s, NULL), 0);
	(void)close(s->pipes[0][1]);
	s->pipes[0][1] = -1;
	assert_int_equal(loop_once(s->loop, 1000, NULL), 0);
	assert_string_equal(s->letters, "h");
}

static void
on_idle(void *ctx)
{
	struct seen *s = ctx;

	note(s, 'i');
	if (s->task_again)
		loop_defer(s->loop, &s->task);
}

static void
on_task(void *ctx)
{
	note(ctx, 't');
}

static void
deferred_tasks_run_before_and_after_the_idle_function(void **state)
{
	struct seen *s = *state;

	s->task = (struct loop_task){ .fn = on_task, .ctx = s };
	loop_idle(s->loop, on_idle, s);
	loop_defer(s->loop, &s->task);
	loop_defer(s->loop, &s->task);
	s->task_again = true;
	assert_int_equal(loop_once(s->loop, 0, NULL), 0);
	assert_string_equal(s->letters, "tit");
}

static void
a_task_taken_back_does_not_run(void **state)
{
	struct seen *s = *state;
	struct loop_task a = { .fn = on_a, .ctx = s };
	struct loop_task b = { .fn = on_b, .ctx = s };

	s->task = (struct loop_task){ .fn = on_task, .ctx = s };
	loop_defer(s->loop, &a);
	loop_defer(s->loop, &s->task);
	loop_undefer(s->loop, &s->task);
	loop_defer(s->loop, &b);
	loop_undefer(s->loop, &a);
	assert_int_equal(loop_once(s->loop, 0, NULL), 0);
	assert_string_equal(s->letters, "b");
}

static void
on_signal(void *ctx, int signo)
{
	note(ctx, signo == SIGUSR1 ? '1' : '2');
}

static void
signals_come_as_events(void **state)
{
	struct seen *s = *state;

	assert_int_equal(loop_signal(s->loop, SIGUSR1, on_signal, s, NULL), 0);
	assert_int_equal(loop_signal(s->loop, SIGUSR2, on_signal, s, NULL), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_int_equal(raise(SIGUSR2), 0);
	assert_int_equal(s->count, 0);
	assert_int_equal(loop_once(s->loop, 1000, NULL), 0);
	assert_string_equal(s->letters, "12");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(timers_fire_in_order_of_time_and_of_setting),
		T(a_cancelled_timer_does_not_fire),
		T(a_timer_set_later_but_due_earlier_fires_first),
		T(whatever_is_cancelled_the_rest_fires_in_order),
		T(cancelling_in_another_branch_keeps_the_order),
		T(a_timer_may_set_the_next_one),
		T(an_endless_delay_does_not_wrap),
		T(an_event_for_a_forgotten_descriptor_is_not_delivered),
		T(a_hang_up_is_always_reported),
		T(deferred_tasks_run_before_and_after_the_idle_function),
		T(a_task_taken_back_does_not_run),
		T(signals_come_as_events),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
