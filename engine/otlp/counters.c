/*
 * Counts of decisions, runs and reviews.
 * Runs in: reporter.  Trusts: nothing in text: a value that is too long is
 * cut, a label too many is not counted.  Owns: nothing.
 */
#include "counters.h"
#include "model/json_in.h"

#include <stdio.h>
#include <string.h>

const struct counter_name counter_names[COUNT_KINDS] = {
	[COUNT_DECISIONS] = { "assent.decisions", "{decision}",
	    "Final decisions.",
	    { "assent.decision", "assent.decision.source" } },
	[COUNT_EXECUTIONS] = { "assent.executions", "{execution}",
	    "Runs that ended.", { "assent.execution.result", NULL } },
	[COUNT_REVIEWS] = { "assent.reviews.undecided", "{review}",
	    "Reviews that left it to a person.",
	    { "assent.reviewer.outcome", NULL } },
};

static void
add(struct counters *n, enum counter_kind kind, const char *first,
    const char *second)
{
	struct counter c = { .kind = kind, .count = 1 };

	(void)snprintf(c.values[0], sizeof(c.values[0]), "%s",
	    first == NULL ? "none" : first);
	(void)snprintf(c.values[1], sizeof(c.values[1]), "%s",
	    second == NULL ? "" : second);
	for (size_t i = 0; i < n->count; i++) {
		struct counter *have = &n->items[i];

		if (have->kind == kind &&
		    memcmp(have->values, c.values, sizeof(c.values)) == 0) {
			have->count++;
			return;
		}
	}
	if (n->count < COUNTERS_MAX)
		n->items[n->count++] = c;
}

void
counters_add(struct counters *n, const json_t *row)
{
	const json_t *body = json_object_get(row, "body");
	const char *kind = json_in_text(row, "kind");

	if (kind == NULL)
		return;
	if (strcmp(kind, "decided") == 0)
		add(n, COUNT_DECISIONS, json_in_text(row, "decision"),
		    json_in_text(row, "decided_by"));
	else if (strcmp(kind, "outcome") == 0)
		add(n, COUNT_EXECUTIONS,
		    json_in_text(body, "failure") == NULL ? "done" : "failed",
		    NULL);
	else if (strcmp(kind, "unknown") == 0)
		add(n, COUNT_EXECUTIONS, "lost", NULL);
	else if (strcmp(kind, "reviewed") == 0)
		add(n, COUNT_REVIEWS, json_in_text(body, "outcome"), NULL);
}
