/*
 * The tools of assent's own MCP server: run, request_approval,
 * check_approval, explain.
 * Runs in: front, assent.  Trusts: nothing of a message; of the daemon only a
 * plain allow.  Owns: nothing.
 */
#include "mcp_assent.h"

#include <string.h>

#include "base/mem.h"

#define MESSAGE_MAX 8192

enum {
	TOOL_RUN,
	TOOL_REQUEST,
	TOOL_PROMPT, /* request_approval as a client's permission prompt */
	TOOL_CHECK,
	TOOL_EXPLAIN,
};

/* ---- proposals ----------------------------------------------------------- */

static enum mcp_next
propose_command(struct mcp *m, bool execute, struct buf *out)
{
	const char *command = mcp_arg(m, "command");
	const char *cwd = mcp_arg(m, "cwd");
	const char *workspace = mcp_workspace(m);
	const char *why = mcp_arg(m, "justification");
	const char *profile = mcp_arg(m, "profile");
	struct jsonw w = jsonw_on(mcp_body(m));

	if (cwd == NULL)
		cwd = workspace;
	if (command == NULL || cwd == NULL)
		return mcp_fail(m, RPC_BAD_PARAMS,
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
	jsonw_kstr(&w, "workspace", workspace == NULL ? cwd : workspace);
	jsonw_key(&w, "agent");
	jsonw_raw(&w, STR("{\"name\":\"mcp\"}"));
	if (why != NULL)
		jsonw_kstr(&w, "justification", why);
	if (profile != NULL)
		jsonw_kstr(&w, "profile", profile);
	jsonw_kstr(&w, "executor", "assent");
	if (execute)
		jsonw_kbool(&w, "execute", true);
	jsonw_end(&w);
	return mcp_ask_daemon(m,
	    &(struct mcp_question){
		.route = execute ? MCP_PROPOSE : MCP_EVALUATE,
		.body = buf_str(mcp_body(m)),
		.waits = execute,
		.keeps = true,
	    });
}

/* A client's own call: judged as its hook would be. */
static int
take_prompt(struct mcp *m, struct err *e)
{
	AUTO_BUF struct buf call = BUF_INIT(MCP_BODY_MAX);
	const struct hook_options o = { .mode = HOOK_ENFORCE };
	const struct rpc *r = mcp_message(m);
	const size_t input = rpc_node(r, mcp_args(m), "input");
	const char *cwd = mcp_arg(m, "cwd");
	struct hook **hook = mcp_hook(m);
	struct jsonw w = jsonw_on(&call);
	int result;

	if (cwd == NULL)
		cwd = mcp_workspace(m) == NULL ? "/" : mcp_workspace(m);
	if (input == 0 || !rpc_is_object(r, input))
		return err_set(e, ERR_INVALID, "'input' is no object");
	jsonw_object(&w);
	jsonw_kstr(&w, "hook_event_name", "PreToolUse");
	jsonw_kstr(&w, "tool_name", mcp_arg(m, "tool_name"));
	jsonw_key(&w, "tool_input");
	jsonw_raw(&w, rpc_raw(r, input));
	jsonw_kstr(&w, "cwd", cwd);
	jsonw_end(&w);
	result = hook_new(STR("claude-code"), &o, hook, e);
	if (result == 0)
		result = hook_take(*hook, buf_str(&call), e);
	return result != 0 ? result : hook_action(*hook, mcp_body(m), e);
}

static enum mcp_next
say_prompt(const struct mcp *m, bool allow, const char *why, struct buf *out)
{
	AUTO_BUF struct buf words = BUF_INIT(MCP_BODY_MAX);
	const struct rpc *r = mcp_message(m);
	const size_t input = rpc_node(r, mcp_args(m), "input");
	struct jsonw w = jsonw_on(&words);

	jsonw_object(&w);
	jsonw_kstr(&w, "behavior", allow ? "allow" : "deny");
	if (allow) {
		jsonw_key(&w, "updatedInput");
		jsonw_raw(&w, rpc_raw(r, input));
	} else {
		jsonw_kstr(&w, "message", why);
	}
	jsonw_end(&w);
	return mcp_say_text(m, buf_str(&words), false, out);
}

static enum mcp_next
begin_run(struct mcp *m, struct buf *out)
{
	*mcp_step(m) = TOOL_RUN;
	return propose_command(m, true, out);
}

static enum mcp_next
begin_request(struct mcp *m, struct buf *out)
{
	const struct rpc *r = mcp_message(m);
	const size_t args = mcp_args(m);
	const size_t action = args == 0 ? 0 : rpc_node(r, args, "action");
	struct err e = ERR_INIT;

	*mcp_step(m) = TOOL_REQUEST;
	if (args != 0 && rpc_node(r, args, "tool_name") != 0) {
		*mcp_step(m) = TOOL_PROMPT;
		if (take_prompt(m, &e) != 0)
			return say_prompt(m, false, e.msg, out);
	} else if (action != 0) {
		buf_put_str(mcp_body(m), rpc_raw(r, action));
	} else {
		return mcp_fail(m, RPC_BAD_PARAMS,
		    "give 'action', or 'tool_name' and 'input'", out);
	}
	return mcp_ask_daemon(m,
	    &(struct mcp_question){
		.route = MCP_PROPOSE,
		.body = buf_str(mcp_body(m)),
		.waits = *mcp_step(m) == TOOL_PROMPT,
		.keeps = *mcp_step(m) == TOOL_REQUEST,
	    });
}

enum mcp_next
mcp_ask_about(
    struct mcp *m, enum mcp_route route, const char *id, struct buf *out)
{
	static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz";

	if (id == NULL || strncmp(id, "act_", 4) != 0 ||
	    id[4 + strspn(id + 4, letters)] != '\0')
		return mcp_fail(
		    m, RPC_BAD_PARAMS, "'id' must be an action's", out);
	return mcp_ask_daemon(
	    m, &(struct mcp_question){ .route = route, .id = id });
}

static enum mcp_next
begin_check(struct mcp *m, struct buf *out)
{
	*mcp_step(m) = TOOL_CHECK;
	return mcp_ask_about(m, MCP_LOOK, mcp_arg(m, "id"), out);
}

static enum mcp_next
begin_explain(struct mcp *m, struct buf *out)
{
	*mcp_step(m) = TOOL_EXPLAIN;
	if (mcp_args(m) != 0 &&
	    rpc_node(mcp_message(m), mcp_args(m), "id") != 0)
		return mcp_ask_about(m, MCP_EXPLAIN, mcp_arg(m, "id"), out);
	return propose_command(m, false, out);
}

/* ---- while it waits ------------------------------------------------------ */

/* The person there can give up; a yes is for who may answer at assent. */
static void
ask_person(struct mcp *m, const struct hook_ruling *r)
{
	AUTO_BUF struct buf words = BUF_INIT(MESSAGE_MAX);
	AUTO_BUF struct buf params = BUF_INIT(2 * MESSAGE_MAX);
	struct jsonw w = jsonw_on(&params);

	buf_printf(&words,
	    "%s\nIt is answered at assent: assent approve %s. Accept here "
	    "to go on waiting; decline to give it up.",
	    r->asks, r->id);
	jsonw_object(&w);
	jsonw_kstr(&w, "message", buf_cstr(&words));
	jsonw_key(&w, "requestedSchema");
	jsonw_raw(&w, STR("{\"type\":\"object\",\"properties\":{}}"));
	jsonw_end(&w);
	mcp_ask_client(m, "elicitation/create", buf_str(&params));
}

static void
say_wait(struct mcp *m, const struct hook_ruling *r)
{
	AUTO_BUF struct buf words = BUF_INIT(MESSAGE_MAX);
	unsigned *waited = mcp_waited(m);

	if (!r->pending)
		mcp_withdraw(m);
	else if (*waited == 0 && mcp_can_elicit(m))
		ask_person(m, r);
	++*waited;
	buf_printf(&words, "%s (%s)",
	    r->pending ? "it waits for an answer" : "it runs", r->id);
	mcp_tell_progress(m, *waited, 0, buf_cstr(&words));
	mcp_tell_log(m, r->pending ? MCP_LEVEL_NOTICE : MCP_LEVEL_INFO,
	    buf_cstr(&words));
}

/* ---- what the daemon said ------------------------------------------------ */

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

/* What its sandbox refused, and what would have permitted that. */
static void
put_denied(struct buf *out, const struct json_doc *d)
{
	const size_t outcome = doc_get(d, 0, STR("outcome"));
	size_t list, node;

	if (outcome == 0 || d->nodes[outcome].kind != DOC_OBJECT)
		return;
	list = doc_get(d, outcome, STR("violations"));
	if (list == 0 || d->nodes[list].kind != DOC_ARRAY)
		return;
	for (node = doc_first(d, list); node < doc_end(d, list);
	     node = doc_next(d, node)) {
		const struct str text = doc_str(d, node);
		const bool remark = str_starts(text, STR("hint: ")) ||
		    str_starts(text, STR("note: "));

		if (d->nodes[node].kind == DOC_STRING)
			buf_printf(out, "sandbox: %s%.*s\n",
			    remark ? "" : "denied: ", STR_ARG(text));
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
		return mcp_say_text(m, buf_str(&words), true, out);
	}
	if (json_doc_parse(&d, json, mcp_message(m)->arena, NULL) != 0)
		return mcp_say_text(
		    m, STR("the answer is not JSON"), true, out);
	put_output(&words, &d, "stdout", "");
	put_output(&words, &d, "stderr", "stderr:\n");
	put_output(&words, &d, "failure", "it could not be run: ");
	put_denied(&words, &d);
	put_output(&words, &d, "exit", "exit status ");
	put_output(&words, &d, "signal", "ended by signal ");
	if (words.len == 0)
		buf_printf(&words,
		    "It is allowed, and runs or ended as %s: check_approval "
		    "tells.",
		    r->id);
	return mcp_say_text(m, buf_str(&words), false, out);
}

static enum mcp_next
say_ruled(struct mcp *m, const struct hook_ruling *r, struct str json,
    struct buf *out)
{
	mcp_note_action(m, r->id);
	if (r->verdict == HOOK_DENY)
		mcp_tell_log(m, MCP_LEVEL_WARNING, r->message);
	switch (*mcp_step(m)) {
	case TOOL_PROMPT:
		return say_prompt(m, r->verdict == HOOK_ALLOW, r->message, out);
	case TOOL_RUN:
		return say_run(m, r, json, out);
	default:
		return mcp_say_text(m, json, false, out);
	}
}

void
mcp_ruling_of_failure(const struct mcp_news *news, struct hook_ruling *ret)
{
	AUTO_BUF struct buf why = BUF_INIT(MCP_BODY_MAX);

	if (news->status != 0) {
		hook_ruling_problem(ret, news->json);
		return;
	}
	buf_put_str(&why, news->json);
	hook_ruling_failed(ret, buf_cstr(&why), NULL);
}

static enum mcp_next
hear_daemon(struct mcp *m, const struct mcp_news *news, struct buf *out)
{
	struct hook_ruling ruling = { .verdict = HOOK_DENY };
	struct err e = ERR_INIT;

	if (news->status == 0 || news->status >= 400)
		mcp_ruling_of_failure(news, &ruling);
	else if (*mcp_step(m) == TOOL_EXPLAIN)
		return mcp_say_text(m, news->json, false, out);
	else if (hook_ruling_read(news->json, NULL, &ruling, &e) != 0)
		hook_ruling_failed(&ruling, e.msg, NULL);
	else
		return say_ruled(m, &ruling, news->json, out);
	mcp_tell_log(m, MCP_LEVEL_WARNING, ruling.message);
	if (*mcp_step(m) == TOOL_PROMPT)
		return say_prompt(m, false, ruling.message, out);
	return mcp_say_text(m, str_of(ruling.message), true, out);
}

static enum mcp_next
hear_tool(struct mcp *m, const struct mcp_news *news, struct buf *out)
{
	static const char gave_up[] = "assent: the person at the client gave "
				      "it up; it was not run";

	switch (news->from) {
	case MCP_FROM_WAIT:
		say_wait(m, news->ruling);
		return MCP_QUIET;
	case MCP_FROM_CLIENT:
		/* a yes is none: whoever proposes would answer himself */
		if (!news->declined)
			return MCP_QUIET;
		return *mcp_step(m) == TOOL_PROMPT
		    ? say_prompt(m, false, gave_up, out)
		    : mcp_say_text(m, str_of(gave_up), true, out);
	case MCP_FROM_CLOCK:
		return MCP_QUIET;
	case MCP_FROM_DAEMON:
		break;
	}
	return hear_daemon(m, news, out);
}

/* ---- the table ----------------------------------------------------------- */

static const struct mcp_offer tools[] = {
	{ .name = "run",
	    .json = "{\"name\":\"run\",\"title\":\"Run a command in the "
		    "sandbox\",\"description\":\"Proposes a shell command, "
		    "waits for the decision, runs it in assent's sandbox and "
		    "gives its output.\","
		    "\"inputSchema\":{\"type\":\"object\",\"required\":["
		    "\"command\"],\"properties\":{"
		    "\"command\":{\"type\":\"string\",\"description\":\"for "
		    "bash -c\"},"
		    "\"cwd\":{\"type\":\"string\",\"description\":\"an "
		    "absolute path\"},"
		    "\"justification\":{\"type\":\"string\",\"description\":"
		    "\"why, for the person who is asked\"},"
		    "\"profile\":{\"type\":\"string\",\"description\":"
		    "\"read-only, workspace-write or workspace-write-online\""
		    "}}},"
		    "\"annotations\":{\"readOnlyHint\":false,"
		    "\"openWorldHint\":false}}",
	    .begin = begin_run,
	    .heard = hear_tool },
	{ .name = "request_approval",
	    .json = "{\"name\":\"request_approval\",\"title\":\"Ask before "
		    "doing it yourself\",\"description\":\"Decides about an "
		    "action that the caller runs itself. Give action as POST "
		    "/v1/actions takes it; or, as Claude Code's permission "
		    "prompt, tool_name and input.\","
		    "\"inputSchema\":{\"type\":\"object\",\"properties\":{"
		    "\"action\":{\"type\":\"object\"},"
		    "\"tool_name\":{\"type\":\"string\"},"
		    "\"input\":{\"type\":\"object\"},"
		    "\"tool_use_id\":{\"type\":\"string\"}}},"
		    "\"annotations\":{\"readOnlyHint\":true}}",
	    .begin = begin_request,
	    .heard = hear_tool },
	{ .name = "check_approval",
	    .json = "{\"name\":\"check_approval\",\"title\":\"See what became "
		    "of an action\",\"description\":\"The decision about an "
		    "action that waited, by its id.\","
		    "\"inputSchema\":{\"type\":\"object\",\"required\":["
		    "\"id\"],\"properties\":{\"id\":{\"type\":\"string\"}}},"
		    "\"annotations\":{\"readOnlyHint\":true}}",
	    .begin = begin_check,
	    .heard = hear_tool },
	{ .name = "explain",
	    .json = "{\"name\":\"explain\",\"title\":\"Why it is decided so\","
		    "\"description\":\"The parts, effects and rules of an "
		    "action (id), or of a command that is only asked about "
		    "(command).\","
		    "\"inputSchema\":{\"type\":\"object\",\"properties\":{"
		    "\"id\":{\"type\":\"string\"},"
		    "\"command\":{\"type\":\"string\"},"
		    "\"cwd\":{\"type\":\"string\"}}},"
		    "\"annotations\":{\"readOnlyHint\":true}}",
	    .begin = begin_explain,
	    .heard = hear_tool },
};

const struct mcp_table mcp_assent_tools = { tools, ARRAY_LEN(tools) };
