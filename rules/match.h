#ifndef RULES_MATCH_H
#define RULES_MATCH_H
/*
 * Does a rule match a part of an action, and which of its effects?
 *
 *     struct match_input in = { .action = a, .part = p, .cmd = c,
 *         .runner = runner, .policy = policy };
 *     switch (rule_match(rule, &in, &hits)) ...
 *
 * Pure but for the runner's clock. "Cannot tell" is TRI_MAYBE: a match for a
 * rule that tightens, none for one that loosens; the caller sees to that.
 */
#include <jansson.h>

#include "effects.h"
#include "rules_int.h"

#define SLOTS_MAX (EFFECTS_PER_PART_MAX + 1)

/*
 * What a part does: its effects, and as the last slot "it starts" where it is
 * a command. Rules decide slots.
 */
struct slots {
	uint64_t bits[SLOTS_MAX / 64 + 1];
};

static inline void
slots_add(struct slots *s, size_t i)
{
	s->bits[i / 64] |= (uint64_t)1 << (i % 64);
}

static inline void
slots_remove(struct slots *s, size_t i)
{
	s->bits[i / 64] &= ~((uint64_t)1 << (i % 64));
}

static inline bool
slots_has(const struct slots *s, size_t i)
{
	return (s->bits[i / 64] >> (i % 64) & 1) != 0;
}

struct match_input {
	const struct action *action;
	const struct part *part;
	const struct part_command *cmd;
	struct regex_runner *runner;
	enum approval_policy policy;
	const json_t *args; /* of an MCP call, or NULL */
	bool dynamic; /* some word of the command is not known */
	size_t slot_count; /* effects, and the start when there is one */
	unsigned kinds; /* a bit for each kind among the effects */
};

/* Fills what follows from part and cmd. */
void match_input_prepare(struct match_input *in);
/* Is slot i the start of the program? */
static inline bool
slot_is_start(const struct match_input *in, size_t i)
{
	return i == in->part->effect_count;
}

/*
 * hits: the slots that the rule speaks of. For a rule with conditions on
 * effects those that match, else all.
 */
enum tri rule_match(
    const struct rule *r, const struct match_input *in, struct slots *hits);
/* Does the rule decide this slot in place of the defaults? (It matched.) */
bool rule_covers(
    const struct rule *r, const struct match_input *in, size_t slot);
/* The key that keeps the rule from matching, or makes that uncertain; NULL
 * when it matches. */
const char *rule_why_not(const struct rule *r, const struct match_input *in);

/* ---- between match.c and match_*.c ------------------------------------- */

/* exact: loosening rules and packs take nothing for granted. */
struct strictness {
	bool loosens; /* matching more makes decisions looser */
	bool pack; /* unknown paths and hosts are a class of their own */
};

enum tri match_command(const struct command_cond *c,
    const struct match_input *in, struct strictness s);
enum tri match_mcp(const struct mcp_cond *c, const struct match_input *in,
    struct strictness s);
enum tri match_cond(const struct cond *c, const struct match_input *in,
    struct strictness s, struct slots *hits, struct slots *sure);
bool rule_is_over(const struct rule *r, const struct action *a);
bool rule_in_rollout(const struct rule *r, const struct action *a);
bool cond_has_filters(const struct cond *c);
/* Some effect for each filter; hits gets what all filters that speak of it
 * agree on, sure only what is certain. */
enum tri match_filters(const struct cond *c, const struct match_input *in,
    struct strictness s, struct slots *hits, struct slots *sure);
/* Do effects: or host: certainly name this effect? */
bool filters_name(
    const struct cond *c, const struct match_input *in, size_t slot);
/* Every effect that the filters speak of matches, for certain. */
bool filters_hold_for_all(const struct cond *c, const struct match_input *in);
enum tri effect_wanted(const struct effects_want *w, const struct effect *ef,
    const struct match_input *in, struct strictness s);
bool start_wanted(const struct effects_want *w);
bool glob_match_path(
    const struct glob *g, const char *path, const struct action *a);

/* What is certain of a text in which words are not known. */
struct str match_known_head(struct str text);
/* host, host:port, [v6]:port without the port. */
struct str host_without_port(struct str s);

static inline enum tri
tri_not(enum tri t)
{
	return t == TRI_YES ? TRI_NO : t == TRI_NO ? TRI_YES : TRI_MAYBE;
}

static inline enum tri
tri_min(enum tri a, enum tri b)
{
	return a < b ? a : b;
}

static inline enum tri
tri_max(enum tri a, enum tri b)
{
	return a > b ? a : b;
}

#endif
