#ifndef HOOKS_RPC_H
#define HOOKS_RPC_H
/*
 * One JSON-RPC 2.0 message, read so that no other reader can see another one
 * in the same bytes: nothing twice, nothing hidden behind another spelling.
 *
 *     AUTO(rpc_done) struct rpc m = RPC_INIT;
 *     r = rpc_read(&m, line, e);
 *     if (m.kind == RPC_REQUEST && rpc_is(&m, "tools/call")) ...
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/jsonw.h"
#include "base/str.h"
#include "model/json_doc.h"

#define RPC_ID_MAX 256 /* bytes of an id, as it is written */

enum rpc_kind {
	RPC_INVALID,
	RPC_REQUEST,
	RPC_NOTIFICATION,
	RPC_RESULT,
	RPC_ERROR,
	RPC_BATCH, /* the members are not read */
};

enum rpc_error {
	RPC_PARSE = -32700,
	RPC_NO_REQUEST = -32600,
	RPC_NO_METHOD = -32601,
	RPC_BAD_PARAMS = -32602,
	RPC_INTERNAL = -32603,
};

struct rpc {
	struct arena *arena;
	struct json_doc doc;
	enum rpc_kind kind;
	const char *method; /* of requests and notifications */
	struct str id; /* as it is written; of all but notifications */
	size_t params, result; /* nodes; 0: none */
};

#define RPC_INIT                                                               \
	{                                                                      \
		.kind = RPC_INVALID                                            \
	}

/* line is copied. ERR_INVALID: it is no message; what was found of it, as its
 * id, is in m all the same. */
int rpc_read(struct rpc *m, struct str line, struct err *e);
/* The same for peers that leave "jsonrpc" out and say more beside it, as
 * Codex does; a member that could be taken for another one is refused. */
int rpc_read_bare(struct rpc *m, struct str line, struct err *e);
void rpc_done(struct rpc *m);
bool rpc_is(const struct rpc *m, const char *method);

/* Whether a name is one of names (NULL ends them) to a reader that minds
 * neither case nor space around it. */
bool rpc_looks_like(const char *name, const char *const *names);
bool rpc_looks_like_str(struct str name, const char *const *names);

/* A member of an object node, or 0; its text, or NULL. */
size_t rpc_node(const struct rpc *m, size_t object, const char *name);
const char *rpc_text(const struct rpc *m, size_t object, const char *name);
struct str rpc_raw(const struct rpc *m, size_t node);
bool rpc_is_object(const struct rpc *m, size_t node);
/*
 * Whether an object has a member that some readers take for one of names
 * (NULL ends them), though it is spelled otherwise: "Name", "parami\u017f".
 */
bool rpc_has_double(
    const struct rpc *m, size_t object, const char *const *names);
/* Two members that differ in case alone. */
bool rpc_has_twins(const struct rpc *m, size_t object);

/* Messages of ours, without a newline. id is JSON; empty: null. "jsonrpc" is
 * no trouble to those who leave it out. */
void rpc_put_error(
    struct buf *out, struct str id, enum rpc_error code, const char *why);
/* {"jsonrpc":"2.0","id":ID,"result":  the caller writes the value and ends. */
struct jsonw rpc_begin_result(struct buf *out, struct str id);
/* {"jsonrpc":"2.0","method":M,"params":  the same. */
struct jsonw rpc_begin_notification(struct buf *out, const char *method);
/* {"jsonrpc":"2.0","id":ID,"method":M,"params": the same. */
struct jsonw rpc_begin_request(
    struct buf *out, const char *id, const char *method);

#endif
