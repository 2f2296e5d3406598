#ifndef CORE_OPERANDS_IMPLIED_H
#define CORE_OPERANDS_IMPLIED_H
/*
 * Files that an action runs without naming them: the Makefile of `make`, the
 * module of `python3 -m x`, the program that a changed PATH finds in the
 * workspace, and what flows into code that the action itself writes. Pure.
 */
#include "model/action.h"

/* path is the callee's to copy. soft: it is held on to where that can be done,
 * and is no reason to refuse the action where not. Non-zero ends the walk and
 * is returned. */
typedef int operand_implied_fn(
    void *ctx, const char *path, bool soft, struct err *e);

/* arena: for as long as it runs. ERR_LIMIT: nobody can say which they are. */
int operands_implied(const struct action *a, struct arena *arena,
    operand_implied_fn *fn, void *ctx, struct err *e);

#endif
