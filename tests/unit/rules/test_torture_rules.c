/*
 * Memory that runs out at every single point: loading rules, and deciding.
 * It may cost a hint, never a rule: what loads decides as it should.
 * Runs in: tests.  Trusts: nothing.  Owns: its own sets.
 */
#include "format.h"
#include "rule_world.h"
#include "torture.h"

static const char rules[] =
    "assent: 1\n"
    "lists: {branches: [main, 'release/*']}\n"
    "patterns: {word: '[a-z]+'}\n"
    "rules:\n"
    "  - id: b\n"
    "    command: {program: git, subcommand: push, options: [[-f, --force]],\n"
    "      any_operand: $branches}\n"
    "    decision: deny\n"
    "    reason: no\n"
    "    unless: {regex: 'git push {{word}} dev.*'}\n"
    "    tests: {match: [git push -f o main], nomatch: [ls]}\n"
    "  - {id: c, regex: 'git .*', decision: allow, covers: {write: any},\n"
    "     hosts: [a.example], profile: workspace-write-online}\n"
    "  - {id: m, mcp: {server: s, args: {/a: [x, 'y*']}}, decision: ask}\n"
    "tests: [{call: ls, expect: ask}]\n";

static int
load(struct ruleset **ret)
{
	const struct rule_text text = {
		.name = "a.yaml", .layer = LAYER_ORGANISATION, .text = STR_NONE
	};
	struct rule_text one = text;
	int r;

	one.text = str_of(rules);
	r = ruleset_parse(&one, 1, NULL, ret, NULL);
	return r != 0 ? r : index_build(*ret, NULL);
}

static void
fill_call(struct part *p, struct part_command *c, struct effect *ef)
{
	static struct command_opt option = { .name = { "--force", 7 },
		.spelt = { "-f", 2 } };
	static struct command_operand operands[] = {
		{ .text = { "origin", 6 } },
		{ .text = { "main", 4 } },
	};

	*ef = (struct effect){ .kind = EFFECT_WRITE,
		.path_class = PATH_OUTSIDE,
		.target = "/srv/x" };
	*p = (struct part){ .text = "git push -f origin main",
		.effects = ef,
		.effect_count = 1 };
	*c = (struct part_command){ .tool = TOOL_SHELL,
		.program = STR("git"),
		.written = STR("git"),
		.subcommand = STR("push"),
		.described = true,
		.options = &option,
		.option_count = 1,
		.operands = operands,
		.operand_count = 2 };
}

static int
decide_with(struct ruleset *set, enum decision *ret)
{
	AUTO(action_freep) struct action *a = NULL;
	AUTO(regex_runner_freep) struct regex_runner *runner = NULL;
	AUTO_FREE struct part_judge *scratch = decide_scratch_new();
	struct classification result;
	struct part_command cmd;
	struct effect effect;
	struct part part;
	const struct effects fx = {
		.parts = &part, .commands = &cmd, .count = 1, .display = "x"
	};
	int r = scratch == NULL ? ERR_NOMEM : action_new(&a, NULL);

	if (r == 0)
		r = regex_runner_new(NULL, NULL, &runner, NULL);
	if (r != 0)
		return r;
	a->proposal.tool = TOOL_SHELL;
	a->proposal.executor = EXECUTOR_ASSENT;
	fill_call(&part, &cmd, &effect);
	const struct decide_options o = { .set = set,
		.runner = runner,
		.policy = POLICY_ON_REQUEST,
		.scratch = scratch };

	r = decide(&o, a, &fx, a->arena, &result, NULL);
	if (r == 0)
		*ret = result.decision;
	return r;
}

static int
load_and_decide(void)
{
	AUTO(ruleset_freep) struct ruleset *set = NULL;
	enum decision decision = DECISION_INVALID;
	int r = load(&set);

	if (r == 0)
		r = decide_with(set, &decision);
	if (r == 0)
		assert_int_equal(decision, DECISION_DENY);
	return r;
}

static void
no_rule_is_lost_when_memory_is(void **state)
{
	(void)state;
	torture_but_manages(load_and_decide, 60);
}

static int
refuse(void)
{
	const struct rule_text text = { .name = "a.yaml",
		.layer = LAYER_ORGANISATION,
		.text = STR("assent: 1\nruls: []\nrules: [{id: a, decision: "
			    "alow, regex: '('}]\n") };
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO(ruleset_freep) struct ruleset *set = NULL;
	const int r =
	    d == NULL ? ERR_NOMEM : ruleset_parse(&text, 1, d, &set, NULL);

	assert_null(set);
	assert_int_not_equal(r, 0);
	return r == ERR_INVALID ? 0 : r;
}

static void
a_broken_file_never_loads_for_lack_of_memory(void **state)
{
	(void)state;
	torture_but_manages(refuse, 20);
}

static int
format(void)
{
	AUTO_BUF struct buf out = BUF_INIT((size_t)1 << 20);
	const int r = rules_format("a.yaml", str_of(rules), NULL, &out, NULL);

	/* A text that cannot be compared is left as it is. */
	return r == ERR_INTERNAL ? ERR_NOMEM : r;
}

static void
a_file_is_not_formatted_by_half(void **state)
{
	(void)state;
	torture_but_manages(format, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_rule_is_lost_when_memory_is),
		cmocka_unit_test(a_broken_file_never_loads_for_lack_of_memory),
		cmocka_unit_test(a_file_is_not_formatted_by_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
