#ifndef HOOKS_ACP_H
#define HOOKS_ACP_H
/*
 * Between an editor and an agent that speak the Agent Client Protocol: which
 * messages of the agent wait for a decision, and what is answered in the
 * editor's place. No I/O.
 *
 *     r = acp_new(&options, &a, e);
 *     acp_editor(a, line, &news);             it always goes on to the agent
 *     switch (acp_agent(a, line, &ask, &out)) case BRIDGE_HOLD: ...
 *     acp_put_answer(message, verdict, why, &out, e);
 *
 * acp_protocol is all of it, as tools/bridge.c drives it.
 */
#include "bridge.h"

extern const struct bridge_protocol acp_protocol;

struct acp;

int acp_new(const struct bridge_options *o, struct acp **ret, struct err *e);
void acp_free(struct acp *a);
void acp_freep(struct acp **a);
void acp_editor(struct acp *a, struct str line, struct bridge_news *ret);
enum bridge_next acp_agent(struct acp *a, struct str line,
    struct bridge_question *question, struct bridge_result *result,
    struct buf *out);

/* As in struct bridge_protocol. */
int acp_put_answer(struct str message, enum hook_verdict verdict,
    const char *why, struct buf *out, struct err *e);
void acp_put_cancelled(struct str id, struct buf *out);
int acp_put_question(struct str message, struct buf *out, struct err *e);
void acp_put_note(struct buf *out, const char *session, const char *text);

#endif
