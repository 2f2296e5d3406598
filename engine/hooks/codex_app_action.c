/*
 * What Codex asks its editor for, as an action of ours. A form that is not
 * known in full is a question, whatever it holds.
 * Runs in: assent.  Trusts: nothing.  Owns: nothing.
 */
#include <string.h>

#include "action_begin.h"
#include "base/mem.h"
#include "codex_app_int.h"
#include "codex_put.h"
#include "model/limits.h"

#define HERE "local" /* environmentId of the machine that Codex runs on */
#define CHANGES_ARENA_MAX ((size_t)64 << 20)
#define PORT_MAX 65535

static const struct codex_approval approvals[] = {
	{ "item/commandExecution/requestApproval", CODEX_COMMAND, "threadId",
	    "itemId" },
	{ "item/fileChange/requestApproval", CODEX_CHANGE, "threadId",
	    "itemId" },
	{ "item/permissions/requestApproval", CODEX_PERMISSIONS, "threadId",
	    "itemId" },
	{ "mcpServer/elicitation/request", CODEX_ELICITATION, "threadId",
	    "itemId" },
	{ "item/tool/call", CODEX_TOOL, "threadId", "callId" },
	{ "execCommandApproval", CODEX_OLD_COMMAND, "conversationId",
	    "callId" },
	{ "applyPatchApproval", CODEX_OLD_PATCH, "conversationId", "callId" },
};

const struct codex_approval *
codex_app_approval_of(const struct rpc *m)
{
	for (size_t i = 0; i < ARRAY_LEN(approvals); i++) {
		if (rpc_is(m, approvals[i].method))
			return &approvals[i];
	}
	return NULL;
}

bool
codex_app_looks_like_approval(const struct rpc *m)
{
	for (size_t i = 0; i < ARRAY_LEN(approvals); i++) {
		const char *const names[] = { approvals[i].method, NULL };

		if (rpc_looks_like(m->method, names))
			return true;
	}
	return false;
}

/* ---- small things -------------------------------------------------------- */

/* Codex writes null for what is not there. */
static size_t
node_of(const struct rpc *m, size_t object, const char *name)
{
	const size_t node = rpc_node(m, object, name);

	return node != 0 && m->doc.nodes[node].kind == DOC_NULL ? 0 : node;
}

static bool
is(const char *a, const char *b)
{
	return a != NULL && strcmp(a, b) == 0;
}

static bool
has_only(const struct rpc *m, size_t object, const char *const *names)
{
	const struct json_doc *d = &m->doc;

	for (size_t n = doc_first(d, object); n < doc_end(d, object);
	     n = doc_next(d, n + 1)) {
		bool known = d->nodes[n + 1].kind == DOC_NULL;

		for (size_t i = 0; names[i] != NULL && !known; i++)
			known = str_eqz(doc_str(d, n), names[i]);
		if (!known)
			return false;
	}
	return true;
}

static bool
is_here(const struct rpc *m)
{
	const size_t node = node_of(m, m->params, "environmentId");

	return node == 0 || is(rpc_text(m, m->params, "environmentId"), HERE);
}

/* ---- commands ------------------------------------------------------------ */

/* "network#local#https#example.com#443#...": what it does not name has none. */
static int64_t
port_of(const struct rpc *m, const char *protocol)
{
	const char *item = rpc_text(m, m->params, "itemId");
	struct str rest = str_of(item);
	int64_t port = 0;

	if (str_eqz(str_cut(&rest, '#'), "network")) {
		for (size_t i = 0; i < 3; i++)
			(void)str_cut(&rest, '#');
		rest = str_cut(&rest, '#');
		for (size_t i = 0; i < rest.len && i < 6; i++) {
			if (rest.s[i] < '0' || rest.s[i] > '9')
				return 0;
			port = port * 10 + (rest.s[i] - '0');
		}
		return port <= PORT_MAX ? port : 0;
	}
	return is(protocol, "https") ? 443 : is(protocol, "http") ? 80 : 0;
}

static int
put_network(struct jsonw *w, const struct rpc *m, size_t network)
{
	static const char *const names[] = { "host", "protocol", NULL };

	if (!rpc_is_object(m, network) || !has_only(m, network, names))
		return ERR_NOTFOUND;
	return codex_put_host(w, rpc_text(m, network, "host"),
	    port_of(m, rpc_text(m, network, "protocol")));
}

/*
 * Judged as if nothing held it: so what Codex would give it besides
 * (additionalPermissions) adds nothing. What it takes the command apart into
 * (commandActions) is for the eye.
 */
static int
put_command(struct jsonw *w, const struct rpc *m)
{
	static const char *const names[] = { "kind", "threadId", "turnId",
		"itemId", "startedAtMs", "approvalId", "environmentId",
		"reason", "networkApprovalContext", "command", "cwd",
		"commandActions", "additionalPermissions",
		"proposedExecpolicyAmendment",
		"proposedNetworkPolicyAmendments", "availableDecisions", NULL };
	const size_t network = node_of(m, m->params, "networkApprovalContext");
	const char *command = rpc_text(m, m->params, "command");
	const char *kind = rpc_text(m, m->params, "kind");

	if (!has_only(m, m->params, names) || !is_here(m) ||
	    (node_of(m, m->params, "kind") != 0 && !is(kind, "command") &&
		!is(kind, "humanCommand")))
		return ERR_NOTFOUND;
	if (network != 0)
		return put_network(w, m, network);
	if (command == NULL)
		return ERR_NOTFOUND;
	action_begin(w, "shell");
	jsonw_kstr(w, "script", command);
	jsonw_end(w);
	return ERR_OK;
}

static int
put_old_command(struct jsonw *w, const struct rpc *m)
{
	static const char *const names[] = { "conversationId", "callId",
		"approvalId", "command", "cwd", "reason", "parsedCmd", NULL };
	const size_t list = node_of(m, m->params, "command");

	if (!has_only(m, m->params, names) || list == 0 ||
	    m->doc.nodes[list].kind != DOC_ARRAY)
		return ERR_NOTFOUND;
	for (size_t n = doc_first(&m->doc, list); n < doc_end(&m->doc, list);
	     n = doc_next(&m->doc, n)) {
		if (m->doc.nodes[n].kind != DOC_STRING)
			return ERR_NOTFOUND;
	}
	action_begin(w, "exec");
	jsonw_key(w, "argv");
	jsonw_raw(w, rpc_raw(m, list));
	jsonw_end(w);
	return ERR_OK;
}

/* ---- changes of files ---------------------------------------------------- */

/* Of one change; old and new servers spell them differently. */
struct change {
	struct str path;
	const char *type, *text, *moved_to; /* moved_to NULL: it stays */
};

static bool
read_change(const struct rpc *m, size_t kind, size_t change,
    const char *text_name, struct change *c)
{
	const size_t moved = node_of(m, kind, "move_path");

	c->type = rpc_text(m, kind, "type");
	c->text = rpc_text(m, change, text_name);
	c->moved_to = moved == 0 ? NULL : rpc_text(m, kind, "move_path");
	return c->path.len > 0 && (moved == 0 || c->moved_to != NULL) &&
	    (is(c->type, "delete") ||
		(c->text != NULL &&
		    (is(c->type, "add") || is(c->type, "update"))));
}

static void
put_edit(struct jsonw *w, struct str path, const char *op, const char *key,
    const char *text)
{
	jsonw_object(w);
	jsonw_key(w, "path");
	jsonw_str(w, path);
	jsonw_kstr(w, "op", op);
	if (key != NULL)
		jsonw_kstr(w, key, text);
	jsonw_end(w);
}

static void
put_change(struct jsonw *w, const struct change *c)
{
	if (is(c->type, "delete"))
		put_edit(w, c->path, "delete", NULL, NULL);
	else if (is(c->type, "add"))
		put_edit(w, c->path, "create", "content", c->text);
	else if (c->text[0] != '\0')
		put_edit(w, c->path, "patch", "patch", c->text);
	if (c->moved_to != NULL)
		put_edit(w, c->path, "move", "to", c->moved_to);
}

/* [{"path": .., "kind": {"type": ..}, "diff": ..}]: as it was announced */
static int
walk_changes(struct jsonw *w, const struct rpc *said)
{
	const struct json_doc *d = &said->doc;

	for (size_t n = doc_first(d, 0); n < doc_end(d, 0);
	     n = doc_next(d, n)) {
		const size_t kind = node_of(said, n, "kind");
		struct change c = { .path = str_of(rpc_text(said, n, "path")) };

		if (kind == 0 || !read_change(said, kind, n, "diff", &c))
			return ERR_NOTFOUND;
		if (w != NULL)
			put_change(w, &c);
	}
	return ERR_OK;
}

static int
put_announced(struct jsonw *w, struct str changes)
{
	AUTO(arena_freep) struct arena *a = arena_new(CHANGES_ARENA_MAX);
	struct rpc said = RPC_INIT;
	int r = ERR_NOTFOUND;

	if (a != NULL && changes.len > 0 &&
	    json_doc_parse(&said.doc, changes, a, NULL) == 0 &&
	    said.doc.nodes[0].kind == DOC_ARRAY &&
	    doc_first(&said.doc, 0) < doc_end(&said.doc, 0))
		r = walk_changes(NULL, &said);
	if (r == 0) {
		action_begin(w, "file");
		jsonw_key(w, "edits");
		jsonw_array(w);
		r = walk_changes(w, &said);
		jsonw_end(w);
		jsonw_end(w);
	}
	json_doc_done(&said.doc);
	return r;
}

/* A root that could be written from then on is more than this change. */
static int
put_changes(
    struct jsonw *w, const struct codex_app_place *at, const struct rpc *m)
{
	static const char *const names[] = { "threadId", "turnId", "itemId",
		"startedAtMs", "reason", NULL };

	return has_only(m, m->params, names) ? put_announced(w, at->changes)
					     : ERR_NOTFOUND;
}

static int
walk_old_changes(struct jsonw *w, const struct rpc *m, size_t files)
{
	const struct json_doc *d = &m->doc;

	for (size_t n = doc_first(d, files); n < doc_end(d, files);
	     n = doc_next(d, n + 1)) {
		const char *text = is(rpc_text(m, n + 1, "type"), "update")
		    ? "unified_diff"
		    : "content";
		struct change c = { .path = doc_str(d, n) };

		if (!rpc_is_object(m, n + 1) ||
		    !read_change(m, n + 1, n + 1, text, &c))
			return ERR_NOTFOUND;
		if (w != NULL)
			put_change(w, &c);
	}
	return ERR_OK;
}

static int
put_old_changes(struct jsonw *w, const struct rpc *m)
{
	static const char *const names[] = { "conversationId", "callId",
		"fileChanges", "reason", NULL };
	const size_t files = node_of(m, m->params, "fileChanges");

	if (!has_only(m, m->params, names) || files == 0 ||
	    !rpc_is_object(m, files) ||
	    doc_first(&m->doc, files) >= doc_end(&m->doc, files) ||
	    walk_old_changes(NULL, m, files) != 0)
		return ERR_NOTFOUND;
	action_begin(w, "file");
	jsonw_key(w, "edits");
	jsonw_array(w);
	(void)walk_old_changes(w, m, files);
	jsonw_end(w);
	jsonw_end(w);
	return ERR_OK;
}

/* ---- permissions, and tools of MCP servers ------------------------------- */

static int
put_permissions(struct jsonw *w, const struct rpc *m)
{
	static const char *const names[] = { "threadId", "turnId", "itemId",
		"environmentId", "startedAtMs", "cwd", "reason", "permissions",
		NULL };

	if (!has_only(m, m->params, names) || !is_here(m))
		return ERR_NOTFOUND;
	return codex_put_permissions(
	    w, &m->doc, node_of(m, m->params, "permissions"));
}

bool
codex_app_is_ours(const struct rpc *m, const struct codex_approval *a)
{
	const size_t meta = node_of(m, m->params, "_meta");

	return a->asks != CODEX_ELICITATION ||
	    (meta != 0 && node_of(m, meta, "codex_approval_kind") != 0);
}

/* It must ask for a yes and nothing else: nobody fills in a form here. */
static bool
is_plain_yes(const struct rpc *m)
{
	const size_t schema = node_of(m, m->params, "requestedSchema");
	const size_t fields =
	    schema == 0 ? 0 : node_of(m, schema, "properties");

	return is(rpc_text(m, m->params, "mode"), "form") && fields != 0 &&
	    rpc_is_object(m, fields) &&
	    doc_first(&m->doc, fields) >= doc_end(&m->doc, fields);
}

static int
put_mcp(struct jsonw *w, const struct rpc *m)
{
	const size_t meta = node_of(m, m->params, "_meta");
	const struct codex_mcp call = {
		.server = str_of(rpc_text(m, m->params, "serverName")),
		.tool = str_of(rpc_text(m, meta, "tool_name")),
		.args = node_of(m, meta, "tool_params"),
		.annotations = node_of(m, meta, "tool_annotations"),
	};

	if (!is(rpc_text(m, meta, "codex_approval_kind"), "mcp_tool_call") ||
	    !is_plain_yes(m))
		return ERR_NOTFOUND;
	return codex_put_mcp(w, &m->doc, &call);
}

/* ---- tools of the client ---------------------------------------------------- */

/* A name that says itself where it ends. */
static bool
is_name(const char *s)
{
	return s != NULL && s[0] != '\0' && strchr(s, '/') == NULL;
}

/* What a client offers of its own (dynamicTools), "namespace/tool" where it
 * gives a namespace. No MCP server and no tool of Codex can have such a name. */
static int
put_tool(struct jsonw *w, const struct rpc *m)
{
	static const char *const names[] = { "threadId", "turnId", "callId",
		"namespace", "tool", "arguments", NULL };
	AUTO_BUF struct buf full = BUF_INIT(NAME_BYTES_MAX);
	const char *tool = rpc_text(m, m->params, "tool");
	const char *space = rpc_text(m, m->params, "namespace");
	const bool spaced = node_of(m, m->params, "namespace") != 0;

	if (!has_only(m, m->params, names) || !is_name(tool) ||
	    (spaced && !is_name(space)))
		return ERR_NOTFOUND;
	buf_printf(
	    &full, "%s%s%s", spaced ? space : "", spaced ? "/" : "", tool);
	if (buf_done(&full, NULL) != 0)
		return ERR_NOTFOUND;
	return codex_put_tool(
	    w, &m->doc, buf_str(&full), rpc_node(m, m->params, "arguments"));
}

/* ---- the whole ----------------------------------------------------------- */

static int
put_known(struct jsonw *w, const struct codex_app_place *at,
    const struct rpc *m, const struct codex_approval *a)
{
	switch (a->asks) {
	case CODEX_COMMAND:
		return put_command(w, m);
	case CODEX_CHANGE:
		return put_changes(w, at, m);
	case CODEX_PERMISSIONS:
		return put_permissions(w, m);
	case CODEX_ELICITATION:
		return put_mcp(w, m);
	case CODEX_TOOL:
		return put_tool(w, m);
	case CODEX_OLD_COMMAND:
		return put_old_command(w, m);
	case CODEX_OLD_PATCH:
		return put_old_changes(w, m);
	}
	return ERR_NOTFOUND;
}

void
codex_app_put_action(struct jsonw *w, const struct codex_app_place *at,
    const struct rpc *m, const struct codex_approval *a)
{
	static const char *const names[] = {
		[CODEX_COMMAND] = "command",
		[CODEX_CHANGE] = "file_change",
		[CODEX_PERMISSIONS] = "permissions",
		[CODEX_ELICITATION] = "elicitation",
		[CODEX_TOOL] = "dynamic_tool",
		[CODEX_OLD_COMMAND] = "command",
		[CODEX_OLD_PATCH] = "patch",
	};
	const char *cwd = rpc_text(m, m->params, "cwd");
	const char *why = rpc_text(m, m->params, "reason");
	/* a place that is no path of this machine is not one that we know */
	const bool placed =
	    node_of(m, m->params, "cwd") == 0 || (cwd != NULL && cwd[0] == '/');

	if (!placed || put_known(w, at, m, a) != 0)
		codex_put_undescribed(w, names[a->asks], rpc_raw(m, m->params));
	jsonw_kstr(w, "cwd", placed && cwd != NULL ? cwd : at->cwd);
	if (why != NULL && strlen(why) <= REASON_BYTES_MAX)
		jsonw_kstr(w, "justification", why);
}
