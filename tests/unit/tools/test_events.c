/*
 * Server-sent events: the same events however the stream is cut.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "events.h"

#define SEEN_MAX ((size_t)1 << 20)

struct seen {
	struct buf text;
	int fail_with;
};

static int
on_event(void *ctx, struct str name, struct str data, struct err *e)
{
	struct seen *s = ctx;

	buf_printf(&s->text, "[%.*s|%.*s]", STR_ARG(name), STR_ARG(data));
	if (s->fail_with != 0)
		return err_set(e, s->fail_with, "enough");
	return ERR_OK;
}

/* What the events of stream are when it comes in pieces of cut bytes. */
static void
assert_events(struct str stream, size_t cut, const char *expected)
{
	struct seen s = { .text = BUF_INIT(SEEN_MAX) };
	struct events in = EVENTS_INIT(on_event, &s);
	struct err e = ERR_INIT;

	for (size_t at = 0; at < stream.len; at += cut)
		assert_int_equal(
		    events_feed(&in, str_head(str_from(stream, at), cut), &e),
		    0);
	assert_string_equal(buf_cstr(&s.text), expected);
	events_done(&in);
	buf_free(&s.text);
}

static void
assert_events_however_cut(struct str stream, const char *expected)
{
	for (size_t cut = 1; cut <= stream.len; cut++)
		assert_events(stream, cut, expected);
}

static void
events_are_the_same_however_the_stream_is_cut(void **state)
{
	(void)state;
	assert_events_however_cut(
	    STR("event: stdout\ndata: \"a\"\n\nevent: x\ndata: 1\n\n"),
	    "[stdout|\"a\"][x|1]");
}

static void
data_lines_are_joined_and_the_last_newline_is_none(void **state)
{
	(void)state;
	assert_events_however_cut(
	    STR("data: a\ndata: b\ndata:\n\n"), "[|a\nb\n]");
}

static void
carriage_returns_and_missing_blanks_are_fine(void **state)
{
	(void)state;
	assert_events_however_cut(
	    STR("event:e\r\ndata:  two\r\n\r\n"), "[e| two]");
}

static void
comments_and_other_fields_are_no_events(void **state)
{
	(void)state;
	assert_events_however_cut(
	    STR(": ping\n\nid: 7\nretry: 3\n\nevent: x\n\n"), "");
}

static void
an_event_without_its_end_is_none(void **state)
{
	(void)state;
	assert_events_however_cut(STR("event: e\ndata: a\n"), "");
}

static void
a_name_of_the_last_event_is_not_kept(void **state)
{
	(void)state;
	assert_events_however_cut(
	    STR("event: e\ndata: a\n\ndata: b\n\n"), "[e|a][|b]");
}

static void
a_name_that_is_too_long_is_an_error(void **state)
{
	struct seen s = { .text = BUF_INIT(SEEN_MAX) };
	struct events in = EVENTS_INIT(on_event, &s);
	AUTO_BUF struct buf line = BUF_INIT(1024);

	(void)state;
	buf_puts(&line, "event: ");
	for (int i = 0; i < EVENT_NAME_MAX; i++)
		buf_putc(&line, 'x');
	buf_puts(&line, "\ndata: a\n\n");
	assert_int_equal(events_feed(&in, buf_str(&line), NULL), ERR_LIMIT);
	assert_string_equal(buf_cstr(&s.text), "");
	events_done(&in);
	buf_free(&s.text);
}

static void
an_event_that_is_too_long_is_an_error(void **state)
{
	struct seen s = { .text = BUF_INIT(SEEN_MAX) };
	struct events in = EVENTS_INIT(on_event, &s);
	static const char chunk[1 << 16] = "data";
	int r = 0;

	(void)state;
	for (size_t i = 0; r == 0 && i <= EVENT_BYTES_MAX; i += sizeof(chunk))
		r = events_feed(&in, str_n(chunk, sizeof(chunk)), NULL);
	assert_int_equal(r, ERR_LIMIT);
	events_done(&in);
	buf_free(&s.text);
}

static void
an_error_of_the_receiver_ends_the_stream(void **state)
{
	struct seen s = { .text = BUF_INIT(SEEN_MAX), .fail_with = ERR_DENIED };
	struct events in = EVENTS_INIT(on_event, &s);

	(void)state;
	assert_int_equal(
	    events_feed(&in, STR("data: a\n\ndata: b\n\n"), NULL), ERR_DENIED);
	assert_string_equal(buf_cstr(&s.text), "[|a]");
	events_done(&in);
	buf_free(&s.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_the_same_however_the_stream_is_cut),
		cmocka_unit_test(
		    data_lines_are_joined_and_the_last_newline_is_none),
		cmocka_unit_test(carriage_returns_and_missing_blanks_are_fine),
		cmocka_unit_test(comments_and_other_fields_are_no_events),
		cmocka_unit_test(an_event_without_its_end_is_none),
		cmocka_unit_test(a_name_of_the_last_event_is_not_kept),
		cmocka_unit_test(a_name_that_is_too_long_is_an_error),
		cmocka_unit_test(an_event_that_is_too_long_is_an_error),
		cmocka_unit_test(an_error_of_the_receiver_ends_the_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
