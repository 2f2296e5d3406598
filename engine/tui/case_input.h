#ifndef TUI_CASE_INPUT_H
#define TUI_CASE_INPUT_H
/*
 * The input of an action on a page: each word of a command, each line of a
 * script, each edit as a difference; nothing left out.
 */
#include "case_page.h"

/* action: the proposal as it was sent. False when something of it is of a
 * kind that cannot be shown: then it must not be allowed here. */
bool case_input(
    const json_t *action, const struct case_how *how, struct page *p);

#endif
