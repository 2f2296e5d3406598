/*
 * Codex's own review of an action (its "guardian"), answered in place of the
 * model that Codex asks: a request of the Responses API in, a stream with one
 * message out.
 * Runs in: front, assent.  Trusts: nothing.  Owns: nothing.
 *
 * Most of the request is text that the agent's model could have written. The
 * parts of the last message are Codex's own, and what others wrote is each a
 * part of its own: so the action is found by its place from the end, and
 * never by a search. An action of more than 36000 characters comes in several
 * parts; then the title is not where it must be, and the answer is no. What a
 * server of MCP says of its tool is one more part behind the action.
 */
#include "codex_guardian.h"

#include <string.h>

#include "base/mem.h"
#include "codex_put.h"

#define REVIEW_KEY "guardian:" /* prompt_cache_key of every review */
#define ACTION_START ">>> APPROVAL REQUEST START\n"
#define ACTION_TITLE "Planned action JSON:\n"
#define NETWORK_TITLE "Network access JSON:\n"
#define DESCRIPTIONS "<guardian_tool_descriptions>"
#define ACTION_END ">>> APPROVAL REQUEST END\n"
#define PLACE_START "<environment_context>\n  <cwd>"
#define PLACE_END "</cwd>\n"
#define PLACE_MESSAGE 2 /* behind the policy and the reviewer's permissions */
#define PORT_MAX 65535
#define HERE "local" /* environment_id of the machine that Codex runs on */

/* Parts at the end of the last message. */
enum tail {
	TAIL_END = 1,
	TAIL_ACTION,
	TAIL_TITLE,
	TAIL_PARTS = TAIL_TITLE,
};

static const struct client_names guardian_names = {
	.tool = "tool",
	.cwd = "cwd",
};

static const struct client_event guardian_events[] = { { "call", HOOK_CALL } };

/* ---- what is reviewed ---------------------------------------------------- */

static size_t
member(const struct hook *h, const char *name)
{
	const size_t node = hook_node(h, h->input, name);

	return node != 0 && h->doc.nodes[node].kind == DOC_NULL ? 0 : node;
}

static int
put_network(const struct hook *h, struct jsonw *w)
{
	const size_t port = member(h, "port");
	int64_t number = 0;

	if (port == 0 || h->doc.nodes[port].kind != DOC_NUMBER ||
	    doc_int(&h->doc, port, 1, PORT_MAX, &number) != 0)
		return ERR_NOTFOUND;
	return codex_put_host(w, hook_text(h, h->input, "host"), number);
}

static int
put_mcp(const struct hook *h, struct jsonw *w)
{
	return codex_put_mcp(w, &h->doc,
	    &(struct codex_mcp){
		.server = str_of(hook_text(h, h->input, "server")),
		.tool = str_of(hook_text(h, h->input, "tool_name")),
		.args = member(h, "arguments"),
		.annotations = member(h, "annotations"),
	    });
}

static int
put_permissions(const struct hook *h, struct jsonw *w)
{
	return codex_put_permissions(w, &h->doc, member(h, "permissions"));
}

/* Judged as if no sandbox held it: so what it would be given besides
 * (additional_permissions) adds nothing. */
#define COMMAND_FIELDS                                                         \
	"additional_permissions cwd environment_id justification "             \
	"sandbox_permissions tool tty"
#define MCP_CALL "mcp_tool_call"
#define NETWORK "network_access"
#define PERMISSIONS "request_permissions"

/* What is not here is a question: write_stdin goes on with what was said to a
 * program before. */
static const struct client_tool guardian_tools[] = {
	{ "exec_command", KIND_ARGV, { "command" }, COMMAND_FIELDS },
	{ "shell", KIND_ARGV, { "command" }, COMMAND_FIELDS },
	{ "apply_patch", KIND_PATCH, { "patch" },
	    "cwd environment_id files tool" },
	{ NETWORK, KIND_FORM, { NULL },
	    "environment_id host port protocol target tool trigger "
	    "possibleTriggers" },
	{ MCP_CALL, KIND_FORM, { NULL },
	    "annotations arguments connected_account_email "
	    "connector_description connector_id connector_name server tool "
	    "tool_description tool_name tool_title" },
	{ PERMISSIONS, KIND_FORM, { NULL },
	    "environment_id permissions reason tool turn_id" },
};

static int
put_form(const struct hook *h, struct jsonw *w)
{
	if (strcmp(h->tool->name, NETWORK) == 0)
		return put_network(h, w);
	if (strcmp(h->tool->name, MCP_CALL) == 0)
		return put_mcp(h, w);
	return put_permissions(h, w);
}

/* ---- the request -------------------------------------------------------- */

static bool
is_text(const struct hook *h, size_t object, const char *name, const char *s)
{
	const char *text = hook_text(h, object, name);

	return text != NULL && strcmp(text, s) == 0;
}

/* Codex asks for an outcome under the cache key of a review; its agent's own
 * requests have neither. */
static bool
is_review(const struct hook *h)
{
	const char *key = hook_text(h, 0, "prompt_cache_key");
	size_t node = hook_node(h, 0, "text");

	static const char *const path[] = { "format", "schema", "properties",
		"outcome" };
	for (size_t i = 0; i < ARRAY_LEN(path); i++)
		node = node == 0 ? 0 : hook_node(h, node, path[i]);
	return node != 0 && key != NULL &&
	    strncmp(key, REVIEW_KEY, strlen(REVIEW_KEY)) == 0;
}

/* The last element of the array, or 0. */
static size_t
last_of(const struct json_doc *d, size_t array)
{
	size_t last = 0;

	if (array == 0 || d->nodes[array].kind != DOC_ARRAY)
		return 0;
	for (size_t n = doc_first(d, array); n < doc_end(d, array);
	     n = doc_next(d, n))
		last = n;
	return last;
}

struct tail_parts {
	size_t nodes[TAIL_PARTS + 1]; /* by enum tail */
	bool started; /* ACTION_START is before them */
	bool described; /* DESCRIPTIONS are behind them */
};

static void
find_tail(const struct hook *h, size_t content, struct tail_parts *t)
{
	const struct json_doc *d = &h->doc;

	if (content == 0 || d->nodes[content].kind != DOC_ARRAY)
		return;
	for (size_t n = doc_first(d, content); n < doc_end(d, content);
	     n = doc_next(d, n)) {
		const size_t out = t->nodes[TAIL_PARTS];

		t->described = doc_next(d, n) >= doc_end(d, content) &&
		    str_starts(
			str_of(hook_text(h, n, "text")), STR(DESCRIPTIONS));
		if (t->described)
			return;
		if (out != 0 && is_text(h, out, "text", ACTION_START))
			t->started = true;
		for (size_t i = TAIL_PARTS; i > TAIL_END; i--)
			t->nodes[i] = t->nodes[i - 1];
		t->nodes[TAIL_END] = n;
	}
}

static bool
is_title(const struct hook *h, size_t part)
{
	return is_text(h, part, "text", ACTION_TITLE) ||
	    is_text(h, part, "text", NETWORK_TITLE);
}

/* ret_described: what stands behind it is a server's description. */
static int
find_action(
    const struct hook *h, struct str *ret, bool *ret_described, struct err *e)
{
	const size_t message = last_of(&h->doc, hook_node(h, 0, "input"));
	struct tail_parts t = { .started = false };
	const char *json;

	if (message != 0 && is_text(h, message, "type", "message") &&
	    is_text(h, message, "role", "user"))
		find_tail(h, hook_node(h, message, "content"), &t);
	json = t.nodes[TAIL_PARTS] == 0
	    ? NULL
	    : hook_text(h, t.nodes[TAIL_ACTION], "text");
	if (json == NULL || !t.started || !is_title(h, t.nodes[TAIL_TITLE]) ||
	    !is_text(h, t.nodes[TAIL_END], "text", ACTION_END))
		return err_set(e, ERR_INVALID,
		    "the review does not end with one planned action in the "
		    "form of the Codex that this version of assent knows");
	*ret = doc_str(&h->doc, hook_node(h, t.nodes[TAIL_ACTION], "text"));
	*ret_described = t.described;
	/* cut in the middle, it is another action than the one that runs */
	if (strstr(json, "<guardian_truncated") != NULL ||
	    strstr(json, "<truncated") != NULL)
		return err_set(e, ERR_LIMIT,
		    "Codex has shortened the planned action; a part of an "
		    "action is not decided");
	return ERR_OK;
}

static size_t
message_of(const struct hook *h, size_t index)
{
	const struct json_doc *d = &h->doc;
	const size_t input = hook_node(h, 0, "input");
	size_t n;

	if (input == 0 || d->nodes[input].kind != DOC_ARRAY)
		return 0;
	for (n = doc_first(d, input); n < doc_end(d, input);
	     n = doc_next(d, n)) {
		if (index-- == 0)
			return n;
	}
	return 0;
}

/* Where the session works. The folder in the action is the model's choice, and
 * would make any folder its workspace. */
static int
find_workspace(struct hook *h, struct err *e)
{
	const struct json_doc *d = &h->doc;
	const size_t message = message_of(h, PLACE_MESSAGE);
	const size_t content =
	    message == 0 ? 0 : hook_node(h, message, "content");
	struct str text = STR_NONE, place;
	char *copy;

	if (content != 0 && d->nodes[content].kind == DOC_ARRAY &&
	    doc_first(d, content) < doc_end(d, content) &&
	    is_text(h, message, "role", "user"))
		text = str_of(hook_text(h, doc_first(d, content), "text"));
	if (str_starts(text, STR(PLACE_START)))
		text = str_from(text, strlen(PLACE_START));
	else
		text = STR_NONE;
	place = str_head(text, str_search(text, STR(PLACE_END)));
	/* as XML it would have to be read, and is not */
	if (place.len == text.len || !str_starts(place, STR("/")) ||
	    str_find(place, '&') < place.len ||
	    str_find(place, '<') < place.len)
		return err_set(e, ERR_INVALID,
		    "the review does not say where the session works in the "
		    "form of the Codex that this version of assent knows");
	copy = arena_strndup(h->arena, place.s, place.len);
	if (copy == NULL)
		return err_nomem(e);
	if (h->o.workspace == NULL)
		h->o.workspace = copy;
	return ERR_OK;
}

/* Every action says it that runs on a machine; what is a question anyway must
 * only not say another. A server of MCP is called from here. */
static bool
is_here(const struct hook *h)
{
	if (hook_node(h, 0, "environment_id") != 0)
		return is_text(h, 0, "environment_id", HERE);
	if (is_text(h, 0, "tool", MCP_CALL))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(guardian_tools); i++) {
		if (is_text(h, 0, "tool", guardian_tools[i].name))
			return false;
	}
	return true;
}

static int
read_guardian(struct hook *h, struct err *e)
{
	const char *session;
	struct str action;
	bool described = false;
	int r;

	if (!is_review(h))
		return err_set(e, ERR_INVALID,
		    "this is no guardian review of Codex, and assent is no "
		    "model; send here only requests with the header "
		    "x-openai-subagent: guardian");
	session = hook_text(h, 0, "prompt_cache_key") + strlen(REVIEW_KEY);
	h->request_id = session; /* from here on there is an outcome */
	r = find_action(h, &action, &described, e);
	if (r == 0)
		r = find_workspace(h, e);
	if (r != 0)
		return r;
	r = hook_enter_text(h, action, e);
	if (r != 0)
		return err_wrap(e, r, "the planned action");
	if (h->doc.nodes[0].kind != DOC_OBJECT || !is_here(h))
		return err_set(e, ERR_INVALID,
		    "the planned action does not say that it is for this "
		    "machine (\"environment_id\": \"" HERE "\")");
	if (described && !is_text(h, 0, "tool", MCP_CALL))
		return err_set(e, ERR_INVALID,
		    "the review describes a tool, and is of none");
	if (hook_node(h, 0, guardian_names.cwd) == 0)
		h->cwd = h->o.workspace;
	h->event_name = "call";
	h->session = session[0] == '\0' ? NULL : session;
	h->input = 0; /* the whole of it */
	h->has_input = true;
	return ERR_OK;
}

/* ---- the answer --------------------------------------------------------- */

static void
begin_event(struct jsonw *w, const char *type)
{
	buf_printf(w->out, "event: %s\ndata: ", type);
	*w = jsonw_on(w->out);
	jsonw_object(w);
	jsonw_kstr(w, "type", type);
}

static void
end_event(struct jsonw *w)
{
	jsonw_end(w);
	buf_puts(w->out, "\n\n");
}

static void
put_response(struct jsonw *w, const struct hook_ruling *r)
{
	jsonw_key(w, "response");
	jsonw_object(w);
	jsonw_kstr(w, "id", r->id[0] == '\0' ? "undecided" : r->id);
}

static void
put_message(struct jsonw *w, const char *id, struct str verdict)
{
	jsonw_key(w, "item");
	jsonw_object(w);
	jsonw_kstr(w, "type", "message");
	jsonw_kstr(w, "role", "assistant");
	jsonw_kstr(w, "id", id[0] == '\0' ? "undecided" : id);
	jsonw_key(w, "content");
	jsonw_array(w);
	jsonw_object(w);
	jsonw_kstr(w, "type", "output_text");
	jsonw_key(w, "text");
	jsonw_str(w, verdict);
	jsonw_end(w);
	jsonw_end(w);
	jsonw_end(w);
}

static void
put_usage(struct jsonw *w)
{
	static const char *const counts[] = { "input_tokens", "output_tokens",
		"total_tokens" };

	jsonw_key(w, "usage");
	jsonw_object(w);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		jsonw_kint(w, counts[i], 0);
	jsonw_end(w);
}

static void
put_stream(struct buf *out, const struct hook_ruling *r, struct str verdict)
{
	struct jsonw w = jsonw_on(out);

	begin_event(&w, "response.created");
	put_response(&w, r);
	jsonw_end(&w);
	end_event(&w);
	begin_event(&w, "response.output_item.done");
	put_message(&w, r->id, verdict);
	end_event(&w);
	begin_event(&w, "response.completed");
	put_response(&w, r);
	put_usage(&w);
	jsonw_end(&w);
	end_event(&w);
}

/* Nobody is behind it who could be asked: with --mode advise, too, what is not
 * an allow of ours is a no. */
static void
answer_guardian(
    const struct hook *h, const struct hook_ruling *r, struct hook_output *out)
{
	const bool allow = h->event == HOOK_CALL && r->verdict == HOOK_ALLOW &&
	    h->o.mode == HOOK_ENFORCE;
	AUTO_BUF struct buf verdict = BUF_INIT(HOOK_OUTPUT_MAX);
	struct jsonw w = jsonw_on(&verdict);

	out->status = allow ? 0 : 1;
	if (h->request_id == NULL) {
		buf_puts(&out->problem, r->message);
		buf_putc(&out->problem, '\n');
		return;
	}
	jsonw_object(&w);
	jsonw_kstr(&w, "outcome", allow ? "allow" : "deny");
	jsonw_kstr(&w, "rationale", r->message);
	jsonw_end(&w);
	/* without a verdict Codex fails the review, and runs nothing */
	if (buf_done(&verdict, NULL) != 0)
		return;
	out->events = true;
	put_stream(&out->out, r, buf_str(&verdict));
}

const struct hook_client codex_guardian = {
	.name = "codex-guardian",
	.own = "client:codex",
	.undescribed = "undescribed:codex",
	.names = &guardian_names,
	.events = guardian_events,
	.event_count = ARRAY_LEN(guardian_events),
	.tools = guardian_tools,
	.tool_count = ARRAY_LEN(guardian_tools),
	.read = read_guardian,
	.put = put_form,
	.answer = answer_guardian,
	.pass = pass_empty,
};
