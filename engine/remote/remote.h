#ifndef REMOTE_REMOTE_H
#define REMOTE_REMOTE_H
/*
 * A client of an MCP server over streamable HTTP, for who speaks lines.
 *
 *     r = remote_new(&options, &r, e);
 *     remote_send(r, line);            from the client; answers come by
 *                                      on_line, as lines
 *     remote_end(r);                   no more is sent: on_idle comes when
 *                                      everything was answered
 *     remote_free(r);
 *
 * The session is its own affair: its id, the version that was agreed on, the
 * stream of the server's own messages, and streams that broke, which are
 * resumed. Every request gets an answer, if only an error that says why.
 */
#include <stdbool.h>

#include "base/loop.h"
#include "base/str.h"
#include "web/curl_set.h"

struct remote;

typedef void remote_line_fn(void *ctx, struct str line);

struct remote_options { /* texts are kept (borrowed) until remote_free */
	struct loop *loop;
	const char *url;
	const char *ca_file; /* or NULL: the system's */
	/* "Name: value" lines, or empty; never said to anybody else */
	struct str headers;
	remote_line_fn *on_line;
	void (*on_idle)(void *ctx);
	/* What went wrong and is no answer, for a person. */
	void (*on_trouble)(void *ctx, const char *why);
	void *ctx;
};

int remote_new(
    const struct remote_options *o, struct remote **ret, struct err *e);
void remote_free(struct remote *r);
void remote_send(struct remote *r, struct str line);
/* It may keep the session's end from the server for a second. */
void remote_end(struct remote *r);

#endif
