#ifndef RULES_PROJECT_H
#define RULES_PROJECT_H
/*
 * A repository's own rules beside the set that is in force.
 *
 *     r = project_rules_open(record, &p, e);
 *     decide(&(struct decide_options){ .set = set, .project = p, ... });
 *
 * They only tighten: the set has one layer, and that layer never covers. What
 * cannot be used (a broken file, one that cannot be read, too much of it)
 * makes every call wait for a person, and problem says why.
 */
#include "rules_int.h"

#define PROJECT_RULES_MAX 1000

struct project_rules {
	struct ruleset *set; /* NULL: none, or a problem */
	char *problem; /* or NULL */
};

int project_rules_open(
    struct str record, struct project_rules **ret, struct err *e);
void project_rules_close(struct project_rules *p);
void project_rules_closep(struct project_rules **p);

#endif
