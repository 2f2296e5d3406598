#ifndef RULES_LINT_H
#define RULES_LINT_H
/*
 * What is suspicious about rules that load: findings for rules lint.
 *
 *     lint_overlaps(c, o, d);     duplicate, subsumed, shadowed, in conflict
 *     lint_breadth(c, o, d);      allows that allow too much
 *     lint_regexes(c, o, d);      slow, or tried on every call
 *     lint_hygiene(c, o, d, now); expired, without reason or tests
 *
 * Where two rules meet, the finding names a call on which they do.
 */
#include "cmd_rules.h"

void lint_overlaps(
    struct classifier *c, const struct cmd_rules *o, struct diags *d);
void lint_breadth(
    struct classifier *c, const struct cmd_rules *o, struct diags *d);
void lint_regexes(
    struct classifier *c, const struct cmd_rules *o, struct diags *d);
void lint_hygiene(struct classifier *c, const struct cmd_rules *o,
    struct diags *d, int64_t now_ns);

/* A warning at a rule. */
void lint_finding(struct diags *d, const struct rule *r, const char *code,
    const char *hint, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* Proved from the conditions alone: every call that a matches, b matches. */
bool rule_implies(const struct rule *a, const struct rule *b);
bool effects_implied(
    const struct effects_want *a, const struct effects_want *b);

/* Growth of the work of a regex on texts made to slow it. */
struct pump {
	bool nested; /* a repeated group repeats inside */
	size_t gives_up_at; /* characters; 0: it never does */
	char unit[8]; /* what was repeated */
};

#endif
