#ifndef HOOKS_GATE_H
#define HOOKS_GATE_H
/*
 * In front of somebody else's MCP server: which messages wait for a decision,
 * and what is told to the daemon of them. No I/O, and no state but names.
 *
 *     r = gate_new(&options, &g, e);
 *     switch (gate_client(g, line, &call, &out)) case GATE_HOLD: ...
 *     gate_server(g, line, &reply);         it always goes on to the client
 *     gate_put_denied(&out, id, why);
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define GATE_LINE_MAX HTTP_BODY_BYTES_MAX
#define GATE_LISTS_MAX 64 /* questions for tools that are not answered */

enum gate_next {
	GATE_PASS, /* to the server, as it came */
	GATE_HOLD, /* a call: when it is allowed, as it came */
	GATE_ANSWER, /* not to the server: out goes back to the client */
	GATE_DROP, /* to nobody; out says why */
	GATE_CANCEL, /* to the server, unless the call of that id is held */
};

enum gate_state {
	GATE_SAME,
	GATE_NEW, /* seen for the first time, in this session */
	GATE_CHANGED,
	GATE_UNLISTED, /* its server has not described it */
};

/* What is known of a tool; texts are valid until the next list. */
struct gate_definition {
	enum gate_state state;
	struct str annotations; /* its server's own, JSON object, or empty */
	/* GATE_CHANGED: the description, old and new; the change by line */
	struct str was, is;
};

typedef struct gate_definition gate_definition_fn(void *ctx, const char *tool);
/* One tool of a list: its name, and all of it as JSON. */
typedef void gate_tool_fn(void *ctx, const char *tool, struct str json);

struct gate_options { /* texts are kept (borrowed) until gate_free */
	const char *server, *workspace, *session;
	gate_definition_fn *definition;
	gate_tool_fn *on_tool;
	void *ctx;
};

/* Of GATE_HOLD and GATE_CANCEL; valid until the next message. */
struct gate_call {
	struct str id; /* as it is written */
	struct str progress; /* token, as it is written, or empty */
	const char *tool;
	struct str body; /* the action, as POST /v1/actions takes it */
	enum gate_state state;
};

/* An answer of the server; valid until the next message. */
struct gate_reply {
	struct str id; /* empty: it is no answer */
	struct str outcome; /* as POST .../outcome takes it */
	bool unread; /* it was passed on, and not understood */
};

struct gate;

int gate_new(const struct gate_options *o, struct gate **ret, struct err *e);
void gate_free(struct gate *g);
void gate_freep(struct gate **g);
enum gate_next gate_client(
    struct gate *g, struct str line, struct gate_call *call, struct buf *out);
void gate_server(struct gate *g, struct str line, struct gate_reply *ret);

/* A tool's error, which the model reads. */
void gate_put_denied(struct buf *out, struct str id, const char *why);
void gate_put_progress(
    struct buf *out, struct str token, unsigned done, const char *message);

#endif
