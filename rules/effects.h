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
#include "model/part_command.h"
#include "rules/programs.h"

struct effects {
	struct part *parts; /* text, context, effects, not_understood set */
	struct part_command *commands; /* parallel to parts */
	size_t count;
	const char *display; /* the whole proposal, secrets masked */
};

int effects_of(const struct programs *p, const struct action *a,
    struct arena *arena, struct effects *ret, struct err *e);

#endif
