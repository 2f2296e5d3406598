/*
 * Every folder of tests/data/rules: the rule file "input" loads with exactly
 * the warnings in "expect", or fails with exactly the findings in "error",
 * each error with a hint.
 * "layer" may name another layer than the organisation's.
 * Runs in: tests.  Trusts: the tree's own files.  Owns: nothing.
 */
#include "rules_int.h"

#include "cases.h"

#define TEXT_MAX ((size_t)4 << 20)

static enum rule_layer
layer_of(const char *folder)
{
	AUTO_BUF struct buf name = BUF_INIT(TEXT_MAX);

	if (!case_file(folder, "layer", &name))
		return LAYER_ORGANISATION;
	for (int l = LAYER_PACK; l <= LAYER_USER; l++) {
		if (str_eqz(str_trim(buf_str(&name)),
			rule_layer_name((enum rule_layer)l)))
			return (enum rule_layer)l;
	}
	return LAYER_ORGANISATION;
}

static const char *
compare(const char *folder, const char *name, const struct buf *got)
{
	AUTO_BUF struct buf want = BUF_INIT(TEXT_MAX);

	if (!case_file(folder, name, &want)) {
		(void)printf("%s", buf_cstr(got));
		return "there is no expectation for this result";
	}
	if (str_eq(buf_str(&want), buf_str(got)))
		return NULL;
	(void)printf("--- want\n%s--- got\n%s", buf_cstr(&want), buf_cstr(got));
	return "another result";
}

/* Who made the mistake is told what to write instead. */
static size_t
count_hints(const struct buf *text)
{
	struct str rest = buf_str(text);
	size_t n = 0;

	while (rest.len > 0)
		n += str_starts(str_cut(&rest, '\n'), STR("    hint: "));
	return n;
}

static const char *
check(void *ctx, const char *folder)
{
	AUTO_BUF struct buf input = BUF_INIT(TEXT_MAX);
	AUTO_BUF struct buf got = BUF_INIT(TEXT_MAX);
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO(ruleset_freep) struct ruleset *set = NULL;
	struct rule_text text = { .name = "input", .layer = layer_of(folder) };
	int r;

	(void)ctx;
	if (!case_file(folder, "input", &input))
		return "no input";
	text.text = buf_str(&input);
	r = ruleset_parse(&text, 1, d, &set, NULL);
	diags_print(d, &got);
	if (r == 0 && diags_errors(d) > 0)
		return "errors, but loaded";
	if (r != 0 && diags_errors(d) == 0)
		return "refused without an error";
	if (count_hints(&got) < diags_errors(d))
		return "an error without a hint";
	if (r != 0 && set != NULL)
		return "a partial load";
	return compare(folder, r == 0 ? "expect" : "error", &got);
}

int
main(int argc, char **argv)
{
	return argc == 2 ? cases_run(argv[1], check, NULL) : 64;
}
