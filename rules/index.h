#ifndef RULES_INDEX_H
#define RULES_INDEX_H
/*
 * Which rules are worth trying on a part: all that may match it.
 *
 *     r = index_build(set, e);             once, after loading
 *     index_each(set, &in, judge, ctx);    in the order of ids
 */
#include "match.h"

struct part_judge;
typedef void index_fn(struct part_judge *j, const struct rule *r);

int index_build(struct ruleset *set, struct err *e);
void index_each(const struct ruleset *set, const struct match_input *in,
    index_fn *fn, struct part_judge *j);

#endif
