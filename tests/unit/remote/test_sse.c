/*
 * Events out of bytes: what the format says, and its limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "sse.h"

#define EVENT_MAX 64
#define SEEN_MAX 4096

static void
on_event(void *ctx, struct str data)
{
	struct buf *seen = ctx;

	buf_putc(seen, '[');
	buf_put_str(seen, data);
	buf_putc(seen, ']');
}

static void
expect(const char *text, const char *want, const char *id, int64_t retry_ms)
{
	AUTO_BUF struct buf seen = BUF_INIT(SEEN_MAX);
	AUTO(sse_done) struct sse s = SSE_INIT(EVENT_MAX, on_event, &seen);
	const struct str bytes = str_of(text);

	assert_int_equal(sse_feed(&s, bytes.s, bytes.len, NULL), 0);
	assert_string_equal(buf_cstr(&seen), want);
	assert_string_equal(s.id, id);
	assert_int_equal(s.retry_ms, retry_ms);
}

static void
events_end_with_an_empty_line(void **state)
{
	(void)state;
	expect("data: a\n\ndata:b\r\n\r\ndata:  c\r\rdata: d\n", "[a][b][ c]",
	    "", -1);
}

static void
data_of_several_lines_is_one(void **state)
{
	(void)state;
	expect("data: a\ndata\ndata: b\n\n", "[a\n\nb]", "", -1);
}

static void
an_event_without_data_brings_its_id(void **state)
{
	(void)state;
	expect("id: 7\nretry: 250\n\n", "", "7", 250);
	expect("id: 7\ndata: \n\nid\n\n", "[]", "", -1);
}

static void
what_is_not_known_is_left_out(void **state)
{
	(void)state;
	expect(
	    ": word\nevent: x\nfoo: y\n:\ndata: a\nretry: soon\nretry: -1\n\n",
	    "[a]", "", -1);
	expect("\xef\xbb\xbf"
	       "data: a\n\n",
	    "[a]", "", -1);
}

static void
nobody_makes_us_wait_for_days(void **state)
{
	(void)state;
	expect("retry: 4000000000\n\n", "", "", SSE_RETRY_MS_MAX);
}

static void
an_event_that_is_too_long_is_an_error(void **state)
{
	AUTO_BUF struct buf seen = BUF_INIT(SEEN_MAX);
	AUTO(sse_done) struct sse line = SSE_INIT(EVENT_MAX, on_event, &seen);
	AUTO(sse_done) struct sse lines = SSE_INIT(EVENT_MAX, on_event, &seen);
	int r = 0;

	(void)state;
	for (int i = 0; i <= EVENT_MAX && r == 0; i++)
		r = sse_feed(&line, "x", 1, NULL);
	assert_int_equal(r, ERR_LIMIT);
	r = 0;
	for (int i = 0; i <= EVENT_MAX && r == 0; i++)
		r = sse_feed(&lines, "data: xxxxxxxx\n", 15, NULL);
	if (r == 0)
		r = sse_feed(&lines, "\n", 1, NULL);
	assert_int_equal(r, ERR_LIMIT);
	assert_int_equal(seen.len, 0);
}

static void
an_id_that_cannot_be_sent_back_is_none(void **state)
{
	AUTO_BUF struct buf seen = BUF_INIT(SEEN_MAX);
	AUTO(sse_done) struct sse s = SSE_INIT(EVENT_MAX, on_event, &seen);

	(void)state;
	assert_int_equal(sse_feed(&s, "id: 1\nid: a\0b\n\n", 15, NULL), 0);
	assert_string_equal(s.id, "1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_end_with_an_empty_line),
		cmocka_unit_test(data_of_several_lines_is_one),
		cmocka_unit_test(an_event_without_data_brings_its_id),
		cmocka_unit_test(what_is_not_known_is_left_out),
		cmocka_unit_test(nobody_makes_us_wait_for_days),
		cmocka_unit_test(an_event_that_is_too_long_is_an_error),
		cmocka_unit_test(an_id_that_cannot_be_sent_back_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
