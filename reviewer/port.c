/*
 * The reviewer as the engine knows it: what is shown to the model, and what
 * no model can talk away.
 * Runs in: engine, assent.  Trusts: nothing in the action.  Owns: nothing.
 */
#include "core/ports.h"
#include "evidence.h"

static int
port_evidence(const struct action *a, struct buf *out, struct err *e)
{
	const struct evidence_limits limits = EVIDENCE_LIMITS_DEFAULT;

	return evidence_line(a, &limits, out, e);
}

/* What the rules found; a text that works on its reader is one worse. */
static enum risk
port_least_risk(const struct action *a)
{
	const unsigned flags = evidence_flags_of(a);
	const enum risk risk = a->classification.risk;

	if (flags == 0 || risk >= RISK_HIGH)
		return risk;
	return (enum risk)(risk + 1);
}

static const char *
port_for_person(const struct action *a)
{
	const unsigned flags = evidence_flags_of(a);

	if ((flags & FLAGS_FOR_A_PERSON) != 0)
		return "hidden_characters";
	return NULL;
}

const struct reviewer_port llm_reviewer = {
	.evidence = port_evidence,
	.least_risk = port_least_risk,
	.for_person = port_for_person,
};
