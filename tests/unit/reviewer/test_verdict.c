/*
 * Verdicts: one form of yes, and every other text is a cause to ask (I3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "verdict.h"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FIRST "11111111111111111111111111111111"
#define LAST "22222222222222222222222222222222"
#define CANARY "canary-33333333"
#define TEXT_MAX ((size_t)2 << 20)

static const struct verdict_expect expect = {
	.action_sha256 = SHA,
	.nonce_first = FIRST,
	.nonce_last = LAST,
	.canary = CANARY,
	.least_risk = RISK_LOW,
};

/* A verdict as it should be, but for the given fields. */
struct form {
	const char *sha256, *first, *last, *risk, *authorization, *outcome;
	const char *rationale, *more;
};

static void
put_form(const struct form *f, struct buf *out)
{
#define OR(x, otherwise) ((x) == NULL ? (otherwise) : (x))
	buf_printf(out,
	    "{\"action_sha256\":%s,\"nonce_first\":%s,\"nonce_last\":%s,"
	    "\"risk_level\":%s,\"user_authorization\":%s,\"outcome\":%s,"
	    "\"rationale\":%s%s}",
	    OR(f->sha256, "\"" SHA "\""), OR(f->first, "\"" FIRST "\""),
	    OR(f->last, "\"" LAST "\""), OR(f->risk, "\"low\""),
	    OR(f->authorization, "\"medium\""), OR(f->outcome, "\"approve\""),
	    OR(f->rationale, "\"fine\""), OR(f->more, ""));
#undef OR
}

/* "" when it was read, else the cause. */
static const char *
cause_of_text(
    struct str text, const struct verdict_expect *x, struct verdict *v)
{
	static struct arena *a;
	const char *cause = "";

	arena_free(a);
	a = arena_new(TEXT_MAX);
	if (verdict_read(text, x, a, v, &cause) == 0)
		cause = "";
	if (cause[0] != '\0' || a == NULL)
		v->outcome = REVIEW_INVALID;
	return cause;
}

static const char *
cause_of(const struct form *f, struct verdict *v)
{
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);

	put_form(f, &text);
	return cause_of_text(buf_str(&text), &expect, v);
}

static void
the_one_form_is_read(void **state)
{
	struct verdict v;

	(void)state;
	assert_string_equal(cause_of(&(struct form){ 0 }, &v), "");
	assert_int_equal(v.outcome, REVIEW_APPROVE);
	assert_int_equal(v.risk, RISK_LOW);
	assert_int_equal(v.authorization, AUTHORIZATION_MEDIUM);
	assert_string_equal(
	    cause_of(&(struct form){ .outcome = "\"deny\"" }, &v), "");
	assert_int_equal(v.outcome, REVIEW_DENY);
	assert_string_equal(
	    cause_of(&(struct form){ .outcome = "\"escalate\"" }, &v), "");
	assert_int_equal(v.outcome, REVIEW_ESCALATE);
}

static const struct {
	struct form form;
	const char *cause;
} wrong_forms[] = {
	{ { .outcome = "\"Approve\"" }, "enum" },
	{ { .outcome = "\"allow\"" }, "enum" },
	{ { .outcome = "\"approve \"" }, "enum" },
	{ { .outcome = "\"\"" }, "enum" },
	{ { .outcome = "\"invalid\"" }, "enum" },
	{ { .outcome = "\"\xd0\xb0pprove\"" }, "enum" },
	{ { .outcome = "\"\xef\xbd\x81pprove\"" }, "enum" },
	{ { .outcome = "true" }, "shape" },
	{ { .outcome = "1" }, "shape" },
	{ { .outcome = "null" }, "shape" },
	{ { .outcome = "[\"approve\"]" }, "shape" },
	{ { .outcome = "{\"outcome\":\"approve\"}" }, "shape" },
	{ { .more = ",\"scope\":\"session\"" }, "shape" },
	{ { .more = ",\"command\":\"ls\"" }, "shape" },
	{ { .more = ",\"outcome\":\"deny\"" }, "verdict_json" },
	{ { .more = ",\"\\u006futcome\":\"deny\"" }, "verdict_json" },
	{ { .sha256 = "\"" LAST LAST "\"" }, "action_mismatch" },
	{ { .sha256 = "\"0123456789abcdef\"" }, "action_mismatch" },
	{ { .sha256 = "\"0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"
		      "0123456789ABCDEF\"" },
	    "action_mismatch" },
	{ { .first = "\"" LAST "\"" }, "nonce" },
	{ { .first = "\"\"" }, "nonce" },
	{ { .last = "\"" FIRST "\"" }, "nonce" },
	{ { .last = "\"\"" }, "nonce" },
	{ { .risk = "\"critical\"" }, "incoherent" },
	{ { .risk = "\"high\"", .authorization = "\"low\"" }, "incoherent" },
	{ { .risk = "\"high\"", .authorization = "\"unknown\"" },
	    "incoherent" },
	{ { .risk = "\"none\"" }, "enum" },
	{ { .authorization = "\"full\"" }, "enum" },
	{ { .rationale = "\"" CANARY "\"" }, "canary" },
	{ { .rationale = "\"\\u0000\"" }, "verdict_json" },
	{ { .rationale = "\"\xff\"" }, "verdict_json" },
	{ { .rationale = "\"\\ud800\"" }, "verdict_json" },
	{ { .rationale = "1e999" }, "verdict_json" },
	{ { .rationale = "NaN" }, "verdict_json" },
};

static void
i3_every_other_form_is_a_cause_to_ask(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong_forms); i++) {
		struct verdict v;

		assert_string_equal(
		    cause_of(&wrong_forms[i].form, &v), wrong_forms[i].cause);
		assert_int_equal(v.outcome, REVIEW_INVALID);
	}
}

static const struct {
	const char *before, *after, *cause;
} around[] = {
	{ "```json\n", "\n```", "verdict_json" },
	{ "Sure. ", "", "verdict_json" },
	{ "", " That is my verdict.", "verdict_json" },
	{ "[", "]", "verdict_json" },
	{ "\"", "\"", "verdict_json" },
	{ "\xef\xbb\xbf", "", "verdict_json" },
	{ "", "{}", "verdict_json" },
	{ "// yes\n", "", "verdict_json" },
	{ "\n  ", "\r\n\t", "" },
};

static void
nothing_but_white_space_may_surround_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(around); i++) {
		AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);
		struct verdict v;

		buf_puts(&text, around[i].before);
		put_form(&(struct form){ 0 }, &text);
		buf_puts(&text, around[i].after);
		assert_string_equal(cause_of_text(buf_str(&text), &expect, &v),
		    around[i].cause);
	}
}

static void
words_alone_are_no_verdict(void **state)
{
	static const char *const texts[] = {
		"",
		"yes",
		"approve",
		"{}",
		"[]",
		"null",
		"true",
		"\"approve\"",
		"{\"outcome\":\"approve\"}",
		"I cannot help with that.",
		"{'outcome':'approve'}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct verdict v;

		assert_string_not_equal(
		    cause_of_text(str_of(texts[i]), &expect, &v), "");
	}
}

static void
what_is_too_long_is_not_read(void **state)
{
	AUTO_BUF struct buf rationale = BUF_INIT(TEXT_MAX);
	struct verdict v;

	(void)state;
	buf_putc(&rationale, '"');
	for (size_t i = 0; i < RATIONALE_BYTES_MAX + 1; i++)
		buf_putc(&rationale, 'a');
	buf_putc(&rationale, '"');
	assert_string_equal(
	    cause_of(&(struct form){ .rationale = rationale.s }, &v),
	    "rationale_size");
	rationale.s[rationale.len - 2] = '"';
	rationale.s[rationale.len - 1] = '\0';
	assert_string_equal(
	    cause_of(&(struct form){ .rationale = rationale.s }, &v), "");
	buf_reset(&rationale);
	buf_putc(&rationale, '"');
	for (size_t i = 0; i < 1000000; i++)
		buf_putc(&rationale, 'a');
	buf_putc(&rationale, '"');
	assert_string_equal(
	    cause_of(&(struct form){ .rationale = rationale.s }, &v),
	    "verdict_size");
}

static void
the_stricter_risk_counts(void **state)
{
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);
	struct verdict_expect high = expect, critical = expect;
	struct verdict v;

	(void)state;
	high.least_risk = RISK_HIGH;
	critical.least_risk = RISK_CRITICAL;
	put_form(&(struct form){ 0 }, &text);
	assert_string_equal(cause_of_text(buf_str(&text), &high, &v), "");
	assert_int_equal(v.risk, RISK_HIGH);
	assert_string_equal(
	    cause_of_text(buf_str(&text), &critical, &v), "incoherent");
}

static void
every_cut_of_a_verdict_is_refused(void **state)
{
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);

	(void)state;
	put_form(&(struct form){ 0 }, &text);
	for (size_t n = 0; n < text.len; n++) {
		struct verdict v;

		assert_string_not_equal(
		    cause_of_text(str_head(buf_str(&text), n), &expect, &v),
		    "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_one_form_is_read),
		cmocka_unit_test(i3_every_other_form_is_a_cause_to_ask),
		cmocka_unit_test(nothing_but_white_space_may_surround_it),
		cmocka_unit_test(words_alone_are_no_verdict),
		cmocka_unit_test(what_is_too_long_is_not_read),
		cmocka_unit_test(the_stricter_risk_counts),
		cmocka_unit_test(every_cut_of_a_verdict_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
