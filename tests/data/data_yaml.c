/*
 * Every folder of tests/data/yaml: "input" parses to the tree in "expect", or
 * fails with exactly the findings in "error".
 * Runs in: tests.  Trusts: the tree's own files.  Owns: nothing.
 */
#include "base/yaml.h"

#include "data/cases.h"

#define TEXT_MAX ((size_t)4 << 20)

/* The tree as text: one line a node, with its place. */
static void
show(struct buf *out, const struct yaml *node, unsigned depth)
{
	static const char *const kinds[] = { "invalid", "scalar", "list",
		"map" };

	buf_printf(out, "%u:%u %s", node->line, node->col, kinds[node->kind]);
	if (node->kind == YAML_SCALAR)
		buf_printf(out, "%s '%.*s'", node->quoted ? " quoted" : "",
		    STR_ARG(node->text));
	buf_putc(out, '\n');
	for (size_t i = 0; i < node->count; i++) {
		for (unsigned k = 0; k <= depth; k++)
			buf_puts(out, "  ");
		if (node->kind == YAML_MAP)
			buf_printf(out, "%.*s = ", STR_ARG(node->keys[i].text));
		show(out, &node->items[i], depth + 1);
	}
}

static const char *
compare(const char *folder, const char *name, const struct buf *got)
{
	AUTO_BUF struct buf want = BUF_INIT(TEXT_MAX);

	if (!case_file(folder, name, &want)) {
		(void)printf("%s\n", buf_cstr(got));
		return "there is no expectation for this result";
	}
	if (str_eq(buf_str(&want), buf_str(got)))
		return NULL;
	(void)printf("--- want\n%s--- got\n%s", buf_cstr(&want), buf_cstr(got));
	return "another result";
}

static const char *
check(void *ctx, const char *folder)
{
	AUTO_BUF struct buf input = BUF_INIT(TEXT_MAX);
	AUTO_BUF struct buf got = BUF_INIT(TEXT_MAX);
	AUTO(arena_freep) struct arena *a = arena_new(TEXT_MAX * 16);
	AUTO(diags_freep) struct diags *d = diags_new();
	struct yaml root;
	int r;

	(void)ctx;
	if (!case_file(folder, "input", &input))
		return "no input";
	r = yaml_parse("input", buf_str(&input), a, d, &root, NULL);
	if (r == 0 && diags_errors(d) > 0)
		return "errors, but parsed";
	if (r != 0) {
		diags_print(d, &got);
		return compare(folder, "error", &got);
	}
	show(&got, &root, 0);
	return compare(folder, "expect", &got);
}

int
main(int argc, char **argv)
{
	return argc == 2 ? cases_run(argv[1], check, NULL) : 64;
}
