#ifndef CORE_STAGE_H
#define CORE_STAGE_H
/*
 * The life of an action as a table: which stage may follow which.
 *
 *     if (!stage_may_follow(a->stage, STAGE_RUNNING)) ...
 */
#include <stdbool.h>

#include "model/action.h"

bool stage_may_follow(enum stage from, enum stage to);
/* Nothing can happen to it any more. */
bool stage_is_final(enum stage s);

#endif
