/*
 * The Model Context Protocol: messages, and four tools.
 * Runs in: front, assent.  Trusts: nothing of a message.  Owns: the message
 * that is being answered.
 */
#include "mcp.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "hooks.h"
#include "mcp_tools.h"
#include "model/limits.h"
#include "rpc.h"

#define MCP_BODY_MAX (2 * HTTP_BODY_BYTES_MAX)

enum mcp_tool {
	TOOL_NONE,
	TOOL_RUN,
	TOOL_REQUEST,
	TOOL_PROMPT, /* request_approval as a client's permission prompt */
	TOOL_CHECK,
	TOOL_EXPLAIN,
};

struct mcp {
	char *workspace;
	struct rpc message;
	size_t args; /* node of the call's arguments */
	enum mcp_tool tool;
	struct hook *hook; /* TOOL_PROMPT */
	struct buf body;
	struct str about; /* MCP_CANCEL, MCP_REPLY */
	bool said_no;
	struct mcp_question question;
};

int
mcp_new(const char *workspace, struct mcp **ret, struct err *e)
{
	struct mcp *m = mem_new(1, sizeof(*m));

	if (m == NULL)
		return err_nomem(e);
	m->body = (struct buf)BUF_INIT(MCP_BODY_MAX);
	m->workspace = workspace == NULL ? NULL : strdup(workspace);
	*ret = m;
	return ERR_OK;
}

static void
forget(struct mcp *m)
{
	rpc_done(&m->message);
	hook_freep(&m->hook);
	buf_reset(&m->body);
	m->tool = TOOL_NONE;
	m->about = STR_NONE;
	m->said_no = false;
	m->question = (struct mcp_question){ .id = NULL };
}

void
mcp_free(struct mcp *m)
{
	if (m == NULL)
		return;
	forget(m);
	buf_free(&m->body);
	free(m->workspace);
	free(m);
}

void
mcp_freep(struct mcp **m)
{
	mcp_free(*m);
	*m = NULL;
}

/* ---- JSON-RPC ----------------------------------------------------------- */

static size_t
member(const struct mcp *m, size_t object, const char *name)
{
	return rpc_node(&m->message, object, name);
}

static const char *
text(const struct mcp *m, size_t object, const char *name)
{
	return rpc_text(&m->message, object, name);
}

static enum mcp_next
fail(const struct mcp *m, enum rpc_error code, const char *why, struct buf *out)
{
	buf_reset(out);
	rpc_put_error(out, m->message.id, code, why);
	return MCP_SAY;
}

/* The result of a tool: one text. */
static enum mcp_next
say(const struct mcp *m, struct str words, bool is_error, struct buf *out)
{
	struct jsonw w = rpc_begin_result(out, m->message.id);

	jsonw_object(&w);
	jsonw_key(&w, "content");
	jsonw_array(&w);
	jsonw_object(&w);
	jsonw_kstr(&w, "type", "text");
	jsonw_key(&w, "text");
	jsonw_str(&w, words);
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_kbool(&w, "isError", is_error);
	jsonw_end(&w);
	jsonw_end(&w);
	return MCP_SAY;
}

/* ---- methods ------------------------------------------------------------ */

static enum mcp_next
initialize(const struct mcp *m, struct buf *out)
{
	static const char *const versions[] = { "2025-11-25", "2025-06-18",
		"2025-03-26", "2024-11-05" };
	const char *asked = m->message.params == 0
	    ? NULL
	    : text(m, m->message.params, "protocolVersion");
	const char *version = versions[0];
	struct jsonw w = rpc_begin_result(out, m->message.id);

	for (size_t i = 0; asked != NULL && i < ARRAY_LEN(versions); i++) {
		if (strcmp(asked, versions[i]) == 0)
			version = versions[i];
	}
	jsonw_object(&w);
	jsonw_kstr(&w, "protocolVersion", version);
	jsonw_key(&w, "capabilities");
	jsonw_raw(&w, STR("{\"tools\":{}}"));
	jsonw_key(&w, "serverInfo");
	jsonw_object(&w);
	jsonw_kstr(&w, "name", "assent");
	jsonw_kstr(&w, "version", ASSENT_VERSION);
	jsonw_end(&w);
	jsonw_kstr(&w, "instructions", mcp_instructions);
	jsonw_end(&w);
	jsonw_end(&w);
	return MCP_SAY;
}

static enum mcp_next
plain(const struct mcp *m, const char *result, struct buf *out)
{
	struct jsonw w = rpc_begin_result(out, m->message.id);

	jsonw_raw(&w, str_of(result));
	jsonw_end(&w);
	return MCP_SAY;
}

/* ---- tools -------------------------------------------------------------- */

static enum mcp_next
propose_run(struct mcp *m, struct buf *out)
{
	const char *command = text(m, m->args, "command");
	const char *cwd = text(m, m->args, "cwd");
	const char *why = text(m, m->args, "justification");
	const char *profile = text(m, m->args, "profile");
	struct jsonw w = jsonw_on(&m->body);

	if (cwd == NULL)
		cwd = m->workspace;
	if (command == NULL || cwd == NULL)
		return fail(m, RPC_BAD_PARAMS,
		    command == NULL ? "'command' is missing"
				    : "'cwd' is missing",
		    out);
	jsonw_object(&w);
	jsonw_kstr(&w, "tool", "shell");
	jsonw_key(&w, "input");
	jsonw_object(&w);
	jsonw_kstr(&w, "script", command);
	jsonw_end(&w);
	jsonw_kstr(&w, "cwd", cwd);
	jsonw_kstr(&w, "workspace", m->workspace == NULL ? cwd : m->workspace);
	jsonw_key(&w, "agent");
	jsonw_raw(&w, STR("{\"name\":\"mcp\"}"));
	if (why != NULL)
		jsonw_kstr(&w, "justification", why);
	if (profile != NULL)
		jsonw_kstr(&w, "profile", profile);
	jsonw_kstr(&w, "executor", "assent");
	if (m->tool == TOOL_RUN)
		jsonw_kbool(&w, "execute", true);
	jsonw_end(&w);
	m->question = (struct mcp_question){
		.route = m->tool == TOOL_RUN ? MCP_PROPOSE : MCP_EVALUATE,
		.body = buf_str(&m->body),
		.waits = m->tool == TOOL_RUN,
		.keeps = true,
	};
	return MCP_ASK;
}

/* A client's own call: judged as its hook would be. */
static int
take_prompt(struct mcp *m, struct err *e)
{
	AUTO_BUF struct buf hook = BUF_INIT(MCP_BODY_MAX);
	const struct hook_options o = { .mode = HOOK_ENFORCE };
	const size_t input = member(m, m->args, "input");
	const char *cwd = text(m, m->args, "cwd");
	struct jsonw w = jsonw_on(&hook);
	int r;

	if (cwd == NULL)
		cwd = m->workspace == NULL ? "/" : m->workspace;

	if (input == 0 || !rpc_is_object(&m->message, input))
		return err_set(e, ERR_INVALID, "'input' is no object");
	jsonw_object(&w);
	jsonw_kstr(&w, "hook_event_name", "PreToolUse");
	jsonw_kstr(&w, "tool_name", text(m, m->args, "tool_name"));
	jsonw_key(&w, "tool_input");
	jsonw_raw(&w, rpc_raw(&m->message, input));
	jsonw_kstr(&w, "cwd", cwd);
	jsonw_end(&w);
	r = hook_new(STR("claude-code"), &o, &m->hook, e);
	if (r == 0)
		r = hook_take(m->hook, buf_str(&hook), e);
	return r != 0 ? r : hook_action(m->hook, &m->body, e);
}

static enum mcp_next
say_prompt(const struct mcp *m, bool allow, const char *why, struct buf *out)
{
	AUTO_BUF struct buf words = BUF_INIT(MCP_BODY_MAX);
	const size_t input = member(m, m->args, "input");
	struct jsonw w = jsonw_on(&words);

	jsonw_object(&w);
	jsonw_kstr(&w, "behavior", allow ? "allow" : "deny");
	if (allow) {
		jsonw_key(&w, "updatedInput");
		jsonw_raw(&w, rpc_raw(&m->message, input));
	} else {
		jsonw_kstr(&w, "message", why);
	}
	jsonw_end(&w);
	return say(m, buf_str(&words), false, out);
}

static enum mcp_next
propose_approval(struct mcp *m, struct buf *out)
{
	const size_t action = member(m, m->args, "action");
	struct err e = ERR_INIT;

	if (member(m, m->args, "tool_name") != 0) {
		m->tool = TOOL_PROMPT;
		if (take_prompt(m, &e) != 0)
			return say_prompt(m, false, e.msg, out);
	} else if (action != 0) {
		buf_put_str(&m->body, rpc_raw(&m->message, action));
	} else {
		return fail(m, RPC_BAD_PARAMS,
		    "give 'action', or 'tool_name' and 'input'", out);
	}
	m->question = (struct mcp_question){
		.route = MCP_PROPOSE,
		.body = buf_str(&m->body),
		.waits = m->tool == TOOL_PROMPT,
		.keeps = m->tool == TOOL_REQUEST,
	};
	return MCP_ASK;
}

static enum mcp_next
look(struct mcp *m, enum mcp_route route, struct buf *out)
{
	const char *id = text(m, m->args, "id");

	if (id == NULL || strncmp(id, "act_", 4) != 0 ||
	    strspn(id + 4,
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvw"
		"xyz") != strlen(id + 4))
		return fail(m, RPC_BAD_PARAMS, "'id' must be an action's", out);
	m->question = (struct mcp_question){ .route = route, .id = id };
	return MCP_ASK;
}

static enum mcp_next
call_tool(struct mcp *m, struct buf *out)
{
	const size_t params = m->message.params;
	const char *name = params == 0 ? NULL : text(m, params, "name");

	m->args = params == 0 ? 0 : member(m, params, "arguments");
	if (name == NULL)
		return fail(m, RPC_BAD_PARAMS, "'name' is missing", out);
	if (m->args != 0 && !rpc_is_object(&m->message, m->args))
		return fail(m, RPC_BAD_PARAMS, "'arguments' is no object", out);
	if (m->args == 0)
		m->args = params;
	if (strcmp(name, "run") == 0) {
		m->tool = TOOL_RUN;
		return propose_run(m, out);
	}
	if (strcmp(name, "request_approval") == 0) {
		m->tool = TOOL_REQUEST;
		return propose_approval(m, out);
	}
	if (strcmp(name, "check_approval") == 0) {
		m->tool = TOOL_CHECK;
		return look(m, MCP_LOOK, out);
	}
	if (strcmp(name, "explain") == 0) {
		m->tool = TOOL_EXPLAIN;
		return member(m, m->args, "id") != 0 ? look(m, MCP_EXPLAIN, out)
						     : propose_run(m, out);
	}
	return fail(m, RPC_BAD_PARAMS,
	    "there is no such tool; tools/list names them", out);
}

/* What a person at the client made of our question to him. */
static enum mcp_next
take_reply(struct mcp *m)
{
	const char *action = m->message.result == 0
	    ? NULL
	    : text(m, m->message.result, "action");

	m->said_no = action != NULL &&
	    (strcmp(action, "decline") == 0 || strcmp(action, "cancel") == 0);
	m->about = m->message.id;
	return MCP_REPLY;
}

static enum mcp_next
take_notification(struct mcp *m)
{
	const size_t id = m->message.params == 0
	    ? 0
	    : member(m, m->message.params, "requestId");

	if (!rpc_is(&m->message, "notifications/cancelled") || id == 0)
		return MCP_QUIET;
	m->about = rpc_raw(&m->message, id);
	return MCP_CANCEL;
}

static enum mcp_next
take_request(struct mcp *m, struct buf *out)
{
	const struct rpc *r = &m->message;

	if (rpc_is(r, "initialize"))
		return initialize(m, out);
	if (rpc_is(r, "ping"))
		return plain(m, "{}", out);
	if (rpc_is(r, "tools/list"))
		return plain(m, mcp_tool_list, out);
	if (rpc_is(r, "tools/call"))
		return call_tool(m, out);
	return fail(m, RPC_NO_METHOD, "there is no such method", out);
}

enum mcp_next
mcp_take(struct mcp *m, struct str message, struct buf *out)
{
	struct err e = ERR_INIT;

	forget(m);
	if (rpc_read(&m->message, message, &e) != 0)
		return fail(m,
		    m->message.doc.count == 0 ? RPC_PARSE : RPC_NO_REQUEST,
		    e.msg, out);
	switch (m->message.kind) {
	case RPC_REQUEST:
		return take_request(m, out);
	case RPC_NOTIFICATION:
		return take_notification(m);
	case RPC_RESULT:
	case RPC_ERROR:
		return take_reply(m);
	case RPC_BATCH:
	case RPC_INVALID:
		break;
	}
	return fail(m, RPC_NO_REQUEST, "a message must be one object", out);
}

struct str
mcp_id(const struct mcp *m)
{
	return m->message.id;
}

struct str
mcp_about(const struct mcp *m)
{
	return m->about;
}

bool
mcp_said_no(const struct mcp *m)
{
	return m->said_no;
}

bool
mcp_elicits(const struct mcp *m)
{
	const size_t can =
	    m->message.params == 0 || !rpc_is(&m->message, "initialize")
	    ? 0
	    : member(m, m->message.params, "capabilities");

	return can != 0 && member(m, can, "elicitation") != 0;
}

struct str
mcp_progress(const struct mcp *m)
{
	const size_t meta =
	    m->message.params == 0 ? 0 : member(m, m->message.params, "_meta");
	const size_t token = meta == 0 ? 0 : member(m, meta, "progressToken");

	return token == 0 ? STR_NONE : rpc_raw(&m->message, token);
}

const struct mcp_question *
mcp_question(const struct mcp *m)
{
	return &m->question;
}

/* ---- what the daemon said ----------------------------------------------- */

/* An output of the run, by its name; text is the command's own. */
static void
put_output(struct buf *out, const struct json_doc *d, const char *name,
    const char *title)
{
	const size_t outcome = doc_get(d, 0, STR("outcome"));
	size_t node;

	if (outcome == 0 || d->nodes[outcome].kind != DOC_OBJECT)
		return;
	node = doc_get(d, outcome, str_of(name));
	if (node == 0 || d->nodes[node].kind == DOC_NULL)
		return;
	if (d->nodes[node].kind != DOC_STRING) {
		buf_printf(out, "%s%.*s\n", title, STR_ARG(doc_raw(d, node)));
	} else if (doc_str(d, node).len > 0) {
		buf_puts(out, title);
		buf_put_str(out, doc_str(d, node));
		buf_putc(out, '\n');
	}
}

static enum mcp_next
say_run(const struct mcp *m, const struct hook_ruling *r, struct str json,
    struct buf *out)
{
	AUTO_BUF struct buf words = BUF_INIT(MCP_BODY_MAX);
	AUTO(json_doc_done) struct json_doc d = JSON_DOC_INIT;

	if (r->verdict != HOOK_ALLOW) {
		buf_puts(&words, r->message);
		if (r->pending)
			buf_printf(&words,
			    "\nIt still waits as %s: check_approval tells.",
			    r->id);
		return say(m, buf_str(&words), true, out);
	}
	if (json_doc_parse(&d, json, m->message.arena, NULL) != 0)
		return say(m, STR("the answer is not JSON"), true, out);
	put_output(&words, &d, "stdout", "");
	put_output(&words, &d, "stderr", "stderr:\n");
	put_output(&words, &d, "failure", "it could not be run: ");
	put_output(&words, &d, "exit", "exit status ");
	if (words.len == 0)
		buf_printf(&words,
		    "It is allowed, and runs or ended as %s: check_approval "
		    "tells.",
		    r->id);
	return say(m, buf_str(&words), false, out);
}

static void
say_ruled(struct mcp *m, const struct hook_ruling *r, struct str json,
    struct buf *out)
{
	switch (m->tool) {
	case TOOL_PROMPT:
		(void)say_prompt(m, r->verdict == HOOK_ALLOW, r->message, out);
		break;
	case TOOL_RUN:
		(void)say_run(m, r, json, out);
		break;
	case TOOL_REQUEST:
	case TOOL_CHECK:
	case TOOL_EXPLAIN:
	case TOOL_NONE:
		(void)say(m, json, false, out);
		break;
	}
}

void
mcp_answer(struct mcp *m, unsigned status, struct str json, struct buf *out)
{
	struct hook_ruling ruling = { .verdict = HOOK_DENY };
	struct err e = ERR_INIT;

	buf_reset(out);
	if (status == 0) {
		AUTO_BUF struct buf why = BUF_INIT(MCP_BODY_MAX);

		buf_put_str(&why, json);
		hook_ruling_failed(&ruling, buf_cstr(&why), NULL);
	} else if (status >= 400) {
		hook_ruling_problem(&ruling, json);
	} else if (m->tool == TOOL_EXPLAIN) {
		(void)say(m, json, false, out);
		return;
	} else if (hook_ruling_read(json, NULL, &ruling, &e) != 0) {
		hook_ruling_failed(&ruling, e.msg, NULL);
	} else {
		say_ruled(m, &ruling, json, out);
		return;
	}
	if (m->tool == TOOL_PROMPT)
		(void)say_prompt(m, false, ruling.message, out);
	else
		(void)say(m, str_of(ruling.message), true, out);
}
