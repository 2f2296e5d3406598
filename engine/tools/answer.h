#ifndef TOOLS_ANSWER_H
#define TOOLS_ANSWER_H
/*
 * A person's answer to one pending action.
 *
 *     r = answer_send(approver, &(struct answer_options){ .id = id,
 *         .allow = true }, &reply, e);
 */
#include <stdbool.h>

#include "client.h"

struct answer_options {
	const char *id;
	/* The hash, or the beginning of it, of the action that was seen: any
	 * other action is refused. NULL: whatever has that id. */
	const char *sha256;
	const char *reason; /* or NULL */
	const char *message; /* for the agent, or NULL */
	const char *scope; /* "session", "until TIME"; NULL: once */
	/* Of who answers what he asked himself; or NULL. */
	const char *passphrase;
	bool allow;
};

/* ret gets the decision as it stands after the answer; may be NULL. */
int answer_send(struct client *approver, const struct answer_options *o,
    struct client_reply *ret, struct err *e);

#endif
