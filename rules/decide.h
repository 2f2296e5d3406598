#ifndef RULES_DECIDE_H
#define RULES_DECIDE_H
/*
 * What the rules decide about an action.
 *
 *     struct decide_options o = { .set = set, .runner = runner,
 *         .policy = POLICY_ON_REQUEST };
 *     r = decide(&o, action, &effects, arena, &classification, e);
 *
 * Combining is max over allow < review < ask < deny, so no order of files or
 * rules can matter:
 *
 *   action = max of its parts, part = max of its slots (effects, the start)
 *   slot   = max of
 *              floors that match the part,
 *              explicit deny, ask, review that match the part,
 *              explicit rules that cover the slot, or else its default.
 *
 * Explicit: requirements, organisation, project, user. The default of a slot
 * is what the packs' other rules say of it in the same way, and ask when they
 * say nothing. A rule never loosens a slot that it does not cover.
 */
#include "match.h"
#include "project.h"

struct decide_options {
	const struct ruleset *set;
	struct regex_runner *runner;
	enum approval_policy policy;
	bool reviewer; /* somebody answers a review */
	struct part_judge *scratch; /* for one decision at a time */
	bool enforce_shadows; /* as if "mode: shadow" were not there */
	/* By the order of the set's rules, or NULL. */
	struct rule_count *counts;
	/* A repository's own: they only tighten. NULL: none. */
	const struct project_rules *project;
};

/* What became of a rule since the set was loaded. */
struct rule_count {
	uint64_t hits; /* parts that it matched, or that it may match */
	uint64_t decided; /* actions that it decided */
	uint64_t errors; /* of its regular expressions: limits, bad UTF-8 */
	int64_t last_real_ns;
};

struct part_judge *decide_scratch_new(void);
/* free() gives it back. */

/* Pure. Only ERR_NOMEM; every doubt is a decision. */
int decide(const struct decide_options *o, const struct action *a,
    const struct effects *fx, struct arena *arena, struct classification *ret,
    struct err *e);

/* ---- one part (for explain and tests) ---------------------------------- */

/* Who decided, and how. */
struct judged {
	enum decision decision; /* INVALID: nobody did */
	const struct rule *rule;
	bool unsure; /* cannot tell whether the rule matches */
};

/* What all rules say of one slot. */
struct slot_verdict {
	struct judged floor, tighten, cover;
	struct judged default_tighten, default_cover;
};

#endif
