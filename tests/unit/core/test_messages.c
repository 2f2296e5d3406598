/*
 * Messages between roles: both ways alike, and every damage is noticed (I6).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/messages.h"
#include "model/json_in.h"

#define BYTES_MAX 65536

static void
put_call(struct buf *out)
{
	char id[] = "act_x", key[] = "k", name[] = "state", value[] = "done";
	struct env_var field = { .name = name, .value = value };
	const struct call c = {
		.id = 7,
		.route = ROUTE_LIST,
		.role = CALLER_APPROVER,
		.uid = 1000,
		.gid = 100,
		.pid = 42,
		.target = id,
		.idempotency_key = key,
		.wait_ms = -1,
		.stream = true,
		.last_event_id = 9,
		.action_record = STR("record"),
		.fields = &field,
		.field_count = 1,
	};

	call_encode(&c, out);
}

static void
a_call_arrives_as_it_was_sent(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(BYTES_MAX);
	AUTO_BUF struct buf bytes = BUF_INIT(BYTES_MAX);
	struct call c;

	(void)state;
	put_call(&bytes);
	assert_int_equal(call_decode(buf_str(&bytes), a, &c, NULL), 0);
	assert_int_equal(c.id, 7);
	assert_int_equal(c.route, ROUTE_LIST);
	assert_int_equal(c.role, CALLER_APPROVER);
	assert_int_equal(c.uid, 1000);
	assert_int_equal(c.pid, 42);
	assert_string_equal(c.target, "act_x");
	assert_null(c.if_match);
	assert_int_equal(c.wait_ms, -1);
	assert_true(c.stream);
	assert_true(str_eqz(c.action_record, "record"));
	assert_string_equal(call_field(&c, "state"), "done");
	assert_null(call_field(&c, "tool"));
}

static void
i6_a_cut_or_longer_call_is_ill_formed(void **state)
{
	AUTO_BUF struct buf bytes = BUF_INIT(BYTES_MAX);
	struct call c;

	(void)state;
	put_call(&bytes);
	for (size_t n = 0; n < bytes.len; n++) {
		AUTO(arena_freep) struct arena *a = arena_new(BYTES_MAX);

		assert_int_not_equal(
		    call_decode(str_head(buf_str(&bytes), n), a, &c, NULL), 0);
	}
	buf_putc(&bytes, 'x');
	AUTO(arena_freep) struct arena *a = arena_new(BYTES_MAX);

	assert_int_not_equal(call_decode(buf_str(&bytes), a, &c, NULL), 0);
}

static void
i6_a_route_or_role_outside_the_table_is_ill_formed(void **state)
{
	AUTO_BUF struct buf bytes = BUF_INIT(BYTES_MAX);
	struct call c;

	(void)state;
	for (size_t at = 8; at <= 9; at++) {
		AUTO(arena_freep) struct arena *a = arena_new(BYTES_MAX);

		buf_reset(&bytes);
		put_call(&bytes);
		bytes.s[at] = (char)200;
		assert_int_not_equal(
		    call_decode(buf_str(&bytes), a, &c, NULL), 0);
	}
}

static void
a_reply_arrives_as_it_was_sent(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(BYTES_MAX);
	AUTO_BUF struct buf bytes = BUF_INIT(BYTES_MAX);
	char etag[] = "\"1\"";
	const struct reply sent = {
		.id = 3,
		.status = 202,
		.type = BODY_JSON,
		.etag = etag,
		.retry_after_s = 1,
		.body = STR("{}"),
	};
	struct reply r;

	(void)state;
	reply_encode(&sent, &bytes);
	assert_int_equal(reply_decode(buf_str(&bytes), a, &r, NULL), 0);
	assert_int_equal(r.status, 202);
	assert_string_equal(r.etag, "\"1\"");
	assert_null(r.location);
	assert_true(str_eqz(r.body, "{}"));
	bytes.s[8] = (char)0xff;
	bytes.s[9] = (char)0xff;
	assert_int_not_equal(reply_decode(buf_str(&bytes), a, &r, NULL), 0);
}

static void
a_problem_is_json_whatever_its_text_holds(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(BYTES_MAX);
	json_auto_t *j = NULL;

	(void)state;
	problem_json(
	    &out, 400, "invalid", "a \"quote\" \x1b[31m \xff", "\"errors\":[]");
	assert_int_equal(json_in(buf_str(&out), &j, NULL), 0);
	assert_int_equal(json_integer_value(json_object_get(j, "status")), 400);
	assert_non_null(json_object_get(j, "errors"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_arrives_as_it_was_sent),
		cmocka_unit_test(i6_a_cut_or_longer_call_is_ill_formed),
		cmocka_unit_test(
		    i6_a_route_or_role_outside_the_table_is_ill_formed),
		cmocka_unit_test(a_reply_arrives_as_it_was_sent),
		cmocka_unit_test(a_problem_is_json_whatever_its_text_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
