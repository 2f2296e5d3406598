#ifndef RULES_INDEX_INT_H
#define RULES_INDEX_INT_H
/* Shared by index.c (lookup) and index_build.c. */
#include "index.h"

#define GRAM_BYTES 4
#define FILTER_BITS 65536
#define TOOL_COUNT (TOOL_PERMISSION + 1)

enum filing {
	FILED_ALWAYS,
	FILED_COMMAND,
	FILED_REGEX,
	FILED_MCP,
	FILED_HOST,
};

/* key -> the rules at [start, start + count) of list. Open addressing; two
 * keys of one hash give a candidate too many, never one too few. */
struct bucket {
	uint64_t hash; /* 0: free */
	uint32_t start, count;
};

struct table {
	struct bucket *v;
	size_t mask;
	uint32_t *list;
};

/* A text that a regex cannot match without. */
struct literal {
	const char *text;
	uint32_t len, gram_at, rule;
};

struct prefix {
	struct str text; /* of every match; empty: not known */
	uint32_t rule;
};

struct rules_index {
	struct table keys; /* commands, MCP servers, hosts */
	struct table grams; /* list holds indices of literals */
	struct literal *literals;
	size_t literal_count;
	uint64_t filter[FILTER_BITS / 64];
	struct prefix *prefixes; /* of all regexes that are filed */
	size_t prefix_count;
	uint32_t *always[TOOL_COUNT];
	size_t always_count[TOOL_COUNT];
	uint8_t *filed; /* enum filing, by rule */
	size_t rule_count;
	/* While a part is looked up. */
	uint32_t *found;
	size_t found_count, found_cap;
};

static inline uint32_t
gram_load(const char *s)
{
	uint32_t g;

	__builtin_memcpy(&g, s, GRAM_BYTES);
	return g;
}

static inline uint32_t
gram_bit(uint32_t gram)
{
	return gram * 0x9e3779b1u >> 16;
}

uint64_t index_hash(char kind, struct str a, struct str b);
const struct bucket *table_find(const struct table *t, uint64_t hash);

#endif
