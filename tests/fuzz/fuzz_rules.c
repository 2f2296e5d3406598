/*
 * Any bytes as a rule file: it loads or it does not; when it does, a few calls
 * are decided with its index and without, and the answers are the same.
 * Runs in: the fuzzer and its replay.  Trusts: nothing.  Owns: nothing.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "decide.h"
#include "format.h"
#include "index.h"

#define ARENA_BYTES ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Time stands still, so that no answer depends on it. */
static int64_t
still(void *ctx)
{
	(void)ctx;
	return 1;
}

struct call {
	struct part part;
	struct part_command cmd;
	struct effect effects[3];
	struct command_opt options[1];
	struct command_operand operands[2];
};

static void
make_call(struct call *c, unsigned which)
{
	*c = (struct call){
		.part = { .text = which == 0
			? "git push -f origin main"
			: "git push -f $X https://a.example/x" },
		.cmd = { .tool = TOOL_SHELL,
		    .program = STR("git"),
		    .written = STR("git"),
		    .subcommand = STR("push"),
		    .described = which != 1,
		    .dynamic = which == 3,
		    .operands_open = which >= 2 },
		.effects = {
		    { .kind = EFFECT_CONNECT, .target = "a.example:443" },
		    { .kind = EFFECT_WRITE,
			.path_class = PATH_WORKSPACE,
			.target = "/home/dev/proj/x" },
		    { .kind = EFFECT_READ, .path_class = PATH_UNKNOWN },
		},
		.options = { { .name = STR("--force"), .spelt = STR("-f") } },
		.operands = { { .text = STR("origin"), .unknown = which > 0 },
		    { .text = STR("main") } },
	};
	c->part.effects = c->effects;
	c->part.effect_count = which + 1 < 3 ? which + 1 : 3;
	c->cmd.options = c->options;
	c->cmd.option_count = 1;
	c->cmd.operands = c->operands;
	c->cmd.operand_count = 2;
}

static void
judge(const struct decide_options *o, struct action *a, unsigned which)
{
	struct rules_index *index = o->set->index;
	struct classification with, without;
	struct call call;
	struct effects fx = {
		.parts = &call.part, .commands = &call.cmd, .count = 1
	};
	/* The index is taken away and put back: the set is ours. */
	struct ruleset bare = *o->set;
	struct decide_options naive = *o;

	make_call(&call, which);
	assert(index != NULL);
	assert(decide(o, a, &fx, a->arena, &with, NULL) == 0);
	bare.index = NULL;
	naive.set = &bare;
	assert(decide(&naive, a, &fx, a->arena, &without, NULL) == 0);
	assert(with.decision == without.decision);
	assert(with.decision >= DECISION_ALLOW);
	assert(strcmp(with.reason, without.reason) == 0);
}

/* Formatting twice is formatting once. */
static void
format(struct str text)
{
	AUTO_BUF struct buf once = BUF_INIT(ARENA_BYTES);
	AUTO_BUF struct buf twice = BUF_INIT(ARENA_BYTES);

	if (rules_format("input", text, NULL, &once, NULL) != 0)
		return;
	assert(rules_format("input", buf_str(&once), NULL, &twice, NULL) == 0);
	assert(str_eq(buf_str(&once), buf_str(&twice)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rule_text text = { .name = "input",
		.layer = LAYER_ORGANISATION,
		.text = str_n((const char *)data, size) };
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf out = BUF_INIT(ARENA_BYTES);
	AUTO(ruleset_freep) struct ruleset *set = NULL;
	AUTO(regex_runner_freep) struct regex_runner *runner = NULL;
	AUTO(action_freep) struct action *a = NULL;
	AUTO_FREE struct part_judge *scratch = decide_scratch_new();
	const int r = ruleset_parse(&text, 1, d, &set, NULL);

	diags_print(d, &out);
	format(text.text);
	assert((r == 0) == (set != NULL));
	assert(r == 0 || r == ERR_NOMEM || diags_errors(d) > 0);
	if (r != 0)
		return 0;
	assert(index_build(set, NULL) == 0);
	assert(regex_runner_new(still, NULL, &runner, NULL) == 0);
	assert(action_new(&a, NULL) == 0);
	a->proposal.tool = TOOL_SHELL;
	a->proposal.executor = EXECUTOR_ASSENT;
	a->proposal.workspace = arena_strdup(a->arena, "/home/dev/proj");
	a->proposer.home = arena_strdup(a->arena, "/home/dev");
	const struct decide_options o = { .set = set,
		.runner = runner,
		.policy = POLICY_ON_REQUEST,
		.scratch = scratch };

	for (unsigned i = 0; i < 4; i++)
		judge(&o, a, i);
	return 0;
}
