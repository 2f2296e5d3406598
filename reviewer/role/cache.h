#ifndef REVIEWER_ROLE_CACHE_H
#define REVIEWER_ROLE_CACHE_H
/*
 * Approvals of low risk, for the very same question only: the same action,
 * context, policy and model.
 *
 *     r = cache_key(&parts, key, e);
 *     hit = cache_find(c, key, now_ns);
 *     cache_put(c, key, now_ns + life_ns, rationale, model, provider);
 */
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"
#include "base/str.h"

#define CACHE_ENTRIES 256
#define CACHE_TEXT_MAX 160

struct cache_parts {
	const uint8_t *action_sha256, *policy_sha256;
	struct str evidence, providers;
};

struct cache_entry {
	uint8_t key[SHA256_LEN];
	int64_t until_ns; /* 0: free */
	char rationale[CACHE_TEXT_MAX], model[CACHE_TEXT_MAX];
	char provider[CACHE_TEXT_MAX];
};

struct cache;

int cache_new(struct cache **ret, struct err *e);
void cache_free(struct cache *c);
int cache_key(
    const struct cache_parts *p, uint8_t ret[static SHA256_LEN], struct err *e);
/* NULL: not there, or too old. Valid until the next put. */
const struct cache_entry *cache_find(const struct cache *c,
    const uint8_t key[static SHA256_LEN], int64_t now_ns);
/* Texts that do not fit are cut. */
void cache_put(struct cache *c, const struct cache_entry *entry);

#endif
