#ifndef CORE_OPERANDS_H
#define CORE_OPERANDS_H
/*
 * Which files an approval must hold on to: those that a classified action
 * executes or edits. Pure.
 */
#include "model/action.h"

/* Their names and whether the action itself may change them; state is
 * OPERAND_INVALID: nobody has looked yet. */
int operands_of(const struct action *a, struct arena *arena,
    struct operand **ret, size_t *ret_count, struct err *e);

#endif
