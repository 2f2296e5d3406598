#ifndef SANDBOX_PLAN_CREDENTIALS_H
#define SANDBOX_PLAN_CREDENTIALS_H
/*
 * What of a credential a plan shows, and the run's proxy must know: its name,
 * its kind, its hosts. Where its secret is stands in the configuration alone.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "model/credential.h"

void plan_credentials_put(
    struct buf *b, const struct config_credential *list, size_t count);
/* In the arena; a failure is the rec's. */
void plan_credentials_get(struct rec *r, struct arena *a,
    struct config_credential **ret, size_t *ret_count);

#endif
