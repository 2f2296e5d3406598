/*
 * Regular expressions: anchored, bounded, and sure of their literals.
 * Runs in: tests.  Trusts: nothing.  Owns: its own patterns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "regex.h"

struct clock {
	int64_t now, step;
};

static int64_t
tick(void *ctx)
{
	struct clock *c = ctx;

	c->now += c->step;
	return c->now;
}

static struct regex *
compile(const char *pattern, bool whole)
{
	struct regex_error why;
	struct regex *re = NULL;

	if (regex_new(&(struct regex_options){ .pattern = str_of(pattern),
			  .whole = whole,
			  .dotall = !whole },
		&re, &why) != 0)
		fail_msg("%s: %s", pattern, why.msg);
	return re;
}

static enum regex_result
match(const char *pattern, bool whole, struct str subject)
{
	AUTO(regex_runner_freep) struct regex_runner *r = NULL;
	struct clock c = { .now = 1 };
	struct regex *re = compile(pattern, whole);
	enum regex_result result;

	assert_int_equal(regex_runner_new(tick, &c, &r, NULL), 0);
	result = regex_match(r, re, subject);
	regex_free(re);
	return result;
}

static void
a_regex_matches_from_the_beginning(void **state)
{
	(void)state;
	assert_int_equal(match("git", false, STR("git push")), REGEX_YES);
	assert_int_equal(match("git", true, STR("git push")), REGEX_NO);
	assert_int_equal(match("git.*", true, STR("git push")), REGEX_YES);
	assert_int_equal(match("push", false, STR("git push")), REGEX_NO);
	assert_int_equal(match("a|git", false, STR("x git")), REGEX_NO);
	assert_int_equal(match("(?m)^git", false, STR("x\ngit")), REGEX_NO);
}

static void
a_newline_hides_nothing_from_a_rule_that_tightens(void **state)
{
	(void)state;
	assert_int_equal(match("a.*evil", false, STR("a\nevil")), REGEX_YES);
	assert_int_equal(match("a.*", true, STR("a\nevil")), REGEX_NO);
	assert_int_equal(match("git$", true, STR("git\n")), REGEX_NO);
}

static void
too_much_work_is_an_error_and_not_a_no(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT((size_t)1 << 20);

	(void)state;
	for (int i = 0; i < 5000; i++)
		buf_putc(&b, 'a');
	buf_puts(&b, "c");
	assert_int_equal(match("(a+)+(b|d)", false, buf_str(&b)), REGEX_ERROR);
}

static void
what_is_too_long_or_not_text_is_an_error(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT((size_t)1 << 20);

	(void)state;
	for (int i = 0; i <= REGEX_SUBJECT_MAX; i++)
		buf_putc(&b, 'a');
	assert_int_equal(match("b", false, buf_str(&b)), REGEX_ERROR);
	assert_int_equal(match("b", false, STR("\xff")), REGEX_ERROR);
}

static void
the_deadline_is_for_all_matches_of_a_decision(void **state)
{
	AUTO(regex_runner_freep) struct regex_runner *r = NULL;
	struct clock c = { .now = 1, .step = REGEX_DEADLINE_NS / 4 };
	struct regex *re = compile("git", false);
	uint64_t matches, errors;

	(void)state;
	assert_int_equal(regex_runner_new(tick, &c, &r, NULL), 0);
	for (int i = 0; i < REGEX_UNTIMED + 4; i++)
		assert_int_equal(regex_match(r, re, STR("x")), REGEX_NO);
	assert_int_equal(regex_match(r, re, STR("x")), REGEX_ERROR);
	assert_int_equal(regex_match(r, re, STR("git")), REGEX_ERROR);
	regex_runner_begin(r);
	assert_int_equal(regex_match(r, re, STR("git")), REGEX_YES);
	regex_runner_counts(r, &matches, &errors);
	assert_int_equal(matches, REGEX_UNTIMED + 7);
	assert_int_equal(errors, 2);
	regex_free(re);
}

static void
what_begins_so_may_go_on(void **state)
{
	AUTO(regex_runner_freep) struct regex_runner *r = NULL;
	struct regex *re = compile("rm .*-rf? /", false);

	(void)state;
	assert_int_equal(regex_runner_new(NULL, NULL, &r, NULL), 0);
	assert_true(regex_may_go_on(r, re, STR("")));
	assert_true(regex_may_go_on(r, re, STR("rm ")));
	assert_true(regex_may_go_on(r, re, STR("rm -rf / ")));
	assert_false(regex_may_go_on(r, re, STR("ls ")));
	regex_free(re);
}

static size_t
literal(const char *pattern, char *ret)
{
	const size_t n = regex_literal(str_of(pattern), ret);

	ret[n] = '\0';
	return n;
}

static void
the_literal_is_what_every_match_contains(void **state)
{
	static const struct {
		const char *pattern, *literal;
	} cases[] = {
		{ "^curl .*--upload-file(?:=|\\s|$)", "--upload-file" },
		{ "git push +origin", "git push " },
		{ "ab+c", "ab" },
		{ "ab?cd", "cd" },
		{ "ab{2}cd", "cd" },
		{ "a(bcdef)?g", "a" },
		{ "[abc]def\\.ghi", "def.ghi" },
		{ "abc|def", "" },
		{ "(?i)abc", "" },
		{ "a(?=bc)d", "" },
		{ "\\Qabc\\E", "" },
		{ "\\babc\\b", "abc" },
		{ "(a|b(c)[)])defg", "defg" },
		{ "x*abc*", "ab" },
	};
	char got[REGEX_PATTERN_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		(void)literal(cases[i].pattern, got);
		assert_string_equal(got, cases[i].literal);
	}
}

static unsigned
roll(uint64_t *state, unsigned sides)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*state >> 33) % sides;
}

/* Random patterns of the usual pieces against random subjects. */
static void
no_match_lacks_the_literal(void **state)
{
	static const char *const pieces[] = { "a", "b", "ab", "c+", "a*", "b?",
		"(ab|c)", "[ab]", ".", "\\.", "(?:c)?", "a{2}", "\\s", "-", "c",
		"(b|a)+", "\\w", "^", "a{0,1}", "[^a]" };
	static const char alphabet[] = "abc.- ";
	AUTO(regex_runner_freep) struct regex_runner *r = NULL;
	char lit[REGEX_PATTERN_MAX + 1], subject[16];
	uint64_t dice = 1;
	unsigned matched = 0;

	(void)state;
	assert_int_equal(regex_runner_new(NULL, NULL, &r, NULL), 0);
	for (int round = 0; round < 20000; round++) {
		AUTO_BUF struct buf b = BUF_INIT(4096);
		struct regex *re;

		for (unsigned k = 1 + roll(&dice, 6); k > 0; k--)
			buf_puts(&b, pieces[roll(&dice, ARRAY_LEN(pieces))]);
		if (strstr(buf_cstr(&b), "^*") != NULL ||
		    strstr(buf_cstr(&b), "^?") != NULL)
			continue;
		re = compile(buf_cstr(&b), false);
		const size_t n = literal(buf_cstr(&b), lit);

		for (int i = 0; i < 10; i++) {
			size_t len = roll(&dice, 12);

			for (size_t k = 0; k < len; k++)
				subject[k] = alphabet[roll(&dice, 6)];
			regex_runner_begin(r);
			if (regex_match(r, re, str_n(subject, len)) !=
			    REGEX_YES)
				continue;
			matched++;
			if (n > 0 &&
			    str_search(str_n(subject, len), str_n(lit, n)) ==
				len)
				fail_msg("%s matches '%.*s' without '%s'",
				    buf_cstr(&b), (int)len, subject, lit);
		}
		regex_free(re);
	}
	assert_true(matched > 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_regex_matches_from_the_beginning),
		cmocka_unit_test(
		    a_newline_hides_nothing_from_a_rule_that_tightens),
		cmocka_unit_test(too_much_work_is_an_error_and_not_a_no),
		cmocka_unit_test(what_is_too_long_or_not_text_is_an_error),
		cmocka_unit_test(the_deadline_is_for_all_matches_of_a_decision),
		cmocka_unit_test(what_begins_so_may_go_on),
		cmocka_unit_test(the_literal_is_what_every_match_contains),
		cmocka_unit_test(no_match_lacks_the_literal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
