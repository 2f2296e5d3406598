/*
 * The requests of the Model Context Protocol, by the tables of a menu.
 * Runs in: front, assent.  Trusts: nothing of a message.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "mcp_int.h"

#define NOT_FOUND (-32002) /* of a resource, by the protocol */
#define VALUES_MAX 100 /* of a completion, by the protocol */

typedef enum mcp_next method_fn(struct mcp *m, struct buf *out);

static const char *
param(const struct mcp *m, const char *name)
{
	return m->message.params == 0
	    ? NULL
	    : rpc_text(&m->message, m->message.params, name);
}

/* ---- the session --------------------------------------------------------- */

static enum mcp_next
initialize(struct mcp *m, struct buf *out)
{
	const struct mcp_menu *menu = m->session->menu;
	const char *version = mcp_session_greet(m->session, &m->message);
	struct jsonw w = rpc_begin_result(out, m->message.id);

	jsonw_object(&w);
	jsonw_kstr(&w, "protocolVersion", version);
	jsonw_key(&w, "capabilities");
	jsonw_raw(&w,
	    STR("{\"tools\":{},\"resources\":{\"subscribe\":true},"
		"\"prompts\":{},\"logging\":{},\"completions\":{}}"));
	jsonw_key(&w, "serverInfo");
	jsonw_object(&w);
	jsonw_kstr(&w, "name", menu->name);
	jsonw_kstr(&w, "title", menu->title);
	jsonw_kstr(&w, "version", ASSENT_VERSION);
	jsonw_end(&w);
	jsonw_kstr(&w, "instructions", menu->instructions);
	jsonw_end(&w);
	jsonw_end(&w);
	return MCP_SAY;
}

static enum mcp_next
ping(struct mcp *m, struct buf *out)
{
	return mcp_say(m, STR("{}"), out);
}

static enum mcp_next
set_level(struct mcp *m, struct buf *out)
{
	const char *name = param(m, "level");
	const enum mcp_level level =
	    name == NULL ? MCP_LEVEL_UNSET : mcp_level_of(name);

	if (level == MCP_LEVEL_UNSET)
		return mcp_fail(m, RPC_BAD_PARAMS,
		    "'level' must be debug, info, notice, warning, error, "
		    "critical, alert or emergency",
		    out);
	m->session->level = level;
	return mcp_say(m, STR("{}"), out);
}

/* ---- lists --------------------------------------------------------------- */

static bool
is_template(const struct mcp_offer *o)
{
	return strchr(o->name, '{') != NULL;
}

/* Whole: none is so long that it has pages. */
static enum mcp_next
list(struct mcp *m, const struct mcp_table *t, const char *key, bool templates,
    struct buf *out)
{
	struct jsonw w;

	if (param(m, "cursor") != NULL)
		return mcp_fail(m, RPC_BAD_PARAMS,
		    "no list has more than one page: send no 'cursor'", out);
	w = rpc_begin_result(out, m->message.id);
	jsonw_object(&w);
	jsonw_key(&w, key);
	jsonw_array(&w);
	for (size_t i = 0; i < t->count; i++) {
		if (is_template(&t->offers[i]) == templates)
			jsonw_raw(&w, str_of(t->offers[i].json));
	}
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_end(&w);
	return MCP_SAY;
}

static enum mcp_next
list_tools(struct mcp *m, struct buf *out)
{
	return list(m, m->session->menu->tools, "tools", false, out);
}

static enum mcp_next
list_resources(struct mcp *m, struct buf *out)
{
	return list(m, m->session->menu->resources, "resources", false, out);
}

static enum mcp_next
list_templates(struct mcp *m, struct buf *out)
{
	return list(
	    m, m->session->menu->resources, "resourceTemplates", true, out);
}

static enum mcp_next
list_prompts(struct mcp *m, struct buf *out)
{
	return list(m, m->session->menu->prompts, "prompts", false, out);
}

/* ---- tools and prompts --------------------------------------------------- */

static const struct mcp_offer *
find(const struct mcp_table *t, const char *name)
{
	for (size_t i = 0; i < t->count; i++) {
		if (strcmp(t->offers[i].name, name) == 0)
			return &t->offers[i];
	}
	return NULL;
}

static enum mcp_next
begin(struct mcp *m, const struct mcp_table *t, const char *unknown,
    struct buf *out)
{
	const struct rpc *r = &m->message;
	const char *name = param(m, "name");

	if (name == NULL)
		return mcp_fail(m, RPC_BAD_PARAMS, "'name' is missing", out);
	m->args = rpc_node(r, r->params, "arguments");
	if (m->args != 0 && !rpc_is_object(r, m->args))
		return mcp_fail(
		    m, RPC_BAD_PARAMS, "'arguments' is no object", out);
	m->offer = find(t, name);
	if (m->offer == NULL)
		return mcp_fail(m, RPC_BAD_PARAMS, unknown, out);
	return m->offer->begin(m, out);
}

static enum mcp_next
call_tool(struct mcp *m, struct buf *out)
{
	return begin(m, m->session->menu->tools,
	    "there is no such tool; tools/list names them", out);
}

static enum mcp_next
get_prompt(struct mcp *m, struct buf *out)
{
	return begin(m, m->session->menu->prompts,
	    "there is no such prompt; prompts/list names them", out);
}

/* ---- resources ----------------------------------------------------------- */

/* What stands for {x} in the URI; false: it is another resource. */
static bool
capture(const char *form, struct str uri, char ret[static MCP_CAPTURED_MAX])
{
	static const char letters[] = "0123456789_abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct str tail = str_of(form);
	const struct str head = str_cut(&tail, '{');

	(void)str_cut(&tail, '}');
	if (uri.len <= head.len + tail.len || !str_starts(uri, head) ||
	    !str_ends(uri, tail))
		return false;
	uri = str_head(str_from(uri, head.len), uri.len - head.len - tail.len);
	if (uri.len >= MCP_CAPTURED_MAX)
		return false;
	(void)snprintf(ret, MCP_CAPTURED_MAX, "%.*s", STR_ARG(uri));
	return ret[strspn(ret, letters)] == '\0';
}

static const struct mcp_offer *
find_resource(struct mcp *m)
{
	const struct mcp_table *t = m->session->menu->resources;

	for (size_t i = 0; i < t->count; i++) {
		const struct mcp_offer *o = &t->offers[i];

		if (is_template(o)
			? capture(o->name, str_of(m->uri), m->captured)
			: strcmp(o->name, m->uri) == 0)
			return o;
	}
	m->captured[0] = '\0';
	return NULL;
}

static const char *
take_uri(struct mcp *m)
{
	m->uri = param(m, "uri");
	if (m->uri == NULL || strlen(m->uri) > MCP_URI_MAX)
		return "'uri' must be the URI of a resource";
	m->offer = find_resource(m);
	return NULL;
}

static enum mcp_next
no_resource(struct mcp *m, struct buf *out)
{
	m->offer = NULL;
	return mcp_fail(m, (enum rpc_error)NOT_FOUND,
	    "there is no such resource; resources/list and "
	    "resources/templates/list name them",
	    out);
}

static enum mcp_next
read_resource(struct mcp *m, struct buf *out)
{
	const char *why = take_uri(m);

	if (why != NULL)
		return mcp_fail(m, RPC_BAD_PARAMS, why, out);
	if (m->offer == NULL)
		return no_resource(m, out);
	return m->offer->begin(m, out);
}

static enum mcp_next
subscribe(struct mcp *m, struct buf *out)
{
	const char *why = take_uri(m);
	struct err e = ERR_INIT;

	if (why != NULL)
		return mcp_fail(m, RPC_BAD_PARAMS, why, out);
	if (m->offer == NULL)
		return no_resource(m, out);
	m->offer = NULL;
	if (mcp_session_watch(m->session, m->uri, &e) != 0)
		return mcp_fail(m, RPC_INTERNAL, e.msg, out);
	m->subscribes = true;
	return mcp_say(m, STR("{}"), out);
}

static enum mcp_next
unsubscribe(struct mcp *m, struct buf *out)
{
	const char *why = take_uri(m);

	m->offer = NULL;
	if (why != NULL)
		return mcp_fail(m, RPC_BAD_PARAMS, why, out);
	mcp_session_unwatch(m->session, m->uri);
	m->subscribes = true;
	return mcp_say(m, STR("{}"), out);
}

void
mcp_put_updated(struct buf *out, const char *uri)
{
	struct jsonw w =
	    rpc_begin_notification(out, "notifications/resources/updated");

	jsonw_object(&w);
	jsonw_kstr(&w, "uri", uri);
	jsonw_end(&w);
	jsonw_end(&w);
}

/* ---- completion ---------------------------------------------------------- */

/* A prompt by its name, or a template by its URI. */
static const struct mcp_offer *
find_reference(const struct mcp *m, size_t ref)
{
	const struct mcp_menu *menu = m->session->menu;
	const char *type = rpc_text(&m->message, ref, "type");
	const char *name = rpc_text(&m->message, ref, "name");
	const char *uri = rpc_text(&m->message, ref, "uri");

	if (type == NULL)
		return NULL;
	if (strcmp(type, "ref/prompt") == 0)
		return name == NULL ? NULL : find(menu->prompts, name);
	if (strcmp(type, "ref/resource") == 0)
		return uri == NULL ? NULL : find(menu->resources, uri);
	return NULL;
}

static enum mcp_next
complete(struct mcp *m, struct buf *out)
{
	const struct rpc *r = &m->message;
	const struct mcp_menu *menu = m->session->menu;
	const size_t ref = r->params == 0 ? 0 : rpc_node(r, r->params, "ref");
	const size_t argument =
	    r->params == 0 ? 0 : rpc_node(r, r->params, "argument");
	const char *name = argument == 0 ? NULL : rpc_text(r, argument, "name");
	const char *typed =
	    argument == 0 ? NULL : rpc_text(r, argument, "value");
	struct jsonw w;

	if (ref == 0 || name == NULL || typed == NULL ||
	    find_reference(m, ref) == NULL)
		return mcp_fail(m, RPC_BAD_PARAMS,
		    "'ref' must name a prompt or a template, 'argument' one of "
		    "its arguments",
		    out);
	w = rpc_begin_result(out, r->id);
	jsonw_object(&w);
	jsonw_key(&w, "completion");
	jsonw_object(&w);
	jsonw_key(&w, "values");
	jsonw_array(&w);
	if (menu->complete != NULL)
		menu->complete(m, name, typed, &w);
	jsonw_end(&w);
	jsonw_kbool(&w, "hasMore", false);
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_end(&w);
	return MCP_SAY;
}

_Static_assert(MCP_RECENT_MAX <= VALUES_MAX, "a completion is not too long");

/* ---- which one ----------------------------------------------------------- */

static const struct {
	const char *name;
	method_fn *fn;
} methods[] = {
	{ "initialize", initialize },
	{ "ping", ping },
	{ "logging/setLevel", set_level },
	{ "completion/complete", complete },
	{ "tools/list", list_tools },
	{ "tools/call", call_tool },
	{ "resources/list", list_resources },
	{ "resources/templates/list", list_templates },
	{ "resources/read", read_resource },
	{ "resources/subscribe", subscribe },
	{ "resources/unsubscribe", unsubscribe },
	{ "prompts/list", list_prompts },
	{ "prompts/get", get_prompt },
};

enum mcp_next
mcp_request(struct mcp *m, struct buf *out)
{
	if (m->message.params != 0 &&
	    !rpc_is_object(&m->message, m->message.params))
		return mcp_fail(
		    m, RPC_BAD_PARAMS, "'params' must be an object", out);
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (rpc_is(&m->message, methods[i].name))
			return methods[i].fn(m, out);
	}
	return mcp_fail(m, RPC_NO_METHOD, "there is no such method", out);
}
