/*
 * Lines are the very bytes that jansson writes, and ASCII alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lines.h"

#define LINES_MAX 65536

static void
lines_are_what_jansson_writes(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"a\":{},\"b\":[],\"c\":[1,{\"d\":\"\\n\"}],\"e\":null}",
		"{\"n\":-1,\"r\":0.1,\"x\":1e300,\"t\":true,\"f\":false}",
		"{\"i\":-9223372036854775808,\"j\":9223372036854775807}",
		"{\"s\":\"plain ~ text / \",\"u\":\"\\u00e9\\ud83d\\ude00\"}",
		"{\"c\":\"\\u0001\\u001b[31m\\u007f\\\\ \\\"\\t\\r\\n\"}",
		"{\"k\\n\\\"\\u00e9\":{\"\\u007f\":\"\\u2028\"},\"\":\"\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO_BUF struct buf out = BUF_INIT(LINES_MAX);
		json_auto_t *row = json_loads(texts[i], 0, NULL);
		char *theirs =
		    json_dumps(row, JSON_COMPACT | JSON_ENSURE_ASCII);

		assert_non_null(row);
		assert_int_equal(rows_as_lines(&row, 1, &out, NULL), 0);
		assert_int_equal(out.len, strlen(theirs) + 1);
		assert_memory_equal(out.s, theirs, out.len - 1);
		assert_int_equal(out.s[out.len - 1], '\n');
		for (size_t c = 0; c + 1 < out.len; c++)
			assert_in_range(out.s[c], 0x20, 0x7f);
		free(theirs);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_what_jansson_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
