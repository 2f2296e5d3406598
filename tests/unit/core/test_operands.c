/*
 * Which files an approval holds on to.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "model/part_command.h"
#include "operands.h"

#define ARENA_MAX ((size_t)1 << 20)

static const struct effect run_script = {
	.kind = EFFECT_RUN_CODE,
	.code_class = CODE_WORKSPACE,
	.target = "/w/x.sh",
};
static const struct effect run_build = {
	.kind = EFFECT_RUN_CODE,
	.code_class = CODE_WORKSPACE,
};
static const struct effect run_inline = {
	.kind = EFFECT_RUN_CODE,
	.code_class = CODE_INLINE,
	.target = "/w/made.sh",
};
static const struct effect write_other = {
	.kind = EFFECT_WRITE,
	.target = "/w/out.txt",
};
static const struct effect write_script = {
	.kind = EFFECT_WRITE,
	.target = "/w/x.sh",
};
static const struct effect write_folder = {
	.kind = EFFECT_WRITE,
	.target = "/w",
};
static const struct effect unknown = { .kind = EFFECT_UNKNOWN };

struct found {
	struct operand *list;
	size_t count;
};

static struct found
of(struct arena *arena, const struct effect *const *effects, size_t count,
    const char *not_understood)
{
	struct effect copy[4];
	struct part part = {
		.effects = copy,
		.effect_count = count,
		.not_understood = not_understood,
	};
	const struct action a = {
		.proposal.tool = TOOL_SHELL,
		.classification.parts = &part,
		.classification.part_count = 1,
	};
	struct found f = { .list = NULL };

	for (size_t i = 0; i < count; i++)
		copy[i] = *effects[i];
	assert_int_equal(operands_of(&a, arena, &f.list, &f.count, NULL), 0);
	return f;
}

#define OF(...)                                                                \
	of(arena, (const struct effect *const[]){ __VA_ARGS__ },               \
	    ARRAY_LEN(((const struct effect *const[]){ __VA_ARGS__ })), NULL)

static void
a_script_that_nothing_else_changes_is_frozen(void **state)
{
	AUTO(arena_freep) struct arena *arena = arena_new(ARENA_MAX);
	struct found f = OF(&run_script, &write_other);

	(void)state;
	assert_int_equal(f.count, 1);
	assert_string_equal(f.list[0].named, "/w/x.sh");
	assert_true(f.list[0].frozen);
	assert_false(f.list[0].edited);
	assert_int_equal(f.list[0].state, OPERAND_INVALID);
}

static void
what_the_action_may_change_itself_is_not_frozen(void **state)
{
	AUTO(arena_freep) struct arena *arena = arena_new(ARENA_MAX);
	const struct effect *const others[] = { &run_build, &write_script,
		&write_folder, &unknown };
	const struct effect *one[] = { &run_script };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct found f = OF(&run_script, others[i]);

		assert_int_equal(f.count, 1);
		assert_false(f.list[0].frozen);
	}
	assert_false(of(arena, one, 1, "a loop").list[0].frozen);
}

static void
code_without_a_file_of_its_own_has_none(void **state)
{
	AUTO(arena_freep) struct arena *arena = arena_new(ARENA_MAX);

	(void)state;
	assert_int_equal(OF(&run_build).count, 0);
	assert_int_equal(OF(&run_inline).count, 0);
	assert_int_equal(OF(&write_script).count, 0);
}

static void
each_file_once_and_not_more_than_can_be_held(void **state)
{
	AUTO(arena_freep) struct arena *arena = arena_new(ARENA_MAX);
	static struct effect many[ACTION_FILES_MAX + 1];
	static char names[ACTION_FILES_MAX + 1][16];
	struct part part = { .effects = many };
	const struct action a = {
		.proposal.tool = TOOL_SHELL,
		.classification.parts = &part,
		.classification.part_count = 1,
	};
	struct found f;

	(void)state;
	assert_int_equal(OF(&run_script, &run_script).count, 1);
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		(void)snprintf(names[i], sizeof(names[i]), "/w/%zu", i);
		many[i] = run_script;
		many[i].target = names[i];
	}
	part.effect_count = ACTION_FILES_MAX;
	assert_int_equal(operands_of(&a, arena, &f.list, &f.count, NULL), 0);
	assert_int_equal(f.count, ACTION_FILES_MAX);
	part.effect_count++;
	assert_int_equal(
	    operands_of(&a, arena, &f.list, &f.count, NULL), ERR_LIMIT);
}

/* What "make" holds on to after these steps. */
static int
steps(struct arena *arena, const char *const *to, size_t count, struct found *f)
{
	static struct command_operand operands[8];
	static struct part_command commands[9];
	static struct part parts[9];
	static struct effect build;
	static char cwd[] = "/w";
	const struct action a = {
		.proposal.tool = TOOL_SHELL,
		.proposal.cwd = cwd,
		.classification.parts = parts,
		.classification.part_count = count + 1,
	};

	build = run_build;
	build.target = "make";
	for (size_t i = 0; i <= count; i++) {
		if (i < count)
			operands[i].text = str_of(to[i]);
		commands[i] = (struct part_command){
			.program = str_of(i < count ? "cd" : "make"),
			.operands = i < count ? &operands[i] : NULL,
			.operand_count = i < count,
		};
		parts[i] = (struct part){
			.command = &commands[i],
			.effects = &build,
			.effect_count = i == count,
		};
	}
	return operands_of(&a, arena, &f->list, &f->count, NULL);
}

static bool
holds(const struct found *f, const char *named)
{
	for (size_t i = 0; i < f->count; i++) {
		if (strcmp(f->list[i].named, named) == 0)
			return true;
	}
	return false;
}

static void
steps_from_folder_to_folder_are_followed(void **state)
{
	AUTO(arena_freep) struct arena *arena = arena_new(ARENA_MAX);
	static const char *const two[] = { "a", "b/" };
	static const char *const up[] = { "a/l", "..", "/x" };
	static const char *const many[] = { "a", "b", "c", "d", "e", "f" };
	struct found f;

	(void)state;
	assert_int_equal(steps(arena, two, 2, &f), 0);
	assert_true(holds(&f, "/w/Makefile"));
	assert_true(holds(&f, "/w/a/Makefile"));
	assert_true(holds(&f, "/w/b/Makefile"));
	assert_true(holds(&f, "/w/a/b/Makefile"));
	assert_int_equal(steps(arena, up, 3, &f), 0);
	assert_true(holds(&f, "/w/a/Makefile"));
	assert_true(holds(&f, "/w/a/l/../Makefile"));
	assert_true(holds(&f, "/x/Makefile"));
	assert_int_equal(steps(arena, many, 6, &f), ERR_LIMIT);
}

static void
edits_are_held_unless_they_say_what_they_were_made_for(void **state)
{
	AUTO(arena_freep) struct arena *arena = arena_new(ARENA_MAX);
	char rel[] = "a.txt", abs[] = "/w/b.txt", hash[] = "00";
	struct edit edits[] = {
		{ .path = rel, .op = EDIT_REPLACE },
		{ .path = abs, .op = EDIT_DELETE },
		{ .path = rel, .op = EDIT_CREATE },
		{ .path = rel, .op = EDIT_REPLACE, .sha256 = hash },
	};
	char cwd[] = "/w/sub";
	const struct action a = {
		.proposal.tool = TOOL_FILE,
		.proposal.cwd = cwd,
		.proposal.input.edits = edits,
		.proposal.input.edit_count = ARRAY_LEN(edits),
	};
	struct found f;

	(void)state;
	assert_int_equal(operands_of(&a, arena, &f.list, &f.count, NULL), 0);
	assert_int_equal(f.count, 2);
	assert_string_equal(f.list[0].named, "/w/sub/a.txt");
	assert_string_equal(f.list[1].named, "/w/b.txt");
	assert_true(f.list[0].edited);
	assert_false(f.list[0].frozen);
}

static void
operands_survive_their_record(void **state)
{
	AUTO(arena_freep) struct arena *arena = arena_new(ARENA_MAX);
	AUTO_BUF struct buf one = BUF_INIT(ARENA_MAX);
	AUTO_BUF struct buf two = BUF_INIT(ARENA_MAX);
	const struct operand list[] = {
		{ .named = "/w/x",
		    .path = "/w/y",
		    .state = OPERAND_FILE,
		    .frozen = true,
		    .sha256 = { 1, 2, 3 } },
		{ .named = "/w/z",
		    .state = OPERAND_UNREADABLE,
		    .why = "no",
		    .edited = true },
	};
	struct operand *back = NULL;
	struct rec r;
	size_t count = 0;

	(void)state;
	operands_encode(list, ARRAY_LEN(list), &one);
	r = rec_of(buf_str(&one));
	operands_decode(&r, arena, &back, &count);
	assert_int_equal(rec_done(&r, NULL), 0);
	operands_encode(back, count, &two);
	assert_true(str_eq(buf_str(&one), buf_str(&two)));
	for (size_t n = 0; n < one.len; n++) {
		r = rec_of(str_n(one.s, n));
		operands_decode(&r, arena, &back, &count);
		assert_int_not_equal(rec_done(&r, NULL), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_script_that_nothing_else_changes_is_frozen),
		cmocka_unit_test(
		    what_the_action_may_change_itself_is_not_frozen),
		cmocka_unit_test(code_without_a_file_of_its_own_has_none),
		cmocka_unit_test(steps_from_folder_to_folder_are_followed),
		cmocka_unit_test(each_file_once_and_not_more_than_can_be_held),
		cmocka_unit_test(
		    edits_are_held_unless_they_say_what_they_were_made_for),
		cmocka_unit_test(operands_survive_their_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
