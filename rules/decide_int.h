#ifndef RULES_DECIDE_INT_H
#define RULES_DECIDE_INT_H
/* Shared by decide.c, decide_plan.c (profiles) and decide_reason.c. */
#include "decide.h"

#define MATCHED_MAX 256 /* rules remembered for one part */
#define PART_RULES_SHOWN 16
#define KEPT_RULES_MAX 64 /* more are copied again */

/* A rule as the action shows it, copied into its arena. */
struct kept_rule {
	const struct rule *rule;
	struct rule_ref ref;
};

struct part_judge {
	const struct decide_options *options;
	struct match_input in;
	struct arena *arena;
	struct slot_verdict slots[SLOTS_MAX];
	struct judged matched[MATCHED_MAX];
	size_t matched_count;
	struct kept_rule kept[KEPT_RULES_MAX]; /* of this action */
	size_t kept_count;
	bool no_memory;
	struct judged worst;
	size_t worst_slot;
};

/* The execution profile while it is collected. */
struct texts_list {
	const char **v;
	size_t count, cap;
};

struct plan {
	struct arena *arena;
	const struct action *action;
	struct texts_list hosts, write, read;
	const char *profile; /* the narrowest that a rule names */
	bool network; /* it connects, even if nobody can tell where */
	bool somewhere; /* to a host that nobody can tell */
	struct denied_host *denied;
	size_t denied_count, denied_cap;
	bool enforce_shadows;
};

struct action_judge {
	struct plan *plan;
	struct judged worst;
	const struct part *worst_part;
	size_t worst_slot;
	enum risk risk;
};

int plan_add(struct plan *p, const struct part_judge *j);
int plan_finish(struct plan *p, struct classification *ret);
int plan_add_text(struct plan *p, struct texts_list *l, const char *text);
/* decide_denied.c: the set may be NULL. */
int plan_add_denied(struct plan *p, const struct ruleset *set);
/* decide_hosts.c */
int plan_add_host(struct plan *p, const struct effect *ef);
const char *plan_network(const struct plan *p, bool online);
/* One sentence; NULL when memory is short. */
const char *reason_of(const struct action_judge *aj,
    const struct classification *c, struct arena *arena);

#endif
