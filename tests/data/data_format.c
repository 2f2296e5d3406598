/*
 * Every folder of tests/data/format: the file "input" is brought into the
 * layout of "expect", which is left as it is.
 * Runs in: tests.  Trusts: the tree's own files.  Owns: nothing.
 */
#include "format.h"

#include "cases.h"

#define TEXT_MAX ((size_t)4 << 20)

static const char *
check(void *ctx, const char *folder)
{
	AUTO_BUF struct buf input = BUF_INIT(TEXT_MAX);
	AUTO_BUF struct buf want = BUF_INIT(TEXT_MAX);
	AUTO_BUF struct buf got = BUF_INIT(TEXT_MAX);
	AUTO_BUF struct buf again = BUF_INIT(TEXT_MAX);

	(void)ctx;
	if (!case_file(folder, "input", &input))
		return "no input";
	if (rules_format("input", buf_str(&input), NULL, &got, NULL) != 0)
		return "cannot be formatted";
	if (rules_format("input", buf_str(&got), NULL, &again, NULL) != 0 ||
	    !str_eq(buf_str(&got), buf_str(&again)))
		return "formatting twice is not formatting once";
	if (!case_file(folder, "expect", &want)) {
		(void)printf("%s", buf_cstr(&got));
		return "there is no expectation for this result";
	}
	if (str_eq(buf_str(&want), buf_str(&got)))
		return NULL;
	(void)printf(
	    "--- want\n%s--- got\n%s", buf_cstr(&want), buf_cstr(&got));
	return "another result";
}

int
main(int argc, char **argv)
{
	return argc == 2 ? cases_run(argv[1], check, NULL) : 64;
}
