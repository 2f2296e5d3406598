/*
 * Names of the kinds of rows in the log.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "core/ports.h"

static const char *const kind_names[] = {
	[ROW_INVALID] = "invalid",
	[ROW_BOOT] = "boot",
	[ROW_PROPOSED] = "proposed",
	[ROW_DECIDED] = "decided",
	[ROW_INTENT] = "intent",
	[ROW_OUTCOME] = "outcome",
	[ROW_UNKNOWN] = "unknown",
	[ROW_CANCELLED] = "cancelled",
	[ROW_EXPIRED] = "expired",
	[ROW_UNDONE] = "undone",
	[ROW_GRANT] = "grant",
	[ROW_REVOKED] = "revoked",
	[ROW_RELOAD] = "reload",
	[ROW_AUTH] = "auth",
	[ROW_EVALUATED] = "evaluated",
	[ROW_EVENT] = "event",
	[ROW_NETWORK] = "network",
	[ROW_DEGRADED] = "degraded",
	[ROW_REVIEWED] = "reviewed",
	[ROW_PRUNED] = "pruned",
	[ROW_APPROVED] = "approved",
	[ROW_ESCALATED] = "escalated",
	[ROW_REVISED] = "revised",
	[ROW_CREDENTIAL] = "credential",
};
_Static_assert(ARRAY_LEN(kind_names) == ROW_CREDENTIAL + 1,
    "every kind of row has a name");

const char *
row_kind_name(enum row_kind k)
{
	return (unsigned)k < ARRAY_LEN(kind_names) ? kind_names[k]
						   : kind_names[0];
}
