/*
 * Places inside scalars, and the limits of the YAML reader.
 * Runs in: tests.  Trusts: nothing.  Owns: its own trees.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/yaml.h"

#define ARENA_BYTES ((size_t)512 << 20)

struct fixture {
	struct arena *arena;
	struct diags *diags;
	struct yaml root;
};

static int
setup(void **state)
{
	struct fixture *f = mem_new(1, sizeof(*f));

	f->arena = arena_new(ARENA_BYTES);
	f->diags = diags_new();
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	arena_free(f->arena);
	diags_free(f->diags);
	free(f);
	return 0;
}

static int
parse(struct fixture *f, const char *text)
{
	return yaml_parse(
	    "a.yaml", str_of(text), f->arena, f->diags, &f->root, NULL);
}

/* Line and column of the byte at offset of the value of key "k". */
static void
assert_place(struct fixture *f, size_t offset, unsigned line, unsigned col)
{
	const struct yaml *k = yaml_get(&f->root, "k");
	const struct diag place = yaml_place(k, offset);

	assert_int_equal(place.line, line);
	assert_int_equal(place.col, col);
	assert_non_null(place.source);
}

static void
a_place_in_plain_text_is_counted_in_characters(void **state)
{
	assert_int_equal(parse(*state,
			     "k: gr\xc3\xbc\xc3\x9f"
			     "e\n"),
	    0);
	assert_place(*state, 0, 1, 4);
	assert_place(*state, 4, 1, 7); /* behind two bytes of one character */
}

static void
a_place_in_single_quotes_counts_doubled_quotes(void **state)
{
	assert_int_equal(parse(*state, "k: 'a''b(c'\n"), 0);
	assert_place(*state, 0, 1, 5);
	assert_place(*state, 1, 1, 6);
	assert_place(*state, 2, 1, 8);
	assert_place(*state, 3, 1, 9);
}

static void
a_place_in_double_quotes_counts_escapes(void **state)
{
	assert_int_equal(
	    parse(*state, "k: \"\\x41\\u00e9\\U00000042\\n(\"\n"), 0);
	assert_place(*state, 1, 1, 9);
	assert_place(*state, 3, 1, 15);
	assert_place(*state, 4, 1, 25);
	assert_place(*state, 5, 1, 27);
}

static void
a_place_in_a_literal_block_is_on_its_own_line(void **state)
{
	assert_int_equal(parse(*state, "k: |\n    one\n    two\n"), 0);
	assert_place(*state, 1, 2, 6);
	assert_place(*state, 4, 3, 5);
	assert_place(*state, 6, 3, 7);
}

static void
a_place_in_folded_text_is_where_it_begins(void **state)
{
	assert_int_equal(parse(*state, "k: >\n  one\n  two\n"), 0);
	assert_place(*state, 5, 1, 4);
}

static void
too_many_values_are_refused(void **state)
{
	struct fixture *f = *state;
	AUTO_BUF struct buf b = BUF_INIT(ARENA_BYTES);

	buf_puts(&b, "k: [");
	for (size_t i = 0; i <= YAML_NODES_MAX; i++)
		buf_puts(&b, "1,");
	buf_puts(&b, "]\n");
	assert_int_equal(parse(f, buf_cstr(&b)), ERR_INVALID);
	assert_int_equal(diags_errors(f->diags), 1);
	assert_string_equal(diags_at(f->diags, 0)->code, "E009");
}

static void
a_small_arena_is_no_memory_and_not_an_empty_file(void **state)
{
	AUTO(arena_freep) struct arena *small = arena_new(400);
	struct yaml root = { .kind = YAML_INVALID };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(yaml_parse("a", STR("k: [one, two, three, four]\n"),
			     small, NULL, &root, &e),
	    ERR_NOMEM);
	assert_int_equal(root.kind, YAML_INVALID);
}

static void
the_first_error_is_also_in_err(void **state)
{
	struct err e = ERR_INIT;
	struct fixture *f = *state;

	assert_int_equal(yaml_parse("a.yaml", STR("a: 1\nb: 2\na: *x\n"),
			     f->arena, NULL, &f->root, &e),
	    ERR_INVALID);
	assert_int_equal(e.line, 3);
	assert_string_equal(e.file, "a.yaml");
}

static void
get_finds_only_what_is_there(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, "a: 1\nbc: 2\n"), 0);
	assert_null(yaml_get(&f->root, "b"));
	assert_non_null(yaml_get(&f->root, "bc"));
	assert_null(yaml_get(yaml_get(&f->root, "a"), "x"));
	assert_null(yaml_get(NULL, "x"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_place_in_plain_text_is_counted_in_characters),
		TEST(a_place_in_single_quotes_counts_doubled_quotes),
		TEST(a_place_in_double_quotes_counts_escapes),
		TEST(a_place_in_a_literal_block_is_on_its_own_line),
		TEST(a_place_in_folded_text_is_where_it_begins),
		TEST(too_many_values_are_refused),
		TEST(a_small_arena_is_no_memory_and_not_an_empty_file),
		TEST(the_first_error_is_also_in_err),
		TEST(get_finds_only_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
