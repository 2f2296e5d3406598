#ifndef RULES_SHADOW_H
#define RULES_SHADOW_H
/*
 * What would be decided: by the set in force with its shadow rules enforced,
 * and by a candidate that is tried beside it. Counted, with examples; never
 * any effect on what is decided.
 *
 *     shadow_judge(s, &options, action, &fx, decided, arena);
 */
#include "decide.h"
#include "model/decision_matrix.h"

#define SHADOW_EXAMPLES 20

enum shadow_kind {
	SHADOW_RULES, /* mode: shadow */
	SHADOW_CANDIDATE,
	SHADOW_KINDS,
};

struct shadow_example {
	char *text, *rule; /* rule: that would decide, or NULL */
	enum decision from, to;
	int64_t time_real_ns;
};

struct shadow_count {
	uint64_t calls; /* judged */
	struct decision_matrix matrix;
	/* The last ones that would change, in a ring. */
	struct shadow_example examples[SHADOW_EXAMPLES];
	size_t next;
};

struct shadow {
	struct ruleset *candidate; /* owned; NULL: none */
	char *problem; /* why the candidate does not load, or NULL */
	bool has_rules; /* the set in force has shadow rules */
	struct shadow_count counts[SHADOW_KINDS];
};

void shadow_done(struct shadow *s);
/* Judges once more, by copies of the effects. */
void shadow_judge(struct shadow *s, const struct decide_options *o,
    const struct action *a, const struct effects *fx,
    const struct classification *decided, struct arena *arena);
bool ruleset_has_shadows(const struct ruleset *set);
void shadow_json(const struct shadow *s, struct jsonw *w);
void shadow_metrics(const struct shadow *s, struct buf *out);

#endif
