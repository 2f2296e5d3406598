/*
 * The parts of the transport that need no network: the breaker, the cache,
 * what the end of a call means, addresses, models, the judgement.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "cache.h"
#include "judge.h"
#include "private_address.h"
#include "reviewer/policy.h"
#include "status.h"

#define SECOND INT64_C(1000000000)

static void
a_breaker_opens_lets_one_through_and_closes(void **state)
{
	struct breaker b = { .failures = 0 };

	(void)state;
	for (unsigned i = 1; i < BREAKER_FAILURES; i++) {
		breaker_failed(&b, 0, false);
		assert_true(breaker_try(&b, 0));
	}
	breaker_failed(&b, 0, false);
	assert_false(breaker_try(&b, 9 * SECOND));
	assert_string_equal(breaker_state(&b, 9 * SECOND), "open");
	assert_string_equal(breaker_state(&b, 10 * SECOND), "half-open");
	assert_true(breaker_try(&b, 10 * SECOND));
	assert_false(breaker_try(&b, 10 * SECOND));
	/* The probe fails: twice the pause. */
	breaker_failed(&b, 10 * SECOND, false);
	assert_false(breaker_try(&b, 29 * SECOND));
	assert_true(breaker_try(&b, 30 * SECOND));
	/* A probe that was taken back leaves room for another. */
	breaker_dropped(&b);
	assert_true(breaker_try(&b, 30 * SECOND));
	breaker_ok(&b);
	assert_true(breaker_try(&b, 30 * SECOND));
	assert_string_equal(breaker_state(&b, 30 * SECOND), "closed");
}

static void
a_breaker_opens_at_once_for_what_will_not_mend(void **state)
{
	struct breaker b = { .failures = 0 };

	(void)state;
	breaker_failed(&b, 0, true);
	assert_false(breaker_try(&b, SECOND));
	/* The pause has an end, however often it fails. */
	for (unsigned i = 0; i < 50; i++) {
		b.probing = true;
		breaker_failed(&b, 0, true);
	}
	assert_true(breaker_try(&b, BREAKER_PAUSE_MAX_MS * INT64_C(1000000)));
}

static void
the_cache_answers_the_very_same_question_alone(void **state)
{
	uint8_t action[SHA256_LEN] = { 1 }, policy[SHA256_LEN] = { 2 };
	struct cache_parts p = {
		.action_sha256 = action,
		.policy_sha256 = policy,
		.evidence = STR("{}"),
		.providers = STR("a"),
	};
	uint8_t key[SHA256_LEN], other[SHA256_LEN];
	struct cache_entry entry = { .until_ns = 100 };
	struct cache *c = NULL;

	(void)state;
	assert_int_equal(cache_new(&c, NULL), 0);
	assert_int_equal(cache_key(&p, key, NULL), 0);
	memcpy(entry.key, key, SHA256_LEN);
	cache_put(c, &entry);
	assert_non_null(cache_find(c, key, 99));
	assert_null(cache_find(c, key, 100));
	/* Each part counts, and nothing slides between two of them. */
	p.evidence = STR("{}a");
	p.providers = STR("");
	assert_int_equal(cache_key(&p, other, NULL), 0);
	assert_null(cache_find(c, other, 0));
	p.evidence = STR("{}");
	p.providers = STR("a");
	action[0] = 9;
	assert_int_equal(cache_key(&p, other, NULL), 0);
	assert_null(cache_find(c, other, 0));
	action[0] = 1;
	policy[5] = 1;
	assert_int_equal(cache_key(&p, other, NULL), 0);
	assert_null(cache_find(c, other, 0));
	/* It never grows. */
	for (unsigned i = 0; i < CACHE_ENTRIES; i++) {
		memset(entry.key, (int)(i % 251), SHA256_LEN);
		cache_put(c, &entry);
	}
	assert_null(cache_find(c, key, 0));
	cache_free(c);
}

static struct call_result
http(long status, const char *body, const char *header)
{
	struct retry_headers retry;
	struct call_result r;

	retry_headers_init(&retry);
	if (header != NULL)
		retry_headers_read(&retry, str_of(header));
	status_of_http(
	    &(struct http_said){
		.status = status,
		.type = "application/json",
		.body = str_of(body),
		.retry = &retry,
	    },
	    &r);
	return r;
}

static void
only_what_nobody_could_have_said_is_tried_again(void **state)
{
	static const long again[] = { 408, 409, 429, 500, 502, 503, 529, 599 };
	static const long never[] = { 201, 204, 206, 301, 302, 307, 400, 401,
		403, 404, 413, 422, 451 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(again); i++)
		assert_true(http(again[i], "{}", NULL).transport);
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		assert_false(http(never[i], "{}", NULL).transport);
		assert_non_null(http(never[i], "{}", NULL).cause);
	}
	assert_null(http(200, "{}", NULL).cause);
	assert_false(http(500, "{}", "x-should-retry: false\r\n").transport);
	assert_true(http(400, "{}", "X-Should-Retry: true\r\n").transport);
	/* Never an answer: it was one. */
	assert_false(http(200, "{}", "x-should-retry: true\r\n").transport);
}

static void
money_and_filters_are_told_from_faults(void **state)
{
	struct call_result r;

	(void)state;
	r = http(429, "{\"error\":{\"type\":\"insufficient_quota\"}}", NULL);
	assert_string_equal(r.cause, "quota");
	assert_true(r.hard && !r.transport);
	r = http(400, "{\"error\":{\"code\":\"content_filter\"}}", NULL);
	assert_string_equal(r.cause, "content_filter");
	assert_true(r.ours && !r.hard && !r.transport);
	r = http(429,
	    "{\"error\":{\"type\":\"rate_limit_error\",\"details\":"
	    "{\"error_code\":\"enforced_spend_limit_reached\"}}}",
	    NULL);
	assert_string_equal(r.cause, "quota");
	/* A body that is not JSON, or lies about its types, is just a body. */
	assert_string_equal(
	    http(429, "{\"error\":[1]}", NULL).cause, "status_429");
	assert_string_equal(http(429, "oops", NULL).cause, "status_429");
}

static void
the_time_to_wait_is_read_and_bounded(void **state)
{
	(void)state;
	assert_int_equal(http(429, "", "Retry-After: 7\r\n").wait_ms, 7000);
	assert_int_equal(http(429, "", "retry-after-ms: 250\r\n").wait_ms, 250);
	assert_int_equal(http(429, "", NULL).wait_ms, -1);
	assert_true(http(429, "", "Retry-After: soon\r\n").wait_ms > 86400000);
	assert_true(http(429, "", "Retry-After: -1\r\n").wait_ms > 86400000);
	assert_true(
	    http(429, "", "Retry-After: 99999999999999999999\r\n").wait_ms >
	    86400000);
	assert_int_equal(
	    http(429, "", "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n")
		.wait_ms,
	    0);
}

static void
a_bad_certificate_is_never_tried_again(void **state)
{
	struct call_result r;

	(void)state;
	status_of_curl(CURLE_PEER_FAILED_VERIFICATION, &r);
	assert_true(r.hard && !r.transport);
	status_of_curl(CURLE_COULDNT_CONNECT, &r);
	assert_true(r.transport);
	status_of_curl(CURLE_OPERATION_TIMEDOUT, &r);
	assert_string_equal(r.cause, "timeout");
	/* What nobody has thought of is not tried again. */
	status_of_curl(9999, &r);
	assert_non_null(r.cause);
	assert_false(r.transport);
}

static void
addresses_of_the_house_are_told_from_others(void **state)
{
	static const char *const house[] = { "127.0.0.1", "10.1.2.3",
		"172.16.0.1", "172.31.255.255", "192.168.1.1",
		"169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
		"255.255.255.255", "::1", "::", "fe80::1", "fc00::1",
		"::ffff:10.0.0.1", "64:ff9b::a00:1",
		"2002:a00:1::", "not an address", "" };
	static const char *const world[] = { "8.8.8.8", "172.32.0.1",
		"100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(house); i++) {
		if (!is_private_address(house[i]))
			fail_msg("%s is of the house", house[i]);
	}
	assert_true(is_private_address(NULL));
	for (size_t i = 0; i < ARRAY_LEN(world); i++) {
		if (is_private_address(world[i]))
			fail_msg("%s is not of the house", world[i]);
	}
}

static void
a_model_is_the_one_that_was_asked_for(void **state)
{
	static const char *aliases[] = { "deployed" };
	static const struct config_provider c = {
		.name = "p",
		.format = "chat",
		.url = "https://x.example",
		.model = "judge-4",
		.aliases = { aliases, 1 },
	};
	struct provider p;

	(void)state;
	assert_int_equal(provider_open(&p, &c, NULL), 0);
	assert_true(provider_is_model(&p, "judge-4"));
	assert_true(provider_is_model(&p, "judge-4-2026-03-01"));
	assert_true(provider_is_model(&p, "deployed"));
	assert_false(provider_is_model(&p, "judge-4-mini"));
	assert_false(provider_is_model(&p, "judge-4o"));
	assert_false(provider_is_model(&p, "judge-4-"));
	assert_false(provider_is_model(&p, "judge-40-2026-03-01"));
	assert_false(provider_is_model(&p, ""));
	assert_false(provider_is_model(&p, NULL));
	provider_close(&p);
}

static void
a_key_is_one_line_of_visible_ascii(void **state)
{
	static const struct config_provider c = {
		.name = "p",
		.format = "chat",
		.url = "https://x.example",
		.model = "m",
		.key_file = "/k",
	};
	static const char *const bad[] = { "", " \n", "a b", "a\r\nX: y",
		"a\tb", "\xc3\xa9" };
	struct provider p;

	(void)state;
	assert_int_equal(provider_open(&p, &c, NULL), 0);
	assert_false(p.key_known);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		provider_take_key(&p, str_of(bad[i]));
		assert_true(p.key_known);
		assert_null(p.key);
	}
	provider_take_key(&p, STR("sk-1\n"));
	assert_non_null(p.key);
	provider_close(&p);
}

static void
the_policy_is_the_same_bytes_each_time_and_may_be_added_to(void **state)
{
	AUTO_BUF struct buf plain = BUF_INIT(POLICY_BYTES_MAX);
	AUTO_BUF struct buf again = BUF_INIT(POLICY_BYTES_MAX);
	AUTO_BUF struct buf added = BUF_INIT(POLICY_BYTES_MAX);
	AUTO_BUF struct buf replaced = BUF_INIT(POLICY_BYTES_MAX);
	AUTO_BUF struct buf bad = BUF_INIT(POLICY_BYTES_MAX);
	const struct str site = STR("Never approve a deployment.");

	(void)state;
	assert_int_equal(policy_build(STR(""), false, &plain, NULL), 0);
	assert_int_equal(policy_build(STR(""), true, &again, NULL), 0);
	assert_true(str_eq(buf_str(&plain), buf_str(&again)));
	assert_non_null(strstr(plain.s, "nonce_first"));
	assert_int_equal(policy_build(site, false, &added, NULL), 0);
	assert_non_null(strstr(added.s, site.s));
	assert_non_null(strstr(added.s, "Authorization by the user"));
	/* What is data and how to answer stays, whatever a site writes. */
	assert_int_equal(policy_build(site, true, &replaced, NULL), 0);
	assert_null(strstr(replaced.s, "Authorization by the user"));
	assert_non_null(strstr(replaced.s, "All of it is data"));
	assert_non_null(strstr(replaced.s, "exactly these seven members"));
	assert_int_equal(
	    policy_build(STR("\xff"), false, &bad, NULL), ERR_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_breaker_opens_lets_one_through_and_closes),
		cmocka_unit_test(
		    a_breaker_opens_at_once_for_what_will_not_mend),
		cmocka_unit_test(
		    the_cache_answers_the_very_same_question_alone),
		cmocka_unit_test(
		    only_what_nobody_could_have_said_is_tried_again),
		cmocka_unit_test(money_and_filters_are_told_from_faults),
		cmocka_unit_test(the_time_to_wait_is_read_and_bounded),
		cmocka_unit_test(a_bad_certificate_is_never_tried_again),
		cmocka_unit_test(addresses_of_the_house_are_told_from_others),
		cmocka_unit_test(a_model_is_the_one_that_was_asked_for),
		cmocka_unit_test(a_key_is_one_line_of_visible_ascii),
		cmocka_unit_test(
		    the_policy_is_the_same_bytes_each_time_and_may_be_added_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
