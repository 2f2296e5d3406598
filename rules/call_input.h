#ifndef RULES_CALL_INPUT_H
#define RULES_CALL_INPUT_H
/*
 * A call between the log and the rules: what is kept of its input, and the
 * action that a row of the log tells of.
 */
#include "core/ports.h"

#define CALL_INPUT_MAX ((size_t)4096)

/* classifier_port.input */
void call_input(const struct action *a, struct arena *arena, struct buf *out);
/* JSON of an action from a row, and who would have run it. ERR_NOTFOUND: the
 * row does not hold the call. */
int call_of_row(const struct history_row *h, struct buf *ret_json,
    enum executor_kind *ret_executor, struct err *e);

#endif
