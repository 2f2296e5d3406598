/*
 * Hosts, tools of MCP servers and permissions that Codex asks for.
 * Runs in: front, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "codex_put.h"

#include <string.h>

#include "action_begin.h"
#include "base/mem.h"
#include "model/limits.h"

#define UNDESCRIBED "undescribed:codex"
#define PORT_MAX 65535

/* ---- small things -------------------------------------------------------- */

static size_t
member(const struct json_doc *d, size_t object, const char *name)
{
	const size_t node = object != 0 && d->nodes[object].kind == DOC_OBJECT
	    ? doc_get(d, object, str_of(name))
	    : 0;

	/* Codex writes null for what is not there */
	return node != 0 && d->nodes[node].kind == DOC_NULL ? 0 : node;
}

static bool
is_null_or(const struct json_doc *d, size_t node, enum doc_kind kind)
{
	return node == 0 || d->nodes[node].kind == kind;
}

static bool
has_only(const struct json_doc *d, size_t object, const char *const *names)
{
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

void
codex_put_undescribed(struct jsonw *w, const char *what, struct str args)
{
	action_begin(w, "mcp");
	jsonw_kstr(w, "server", UNDESCRIBED);
	jsonw_kstr(w, "tool", what);
	jsonw_key(w, "args");
	jsonw_raw(w, args);
	jsonw_end(w);
}

/* ---- hosts --------------------------------------------------------------- */

static bool
is_host(const char *host)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:";

	return host != NULL && host[0] != '\0' &&
	    host[strspn(host, letters)] == '\0';
}

int
codex_put_host(struct jsonw *w, const char *host, int64_t port)
{
	AUTO_BUF struct buf text = BUF_INIT(PATH_BYTES_MAX);

	if (!is_host(host) || port < 1 || port > PORT_MAX)
		return ERR_NOTFOUND;
	buf_printf(&text, strchr(host, ':') != NULL ? "[%s]:%d" : "%s:%d", host,
	    (int)port);
	if (buf_done(&text, NULL) != 0)
		return ERR_NOTFOUND;
	action_begin(w, "permission");
	jsonw_key(w, "hosts");
	jsonw_array(w);
	jsonw_str(w, buf_str(&text));
	jsonw_end(w);
	jsonw_end(w);
	return ERR_OK;
}

/* ---- tools of MCP servers ------------------------------------------------ */

/* What the server says of its tool; each under the name that MCP has. */
static void
put_annotations(struct jsonw *w, const struct json_doc *d, size_t from)
{
	static const char *const names[][2] = {
		{ "readOnlyHint", "read_only_hint" },
		{ "destructiveHint", "destructive_hint" },
		{ "idempotentHint", "idempotent_hint" },
		{ "openWorldHint", "open_world_hint" },
	};

	jsonw_key(w, "annotations");
	jsonw_object(w);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t node = member(d, from, names[i][0]);

		if (node == 0)
			node = member(d, from, names[i][1]);
		if (node != 0 &&
		    (d->nodes[node].kind == DOC_TRUE ||
			d->nodes[node].kind == DOC_FALSE))
			jsonw_kbool(
			    w, names[i][0], d->nodes[node].kind == DOC_TRUE);
	}
	jsonw_end(w);
}

static int
put_call(struct jsonw *w, const struct json_doc *d, const struct codex_mcp *m)
{
	if (m->tool.len == 0 || !is_null_or(d, m->args, DOC_OBJECT))
		return ERR_NOTFOUND;
	action_begin(w, "mcp");
	jsonw_key(w, "server");
	jsonw_str(w, m->server);
	jsonw_key(w, "tool");
	jsonw_str(w, m->tool);
	jsonw_key(w, "args");
	jsonw_raw(w, m->args == 0 ? STR("{}") : doc_raw(d, m->args));
	put_annotations(w, d, m->annotations);
	jsonw_end(w);
	return ERR_OK;
}

int
codex_put_mcp(
    struct jsonw *w, const struct json_doc *d, const struct codex_mcp *m)
{
	/* a colon stands in names of ours alone: "client:codex" */
	if (m->server.len == 0 || str_find(m->server, ':') < m->server.len)
		return ERR_NOTFOUND;
	return put_call(w, d, m);
}

int
codex_put_tool(
    struct jsonw *w, const struct json_doc *d, struct str tool, size_t args)
{
	const struct codex_mcp call = {
		.server = STR("dynamic:codex"),
		.tool = tool,
		.args = args,
	};

	return put_call(w, d, &call);
}

/* ---- permissions --------------------------------------------------------- */

struct wanted {
	const struct json_doc *d;
	size_t read, write, entries; /* nodes of lists; 0: none */
	bool network;
};

static bool
is_absolute(const struct json_doc *d, size_t node)
{
	return node != 0 && d->nodes[node].kind == DOC_STRING &&
	    d->nodes[node].s[0] == '/';
}

/* One that is not there has nothing else in it either. */
static bool
is_list_of(const struct json_doc *d, size_t list,
    bool (*is_one)(const struct json_doc *d, size_t node))
{
	if (list == 0)
		return true;
	if (d->nodes[list].kind != DOC_ARRAY)
		return false;
	for (size_t n = doc_first(d, list); n < doc_end(d, list);
	     n = doc_next(d, n)) {
		if (!is_one(d, n))
			return false;
	}
	return true;
}

static bool
is_word(
    const struct json_doc *d, size_t object, const char *name, const char *word)
{
	const size_t node = member(d, object, name);

	return node != 0 && d->nodes[node].kind == DOC_STRING &&
	    strcmp(d->nodes[node].s, word) == 0;
}

/* {"path": {"type": "path", "path": ".."}, "access": "read" | "write"} */
static bool
is_entry(const struct json_doc *d, size_t entry)
{
	static const char *const names[] = { "path", "access", NULL };
	static const char *const inner[] = { "type", "path", NULL };
	const size_t path = member(d, entry, "path");

	return d->nodes[entry].kind == DOC_OBJECT && path != 0 &&
	    d->nodes[path].kind == DOC_OBJECT && has_only(d, entry, names) &&
	    has_only(d, path, inner) && is_word(d, path, "type", "path") &&
	    is_absolute(d, member(d, path, "path")) &&
	    (is_word(d, entry, "access", "read") ||
		is_word(d, entry, "access", "write"));
}

static bool
take_files(struct wanted *x, size_t files)
{
	static const char *const names[] = { "read", "write", "entries", NULL };

	if (files == 0)
		return true;
	if (x->d->nodes[files].kind != DOC_OBJECT ||
	    !has_only(x->d, files, names))
		return false;
	x->read = member(x->d, files, "read");
	x->write = member(x->d, files, "write");
	x->entries = member(x->d, files, "entries");
	return is_list_of(x->d, x->read, is_absolute) &&
	    is_list_of(x->d, x->write, is_absolute) &&
	    is_list_of(x->d, x->entries, is_entry);
}

static bool
take_network(struct wanted *x, size_t network)
{
	static const char *const names[] = { "enabled", NULL };
	const size_t enabled = member(x->d, network, "enabled");

	if (network == 0)
		return true;
	x->network = enabled != 0 && x->d->nodes[enabled].kind == DOC_TRUE;
	return x->d->nodes[network].kind == DOC_OBJECT &&
	    has_only(x->d, network, names) &&
	    (enabled == 0 || x->network ||
		x->d->nodes[enabled].kind == DOC_FALSE);
}

/* Codex says the same twice, in the old list and in the new one. */
static bool
is_among_entries(const struct wanted *x, const char *access, struct str path)
{
	const struct json_doc *d = x->d;

	for (size_t n = x->entries == 0 ? 0 : doc_first(d, x->entries);
	     x->entries != 0 && n < doc_end(d, x->entries);
	     n = doc_next(d, n)) {
		const size_t own = member(d, member(d, n, "path"), "path");

		if (is_word(d, n, "access", access) &&
		    str_eq(doc_str(d, own), path))
			return true;
	}
	return false;
}

static void
put_paths(struct jsonw *w, const struct wanted *x, const char *access)
{
	const struct json_doc *d = x->d;
	const size_t list = strcmp(access, "read") == 0 ? x->read : x->write;

	jsonw_key(w, access);
	jsonw_array(w);
	for (size_t n = list == 0 ? 0 : doc_first(d, list);
	     list != 0 && n < doc_end(d, list); n = doc_next(d, n)) {
		if (!is_among_entries(x, access, doc_str(d, n)))
			jsonw_str(w, doc_str(d, n));
	}
	for (size_t n = x->entries == 0 ? 0 : doc_first(d, x->entries);
	     x->entries != 0 && n < doc_end(d, x->entries);
	     n = doc_next(d, n)) {
		if (is_word(d, n, "access", access))
			jsonw_str(w,
			    doc_str(
				d, member(d, member(d, n, "path"), "path")));
	}
	jsonw_end(w);
}

int
codex_put_permissions(
    struct jsonw *w, const struct json_doc *d, size_t permissions)
{
	static const char *const names[] = { "network", "file_system",
		"fileSystem", NULL };
	struct wanted x = { .d = d };
	size_t files;

	if (permissions == 0 || d->nodes[permissions].kind != DOC_OBJECT ||
	    !has_only(d, permissions, names))
		return ERR_NOTFOUND;
	files = member(d, permissions, "fileSystem");
	if (files != 0 && member(d, permissions, "file_system") != 0)
		return ERR_NOTFOUND;
	if (files == 0)
		files = member(d, permissions, "file_system");
	if (!take_files(&x, files) ||
	    !take_network(&x, member(d, permissions, "network")) ||
	    (!x.network && x.read == 0 && x.write == 0 && x.entries == 0))
		return ERR_NOTFOUND;
	action_begin(w, "permission");
	put_paths(w, &x, "read");
	put_paths(w, &x, "write");
	/* all of it: Codex knows no single hosts here */
	if (x.network) {
		jsonw_key(w, "hosts");
		jsonw_array(w);
		jsonw_cstr(w, "*");
		jsonw_end(w);
	}
	jsonw_end(w);
	return ERR_OK;
}
