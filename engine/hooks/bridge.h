#ifndef HOOKS_BRIDGE_H
#define HOOKS_BRIDGE_H
/*
 * Between a client that people sit at and an agent: which of the agent's
 * messages wait for a decision, and what is answered in the client's place.
 * A protocol is a table of functions without I/O; tools/bridge.c moves lines.
 *
 *     switch (p->agent(x, line, &q, &result, &out)) case BRIDGE_HOLD: ...
 *     p->put_answer(message, verdict, why, &out, e);
 *     p->client(x, line, &news);     goes on to the agent if it was read
 *
 * A held message is given away as text, and read again when it is answered.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "hooks.h"

#define BRIDGE_LINE_MAX ((size_t)32 << 20)
#define BRIDGE_SESSIONS_MAX 64
#define BRIDGE_CALLS_MAX 64 /* what was told of them before it was asked */

enum bridge_next {
	BRIDGE_PASS, /* to the client, as it came */
	BRIDGE_HOLD, /* a question, or something that the client is to do */
	BRIDGE_ANSWER, /* not to the client: out goes back to the agent */
	BRIDGE_DROP, /* to nobody; out says why, unless it is empty */
	BRIDGE_CANCEL, /* to the client, unless the request of that id is held */
};

/* Of BRIDGE_HOLD and BRIDGE_CANCEL; valid until the next message. */
struct bridge_question {
	struct str id; /* as it is written */
	const char *session; /* the agent's name of it, or "" */
	const char *call; /* of the tool call, or "" */
	struct str body; /* the action, as POST /v1/actions takes it */
	bool permission; /* a person at the client can answer it */
};

/* What the client's line means to us; valid until the next message. */
struct bridge_news {
	struct err unread; /* why it must not go on, unless code is 0 */
	struct str refuse; /* then: the request to refuse, if it is one */
	const char *cancelled; /* all that is held for this session, or NULL */
	const char *session; /* of report: assent's name of it */
	struct str report; /* as POST /v1/sessions/{id}/events takes it */
	struct str answers; /* the id of what it answers, if it does */
	struct str
	    instead; /* goes on to the agent in its place, if not empty */
};

/* What became of a call, from the agent. */
struct bridge_result {
	const char *call; /* or NULL: none ended */
	struct str outcome; /* as POST .../outcome takes it */
};

/* The project that holds a folder; *ret is freed by the callee's owner. */
typedef const char *bridge_project_fn(void *ctx, const char *folder);

struct bridge_options { /* kept (borrowed) as long as the conversation */
	const char *cwd; /* where no session says another */
	bridge_project_fn *project;
	void *ctx;
};

struct bridge_protocol {
	int (*open)(const struct bridge_options *o, void **ret, struct err *e);
	void (*close)(void *x);
	void (*client)(void *x, struct str line, struct bridge_news *ret);
	enum bridge_next (*agent)(void *x, struct str line,
	    struct bridge_question *question, struct bridge_result *result,
	    struct buf *out);
	/* Answers of ours to a held message. ERR_NOTFOUND: it is the client's
	 * to do; ERR_DENIED: it can be allowed for good alone, which is
	 * nobody's to give. */
	int (*put_answer)(struct str message, enum hook_verdict verdict,
	    const char *why, struct buf *out, struct err *e);
	void (*put_cancelled)(struct str id, struct buf *out);
	/* The question without what would outlast it: the agent must go on
	 * asking. */
	int (*put_question)(struct str message, struct buf *out, struct err *e);
	/* What a person at the client reads. */
	void (*put_note)(
	    struct buf *out, const char *session, const char *text);
	/* The same for the model, where an answer has no place for it; it is
	 * a message to the agent. NULL: the protocol has none. */
	void (*put_told)(
	    struct buf *out, const char *session, const char *text);
	/* Does the answer to this question tell the model why? With put_told
	 * only. */
	bool (*answer_tells)(struct str message);
};

#endif
