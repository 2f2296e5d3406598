/*
 * Which files of a folder hold rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rule_file.h"

static void
files_of_yaml_hold_rules(void **state)
{
	(void)state;
	assert_true(rule_file_named(STR("git.yaml")));
	assert_true(rule_file_named(STR("git.yml")));
	assert_true(rule_file_named(STR("a b.yaml")));
}

static void
hidden_and_other_files_hold_none(void **state)
{
	(void)state;
	assert_false(rule_file_named(STR("")));
	assert_false(rule_file_named(STR(".yaml")));
	assert_false(rule_file_named(STR(".git.yaml")));
	assert_false(rule_file_named(STR("git.yaml~")));
	assert_false(rule_file_named(STR("git.yaml.bak")));
	assert_false(rule_file_named(STR("git.YAML")));
	assert_false(rule_file_named(STR("yaml")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_of_yaml_hold_rules),
		cmocka_unit_test(hidden_and_other_files_hold_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
