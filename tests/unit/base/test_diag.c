/*
 * Findings: order, carets, limits, and text that cannot harm a terminal.
 * Runs in: tests.  Trusts: nothing.  Owns: its own lists.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/diag.h"
#include "base/mem.h"

#define OUT_MAX ((size_t)4 << 20)

static void
findings_are_sorted_by_place(void **state)
{
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf out = BUF_INIT(OUT_MAX);

	(void)state;
	diag_add(d, &(struct diag){ .file = "b", .line = 1, .col = 1 }, "3");
	diag_add(d, &(struct diag){ .file = "a", .line = 9, .col = 2 }, "2");
	diag_add(d, &(struct diag){ .file = "a", .line = 9, .col = 1 }, "1");
	diags_print(d, &out);
	assert_string_equal(buf_cstr(&out), "a:9:1: 1\na:9:2: 2\nb:1:1: 3\n");
	assert_int_equal(diags_errors(d), 3);
}

static void
the_caret_stands_under_the_place(void **state)
{
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf out = BUF_INIT(OUT_MAX);

	(void)state;
	diag_add(d,
	    &(struct diag){ .severity = DIAG_WARNING,
		.code = "W001",
		.file = "a",
		.line = 1,
		.col = 4,
		.width = 3,
		.hint = "do that",
		.source = "\tx y\\z" },
	    "odd");
	diags_print(d, &out);
	assert_string_equal(buf_cstr(&out),
	    "a:1:4: warning: odd [W001]\n"
	    "    \\tx y\\z\n"
	    "        ^~~\n"
	    "    hint: do that\n");
	assert_int_equal(diags_errors(d), 0);
}

static void
i8_a_finding_is_inert_on_a_terminal(void **state)
{
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf out = BUF_INIT(OUT_MAX);

	(void)state;
	diag_add(d,
	    &(struct diag){ .file = "\033[2Ja",
		.line = 1,
		.col = 1,
		.hint = "\a",
		.source = "\033]0;x\007 \xe2\x80\xae" },
	    "key '%s'", "\033[31m\n");
	diags_print(d, &out);
	assert_null(strchr(buf_cstr(&out), '\033'));
	assert_null(strchr(buf_cstr(&out), '\a'));
	assert_null(strstr(buf_cstr(&out), "\xe2\x80\xae"));
	assert_non_null(strstr(buf_cstr(&out), "key '\\x1b[31m\\n'"));
}

static void
a_long_line_is_shown_around_the_place(void **state)
{
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf line = BUF_INIT(OUT_MAX);
	AUTO_BUF struct buf out = BUF_INIT(OUT_MAX);

	(void)state;
	for (size_t i = 0; i < 100000; i++)
		buf_putc(&line, i == 499 ? '!' : 'x');
	diag_add(d,
	    &(struct diag){
		.file = "a", .line = 1, .col = 500, .source = buf_cstr(&line) },
	    "here");
	diag_add(d,
	    &(struct diag){ .file = "a",
		.line = 1,
		.col = 90000,
		.source = buf_cstr(&line) },
	    "there");
	diags_print(d, &out);
	assert_true(buf_str(&out).len < 600);
	const char *mark = strchr(buf_cstr(&out), '!');
	const char *caret = strchr(buf_cstr(&out), '^');

	assert_non_null(mark);
	assert_non_null(caret);
	const char *first = strchr(buf_cstr(&out), '\n') + 1;
	const char *second = strchr(first, '\n') + 1;

	assert_int_equal(mark - first, caret - second);
}

static void
more_findings_than_the_limit_are_counted(void **state)
{
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf out = BUF_INIT(OUT_MAX);

	(void)state;
	for (unsigned i = 0; i < DIAGS_MAX + 7; i++)
		diag_add(d, &(struct diag){ .file = "a", .line = i + 1 }, "x");
	assert_int_equal(diags_errors(d), DIAGS_MAX + 7);
	assert_int_equal(diags_count(d), DIAGS_MAX);
	diags_print(d, &out);
	assert_non_null(strstr(buf_cstr(&out), "and 7 more\n"));
}

static void
json_has_every_field(void **state)
{
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf out = BUF_INIT(OUT_MAX);
	struct jsonw w = jsonw_on(&out);

	(void)state;
	diag_add(d,
	    &(struct diag){ .code = "E020", .file = "a", .line = 2, .col = 3 },
	    "say \"x\"");
	diags_json(d, &w);
	assert_string_equal(buf_cstr(&out),
	    "[{\"severity\":\"error\",\"code\":\"E020\",\"file\":\"a\","
	    "\"line\":2,\"col\":3,\"width\":1,"
	    "\"message\":\"say \\\"x\\\"\",\"hint\":null}]");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings_are_sorted_by_place),
		cmocka_unit_test(the_caret_stands_under_the_place),
		cmocka_unit_test(i8_a_finding_is_inert_on_a_terminal),
		cmocka_unit_test(a_long_line_is_shown_around_the_place),
		cmocka_unit_test(more_findings_than_the_limit_are_counted),
		cmocka_unit_test(json_has_every_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
