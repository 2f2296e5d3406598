/*
 * A hook from the client's bytes to an event that is understood.
 * Runs in: front, assent.  Trusts: nothing of the bytes.  Owns: a copy of
 * them and what was found in it.
 */
#include "hooks.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "hook_int.h"

void
hook_output_done(struct hook_output *o)
{
	buf_free(&o->out);
	buf_free(&o->problem);
}

static const struct hook_client *
client_of(struct str name)
{
	for (size_t i = 0; hook_client_table[i] != NULL; i++) {
		if (str_eqz(name, hook_client_table[i]->name))
			return hook_client_table[i];
	}
	return NULL;
}

int
hook_new(struct str client, const struct hook_options *options,
    struct hook **ret, struct err *e)
{
	const struct hook_client *found = client_of(client);
	struct hook *h;

	if (found == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "there is no client '%.*s'; name one of them: "
		    "claude-code, codex, gemini, copilot, cursor, opencode, "
		    "codex-guardian, opa, kubernetes, generic",
		    STR_ARG(str_head(client, NAME_BYTES_MAX)));
	h = mem_new(1, sizeof(*h));
	if (h == NULL)
		return err_nomem(e);
	h->client = found;
	h->names = found->names;
	h->o = *options;
	*ret = h;
	return ERR_OK;
}

void
hook_free(struct hook *h)
{
	if (h == NULL)
		return;
	json_doc_done(&h->doc);
	arena_free(h->arena);
	free(h);
}

void
hook_freep(struct hook **h)
{
	hook_free(*h);
	*h = NULL;
}

size_t
hook_node(const struct hook *h, size_t object, const char *name)
{
	if (name == NULL || h->doc.count == 0 ||
	    h->doc.nodes[object].kind != DOC_OBJECT)
		return 0;
	return doc_get(&h->doc, object, str_of(name));
}

const char *
hook_text(const struct hook *h, size_t object, const char *name)
{
	const size_t node = hook_node(h, object, name);

	if (node == 0 || h->doc.nodes[node].kind != DOC_STRING)
		return NULL;
	return h->doc.nodes[node].s;
}

enum hook_event
hook_event(const struct hook *h)
{
	return h->event;
}

const char *
hook_cwd(const struct hook *h)
{
	return h->cwd;
}

/* generic names its own. */
bool
hook_has_workspace(const struct hook *h)
{
	return h->o.workspace != NULL || h->client->own == NULL;
}

static int
keep(struct hook *h, const char *text, const char **to, struct err *e)
{
	assert(h->arena != NULL);
	*to = arena_strdup(h->arena, text);
	return *to == NULL ? err_nomem(e) : ERR_OK;
}

int
hook_set_workspace(struct hook *h, const char *folder, struct err *e)
{
	return keep(h, folder, &h->o.workspace, e);
}

int
hook_set_runner(struct hook *h, const char *program, struct err *e)
{
	return keep(h, program, &h->o.runner, e);
}

void
hook_set_mode(struct hook *h, enum hook_mode mode)
{
	h->o.mode = mode;
}

const char *
hook_session(const struct hook *h)
{
	return h->session_name[0] == '\0' ? NULL : h->session_name;
}

const char *
hook_key(const struct hook *h)
{
	return h->key;
}

/* ---- names of ours ------------------------------------------------------ */

/* The name that a client gives is its own; ours says whose it is, and has a
 * form that fits wherever a name goes. */
static int
name_of(const struct hook *h, const char *what, const char *call,
    char ret[static HOOK_KEY_MAX], struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(HTTP_BODY_BYTES_MAX);
	AUTO_BUF struct buf hex = BUF_INIT(HOOK_KEY_MAX);
	uint8_t digest[SHA256_LEN];
	int r;

	buf_printf(&text, "%s %s", h->client->name, what);
	rec_put_cstr(&text, h->session);
	rec_put_cstr(&text, call);
	r = buf_done(&text, e);
	if (r == 0)
		r = sha256_of(text.s, text.len, digest, e);
	if (r != 0)
		return r;
	text_hex(&hex, digest, SHA256_LEN / 2);
	(void)snprintf(ret, HOOK_KEY_MAX, "%s:%s", h->client->name, hex.s);
	return ERR_OK;
}

static bool
is_plain_name(const char *s)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.";

	return s[0] != '\0' && s[strspn(s, letters)] == '\0';
}

static int
name_session(struct hook *h, struct err *e)
{
	int n;

	if (h->session == NULL)
		return ERR_OK;
	/* generic is us: a session there is what it is everywhere */
	n = snprintf(h->session_name, sizeof(h->session_name), "%s%s%s",
	    h->client->own == NULL ? "" : h->client->name,
	    h->client->own == NULL ? "" : ":", h->session);
	if (n > 0 && (size_t)n < sizeof(h->session_name) &&
	    is_plain_name(h->session))
		return ERR_OK;
	return name_of(h, "session", NULL, h->session_name, e);
}

static int
name_things(struct hook *h, struct err *e)
{
	int r = name_session(h, e);

	if (r != 0 || h->call == NULL || h->session == NULL)
		return r;
	return name_of(h, h->event == HOOK_PERMISSION ? "permission" : "call",
	    h->call, h->key, e);
}

/* ---- the event ---------------------------------------------------------- */

/* An event of another version may be a call all the same: some clients say
 * what they are about to do beside the event's name. */
static bool
may_be_call(const struct hook *h)
{
	const struct hook_client *c = h->client;

	if (hook_node(h, 0, h->names->tool) != 0 ||
	    hook_node(h, 0, h->names->input) != 0)
		return true;
	for (size_t i = 0; i < c->tool_count; i++) {
		for (size_t k = 0; k < TOOL_KEYS; k++) {
			if (hook_node(h, 0, c->tools[i].keys[k]) != 0)
				return true;
		}
	}
	return false;
}

static int
find_event(struct hook *h, struct err *e)
{
	const struct hook_client *c = h->client;

	if (h->event_name == NULL || h->event_name[0] == '\0')
		return err_set(e, ERR_INVALID,
		    "the hook's JSON has no '%s'; this is not what %s sends",
		    h->names->event == NULL ? "event" : h->names->event,
		    c->name);
	for (size_t i = 0; i < c->event_count; i++) {
		if (strcmp(h->event_name, c->events[i].name) == 0) {
			h->event = c->events[i].event;
			return ERR_OK;
		}
	}
	if (!may_be_call(h)) {
		h->event = HOOK_IGNORED;
		return ERR_OK;
	}
	return err_set(e, ERR_INVALID,
	    "%s sends the event '%.64s', which this version of assent does not "
	    "know; update assent",
	    c->name, h->event_name);
}

static bool
is_in(struct str text, struct str needle)
{
	return str_search(text, needle) < text.len;
}

/* "mcp__server__tool": a server whose name looks like ours is refused. */
static int
split_mcp(struct hook *h, struct err *e)
{
	const char *prefix = h->client->mcp_prefix;
	struct str rest = str_of(h->tool_name);
	size_t at;

	if (h->server.len == 0 &&
	    (prefix == NULL || !str_starts(rest, str_of(prefix))))
		return ERR_OK;
	if (h->server.len == 0) {
		rest = str_from(rest, strlen(prefix));
		at = str_search(rest, STR("__"));
		h->server = str_head(rest, at);
		h->mcp_tool = str_from(rest, at + 2);
		/* the names may hold what stands between them */
		if (at < rest.len && is_in(str_from(rest, at + 1), STR("__")))
			h->mcp_name = rest;
	}
	if (h->server.len == 0 || h->mcp_tool.len == 0 ||
	    str_find(h->server, ':') < h->server.len)
		return err_set(e, ERR_INVALID,
		    "'%.64s' names no MCP server and tool", h->tool_name);
	return ERR_OK;
}

static const struct client_tool undescribed = {
	.name = "",
	.kind = KIND_UNKNOWN,
};

static bool
is_word_of(const char *list, struct str word)
{
	struct str rest = str_of(list);

	while (rest.len > 0) {
		if (str_eq(str_cut(&rest, ' '), word))
			return true;
	}
	return false;
}

static bool
knows_field(const struct client_tool *t, struct str name)
{
	for (size_t i = 0; i < TOOL_KEYS; i++) {
		if (t->keys[i] != NULL && str_eqz(name, t->keys[i]))
			return true;
	}
	return is_word_of(t->known, name);
}

/* A field that we do not know may change what the call does. */
static bool
knows_input(const struct hook *h, const struct client_tool *t)
{
	const struct json_doc *d = &h->doc;
	size_t n;

	if (t->known == NULL)
		return true;
	if (!h->has_input || d->nodes[h->input].kind != DOC_OBJECT)
		return false;
	for (n = doc_first(d, h->input); n < doc_end(d, h->input);
	     n = doc_next(d, n + 1)) {
		if (!knows_field(t, doc_str(d, n)))
			return false;
	}
	return true;
}

/*
 * What we take out of an input is text. Of another type it would be judged as
 * if it were not there, and mean whatever the client makes of it.
 */
static bool
has_texts(const struct hook *h, const struct client_tool *t)
{
	const size_t count = t->kind == KIND_MULTI_EDIT ? 1
	    : t->kind == KIND_ARGV                      ? 0
							: TOOL_KEYS;

	for (size_t i = 0; i < count; i++) {
		const size_t node = hook_node(h, h->input, t->keys[i]);

		if (node != 0 && h->doc.nodes[node].kind != DOC_STRING &&
		    h->doc.nodes[node].kind != DOC_NULL)
			return false;
	}
	return true;
}

static void
find_tool(struct hook *h)
{
	const struct hook_client *c = h->client;

	h->tool = &undescribed;
	for (size_t i = 0; i < c->tool_count; i++) {
		if (strcmp(c->tools[i].name, h->tool_name) == 0 &&
		    knows_input(h, &c->tools[i]) &&
		    has_texts(h, &c->tools[i])) {
			h->tool = &c->tools[i];
			return;
		}
	}
}

static int
read_call(struct hook *h, struct err *e)
{
	if (h->tool_name == NULL || h->tool_name[0] == '\0')
		return err_set(e, ERR_INVALID,
		    "the hook's JSON names no tool in '%s'", h->names->tool);
	if (!h->has_input)
		return err_set(e, ERR_INVALID, "the hook's JSON has no '%s'",
		    h->names->input);
	if (h->cwd == NULL || h->cwd[0] != '/')
		return err_set(e, ERR_INVALID,
		    "the hook's JSON names no absolute '%s'", h->names->cwd);
	find_tool(h);
	return split_mcp(h, e);
}

void
hook_read_names(struct hook *h)
{
	const struct client_names *n = h->names;

	h->event_name = hook_text(h, 0, n->event);
	h->session = hook_text(h, 0, n->session);
	h->call = hook_text(h, 0, n->call);
	h->tool_name = hook_text(h, 0, n->tool);
	h->cwd = hook_text(h, 0, n->cwd);
	h->input = hook_node(h, 0, n->input);
	h->has_input = h->input != 0;
}

/* By itself it is JSON: nothing in it can end it and say more beside it. */
static int
check_packed(const struct hook *h, struct err *e)
{
	AUTO(json_doc_done) struct json_doc d = JSON_DOC_INIT;
	const int r =
	    json_doc_parse(&d, doc_str(&h->doc, h->input), h->arena, e);

	return r == 0
	    ? r
	    : err_wrap(e, r, "'%s' of the hook's JSON", h->names->input);
}

int
hook_unpack_input(struct hook *h, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(HTTP_BODY_BYTES_MAX);
	const struct json_doc *d = &h->doc;
	const struct doc_node *n;
	char *copy;
	int r;

	if (!h->has_input || d->nodes[h->input].kind != DOC_STRING)
		return ERR_OK;
	r = check_packed(h, e);
	if (r != 0)
		return r;
	n = &d->nodes[h->input];
	buf_put_str(&text, str_head(d->text, n->at));
	buf_put_str(&text, doc_str(d, h->input));
	buf_put_str(&text, str_from(d->text, (size_t)n->at + n->raw_len));
	r = buf_done(&text, e);
	if (r != 0)
		return r;
	copy = arena_strndup(h->arena, text.s, text.len);
	if (copy == NULL)
		return err_nomem(e);
	json_doc_done(&h->doc);
	h->doc = (struct json_doc)JSON_DOC_INIT;
	r = json_doc_parse(&h->doc, str_n(copy, text.len), h->arena, e);
	if (r != 0)
		return err_wrap(
		    e, r, "'%s' of the hook's JSON", h->names->input);
	hook_read_names(h);
	return ERR_OK;
}

void
hook_place_action(struct hook *h)
{
	if (h->cwd == NULL)
		h->cwd = hook_text(h, 0, "workspace");
	if (h->cwd == NULL)
		h->cwd = "/";
}

int
hook_enter(struct hook *h, size_t node, struct err *e)
{
	/* its place is in our own copy, which lasts */
	return hook_enter_text(h, doc_raw(&h->doc, node), e);
}

int
hook_enter_text(struct hook *h, struct str inner, struct err *e)
{
	int r;

	json_doc_done(&h->doc);
	h->doc = (struct json_doc)JSON_DOC_INIT;
	r = json_doc_parse(&h->doc, inner, h->arena, e);
	if (r == 0)
		hook_read_names(h);
	return r;
}

static int
read_body(struct hook *h, struct err *e)
{
	int r;

	hook_read_names(h);
	r = h->client->read == NULL ? ERR_OK : h->client->read(h, e);
	if (r == 0)
		r = find_event(h, e);
	if (r == 0)
		r = name_things(h, e);
	if (r == 0 && (h->event == HOOK_CALL || h->event == HOOK_PERMISSION))
		r = read_call(h, e);
	return r;
}

int
hook_take(struct hook *h, struct str body, struct err *e)
{
	char *copy;
	int r;

	h->arena = arena_new(HOOK_ARENA_MAX);
	if (h->arena == NULL)
		return err_nomem(e);
	if (body.len > HTTP_BODY_BYTES_MAX)
		return err_set(e, ERR_LIMIT,
		    "the hook's JSON has more than %zu bytes",
		    (size_t)HTTP_BODY_BYTES_MAX);
	copy = arena_strndup(h->arena, body.s == NULL ? "" : body.s, body.len);
	if (copy == NULL)
		return err_nomem(e);
	r = json_doc_parse(&h->doc, str_n(copy, body.len), h->arena, e);
	if (r != 0)
		return err_wrap(e, r, "the hook's JSON");
	if (h->doc.nodes[0].kind != DOC_OBJECT)
		return err_set(e, ERR_INVALID, "the hook's JSON is no object");
	r = read_body(h, e);
	if (r != 0)
		h->event = HOOK_UNKNOWN;
	return r;
}
