/*
 * Which address of the run's loopback stands for which name.
 * Runs in: assent-proxy.  Trusts: its caller.  Owns: copies of the names.
 */
#include "names.h"

#include <string.h>

#include "base/mem.h"

/* The last two bytes count the names from 1. */
static const struct net_addr pool_v4 = {
	.len = 4,
	.bytes = { 127, 64 },
};
/* The same place, as sockets of IPv6 reach it: no route is needed. */
static const struct net_addr pool_v6 = {
	.len = 16,
	.bytes = { [10] = 0xff, 0xff, 127, 64 },
};

_Static_assert(NAMES_MAX < UINT16_MAX, "two bytes count the names");

void
names_done(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		mem_freep(&n->list[i]);
	mem_freep(&n->list);
	*n = (struct names){ .list = NULL };
}

static int
index_of(struct names *n, const char *name, size_t *ret)
{
	char *copy;

	for (size_t i = 0; i < n->count; i++) {
		if (strcmp(n->list[i], name) == 0) {
			*ret = i;
			return ERR_OK;
		}
	}
	if (n->count == NAMES_MAX)
		return ERR_LIMIT;
	copy = mem_strndup(name, strlen(name));
	if (copy == NULL ||
	    mem_grow(&n->list, &n->cap, n->count + 1, sizeof(char *)) != 0) {
		mem_freep(&copy);
		return ERR_NOMEM;
	}
	*ret = n->count;
	n->list[n->count++] = copy;
	return ERR_OK;
}

int
names_address(struct names *n, const char *name, bool v6, struct net_addr *ret)
{
	size_t i = 0;
	const int r = index_of(n, name, &i);

	if (r != 0)
		return r;
	*ret = v6 ? pool_v6 : pool_v4;
	ret->bytes[ret->len - 2] = (uint8_t)((i + 1) >> 8);
	ret->bytes[ret->len - 1] = (uint8_t)(i + 1);
	return ERR_OK;
}

const char *
names_find(const struct names *n, const struct net_addr *a)
{
	const struct net_addr *pool = a->len == 16 ? &pool_v6 : &pool_v4;
	size_t i;

	if (a->len != pool->len ||
	    memcmp(a->bytes, pool->bytes, (size_t)a->len - 2) != 0)
		return NULL;
	i = (size_t)a->bytes[a->len - 2] << 8 | a->bytes[a->len - 1];
	return i > 0 && i <= n->count ? n->list[i - 1] : NULL;
}
