/*
 * The small parts: errors, views of text, numbers, memory, digests.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/num.h"
#include "base/sha256.h"
#include "base/text.h"

/* ---- err --------------------------------------------------------------- */

static void
a_setter_returns_its_code_and_takes_null(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(err_set(&e, ERR_LIMIT, "over %d", 5), ERR_LIMIT);
	assert_string_equal(e.msg, "over 5");
	assert_int_equal(e.code, ERR_LIMIT);
	assert_int_equal(err_set(NULL, ERR_DENIED, "x"), ERR_DENIED);
	assert_int_equal(err_sys(NULL, "x"), ERR_SYS);
	assert_int_equal(err_at(NULL, "f", 1, 2, "x"), ERR_INVALID);
	assert_int_equal(err_wrap(NULL, ERR_NOMEM, "x"), ERR_NOMEM);
	assert_int_equal(err_nomem(NULL), ERR_NOMEM);
}

static void
a_system_error_keeps_errno_and_says_it(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_sys(&e, "cannot open '%s'", "f"), ERR_SYS);
	assert_int_equal(e.sys_errno, ENOENT);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(
	    e.msg, "cannot open 'f': No such file or directory");
	/* The next one starts afresh. */
	(void)err_at(&e, "file.yaml", 3, 7, "bad");
	assert_int_equal(e.sys_errno, 0);
	assert_int_equal(e.line, 3);
	assert_int_equal(e.col, 7);
	assert_string_equal(e.file, "file.yaml");
}

static void
wrapping_puts_more_before_and_never_overflows(void **state)
{
	char longest[2 * ERR_MSG_MAX];
	struct err e = ERR_INIT;

	(void)state;
	(void)err_set(&e, ERR_INVALID, "inner");
	assert_int_equal(err_wrap(&e, ERR_INVALID, "outer %d", 1), ERR_INVALID);
	assert_string_equal(e.msg, "outer 1: inner");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	(void)err_set(&e, ERR_INVALID, "%s", longest);
	assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
	(void)err_wrap(&e, ERR_INVALID, "%s", longest);
	assert_true(strlen(e.msg) < ERR_MSG_MAX);
	assert_non_null(strstr(e.msg, "x: x"));
}

static void
every_code_has_a_name(void **state)
{
	(void)state;
	for (int code = ERR_INTERNAL; code <= ERR_OK; code++)
		assert_true(strlen(err_code_name(code)) > 1);
	assert_string_equal(err_code_name(17), "internal");
	assert_string_equal(err_code_name(-1000), "internal");
}

/* ---- str --------------------------------------------------------------- */

static void
views_compare_by_bytes_and_length(void **state)
{
	(void)state;
	assert_true(str_eq(STR("ab"), str_n("abc", 2)));
	assert_false(str_eq(STR("ab"), STR("abc")));
	assert_true(str_eq(STR_NONE, STR("")));
	assert_true(str_eqz(str_n("a\0b", 1), "a"));
	assert_false(str_eqz(str_n("a\0b", 3), "a"));
	assert_true(str_cmp(STR("a"), STR("ab")) < 0);
	assert_true(str_cmp(STR("b"), STR("ab")) > 0);
	assert_int_equal(str_cmp(STR("ab"), STR("ab")), 0);
	assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
	assert_true(str_starts(STR("abc"), STR("ab")));
	assert_false(str_starts(STR("a"), STR("ab")));
	assert_true(str_ends(STR("abc"), STR("bc")));
	assert_false(str_ends(STR("c"), STR("bc")));
}

static void
lines_that_are_the_same_are_counted_whole(void **state)
{
	(void)state;
	assert_int_equal(
	    str_same_head_lines(STR("a\nb\nc"), STR("a\nb\nd")), 4);
	assert_int_equal(str_same_head_lines(STR("ab\n"), STR("ac\n")), 0);
	assert_int_equal(str_same_head_lines(STR("ab"), STR("ab")), 0);
	assert_int_equal(str_same_tail_lines(STR("x\nb\n"), STR("y\nb\n")), 2);
	assert_int_equal(str_same_tail_lines(STR("b\n"), STR("ab\n")), 0);
	assert_int_equal(str_same_tail_lines(STR("b\n"), STR("a\nb\n")), 2);
	assert_int_equal(str_same_tail_lines(STR("ab"), STR("ab")), 2);
}

static void
offsets_beyond_the_end_give_nothing(void **state)
{
	struct str s = STR("a,b");
	struct str head;

	(void)state;
	assert_int_equal(str_from(s, 99).len, 0);
	assert_int_equal(str_head(s, 99).len, 3);
	assert_int_equal(str_find(s, 'x'), 3);
	assert_int_equal(str_rfind(s, 'x'), 3);
	assert_int_equal(str_search(s, STR("xyz1")), 3);
	assert_int_equal(str_search(s, STR("b")), 2);
	assert_int_equal(str_search(s, STR("")), 0);
	assert_int_equal(str_search_nocase(s, STR("XYZ1")), 3);
	assert_int_equal(str_search_nocase(STR("aB"), STR("bc")), 2);
	assert_int_equal(str_find(STR_NONE, 'x'), 0);
	head = str_cut(&s, ',');
	assert_true(str_eqz(head, "a"));
	head = str_cut(&s, ',');
	assert_true(str_eqz(head, "b"));
	assert_int_equal(s.len, 0);
	assert_true(str_eqz(str_trim(STR(" \t x y\r\n")), "x y"));
	assert_int_equal(str_trim(STR(" \n")).len, 0);
}

static void
a_word_is_one_of_a_list_only_as_a_whole(void **state)
{
	static const char *const list[] = { "a", "abc" };

	(void)state;
	assert_true(str_is_one_of(STR("a"), list, 2));
	assert_true(str_is_one_of(STR("abc"), list, 2));
	assert_false(str_is_one_of(STR("abc"), list, 1));
	assert_false(str_is_one_of(STR("ab"), list, 2));
	assert_false(str_is_one_of(STR_NONE, list, 2));
	assert_false(str_is_one_of(STR("a"), NULL, 0));
}

static void
nothing_is_no_number(void **state)
{
	(void)state;
	assert_true(str_is_digits(STR("0123456789")));
	assert_false(str_is_digits(STR("")));
	assert_false(str_is_digits(STR("1 ")));
	assert_false(str_is_digits(STR("-1")));
	assert_false(str_is_digits(str_n("1\0", 2)));
}

static void
every_hexadecimal_digit_and_no_other_byte_has_a_value(void **state)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	(void)state;
	for (int c = -128; c < 128; c++) {
		const char *at = c == 0 ? NULL : strchr(digits, (char)c);
		const int n = at == NULL ? -1 : (int)(at - digits);

		assert_int_equal(text_hex_digit((char)c), n > 15 ? n - 6 : n);
	}
}

/* ---- num --------------------------------------------------------------- */

static void
a_number_is_the_whole_text_and_in_its_range(void **state)
{
	static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "0x1",
		"1e3", "1.0", "a", "1\n" };
	uint64_t v = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
		    num_parse_u64(str_of(bad[i]), 0, UINT64_MAX, &v),
		    ERR_INVALID);
	assert_int_equal(v, 7);
	assert_int_equal(
	    num_parse_u64(STR("18446744073709551615"), 0, UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(
	    num_parse_u64(STR("18446744073709551616"), 0, UINT64_MAX, &v),
	    ERR_LIMIT);
	assert_int_equal(num_parse_u64(STR("5"), 6, 9, &v), ERR_LIMIT);
	assert_int_equal(num_parse_u64(STR("10"), 6, 9, &v), ERR_LIMIT);
	assert_int_equal(num_parse_u64(STR("009"), 6, 9, &v), 0);
	assert_int_equal(v, 9);
}

static void
durations_and_sizes_have_units(void **state)
{
	int64_t ms = 0;
	uint64_t bytes = 0;

	(void)state;
	assert_int_equal(num_parse_duration_ms(STR("90s"), &ms), 0);
	assert_int_equal(ms, 90000);
	assert_int_equal(num_parse_duration_ms(STR("250ms"), &ms), 0);
	assert_int_equal(ms, 250);
	assert_int_equal(num_parse_duration_ms(STR("2d"), &ms), 0);
	assert_int_equal(ms, 172800000);
	assert_int_equal(num_parse_duration_ms(STR("90"), &ms), ERR_INVALID);
	assert_int_equal(num_parse_duration_ms(STR("s"), &ms), ERR_INVALID);
	assert_int_equal(num_parse_duration_ms(STR("1S"), &ms), ERR_INVALID);
	assert_int_equal(
	    num_parse_duration_ms(STR("9223372036854775807d"), &ms), ERR_LIMIT);
	assert_int_equal(num_parse_bytes(STR("4G"), &bytes), 0);
	assert_true(bytes == (uint64_t)4 << 30);
	assert_int_equal(num_parse_bytes(STR("512"), &bytes), 0);
	assert_int_equal(bytes, 512);
	assert_int_equal(num_parse_bytes(STR("1KB"), &bytes), ERR_INVALID);
	assert_int_equal(
	    num_parse_bytes(STR("9999999999T"), &bytes), ERR_LIMIT);
}

/* ---- mem --------------------------------------------------------------- */

static void
an_arena_gives_zeroed_memory_up_to_its_limit(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(100000);
	size_t got = 0;
	unsigned char *p;

	(void)state;
	while ((p = arena_alloc(a, 1000)) != NULL) {
		for (size_t i = 0; i < 1000; i++)
			assert_int_equal(p[i], 0);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		memset(p, 0xff, 1000);
		got += 1000;
	}
	assert_true(got > 90000 && got <= 100000);
	assert_true(arena_failed(a));
	assert_true(arena_used(a) <= 100000);
	/* It stays failed, so one check at the end is enough. */
	assert_true(arena_failed(a));
}

static void
a_wiped_arena_has_nothing_of_what_it_was_given(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(1 << 20);
	char *all[100];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		all[i] = arena_strndup(a, "secret", 6);
		assert_non_null(arena_alloc(a, 3000));
	}
	arena_wipe(a);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		for (size_t k = 0; k < 7; k++)
			assert_int_equal(all[i][k], 0);
	}
	arena_wipe(NULL);
}

static void
an_array_whose_size_wraps_is_refused(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(SIZE_MAX);
	void *p = NULL;
	size_t cap = 0;

	(void)state;
	assert_null(arena_array(a, SIZE_MAX / 2, 4));
	assert_true(arena_failed(a));
	assert_null(arena_alloc(a, SIZE_MAX));
	assert_null(arena_strndup(a, "x", SIZE_MAX));
	assert_int_equal(mem_grow(&p, &cap, SIZE_MAX / 4, 16), ERR_NOMEM);
	assert_null(p);
	assert_int_equal(cap, 0);
	assert_null(mem_strndup("x", SIZE_MAX));
}

static void
a_grown_array_keeps_its_content_and_is_zeroed(void **state)
{
	AUTO_FREE int *p = NULL;
	size_t cap = 0;

	(void)state;
	for (size_t n = 0; n < 1000; n++) {
		assert_int_equal(mem_grow(&p, &cap, n + 1, sizeof(*p)), 0);
		assert_int_equal(p[n], 0);
		p[n] = (int)n;
	}
	for (size_t n = 0; n < 1000; n++)
		assert_int_equal(p[n], n);
}

static void
secrets_are_compared_whole(void **state)
{
	AUTO(secret_freep) struct secret *s = secret_new("abc", 3);
	size_t len = 0;

	(void)state;
	assert_memory_equal(secret_bytes(s, &len), "abc", 3);
	assert_int_equal(len, 3);
	assert_true(mem_equal_secret("abc", "abc", 3));
	assert_false(mem_equal_secret("abc", "abd", 3));
	assert_false(mem_equal_secret("abc", "bbc", 3));
	assert_true(mem_equal_secret("a", "b", 0));
}

/* ---- sha256 ------------------------------------------------------------ */

static void
assert_digest(const uint8_t d[static SHA256_LEN], const char *hex)
{
	AUTO_BUF struct buf b = BUF_INIT(SHA256_HEX_LEN);

	text_hex(&b, d, SHA256_LEN);
	assert_string_equal(buf_cstr(&b), hex);
}

#define OF_ABC                                                                 \
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OF_NOTHING                                                             \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void
digests_are_those_of_the_standard(void **state)
{
	AUTO(sha256_freep) struct sha256 *h = NULL;
	uint8_t d[SHA256_LEN];

	(void)state;
	assert_int_equal(sha256_of("", 0, d, NULL), 0);
	assert_digest(d, OF_NOTHING);
	assert_int_equal(sha256_of("abc", 3, d, NULL), 0);
	assert_digest(d, OF_ABC);
	assert_int_equal(sha256_new(&h, NULL), 0);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(sha256_add(h, "a", 1, NULL), 0);
		assert_int_equal(sha256_add(h, "", 0, NULL), 0);
		assert_int_equal(sha256_add(h, "bc", 2, NULL), 0);
		assert_int_equal(sha256_end(h, d, NULL), 0);
		assert_digest(d, OF_ABC);
	}
}

static void
a_files_digest_is_of_the_whole_file(void **state)
{
	FILE *f = tmpfile();
	uint8_t d[SHA256_LEN];

	(void)state;
	assert_non_null(f);
	assert_int_equal(fputs("abc", f), 1);
	assert_int_equal(fflush(f), 0);
	assert_int_equal(sha256_fd(fileno(f), 3, d, NULL), 0);
	assert_digest(d, OF_ABC);
	assert_int_equal(lseek(fileno(f), 0, SEEK_CUR), 3);
	assert_int_equal(sha256_fd(fileno(f), 2, d, NULL), ERR_LIMIT);
	assert_int_equal(fclose(f), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_that_are_the_same_are_counted_whole),
		cmocka_unit_test(a_setter_returns_its_code_and_takes_null),
		cmocka_unit_test(a_system_error_keeps_errno_and_says_it),
		cmocka_unit_test(wrapping_puts_more_before_and_never_overflows),
		cmocka_unit_test(every_code_has_a_name),
		cmocka_unit_test(views_compare_by_bytes_and_length),
		cmocka_unit_test(offsets_beyond_the_end_give_nothing),
		cmocka_unit_test(a_number_is_the_whole_text_and_in_its_range),
		cmocka_unit_test(durations_and_sizes_have_units),
		cmocka_unit_test(an_arena_gives_zeroed_memory_up_to_its_limit),
		cmocka_unit_test(
		    a_wiped_arena_has_nothing_of_what_it_was_given),
		cmocka_unit_test(a_word_is_one_of_a_list_only_as_a_whole),
		cmocka_unit_test(nothing_is_no_number),
		cmocka_unit_test(
		    every_hexadecimal_digit_and_no_other_byte_has_a_value),
		cmocka_unit_test(an_array_whose_size_wraps_is_refused),
		cmocka_unit_test(a_grown_array_keeps_its_content_and_is_zeroed),
		cmocka_unit_test(secrets_are_compared_whole),
		cmocka_unit_test(digests_are_those_of_the_standard),
		cmocka_unit_test(a_files_digest_is_of_the_whole_file),
	};

	return cmocka_run_group_tests_name("small", tests, NULL, NULL);
}
