/*
 * RFC 5424: one line, parsed back, whatever the row holds.
 */
#include "otlp_test.h"

#include "sink_syslog.h"

#define OUT_BYTES_MAX ((size_t)1 << 20)

static const struct syslog_origin from = { .host = "box", .pid = 7 };

static void
line_of(const char *row, struct buf *out)
{
	json_t *j = row_of(row);

	syslog_line(&from, j, out);
	assert_int_equal(buf_done(out, NULL), 0);
	json_decref(j);
}

static void
a_denial_is_a_warning_with_its_facts(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(OUT_BYTES_MAX);

	(void)state;
	line_of(DECIDED_ROW, &out);
	assert_string_equal(buf_cstr(&out),
	    "<84>1 2026-11-25T12:00:00.000000Z box assent 7 DECIDED "
	    "[assent@32473 seq=\"41\" uid=\"1000\" action_id=\"act_1\" "
	    "session=\"s-1\" tool=\"shell\" decision=\"deny\" "
	    "decided_by=\"rule\" rule=\"floor.delete-system\" "
	    "log_hash=\"00ff\" agent=\"codex\" risk=\"critical\" "
	    "reason=\"It deletes the system.\"] "
	    "\xef\xbb\xbf"
	    "deny: rm -rf /usr");
}

static void
no_text_ends_a_value_an_element_or_the_line(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(OUT_BYTES_MAX);

	(void)state;
	line_of("{\"seq\":1,\"time\":\"t\",\"time_ns\":\"1\","
		"\"kind\":\"de cided\\n<13>1\",\"session\":\"a\\\"] x\","
		"\"rule\":\"back\\\\slash\",\"body\":{\"agent\":"
		"\"\\n<0>1 - evil - - - [x]\\u202e\","
		"\"text\":\"line\\r\\nfeed\\u001b[2J\"}}",
	    &out);
	for (size_t i = 0; i < out.len; i++) {
		assert_true((unsigned char)out.s[i] >= 0x20);
		assert_int_not_equal(out.s[i], 0x7f);
	}
	assert_non_null(strstr(buf_cstr(&out), "session=\"a\\\"\\] x\""));
	assert_non_null(strstr(buf_cstr(&out), "[x\\]"));
	assert_null(strstr(buf_cstr(&out), "\xe2\x80\xae"));
}

static void
what_is_missing_is_the_nil_value(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(OUT_BYTES_MAX);

	(void)state;
	line_of("{\"seq\":1}", &out);
	assert_true(str_starts(
	    buf_str(&out), STR("<83>1 - box assent 7 - [assent@32473 ")));
}

static int
open_sink(const char *url)
{
	const struct syslog_options o = { .url = url, .from = from };
	struct sink *s = NULL;
	const int r = sink_syslog_new(&o, &s, NULL);

	if (r == 0)
		s->ops->close(s);
	return r;
}

static void
only_the_four_forms_of_a_destination_are_taken(void **state)
{
	static const char *const good[] = { "unix:/dev/log",
		"udp://127.0.0.1:514", "tcp://log.example:601",
		"tls://log.example:6514" };
	static const char *const bad[] = { "", "/dev/log", "unix:", "http://x",
		"TLS://x:1", "syslog" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(open_sink(good[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_not_equal(open_sink(bad[i]), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_denial_is_a_warning_with_its_facts),
		cmocka_unit_test(no_text_ends_a_value_an_element_or_the_line),
		cmocka_unit_test(what_is_missing_is_the_nil_value),
		cmocka_unit_test(
		    only_the_four_forms_of_a_destination_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
