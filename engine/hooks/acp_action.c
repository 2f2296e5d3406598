/*
 * What an agent of the Agent Client Protocol wants, as an action of ours.
 * Runs in: assent.  Trusts: nothing; an agent says what its call is in a form
 * of its own.  Owns: nothing.
 */
#include <string.h>

#include "acp_int.h"
#include "action_begin.h"
#include "base/mem.h"
#include "model/limits.h"

#define SERVER "undescribed:acp"
#define READS_MAX 64
#define WORD_MAX 40

/* ---- small things -------------------------------------------------------- */

static void
end(struct jsonw *w, const char *cwd)
{
	jsonw_end(w);
	jsonw_kstr(w, "cwd", cwd);
}

static const char *
kind_of(const struct rpc *m, size_t call)
{
	const char *kind = rpc_text(m, call, "kind");

	return kind == NULL ? "" : kind;
}

static bool
is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* The first of these members that is a text, or NULL. */
static const char *
first_text(const struct rpc *m, size_t object, const char *const *names)
{
	for (size_t i = 0; object != 0 && names[i] != NULL; i++) {
		const char *text = rpc_text(m, object, names[i]);

		if (text != NULL)
			return text;
	}
	return NULL;
}

/* Every member is one of names. */
static bool
has_only(const struct rpc *m, size_t object, const char *const *names)
{
	const struct json_doc *d = &m->doc;

	for (size_t n = doc_first(d, object); n < doc_end(d, object);
	     n = doc_next(d, n + 1)) {
		bool known = false;

		for (size_t i = 0; names[i] != NULL && !known; i++)
			known = str_eqz(doc_str(d, n), names[i]);
		if (!known)
			return false;
	}
	return true;
}

/* ---- what nobody described ----------------------------------------------- */

static int
put_undescribed(struct jsonw *w, const struct acp_place *at,
    const struct rpc *m, size_t call)
{
	char word[WORD_MAX];
	const char *kind = kind_of(m, call);
	size_t n = 0;

	for (; kind[n] != '\0' && n + 1 < sizeof(word); n++)
		word[n] = (kind[n] >= 'a' && kind[n] <= 'z') ? kind[n] : '_';
	word[n] = '\0';
	action_begin(w, "mcp");
	jsonw_kstr(w, "server", SERVER);
	jsonw_kstr(w, "tool", n == 0 ? "other" : word);
	jsonw_key(w, "args");
	jsonw_raw(w, rpc_raw(m, call));
	end(w, at->cwd);
	return ERR_OK;
}

/* ---- commands ------------------------------------------------------------ */

/* Where it runs, if what was told before is the same command. */
static int
put_told_folder(
    struct jsonw *w, const struct acp_place *at, const char *command)
{
	AUTO(arena_freep) struct arena *a = arena_new(4 * BRIDGE_LINE_MAX);
	struct rpc told = RPC_INIT;
	const char *said = NULL, *folder = NULL;

	if (a != NULL && at->told.len > 0 &&
	    json_doc_parse(&told.doc, at->told, a, NULL) == 0) {
		said = rpc_text(&told, 0, "command");
		folder = rpc_text(&told, 0, "cwd");
		if (folder == NULL)
			folder = rpc_text(&told, 0, "workdir");
	}
	if (said == NULL || !is(said, command) || folder == NULL ||
	    folder[0] != '/')
		folder = at->cwd;
	end(w, folder);
	json_doc_done(&told.doc);
	return ERR_OK;
}

static int
put_command(struct jsonw *w, const struct acp_place *at, const struct rpc *m,
    size_t call, size_t input)
{
	static const char *const known[] = { "command", "commands",
		"description", "cwd", "workdir", "timeout", NULL };
	static const char *const folders[] = { "cwd", "workdir", NULL };
	const char *command = rpc_text(m, input, "command");
	const char *folder = first_text(m, input, folders);

	if (command == NULL || !has_only(m, input, known) ||
	    (folder != NULL && folder[0] != '/'))
		return put_undescribed(w, at, m, call);
	action_begin(w, "shell");
	jsonw_kstr(w, "script", command);
	if (folder == NULL)
		return put_told_folder(w, at, command);
	end(w, folder);
	return ERR_OK;
}

/* "[current working directory /proj] (what the model says of it)" */
static struct str
folder_of_content(const struct rpc *m, size_t call)
{
	static const char before[] = "[current working directory ";
	const size_t content = rpc_node(m, call, "content");
	const size_t first =
	    content != 0 && m->doc.nodes[content].kind == DOC_ARRAY
	    ? doc_first(&m->doc, content)
	    : 0;
	const size_t inner = first != 0 && first < doc_end(&m->doc, content)
	    ? rpc_node(m, first, "content")
	    : 0;
	const char *text = inner == 0 ? NULL : rpc_text(m, inner, "text");
	struct str rest;

	if (text == NULL || !str_starts(str_of(text), str_of(before)))
		return STR_NONE;
	rest = str_from(str_of(text), strlen(before));
	return str_head(rest, str_search(rest, STR("] (")));
}

/* The title is text for a person; of an agent that says its command nowhere
 * else it is the command, unless it may have been cut. */
static int
put_title(struct jsonw *w, const struct acp_place *at, const struct rpc *m,
    size_t call)
{
	AUTO_BUF struct buf folder = BUF_INIT(PATH_BYTES_MAX);
	const char *title = rpc_text(m, call, "title");
	const struct str text = title == NULL ? STR_NONE : str_of(title);
	struct str found = folder_of_content(m, call);

	if (!at->title_is_command || text.len == 0 ||
	    str_ends(text, STR("...")) || str_ends(text, STR("\xe2\x80\xa6")))
		return put_undescribed(w, at, m, call);
	if (str_ends(found, STR("]")))
		found = str_head(found, found.len - 1);
	action_begin(w, "shell");
	jsonw_key(w, "script");
	jsonw_str(w, text);
	if (str_starts(found, STR("/")))
		buf_put_str(&folder, found);
	else
		buf_puts(&folder, at->cwd);
	if (buf_done(&folder, NULL) != 0)
		return ERR_LIMIT;
	end(w, buf_cstr(&folder));
	return ERR_OK;
}

/* ---- files --------------------------------------------------------------- */

struct edits {
	const char *paths[EDITS_MAX];
	size_t count;
};

static bool
has_path(const struct edits *x, const char *path)
{
	for (size_t i = 0; i < x->count; i++) {
		if (is(x->paths[i], path))
			return true;
	}
	return false;
}

/* What it says that it touches, it changes. */
static bool
covers_locations(const struct edits *x, const struct rpc *m, size_t call)
{
	const size_t list = rpc_node(m, call, "locations");

	if (list == 0 || m->doc.nodes[list].kind != DOC_ARRAY)
		return true;
	for (size_t n = doc_first(&m->doc, list); n < doc_end(&m->doc, list);
	     n = doc_next(&m->doc, n)) {
		const char *path = rpc_text(m, n, "path");

		if (path == NULL || !has_path(x, path))
			return false;
	}
	return true;
}

static bool
add_path(struct edits *x, const char *path)
{
	if (path == NULL || path[0] != '/' || x->count == EDITS_MAX)
		return false;
	x->paths[x->count++] = path;
	return true;
}

/* The diffs of its content; false: one of them is none. */
static bool
find_diffs(struct edits *x, const struct rpc *m, size_t content)
{
	if (content == 0 || m->doc.nodes[content].kind != DOC_ARRAY)
		return true;
	for (size_t n = doc_first(&m->doc, content);
	     n < doc_end(&m->doc, content); n = doc_next(&m->doc, n)) {
		const char *type = rpc_text(m, n, "type");

		if (type == NULL || !is(type, "diff"))
			continue;
		if (rpc_text(m, n, "newText") == NULL ||
		    !add_path(x, rpc_text(m, n, "path")))
			return false;
	}
	return true;
}

static void
put_edit(struct jsonw *w, const char *path, const char *op, const char *key,
    const char *text)
{
	jsonw_object(w);
	jsonw_kstr(w, "path", path);
	jsonw_kstr(w, "op", op);
	jsonw_kstr(w, key, text);
	jsonw_end(w);
}

static void
put_diffs(struct jsonw *w, const struct rpc *m, size_t content)
{
	for (size_t n = doc_first(&m->doc, content);
	     n < doc_end(&m->doc, content); n = doc_next(&m->doc, n)) {
		const char *type = rpc_text(m, n, "type");

		if (type != NULL && is(type, "diff"))
			put_edit(w, rpc_text(m, n, "path"), "replace",
			    "content", rpc_text(m, n, "newText"));
	}
}

static int
put_edits(struct jsonw *w, const struct acp_place *at, const struct rpc *m,
    size_t call, size_t input)
{
	static const char *const names[] = { "filepath", "filePath", "fileName",
		"path", NULL };
	AUTO_FREE struct edits *x = mem_new(1, sizeof(*x));
	const size_t content = rpc_node(m, call, "content");
	const char *path = first_text(m, input, names);
	const char *diff = input == 0 ? NULL : rpc_text(m, input, "diff");
	bool whole = x != NULL && find_diffs(x, m, content), by_patch;

	if (x == NULL)
		return ERR_NOMEM;
	by_patch = whole && x->count == 0;
	if (by_patch)
		whole = diff != NULL && add_path(x, path);
	if (!whole || !covers_locations(x, m, call))
		return put_undescribed(w, at, m, call);
	action_begin(w, "file");
	jsonw_key(w, "edits");
	jsonw_array(w);
	if (by_patch)
		put_edit(w, path, "patch", "patch", diff);
	else
		put_diffs(w, m, content);
	jsonw_end(w);
	end(w, at->cwd);
	return ERR_OK;
}

/* What is read by a client is judged as the program that reads it so. */
static int
put_reads(struct jsonw *w, const struct acp_place *at, const char *const *paths)
{
	action_begin(w, "exec");
	jsonw_key(w, "argv");
	jsonw_array(w);
	jsonw_cstr(w, "cat");
	jsonw_cstr(w, "--");
	for (; *paths != NULL; paths++)
		jsonw_cstr(w, *paths);
	jsonw_end(w);
	end(w, at->cwd);
	return ERR_OK;
}

static int
put_read(struct jsonw *w, const struct acp_place *at, const struct rpc *m,
    size_t call)
{
	const size_t list = rpc_node(m, call, "locations");
	const char *paths[READS_MAX + 1] = { NULL };
	size_t count = 0;

	if (list == 0 || m->doc.nodes[list].kind != DOC_ARRAY)
		return put_undescribed(w, at, m, call);
	for (size_t n = doc_first(&m->doc, list); n < doc_end(&m->doc, list);
	     n = doc_next(&m->doc, n)) {
		const char *path = rpc_text(m, n, "path");

		if (path == NULL || path[0] != '/' || count == READS_MAX)
			return put_undescribed(w, at, m, call);
		paths[count++] = path;
	}
	return count == 0 ? put_undescribed(w, at, m, call)
			  : put_reads(w, at, paths);
}

static int
put_fetch(struct jsonw *w, const struct acp_place *at, const struct rpc *m,
    size_t call, size_t input)
{
	static const char *const known[] = { "url", "format", "timeout", NULL };
	const char *url = input == 0 ? NULL : rpc_text(m, input, "url");

	if (url == NULL || !has_only(m, input, known))
		return put_undescribed(w, at, m, call);
	action_begin(w, "fetch");
	jsonw_kstr(w, "method", "GET");
	jsonw_kstr(w, "url", url);
	end(w, at->cwd);
	return ERR_OK;
}

int
acp_put_call(struct jsonw *w, const struct acp_place *at, const struct rpc *m,
    size_t call, struct err *e)
{
	const char *kind = kind_of(m, call);
	const size_t raw = rpc_node(m, call, "rawInput");
	const size_t input = raw != 0 && rpc_is_object(m, raw) ? raw : 0;
	int r;

	if (is(kind, "execute"))
		r = input != 0 ? put_command(w, at, m, call, input)
			       : put_title(w, at, m, call);
	else if (is(kind, "edit"))
		r = put_edits(w, at, m, call, input);
	else if (is(kind, "read"))
		r = put_read(w, at, m, call);
	else if (is(kind, "fetch"))
		r = put_fetch(w, at, m, call, input);
	else
		r = put_undescribed(w, at, m, call);
	return r == 0 ? r : err_set(e, r, "the call is too long to be judged");
}

/* ---- what the editor is to do -------------------------------------------- */

int
acp_put_file(struct jsonw *w, const struct acp_place *at, const struct rpc *m,
    struct err *e)
{
	const char *path = rpc_text(m, m->params, "path");
	const char *content = rpc_text(m, m->params, "content");

	if (path == NULL || path[0] != '/')
		return err_set(e, ERR_INVALID, "'path' must be absolute");
	if (rpc_is(m, "fs/read_text_file"))
		return put_reads(w, at, (const char *const[]){ path, NULL });
	if (content == NULL)
		return err_set(e, ERR_INVALID, "'content' is missing");
	action_begin(w, "file");
	jsonw_key(w, "edits");
	jsonw_array(w);
	put_edit(w, path, "replace", "content", content);
	jsonw_end(w);
	end(w, at->cwd);
	return ERR_OK;
}

static bool
is_plain_word(const char *s)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_./:=,+@%";

	return s[0] != '\0' && s[strspn(s, letters)] == '\0';
}

static void
put_quoted(struct buf *out, const char *s)
{
	buf_putc(out, '\'');
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, *s);
	}
	buf_putc(out, '\'');
}

/*
 * One editor starts the program with its words, another one gives them all to
 * a shell. Where that is not the same, both are judged: a line for each.
 */
static int
put_words(
    struct buf *script, const struct rpc *m, const char *command, size_t args)
{
	AUTO_BUF struct buf words = BUF_INIT(SCRIPT_BYTES_MAX);
	AUTO_BUF struct buf shell = BUF_INIT(SCRIPT_BYTES_MAX);
	bool plain = is_plain_word(command);

	put_quoted(&words, command);
	buf_puts(&shell, command);
	for (size_t n = args == 0 ? 0 : doc_first(&m->doc, args);
	     args != 0 && n < doc_end(&m->doc, args);
	     n = doc_next(&m->doc, n)) {
		if (m->doc.nodes[n].kind != DOC_STRING)
			return ERR_INVALID;
		plain = plain && is_plain_word(m->doc.nodes[n].s);
		buf_putc(&words, ' ');
		put_quoted(&words, m->doc.nodes[n].s);
		buf_printf(&shell, " %s", m->doc.nodes[n].s);
	}
	/* a text without words of its own is a shell's, for nobody finds a
	 * program of that name */
	if (!plain && args != 0 &&
	    doc_first(&m->doc, args) < doc_end(&m->doc, args)) {
		buf_put_str(script, buf_str(&words));
		buf_putc(script, '\n');
	}
	buf_put_str(script, buf_str(&shell));
	return buf_done(&words, NULL) != 0 || buf_done(&shell, NULL) != 0
	    ? ERR_LIMIT
	    : buf_done(script, NULL);
}

static int
put_env(struct jsonw *w, const struct rpc *m, size_t env)
{
	if (env == 0)
		return ERR_OK;
	if (m->doc.nodes[env].kind != DOC_ARRAY)
		return ERR_INVALID;
	jsonw_key(w, "env");
	jsonw_object(w);
	for (size_t n = doc_first(&m->doc, env); n < doc_end(&m->doc, env);
	     n = doc_next(&m->doc, n)) {
		const char *name = rpc_text(m, n, "name");
		const char *value = rpc_text(m, n, "value");

		if (name == NULL || value == NULL)
			return ERR_INVALID;
		jsonw_kstr(w, name, value);
	}
	jsonw_end(w);
	return ERR_OK;
}

int
acp_put_terminal(struct jsonw *w, const struct acp_place *at,
    const struct rpc *m, struct err *e)
{
	AUTO_BUF struct buf script = BUF_INIT(2 * SCRIPT_BYTES_MAX);
	const char *command = rpc_text(m, m->params, "command");
	const char *cwd = rpc_text(m, m->params, "cwd");
	const size_t args = rpc_node(m, m->params, "args");
	int r = ERR_INVALID;

	if (command != NULL &&
	    (args == 0 || m->doc.nodes[args].kind == DOC_ARRAY))
		r = put_words(&script, m, command, args);
	if (r == 0 && cwd != NULL && cwd[0] != '/')
		r = ERR_INVALID;
	if (r == 0) {
		action_begin(w, "shell");
		jsonw_key(w, "script");
		jsonw_str(w, buf_str(&script));
		r = put_env(w, m, rpc_node(m, m->params, "env"));
		end(w, cwd == NULL ? at->cwd : cwd);
	}
	return r == 0
	    ? r
	    : err_set(
		  e, r, "'command', 'args', 'env' or 'cwd' has another form");
}
