#ifndef RULES_SUGGEST_H
#define RULES_SUGGEST_H
/*
 * Rules from what people approved: each approval becomes a pattern
 * (model/pattern.h), each kind of command a rule that is no wider than its
 * effects were.
 *
 *     suggest_learn(&s, action, e);        approved
 *     suggest_text(&s, &out);              the file
 *
 * Deletions, privilege, secrets, remote state and what is not understood are
 * never suggested; why is counted.
 */
#include "model/pattern.h"
#include "rules_int.h"

#define SUGGESTIONS_MAX 500
#define SUGGEST_EXAMPLES 3
#define SUGGEST_DENIALS_MAX 10000
#define SUGGEST_REASONS_MAX 64

struct suggestion {
	char *id, *title, *body; /* body: the keys of the rule as YAML */
	size_t approvals;
	char *examples[SUGGEST_EXAMPLES]; /* scripts that were approved */
	size_t example_count;
	const char *dropped; /* why it is not shown, or NULL */
};

struct suggest_reason {
	char *text, *example;
	size_t count;
};

struct suggest {
	struct suggestion v[SUGGESTIONS_MAX];
	size_t count, min;
	/* Not suggested, and why. */
	struct suggest_reason reasons[SUGGEST_REASONS_MAX];
	size_t reason_count;
};

void suggest_done(struct suggest *s);
/* a: classified, and approved by a person. */
int suggest_learn(struct suggest *s, const struct action *a, struct err *e);
/* Is it to be shown? */
bool suggest_is_kept(const struct suggest *s, const struct suggestion *g);
/* The rule file of those that are kept. */
void suggest_text(const struct suggest *s, struct buf *out);
/* The suggestion with that id, or NULL. */
struct suggestion *suggest_find(struct suggest *s, const char *id);

#endif
