#ifndef MODEL_PART_COMMAND_H
#define MODEL_PART_COMMAND_H
/*
 * A part of an action as it was understood: the program, its options and
 * operands, or the call. rules/ makes it; matchers and patterns read it.
 *
 *     const struct part_command *cmd = classification.parts[0].command;
 *     if (cmd != NULL && str_eqz(cmd->program, "git")) ...
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "model/action.h"

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

/* Are there words whose text, or whose number, is not known? */
bool part_command_is_open(const struct part_command *cmd);

#endif
