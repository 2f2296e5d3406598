/*
 * Which rules are worth trying on a part.
 * Runs in: every program that judges.  Trusts: nothing.  Owns: nothing.
 */
#include "index.h"

int
index_build(struct ruleset *set, struct err *e)
{
	(void)set;
	(void)e;
	return ERR_OK;
}

void
index_each(const struct ruleset *set, const struct match_input *in,
    index_fn *fn, struct part_judge *j)
{
	const unsigned tool = 1u << in->action->proposal.tool;

	for (size_t i = 0; i < set->rule_count; i++) {
		const struct rule *r = &set->rules[i];

		if (r->when.tools == 0 || (r->when.tools & tool) != 0)
			fn(j, r);
	}
}
