#ifndef BASE_LANDLOCK_H
#define BASE_LANDLOCK_H
/*
 * Landlock up to ABI 7, whatever the kernel headers of the build know.
 *
 *     r = landlock_enforce(o, &report, e);
 *
 * Private to base/: see confine.h.
 */
#include "confine.h"

int landlock_enforce(
    const struct confine_options *o, struct confine_report *ret, struct err *e);

#endif
