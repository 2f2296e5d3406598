#ifndef SANDBOX_ONESHOT_AUDIT_H
#define SANDBOX_ONESHOT_AUDIT_H
/*
 * What the kernel denied to one run of root's. Its records wait in a socket
 * until the run is over; only where there are some, they are read.
 *
 *     oneshot_audit_begin(&audit, plan);
 *     audit.command = ...
 *     oneshot_audit_end(&audit, plan, &end, arena);
 */
#include "audit/link.h"
#include "sandbox/plan.h"
#include "start/ctl.h"

struct oneshot_audit {
	int feed; /* -1: none */
	pid_t command; /* whose domain it is */
	struct err why; /* there is none, although it was asked for */
};

void oneshot_audit_begin(struct oneshot_audit *a, const struct plan *p);
/* Adds to what was denied. */
void oneshot_audit_end(struct oneshot_audit *a, const struct plan *p,
    struct ctl *end, struct arena *arena);

#endif
