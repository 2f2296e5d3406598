#ifndef HOOKS_ENGINES_H
#define HOOKS_ENGINES_H
/*
 * Clients that spoke with another policy engine before.
 *
 *     opa         {"input": ACTION}        {"result": true, ...}
 *     kubernetes  AdmissionReview v1 whose request.object.spec is an ACTION
 *
 * Source: OPA's Data API; the admission API of Kubernetes.
 */
#include "hook_int.h"

extern const struct hook_client engine_opa, engine_kubernetes;

#endif
