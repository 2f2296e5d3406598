/*
 * What an agent is told about a review. Each case has words of its own: an
 * agent that takes a timeout for a denial gives up on what is harmless, and
 * one that takes a denial for a fault tries again.
 * Runs in: engine.  Trusts: nothing; no word of a model is in here.
 * Owns: nothing.
 */
#include <string.h>

#include "base/mem.h"
#include "model/action.h"

static const struct {
	const char *cause, *message;
} messages[] = {
	{ "model_escalated",
	    "the reviewer left this to a person; wait for the answer, and do "
	    "other work meanwhile" },
	{ "timeout",
	    "the review did not end in time, which says nothing about the "
	    "action; a person is asked" },
	{ "busy",
	    "the reviewer has too much to do, which says nothing about the "
	    "action; a person is asked" },
	{ "too_many_denials",
	    "the reviewer denied too much in this session, so a person "
	    "answers now; stop and say what you are trying to do" },
	{ "denied_before",
	    "the reviewer denied this very action before, so only a person "
	    "can allow it now" },
	{ "token_budget",
	    "the reviews of this session have used up their budget; a person "
	    "is asked" },
	{ "hidden_characters",
	    "the action has characters that cannot be seen, so a person is "
	    "asked; write it without them" },
	{ "too_long",
	    "the action is too long for a review, so a person is asked; "
	    "smaller steps can be reviewed" },
};

const char *
review_message(const struct review *r)
{
	switch (r->outcome) {
	case REVIEW_DENY:
		return "the reviewer denied this as too risky for what was "
		       "asked; find a materially safer way to the same end, or "
		       "stop and ask the user, but do not try the same again "
		       "in another form";
	case REVIEW_ESCALATE:
		break;
	case REVIEW_APPROVE:
	case REVIEW_INVALID:
		return NULL;
	}
	for (size_t i = 0; r->cause != NULL && i < ARRAY_LEN(messages); i++) {
		if (strcmp(r->cause, messages[i].cause) == 0)
			return messages[i].message;
	}
	return "the review could not be completed, which is no finding that "
	       "the action is unsafe; a person is asked, and a way around "
	       "that would be no better";
}
