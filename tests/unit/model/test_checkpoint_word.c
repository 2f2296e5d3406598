/*
 * A signed note as one word, found again in whatever text it was written to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "checkpoint_word.h"

#define BYTES_MAX ((size_t)64 << 10)
#define NOTE STR("assent/1\n12\nroot+/=\n\n\xe2\x80\x94 assent/1 c2ln\n")

static void
a_note_of_any_length_comes_back(void **state)
{
	AUTO_BUF struct buf note = BUF_INIT(BYTES_MAX);
	AUTO_BUF struct buf word = BUF_INIT(BYTES_MAX);
	AUTO_BUF struct buf back = BUF_INIT(BYTES_MAX);

	(void)state;
	for (unsigned n = 1; n < 300; n++) {
		struct str text;

		buf_putc(&note, (char)(n * 37));
		buf_reset(&word);
		checkpoint_word_put(&word, buf_str(&note));
		assert_int_equal(buf_done(&word, NULL), 0);
		text = buf_str(&word);
		assert_true(checkpoint_word_next(&text, &back));
		assert_true(str_eq(buf_str(&back), buf_str(&note)));
		assert_int_equal(text.len, 0);
	}
}

static void
nothing_that_writes_lines_has_to_escape_it(void **state)
{
	AUTO_BUF struct buf word = BUF_INIT(BYTES_MAX);
	AUTO_BUF struct buf shown = BUF_INIT(BYTES_MAX);

	(void)state;
	checkpoint_word_put(&word, NOTE);
	text_escape(&shown, buf_str(&word));
	assert_true(str_eq(buf_str(&shown), buf_str(&word)));
	assert_int_equal(str_find(buf_str(&word), '/'), word.len);
	assert_int_equal(str_find(buf_str(&word), '='), word.len);
	assert_int_equal(str_find(buf_str(&word), '+'), word.len);
}

static void
all_are_found_among_other_text_and_a_damaged_one_is_empty(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(BYTES_MAX);
	AUTO_BUF struct buf back = BUF_INIT(BYTES_MAX);
	struct str text;

	(void)state;
	buf_puts(&out, "{\"checkpoint\":\"");
	checkpoint_word_put(&out, NOTE);
	buf_puts(&out, "\"}\n<86>1 x " CHECKPOINT_WORD "A\n<86> note=");
	checkpoint_word_put(&out, NOTE);
	text = buf_str(&out);
	assert_true(checkpoint_word_next(&text, &back));
	assert_true(str_eq(buf_str(&back), NOTE));
	assert_true(checkpoint_word_next(&text, &back));
	assert_int_equal(back.len, 0);
	assert_true(checkpoint_word_next(&text, &back));
	assert_true(str_eq(buf_str(&back), NOTE));
	assert_false(checkpoint_word_next(&text, &back));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_note_of_any_length_comes_back),
		cmocka_unit_test(nothing_that_writes_lines_has_to_escape_it),
		cmocka_unit_test(
		    all_are_found_among_other_text_and_a_damaged_one_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
