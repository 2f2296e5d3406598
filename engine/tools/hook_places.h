#ifndef TOOLS_HOOK_PLACES_H
#define TOOLS_HOOK_PLACES_H
/*
 * What a hook cannot say of the machine: the project that the client works
 * in, and the program that runs what is approved.
 *
 *     AUTO(hook_places_done) struct hook_places p = { 0 };
 *     r = hook_places_find(h, contain, &p, e);     h borrows from p
 */
#include "base/err.h"
#include "hooks/hooks.h"

struct hook_places {
	char *workspace, *runner; /* owned, or NULL */
};

int hook_places_find(
    struct hook *h, bool contain, struct hook_places *ret, struct err *e);
void hook_places_done(struct hook_places *p);

#endif
