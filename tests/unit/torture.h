/*
 * Memory that runs out at every single point: a scenario is run with its
 * first, second, third allocation failing, and so on until it succeeds. Each
 * time it must say ERR_NOMEM and give everything back. Included once by a
 * program named test_torture*.c, which is linked with malloc, calloc, realloc
 * and free wrapped (assent_unit_tests).
 */
#ifndef UNIT_TORTURE_H
#define UNIT_TORTURE_H
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define TORTURE_POINTS_MAX 10000

/* Allocations until one fails (negative: never), and what is not given
 * back. */
static long torture_countdown = -1;
static long torture_outstanding;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);

static bool
torture_fails_now(void)
{
	if (torture_countdown < 0)
		return false;
	return torture_countdown-- == 0;
}

static void *
torture_counted(void *p)
{
	torture_outstanding += p != NULL;
	return p;
}

void *
__wrap_malloc(size_t size)
{
	return torture_fails_now() ? NULL
				   : torture_counted(__real_malloc(size));
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return torture_fails_now()
	    ? NULL
	    : torture_counted(__real_calloc(count, size));
}

void *
__wrap_realloc(void *p, size_t size)
{
	if (torture_fails_now())
		return NULL;
	torture_outstanding -= p != NULL;
	return torture_counted(__real_realloc(p, size));
}

void
__wrap_free(void *p)
{
	torture_outstanding -= p != NULL;
	__real_free(p);
}

typedef int torture_fn(void);

static void
torture_each(torture_fn *fn, long allocations_min, bool may_manage)
{
	const long before = torture_outstanding;
	long point = 0;
	bool injected;

	do {
		int r;

		torture_countdown = point++;
		r = fn();
		injected = torture_countdown < 0;
		torture_countdown = -1;
		if (r != (injected ? ERR_NOMEM : 0) && !(r == 0 && may_manage))
			fail_msg("failure %ld gives %d", point, r);
		assert_int_equal(torture_outstanding, before);
		assert_true(point < TORTURE_POINTS_MAX);
	} while (injected);
	/* It did fail, and often enough to mean something. */
	assert_true(point > allocations_min);
}

/* Without what was lacking there is no success. */
__attribute__((unused)) static void
torture(torture_fn *fn, long allocations_min)
{
	torture_each(fn, allocations_min, false);
}

/* Where something can be done without, it may succeed all the same. */
__attribute__((unused)) static void
torture_but_manages(torture_fn *fn, long allocations_min)
{
	torture_each(fn, allocations_min, true);
}

#endif
