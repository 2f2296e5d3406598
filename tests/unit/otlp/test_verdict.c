/*
 * What a collector's answer means: nothing is given up but what is bad.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "verdict.h"

static struct sink_result
judge(long status, struct str body, enum wire_form form, char *why)
{
	const struct post_result r = {
		.status = status,
		.body = body,
		.why = status == 0 ? "connection refused" : NULL,
	};
	struct sink_result ret;

	verdict_of_otlp(&r, form, "rejectedLogRecords", why, &ret);
	return ret;
}

static enum sink_verdict
of_status(long status)
{
	char why[VERDICT_WHY_MAX];

	return judge(status, STR(""), WIRE_JSON, why).verdict;
}

static void
only_what_is_said_to_be_bad_is_given_up(void **state)
{
	static const long later[] = { 0, 100, 301, 302, 401, 403, 404, 405, 408,
		415, 429, 500, 501, 502, 503, 504, 599 };
	static const long refused[] = { 400, 413, 422 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(later); i++)
		assert_int_equal(of_status(later[i]), SINK_LATER);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_int_equal(of_status(refused[i]), SINK_REFUSED);
	assert_int_equal(of_status(200), SINK_TAKEN);
}

static void
success_may_be_empty_or_without_rejections(void **state)
{
	static const struct {
		enum wire_form form;
		struct str body;
	} good[] = {
		{ WIRE_JSON, { "", 0 } },
		{ WIRE_JSON, { "{}", 2 } },
		{ WIRE_JSON, { "{\"partialSuccess\":{}}", 21 } },
		{ WIRE_JSON, { "{\"partialSuccess\":null}", 23 } },
		{ WIRE_PROTOBUF, { "", 0 } },
		{ WIRE_PROTOBUF, { "\x0a\x00", 2 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		char why[VERDICT_WHY_MAX];
		const struct sink_result r =
		    judge(200, good[i].body, good[i].form, why);

		assert_int_equal(r.verdict, SINK_TAKEN);
		assert_int_equal(r.refused, 0);
	}
}

static void
rejected_records_are_counted_and_not_sent_again(void **state)
{
	static const struct {
		enum wire_form form;
		const char *body;
		size_t len;
	} partial[] = {
		{ WIRE_JSON,
		    "{\"partialSuccess\":{\"rejectedLogRecords\":\"7\","
		    "\"errorMessage\":\"too old\"}}",
		    0 },
		{ WIRE_JSON,
		    "{\"partialSuccess\":{\"rejectedLogRecords\":7,"
		    "\"errorMessage\":\"too old\"}}",
		    0 },
		{ WIRE_PROTOBUF, "\x0a\x0b\x08\x07\x12\x07too old", 13 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(partial); i++) {
		char why[VERDICT_WHY_MAX];
		const size_t len = partial[i].len != 0
		    ? partial[i].len
		    : strlen(partial[i].body);
		const struct sink_result r = judge(
		    200, str_n(partial[i].body, len), partial[i].form, why);

		assert_int_equal(r.verdict, SINK_TAKEN);
		assert_int_equal(r.refused, 7);
		assert_non_null(strstr(r.why, "too old"));
	}
}

/* A captive portal, a proxy, another service: the rows are not there. */
static void
a_200_that_is_not_otlp_is_no_success(void **state)
{
	static const char *const garbage[] = {
		"<html>welcome</html>",
		"OK",
		"[]",
		"{\"partialSuccess\":7}",
		"{\"partialSuccess\":{\"rejectedLogRecords\":\"many\"}}",
	};
	static const struct str bytes[] = {
		{ "\x00<html>not otlp", 15 },
		{ "\x0a\xff", 2 },
		{ "\x0a\x05\x08", 3 },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
		char why[VERDICT_WHY_MAX];

		assert_int_equal(
		    judge(200, str_of(garbage[i]), WIRE_JSON, why).verdict,
		    SINK_LATER);
	}
	for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
		char why[VERDICT_WHY_MAX];

		assert_int_equal(
		    judge(200, bytes[i], WIRE_PROTOBUF, why).verdict,
		    SINK_LATER);
	}
}

static void
what_a_collector_says_is_shown_escaped_and_cut(void **state)
{
	char why[VERDICT_WHY_MAX];
	char body[4096];
	struct sink_result r;

	(void)state;
	memset(body, 'x', sizeof(body));
	memcpy(body, "\x1b[2J\n", 5);
	r = judge(503, str_n(body, sizeof(body)), WIRE_JSON, why);
	assert_null(strchr(r.why, '\x1b'));
	assert_null(strchr(r.why, '\n'));
	assert_true(strlen(r.why) < VERDICT_WHY_MAX);
}

static void
retry_after_is_passed_on(void **state)
{
	char why[VERDICT_WHY_MAX];
	const struct post_result answer = {
		.status = 429,
		.retry_after_ms = 7000,
	};
	struct sink_result r;

	(void)state;
	verdict_of_http(&answer, why, &r);
	assert_int_equal(r.retry_after_ms, 7000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_said_to_be_bad_is_given_up),
		cmocka_unit_test(success_may_be_empty_or_without_rejections),
		cmocka_unit_test(
		    rejected_records_are_counted_and_not_sent_again),
		cmocka_unit_test(a_200_that_is_not_otlp_is_no_success),
		cmocka_unit_test(
		    what_a_collector_says_is_shown_escaped_and_cut),
		cmocka_unit_test(retry_after_is_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
