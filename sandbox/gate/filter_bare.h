#ifndef SANDBOX_FILTER_BARE_H
#define SANDBOX_FILTER_BARE_H
/* The table's second part, for runs without namespaces. Only for
 * op_seccomp.c. */
#include <stdbool.h>

#include "gate/bpf.h"

/* In place of the same call's rule in the first part. NULL after the last. */
const struct bpf_rule *filter_bare_at(size_t i, bool signals);
bool filter_bare_asks(unsigned nr);

#endif
