/*
 * Find the rules that are worth trying on a part.
 * Runs in: every program that judges.  Trusts: nothing in the part.
 * Owns: nothing.
 */
#include "index.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "index_int.h"

#define HOST_BYTES_MAX 512
#define INSERTED_MAX 16 /* more are sorted */

/* Candidates of one part. When there is no memory for them, all are. */
struct hunt {
	struct rules_index *x;
	const struct match_input *in;
	bool overflow;
};

static void
found(struct hunt *h, uint32_t rule)
{
	struct rules_index *x = h->x;

	if (x->found_count == x->found_cap &&
	    mem_grow(&x->found, &x->found_cap, x->found_count + 1,
		sizeof(*x->found)) != 0) {
		h->overflow = true;
		return;
	}
	x->found[x->found_count++] = rule;
}

static void
found_key(struct hunt *h, uint64_t hash)
{
	const struct table *t = &h->x->keys;
	const struct bucket *b =
	    filter_has(t, hash) ? table_find(t, hash) : NULL;

	for (uint32_t i = 0; b != NULL && i < b->count; i++)
		found(h, t->list[b->start + i]);
}

/* ---- commands ---------------------------------------------------------- */

static bool
subcommand_is_open(const struct part_command *cmd)
{
	if (cmd->subcommand.len > 0)
		return false;
	for (size_t i = 0; i < cmd->operand_count; i++) {
		if (cmd->operands[i].unknown)
			return true;
	}
	return cmd->operands_open || cmd->options_open;
}

static void
hunt_program(struct hunt *h, struct str program)
{
	const struct part_command *cmd = h->in->cmd;
	struct str sub = cmd->subcommand;

	if (program.len == 0)
		return;
	if (subcommand_is_open(cmd)) {
		found_key(h, index_hash('a', program, STR("")));
		return;
	}
	found_key(h, index_hash('c', program, STR("")));
	while (sub.len > 0) {
		const size_t space = str_rfind(sub, ' ');

		found_key(h, index_hash('s', program, sub));
		sub = space == sub.len ? STR("") : str_head(sub, space);
	}
}

static void
hunt_command(struct hunt *h)
{
	const struct part_command *cmd = h->in->cmd;

	if (cmd->tool != TOOL_SHELL && cmd->tool != TOOL_EXEC &&
	    cmd->tool != TOOL_STDIN)
		return;
	if (cmd->dynamic) {
		found_key(h, index_hash('d', STR(""), STR("")));
		return;
	}
	hunt_program(h, cmd->program);
	if (!str_eq(cmd->program, cmd->written))
		hunt_program(h, cmd->written);
}

/* ---- regexes ----------------------------------------------------------- */

/* The literals that are filed under what the text has at the offset. */
static void
hunt_gram(struct hunt *h, struct str text, size_t at, const struct bucket *b,
    const uint32_t *list)
{
	const struct rules_index *x = h->x;

	for (uint32_t i = 0; i < b->count; i++) {
		const struct literal *l = &x->literals[list[b->start + i]];

		if (at < l->gram_at || text.len - (at - l->gram_at) < l->len)
			continue;
		if (memcmp(text.s + at - l->gram_at, l->text, l->len) == 0)
			found(h, l->rule);
	}
}

static void
hunt_literals(struct hunt *h, struct str text, enum gram_class c)
{
	const struct table *t = &h->x->grams[c];

	if (t->count == 0)
		return;
	for (size_t i = 0; i + gram_width(c) <= text.len; i++) {
		const uint64_t hash = gram_hash(gram_load(text.s + i, c));
		const struct bucket *b;

		if (!filter_has(t, hash))
			continue;
		b = table_find(t, hash);
		if (b != NULL)
			hunt_gram(h, text, i, b, t->list);
	}
}

/* Some words are not known: what begins as this text does may match it. */
static void
hunt_prefixes(struct hunt *h, struct str text)
{
	const struct rules_index *x = h->x;
	const struct str head = match_known_head(text);

	for (size_t i = 0; i < x->prefix_count; i++) {
		const struct str p = x->prefixes[i].text;
		const size_t n = p.len < head.len ? p.len : head.len;

		if (n == 0 || memcmp(p.s, head.s, n) == 0)
			found(h, x->prefixes[i].rule);
	}
}

static void
hunt_regexes(struct hunt *h)
{
	const struct rules_index *x = h->x;
	const struct str text = str_of(h->in->part->text);

	if (x->literal_count == 0)
		return;
	if (text.len > REGEX_SUBJECT_MAX || !text_is_utf8(text)) {
		/* Not for a regex: each of them says "cannot tell". */
		for (size_t i = 0; i < x->literal_count; i++)
			found(h, x->literals[i].rule);
		return;
	}
	hunt_literals(h, text, GRAM_WIDE);
	hunt_literals(h, text, GRAM_NARROW);
	if (h->in->dynamic)
		hunt_prefixes(h, text);
}

/* ---- names ------------------------------------------------------------- */

static void
hunt_host(struct hunt *h, struct str host)
{
	char lower[HOST_BYTES_MAX];
	const size_t len = host.len < sizeof(lower) ? host.len : sizeof(lower);

	for (size_t i = 0; i < len; i++)
		lower[i] = (char)tolower((unsigned char)host.s[i]);
	found_key(h, index_hash('h', str_n(lower, len), STR("")));
}

static void
hunt_hosts(struct hunt *h)
{
	const struct part *p = h->in->part;

	for (size_t i = 0; i < p->effect_count; i++) {
		const struct effect *ef = &p->effects[i];
		struct str host;

		if (ef->kind != EFFECT_CONNECT)
			continue;
		if (ef->target == NULL ||
		    strlen(ef->target) >= HOST_BYTES_MAX) {
			for (uint32_t k = 0; k < h->x->rule_count; k++) {
				if (h->x->filed[k] == FILED_HOST)
					found(h, k);
			}
			continue;
		}
		host = str_of(ef->target);
		hunt_host(h, host);
		if (host_without_port(host).len != host.len)
			hunt_host(h, host_without_port(host));
	}
}

static void
hunt_always(struct hunt *h)
{
	const enum tool tool = h->in->action->proposal.tool;

	for (size_t i = 0; i < h->x->always_count[tool]; i++)
		found(h, h->x->always[tool][i]);
}

/* ---- all --------------------------------------------------------------- */

static int
by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* What is always tried comes in order, few follow: each is put in its place.
 * Many are sorted as usual. */
static void
sort_found(struct rules_index *x, size_t sorted)
{
	if (x->found_count - sorted > INSERTED_MAX) {
		qsort(x->found, x->found_count, sizeof(*x->found), by_number);
		return;
	}
	for (size_t i = sorted; i < x->found_count; i++) {
		const uint32_t rule = x->found[i];
		size_t at = i;

		for (; at > 0 && x->found[at - 1] > rule; at--)
			x->found[at] = x->found[at - 1];
		x->found[at] = rule;
	}
}

static void
each_rule(const struct ruleset *set, index_fn *fn, struct part_judge *j)
{
	for (size_t i = 0; i < set->rule_count; i++)
		fn(j, &set->rules[i]);
}

void
index_each(const struct ruleset *set, const struct match_input *in,
    index_fn *fn, struct part_judge *j)
{
	struct rules_index *x = set->index;
	struct hunt h = { .x = x, .in = in };

	if (x == NULL) {
		each_rule(set, fn, j);
		return;
	}
	x->found_count = 0;
	hunt_always(&h);
	const size_t always = x->found_count;

	hunt_command(&h);
	hunt_regexes(&h);
	if (in->cmd->server.len > 0)
		found_key(&h, index_hash('m', in->cmd->server, STR("")));
	hunt_hosts(&h);
	if (h.overflow) {
		each_rule(set, fn, j);
		return;
	}
	sort_found(x, always);
	for (size_t i = 0; i < x->found_count; i++) {
		if (i == 0 || x->found[i] != x->found[i - 1])
			fn(j, &set->rules[x->found[i]]);
	}
}

bool
index_always_tries(const struct ruleset *set, const struct rule *r)
{
	return set->index != NULL &&
	    set->index->filed[r - set->rules] == FILED_ALWAYS;
}
