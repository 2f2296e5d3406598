#ifndef SANDBOX_PLAN_CREDENTIALS_H
#define SANDBOX_PLAN_CREDENTIALS_H
/*
 * What of a credential a plan shows, and the run's proxy must know: its name,
 * its kind, its hosts. Where its secret is stands in the configuration alone.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "model/credential.h"

/* Values that a run is handed are descriptors from here on, in the order of
 * its credentials: above what shells keep for themselves, below what they
 * number downwards from 63. */
#define PLAN_VALUE_FD 40
_Static_assert(PLAN_VALUE_FD + CREDENTIAL_VALUES_MAX <= 56, "there is room");

bool plan_credential_is_value(const struct config_credential *c);
/* How many of them are handed to the run itself. */
size_t plan_credentials_values(
    const struct config_credential *list, size_t count);

void plan_credentials_put(
    struct buf *b, const struct config_credential *list, size_t count);
/* In the arena; a failure is the rec's. */
void plan_credentials_get(struct rec *r, struct arena *a,
    struct config_credential **ret, size_t *ret_count);

#endif
