/*
 * Count denials by the domains that they happened in.
 * Runs in: the reader of the kernel's records.  Trusts: the records' fields,
 * not what they hold.  Owns: nothing.
 */
#include "audit/table.h"

#include <string.h>

void
audit_table_watch(struct audit_table *t, uint32_t uid)
{
	for (size_t i = 0; i < t->uid_count; i++) {
		if (t->uids[i] == uid)
			return;
	}
	if (t->uid_count < AUDIT_UIDS_MAX)
		t->uids[t->uid_count++] = uid;
}

static bool
is_watched(const struct audit_table *t, uint32_t uid)
{
	for (size_t i = 0; i < t->uid_count; i++) {
		if (t->uids[i] == uid)
			return true;
	}
	return false;
}

static struct audit_domain *
find(struct audit_table *t, uint64_t id)
{
	for (size_t i = 0; i < AUDIT_DOMAINS_MAX; i++) {
		if (t->domains[i].id == id)
			return &t->domains[i];
	}
	return NULL;
}

/* Those that nobody may ask about go first, then the oldest. */
static bool
goes_before(const struct audit_domain *a, const struct audit_domain *b)
{
	if ((a->id == 0) != (b->id == 0))
		return a->id == 0;
	return a->owned != b->owned ? !a->owned : a->used < b->used;
}

static struct audit_domain *
find_or_make(struct audit_table *t, uint64_t id)
{
	struct audit_domain *d = find(t, id), *first = &t->domains[0];

	if (d != NULL)
		return d;
	for (size_t i = 1; i < AUDIT_DOMAINS_MAX; i++) {
		if (goes_before(&t->domains[i], first))
			first = &t->domains[i];
	}
	*first = (struct audit_domain){ .id = id };
	return first;
}

static void
count(struct audit_denials *to, const struct audit_record *r)
{
	for (size_t i = 0; i < to->count; i++) {
		struct audit_denial *d = &to->at[i];

		if (d->rights != r->rights || strcmp(d->object, r->object) != 0)
			continue;
		d->times += d->times < UINT32_MAX;
		return;
	}
	if (to->count == AUDIT_DENIALS_MAX) {
		to->others += to->others < UINT32_MAX;
		return;
	}
	to->at[to->count] = (struct audit_denial){
		.rights = r->rights,
		.times = 1,
	};
	memcpy(to->at[to->count++].object, r->object, sizeof(r->object));
}

static const struct audit_domain *
give_owner(struct audit_table *t, const struct audit_record *r)
{
	struct audit_domain *d = find(t, r->domain);

	if (d == NULL || d->owned)
		return NULL;
	if (!is_watched(t, r->uid)) {
		*d = (struct audit_domain){ .id = 0 };
		return NULL;
	}
	d->pid = r->pid;
	d->uid = r->uid;
	d->owned = true;
	return d;
}

const struct audit_domain *
audit_table_add(struct audit_table *t, const struct audit_record *r)
{
	struct audit_domain *d;

	switch (r->kind) {
	case AUDIT_KIND_DENIED:
		d = find_or_make(t, r->domain);
		d->used = ++t->used;
		count(&d->denials, r);
		break;
	case AUDIT_KIND_ALLOCATED:
		return give_owner(t, r);
	/* It is asked for when its run ends, which may be later. */
	case AUDIT_KIND_ENDED:
	case AUDIT_KIND_INVALID:
		break;
	}
	return NULL;
}

void
audit_table_take(
    struct audit_table *t, uint64_t domain, struct audit_denials *ret)
{
	struct audit_domain *d = domain == 0 ? NULL : find(t, domain);

	*ret = (struct audit_denials){ .count = 0 };
	if (d == NULL)
		return;
	*ret = d->denials;
	*d = (struct audit_domain){ .id = 0 };
}
