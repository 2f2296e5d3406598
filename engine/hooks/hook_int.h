#ifndef HOOKS_HOOK_INT_H
#define HOOKS_HOOK_INT_H
/*
 * Between the files of this module: a hook while it is worked on, and the
 * tables that describe a client.
 *
 *     h->client->events    the client's names of events
 *     h->client->tools     what its tools do, by name
 *     h->client->answer    how it wants to be told
 */
#include "base/jsonw.h"
#include "hooks.h"
#include "model/json_doc.h"

/* What a tool of a client does, as assent judges it. */
enum tool_kind {
	KIND_UNKNOWN, /* a question: nobody described this tool */
	KIND_OWN, /* nothing outside the client; its subagents ask again */
	KIND_SHELL, /* keys: command, folder */
	KIND_ARGV, /* keys: list of words */
	KIND_TYPE, /* keys: text; into a running program */
	KIND_READ, /* keys: path */
	KIND_LIST, /* keys: path */
	KIND_GREP, /* keys: pattern, path */
	KIND_GLOB, /* keys: pattern, path */
	KIND_WRITE, /* keys: path, content */
	KIND_CELL, /* of a notebook */
	KIND_EDIT, /* keys: path, old, new */
	KIND_MULTI_EDIT, /* keys: path, list, old, new */
	KIND_DELETE, /* keys: path */
	KIND_PATCH, /* keys: text in the form of apply_patch */
	KIND_FETCH, /* keys: url */
	KIND_FORM, /* read by the client's own function */
};

#define TOOL_KEYS 4

struct client_tool {
	const char *name;
	enum tool_kind kind;
	const char *keys[TOOL_KEYS];
	/* Other fields that change nothing; NULL: all of them. A field that is
	 * in neither makes the call one that nobody described. */
	const char *known;
};

struct client_event {
	const char *name;
	enum hook_event event;
};

/* Where a client's JSON has what we need; NULL: it has not. */
struct client_names {
	const char *event, *session, *call, *tool, *input, *cwd, *result;
	const char *mcp; /* an object that names an MCP server and its tool */
};

struct hook_client {
	const char *name;
	const char *own; /* the server's name for its own tools */
	const char *undescribed; /* ... and for tools that nobody described */
	const char *mcp_prefix; /* of "mcp__server__tool", or NULL */
	const char *rewrites; /* the key of an input that it lets us rewrite */
	const struct client_names *names;
	const struct client_event *events;
	size_t event_count;
	const struct client_tool *tools;
	size_t tool_count;
	/* Finds what the names do not say, or NULL. */
	int (*read)(struct hook *h, struct err *e);
	/* KIND_FORM: writes "tool" and "input"; ERR_NOTFOUND: it has another
	 * form, and nothing was written. */
	int (*put)(const struct hook *h, struct jsonw *w);
	void (*answer)(const struct hook *h, const struct hook_ruling *r,
	    struct hook_output *out);
	void (*pass)(const struct hook *h, struct hook_output *out);
};

struct hook {
	const struct hook_client *client;
	const struct client_names *names; /* the client's, or of a dialect */
	struct hook_options o;
	struct arena *arena;
	struct json_doc doc;
	enum hook_event event;
	const char *event_name; /* as the client spells it, or NULL */
	const char *session, *call, *cwd, *tool_name; /* or NULL */
	const char *request_id; /* to be said again in the answer, or NULL */
	size_t input; /* node; of has_input */
	bool has_input;
	const struct client_tool *tool; /* never NULL for a call */
	struct str server, mcp_tool; /* of an MCP call, else empty */
	struct str mcp_name; /* both, where they can be parted elsewhere, too */
	char key[HOOK_KEY_MAX];
	char session_name[HOOK_KEY_MAX];
};

#define HOOK_ARENA_MAX ((size_t)64 << 20)

extern const struct hook_client *const hook_client_table[];

/* What is said to the client, its mode considered. */
enum say {
	SAY_DENY,
	SAY_ASK, /* its own prompt */
	SAY_PASS, /* nothing: it goes on as if we were not there */
	SAY_ALLOW,
};
enum say say_of(const struct hook *h, const struct hook_ruling *r);

/* The members of a client that many share. */
void answer_claude(
    const struct hook *h, const struct hook_ruling *r, struct hook_output *out);
void answer_codex(
    const struct hook *h, const struct hook_ruling *r, struct hook_output *out);
void answer_gemini(
    const struct hook *h, const struct hook_ruling *r, struct hook_output *out);
void answer_copilot(
    const struct hook *h, const struct hook_ruling *r, struct hook_output *out);
void answer_cursor(
    const struct hook *h, const struct hook_ruling *r, struct hook_output *out);
void answer_plain(
    const struct hook *h, const struct hook_ruling *r, struct hook_output *out);
void pass_silent(const struct hook *h, struct hook_output *out);
void pass_empty(const struct hook *h, struct hook_output *out);

/* A member of the body or of the input: its text, or NULL. */
const char *hook_text(const struct hook *h, size_t object, const char *name);
/* Its node, or 0. */
size_t hook_node(const struct hook *h, size_t object, const char *name);

/* Reads the members that h->names names. */
void hook_read_names(struct hook *h);
/* An input that is JSON in a text becomes part of the whole. */
int hook_unpack_input(struct hook *h, struct err *e);
/* Where the body is an action itself: its workspace, where it has no cwd. */
void hook_place_action(struct hook *h);
/* That value, an object, becomes the whole; nodes of before mean nothing. */
int hook_enter(struct hook *h, size_t node, struct err *e);
/* The same for a text of the arena that is JSON by itself. */
int hook_enter_text(struct hook *h, struct str inner, struct err *e);
/* "tool" and "input" of an action, into an object under way. */
int hook_put_call(struct hook *h, struct jsonw *w, struct err *e);
/* The text of apply_patch as edits of the tool file. */
int patch_put_edits(struct jsonw *w, struct str text, struct err *e);
/* A change of a piece of a file in the form of a unified diff. */
void patch_put_replaced(struct buf *out, const char *path, struct str where,
    struct str old, struct str new);
/* The input again, but its command runs this approved action. */
void rewrite_put_input(
    struct jsonw *w, const struct hook *h, const struct hook_ruling *r);

#endif
