/*
 * What the log keeps of a call's input, and back.
 * Runs in: engine (out), assent (back).  Trusts: nothing in the action.
 * Owns: nothing.
 */
#include "call_input.h"

#include <string.h>

#include "base/jsonw.h"
#include "model/json_in.h"
#include "secrets.h"

/* ---- out --------------------------------------------------------------- */

static void
put_masked(struct jsonw *w, struct arena *arena, const char *text)
{
	jsonw_str(w, secrets_mask(arena, str_of(text)));
}

static void
put_text(
    struct jsonw *w, struct arena *arena, const char *key, const char *text)
{
	if (text == NULL)
		return;
	jsonw_key(w, key);
	put_masked(w, arena, text);
}

static void
put_list(struct jsonw *w, struct arena *arena, const char *key, char *const *v,
    size_t count)
{
	if (count == 0)
		return;
	jsonw_key(w, key);
	jsonw_array(w);
	for (size_t i = 0; i < count; i++)
		put_masked(w, arena, v[i]);
	jsonw_end(w);
}

/* Rules judge paths; contents are not kept. */
static void
put_edits(struct jsonw *w, struct arena *arena, const struct tool_input *in)
{
	jsonw_key(w, "edits");
	jsonw_array(w);
	for (size_t i = 0; i < in->edit_count; i++) {
		const struct edit *ed = &in->edits[i];

		jsonw_object(w);
		put_text(w, arena, "path", ed->path);
		jsonw_kstr(w, "op", edit_op_name(ed->op));
		put_text(w, arena, "to", ed->to);
		if (ed->content != NULL)
			jsonw_kstr(w, "content", "");
		if (ed->patch != NULL)
			jsonw_kstr(w, "patch", "");
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
put_mcp(struct jsonw *w, struct arena *arena, const struct tool_input *in)
{
	json_auto_t *parsed = NULL;
	struct str args = STR("{}");

	if (in->mcp_args != NULL)
		args = secrets_mask(arena, str_of(in->mcp_args));
	/* Masked inside of a value, it is still JSON; else it is left out. */
	if (json_in(args, &parsed, NULL) != 0)
		args = STR("{}");
	put_text(w, arena, "server", in->server);
	put_text(w, arena, "tool", in->mcp_tool);
	jsonw_key(w, "args");
	jsonw_raw(w, args);
}

static void
put_input(struct jsonw *w, struct arena *arena, const struct proposal *p)
{
	const struct tool_input *in = &p->input;

	switch (p->tool) {
	case TOOL_EXEC:
		put_list(w, arena, "argv", in->argv, in->argc);
		break;
	case TOOL_FILE:
		put_edits(w, arena, in);
		break;
	case TOOL_FETCH:
		put_text(w, arena, "method", in->method);
		put_text(w, arena, "url", in->url);
		break;
	case TOOL_MCP:
		put_mcp(w, arena, in);
		break;
	case TOOL_PERMISSION:
		put_list(w, arena, "write", in->write, in->write_count);
		put_list(w, arena, "read", in->read, in->read_count);
		put_list(w, arena, "hosts", in->hosts, in->host_count);
		put_text(w, arena, "scope", in->scope);
		break;
	case TOOL_INVALID:
	case TOOL_SHELL:
	case TOOL_STDIN:
		break;
	}
}

void
call_input(const struct action *a, struct arena *arena, struct buf *out)
{
	const enum tool tool = a->proposal.tool;
	AUTO_BUF struct buf b = BUF_INIT(CALL_INPUT_MAX);
	struct jsonw w = jsonw_on(&b);

	if (tool == TOOL_SHELL || tool == TOOL_STDIN || tool == TOOL_INVALID)
		return;
	jsonw_object(&w);
	put_input(&w, arena, &a->proposal);
	jsonw_end(&w);
	if (buf_done(&b, NULL) == 0)
		buf_put_str(out, buf_str(&b));
}

/* ---- back -------------------------------------------------------------- */

static int
add_input(json_t *action, const json_t *body, struct str tool, struct err *e)
{
	json_t *input = json_object_get(body, "input");
	json_t *text = json_object_get(body, "text");

	if (json_is_object(input))
		return json_object_set(action, "input", input) == 0
		    ? ERR_OK
		    : err_nomem(e);
	if (!str_eqz(tool, "shell") || !json_is_string(text) ||
	    json_object_get(body, "text_bytes") != NULL)
		return err_set(
		    e, ERR_NOTFOUND, "the row does not hold the call");
	input = json_object();
	if (json_object_set(input, "script", text) != 0 ||
	    json_object_set_new(action, "input", input) != 0)
		return err_nomem(e);
	return ERR_OK;
}

static void
add_member(json_t *action, const char *name, json_t *v)
{
	if (json_is_string(v))
		(void)json_object_set(action, name, v);
}

static int
add_rest(json_t *action, const json_t *body, const struct history_row *h)
{
	static const char *const same[] = { "cwd", "workspace", "executor" };
	json_t *agent = json_object_get(body, "agent");

	(void)json_object_set_new(
	    action, "tool", json_stringn(h->tool.s, h->tool.len));
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		add_member(action, same[i], json_object_get(body, same[i]));
	if (h->session.len > 0)
		(void)json_object_set_new(action, "session",
		    json_stringn(h->session.s, h->session.len));
	if (json_is_string(agent))
		(void)json_object_set_new(
		    action, "agent", json_pack("{sO}", "name", agent));
	return ERR_OK;
}

int
call_of_row(const struct history_row *h, struct buf *ret_json,
    enum executor_kind *ret_executor, struct err *e)
{
	json_auto_t *body = NULL;
	json_auto_t *action = json_object();
	char *text;
	int r;

	if (action == NULL)
		return err_nomem(e);
	if (h->body.len == 0)
		return err_set(e, ERR_NOTFOUND, "the row was emptied");
	r = json_in(h->body, &body, e);
	if (r == 0)
		r = add_input(action, body, h->tool, e);
	if (r == 0)
		r = add_rest(action, body, h);
	if (r != 0)
		return r;
	text = json_dumps(action, JSON_COMPACT);
	if (text == NULL)
		return err_nomem(e);
	*ret_executor = executor_of(
	    str_of(json_string_value(json_object_get(body, "executor"))));
	if (*ret_executor == EXECUTOR_INVALID)
		*ret_executor = EXECUTOR_ASSENT;
	buf_puts(ret_json, text);
	free(text);
	return buf_done(ret_json, e);
}
