#ifndef REVIEWER_POLICY_H
#define REVIEWER_POLICY_H
/*
 * The static part of what a model is told: first in every request and the
 * same bytes each time, so that providers can cache it.
 *
 *     r = policy_build(site, false, &text, e);
 */
#include <stdbool.h>

#include "base/buf.h"

#define POLICY_SITE_MAX ((size_t)32 << 10)
#define POLICY_BYTES_MAX ((size_t)64 << 10)

/* site (may be empty) follows the built-in judgement, or replaces it. */
int policy_build(struct str site, bool replace, struct buf *out, struct err *e);

#endif
