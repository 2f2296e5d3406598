#ifndef RULES_REPLAY_H
#define RULES_REPLAY_H
/* Recorded calls, judged by two sets of rules (compare.h). */
#include "compare.h"
#include "core/ports.h"

/* Every call of the log. Rows that do not hold theirs are c->refused. */
int replay_log(struct compare *c, const struct history_query *q, struct err *e);
/* The action of a row, as it was proposed. */
int replay_action(
    const struct history_row *h, struct action **ret, struct err *e);

#endif
