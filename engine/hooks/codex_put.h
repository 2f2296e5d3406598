#ifndef HOOKS_CODEX_PUT_H
#define HOOKS_CODEX_PUT_H
/*
 * What Codex wants, as actions of ours: the forms that its reviews and its
 * app-server share. Each writes "tool" and "input" of an object under way.
 *
 *     r = codex_put_host(w, "example.com", 443);
 *
 * ERR_NOTFOUND: it has another form than we know, and nothing was written:
 * then it is a question (codex_put_undescribed).
 *
 * Source: what Codex 0.169 sends.
 */
#include "base/jsonw.h"
#include "model/json_doc.h"

struct codex_mcp {
	struct str server, tool;
	size_t args, annotations; /* nodes; 0: none */
};

int codex_put_host(struct jsonw *w, const char *host, int64_t port);
int codex_put_mcp(
    struct jsonw *w, const struct json_doc *d, const struct codex_mcp *m);
/* A tool that Codex's client runs; a name of ours stands for the server. */
int codex_put_tool(
    struct jsonw *w, const struct json_doc *d, struct str tool, size_t args);
/* {"network": {"enabled": ..}, "fileSystem": {"read": [..], ..}} */
int codex_put_permissions(
    struct jsonw *w, const struct json_doc *d, size_t permissions);
void codex_put_undescribed(struct jsonw *w, const char *what, struct str args);

#endif
