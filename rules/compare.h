#ifndef RULES_COMPARE_H
#define RULES_COMPARE_H
/*
 * Two sets of rules on the same calls: which decisions change.
 *
 *     compare_call(&cmp, action, &e);      for each call
 *     compare_print(&cmp, json, &out);
 *
 * Loosened calls come first: they are what a reviewer of a change looks for.
 */
#include "cmd_rules.h"
#include "model/decision_matrix.h"

#define FLIPS_MAX 10000 /* remembered; all are counted */

struct flip {
	char *text; /* owned */
	enum decision from, to;
	const char *from_rule, *to_rule; /* of the sets; NULL: none */
};

/* Decisions of calls that were seen before, by the digest of the call. */
struct seen;

struct compare {
	struct classifier *from, *to;
	enum approval_policy policy;
	bool once; /* count a call once, however often it comes */
	struct decision_matrix matrix;
	size_t calls, refused, loosened, tightened;
	struct flip *flips;
	size_t flip_count, flip_cap;
	struct seen *seen;
	size_t seen_count, seen_cap;
};

void compare_done(struct compare *c);
/* Judges the call by both sets. */
int compare_call(struct compare *c, struct action *a, struct err *e);
/* The same, when the caller knows what makes two calls one. True: it was seen
 * before, and is counted. */
bool compare_known(struct compare *c, const uint8_t key[static SHA256_LEN]);
int compare_call_as(struct compare *c, const uint8_t key[static SHA256_LEN],
    struct action *a, struct err *e);
void compare_print(const struct compare *c, size_t shown, struct buf *out);
void compare_json(const struct compare *c, struct jsonw *w);

#endif
