/*
 * The few answers that may be given again.
 * Runs in: reviewer.  Trusts: nothing.  Owns: its table.
 */
#include "cache.h"

#include <string.h>

#include "base/mem.h"

struct cache {
	struct cache_entry entries[CACHE_ENTRIES];
	size_t next; /* the oldest */
};

int
cache_new(struct cache **ret, struct err *e)
{
	*ret = mem_new(1, sizeof(**ret));
	return *ret == NULL ? err_nomem(e) : ERR_OK;
}

void
cache_free(struct cache *c)
{
	mem_freep(&c);
}

/* Each piece with its length before it: nothing can move between them. */
static int
add_piece(struct sha256 *h, const void *bytes, size_t len, struct err *e)
{
	const uint64_t n = len;
	int r = sha256_add(h, &n, sizeof(n), e);

	return r != 0 ? r : sha256_add(h, bytes, len, e);
}

int
cache_key(
    const struct cache_parts *p, uint8_t ret[static SHA256_LEN], struct err *e)
{
	AUTO(sha256_freep) struct sha256 *h = NULL;
	int r = sha256_new(&h, e);

	if (r == 0)
		r = add_piece(h, p->action_sha256, SHA256_LEN, e);
	if (r == 0)
		r = add_piece(h, p->policy_sha256, SHA256_LEN, e);
	if (r == 0)
		r = add_piece(h, p->evidence.s, p->evidence.len, e);
	if (r == 0)
		r = add_piece(h, p->providers.s, p->providers.len, e);
	return r != 0 ? r : sha256_end(h, ret, e);
}

const struct cache_entry *
cache_find(
    const struct cache *c, const uint8_t key[static SHA256_LEN], int64_t now_ns)
{
	for (size_t i = 0; i < CACHE_ENTRIES; i++) {
		const struct cache_entry *at = &c->entries[i];

		if (at->until_ns > now_ns &&
		    memcmp(at->key, key, SHA256_LEN) == 0)
			return at;
	}
	return NULL;
}

void
cache_put(struct cache *c, const struct cache_entry *entry)
{
	c->entries[c->next] = *entry;
	c->next = (c->next + 1) % CACHE_ENTRIES;
}
