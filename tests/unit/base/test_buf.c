/*
 * Buffers that remember failure, and records that check every length.
 */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
what_is_appended_is_there_and_ends_in_nul(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(1000);

	(void)state;
	assert_string_equal(buf_cstr(&b), "");
	buf_puts(&b, "one ");
	buf_putc(&b, '2');
	buf_printf(&b, " %s %d", "three", 4);
	buf_put_str(&b, STR("!"));
	assert_int_equal(buf_done(&b, NULL), 0);
	assert_string_equal(b.s, "one 2 three 4!");
	assert_int_equal(b.len, strlen(b.s));
}

static void
the_ceiling_is_exact_and_a_failure_stays(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(4);
	struct err e = ERR_INIT;

	(void)state;
	buf_puts(&b, "1234");
	assert_int_equal(buf_done(&b, NULL), 0);
	buf_putc(&b, '5');
	assert_int_equal(buf_done(&b, &e), ERR_LIMIT);
	assert_string_equal(e.msg, "text is longer than 4 bytes");
	assert_string_equal(b.s, "1234");
	/* Less would fit, but what follows a gap is worthless. */
	buf_reset(&b);
	buf_puts(&b, "12345");
	buf_puts(&b, "6");
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_done(&b, NULL), ERR_LIMIT);
	buf_reset(&b);
	buf_puts(&b, "6");
	assert_int_equal(buf_done(&b, NULL), 0);
}

static void
sizes_that_would_wrap_are_over_the_limit(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(SIZE_MAX);
	AUTO_BUF struct buf small = BUF_INIT(10);

	(void)state;
	buf_puts(&b, "x");
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_int_not_equal(b.failed, 0);
	assert_null(buf_reserve(&small, SIZE_MAX));
	assert_int_equal(small.failed, ERR_LIMIT);
}

static void
consuming_keeps_the_rest(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(100);

	(void)state;
	buf_consume(&b, 3);
	buf_puts(&b, "abcdef");
	buf_consume(&b, 2);
	assert_string_equal(b.s, "cdef");
	buf_consume(&b, 100);
	assert_string_equal(b.s, "");
	assert_int_equal(b.len, 0);
}

static void
bytes_may_be_given_away(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(100);
	AUTO_FREE char *first = NULL;
	AUTO_FREE char *second = NULL;
	char *third = NULL;

	(void)state;
	assert_int_equal(buf_take(&b, &first, NULL), 0);
	assert_string_equal(first, "");
	buf_puts(&b, "abc");
	assert_int_equal(buf_take(&b, &second, NULL), 0);
	assert_string_equal(second, "abc");
	assert_int_equal(b.len, 0);
	b.failed = ERR_NOMEM;
	assert_int_equal(buf_take(&b, &third, NULL), ERR_NOMEM);
	assert_null(third);
}

/* ---- records ----------------------------------------------------------- */

static void
a_record_gives_back_what_was_put(void **state)
{
	static const char *const list[] = { "one", NULL };
	AUTO(arena_freep) struct arena *a = arena_new(1000);
	AUTO_BUF struct buf b = BUF_INIT(1000);
	struct rec r;

	(void)state;
	rec_put_u8(&b, 0xfe);
	rec_put_u16(&b, 0xfedc);
	rec_put_u32(&b, 0xfedcba98);
	rec_put_u64(&b, UINT64_MAX - 1);
	rec_put_i64(&b, INT64_MIN);
	rec_put_str(&b, str_n("a\0b", 3));
	rec_put_cstr(&b, "text");
	rec_put_cstr(&b, "");
	rec_put_cstr(&b, NULL);
	rec_put_cstrs(&b, list, ARRAY_LEN(list));
	r = rec_of(buf_str(&b));
	assert_int_equal(rec_u8(&r), 0xfe);
	assert_int_equal(rec_u16(&r), 0xfedc);
	assert_int_equal(rec_u32(&r), 0xfedcba98);
	assert_true(rec_u64(&r) == UINT64_MAX - 1);
	assert_true(rec_i64(&r) == INT64_MIN);
	assert_true(str_eq(rec_str(&r), str_n("a\0b", 3)));
	assert_string_equal(rec_cstr(&r, a), "text");
	assert_string_equal(rec_cstr(&r, a), "");
	assert_null(rec_cstr(&r, a));
	assert_int_equal(rec_count(&r, 2), 2);
	assert_string_equal(rec_cstr(&r, a), "one");
	assert_null(rec_cstr(&r, a));
	assert_int_equal(rec_done(&r, NULL), 0);
}

static void
the_form_of_a_record_is_fixed(void **state)
{
	static const char want[] = { 1, 3, 2, 2, 0, 0, 0, 'h', 'i', -1, -1, -1,
		-1 };
	AUTO_BUF struct buf b = BUF_INIT(100);

	(void)state;
	rec_put_u8(&b, 1);
	rec_put_u16(&b, 0x0203);
	rec_put_str(&b, STR("hi"));
	rec_put_cstr(&b, NULL);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.s, want, sizeof(want));
}

static void
a_byte_too_few_or_too_many_is_ill_formed(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(100);

	(void)state;
	rec_put_u32(&b, 5);
	rec_put_str(&b, STR("hello"));
	for (size_t len = 0; len <= b.len; len++) {
		struct rec r = rec_of(str_n(b.s, len));

		(void)rec_u32(&r);
		(void)rec_str(&r);
		assert_int_equal(
		    rec_done(&r, NULL), len == b.len ? ERR_OK : ERR_INVALID);
	}
	buf_putc(&b, 'x');
	for (struct rec r = rec_of(buf_str(&b)); !r.failed; r.failed = 1) {
		(void)rec_u32(&r);
		(void)rec_str(&r);
		assert_int_equal(rec_done(&r, NULL), ERR_INVALID);
	}
}

static void
after_a_failure_all_reads_give_zero(void **state)
{
	struct rec r = rec_of(STR("\x05\0\0\0ab"));

	(void)state;
	assert_int_equal(rec_str(&r).len, 0);
	assert_int_equal(rec_u8(&r), 0);
	assert_int_equal(rec_u64(&r), 0);
	assert_int_equal(rec_done(&r, NULL), ERR_INVALID);
}

static void
text_with_a_nul_is_no_c_string(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(1000);
	AUTO_BUF struct buf b = BUF_INIT(100);
	struct rec r;

	(void)state;
	rec_put_str(&b, str_n("a\0b", 3));
	r = rec_of(buf_str(&b));
	assert_null(rec_cstr(&r, a));
	assert_int_equal(rec_done(&r, NULL), ERR_INVALID);
}

static void
a_missing_field_is_no_text(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(100);
	struct rec r;

	(void)state;
	rec_put_cstr(&b, NULL);
	r = rec_of(buf_str(&b));
	assert_int_equal(rec_str(&r).len, 0);
	assert_int_equal(rec_done(&r, NULL), ERR_INVALID);
}

static void
a_count_is_checked_before_it_is_used(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(100);
	struct rec r;

	(void)state;
	rec_put_u32(&b, 11);
	r = rec_of(buf_str(&b));
	assert_int_equal(rec_count(&r, 10), 0);
	assert_int_equal(rec_done(&r, NULL), ERR_INVALID);
	r = rec_of(buf_str(&b));
	assert_int_equal(rec_count(&r, 11), 11);
}

static void
a_reason_is_the_last_word_or_the_one_that_stands_for_it(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(4096);
	AUTO_BUF struct buf b = BUF_INIT(256);
	const char *why = "untouched";
	struct rec r;

	(void)state;
	rec_put_cstr(&b, "the disk is full");
	r = rec_of(buf_str(&b));
	assert_int_equal(rec_reason(&r, a, "none", &why, NULL), 0);
	assert_string_equal(why, "the disk is full");
	buf_reset(&b);
	rec_put_cstr(&b, NULL);
	r = rec_of(buf_str(&b));
	assert_int_equal(rec_reason(&r, a, "none", &why, NULL), 0);
	assert_string_equal(why, "none");
	rec_put_u8(&b, 1);
	r = rec_of(buf_str(&b));
	assert_int_not_equal(rec_reason(&r, a, "other", &why, NULL), 0);
	assert_string_equal(why, "none");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_appended_is_there_and_ends_in_nul),
		cmocka_unit_test(the_ceiling_is_exact_and_a_failure_stays),
		cmocka_unit_test(sizes_that_would_wrap_are_over_the_limit),
		cmocka_unit_test(consuming_keeps_the_rest),
		cmocka_unit_test(bytes_may_be_given_away),
		cmocka_unit_test(a_record_gives_back_what_was_put),
		cmocka_unit_test(the_form_of_a_record_is_fixed),
		cmocka_unit_test(a_byte_too_few_or_too_many_is_ill_formed),
		cmocka_unit_test(after_a_failure_all_reads_give_zero),
		cmocka_unit_test(text_with_a_nul_is_no_c_string),
		cmocka_unit_test(a_missing_field_is_no_text),
		cmocka_unit_test(a_count_is_checked_before_it_is_used),
		cmocka_unit_test(
		    a_reason_is_the_last_word_or_the_one_that_stands_for_it),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
