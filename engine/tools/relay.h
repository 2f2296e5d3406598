#ifndef TOOLS_RELAY_H
#define TOOLS_RELAY_H
/*
 * Between a client on our standard input and output and a server that we
 * start: lines both ways, as they come.
 *
 *     r = relay_new(&(struct relay_options){ .argv = argv, .line_max = max,
 *         .from_client = a, .from_server = b, .ctx = x }, &relay, e);
 *     relay_to_server(relay, line);
 *     status = relay_run(relay);       until one side ends; the server is gone
 *
 * Each side is read only as fast as the other one takes it.
 */
#include "base/loop.h"
#include "lines.h"

struct relay;

struct relay_options {
	char *const *argv; /* of the server; found in PATH */
	size_t line_max;
	line_fn *from_client, *from_server;
	void *ctx;
};

int relay_new(const struct relay_options *o, struct relay **ret, struct err *e);
void relay_free(struct relay *r);
void relay_freep(struct relay **r);
struct loop *relay_loop(struct relay *r);
void relay_to_client(struct relay *r, struct str line);
void relay_to_server(struct relay *r, struct str line);
/* The server's exit status; 128 and its number for a signal. */
int relay_run(struct relay *r);

#endif
