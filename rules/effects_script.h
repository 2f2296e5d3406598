#ifndef RULES_EFFECTS_SCRIPT_H
#define RULES_EFFECTS_SCRIPT_H
/*
 * One shell text under evaluation: its parts, each judged once, in the order
 * in which data flow.
 *
 *     r = script_judge(run, text, &ctx, via, &arg);
 *
 * Private to rules/effects*.c.
 */
#include "effects_int.h"

struct script_options {
	struct shell_context shell;
	const char *via; /* what encloses the text, or NULL */
	unsigned context; /* enum part_context that holds for all of it */
	unsigned flow_in; /* of its standard input */
};

/* Parts of a text, added to the run. 0 or ERR_NOMEM. */
int script_judge(
    struct run *run, struct str text, const struct script_options *o);
int script_judge_argv(struct run *run, char *const *argv, size_t argc,
    const struct script_options *o);
/* What the part gives to whoever reads its output; judges it if needed. */
unsigned script_flow(struct script *s, uint32_t part);
/* What the part reads from its input. */
unsigned script_input(struct script *s, uint32_t part);
/* A part of the same text by its index, or NULL. */
const struct shell_part *script_part(const struct judge *j, uint32_t index);
/* The part that started this one, or NULL. */
const struct shell_part *script_parent(const struct judge *j);
/* The same for a substitution: with all that its last command starts. */
unsigned script_output(struct script *s, uint32_t part);

#endif
