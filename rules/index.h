#ifndef RULES_INDEX_H
#define RULES_INDEX_H
/*
 * Which rules are worth trying on a part: all that may match it, and few
 * others.
 *
 *     r = index_build(set, e);             once, after loading
 *     index_each(set, &in, judge, ctx);    in the order of ids
 *
 * Each rule is filed once: under the programs (and subcommands) that it names,
 * or under the rarest piece of the text that its regex cannot match without,
 * or under its MCP servers, or under its hosts; or, when it has nothing of
 * that kind, with those that are always tried. A set without an index is
 * tried rule by rule, with the same result.
 */
#include "match.h"

struct part_judge;
typedef void index_fn(struct part_judge *j, const struct rule *r);

int index_build(struct ruleset *set, struct err *e);
void index_free(struct rules_index *x);
/* One decision at a time: the index keeps its candidates in place. */
void index_each(const struct ruleset *set, const struct match_input *in,
    index_fn *fn, struct part_judge *j);
/* Rules that are always tried: for lint. */
bool index_always_tries(const struct ruleset *set, const struct rule *r);

#endif
