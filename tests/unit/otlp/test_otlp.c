/*
 * OTLP's requests: what is in them, and that both forms say the same.
 */
#include "otlp_test.h"

#include "core/ports.h"
#include "otlp.h"

#define OUT_BYTES_MAX ((size_t)1 << 20)

static const struct otlp_resource who = {
	.version = "1.2.3",
	.host = "box",
	.pid = 7,
};

/* ---- JSON ------------------------------------------------------------------- */

static void
events_of(json_t *const *rows, size_t count, struct event *ret)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(event_of(rows[i], &ret[i]), 0);
}

static json_t *
logs_json(json_t *const *rows, size_t count)
{
	AUTO_BUF struct buf out = BUF_INIT(OUT_BYTES_MAX);
	struct event events[2];
	json_t *j;

	events_of(rows, count, events);
	otlp_logs(WIRE_JSON, &who, events, count, &out);
	assert_int_equal(buf_done(&out, NULL), 0);
	j = json_loadb(out.s, out.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	return j;
}

static const json_t *
first(const json_t *object, const char *list)
{
	return json_array_get(json_object_get(object, list), 0);
}

static const json_t *
record(const json_t *request, size_t i)
{
	const json_t *scope =
	    first(first(request, "resourceLogs"), "scopeLogs");

	return json_array_get(json_object_get(scope, "logRecords"), i);
}

static const json_t *
attr(const json_t *object, const char *name)
{
	const json_t *a;
	size_t i;

	json_array_foreach(json_object_get(object, "attributes"), i, a)
	{
		if (strcmp(json_string_value(json_object_get(a, "key")),
			name) == 0)
			return json_object_get(a, "value");
	}
	return NULL;
}

static const char *
text_attr(const json_t *object, const char *name)
{
	return json_string_value(
	    json_object_get(attr(object, name), "stringValue"));
}

static const char *
text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void
a_decision_is_an_event_with_its_rule_and_source(void **state)
{
	json_t *row = row_of(DECIDED_ROW);
	json_t *j = logs_json(&row, 1);
	const json_t *r = record(j, 0);

	(void)state;
	assert_string_equal(text(r, "eventName"), "assent.decision.recorded");
	assert_string_equal(text(r, "timeUnixNano"), "1795608000000000000");
	assert_int_equal(
	    json_integer_value(json_object_get(r, "severityNumber")), 13);
	assert_string_equal(text_attr(r, "assent.decision"), "deny");
	assert_string_equal(text_attr(r, "assent.decision.source"), "rule");
	assert_string_equal(
	    text_attr(r, "security_rule.name"), "floor.delete-system");
	assert_string_equal(text_attr(r, "gen_ai.agent.name"), "codex");
	assert_string_equal(text(attr(r, "assent.log.seq"), "intValue"), "41");
	assert_int_equal(strlen(text(r, "traceId")), 32);
	json_decref(j);
	json_decref(row);
}

static void
the_same_row_is_the_same_record(void **state)
{
	json_t *row = row_of(DECIDED_ROW);
	json_t *a = logs_json(&row, 1), *b = logs_json(&row, 1);

	(void)state;
	assert_true(json_equal(a, b));
	json_decref(a);
	json_decref(b);
	json_decref(row);
}

static void
the_callers_trace_goes_on(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(OUT_BYTES_MAX);
	json_t *row = row_of(OUTCOME_ROW), *j;
	const json_t *span;
	struct event ev;

	(void)state;
	events_of(&row, 1, &ev);
	assert_true(otlp_traces(WIRE_JSON, &who, &ev, 1, &out));
	j = json_loadb(out.s, out.len, 0, NULL);
	span = first(first(first(j, "resourceSpans"), "scopeSpans"), "spans");
	assert_string_equal(
	    text(span, "traceId"), "0af7651916cd43dd8448eb211c80319c");
	assert_string_equal(text(span, "parentSpanId"), "b7ad6b7169203331");
	assert_string_equal(text(span, "name"), "execute_tool");
	assert_string_equal(
	    text(span, "startTimeUnixNano"), "1795608000750000000");
	assert_string_equal(
	    text(span, "endTimeUnixNano"), "1795608001000000000");
	json_decref(j);
	json_decref(row);
}

static void
rows_without_a_duration_are_no_spans(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(OUT_BYTES_MAX);
	json_t *row = row_of("{\"seq\":1,\"time_ns\":\"1\",\"kind\":\"boot\"}");
	struct event ev;

	(void)state;
	events_of(&row, 1, &ev);
	assert_false(otlp_traces(WIRE_JSON, &who, &ev, 1, &out));
	json_decref(row);
}

static void
an_unknown_kind_is_an_event_too(void **state)
{
	json_t *row =
	    row_of("{\"seq\":1,\"time_ns\":\"1\",\"kind\":\"of-tomorrow\"}");
	json_t *j = logs_json(&row, 1);

	(void)state;
	assert_string_equal(text(record(j, 0), "eventName"), "assent.log.row");
	json_decref(j);
	json_decref(row);
}

static void
decisions_are_counted_by_who_made_them(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(OUT_BYTES_MAX);
	struct counters n = { .start_ns = 5 };
	json_t *row = row_of(DECIDED_ROW), *j;
	const json_t *metric, *point;

	(void)state;
	counters_add(&n, row);
	counters_add(&n, row);
	otlp_metrics(WIRE_JSON, &who, &n, 9, &out);
	j = json_loadb(out.s, out.len, 0, NULL);
	metric = first(
	    first(first(j, "resourceMetrics"), "scopeMetrics"), "metrics");
	assert_string_equal(text(metric, "name"), "assent.decisions");
	point = first(json_object_get(metric, "sum"), "dataPoints");
	assert_string_equal(text(point, "asInt"), "2");
	assert_string_equal(text_attr(point, "assent.decision"), "deny");
	json_decref(j);
	json_decref(row);
}

/* ---- protobuf ------------------------------------------------------------------ */

static uint64_t
varint(struct str *in)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte;

		assert_true(in->len > 0);
		byte = (uint8_t)in->s[0];
		*in = str_from(*in, 1);
		v |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			break;
	}
	return v;
}

/* The first field of that number: its bytes; other fields are passed over. */
static struct str
field(struct str in, unsigned number)
{
	while (in.len > 0) {
		const uint64_t tag = varint(&in);
		const unsigned type = (unsigned)(tag & 7);
		size_t len = type == 1 ? 8 : type == 5 ? 4 : 0;
		struct str value;

		if (type == 2)
			len = varint(&in);
		else if (type == 0)
			(void)varint(&in);
		assert_true(len <= in.len);
		value = str_head(in, len);
		in = str_from(in, len);
		if (tag >> 3 == number)
			return value;
	}
	fail_msg("there is no field %u", number);
	return STR_NONE;
}

static void
protobuf_has_the_same_in_it(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(OUT_BYTES_MAX);
	json_t *row = row_of(DECIDED_ROW);
	struct str r, time;
	struct event ev;
	struct rec in;

	(void)state;
	events_of(&row, 1, &ev);
	otlp_logs(WIRE_PROTOBUF, &who, &ev, 1, &out);
	assert_int_equal(buf_done(&out, NULL), 0);
	/* resourceLogs, scopeLogs, logRecords */
	r = field(field(field(buf_str(&out), 1), 2), 2);
	time = field(r, 1);
	assert_int_equal(time.len, 8);
	in = rec_of(time);
	assert_true(rec_u64(&in) == UINT64_C(1795608000000000000));
	assert_true(str_eqz(field(r, 12), "assent.decision.recorded"));
	assert_int_equal(field(r, 9).len, 16);
	assert_int_equal(field(r, 10).len, 8);
	assert_true(str_eqz(field(field(r, 5), 1), "It deletes the system."));
	assert_true(str_eqz(field(field(r, 6), 1), "assent.log.hash"));
	assert_true(str_eqz(field(field(field(r, 6), 2), 1), "00ff"));
	json_decref(row);
}

static void
sizes_of_messages_are_right_at_any_length(void **state)
{
	static char name[20000];

	(void)state;
	for (size_t len = 0; len < sizeof(name); len = len * 2 + 1) {
		AUTO_BUF struct buf out = BUF_INIT(OUT_BYTES_MAX);
		struct wire w = wire_on(WIRE_PROTOBUF, &out);

		memset(name, 'n', len);
		name[len] = '\0';
		wire_item(&w, 1);
		wire_text(&w, 2, "name", name);
		wire_end(&w);
		wire_done(&w);
		assert_true(str_eqz(field(field(buf_str(&out), 1), 2), name));
	}
}

static void
every_kind_of_row_has_an_event_name_of_its_own(void **state)
{
	const char *seen[ROW_REVISED + 1] = { NULL };

	(void)state;
	for (unsigned k = ROW_BOOT; k <= ROW_REVISED; k++) {
		char text[128];
		struct event ev;
		json_t *row;

		(void)snprintf(text, sizeof(text),
		    "{\"seq\":1,\"time_ns\":\"1\",\"kind\":\"%s\"}",
		    row_kind_name((enum row_kind)k));
		row = row_of(text);
		events_of(&row, 1, &ev);
		assert_string_not_equal(ev.name, "assent.log.row");
		for (unsigned i = ROW_BOOT; i < k; i++)
			assert_string_not_equal(ev.name, seen[i]);
		seen[k] = ev.name;
		json_decref(row);
	}
}

/* A run that was told its place finds its spans below ours. */
static void
a_run_is_told_the_span_that_is_exported(void **state)
{
	json_t *row = row_of(OUTCOME_ROW);
	char text[TRACEPARENT_LEN + 1];
	struct trace_place told;
	struct event ev;

	(void)state;
	events_of(&row, 1, &ev);
	assert_int_equal(
	    trace_place(
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"act_2", TRACE_SPAN_RUN, &told),
	    0);
	assert_memory_equal(told.span_id, ev.place.span_id, SPAN_ID_LEN);
	trace_print(&told, text);
	assert_int_equal(strlen(text), TRACEPARENT_LEN);
	assert_int_equal(
	    strncmp(text, "00-0af7651916cd43dd8448eb211c80319c-", 36), 0);
	assert_string_equal(text + TRACEPARENT_LEN - 3, "-01");
	json_decref(row);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_decision_is_an_event_with_its_rule_and_source),
		cmocka_unit_test(the_same_row_is_the_same_record),
		cmocka_unit_test(the_callers_trace_goes_on),
		cmocka_unit_test(rows_without_a_duration_are_no_spans),
		cmocka_unit_test(an_unknown_kind_is_an_event_too),
		cmocka_unit_test(decisions_are_counted_by_who_made_them),
		cmocka_unit_test(
		    every_kind_of_row_has_an_event_name_of_its_own),
		cmocka_unit_test(a_run_is_told_the_span_that_is_exported),
		cmocka_unit_test(protobuf_has_the_same_in_it),
		cmocka_unit_test(sizes_of_messages_are_right_at_any_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
