/*
 * The Agent Client Protocol on its way between an editor and an agent.
 * Runs in: assent.  Trusts: neither.  Owns: the message at hand, and the
 * folders of sessions.
 */
#include "acp.h"

#include <stdio.h>
#include <string.h>

#include "acp_int.h"
#include "base/mem.h"
#include "bridge_int.h"
#include "recall.h"

struct acp {
	struct bridge_options o;
	struct rpc message;
	struct buf body;
	struct recall sessions; /* folders */
	struct recall openings; /* folders, by the id of who asked for one */
	struct recall told; /* inputs of calls: JSON of an object */
	char session[BRIDGE_NAME_MAX]; /* assent's name of the last one */
	char agent[BRIDGE_NAME_MAX], version[BRIDGE_NAME_MAX];
};

int
acp_new(const struct bridge_options *o, struct acp **ret, struct err *e)
{
	struct acp *a = mem_new(1, sizeof(*a));

	if (a == NULL)
		return err_nomem(e);
	a->o = *o;
	a->body = (struct buf)BUF_INIT(BRIDGE_BODY_MAX);
	(void)snprintf(a->agent, sizeof(a->agent), "acp");
	*ret = a;
	return ERR_OK;
}

void
acp_free(struct acp *a)
{
	if (a == NULL)
		return;
	recall_done(&a->sessions);
	recall_done(&a->openings);
	recall_done(&a->told);
	rpc_done(&a->message);
	buf_free(&a->body);
	free(a);
}

void
acp_freep(struct acp **a)
{
	acp_free(*a);
	*a = NULL;
}

/* ---- sessions ------------------------------------------------------------ */

/* The answer to it will name the session. */
static void
note_opening(struct acp *a, const char *cwd)
{
	if (strlen(cwd) < PATH_BYTES_MAX)
		recall_set(&a->openings, a->message.id, str_of(cwd));
}

static void
end_opening(struct acp *a)
{
	const struct rpc *m = &a->message;
	const char *cwd = recall_text(&a->openings, m->id);

	if (cwd == NULL)
		return;
	if (m->result != 0)
		bridge_note_folder(
		    &a->sessions, rpc_text(m, m->result, "sessionId"), cwd);
	recall_set(&a->openings, m->id, STR_NONE);
}

static const char *
name_session(struct acp *a, const char *id)
{
	return bridge_name_session("acp", id, a->session) ? a->session : NULL;
}

/* ---- from the editor ----------------------------------------------------- */

void
acp_editor(struct acp *a, struct str line, struct bridge_news *ret)
{
	const struct rpc *m = &a->message;
	const char *session, *cwd;

	buf_reset(&a->body);
	if (!bridge_read_client(&a->message, line, false, ret))
		return;
	if (m->kind == RPC_RESULT || m->kind == RPC_ERROR)
		ret->answers = m->id;
	if (m->params == 0)
		return;
	session = rpc_text(m, m->params, "sessionId");
	cwd = rpc_text(m, m->params, "cwd");
	if (m->kind == RPC_REQUEST && cwd != NULL) {
		bridge_note_folder(&a->sessions, session, cwd);
		note_opening(a, cwd);
	}
	if (m->kind == RPC_NOTIFICATION && rpc_is(m, "session/cancel"))
		ret->cancelled = session;
	if (m->kind != RPC_REQUEST || !rpc_is(m, "session/prompt"))
		return;
	bridge_put_prompt(&a->body, m, rpc_node(m, m->params, "prompt"));
	ret->session = name_session(a, session);
	if (ret->session != NULL && buf_done(&a->body, NULL) == 0)
		ret->report = buf_str(&a->body);
}

/* ---- from the agent ------------------------------------------------------ */

static void
note_agent(struct acp *a)
{
	const struct rpc *m = &a->message;
	const size_t info = rpc_node(m, m->result, "agentInfo");
	const char *name = info == 0 ? NULL : rpc_text(m, info, "name");
	const char *version = info == 0 ? NULL : rpc_text(m, info, "version");

	if (bridge_is_plain(name, NAME_BYTES_MAX))
		(void)snprintf(a->agent, sizeof(a->agent), "%s", name);
	if (bridge_is_plain(version, NAME_BYTES_MAX))
		(void)snprintf(a->version, sizeof(a->version), "%s", version);
}

static void
note_input(struct acp *a, const char *call, size_t input)
{
	const struct str raw = rpc_raw(&a->message, input);

	if (raw.len <= ACTION_BYTES_MAX)
		recall_set(&a->told, str_of(call), raw);
}

/* Its texts; whatever else it gives as it is. */
static void
put_outcome(struct acp *a, size_t update, bool failed)
{
	AUTO_BUF struct buf text = BUF_INIT(BRIDGE_BODY_MAX);
	const struct rpc *m = &a->message;
	const size_t content = rpc_node(m, update, "content");
	const size_t raw = rpc_node(m, update, "rawOutput");

	if (content != 0 && m->doc.nodes[content].kind == DOC_ARRAY) {
		for (size_t n = doc_first(&m->doc, content);
		     n < doc_end(&m->doc, content); n = doc_next(&m->doc, n)) {
			const size_t inner = rpc_node(m, n, "content");
			const char *part =
			    inner == 0 ? NULL : rpc_text(m, inner, "text");

			if (part != NULL)
				buf_printf(&text, "%s\n", part);
		}
	}
	if (text.len == 0 && raw != 0)
		buf_put_str(&text, rpc_raw(m, raw));
	bridge_put_outcome(&a->body, failed, buf_str(&text));
}

static void
take_update(struct acp *a, struct bridge_result *result)
{
	const struct rpc *m = &a->message;
	const size_t update = rpc_node(m, m->params, "update");
	const char *kind =
	    update == 0 ? NULL : rpc_text(m, update, "sessionUpdate");
	const char *call =
	    update == 0 ? NULL : rpc_text(m, update, "toolCallId");
	const char *status = update == 0 ? NULL : rpc_text(m, update, "status");
	size_t input;

	if (kind == NULL || call == NULL || strncmp(kind, "tool_call", 9) != 0)
		return;
	input = rpc_node(m, update, "rawInput");
	if (input != 0 && rpc_is_object(m, input))
		note_input(a, call, input);
	if (status == NULL ||
	    (strcmp(status, "completed") != 0 && strcmp(status, "failed") != 0))
		return;
	buf_reset(&a->body);
	put_outcome(a, update, strcmp(status, "failed") == 0);
	if (buf_done(&a->body, NULL) == 0)
		*result = (struct bridge_result){ .call = call,
			.outcome = buf_str(&a->body) };
}

static int
put_action(struct acp *a, struct bridge_question *q, size_t call, struct err *e)
{
	const struct rpc *m = &a->message;
	const char *cwd = recall_text(&a->sessions, str_of(q->session));
	const struct acp_place at = {
		.cwd = cwd == NULL ? a->o.cwd : cwd,
		.title_is_command = strcmp(a->agent, "gemini-cli") == 0,
		.told = str_of(recall_text(&a->told, str_of(q->call))),
	};
	struct jsonw w = jsonw_on(&a->body);
	int r;

	buf_reset(&a->body);
	jsonw_object(&w);
	if (rpc_is(m, "session/request_permission"))
		r = acp_put_call(&w, &at, m, call, e);
	else if (rpc_is(m, "terminal/create"))
		r = acp_put_terminal(&w, &at, m, e);
	else
		r = acp_put_file(&w, &at, m, e);
	if (r != 0)
		return r;
	bridge_put_claims(&w,
	    &(struct bridge_claims){
		.workspace = a->o.project(a->o.ctx, at.cwd),
		.session = name_session(a, q->session),
		.agent = a->agent,
		.version = a->version,
	    });
	jsonw_end(&w);
	q->body = buf_str(&a->body);
	return buf_done(&a->body, e);
}

static enum bridge_next
hold(struct acp *a, struct bridge_question *q, struct buf *out)
{
	static const char *const names[] = { "sessionId", "toolCall", "options",
		"path", "content", "command", "args", "env", "cwd", NULL };
	const struct rpc *m = &a->message;
	const size_t call = rpc_node(m, m->params, "toolCall");
	const char *session = rpc_text(m, m->params, "sessionId");
	const char *name = call == 0 ? NULL : rpc_text(m, call, "toolCallId");
	struct err e = ERR_INIT;

	if (m->params == 0 || !rpc_is_object(m, m->params) ||
	    rpc_has_double(m, m->params, names))
		return bridge_refuse(m->id, RPC_BAD_PARAMS,
		    "'params' is no object, or has a member in another "
		    "spelling",
		    out);
	*q = (struct bridge_question){ .id = m->id,
		.session = session == NULL ? "" : session,
		.call = name == NULL ? "" : name,
		.permission = rpc_is(m, "session/request_permission") };
	if (q->permission && (call == 0 || !rpc_is_object(m, call)))
		return bridge_refuse(
		    m->id, RPC_BAD_PARAMS, "'toolCall' is no object", out);
	if (put_action(a, q, call, &e) != 0)
		return bridge_refuse(m->id, RPC_BAD_PARAMS, e.msg, out);
	return BRIDGE_HOLD;
}

static enum bridge_next
take_request(struct acp *a, struct bridge_question *q, struct buf *out)
{
	static const char *const judged[] = { "session/request_permission",
		"fs/write_text_file", "fs/read_text_file", "terminal/create",
		NULL };
	const struct rpc *m = &a->message;

	for (size_t i = 0; judged[i] != NULL; i++) {
		if (rpc_is(m, judged[i]))
			return hold(a, q, out);
	}
	if (rpc_looks_like(m->method, judged))
		return bridge_refuse(
		    m->id, RPC_NO_METHOD, "there is no such method", out);
	return BRIDGE_PASS;
}

static enum bridge_next
take_notification(
    struct acp *a, struct bridge_question *q, struct bridge_result *result)
{
	const struct rpc *m = &a->message;
	size_t id;

	if (m->params != 0 && rpc_is(m, "session/update"))
		take_update(a, result);
	if (m->params == 0 || !rpc_is(m, "$/cancel_request"))
		return BRIDGE_PASS;
	id = rpc_node(m, m->params, "requestId");
	*q = (struct bridge_question){
		.id = id == 0 ? STR_NONE : rpc_raw(m, id),
		.session = "",
		.call = "",
	};
	return BRIDGE_CANCEL;
}

enum bridge_next
acp_agent(struct acp *a, struct str line, struct bridge_question *question,
    struct bridge_result *result, struct buf *out)
{
	const struct rpc *m = &a->message;
	struct err e = ERR_INIT;

	*result = (struct bridge_result){ .call = NULL };
	buf_reset(out);
	if (rpc_read(&a->message, line, &e) != 0) {
		if (m->id.len > 0)
			return bridge_refuse(m->id, RPC_NO_REQUEST, e.msg, out);
		buf_puts(out, e.msg);
		return BRIDGE_DROP;
	}
	switch (m->kind) {
	case RPC_REQUEST:
		return take_request(a, question, out);
	case RPC_NOTIFICATION:
		return take_notification(a, question, result);
	case RPC_RESULT:
		note_agent(a);
		end_opening(a);
		return BRIDGE_PASS;
	case RPC_ERROR:
		return BRIDGE_PASS;
	case RPC_BATCH:
	case RPC_INVALID:
		break;
	}
	buf_puts(out, "a batch was not passed on");
	return BRIDGE_DROP;
}

/* ---- what we say --------------------------------------------------------- */

/* The option of that kind, or NULL. */
static const char *
option_of(const struct rpc *m, const char *kind)
{
	const size_t list = rpc_node(m, m->params, "options");

	if (list == 0 || m->doc.nodes[list].kind != DOC_ARRAY)
		return NULL;
	for (size_t n = doc_first(&m->doc, list); n < doc_end(&m->doc, list);
	     n = doc_next(&m->doc, n)) {
		const char *own = rpc_text(m, n, "kind");

		if (own != NULL && strcmp(own, kind) == 0)
			return rpc_text(m, n, "optionId");
	}
	return NULL;
}

void
acp_put_cancelled(struct str id, struct buf *out)
{
	struct jsonw w = rpc_begin_result(out, id);

	jsonw_object(&w);
	jsonw_key(&w, "outcome");
	jsonw_object(&w);
	jsonw_kstr(&w, "outcome", "cancelled");
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_end(&w);
}

static void
put_chosen(struct buf *out, struct str id, const char *option)
{
	struct jsonw w = rpc_begin_result(out, id);

	jsonw_object(&w);
	jsonw_key(&w, "outcome");
	jsonw_object(&w);
	jsonw_kstr(&w, "outcome", "selected");
	jsonw_kstr(&w, "optionId", option);
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_end(&w);
}

int
acp_put_answer(struct str message, enum hook_verdict verdict, const char *why,
    struct buf *out, struct err *e)
{
	AUTO(rpc_done) struct rpc m = RPC_INIT;
	const char *option;
	int r = rpc_read(&m, message, e);

	if (r != 0)
		return r;
	if (!rpc_is(&m, "session/request_permission")) {
		/* who is allowed to do it is the editor, not us */
		if (verdict == HOOK_ALLOW)
			return err_set(e, ERR_NOTFOUND, "the editor does it");
		rpc_put_error(out, m.id, RPC_INTERNAL, why);
		return buf_done(out, e);
	}
	option =
	    option_of(&m, verdict == HOOK_ALLOW ? "allow_once" : "reject_once");
	if (option == NULL && verdict == HOOK_ALLOW)
		return err_set(e, ERR_DENIED,
		    "assent: the agent offers no allow for this one call, so "
		    "it was not run");
	if (option != NULL)
		put_chosen(out, m.id, option);
	else
		acp_put_cancelled(m.id, out);
	return buf_done(out, e);
}

static void
put_options(struct jsonw *w, const struct rpc *m, size_t list)
{
	jsonw_array(w);
	for (size_t n = doc_first(&m->doc, list); n < doc_end(&m->doc, list);
	     n = doc_next(&m->doc, n)) {
		const char *kind = rpc_text(m, n, "kind");

		if (kind != NULL && strcmp(kind, "allow_always") != 0)
			jsonw_raw(w, rpc_raw(m, n));
	}
	jsonw_end(w);
}

int
acp_put_question(struct str message, struct buf *out, struct err *e)
{
	AUTO(rpc_done) struct rpc m = RPC_INIT;
	struct jsonw w = jsonw_on(out);
	int r = rpc_read(&m, message, e);

	if (r != 0)
		return r;
	jsonw_object(&w);
	jsonw_kstr(&w, "jsonrpc", "2.0");
	jsonw_key(&w, "id");
	jsonw_raw(&w, m.id);
	jsonw_kstr(&w, "method", m.method);
	jsonw_key(&w, "params");
	jsonw_object(&w);
	for (size_t n = doc_first(&m.doc, m.params);
	     n < doc_end(&m.doc, m.params); n = doc_next(&m.doc, n + 1)) {
		jsonw_key_str(&w, doc_str(&m.doc, n));
		if (str_eqz(doc_str(&m.doc, n), "options") &&
		    m.doc.nodes[n + 1].kind == DOC_ARRAY)
			put_options(&w, &m, n + 1);
		else
			jsonw_raw(&w, rpc_raw(&m, n + 1));
	}
	jsonw_end(&w);
	jsonw_end(&w);
	return buf_done(out, e);
}

void
acp_put_note(struct buf *out, const char *session, const char *text)
{
	struct jsonw w = rpc_begin_notification(out, "session/update");

	jsonw_object(&w);
	jsonw_kstr(&w, "sessionId", session);
	jsonw_key(&w, "update");
	jsonw_object(&w);
	jsonw_kstr(&w, "sessionUpdate", "agent_message_chunk");
	jsonw_key(&w, "content");
	jsonw_object(&w);
	jsonw_kstr(&w, "type", "text");
	jsonw_kstr(&w, "text", text);
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_end(&w);
}

/* ---- as a bridge drives it ------------------------------------------------ */

static int
open_acp(const struct bridge_options *o, void **ret, struct err *e)
{
	struct acp *a = NULL;
	const int r = acp_new(o, &a, e);

	*ret = a;
	return r;
}

static void
close_acp(void *x)
{
	acp_free(x);
}

static void
take_editor(void *x, struct str line, struct bridge_news *ret)
{
	acp_editor(x, line, ret);
}

static enum bridge_next
take_agent(void *x, struct str line, struct bridge_question *question,
    struct bridge_result *result, struct buf *out)
{
	return acp_agent(x, line, question, result, out);
}

const struct bridge_protocol acp_protocol = {
	.open = open_acp,
	.close = close_acp,
	.client = take_editor,
	.agent = take_agent,
	.put_answer = acp_put_answer,
	.put_cancelled = acp_put_cancelled,
	.put_question = acp_put_question,
	.put_note = acp_put_note,
};
