/*
 * The shipped programs: they load, are small, and do what their tests say.
 * Runs in: tests.  Trusts: nothing.  Owns: one set of programs.
 */
#include "fx_tests.h"

#include <time.h>

#define BYTES_MAX ((size_t)4 << 20)

static struct fx_world world;

static int
setup(void **state)
{
	(void)state;
	return fx_open(&world);
}

static int
teardown(void **state)
{
	(void)state;
	fx_close(&world);
	return 0;
}

static size_t
judge_tests(const char *file, const struct yaml *tests)
{
	size_t failed = 0;

	for (size_t i = 0; i < tests->count; i++) {
		if (!fx_test_holds(&world, &tests->keys[i], &tests->items[i])) {
			AUTO_BUF struct buf b = BUF_INIT(1 << 16);

			fx_show(&world, &b);
			print_message(
			    "%s:%u: %.*s\n  expect %.*s\n  actual %s\n", file,
			    tests->keys[i].line, STR_ARG(tests->keys[i].text),
			    STR_ARG(tests->items[i].text), buf_cstr(&b));
			failed++;
		}
	}
	return failed;
}

static size_t
run_file(const struct embedded_file *f, size_t *count)
{
	AUTO(arena_freep) struct arena *a = arena_new(FX_ARENA);
	struct yaml root;
	const struct yaml *list;
	size_t failed = 0;

	assert_int_equal(yaml_parse(f->name, f->text, a, NULL, &root, NULL), 0);
	list = yaml_get(&root, "programs");
	for (size_t i = 0; list != NULL && i < list->count; i++) {
		const struct yaml *t = yaml_get(&list->items[i], "tests");

		if (t == NULL)
			continue;
		*count += t->count;
		failed += judge_tests(f->name, t);
	}
	return failed;
}

static void
every_program_does_what_its_tests_say(void **state)
{
	size_t failed = 0, count = 0;

	(void)state;
	for (size_t i = 0; i < embedded_programs_count; i++)
		failed += run_file(&embedded_programs[i], &count);
	assert_true(count > 200);
	assert_int_equal(failed, 0);
}

static void
more_than_two_hundred_programs_are_described(void **state)
{
	(void)state;
	assert_true(programs_count(world.programs) > 1000);
}

static void
tables_stay_under_four_megabytes(void **state)
{
	(void)state;
	assert_true(programs_bytes(world.programs) < BYTES_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_program_does_what_its_tests_say),
		cmocka_unit_test(more_than_two_hundred_programs_are_described),
		cmocka_unit_test(tables_stay_under_four_megabytes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
