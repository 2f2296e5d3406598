#ifndef TOOLS_HOOK_PLACES_H
#define TOOLS_HOOK_PLACES_H
/*
 * What a hook cannot say of the machine: the project that the client works
 * in, and the program that runs what is approved.
 *
 *     r = hook_places_find(h, contain, e);     after hook_take
 */
#include "base/err.h"
#include "hooks/hooks.h"

/* contain: approved commands are run by this very program. */
int hook_places_find(struct hook *h, bool contain, struct err *e);

/* The repository that holds the folder, or the folder itself; free it. NULL:
 * no memory. */
char *hook_places_project(const char *folder);

#endif
