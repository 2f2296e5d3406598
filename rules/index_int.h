#ifndef RULES_INDEX_INT_H
#define RULES_INDEX_INT_H
/* Shared by index.c (lookup) and index_build.c. */
#include "index.h"

#define FILTER_BITS_MIN ((size_t)1 << 13)
#define FILTER_BITS_EACH 16 /* for each key */
#define TOOL_COUNT (TOOL_PERMISSION + 1)

/* Literals are filed under 8 bytes of them, short ones under 4: the more, the
 * fewer texts hold them by chance. */
enum gram_class {
	GRAM_WIDE,
	GRAM_NARROW,
	GRAM_CLASSES,
};

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
	size_t mask, count;
	uint32_t *list;
	/* Small enough to stay in the cache; most calls end here. */
	uint64_t *filter;
	size_t filter_mask; /* in bits */
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
	struct table grams[GRAM_CLASSES]; /* list holds indices of literals */
	struct literal *literals;
	size_t literal_count;
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

/* Of the width of the class: the first bytes at s as a number. */
static inline uint64_t
gram_load(const char *s, enum gram_class c)
{
	uint64_t wide = 0;
	uint32_t narrow;

	if (c == GRAM_WIDE) {
		__builtin_memcpy(&wide, s, sizeof(wide));
		return wide;
	}
	__builtin_memcpy(&narrow, s, sizeof(narrow));
	return narrow;
}

static inline size_t
gram_width(enum gram_class c)
{
	return c == GRAM_WIDE ? sizeof(uint64_t) : sizeof(uint32_t);
}

static inline uint64_t
gram_hash(uint64_t gram)
{
	uint64_t h = (gram + 1) * 0x9e3779b97f4a7c15u;

	h ^= h >> 32;
	return h == 0 ? 1 : h;
}

static inline size_t
filter_bit(const struct table *t, uint64_t hash)
{
	return (size_t)(hash >> 32) & t->filter_mask;
}

static inline bool
filter_has(const struct table *t, uint64_t hash)
{
	const size_t bit = filter_bit(t, hash);

	return (t->filter[bit / 64] >> (bit % 64) & 1) != 0;
}

uint64_t index_hash(char kind, struct str a, struct str b);
const struct bucket *table_find(const struct table *t, uint64_t hash);

#endif
