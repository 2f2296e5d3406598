#ifndef CORE_RULING_H
#define CORE_RULING_H
/*
 * From what rules say and what somebody answered to the final decision.
 * Pure functions (I2, I3): no clock, no I/O, no state.
 *
 *     who = ruling_asks(&c, &policy);        nobody, reviewer or person
 *     r = ruling_of(&c, &policy, &answer, &ruling, e);
 */
#include "model/action.h"

/* Which answers may last; the zero value forbids them. */
enum grants_allowed {
	GRANTS_NONE,
	GRANTS_SESSION,
	GRANTS_UNTIL, /* and for a session */
};

/* What the administrator and the user set. */
struct ruling_policy {
	enum approval_policy approval;
	bool auto_review; /* approvals_reviewer: auto_review */
	bool provider; /* a reviewer is configured and reachable at all */
	/* Approvals that a risk needs; what is riskier needs no fewer. */
	unsigned approvals[RISK_CRITICAL + 1];
	/* Of which group one of them has to be; "": of none. */
	char groups[RISK_CRITICAL + 1][GROUP_NAME_MAX];
	enum grants_allowed grants;
};

enum asks {
	ASKS_INVALID,
	ASKS_NOBODY, /* rules decide */
	ASKS_REVIEWER,
	ASKS_PERSON,
};

enum asks ruling_asks(
    const struct classification *c, const struct ruling_policy *p);

enum answer_kind {
	ANSWER_NONE, /* nobody was asked */
	ANSWER_REVIEWER,
	ANSWER_PERSON,
	ANSWER_TIMEOUT,
	ANSWER_GRANT, /* a person's earlier answer that lasts */
};

struct answer {
	enum answer_kind kind;
	enum review_outcome outcome; /* ANSWER_REVIEWER */
	enum decision decision; /* ANSWER_PERSON: ALLOW or DENY */
	const char *approver;
	const char *message;
	const char *grant; /* ANSWER_GRANT: its id */
};

/* The group of which one of them has to be: that of the highest risk up to its
 * own that names one; NULL: anybody. */
const char *ruling_group(
    const struct classification *c, const struct ruling_policy *p);
/* How many people have to allow it: at least one. */
unsigned ruling_approvals(
    const struct classification *c, const struct ruling_policy *p);

/*
 * Fills decision, by, approver, message of *ret. ERR_CONFLICT when the answer
 * cannot decide: a reviewer that escalates, a person who answers a denial by
 * rule, an answer of a kind that was not asked for. Then *ret is untouched.
 */
int ruling_of(const struct classification *c, const struct ruling_policy *p,
    const struct answer *answer, struct ruling *ret, struct err *e);

#endif
