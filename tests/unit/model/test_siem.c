/*
 * Rows in the forms of others: complete, and nothing of a row gets out of its
 * field.
 * Runs in: tests.
 */
#include "model/siem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define ROW                                                                    \
	"{\"seq\":41,\"time\":\"2026-11-18T11:06:40.000Z\","                   \
	"\"time_ns\":\"1795000000000000000\",\"kind\":\"decided\","            \
	"\"action_id\":\"act_1\",\"session\":\"s-1\",\"uid\":1000,"            \
	"\"tool\":\"shell\",\"decision\":\"deny\",\"decided_by\":\"human\","   \
	"\"rule\":\"git.push\",\"action_sha256\":\"aa\","                      \
	"\"policy_sha256\":\"bb\",\"prev_hash\":\"cc\",\"log_hash\":\"dd\","   \
	"\"body\":{\"text\":\"git push\",\"agent\":\"codex\","                 \
	"\"risk\":\"high\",\"reason\":\"no\",\"approver\":\"alice\"}}"

typedef void siem_fn(const json_t *row, struct buf *out);
static siem_fn *const forms[] = { siem_cef, siem_ecs, siem_ocsf };

static json_t *
parse(const char *text)
{
	json_t *j = json_loads(text, 0, NULL);

	assert_non_null(j);
	return j;
}

static void
cef_is_word_for_word(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(65536);
	json_auto_t *row = parse(ROW);

	(void)state;
	siem_cef(row, &out);
	assert_string_equal(buf_cstr(&out),
	    "CEF:0|assent|assent|" ASSENT_VERSION
	    "|decided|tool call denied|8|rt=1795000000000 externalId=act_1 "
	    "act=deny outcome=failure suid=1000 suser=alice sproc=codex "
	    "reason=no fileHash=aa cs1Label=tool cs1=shell cs2Label=rule "
	    "cs2=git.push cs3Label=session cs3=s-1 cs4Label=logHash cs4=dd "
	    "cs5Label=decidedBy cs5=human cs6Label=policySha256 cs6=bb "
	    "cn1Label=seq cn1=41 msg=git push");
}

/* "a.b.c" of an object. */
static const json_t *
at(const json_t *j, const char *path)
{
	struct str rest = str_of(path);

	while (rest.len > 0) {
		const struct str key = str_cut(&rest, '.');

		j = json_is_array(j) ? json_array_get(j, 0)
				     : json_object_getn(j, key.s, key.len);
	}
	return j;
}

static void
ecs_has_its_fields(void **state)
{
	static const char *const fields[][2] = {
		{ "@timestamp", "2026-11-18T11:06:40.000Z" },
		{ "message", "git push" },
		{ "event.type.0", "denied" },
		{ "event.category.0", "process" },
		{ "event.outcome", "failure" },
		{ "event.hash", "dd" },
		{ "event.reason", "no" },
		{ "rule.name", "git.push" },
		{ "user.id", "1000" },
		{ "user.name", "alice" },
		{ "process.command_line", "git push" },
		{ "labels.agent", "codex" },
		{ "labels.prev_hash", "cc" },
	};
	AUTO_BUF struct buf out = BUF_INIT(65536);
	json_auto_t *row = parse(ROW);
	json_auto_t *j = NULL;

	(void)state;
	siem_ecs(row, &out);
	j = parse(buf_cstr(&out));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const char *got = json_string_value(at(j, fields[i][0]));

		if (got == NULL || strcmp(got, fields[i][1]) != 0)
			fail_msg("%s is %s", fields[i][0],
			    got == NULL ? "missing" : got);
	}
	assert_int_equal(json_integer_value(at(j, "event.sequence")), 41);
}

/* What the schema requires of API Activity, and what it says of a denial. */
static void
ocsf_has_what_its_class_requires(void **state)
{
	static const char *const required[] = { "activity_id", "category_uid",
		"class_uid", "type_uid", "severity_id", "time", "metadata",
		"actor", "api", "src_endpoint" };
	AUTO_BUF struct buf out = BUF_INIT(65536);
	json_auto_t *row = parse(ROW);
	json_auto_t *j = NULL;

	(void)state;
	siem_ocsf(row, &out);
	j = parse(buf_cstr(&out));
	for (size_t i = 0; i < ARRAY_LEN(required); i++) {
		if (json_object_get(j, required[i]) == NULL)
			fail_msg("%s is missing", required[i]);
	}
	assert_int_equal(json_integer_value(at(j, "type_uid")), 600399);
	assert_int_equal(json_integer_value(at(j, "action_id")), 2);
	assert_int_equal(json_integer_value(at(j, "disposition_id")), 25);
	assert_int_equal(json_integer_value(at(j, "severity_id")), 4);
	assert_int_equal(
	    json_integer_value(at(j, "time")), INT64_C(1795000000000));
	assert_string_equal(
	    json_string_value(
		at(j, "attestation_list.0.prev_event.fingerprint.value")),
	    "cc");
}

/* I8: text that tries every separator of every form. */
static void
i8_no_text_leaves_its_field(void **state)
{
	static const char hostile[] = "a|b\\c=d\n\r\t\"}]\x1b[31m\xe2\x80\xae"
				      " cs1=forged act=allow\nCEF:0|x|y|";
	static const char *const fields[] = { "kind", "action_id", "session",
		"tool", "decision", "decided_by", "rule", "log_hash" };
	static const char *const facts[] = { "text", "reason", "agent",
		"approver", "risk" };
	json_auto_t *row = parse(ROW);
	json_t *body = json_object_get(row, "body");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		assert_int_equal(
		    json_object_set_new(row, fields[i], json_string(hostile)),
		    0);
	for (size_t i = 0; i < ARRAY_LEN(facts); i++)
		assert_int_equal(
		    json_object_set_new(body, facts[i], json_string(hostile)),
		    0);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		AUTO_BUF struct buf out = BUF_INIT(1 << 20);

		forms[i](row, &out);
		assert_int_equal(out.failed, 0);
		for (size_t k = 0; k < out.len; k++)
			assert_true((unsigned char)out.s[k] >= 0x20);
		assert_null(strstr(buf_cstr(&out), "\xe2\x80\xae"));
		if (forms[i] == siem_cef) {
			/* After the header, where '=' means something. */
			const char *pairs = strstr(buf_cstr(&out), "|rt=");

			assert_non_null(pairs);
			assert_null(strstr(pairs, " act=allow"));
			assert_null(strstr(pairs, "cs1=forged"));
			assert_non_null(strstr(pairs, "act\\=allow"));
			assert_non_null(strstr(buf_cstr(&out), "|a\\|b"));
		} else {
			json_auto_t *j = parse(buf_cstr(&out));

			assert_non_null(j);
		}
	}
}

static void
a_row_without_anything_is_still_a_line(void **state)
{
	json_auto_t *row = json_object();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		AUTO_BUF struct buf out = BUF_INIT(65536);

		forms[i](row, &out);
		assert_int_equal(out.failed, 0);
		assert_true(out.len > 10);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cef_is_word_for_word),
		cmocka_unit_test(ecs_has_its_fields),
		cmocka_unit_test(ocsf_has_what_its_class_requires),
		cmocka_unit_test(i8_no_text_leaves_its_field),
		cmocka_unit_test(a_row_without_anything_is_still_a_line),
	};

	return cmocka_run_group_tests_name("siem", tests, NULL, NULL);
}
