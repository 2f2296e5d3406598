/*
 * Requests while memory runs out at every single point: each is refused with
 * 503 or becomes the call that it is, never another one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "request.h"
#include "torture.h"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char decide[] =
    "PUT /v1/actions/act_1/decision HTTP/1.1\r\nHost: x\r\n"
    "Content-Type: application/json\r\nIf-Match: \"7\"\r\n"
    "Content-Length: "
    "118\r\n\r\n{\"decision\":\"allow\",\"action_sha256\":\"" SHA
    "\",\"scope\":\"once\"}";
static const char propose[] =
    "POST /v1/actions HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\n"
    "Content-Type: application/json\r\nContent-Length: 66\r\n\r\n"
    "{\"tool\":\"shell\",\"workspace\":\"/w\",\"input\":{\"script\":\"ls "
    "-la /tmp\"}}";

static int
call_of(char *bytes, size_t len, const struct auth_peer *peer)
{
	AUTO(arena_freep) struct arena *a = arena_new((size_t)1 << 20);
	AUTO_BUF struct buf record = BUF_INIT((size_t)1 << 20);
	AUTO_BUF struct buf out = BUF_INIT((size_t)1 << 20);
	struct guard g = GUARD_INIT;
	struct request rq = { .guard = &g, .bytes = bytes, .peer = peer };
	struct refusal why;
	struct call call;

	if (a == NULL)
		return ERR_NOMEM;
	assert_int_equal(guard_feed(&g, bytes, &len), GUARD_DONE);
	if (request_check(&rq, &why) != 0 ||
	    request_call(&rq, a, &record, &call, &why) != 0) {
		if (why.status != 503)
			fail_msg("%u %s", why.status, why.detail);
		return ERR_NOMEM;
	}
	if (call.route == ROUTE_DECIDE) {
		assert_string_equal(call_field(&call, "decision"), "allow");
		assert_string_equal(call_field(&call, "scope"), "once");
		assert_string_equal(call.if_match, "\"7\"");
		assert_string_equal(call.target, "act_1");
	} else {
		assert_string_equal(call.idempotency_key, "k");
		assert_true(call.action_record.len > 0);
	}
	call_encode(&call, &out);
	return buf_done(&out, NULL);
}

static int
use_decide(void)
{
	const struct auth_peer peer = { .kind = LISTENER_APPROVER, .pid = 1 };
	char bytes[sizeof(decide)];

	memcpy(bytes, decide, sizeof(decide));
	return call_of(bytes, sizeof(decide) - 1, &peer);
}

static int
use_propose(void)
{
	const struct auth_peer peer = { .kind = LISTENER_AGENT, .pid = 1 };
	char bytes[sizeof(propose)];

	memcpy(bytes, propose, sizeof(propose));
	return call_of(bytes, sizeof(propose) - 1, &peer);
}

static void
a_decision(void **state)
{
	(void)state;
	torture(use_decide, 3);
}

static void
a_proposal(void **state)
{
	(void)state;
	torture(use_propose, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_decision),
		cmocka_unit_test(a_proposal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
