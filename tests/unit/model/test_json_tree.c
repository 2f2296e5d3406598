/*
 * json_tree gives what jansson gives, for all it may be asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/json_tree.h"
#include "model/limits.h"

#define TEXT_MAX 65536

static void
same_as_jansson(const char *text)
{
	const size_t len = strlen(text);
	json_auto_t *ours = json_tree(str_n(text, len));
	json_auto_t *theirs =
	    json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	char *a, *b;

	if (theirs == NULL) {
		assert_null(ours);
		return;
	}
	assert_non_null(ours);
	a = json_dumps(ours, JSON_COMPACT);
	b = json_dumps(theirs, JSON_COMPACT);
	assert_non_null(a);
	assert_string_equal(a, b);
	free(a);
	free(b);
}

static void
it_is_the_same_tree_with_members_in_order(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"{\"b\":1,\"a\":[2,{\"c\":null}],\"d\":true,\"e\":false}",
		("{\"n\":-1,\"o\":-0,\"p\":1.50,\"q\":1e3,\"r\":0.1,"
		 "\"s\":9223372036854775807,\"t\":-9223372036854775808}"),
		"{\"s\":\"\\u00e9\\ud83d\\ude00\\n\\\"\\/\",\"\\u0061\":\"\"}",
		" { \"a\" : [ ] } ",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		same_as_jansson(texts[i]);
}

static void
what_jansson_refuses_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"7",
		"\"text\"",
		"null",
		"{\"a\":1,\"a\":2}",
		"{\"a\":1} x",
		"{\"a\":9223372036854775808}",
		"{\"a\":1e999}",
		"{\"a\":\"\\ud800\"}",
		"{\"a\":\"\xff\"}",
		"{\"a\":\"\\u0000\"}",
		"{\"a\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_null(json_tree(str_of(texts[i])));
		same_as_jansson(texts[i]);
	}
}

/* An input as deep as is allowed is deeper in the row that records it. */
static void
what_is_beyond_the_fast_parser_is_read_all_the_same(void **state)
{
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);
	json_t *j;

	(void)state;
	for (unsigned i = 0; i < JSON_DEPTH_MAX + 8; i++)
		buf_putc(&text, '[');
	for (unsigned i = 0; i < JSON_DEPTH_MAX + 8; i++)
		buf_putc(&text, ']');
	j = json_tree(buf_str(&text));
	assert_non_null(j);
	json_decref(j);
	same_as_jansson(buf_cstr(&text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_same_tree_with_members_in_order),
		cmocka_unit_test(what_jansson_refuses_is_refused),
		cmocka_unit_test(
		    what_is_beyond_the_fast_parser_is_read_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
