/*
 * Rules that meet: duplicate, subsumed, shadowed, in conflict; each finding
 * with a call on which they meet, where the tests give one.
 * Runs in: assent.  Trusts: nothing in the files.  Owns: nothing.
 */
#include "lint.h"

#include <stdarg.h>
#include <stdio.h>

#define WITNESS_MAX 200

void
lint_finding(struct diags *d, const struct rule *r, const char *code,
    const char *hint, const char *fmt, ...)
{
	char message[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	diag_add(d,
	    &(struct diag){ .severity = DIAG_WARNING,
		.code = code,
		.file = r->file,
		.line = r->line,
		.hint = hint },
	    "%s", message);
}

/* A call of a's tests that b matches, too: " (for example 'x')". */
static void
put_witness(struct classifier *c, const struct rule *a, const struct rule *b,
    char *ret, size_t size)
{
	ret[0] = '\0';
	for (size_t i = 0; i < a->match.count; i++) {
		const struct example *ex = &a->match.v[i];
		bool match = false;

		if (ex->script.s == NULL || ex->script.len > WITNESS_MAX ||
		    example_matches(c, b, ex, &match, NULL) != 0 || !match)
			continue;
		(void)snprintf(
		    ret, size, "; both match '%.*s'", STR_ARG(ex->script));
		return;
	}
}

static bool
tightens(const struct rule *r)
{
	return r->decision != DECISION_ALLOW && r->covers.count == 0;
}

/* Both belong to the defaults, or both do not. */
static bool
same_level(const struct rule *a, const struct rule *b)
{
	return rule_is_default(a) == rule_is_default(b);
}

/* b does all that a does, wherever a does it. */
static bool
makes_useless(const struct rule *a, const struct rule *b)
{
	if (!tightens(a) || !tightens(b))
		return a->decision == DECISION_ALLOW &&
		    b->decision == DECISION_ALLOW && a->layer == b->layer &&
		    effects_implied(&a->covers, &b->covers);
	return b->decision >= a->decision && (b->floor || !a->floor) &&
	    (b->floor || same_level(a, b));
}

static void
check_pair(struct classifier *c, const struct rule *a, const struct rule *b,
    struct diags *d)
{
	char witness[WITNESS_MAX + 32];
	const bool both = rule_implies(b, a);

	if (makes_useless(a, b)) {
		/* Of two that are alike, the second is named. */
		if (both && makes_useless(b, a) && a->order < b->order)
			return;
		put_witness(c, a, b, witness, sizeof(witness));
		if (both && a->decision == b->decision)
			lint_finding(d, a, "L001", "delete one of them",
			    "'%s' says the same as '%s' (%s:%u)%s", a->id,
			    b->id, b->file, b->line, witness);
		else
			lint_finding(d, a, "L002", "delete it",
			    "'%s' changes nothing: '%s' (%s:%u) matches all "
			    "that it matches, and is %s%s",
			    a->id, b->id, b->file, b->line,
			    decision_name(b->decision), witness);
		return;
	}
	if (a->decision == DECISION_ALLOW && tightens(b) &&
	    (b->floor || same_level(a, b))) {
		put_witness(c, a, b, witness, sizeof(witness));
		lint_finding(d, a, "L003",
		    "narrow the other rule with 'unless', or delete this one",
		    "'%s' can never allow: '%s' (%s:%u) matches all that it "
		    "matches, and is %s%s",
		    a->id, b->id, b->file, b->line, decision_name(b->decision),
		    witness);
	}
}

/* Two rules that meet on a call of one's tests without one holding the
 * other. */
static void
check_conflict(struct classifier *c, const struct rule *a, const struct rule *b,
    struct diags *d)
{
	char witness[WITNESS_MAX + 32];

	/* The defaults are a table: its rows meet on every call. */
	if (a->decision != DECISION_ALLOW || !tightens(b) ||
	    !same_level(a, b) || rule_is_default(a))
		return;
	put_witness(c, a, b, witness, sizeof(witness));
	if (witness[0] != '\0')
		lint_finding(d, a, "L004",
		    "that is right if the stricter one is an exception",
		    "'%s' allows what '%s' (%s:%u) has as %s%s", a->id, b->id,
		    b->file, b->line, decision_name(b->decision), witness);
}

static bool
is_live(const struct rule *r)
{
	return r->mode == MODE_ENFORCE && !r->disabled;
}

void
lint_overlaps(struct classifier *c, const struct cmd_rules *o, struct diags *d)
{
	const struct ruleset *set = c->set;

	for (size_t i = 0; i < set->rule_count; i++) {
		const struct rule *a = &set->rules[i];

		if (!verb_is_subject(o, a->layer) || !is_live(a))
			continue;
		for (size_t k = 0; k < set->rule_count; k++) {
			const struct rule *b = &set->rules[k];

			if (i == k || !is_live(b))
				continue;
			if (rule_implies(a, b))
				check_pair(c, a, b, d);
			else
				check_conflict(c, a, b, d);
		}
	}
}
