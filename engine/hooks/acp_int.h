#ifndef HOOKS_ACP_INT_H
#define HOOKS_ACP_INT_H
/*
 * Between acp.c, which follows the conversation, and acp_action.c, which
 * makes an action of what an agent wants.
 *
 *     r = acp_put_call(w, &place, m, call, e);      "tool", "input", "cwd"
 */
#include "acp.h"
#include "rpc.h"

struct acp_place {
	const char *cwd;
	bool title_is_command; /* this agent says its commands nowhere else */
	/* What was said of this call before: JSON of an object, or empty. */
	struct str told;
};

int acp_put_call(struct jsonw *w, const struct acp_place *at,
    const struct rpc *m, size_t call, struct err *e);
int acp_put_file(struct jsonw *w, const struct acp_place *at,
    const struct rpc *m, struct err *e);
int acp_put_terminal(struct jsonw *w, const struct acp_place *at,
    const struct rpc *m, struct err *e);

#endif
