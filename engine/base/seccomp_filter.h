#ifndef BASE_SECCOMP_FILTER_H
#define BASE_SECCOMP_FILTER_H
/*
 * The allow-list of system calls.
 *
 *     r = seccomp_filter_enforce(o, &report, e);
 *
 * Private to base/: see confine.h.
 */
#include "confine.h"

int seccomp_filter_enforce(
    const struct confine_options *o, struct confine_report *ret, struct err *e);

#endif
