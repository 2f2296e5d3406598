#ifndef HOOKS_ACP_H
#define HOOKS_ACP_H
/*
 * Between an editor and an agent that speak the Agent Client Protocol: which
 * messages of the agent wait for a decision, and what is answered in the
 * editor's place. No I/O.
 *
 *     r = acp_new(&options, &a, e);
 *     acp_editor(a, line, &news);             it always goes on to the agent
 *     switch (acp_agent(a, line, &ask, &out)) case ACP_HOLD: ...
 *     acp_put_answer(ask.message, verdict, why, &out);
 *
 * A held message is given away as text, and read again when it is answered.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "hooks.h"

#define ACP_LINE_MAX ((size_t)32 << 20)
#define ACP_SESSIONS_MAX 64
#define ACP_CALLS_MAX 64 /* whose input was told before it was asked about */

enum acp_next {
	ACP_PASS, /* to the editor, as it came */
	ACP_HOLD, /* a question, or something that the editor is to do */
	ACP_ANSWER, /* not to the editor: out goes back to the agent */
	ACP_DROP, /* to nobody; out says why */
	ACP_CANCEL, /* to the editor, unless the request of that id is held */
};

/* Of ACP_HOLD and ACP_CANCEL; valid until the next message. */
struct acp_question {
	struct str id; /* as it is written */
	const char *session; /* the agent's name of it, or "" */
	const char *call; /* of the tool call, or "" */
	struct str body; /* the action, as POST /v1/actions takes it */
	bool permission; /* it has options to choose from */
};

/* What the editor's line means to us; valid until the next message. */
struct acp_news {
	const char *cancelled; /* all that is held for this session, or NULL */
	const char *session; /* of report: assent's name of it */
	struct str report; /* as POST /v1/sessions/{id}/events takes it */
};

/* What became of a call, from the agent. */
struct acp_result {
	const char *call; /* or NULL: none ended */
	struct str outcome; /* as POST .../outcome takes it */
};

/* The project that holds a folder; *ret is freed by the callee's owner. */
typedef const char *acp_project_fn(void *ctx, const char *folder);

struct acp_options { /* kept (borrowed) until acp_free */
	const char *cwd; /* where no session says another */
	acp_project_fn *project;
	void *ctx;
};

struct acp;

int acp_new(const struct acp_options *o, struct acp **ret, struct err *e);
void acp_free(struct acp *a);
void acp_freep(struct acp **a);
void acp_editor(struct acp *a, struct str line, struct acp_news *ret);
enum acp_next acp_agent(struct acp *a, struct str line,
    struct acp_question *question, struct acp_result *result, struct buf *out);

/* Answers of ours to a held message. ERR_NOTFOUND: it is the editor's to do;
 * ERR_DENIED: it can be allowed for good alone, which is nobody's to give. */
int acp_put_answer(struct str message, enum hook_verdict verdict,
    const char *why, struct buf *out, struct err *e);
void acp_put_cancelled(struct str id, struct buf *out);
/* The question without the options that outlast it: the agent must go on
 * asking. */
int acp_put_question(struct str message, struct buf *out, struct err *e);
/* What a person at the editor reads. */
void acp_put_note(struct buf *out, const char *session, const char *text);

#endif
