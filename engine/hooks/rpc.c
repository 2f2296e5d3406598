/*
 * JSON-RPC messages of MCP and ACP.
 * Runs in: front, assent.  Trusts: nothing of a message.  Owns: a copy of it.
 */
#include "rpc.h"

#include <string.h>

#include "base/mem.h"

#define RPC_ARENA_MAX ((size_t)64 << 20)
#define NAME_FOLDED_MAX 64
#define TWINS_MAX 256 /* members of one object that are compared */

static const char *const members[] = { "jsonrpc", "id", "method", "params",
	"result", "error", NULL };

void
rpc_done(struct rpc *m)
{
	json_doc_done(&m->doc);
	arena_free(m->arena);
	*m = (struct rpc)RPC_INIT;
}

bool
rpc_is(const struct rpc *m, const char *method)
{
	return m->method != NULL && strcmp(m->method, method) == 0;
}

size_t
rpc_node(const struct rpc *m, size_t object, const char *name)
{
	if (m->doc.count == 0 || m->doc.nodes[object].kind != DOC_OBJECT)
		return 0;
	return doc_get(&m->doc, object, str_of(name));
}

const char *
rpc_text(const struct rpc *m, size_t object, const char *name)
{
	const size_t node = rpc_node(m, object, name);

	return node != 0 && m->doc.nodes[node].kind == DOC_STRING
	    ? m->doc.nodes[node].s
	    : NULL;
}

struct str
rpc_raw(const struct rpc *m, size_t node)
{
	return doc_raw(&m->doc, node);
}

bool
rpc_is_object(const struct rpc *m, size_t node)
{
	return node < m->doc.count && m->doc.nodes[node].kind == DOC_OBJECT;
}

/* ---- other spellings ----------------------------------------------------- */

/*
 * As readers that do not mind case fold it: letters of ASCII, and the two
 * signs beyond it that Unicode folds to such letters (U+017F, U+212A).
 */
static size_t
fold(struct str name, char ret[static NAME_FOLDED_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < name.len; i++) {
		const char c = name.s[i];
		char folded = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;

		if (str_starts(str_from(name, i), STR("\xc5\xbf"))) {
			folded = 's';
			i += 1;
		} else if (str_starts(str_from(name, i), STR("\xe2\x84\xaa"))) {
			folded = 'k';
			i += 2;
		}
		if (n == NAME_FOLDED_MAX)
			return 0;
		ret[n++] = folded;
	}
	return n;
}

static bool
looks_like(struct str name, struct str other)
{
	char a[NAME_FOLDED_MAX], b[NAME_FOLDED_MAX];
	const size_t n = fold(name, a);

	return n > 0 && n == fold(other, b) && memcmp(a, b, n) == 0;
}

bool
rpc_looks_like_str(struct str name, const char *const *names)
{
	for (size_t i = 0; names[i] != NULL; i++) {
		if (looks_like(str_trim(name), str_of(names[i])))
			return true;
	}
	return false;
}

bool
rpc_looks_like(const char *name, const char *const *names)
{
	return rpc_looks_like_str(str_of(name), names);
}

bool
rpc_has_double(const struct rpc *m, size_t object, const char *const *names)
{
	const struct json_doc *d = &m->doc;

	if (!rpc_is_object(m, object))
		return false;
	for (size_t n = doc_first(d, object); n < doc_end(d, object);
	     n = doc_next(d, n + 1)) {
		for (size_t i = 0; names[i] != NULL; i++) {
			if (!str_eqz(doc_str(d, n), names[i]) &&
			    looks_like(doc_str(d, n), str_of(names[i])))
				return true;
		}
	}
	return false;
}

bool
rpc_has_twins(const struct rpc *m, size_t object)
{
	const struct json_doc *d = &m->doc;
	struct str seen[TWINS_MAX];
	size_t count = 0;

	if (!rpc_is_object(m, object))
		return false;
	for (size_t n = doc_first(d, object); n < doc_end(d, object);
	     n = doc_next(d, n + 1)) {
		for (size_t i = 0; i < count; i++) {
			if (looks_like(doc_str(d, n), seen[i]))
				return true;
		}
		/* more than that is no object of arguments */
		if (count == TWINS_MAX)
			return true;
		seen[count++] = doc_str(d, n);
	}
	return false;
}

/* ---- reading ------------------------------------------------------------- */

static bool
is_member(struct str name)
{
	for (size_t i = 0; members[i] != NULL; i++) {
		if (str_eqz(name, members[i]))
			return true;
	}
	return false;
}

/* What is not of JSON-RPC could be a member to another reader. */
static int
check_members(const struct rpc *m, struct err *e)
{
	const struct json_doc *d = &m->doc;

	for (size_t n = doc_first(d, 0); n < doc_end(d, 0);
	     n = doc_next(d, n + 1)) {
		if (!is_member(doc_str(d, n)))
			return err_set(e, ERR_INVALID,
			    "a message has no member '%.*s'",
			    STR_ARG(str_head(doc_str(d, n), 40)));
	}
	return ERR_OK;
}

static int
take_id(struct rpc *m, struct err *e)
{
	const size_t id = rpc_node(m, 0, "id");
	const enum doc_kind kind =
	    id == 0 ? DOC_INVALID : m->doc.nodes[id].kind;

	if (id == 0 || (kind == DOC_NULL && m->method == NULL))
		return ERR_OK;
	if ((kind != DOC_STRING && kind != DOC_NUMBER) ||
	    doc_raw(&m->doc, id).len > RPC_ID_MAX)
		return err_set(e, ERR_INVALID,
		    "'id' must be a number or a text of at most %d bytes",
		    RPC_ID_MAX);
	m->id = doc_raw(&m->doc, id);
	return ERR_OK;
}

static int
take_kind(struct rpc *m, struct err *e)
{
	const size_t error = rpc_node(m, 0, "error");

	m->result = rpc_node(m, 0, "result");
	m->params = rpc_node(m, 0, "params");
	if (m->method != NULL && m->result == 0 && error == 0) {
		m->kind = m->id.len > 0 ? RPC_REQUEST : RPC_NOTIFICATION;
		return ERR_OK;
	}
	if (m->method != NULL || (m->result != 0) == (error != 0))
		return err_set(e, ERR_INVALID,
		    m->method != NULL ? "a message is a question or an answer"
				      : "'method' is missing");
	m->kind = error != 0 ? RPC_ERROR : RPC_RESULT;
	return ERR_OK;
}

static int
check_version(const struct rpc *m, bool bare, struct err *e)
{
	const char *version = rpc_text(m, 0, "jsonrpc");

	if (bare && rpc_node(m, 0, "jsonrpc") == 0)
		return ERR_OK;
	if (version == NULL || strcmp(version, "2.0") != 0)
		return err_set(e, ERR_INVALID, "'jsonrpc' must be \"2.0\"");
	return ERR_OK;
}

static int
take(struct rpc *m, bool bare, struct err *e)
{
	int r;

	m->method = rpc_text(m, 0, "method");
	r = take_id(m, e);
	if (r == 0)
		r = check_version(m, bare, e);
	if (r == 0 && !bare)
		r = check_members(m, e);
	if (r == 0 && bare && rpc_has_double(m, 0, members))
		r = err_set(e, ERR_INVALID,
		    "a member of a message is spelled as another one");
	return r != 0 ? r : take_kind(m, e);
}

static int
read_message(struct rpc *m, struct str line, bool bare, struct err *e)
{
	char *copy;
	int r;

	rpc_done(m);
	m->arena = arena_new(RPC_ARENA_MAX);
	copy = m->arena == NULL
	    ? NULL
	    : arena_strndup(m->arena, line.s == NULL ? "" : line.s, line.len);
	if (copy == NULL)
		return err_nomem(e);
	r = json_doc_parse(&m->doc, str_n(copy, line.len), m->arena, e);
	if (r != 0) {
		json_doc_done(&m->doc);
		m->doc = (struct json_doc)JSON_DOC_INIT;
		return r;
	}
	if (m->doc.nodes[0].kind == DOC_ARRAY) {
		m->kind = RPC_BATCH;
		return ERR_OK;
	}
	if (m->doc.nodes[0].kind != DOC_OBJECT)
		return err_set(e, ERR_INVALID, "a message must be one object");
	return take(m, bare, e);
}

int
rpc_read(struct rpc *m, struct str line, struct err *e)
{
	return read_message(m, line, false, e);
}

int
rpc_read_bare(struct rpc *m, struct str line, struct err *e)
{
	return read_message(m, line, true, e);
}

/* ---- writing ------------------------------------------------------------- */

static struct jsonw
begin(struct buf *out, struct str id)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "jsonrpc", "2.0");
	jsonw_key(&w, "id");
	if (id.len == 0)
		jsonw_null(&w);
	else
		jsonw_raw(&w, id);
	return w;
}

void
rpc_put_error(
    struct buf *out, struct str id, enum rpc_error code, const char *why)
{
	struct jsonw w = begin(out, id);

	jsonw_key(&w, "error");
	jsonw_object(&w);
	jsonw_kint(&w, "code", code);
	jsonw_kstr(&w, "message", why);
	jsonw_end(&w);
	jsonw_end(&w);
}

struct jsonw
rpc_begin_result(struct buf *out, struct str id)
{
	struct jsonw w = begin(out, id);

	jsonw_key(&w, "result");
	return w;
}

struct jsonw
rpc_begin_notification(struct buf *out, const char *method)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "jsonrpc", "2.0");
	jsonw_kstr(&w, "method", method);
	jsonw_key(&w, "params");
	return w;
}

struct jsonw
rpc_begin_request(struct buf *out, const char *id, const char *method)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "jsonrpc", "2.0");
	jsonw_kstr(&w, "id", id);
	jsonw_kstr(&w, "method", method);
	jsonw_key(&w, "params");
	return w;
}
