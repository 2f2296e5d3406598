#ifndef RULES_EFFECTS_H
#define RULES_EFFECTS_H
/*
 * What an action does: every action, whatever its tool, becomes parts, and
 * every part a list of effects. Rules judge these, not strings.
 *
 *     struct effects fx;
 *     r = effects_of(programs, action, arena, &fx, e);
 *     for (i = 0; i < fx.count; i++)
 *             judge(&fx.parts[i], &fx.commands[i]);
 *
 * Pure: reads a->proposal and a->proposer.home, allocates in the arena. Fails
 * only with ERR_NOMEM; whatever is not understood is an EFFECT_UNKNOWN and,
 * where a whole part is meant, part.not_understood. There is always at least
 * one part. Decisions are not set here.
 */
#include <stdbool.h>
#include <stddef.h>

#include "model/action.h"
#include "rules/programs.h"

/* An option as it was understood: "-rf" is "-r" and "-f". */
struct command_opt {
	struct str name; /* canonical: the long form where there is one */
	struct str spelt; /* the form that was written: "-r", "--rec" */
	struct str value; /* s NULL: it has none; masked when secret */
	bool unknown_value; /* the value is a dynamic word */
};

struct command_operand {
	struct str text; /* masked when secret; as far as it is known */
	bool unknown; /* a dynamic word: matches nothing and everything */
};

/* What matchers see of a part beside its effects and text. */
struct part_command {
	enum tool tool; /* shell, exec, stdin: a command; else as named */
	struct str program; /* base name; empty: none or dynamic */
	struct str written; /* the command word as written */
	struct str subcommand; /* "push", "remote add"; of an undescribed
				* program its first operand */
	bool described; /* there is an entry for the program */
	bool dynamic; /* the program is a dynamic word */
	/* some word may turn out to be an option or more operands */
	bool options_open;
	bool operands_open;
	struct command_opt *options;
	size_t option_count;
	struct command_operand *operands; /* after the subcommand */
	size_t operand_count;
	/* fetch; also a part with exactly one destination */
	struct str method, url;
	/* mcp: server and tool; arguments are in the action */
	struct str server, mcp_tool;
	/* file: the edit; NULL otherwise */
	const struct edit *edit;
};

struct effects {
	struct part *parts; /* text, context, effects, not_understood set */
	struct part_command *commands; /* parallel to parts */
	size_t count;
	const char *display; /* the whole proposal, secrets masked */
};

int effects_of(const struct programs *p, const struct action *a,
    struct arena *arena, struct effects *ret, struct err *e);

#endif
