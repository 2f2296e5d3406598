/*
 * MCP messages on their way between a client and somebody else's server.
 * Runs in: assent.  Trusts: neither.  Owns: the message at hand.
 */
#include "gate.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "hooks.h"
#include "line_diff.h"
#include "model/limits.h"
#include "rpc.h"

#define TEXT_MAX (4 * GATE_LINE_MAX)
#define LISTS_ID_MAX (RPC_ID_MAX + 1)

static const char *const methods[] = { "tools/call", "tools/list", NULL };

struct gate {
	struct gate_options o;
	struct rpc message;
	struct buf body;
	char client[NAME_BYTES_MAX + 1], version[NAME_BYTES_MAX + 1];
	char lists[GATE_LISTS_MAX][LISTS_ID_MAX]; /* ids; "" is free */
	size_t next_list;
};

int
gate_new(const struct gate_options *o, struct gate **ret, struct err *e)
{
	struct gate *g = mem_new(1, sizeof(*g));

	if (g == NULL)
		return err_nomem(e);
	g->o = *o;
	g->body = (struct buf)BUF_INIT(TEXT_MAX);
	(void)snprintf(g->client, sizeof(g->client), "mcp-client");
	*ret = g;
	return ERR_OK;
}

void
gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	rpc_done(&g->message);
	buf_free(&g->body);
	free(g);
}

void
gate_freep(struct gate **g)
{
	gate_free(*g);
	*g = NULL;
}

/* ---- names --------------------------------------------------------------- */

static bool
is_plain(const char *s)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.+ ";

	return s != NULL && s[0] != '\0' && strlen(s) <= NAME_BYTES_MAX &&
	    s[strspn(s, letters)] == '\0';
}

/* What the client says it is: a claim, which only tightening rules use. */
static void
note_client(struct gate *g)
{
	const struct rpc *m = &g->message;
	const size_t info = rpc_node(m, m->params, "clientInfo");
	const char *name = info == 0 ? NULL : rpc_text(m, info, "name");
	const char *version = info == 0 ? NULL : rpc_text(m, info, "version");

	if (m->params == 0)
		return;
	if (is_plain(name))
		(void)snprintf(g->client, sizeof(g->client), "%s", name);
	if (is_plain(version))
		(void)snprintf(g->version, sizeof(g->version), "%s", version);
}

static bool
same_id(const char *id, struct str other)
{
	return id[0] != '\0' && str_eqz(other, id);
}

/* The oldest one makes room: its answer then describes nothing. */
static void
note_list(struct gate *g)
{
	char *id = g->lists[g->next_list++ % GATE_LISTS_MAX];

	(void)snprintf(id, LISTS_ID_MAX, "%.*s", STR_ARG(g->message.id));
}

static bool
take_list(struct gate *g, struct str id)
{
	for (size_t i = 0; i < GATE_LISTS_MAX; i++) {
		if (same_id(g->lists[i], id)) {
			g->lists[i][0] = '\0';
			return true;
		}
	}
	return false;
}

/* ---- a call -------------------------------------------------------------- */

static const char *
state_name(enum gate_state state)
{
	switch (state) {
	case GATE_SAME:
		return "same";
	case GATE_NEW:
		return "new";
	case GATE_UNLISTED:
		return "unlisted";
	case GATE_CHANGED:
		break;
	}
	return "changed";
}

static void
put_definition(struct jsonw *w, const struct gate_definition *d)
{
	jsonw_key(w, "assent");
	jsonw_object(w);
	jsonw_key(w, "definition");
	jsonw_object(w);
	jsonw_kstr(w, "state", state_name(d->state));
	if (d->state == GATE_CHANGED) {
		jsonw_key(w, "change");
		line_diff_put(w, d->was, d->is);
	}
	jsonw_end(w);
	jsonw_end(w);
}

/* The server's own words, without a place for words of ours. */
static void
put_annotations(struct jsonw *w, const struct gate_definition *d)
{
	AUTO(arena_freep) struct arena *a = arena_new(TEXT_MAX);
	AUTO(json_doc_done) struct json_doc doc = JSON_DOC_INIT;

	jsonw_key(w, "annotations");
	jsonw_object(w);
	if (a != NULL && d->annotations.len > 0 &&
	    json_doc_parse(&doc, d->annotations, a, NULL) == 0 &&
	    doc.nodes[0].kind == DOC_OBJECT) {
		for (size_t n = doc_first(&doc, 0); n < doc_end(&doc, 0);
		     n = doc_next(&doc, n + 1)) {
			if (str_eqz(doc_str(&doc, n), "assent"))
				continue;
			jsonw_key_str(w, doc_str(&doc, n));
			jsonw_raw(w, doc_raw(&doc, n + 1));
		}
	}
	if (d->state == GATE_CHANGED || d->state == GATE_UNLISTED)
		put_definition(w, d);
	jsonw_end(w);
}

static void
put_action(struct gate *g, const char *tool, size_t args,
    const struct gate_definition *d)
{
	struct jsonw w = jsonw_on(&g->body);

	jsonw_object(&w);
	jsonw_kstr(&w, "tool", "mcp");
	jsonw_key(&w, "input");
	jsonw_object(&w);
	jsonw_kstr(&w, "server", g->o.server);
	jsonw_kstr(&w, "tool", tool);
	jsonw_key(&w, "args");
	jsonw_raw(&w, args == 0 ? STR("{}") : rpc_raw(&g->message, args));
	put_annotations(&w, d);
	jsonw_end(&w);
	jsonw_kstr(&w, "cwd", g->o.workspace);
	jsonw_kstr(&w, "workspace", g->o.workspace);
	jsonw_kstr(&w, "session", g->o.session);
	jsonw_key(&w, "agent");
	jsonw_object(&w);
	jsonw_kstr(&w, "name", g->client);
	if (g->version[0] != '\0')
		jsonw_kstr(&w, "version", g->version);
	jsonw_end(&w);
	jsonw_kstr(&w, "executor", "client");
	jsonw_end(&w);
}

static enum gate_next
refuse(struct str id, enum rpc_error code, const char *why, struct buf *out)
{
	buf_reset(out);
	rpc_put_error(out, id, code, why);
	return GATE_ANSWER;
}

/* NULL, or why its server could take it for another call than we do. */
static const char *
check_call(const struct rpc *m, const char *tool, size_t args)
{
	static const char *const names[] = { "name", "arguments", "_meta",
		"task", NULL };

	if (!rpc_is_object(m, m->params) || m->params == 0)
		return "'params' must be an object";
	if (tool == NULL || tool[0] == '\0' || strlen(tool) > NAME_BYTES_MAX)
		return "'name' must be the name of a tool";
	if (args != 0 && !rpc_is_object(m, args))
		return "'arguments' must be an object";
	if (rpc_has_double(m, m->params, names))
		return "a member of 'params' is spelled as another one";
	if (args != 0 && rpc_has_twins(m, args))
		return "two names in 'arguments' differ in case alone";
	return NULL;
}

static enum gate_next
hold(struct gate *g, struct gate_call *call, struct buf *out)
{
	const struct rpc *m = &g->message;
	const char *tool = rpc_text(m, m->params, "name");
	const size_t args = rpc_node(m, m->params, "arguments");
	const size_t meta = rpc_node(m, m->params, "_meta");
	const size_t token = meta == 0 ? 0 : rpc_node(m, meta, "progressToken");
	const char *why = check_call(m, tool, args);
	struct gate_definition d;
	struct err e = ERR_INIT;

	if (why != NULL)
		return refuse(m->id, RPC_BAD_PARAMS, why, out);
	d = g->o.definition(g->o.ctx, tool);
	buf_reset(&g->body);
	put_action(g, tool, args, &d);
	if (buf_done(&g->body, &e) != 0)
		return refuse(m->id, RPC_INTERNAL, e.msg, out);
	*call = (struct gate_call){ .id = m->id,
		.progress = token == 0 ? STR_NONE : rpc_raw(m, token),
		.tool = tool,
		.body = buf_str(&g->body),
		.state = d.state };
	return GATE_HOLD;
}

/* ---- from the client ----------------------------------------------------- */

static enum gate_next
drop(const char *why, struct buf *out)
{
	buf_reset(out);
	buf_puts(out, why);
	return GATE_DROP;
}

static enum gate_next
take_notification(struct gate *g, struct gate_call *call, struct buf *out)
{
	const struct rpc *m = &g->message;
	size_t id;

	if (rpc_looks_like(m->method, methods))
		return drop("a call without an id was not passed on", out);
	if (!rpc_is(m, "notifications/cancelled"))
		return GATE_PASS;
	id = m->params == 0 ? 0 : rpc_node(m, m->params, "requestId");
	*call = (struct gate_call){
		.id = id == 0 ? STR_NONE : rpc_raw(m, id),
	};
	return GATE_CANCEL;
}

static enum gate_next
take_request(struct gate *g, struct gate_call *call, struct buf *out)
{
	const struct rpc *m = &g->message;

	if (rpc_is(m, "tools/call"))
		return hold(g, call, out);
	if (rpc_is(m, "tools/list"))
		note_list(g);
	else if (rpc_looks_like(m->method, methods))
		return refuse(m->id, RPC_NO_METHOD,
		    "there is no such method; it is spelled tools/call", out);
	if (rpc_is(m, "initialize"))
		note_client(g);
	return GATE_PASS;
}

enum gate_next
gate_client(
    struct gate *g, struct str line, struct gate_call *call, struct buf *out)
{
	struct err e = ERR_INIT;

	if (rpc_read(&g->message, line, &e) != 0)
		return refuse(g->message.id,
		    g->message.doc.count == 0 ? RPC_PARSE : RPC_NO_REQUEST,
		    e.msg, out);
	switch (g->message.kind) {
	case RPC_BATCH:
		return refuse(STR_NONE, RPC_NO_REQUEST,
		    "assent takes no batches; send one message in a line", out);
	case RPC_REQUEST:
		return take_request(g, call, out);
	case RPC_NOTIFICATION:
		return take_notification(g, call, out);
	case RPC_RESULT:
	case RPC_ERROR:
		return GATE_PASS;
	case RPC_INVALID:
		break;
	}
	return drop("a message was not understood", out);
}

/* ---- from the server ----------------------------------------------------- */

static void
note_tools(struct gate *g)
{
	const struct rpc *m = &g->message;
	const size_t tools = rpc_node(m, m->result, "tools");

	if (m->result == 0 || tools == 0 ||
	    m->doc.nodes[tools].kind != DOC_ARRAY)
		return;
	for (size_t n = doc_first(&m->doc, tools); n < doc_end(&m->doc, tools);
	     n = doc_next(&m->doc, n)) {
		const char *name = rpc_text(m, n, "name");

		if (name != NULL)
			g->o.on_tool(g->o.ctx, name, rpc_raw(m, n));
	}
}

/* Its texts; whatever else it gives as it is. */
static void
put_texts(struct buf *out, const struct rpc *m)
{
	const size_t content = rpc_node(m, m->result, "content");

	if (content != 0 && m->doc.nodes[content].kind == DOC_ARRAY) {
		for (size_t n = doc_first(&m->doc, content);
		     n < doc_end(&m->doc, content); n = doc_next(&m->doc, n)) {
			const char *text = rpc_text(m, n, "text");

			if (text != NULL)
				buf_printf(out, "%s\n", text);
		}
	}
	if (out->len == 0)
		buf_put_str(out, rpc_raw(m, m->result));
}

static void
put_outcome(struct gate *g)
{
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);
	const struct rpc *m = &g->message;
	const size_t failed = rpc_node(m, m->result, "isError");
	const size_t error = rpc_node(m, 0, "error");
	const bool bad = m->kind == RPC_ERROR ||
	    (failed != 0 && m->doc.nodes[failed].kind == DOC_TRUE);
	struct jsonw w = jsonw_on(&g->body);

	if (m->kind == RPC_ERROR)
		buf_put_str(&text, rpc_raw(m, error));
	else
		put_texts(&text, m);
	jsonw_object(&w);
	jsonw_kint(&w, "exit", bad ? 1 : 0);
	jsonw_key(&w, bad ? "stderr" : "stdout");
	jsonw_str(&w, hook_cut(buf_str(&text)));
	jsonw_end(&w);
}

void
gate_server(struct gate *g, struct str line, struct gate_reply *ret)
{
	const struct rpc *m = &g->message;

	*ret = (struct gate_reply){ .unread = false };
	if (rpc_read(&g->message, line, NULL) != 0 || m->kind == RPC_BATCH) {
		ret->unread = true;
		return;
	}
	if (m->kind != RPC_RESULT && m->kind != RPC_ERROR)
		return;
	if (take_list(g, m->id)) {
		note_tools(g);
		return;
	}
	buf_reset(&g->body);
	put_outcome(g);
	ret->id = m->id;
	ret->outcome =
	    buf_done(&g->body, NULL) == 0 ? buf_str(&g->body) : STR("{}");
}

/* ---- what we say --------------------------------------------------------- */

void
gate_put_denied(struct buf *out, struct str id, const char *why)
{
	struct jsonw w = rpc_begin_result(out, id);

	jsonw_object(&w);
	jsonw_key(&w, "content");
	jsonw_array(&w);
	jsonw_object(&w);
	jsonw_kstr(&w, "type", "text");
	jsonw_kstr(&w, "text", why);
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_kbool(&w, "isError", true);
	jsonw_end(&w);
	jsonw_end(&w);
}

void
gate_put_progress(
    struct buf *out, struct str token, unsigned done, const char *message)
{
	struct jsonw w = rpc_begin_notification(out, "notifications/progress");

	jsonw_object(&w);
	jsonw_key(&w, "progressToken");
	jsonw_raw(&w, token);
	jsonw_kint(&w, "progress", done);
	jsonw_kstr(&w, "message", message);
	jsonw_end(&w);
	jsonw_end(&w);
}
