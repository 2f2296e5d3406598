#ifndef HOOKS_ACTION_BEGIN_H
#define HOOKS_ACTION_BEGIN_H
/*
 * The beginning of every action that an adapter writes.
 *
 *     action_begin(w, "shell");          in an object that is under way
 *     jsonw_kstr(w, "script", text);
 *     jsonw_end(w);                      the input
 */
#include "base/jsonw.h"

/* Writes "tool", and opens "input". */
void action_begin(struct jsonw *w, const char *tool);

#endif
