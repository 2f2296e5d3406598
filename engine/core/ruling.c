/*
 * The final decision: a pure function over what rules said and who answered.
 * Runs in: engine.  Trusts: its arguments only as far as the table goes.
 * Owns: nothing.
 *
 * Every path that ends in allow is written out; whatever is left denies or
 * refuses to decide.
 */
#include "ruling.h"

#include "base/mem.h"

unsigned
ruling_approvals(const struct classification *c, const struct ruling_policy *p)
{
	unsigned need = 1;

	for (size_t r = RISK_INVALID;
	     r <= (size_t)c->risk && r < ARRAY_LEN(p->approvals); r++) {
		if (p->approvals[r] > need)
			need = p->approvals[r];
	}
	return need;
}

const char *
ruling_group(const struct classification *c, const struct ruling_policy *p)
{
	const char *group = NULL;

	for (size_t r = RISK_INVALID;
	     r <= (size_t)c->risk && r < ARRAY_LEN(p->groups); r++) {
		if (p->groups[r][0] != '\0')
			group = p->groups[r];
	}
	return group;
}

/* Certain people have to allow it: no reviewer, and no earlier answer. */
static bool
takes_people(const struct classification *c, const struct ruling_policy *p)
{
	return ruling_approvals(c, p) > 1 || ruling_group(c, p) != NULL;
}

enum asks
ruling_asks(const struct classification *c, const struct ruling_policy *p)
{
	/* What takes two people takes people. */
	const bool reviewer =
	    p->auto_review && p->provider && !takes_people(c, p);

	switch (c->decision) {
	case DECISION_ALLOW:
	case DECISION_DENY:
	case DECISION_INVALID:
		return ASKS_NOBODY;
	case DECISION_REVIEW:
		if (reviewer)
			return ASKS_REVIEWER;
		break;
	case DECISION_ASK:
		break;
	}
	/* With nobody to ask, what would be asked is denied. */
	return p->approval == POLICY_NEVER ? ASKS_NOBODY : ASKS_PERSON;
}

static int
by_rules(const struct classification *c, struct ruling *ret, struct err *e)
{
	switch (c->decision) {
	case DECISION_ALLOW:
		*ret = (struct ruling){
			.decision = DECISION_ALLOW,
			.by = c->by,
		};
		return ERR_OK;
	case DECISION_DENY:
		*ret = (struct ruling){
			.decision = DECISION_DENY,
			.by = c->by,
		};
		return ERR_OK;
	case DECISION_REVIEW:
	case DECISION_ASK:
		*ret = (struct ruling){
			.decision = DECISION_DENY,
			.by = BY_POLICY,
			.message = "this needs a person's approval, and the "
				   "approval policy is 'never'",
		};
		return ERR_OK;
	case DECISION_INVALID:
		break;
	}
	return err_set(e, ERR_INTERNAL, "action was not classified");
}

static int
by_reviewer(const struct ruling_policy *p, const struct answer *answer,
    struct ruling *ret, struct err *e)
{
	switch (answer->outcome) {
	case REVIEW_APPROVE:
		*ret = (struct ruling){
			.decision = DECISION_ALLOW,
			.by = BY_REVIEWER,
			.message = answer->message,
		};
		return ERR_OK;
	case REVIEW_DENY:
		*ret = (struct ruling){
			.decision = DECISION_DENY,
			.by = BY_REVIEWER,
			.message = answer->message,
		};
		return ERR_OK;
	case REVIEW_ESCALATE:
	case REVIEW_INVALID:
		break;
	}
	if (p->approval == POLICY_NEVER) {
		*ret = (struct ruling){
			.decision = DECISION_DENY,
			.by = BY_POLICY,
			.message = "the reviewer did not decide, and the "
				   "approval policy is 'never'",
		};
		return ERR_OK;
	}
	return err_set(
	    e, ERR_CONFLICT, "the reviewer did not decide; a person has to");
}

static int
by_person(const struct answer *answer, struct ruling *ret, struct err *e)
{
	if (answer->approver == NULL || answer->approver[0] == '\0')
		return err_set(e, ERR_INTERNAL, "an answer needs an approver");
	if (answer->decision != DECISION_ALLOW &&
	    answer->decision != DECISION_DENY)
		return err_set(
		    e, ERR_INVALID, "a person answers 'allow' or 'deny'");
	*ret = (struct ruling){
		.decision = answer->decision,
		.by = BY_HUMAN,
		.approver = answer->approver,
		.message = answer->message,
	};
	return ERR_OK;
}

/* It was a person's word; floors and whatever needs two are not for it. */
static int
by_grant(const struct classification *c, const struct ruling_policy *p,
    const struct answer *answer, struct ruling *ret, struct err *e)
{
	if (answer->grant == NULL || answer->approver == NULL)
		return err_set(
		    e, ERR_INTERNAL, "a grant has an id and an approver");
	if (c->floor || takes_people(c, p) || p->grants == GRANTS_NONE)
		return err_set(
		    e, ERR_CONFLICT, "no grant answers this; a person has to");
	*ret = (struct ruling){
		.decision = DECISION_ALLOW,
		.by = BY_GRANT,
		.approver = answer->approver,
		.grant = answer->grant,
	};
	return ERR_OK;
}

int
ruling_of(const struct classification *c, const struct ruling_policy *p,
    const struct answer *answer, struct ruling *ret, struct err *e)
{
	const enum asks asked = ruling_asks(c, p);

	switch (answer->kind) {
	case ANSWER_NONE:
		if (asked == ASKS_NOBODY)
			return by_rules(c, ret, e);
		return err_set(e, ERR_CONFLICT, "nobody has answered yet");
	case ANSWER_REVIEWER:
		if (asked == ASKS_REVIEWER)
			return by_reviewer(p, answer, ret, e);
		return err_set(
		    e, ERR_CONFLICT, "the reviewer was not asked about this");
	case ANSWER_PERSON:
		if (asked == ASKS_REVIEWER || asked == ASKS_PERSON)
			return by_person(answer, ret, e);
		return err_set(e, ERR_CONFLICT, "this is decided by rules");
	case ANSWER_GRANT:
		if (asked == ASKS_REVIEWER || asked == ASKS_PERSON)
			return by_grant(c, p, answer, ret, e);
		return err_set(e, ERR_CONFLICT, "this is decided by rules");
	case ANSWER_TIMEOUT:
		if (asked == ASKS_NOBODY)
			return err_set(
			    e, ERR_CONFLICT, "this is decided by rules");
		*ret = (struct ruling){
			.decision = DECISION_DENY,
			.by = BY_TIMEOUT,
			.message = "nobody answered in time",
		};
		return ERR_OK;
	}
	return err_set(e, ERR_INTERNAL, "no such kind of answer");
}
