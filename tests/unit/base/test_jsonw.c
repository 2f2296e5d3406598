/*
 * JSON that we write: commas, escapes, nesting.
 */
#include "base/jsonw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
commas_stand_between_and_nowhere_else(void **state)
{
	static const char *const texts[] = { "x", NULL };
	AUTO_BUF struct buf b = BUF_INIT(4096);
	struct jsonw w = jsonw_on(&b);

	(void)state;
	jsonw_object(&w);
	jsonw_kstr(&w, "a", "x");
	jsonw_key(&w, "b");
	jsonw_array(&w);
	jsonw_int(&w, -1);
	jsonw_uint(&w, UINT64_MAX);
	jsonw_array(&w);
	jsonw_end(&w);
	jsonw_object(&w);
	jsonw_end(&w);
	jsonw_null(&w);
	jsonw_end(&w);
	jsonw_kbool(&w, "c", true);
	jsonw_kint(&w, "d", INT64_MIN);
	jsonw_key(&w, "e");
	jsonw_raw(&w, STR("[1]"));
	jsonw_key(&w, "f");
	jsonw_hex(&w, "\x0f\xf0", 2);
	jsonw_kstr(&w, "g", NULL);
	jsonw_kstrs(&w, "h", texts, ARRAY_LEN(texts));
	jsonw_kstrs(&w, "i", texts, 0);
	jsonw_end(&w);
	assert_int_equal(b.failed, 0);
	assert_string_equal(buf_cstr(&b),
	    "{\"a\":\"x\",\"b\":[-1,18446744073709551615,[],{},null],"
	    "\"c\":true,\"d\":-9223372036854775808,\"e\":[1],"
	    "\"f\":\"0ff0\",\"g\":null,"
	    "\"h\":[\"x\",null],\"i\":[]}");
}

static void
no_text_can_end_its_string(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(4096);
	struct jsonw w = jsonw_on(&b);

	(void)state;
	jsonw_str(&w, str_n("\"\\\n\t\x01\x00\x7f", 7));
	assert_string_equal(
	    buf_cstr(&b), "\"\\\"\\\\\\n\\t\\u0001\xef\xbf\xbd\\u007f\"");
}

static void
what_is_not_utf8_is_replaced(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(4096);
	struct jsonw w = jsonw_on(&b);

	(void)state;
	jsonw_str(&w, STR("a\xff\xc3\xa9\xed\xa0\x80"));
	assert_non_null(strstr(buf_cstr(&b), "a\xef\xbf\xbd"));
	for (size_t i = 0; i < b.len; i++)
		assert_int_not_equal((unsigned char)b.s[i], 0xff);
}

static void
i8_hidden_characters_are_escapes(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(4096);
	struct jsonw w = jsonw_on(&b);

	(void)state;
	/* A bidi override, a C1 control, a tag character; e with acute stays. */
	jsonw_str(&w, STR("\xe2\x80\xae\xc2\x9b\xf3\xa0\x81\x81\xc3\xa9"));
	assert_string_equal(
	    buf_cstr(&b), "\"\\u202e\\u009b\\udb40\\udc41\xc3\xa9\"");
}

static void
times_are_rfc_3339_and_zero_is_null(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(4096);
	struct jsonw w = jsonw_on(&b);

	(void)state;
	jsonw_array(&w);
	jsonw_time(&w, 0);
	jsonw_time(&w, (int64_t)1700000000 * 1000000000 + 5000000);
	jsonw_end(&w);
	assert_string_equal(
	    buf_cstr(&b), "[null,\"2023-11-14T22:13:20.005Z\"]");
}

static void
a_full_buffer_is_remembered(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(8);
	struct jsonw w = jsonw_on(&b);

	(void)state;
	jsonw_array(&w);
	for (int i = 0; i < 100; i++)
		jsonw_kstr(&w, "key", "value");
	jsonw_end(&w);
	assert_int_equal(buf_done(&b, NULL), ERR_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_stand_between_and_nowhere_else),
		cmocka_unit_test(no_text_can_end_its_string),
		cmocka_unit_test(what_is_not_utf8_is_replaced),
		cmocka_unit_test(i8_hidden_characters_are_escapes),
		cmocka_unit_test(times_are_rfc_3339_and_zero_is_null),
		cmocka_unit_test(a_full_buffer_is_remembered),
	};

	return cmocka_run_group_tests_name("jsonw", tests, NULL, NULL);
}
