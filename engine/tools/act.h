#ifndef TOOLS_ACT_H
#define TOOLS_ACT_H
/*
 * What a person does about one action, over the approver socket: look, then
 * act on exactly what was seen.
 *
 *     r = act_look(c, id, &seen, &v, e);
 *     r = act_send(c, &(struct act){ .id = id, .method = "DELETE",
 *         .rest = "/decision", .etag = seen.etag }, &reply, e);
 */
#include "client.h"
#include "model/command.h"
#include "verdict.h"

#define ACT_PREFIX_MIN 8 /* digits of a hash that name an action */

struct act {
	const char *id, *method;
	const char *rest; /* behind /v1/actions/ID */
	const char *etag; /* or NULL */
	struct str body;
};

/* "/v1/actions/ID" and what follows; the id may come from a command line. */
int act_path(const char *id, const char *rest, struct buf *out, struct err *e);
/* The action as it stands: its hash and its ETag go into what is sent. */
int act_look(struct client *c, const char *id, struct client_reply *ret,
    struct verdict *v, struct err *e);
/* prefix, when not NULL, begins its hash; else it is another action. */
int act_check_seen(const struct verdict *v, const char *prefix, struct err *e);
/* Sends it and takes the decision that comes back (may be none). */
int act_send(struct client *c, const struct act *a, struct client_reply *ret,
    struct err *e);

/* Options before and after the one operand, the id of an action. *ret_id
 * stays NULL when there was only --help. */
int act_parse(const struct command *c, int argc, char **argv,
    const char **values, const char **ret_id);

#endif
