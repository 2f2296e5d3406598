#ifndef HOOKS_CODEX_APP_INT_H
#define HOOKS_CODEX_APP_INT_H
/*
 * Between codex_app.c, which follows the conversation, codex_app_action.c,
 * which makes an action of what Codex asks, and codex_app_answer.c.
 *
 *     a = codex_app_approval_of(m);               NULL: it is none
 *     r = codex_app_put_action(w, &place, m, a);  "tool", "input", "cwd"
 */
#include "codex_app.h"
#include "rpc.h"

/* Codex asks to go on with something; each is answered in its own form. */
enum codex_asks {
	CODEX_COMMAND,
	CODEX_CHANGE,
	CODEX_PERMISSIONS,
	CODEX_ELICITATION,
	CODEX_TOOL, /* the client is to run it: what it is allowed, it does */
	CODEX_OLD_COMMAND,
	CODEX_OLD_PATCH,
};

struct codex_approval {
	const char *method;
	enum codex_asks asks;
	const char *thread, *call; /* names of members of its params */
};

struct codex_app_place {
	const char *cwd; /* of the thread */
	/* What was said of this change before: JSON of a list, or empty. */
	struct str changes;
};

const struct codex_approval *codex_app_approval_of(const struct rpc *m);
/* A method of ours in another spelling. */
bool codex_app_looks_like_approval(const struct rpc *m);
/* A denial of this has a place for its reason. */
bool codex_app_answer_tells(struct str message);
/* Questions of MCP servers to a person are not ours to answer. */
bool codex_app_is_ours(const struct rpc *m, const struct codex_approval *a);
void codex_app_put_action(struct jsonw *w, const struct codex_app_place *at,
    const struct rpc *m, const struct codex_approval *a);

/* Words for the model: one line that says whose they are, quoted. */
void codex_app_put_reason(struct buf *out, struct str why);
int codex_app_put_answer(struct str message, enum hook_verdict verdict,
    const char *why, struct buf *out, struct err *e);
int codex_app_put_question(struct str message, struct buf *out, struct err *e);
/* A person's answer at the client, without what would outlast it; nothing is
 * written where it is good as it is. */
void codex_app_put_reply(const struct rpc *m, struct buf *out);

#endif
