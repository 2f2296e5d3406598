/*
 * Live questions and limits of bytes.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "asks.h"
#include "meter.h"

#define NS_PER_S 1000000000

struct seen {
	uint64_t ticket;
	size_t sent, yes, no;
	const char *why;
	bool broken;
};

static int
send_question(void *ctx, const struct proxy_ask *a)
{
	struct seen *s = ctx;

	if (s->broken)
		return ERR_LIMIT;
	s->ticket = a->ticket;
	s->sent++;
	return 0;
}

static void
on_answer(void *ctx, bool allow, const char *who, const char *why)
{
	struct seen *s = ctx;

	(void)who;
	if (allow)
		s->yes++;
	else
		s->no++;
	s->why = why;
}

static struct asks
questions(struct loop *l, struct seen *s)
{
	return (struct asks){ .loop = l,
		.send = send_question,
		.ctx = s,
		.max = 2,
		.wait_ms = 20 };
}

static const struct net_host web = { .name = "web.test" };
static const struct net_host other = { .name = "other.test" };
static const struct net_host third = { .name = "third.test" };

static void
who_waits_for_the_same_shares_one_question(void **state)
{
	AUTO(loop_freep) struct loop *l = NULL;
	struct seen s = { .ticket = 0 };
	struct ask_wait w[4];
	struct asks a;

	(void)state;
	assert_int_equal(loop_new(&l, NULL), 0);
	a = questions(l, &s);
	for (size_t i = 0; i < ARRAY_LEN(w); i++) {
		w[i] = (struct ask_wait){ .fn = on_answer, .ctx = &s };
		asks_put(&a, &web, 443, NET_TLS, &w[i]);
	}
	assert_int_equal(s.sent, 1);
	asks_cancel(&w[1]); /* went away */
	asks_cancel(&w[1]);
	/* an answer to another question is none to this */
	asks_verdict(&a,
	    &(struct proxy_verdict){ .ticket = s.ticket + 1, .allow = true });
	assert_int_equal(s.yes, 0);
	asks_verdict(&a,
	    &(struct proxy_verdict){
		.ticket = s.ticket, .allow = true, .remember = true });
	assert_int_equal(s.yes, 3);
	asks_put(&a, &web, 443, NET_TLS, &w[1]);
	assert_int_equal(s.yes, 4);
	assert_int_equal(s.sent, 1);
	/* answered once: a second verdict changes nothing */
	asks_verdict(&a,
	    &(struct proxy_verdict){ .ticket = s.ticket, .remember = true });
	asks_put(&a, &web, 443, NET_TLS, &w[1]);
	assert_int_equal(s.yes, 5);
	asks_put(&a, &web, 80, NET_HTTP, &w[0]);
	assert_int_equal(s.sent, 2);
	asks_cancel(&w[0]);
	asks_done(&a);
}

static void
silence_is_a_no(void **state)
{
	AUTO(loop_freep) struct loop *l = NULL;
	struct seen s = { .ticket = 0 };
	struct ask_wait w = { .fn = on_answer, .ctx = &s };
	struct asks a;

	(void)state;
	assert_int_equal(loop_new(&l, NULL), 0);
	a = questions(l, &s);
	asks_put(&a, &web, 443, NET_TLS, &w);
	for (int i = 0; i < 100 && s.no == 0; i++)
		assert_int_equal(loop_once(l, 50, NULL), 0);
	assert_int_equal(s.no, 1);
	asks_verdict(&a,
	    &(struct proxy_verdict){
		.ticket = s.ticket, .allow = true, .remember = true });
	s.broken = true;
	asks_put(&a, &web, 443, NET_TLS, &w); /* not remembered as a yes */
	assert_int_equal(s.no, 2);
	assert_int_equal(s.yes, 0);
	s.broken = false;
	asks_put(&a, &other, 443, NET_TLS, &w);
	asks_cancel(&w);
	asks_put(&a, &third, 443, NET_TLS, &w);
	assert_int_equal(s.no, 3);
	assert_string_equal(s.why, "too many questions in one run");
	asks_done(&a);
}

static void
a_run_has_its_share_and_no_more(void **state)
{
	struct meter m = { .up_max = 100 };
	int64_t now = NS_PER_S;

	(void)state;
	assert_int_equal(meter_allow(&m, true, now, 60), 60);
	meter_count(&m, true, 60);
	assert_int_equal(meter_allow(&m, true, now, 60), 40);
	assert_int_equal(meter_allow(&m, false, now, 60), 60);
	assert_null(meter_over(&m));
	meter_count(&m, true, 40);
	assert_non_null(strstr(meter_over(&m), "network_limits: up"));
	assert_int_equal(meter_allow(&m, true, now, 1), 0);
}

static void
a_rate_is_kept_over_time(void **state)
{
	struct meter m = { .per_second = 1000000 };
	int64_t now = NS_PER_S;
	size_t moved = 0;

	(void)state;
	for (int ms = 0; ms < 4000; ms++) {
		const size_t n =
		    meter_allow(&m, ms % 2 == 0, now, (size_t)1 << 20);

		meter_count(&m, ms % 2 == 0, n);
		moved += n;
		now += NS_PER_S / 1000;
	}
	assert_in_range(moved, 3900000, 4400000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_waits_for_the_same_shares_one_question),
		cmocka_unit_test(silence_is_a_no),
		cmocka_unit_test(a_run_has_its_share_and_no_more),
		cmocka_unit_test(a_rate_is_kept_over_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
