/*
 * Text from outside: what is UTF-8, what is shown, what survives base64.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/jsonw.h"
#include "base/text.h"

#define OUT_MAX ((size_t)1 << 20)

/* Bytes that do something to a terminal, or that hide in one. */
static const char *const hostile[] = {
	"\x1b[2J", "\x1b]0;title\x07",
	"\x9b"
	"31m", /* C1 as one byte */
	"\xc2\x9b"
	"31m", /* C1 in UTF-8 */
	"a\rb", "a\bb", "\x7f",
	"\xe2\x80\xae evil", /* right-to-left override */
	"\xe2\x80\x8b", /* zero width space */
	"\xf3\xa0\x81\xa1", /* a tag character */
	"\xef\xbb\xbf", /* byte order mark */
	"\xe2\x80\xa8", /* line separator */
	"\xff\xfe", "\xc0\xaf", /* overlong */
	"\xed\xa0\x80", /* surrogate */
	"\xf4\x90\x80\x80", /* above U+10FFFF */
};

static bool
is_inert(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			return false;
	}
	return true;
}

static void
i8_hostile_text_is_inert_when_escaped(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		AUTO_BUF struct buf out = BUF_INIT(OUT_MAX);

		text_escape(&out, str_of(hostile[i]));
		assert_int_equal(out.failed, 0);
		assert_true(is_inert(buf_cstr(&out)));
		assert_non_null(strchr(buf_cstr(&out), '\\'));
	}
}

static void
i8_every_byte_and_every_code_point_is_inert_or_visible(void **state)
{
	(void)state;
	for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
		AUTO_BUF struct buf in = BUF_INIT(16);
		AUTO_BUF struct buf out = BUF_INIT(64);

		if (cp >= 0xd800 && cp <= 0xdfff)
			continue;
		text_encode(&in, cp);
		text_escape(&out, buf_str(&in));
		assert_int_equal(out.failed, 0);
		if (text_is_hidden(cp))
			assert_true(is_inert(buf_cstr(&out)));
	}
	for (int byte = 0x80; byte < 0x100; byte++) {
		AUTO_BUF struct buf out = BUF_INIT(64);
		const char c = (char)byte;

		text_escape(&out, str_n(&c, 1));
		assert_true(is_inert(buf_cstr(&out)));
	}
}

static void
a_block_keeps_its_lines_and_nothing_else(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(OUT_MAX);

	(void)state;
	text_escape_block(&out, STR("a\n\tb\r\x1b[1m\n"));
	assert_string_equal(buf_cstr(&out), "a\n\tb\\x0d\\x1b[1m\n");
}

static void
ill_formed_bytes_are_not_utf8(void **state)
{
	(void)state;
	assert_true(
	    text_is_utf8(STR("gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x8c\x8d")));
	assert_false(text_is_utf8(STR("\xc3")));
	assert_false(text_is_utf8(STR("\xc0\xaf")));
	assert_false(text_is_utf8(STR("\xed\xa0\x80")));
	assert_false(text_is_utf8(STR("\xf4\x90\x80\x80")));
}

static void
base64_is_the_one_of_rfc_4648(void **state)
{
	static const char *const pairs[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		AUTO_BUF struct buf out = BUF_INIT(OUT_MAX);
		AUTO_BUF struct buf back = BUF_INIT(OUT_MAX);

		text_base64(&out, str_of(pairs[i][0]));
		assert_string_equal(buf_cstr(&out), pairs[i][1]);
		assert_int_equal(text_unbase64(buf_str(&out), &back), 0);
		assert_string_equal(buf_cstr(&back), pairs[i][0]);
	}
}

static void
every_byte_survives_base64(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(OUT_MAX);
	AUTO_BUF struct buf back = BUF_INIT(OUT_MAX);
	char all[256];

	(void)state;
	for (unsigned i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	text_base64(&out, str_n(all, sizeof(all)));
	assert_int_equal(text_unbase64(buf_str(&out), &back), 0);
	assert_int_equal(back.len, sizeof(all));
	assert_memory_equal(back.s, all, sizeof(all));
}

static void
loose_base64_is_refused(void **state)
{
	static const char *const wrong[] = { "Zg", "Zg=", "Z===", "Zm9 ",
		"Zm-v", "Zh==", "Zg==Zg==", "=Zm9", "Zm9v\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		AUTO_BUF struct buf back = BUF_INIT(OUT_MAX);

		assert_int_equal(
		    text_unbase64(str_of(wrong[i]), &back), ERR_INVALID);
	}
}

static void
json_text_is_what_strict_readers_take(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(OUT_MAX);
	struct jsonw w = jsonw_on(&out);

	(void)state;
	jsonw_str(&w, str_n("a\0b\xff\x1b", 5));
	assert_string_equal(buf_cstr(&out),
	    "\"a\xef\xbf\xbd"
	    "b\xef\xbf\xbd\\u001b\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(i8_hostile_text_is_inert_when_escaped),
		cmocka_unit_test(
		    i8_every_byte_and_every_code_point_is_inert_or_visible),
		cmocka_unit_test(a_block_keeps_its_lines_and_nothing_else),
		cmocka_unit_test(ill_formed_bytes_are_not_utf8),
		cmocka_unit_test(base64_is_the_one_of_rfc_4648),
		cmocka_unit_test(every_byte_survives_base64),
		cmocka_unit_test(loose_base64_is_refused),
		cmocka_unit_test(json_text_is_what_strict_readers_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
