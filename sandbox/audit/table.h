#ifndef SANDBOX_AUDIT_TABLE_H
#define SANDBOX_AUDIT_TABLE_H
/*
 * What the kernel said about whom: denials by domain, and whose domain each
 * is.
 *
 *     audit_table_watch(t, uid);            whose runs may be asked about
 *     who = audit_table_add(t, &record);    of each record that was read
 *     audit_table_take(t, who->id, &denials);
 *
 * A domain is known by its number. Its owner - the process that entered it -
 * is told behind its first denial. Of others than those watched nothing is
 * kept, so that nobody outside fills the table. Limits: domains (the one that
 * was silent for longest goes), kinds of denials of each (others are counted
 * together).
 */
#include <stddef.h>

#include "audit/record.h"

#define AUDIT_DENIALS_MAX 6
#define AUDIT_UIDS_MAX 80
#define AUDIT_DOMAINS_MAX 320

struct audit_denial {
	uint32_t rights;
	uint32_t times;
	char object[AUDIT_OBJECT_MAX];
};

/* All that is known of a run. */
struct audit_denials {
	uint32_t count;
	uint32_t others; /* that found no room in at */
	struct audit_denial at[AUDIT_DENIALS_MAX];
};

struct audit_domain {
	uint64_t id; /* 0: free */
	uint64_t used; /* by a counter */
	uint32_t pid, uid;
	bool owned; /* pid and uid are known; a pid may have been another's */
	struct audit_denials denials;
};

struct audit_table {
	struct audit_domain domains[AUDIT_DOMAINS_MAX];
	uint64_t used;
	uint32_t uids[AUDIT_UIDS_MAX];
	size_t uid_count;
};

/* The table is zeroed at first. */
void audit_table_watch(struct audit_table *t, uint32_t uid);
/* The domain whose owner has just become known, or NULL. */
const struct audit_domain *audit_table_add(
    struct audit_table *t, const struct audit_record *r);
/* What there is of a domain, which is forgotten; nothing: count is 0. */
void audit_table_take(
    struct audit_table *t, uint64_t domain, struct audit_denials *ret);

#endif
