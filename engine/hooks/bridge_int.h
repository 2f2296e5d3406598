#ifndef HOOKS_BRIDGE_INT_H
#define HOOKS_BRIDGE_INT_H
/*
 * What the protocols between clients and agents share.
 *
 *     bridge_name_session("acp", id, name);     "acp:s-1"
 *     bridge_put_prompt(&out, m, list);         a report of what was typed
 */
#include "base/jsonw.h"
#include "bridge.h"
#include "model/limits.h"
#include "recall.h"
#include "rpc.h"

#define BRIDGE_BODY_MAX ((size_t)64 << 20)
#define BRIDGE_NAME_MAX (NAME_BYTES_MAX + 1)

/* Letters, digits, "-_." and not too long. */
bool bridge_is_plain(const char *s, size_t max);
/* assent's name of the agent's session; false: it has none. */
bool bridge_name_session(
    const char *prefix, const char *id, char ret[static BRIDGE_NAME_MAX]);
/* Where a session works; without a folder it is where we were started. */
void bridge_note_folder(struct recall *to, const char *id, const char *cwd);
/* The texts of a list of parts: {"text": ...}. */
void bridge_put_prompt(struct buf *out, const struct rpc *m, size_t list);
void bridge_put_outcome(struct buf *out, bool failed, struct str text);

struct bridge_claims {
	const char *workspace, *session, *agent, *version;
};

/* The rest of an action whose "tool", "input" and "cwd" are written. */
void bridge_put_claims(struct jsonw *w, const struct bridge_claims *c);

/* A line of the client into m; false: ret says why it goes nowhere. What we
 * cannot read could be an answer to another reader. */
bool bridge_read_client(
    struct rpc *m, struct str line, bool bare, struct bridge_news *ret);

enum bridge_next bridge_refuse(
    struct str id, enum rpc_error code, const char *why, struct buf *out);

#endif
