/*
 * ACLs as bytes and as entries.
 * Runs in: assent, assent-exec, as root.  Trusts: nothing that it reads.
 * Owns: nothing.
 */
#include "setup/acl_text.h"

#include <stdlib.h>
#include <string.h>

#define VERSION 2
#define HEAD 4
#define ENTRY 8
#define NO_ID UINT32_MAX

static struct acl_entry *
find(const struct acl *a, uint16_t tag, uint32_t id)
{
	for (size_t i = 0; i < a->count; i++) {
		if (a->at[i].tag == tag && a->at[i].id == id)
			return (struct acl_entry *)(uintptr_t)&a->at[i];
	}
	return NULL;
}

void
acl_of_mode(mode_t mode, struct acl *ret)
{
	*ret = (struct acl){
		.at = {
			{ ACL_USER_OBJ, mode >> 6 & 7, NO_ID },
			{ ACL_GROUP_OBJ, mode >> 3 & 7, NO_ID },
			{ ACL_OTHER, mode & 7, NO_ID },
		},
		.count = 3,
	};
}

static uint32_t
get(const uint8_t *at, size_t bytes)
{
	uint32_t v = 0;

	for (size_t i = bytes; i > 0; i--)
		v = v << 8 | at[i - 1];
	return v;
}

static void
put(uint8_t *at, uint32_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(v >> 8 * i);
}

bool
acl_decode(const uint8_t *bytes, size_t len, struct acl *ret)
{
	*ret = (struct acl){ .count = 0 };
	if (len < HEAD || (len - HEAD) % ENTRY != 0 ||
	    (len - HEAD) / ENTRY > ACL_ENTRIES_MAX || get(bytes, 4) != VERSION)
		return false;
	for (size_t at = HEAD; at < len; at += ENTRY) {
		struct acl_entry *to = &ret->at[ret->count++];

		to->tag = (uint16_t)get(bytes + at, 2);
		to->perm = (uint16_t)get(bytes + at + 2, 2);
		to->id = get(bytes + at + 4, 4);
		if (to->perm > 7)
			return false;
	}
	return find(ret, ACL_USER_OBJ, NO_ID) != NULL &&
	    find(ret, ACL_GROUP_OBJ, NO_ID) != NULL &&
	    find(ret, ACL_OTHER, NO_ID) != NULL;
}

/* As the kernel wants them: by tag, then by id. */
static int
by_place(const void *a, const void *b)
{
	const struct acl_entry *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

size_t
acl_encode(const struct acl *a, uint8_t ret[static ACL_BYTES_MAX])
{
	struct acl sorted = *a;

	qsort(sorted.at, sorted.count, sizeof(sorted.at[0]), by_place);
	put(ret, VERSION, 4);
	for (size_t i = 0; i < sorted.count; i++) {
		uint8_t *at = ret + HEAD + i * ENTRY;

		put(at, sorted.at[i].tag, 2);
		put(at + 2, sorted.at[i].perm, 2);
		put(at + 4, sorted.at[i].id, 4);
	}
	return HEAD + sorted.count * ENTRY;
}

static bool
is_masked(const struct acl_entry *x)
{
	return x->tag == ACL_USER || x->tag == ACL_GROUP ||
	    x->tag == ACL_GROUP_OBJ;
}

/* Each says what it gives, and the mask no more than all of them do. */
static void
settle_mask(struct acl *a)
{
	struct acl_entry *mask = find(a, ACL_MASK, NO_ID);
	uint16_t all = 0;

	for (size_t i = 0; i < a->count; i++) {
		if (is_masked(&a->at[i]))
			all |= a->at[i].perm;
	}
	if (mask == NULL) {
		mask = &a->at[a->count++];
		*mask = (struct acl_entry){ .tag = ACL_MASK, .id = NO_ID };
	}
	mask->perm = all;
}

bool
acl_add(struct acl *a, uint16_t tag, uint32_t id, uint16_t perm)
{
	const struct acl_entry *mask = find(a, ACL_MASK, NO_ID);
	const uint16_t held = mask == NULL ? 7 : mask->perm;
	struct acl_entry *to = find(a, tag, id);

	for (size_t i = 0; i < a->count; i++) {
		if (is_masked(&a->at[i]))
			a->at[i].perm &= held;
	}
	if (to == NULL) {
		if (a->count + 1 >= ACL_ENTRIES_MAX)
			return false;
		to = &a->at[a->count++];
	}
	*to = (struct acl_entry){ .tag = tag, .perm = perm, .id = id };
	settle_mask(a);
	return true;
}

void
acl_take_out(struct acl *a, uint16_t tag, uint32_t id)
{
	struct acl_entry *x = find(a, tag, id);
	const size_t i = x == NULL ? a->count : (size_t)(x - a->at);

	if (x == NULL)
		return;
	memmove(x, x + 1, (a->count - i - 1) * sizeof(*x));
	a->count--;
}

bool
acl_is_mode(const struct acl *a, mode_t *ret_group)
{
	const struct acl_entry *mask = find(a, ACL_MASK, NO_ID);

	if (a->count > (mask == NULL ? 3U : 4U))
		return false;
	*ret_group =
	    acl_perm(a, ACL_GROUP_OBJ) & (mask == NULL ? 7U : mask->perm);
	return true;
}

uint16_t
acl_perm(const struct acl *a, uint16_t tag)
{
	const struct acl_entry *x = find(a, tag, NO_ID);

	return x == NULL ? 0 : x->perm;
}

void
acl_set_perm(struct acl *a, uint16_t tag, uint16_t perm)
{
	struct acl_entry *x = find(a, tag, NO_ID);

	if (x != NULL)
		x->perm = perm;
}
