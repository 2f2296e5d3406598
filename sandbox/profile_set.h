#ifndef SANDBOX_PROFILE_SET_H
#define SANDBOX_PROFILE_SET_H
/*
 * The profiles that this machine offers: the built-in ones and those of the
 * configuration, under the administrator's ceiling.
 *
 *     r = profile_set_make(config, arena, &set, e);
 *     r = profile_set_get(set, "build", &profile, e);
 */
#include "base/err.h"
#include "base/mem.h"
#include "model/config.h"
#include "sandbox/profile.h"

#define PROFILE_DEFAULT "workspace-write"

struct profile_set;

/* config may be NULL: the built-in ones. The set keeps nothing of it.
 * ERR_INVALID with file:line where a profile asks for what no run may have. */
int profile_set_make(const struct config *c, struct arena *a,
    struct profile_set **ret, struct err *e);
/* ERR_INVALID: there is none of that name; ERR_DENIED: above the ceiling. */
int profile_set_get(const struct profile_set *s, const char *name,
    const struct profile **ret, struct err *e);
/* True when a run under narrow can do nothing that it cannot under wide. */
bool profile_within(const struct profile *narrow, const struct profile *wide);

#endif
