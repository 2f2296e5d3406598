#ifndef UNIT_RULES_PART_H
#define UNIT_RULES_PART_H
/*
 * Parts built by hand, and rule sets from text, for tests of what rules decide.
 *
 *     struct world w;
 *     world_open(&w, "rules:\n  - ...");
 *     struct effect fx[] = { { .kind = EFFECT_WRITE, ... } };
 *     world_part(&w, "git push", fx, 1);
 *     assert_int_equal(world_decide(&w), DECISION_ASK);
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "decide.h"
#include "index.h"

#define WORLD_ARENA ((size_t)64 << 20)
#define WORLD_PARTS 8

struct world {
	struct ruleset *set;
	struct regex_runner *runner;
	struct part_judge *scratch;
	struct action *action;
	struct part parts[WORLD_PARTS];
	struct part_command commands[WORLD_PARTS];
	struct effects fx;
	enum approval_policy policy;
	bool reviewer;
	struct classification last;
};

static inline struct ruleset *
set_of(const struct rule_text *texts, size_t count)
{
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf out = BUF_INIT(WORLD_ARENA);
	struct ruleset *set = NULL;

	if (ruleset_parse(texts, count, d, &set, NULL) != 0 ||
	    index_build(set, NULL) != 0) {
		diags_print(d, &out);
		(void)fprintf(stderr, "%s", buf_cstr(&out));
		fail_msg("rules do not load");
	}
	return set;
}

/* A file for each layer that is given: NULL leaves it out. */
static inline void
world_open_layers(struct world *w, const char *pack, const char *organisation,
    const char *project)
{
	const char *const given[] = { pack, organisation, project };
	static const enum rule_layer layers[] = { LAYER_PACK,
		LAYER_ORGANISATION, LAYER_PROJECT };
	struct rule_text texts[ARRAY_LEN(given)];
	size_t n = 0;

	*w = (struct world){ .policy = POLICY_ON_REQUEST, .reviewer = true };
	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		if (given[i] != NULL)
			texts[n++] =
			    (struct rule_text){ .name =
						    rule_layer_name(layers[i]),
				    .layer = layers[i],
				    .text = str_of(given[i]) };
	}
	w->set = set_of(texts, n);
	assert_int_equal(regex_runner_new(NULL, NULL, &w->runner, NULL), 0);
	assert_int_equal(action_new(&w->action, NULL), 0);
	w->scratch = decide_scratch_new();
	w->action->proposal.tool = TOOL_SHELL;
	w->action->proposal.executor = EXECUTOR_ASSENT;
	w->action->proposal.workspace =
	    arena_strdup(w->action->arena, "/home/dev/proj");
	w->action->proposal.cwd = w->action->proposal.workspace;
	w->action->proposer.home = arena_strdup(w->action->arena, "/home/dev");
	w->action->proposer.uid = 1000;
	w->action->proposed_real_ns = 1800000000ll * 1000000000;
	w->fx.parts = w->parts;
	w->fx.commands = w->commands;
	w->fx.display = "test";
}

static inline void
world_open(struct world *w, const char *organisation)
{
	world_open_layers(w, NULL, organisation, NULL);
}

static inline void
world_close(struct world *w)
{
	ruleset_free(w->set);
	regex_runner_free(w->runner);
	free(w->scratch);
	action_free(w->action);
}

/* A described command: its first word is the program, further ones that begin
 * with '-' are options, the second plain one is the subcommand. */
static inline struct part_command *
world_part(
    struct world *w, const char *text, struct effect *effects, size_t count)
{
	struct arena *a = w->action->arena;
	struct part *p = &w->parts[w->fx.count];
	struct part_command *c = &w->commands[w->fx.count++];
	struct str rest = str_of(text);

	*p = (struct part){
		.text = text, .effects = effects, .effect_count = count
	};
	*c = (struct part_command){ .tool = w->action->proposal.tool,
		.described = true };
	c->options = arena_array(a, 64, sizeof(*c->options));
	c->operands = arena_array(a, 64, sizeof(*c->operands));
	c->program = c->written = str_cut(&rest, ' ');
	while (rest.len > 0) {
		const struct str word = str_cut(&rest, ' ');

		if (word.s[0] == '-')
			c->options[c->option_count++] =
			    (struct command_opt){ .name = word, .spelt = word };
		else if (c->subcommand.len == 0)
			c->subcommand = word;
		else
			c->operands[c->operand_count++] =
			    (struct command_operand){ .text = word,
				    .unknown = word.s[0] == '$' };
	}
	return c;
}

static inline enum decision
world_decide(struct world *w)
{
	const struct decide_options o = { .set = w->set,
		.runner = w->runner,
		.policy = w->policy,
		.reviewer = w->reviewer,
		.scratch = w->scratch };

	assert_int_equal(
	    decide(&o, w->action, &w->fx, w->action->arena, &w->last, NULL), 0);
	return w->last.decision;
}

#endif
