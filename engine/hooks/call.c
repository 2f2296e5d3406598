/*
 * A client's tool call as an action of ours.
 * Runs in: front, assent.  Trusts: nothing.  Owns: nothing.
 */
#include <string.h>

#include "action_begin.h"
#include "base/mem.h"
#include "base/text.h"
#include "hook_int.h"

/* ---- what a call's input holds ------------------------------------------ */

static const char *
key(const struct hook *h, size_t i)
{
	return hook_text(h, h->input, h->tool->keys[i]);
}

static struct str
key_str(const struct hook *h, size_t i)
{
	const size_t node = hook_node(h, h->input, h->tool->keys[i]);

	return node == 0 ? STR_NONE : doc_str(&h->doc, node);
}

/* The literal folder at the beginning of a pattern, "" for none. */
static struct str
folder_of_pattern(struct str pattern)
{
	size_t end = pattern.len;

	for (size_t i = 0; i < pattern.len; i++) {
		if (strchr("*?[{", pattern.s[i]) != NULL) {
			end = i;
			break;
		}
	}
	end = str_rfind(str_head(pattern, end), '/');
	return end < pattern.len ? str_head(pattern, end + 1) : STR_NONE;
}

/* ---- tools of assent ---------------------------------------------------- */

static int
put_shell(const struct hook *h, struct jsonw *w)
{
	const char *command = key(h, 0);

	if (command == NULL)
		return ERR_NOTFOUND;
	action_begin(w, "shell");
	jsonw_kstr(w, "script", command);
	jsonw_end(w);
	return ERR_OK;
}

static int
put_argv(struct jsonw *w, const char *const *words)
{
	action_begin(w, "exec");
	jsonw_key(w, "argv");
	jsonw_array(w);
	for (; *words != NULL; words++)
		jsonw_cstr(w, *words);
	jsonw_end(w);
	jsonw_end(w);
	return ERR_OK;
}

static bool
is_words(const struct json_doc *d, size_t list)
{
	size_t n;

	if (list == 0 || d->nodes[list].kind != DOC_ARRAY)
		return false;
	for (n = doc_first(d, list); n < doc_end(d, list); n = doc_next(d, n)) {
		if (d->nodes[n].kind != DOC_STRING)
			return false;
	}
	return true;
}

static int
put_words(const struct hook *h, struct jsonw *w)
{
	const size_t list = hook_node(h, h->input, h->tool->keys[0]);

	if (!is_words(&h->doc, list))
		return ERR_NOTFOUND;
	action_begin(w, "exec");
	jsonw_key(w, "argv");
	jsonw_raw(w, doc_raw(&h->doc, list));
	jsonw_end(w);
	return ERR_OK;
}

/* What a client reads itself is judged as the program that reads it so. */
static int
put_read(const struct hook *h, struct jsonw *w)
{
	const char *path = key(h, 0);

	if (path == NULL)
		return ERR_NOTFOUND;
	return put_argv(w, (const char *const[]){ "cat", "--", path, NULL });
}

static int
put_list(const struct hook *h, struct jsonw *w)
{
	const char *path = key(h, 0);

	return put_argv(w,
	    (const char *const[]){
		"ls", "-a", "--", path == NULL ? "." : path, NULL });
}

static int
put_grep(const struct hook *h, struct jsonw *w)
{
	const char *pattern = key(h, 0), *path = key(h, 1);

	if (pattern == NULL)
		return ERR_NOTFOUND;
	return put_argv(w,
	    (const char *const[]){ "grep", "-r", "-e", pattern, "--",
		path == NULL ? "." : path, NULL });
}

static int
put_glob(const struct hook *h, struct jsonw *w)
{
	AUTO_BUF struct buf folder = BUF_INIT(PATH_BYTES_MAX);
	const char *pattern = key(h, 0), *path = key(h, 1);
	struct str beginning;

	if (pattern == NULL)
		return ERR_NOTFOUND;
	beginning = folder_of_pattern(str_of(pattern));
	if (!str_starts(beginning, STR("/")))
		buf_printf(&folder, "%s/", path == NULL ? "." : path);
	buf_put_str(&folder, beginning);
	if (buf_done(&folder, NULL) != 0)
		return ERR_NOTFOUND;
	/* a folder may be called -delete */
	if (folder.s[0] == '-')
		return ERR_NOTFOUND;
	return put_argv(w,
	    (const char *const[]){
		"find", buf_cstr(&folder), "-path", pattern, NULL });
}

static int
put_fetch(const struct hook *h, struct jsonw *w)
{
	const char *url = key(h, 0);

	if (url == NULL)
		return ERR_NOTFOUND;
	action_begin(w, "fetch");
	jsonw_kstr(w, "method", "GET");
	jsonw_kstr(w, "url", url);
	jsonw_end(w);
	return ERR_OK;
}

/* ---- files -------------------------------------------------------------- */

static void
begin_edit(struct jsonw *w, const char *path, const char *op)
{
	action_begin(w, "file");
	jsonw_key(w, "edits");
	jsonw_array(w);
	jsonw_object(w);
	jsonw_kstr(w, "path", path);
	jsonw_kstr(w, "op", op);
}

static void
end_edit(struct jsonw *w)
{
	jsonw_end(w);
	jsonw_end(w);
	jsonw_end(w);
}

static int
put_write(const struct hook *h, struct jsonw *w)
{
	const char *path = key(h, 0), *content = key(h, 1);

	if (path == NULL || content == NULL)
		return ERR_NOTFOUND;
	begin_edit(w, path, "replace");
	jsonw_key(w, "content");
	jsonw_str(w, key_str(h, 1));
	end_edit(w);
	return ERR_OK;
}

static int
put_delete(const struct hook *h, struct jsonw *w)
{
	const char *path = key(h, 0);

	if (path == NULL)
		return ERR_NOTFOUND;
	begin_edit(w, path, "delete");
	end_edit(w);
	return ERR_OK;
}

static int
put_changed(
    struct jsonw *w, const char *path, const struct buf *patch, struct err *e)
{
	const int r = buf_done(patch, e);

	if (r != 0)
		return r;
	begin_edit(w, path, "patch");
	jsonw_key(w, "patch");
	jsonw_str(w, buf_str(patch));
	end_edit(w);
	return ERR_OK;
}

static bool
is_key(const struct hook *h, struct str name)
{
	for (size_t i = 0; i < TOOL_KEYS; i++) {
		if (h->tool->keys[i] != NULL && str_eqz(name, h->tool->keys[i]))
			return true;
	}
	return false;
}

/*
 * What else the call says of the change: "replace_all=true". It is part of
 * what a person sees, and of what he answers. What a client says in words of
 * its own is left out where it decides nothing.
 */
static void
put_where(const struct hook *h, bool texts, struct buf *out)
{
	const struct json_doc *d = &h->doc;

	for (size_t n = doc_first(d, h->input); n < doc_end(d, h->input);
	     n = doc_next(d, n + 1)) {
		const struct str value = doc_raw(d, n + 1);
		const enum doc_kind kind = d->nodes[n + 1].kind;

		if (is_key(h, doc_str(d, n)) || kind == DOC_OBJECT ||
		    kind == DOC_ARRAY || (kind == DOC_STRING && !texts) ||
		    str_eqz(value, "false") || str_eqz(value, "null"))
			continue;
		buf_putc(out, ' ');
		buf_put_str(out, doc_str(d, n));
		buf_putc(out, '=');
		buf_put_str(out, value);
	}
}

static int
put_cell(const struct hook *h, struct jsonw *w, struct err *e)
{
	AUTO_BUF struct buf patch = BUF_INIT(HTTP_BODY_BYTES_MAX);
	AUTO_BUF struct buf where = BUF_INIT(HTTP_BODY_BYTES_MAX);
	const char *path = key(h, 0);

	if (path == NULL || key(h, 1) == NULL)
		return ERR_NOTFOUND;
	buf_puts(&where, " cell");
	put_where(h, true, &where);
	if (buf_done(&where, e) != 0)
		return ERR_LIMIT;
	patch_put_replaced(
	    &patch, path, buf_str(&where), STR_NONE, key_str(h, 1));
	return put_changed(w, path, &patch, e);
}

static int
put_edit(const struct hook *h, struct jsonw *w, struct err *e)
{
	AUTO_BUF struct buf patch = BUF_INIT(HTTP_BODY_BYTES_MAX);
	AUTO_BUF struct buf where = BUF_INIT(HTTP_BODY_BYTES_MAX);
	const char *path = key(h, 0);

	if (path == NULL || key(h, 1) == NULL || key(h, 2) == NULL)
		return ERR_NOTFOUND;
	put_where(h, false, &where);
	if (buf_done(&where, e) != 0)
		return ERR_LIMIT;
	patch_put_replaced(
	    &patch, path, buf_str(&where), key_str(h, 1), key_str(h, 2));
	return put_changed(w, path, &patch, e);
}

static bool
is_everywhere(const struct hook *h, size_t edit)
{
	const size_t node = hook_node(h, edit, "replace_all");

	return node != 0 && !str_eqz(doc_raw(&h->doc, node), "false");
}

static int
put_multi_edit(const struct hook *h, struct jsonw *w, struct err *e)
{
	AUTO_BUF struct buf patch = BUF_INIT(HTTP_BODY_BYTES_MAX);
	const char *const *keys = h->tool->keys;
	const size_t list = hook_node(h, h->input, keys[1]);
	const char *path = key(h, 0);

	if (path == NULL || list == 0 || h->doc.nodes[list].kind != DOC_ARRAY)
		return ERR_NOTFOUND;
	for (size_t n = doc_first(&h->doc, list); n < doc_end(&h->doc, list);
	     n = doc_next(&h->doc, n)) {
		const size_t old = hook_node(h, n, keys[2]);
		const size_t new = hook_node(h, n, keys[3]);

		if (hook_text(h, n, keys[2]) == NULL ||
		    hook_text(h, n, keys[3]) == NULL)
			return ERR_NOTFOUND;
		patch_put_replaced(&patch, path,
		    is_everywhere(h, n) ? STR(" replace_all=true") : STR_NONE,
		    doc_str(&h->doc, old), doc_str(&h->doc, new));
	}
	return patch.len == 0 ? ERR_NOTFOUND : put_changed(w, path, &patch, e);
}

static int
put_patch(const struct hook *h, struct jsonw *w, struct err *e)
{
	int r;

	if (key(h, 0) == NULL)
		return ERR_NOTFOUND;
	action_begin(w, "file");
	jsonw_key(w, "edits");
	jsonw_array(w);
	r = patch_put_edits(w, key_str(h, 0), e);
	jsonw_end(w);
	jsonw_end(w);
	return r;
}

/* ---- MCP, and what nobody described ------------------------------------- */

/* What the classifier takes for more readings of the same call. */
static void
put_readings(const struct hook *h, struct jsonw *w)
{
	jsonw_key(w, "annotations");
	jsonw_object(w);
	jsonw_key(w, "assent");
	jsonw_object(w);
	jsonw_key(w, "name");
	jsonw_str(w, h->mcp_name);
	jsonw_end(w);
	jsonw_end(w);
}

static int
put_mcp(
    const struct hook *h, struct jsonw *w, struct str server, struct str tool)
{
	action_begin(w, "mcp");
	jsonw_key(w, "server");
	jsonw_str(w, server);
	jsonw_key(w, "tool");
	jsonw_str(w, tool);
	jsonw_key(w, "args");
	if (h->doc.nodes[h->input].kind == DOC_OBJECT) {
		jsonw_raw(w, doc_raw(&h->doc, h->input));
	} else {
		jsonw_object(w);
		jsonw_key(w, "input");
		jsonw_raw(w, doc_raw(&h->doc, h->input));
		jsonw_end(w);
	}
	if (h->mcp_name.len > 0)
		put_readings(h, w);
	jsonw_end(w);
	return ERR_OK;
}

static int
put_kind(struct hook *h, struct jsonw *w, struct err *e)
{
	switch (h->tool->kind) {
	case KIND_SHELL:
	case KIND_TYPE:
		return put_shell(h, w);
	case KIND_ARGV:
		return put_words(h, w);
	case KIND_READ:
		return put_read(h, w);
	case KIND_LIST:
		return put_list(h, w);
	case KIND_GREP:
		return put_grep(h, w);
	case KIND_GLOB:
		return put_glob(h, w);
	case KIND_WRITE:
		return put_write(h, w);
	case KIND_CELL:
		return put_cell(h, w, e);
	case KIND_EDIT:
		return put_edit(h, w, e);
	case KIND_MULTI_EDIT:
		return put_multi_edit(h, w, e);
	case KIND_DELETE:
		return put_delete(h, w);
	case KIND_PATCH:
		return put_patch(h, w, e);
	case KIND_FETCH:
		return put_fetch(h, w);
	case KIND_FORM:
		return h->client->put(h, w);
	case KIND_OWN:
		return put_mcp(
		    h, w, str_of(h->client->own), str_of(h->tool_name));
	case KIND_UNKNOWN:
		break;
	}
	return ERR_NOTFOUND;
}

int
hook_put_call(struct hook *h, struct jsonw *w, struct err *e)
{
	int r;

	if (h->server.len > 0)
		return put_mcp(h, w, h->server, h->mcp_tool);
	r = put_kind(h, w, e);
	/* it lacks what it needs: then it is not the tool that we know */
	return r != ERR_NOTFOUND ? r
				 : put_mcp(h, w, str_of(h->client->undescribed),
				       str_of(h->tool_name));
}

/* ---- the whole ---------------------------------------------------------- */

bool
hook_rewrites(const struct hook *h)
{
	return h->event == HOOK_CALL && h->o.runner != NULL &&
	    h->o.mode == HOOK_ENFORCE && h->client->rewrites != NULL &&
	    h->server.len == 0 && h->tool->kind == KIND_SHELL &&
	    hook_text(h, h->input, h->client->rewrites) != NULL;
}

/* Where it runs: a folder of its own, if the call names one. */
static void
put_places(const struct hook *h, struct jsonw *w)
{
	const char *folder = h->tool->kind == KIND_SHELL && h->server.len == 0
	    ? key(h, 1)
	    : NULL;
	AUTO_BUF struct buf path = BUF_INIT(2 * PATH_BYTES_MAX);

	if (folder != NULL && folder[0] != '/')
		buf_printf(&path, "%s/%s", h->cwd, folder);
	else
		buf_puts(&path, folder == NULL ? h->cwd : folder);
	jsonw_kstr(w, "cwd", buf_cstr(&path));
	jsonw_kstr(
	    w, "workspace", h->o.workspace == NULL ? h->cwd : h->o.workspace);
}

static void
put_claims(const struct hook *h, struct jsonw *w)
{
	const char *why = hook_text(h, h->input, "description");

	if (why == NULL)
		why = hook_text(h, h->input, "justification");
	if (why == NULL)
		why = hook_text(h, h->input, "reason");
	if (hook_session(h) != NULL)
		jsonw_kstr(w, "session", hook_session(h));
	jsonw_key(w, "agent");
	jsonw_object(w);
	jsonw_kstr(w, "name", h->client->name);
	if (h->o.version != NULL)
		jsonw_kstr(w, "version", h->o.version);
	jsonw_end(w);
	if (why != NULL && strlen(why) <= REASON_BYTES_MAX)
		jsonw_kstr(w, "justification", why);
}

/* generic: the body is the action, but never one that runs here. */
static int
put_given(const struct hook *h, struct jsonw *w, struct err *e)
{
	const struct json_doc *d = &h->doc;
	size_t n;

	if (hook_node(h, 0, "execute") != 0)
		return err_set(e, ERR_INVALID,
		    "'execute' is for POST /v1/actions; a hook's client runs "
		    "the call itself");
	for (n = doc_first(d, 0); n < doc_end(d, 0); n = doc_next(d, n + 1)) {
		if (str_eq(doc_str(d, n), STR("executor")) ||
		    str_eq(doc_str(d, n), STR("call")) ||
		    str_eq(doc_str(d, n), STR("event")))
			continue;
		jsonw_key_str(w, doc_str(d, n));
		jsonw_raw(w, doc_raw(d, n + 1));
	}
	return ERR_OK;
}

int
hook_action(struct hook *h, struct buf *json, struct err *e)
{
	struct jsonw w = jsonw_on(json);
	int r;

	jsonw_object(&w);
	if (h->client->own == NULL) {
		r = put_given(h, &w, e);
	} else {
		r = hook_put_call(h, &w, e);
		if (r == 0) {
			put_places(h, &w);
			put_claims(h, &w);
		}
	}
	if (r != 0)
		return r;
	jsonw_kstr(&w, "executor", hook_rewrites(h) ? "assent" : "client");
	jsonw_end(&w);
	return buf_done(json, e);
}
