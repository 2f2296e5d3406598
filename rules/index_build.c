/*
 * File every rule where a call that it may match will look.
 * Runs in: every program that loads rules.  Trusts: the rules.
 * Owns: the index.
 */
#include <stdlib.h>
#include <string.h>

#include "index_int.h"

#define GRAM_SLOTS 65536
#define NAMES_FILED_MAX 64 /* more alternatives: always tried */

/* What a table is made of, before it is one. */
struct pair {
	uint64_t hash;
	uint32_t value;
};

struct pairs {
	struct pair *v;
	size_t count, cap;
};

struct build {
	struct rules_index *x;
	const struct ruleset *set;
	struct arena *arena;
	struct pairs keys, grams[GRAM_CLASSES];
	uint32_t *gram_counts; /* by gram_slot: how common */
	size_t literal_cap, prefix_cap;
	int failed;
};

uint64_t
index_hash(char kind, struct str a, struct str b)
{
	uint64_t h = 0xcbf29ce484222325u ^ (unsigned char)kind;

	for (size_t i = 0; i < a.len; i++)
		h = (h ^ (unsigned char)a.s[i]) * 0x100000001b3u;
	h = (h ^ 0x100) * 0x100000001b3u;
	for (size_t i = 0; i < b.len; i++)
		h = (h ^ (unsigned char)b.s[i]) * 0x100000001b3u;
	return h == 0 ? 1 : h;
}

/* ---- tables ------------------------------------------------------------ */

static void
pairs_add(struct build *b, struct pairs *p, uint64_t hash, uint32_t value)
{
	if (mem_grow(&p->v, &p->cap, p->count + 1, sizeof(*p->v)) != 0) {
		b->failed = ERR_NOMEM;
		return;
	}
	p->v[p->count++] = (struct pair){ .hash = hash, .value = value };
}

static int
by_hash(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->value > y->value) - (x->value < y->value);
}

static void
table_put(struct table *t, const struct bucket *entry)
{
	size_t i = (size_t)entry->hash & t->mask;

	const size_t bit = filter_bit(t, entry->hash);

	while (t->v[i].hash != 0)
		i = (i + 1) & t->mask;
	t->v[i] = *entry;
	t->filter[bit / 64] |= (uint64_t)1 << (bit % 64);
}

static void
table_make(struct build *b, struct table *t, struct pairs *p)
{
	size_t size = 16, bits = FILTER_BITS_MIN, n = 0;

	while (size < p->count * 2)
		size *= 2;
	while (bits < p->count * FILTER_BITS_EACH)
		bits *= 2;
	t->filter = arena_array(b->arena, bits / 64, sizeof(*t->filter));
	t->v = arena_array(b->arena, size, sizeof(*t->v));
	t->list = arena_array(b->arena, p->count + 1, sizeof(*t->list));
	if (t->v == NULL || t->list == NULL || t->filter == NULL) {
		b->failed = ERR_NOMEM;
		return;
	}
	t->mask = size - 1;
	t->count = p->count;
	t->filter_mask = bits - 1;
	if (p->count > 0)
		qsort(p->v, p->count, sizeof(*p->v), by_hash);
	for (size_t i = 0; i < p->count; i = n) {
		struct bucket entry = { .hash = p->v[i].hash,
			.start = (uint32_t)i };

		for (n = i; n < p->count && p->v[n].hash == entry.hash; n++)
			t->list[n] = p->v[n].value;
		entry.count = (uint32_t)(n - i);
		table_put(t, &entry);
	}
}

const struct bucket *
table_find(const struct table *t, uint64_t hash)
{
	size_t i = (size_t)hash & t->mask;

	while (t->v[i].hash != 0) {
		if (t->v[i].hash == hash)
			return &t->v[i];
		i = (i + 1) & t->mask;
	}
	return NULL;
}

/* ---- where a rule goes ------------------------------------------------- */

static bool
all_literal(const struct globs *g)
{
	for (size_t i = 0; i < g->count; i++) {
		if (!g->v[i].literal)
			return false;
	}
	return g->count > 0 && g->count <= NAMES_FILED_MAX;
}

static bool
file_command(struct build *b, const struct rule *r, uint32_t at)
{
	const struct command_cond *c = r->when.command;

	if (c == NULL || !all_literal(&c->programs))
		return false;
	for (size_t i = 0; i < c->programs.count; i++) {
		const struct str p = c->programs.v[i].text;

		/* 'a': all of a program, for calls whose subcommand is not
		 * known. 'c': one subcommand, or none wanted. 'd': all. */
		pairs_add(b, &b->keys, index_hash('a', p, STR("")), at);
		if (!all_literal(&c->subcommands)) {
			pairs_add(b, &b->keys, index_hash('c', p, STR("")), at);
			continue;
		}
		for (size_t k = 0; k < c->subcommands.count; k++)
			pairs_add(b, &b->keys,
			    index_hash('s', p, c->subcommands.v[k].text), at);
	}
	pairs_add(b, &b->keys, index_hash('d', STR(""), STR("")), at);
	return true;
}

static enum gram_class
class_of(size_t len)
{
	return len >= sizeof(uint64_t) ? GRAM_WIDE : GRAM_NARROW;
}

static size_t
gram_slot(const char *s, enum gram_class c)
{
	return (size_t)(gram_hash(gram_load(s, c)) >> 32) % GRAM_SLOTS;
}

static size_t
rarest_gram(const struct build *b, const char *text, size_t len)
{
	const enum gram_class c = class_of(len);
	size_t best = 0;

	for (size_t i = 1; i + gram_width(c) <= len; i++) {
		if (b->gram_counts[gram_slot(text + i, c)] <
		    b->gram_counts[gram_slot(text + best, c)])
			best = i;
	}
	return best;
}

static void
count_grams(struct build *b, const char *text, size_t len)
{
	const enum gram_class c = class_of(len);

	for (size_t i = 0; i + gram_width(c) <= len; i++)
		b->gram_counts[gram_slot(text + i, c)]++;
}

static void
remember_prefix(struct build *b, const struct regex *re, uint32_t at)
{
	struct rules_index *x = b->x;
	char text[REGEX_PATTERN_MAX];
	const size_t len = regex_prefix(regex_pattern(re), text);
	struct prefix *p;

	if (mem_grow(&x->prefixes, &b->prefix_cap, x->prefix_count + 1,
		sizeof(*x->prefixes)) != 0) {
		b->failed = ERR_NOMEM;
		return;
	}
	p = &x->prefixes[x->prefix_count++];
	p->rule = at;
	p->text = str_n(arena_strndup(b->arena, text, len), len);
	if (p->text.s == NULL)
		b->failed = ERR_NOMEM;
}

static bool
file_regex(struct build *b, const struct rule *r, uint32_t at)
{
	struct rules_index *x = b->x;
	char text[REGEX_PATTERN_MAX];
	struct literal *l;
	size_t len;

	if (r->when.regex == NULL)
		return false;
	len = regex_literal(regex_pattern(r->when.regex), text);
	if (len < gram_width(GRAM_NARROW))
		return false;
	if (mem_grow(&x->literals, &b->literal_cap, x->literal_count + 1,
		sizeof(*x->literals)) != 0) {
		b->failed = ERR_NOMEM;
		return true;
	}
	l = &x->literals[x->literal_count++];
	l->text = arena_strndup(b->arena, text, len);
	l->len = (uint32_t)len;
	l->rule = at;
	if (l->text == NULL) {
		b->failed = ERR_NOMEM;
		return true;
	}
	count_grams(b, text, len);
	remember_prefix(b, r->when.regex, at);
	return true;
}

static bool
file_names(struct build *b, const struct globs *g, char kind, uint32_t at)
{
	if (!all_literal(g))
		return false;
	for (size_t i = 0; i < g->count; i++)
		pairs_add(
		    b, &b->keys, index_hash(kind, g->v[i].text, STR("")), at);
	return true;
}

/* Host names are compared without case: so are their keys. */
static bool
is_lower(const struct globs *g)
{
	for (size_t i = 0; i < g->count; i++) {
		for (size_t k = 0; k < g->v[i].text.len; k++) {
			const char c = g->v[i].text.s[k];

			if (c >= 'A' && c <= 'Z')
				return false;
		}
	}
	return true;
}

static enum filing
file_rule(struct build *b, const struct rule *r, uint32_t at)
{
	if (file_command(b, r, at))
		return FILED_COMMAND;
	if (file_regex(b, r, at))
		return FILED_REGEX;
	if (r->when.mcp != NULL &&
	    file_names(b, &r->when.mcp->servers, 'm', at))
		return FILED_MCP;
	/* In packs an unknown host is no match; elsewhere it may be. */
	if (is_lower(&r->when.hosts) && file_names(b, &r->when.hosts, 'h', at))
		return FILED_HOST;
	return FILED_ALWAYS;
}

/* ---- the lists --------------------------------------------------------- */

static void
file_grams(struct build *b)
{
	struct rules_index *x = b->x;

	for (size_t i = 0; i < x->literal_count; i++) {
		struct literal *l = &x->literals[i];
		const enum gram_class c = class_of(l->len);
		const size_t at = rarest_gram(b, l->text, l->len);

		l->gram_at = (uint32_t)at;
		pairs_add(b, &b->grams[c],
		    gram_hash(gram_load(l->text + at, c)), (uint32_t)i);
	}
}

static bool
may_be_of_tool(const struct rule *r, unsigned tool)
{
	return r->when.tools == 0 || (r->when.tools & 1u << tool) != 0;
}

static void
list_always(struct build *b, unsigned tool)
{
	struct rules_index *x = b->x;
	uint32_t *list =
	    arena_array(b->arena, b->set->rule_count + 1, sizeof(*list));

	if (list == NULL) {
		b->failed = ERR_NOMEM;
		return;
	}
	x->always[tool] = list;
	for (uint32_t i = 0; i < b->set->rule_count; i++) {
		const struct rule *r = &b->set->rules[i];

		if (x->filed[i] == FILED_ALWAYS && may_be_of_tool(r, tool) &&
		    r->mode != MODE_OFF && !r->disabled)
			list[x->always_count[tool]++] = i;
	}
}

static void
build_all(struct build *b)
{
	struct rules_index *x = b->x;
	const size_t n = b->set->rule_count;

	x->rule_count = n;
	x->filed = arena_array(b->arena, n + 1, sizeof(*x->filed));
	if (x->filed == NULL) {
		b->failed = ERR_NOMEM;
		return;
	}
	for (uint32_t i = 0; i < n && b->failed == 0; i++)
		x->filed[i] = (uint8_t)file_rule(b, &b->set->rules[i], i);
	file_grams(b);
	table_make(b, &x->keys, &b->keys);
	for (unsigned c = 0; c < GRAM_CLASSES && b->failed == 0; c++)
		table_make(b, &x->grams[c], &b->grams[c]);
	for (unsigned t = 0; t < TOOL_COUNT && b->failed == 0; t++)
		list_always(b, t);
}

int
index_build(struct ruleset *set, struct err *e)
{
	struct build b = { .set = set, .arena = set->arena };

	b.x = mem_new(1, sizeof(*b.x));
	b.gram_counts = mem_new(GRAM_SLOTS, sizeof(*b.gram_counts));
	if (b.x == NULL || b.gram_counts == NULL)
		b.failed = ERR_NOMEM;
	else
		build_all(&b);
	free(b.gram_counts);
	free(b.keys.v);
	for (unsigned c = 0; c < GRAM_CLASSES; c++)
		free(b.grams[c].v);
	if (b.failed != 0) {
		index_free(b.x);
		return err_nomem(e);
	}
	set->index = b.x;
	return ERR_OK;
}

void
index_free(struct rules_index *x)
{
	if (x == NULL)
		return;
	free(x->literals);
	free(x->prefixes);
	free(x->found);
	free(x);
}
