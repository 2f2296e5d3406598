/*
 * assent grants: approvals that last, and taking them back.
 * Runs in: assent.  Trusts: nothing of the daemon's texts.  Owns: nothing.
 */
#include <string.h>

#include "act.h"
#include "base/mem.h"
#include "base/text.h"
#include "client.h"
#include "model/command.h"
#include "model/limits.h"
#include "show.h"

#define PATH_BYTES 256
#define SCOPE_LETTERS                                                          \
	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz:-.+"

extern const struct command command_grants;

enum grants_option {
	OPT_SCOPE,
	OPT_RUNTIME,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_SCOPE] = { "--scope", "SCOPE",
	    "preview: session (as it is without) or until=TIME" },
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
	[OPT_JSON] = { "--json", NULL, "print JSON" },
};

static void
put_member(struct buf *out, const json_t *grant, const char *name)
{
	const char *text = client_text(grant, name);

	if (text == NULL)
		return;
	buf_printf(out, "  %s ", name);
	text_escape(out, str_of(text));
}

static void
put_grant(struct buf *out, const json_t *grant)
{
	const json_t *uses = json_object_get(grant, "uses");

	text_escape(out, str_of(client_text(grant, "id")));
	put_member(out, grant, "scope");
	put_member(out, grant, "session");
	put_member(out, grant, "approver");
	put_member(out, grant, "expires_at");
	buf_printf(out, "  used %lld", (long long)json_integer_value(uses));
	buf_puts(out, "\n    ");
	text_escape(out, str_of(client_text(grant, "what")));
	buf_putc(out, '\n');
}

static int
get(struct client *c, const char *path, struct client_reply *ret, struct err *e)
{
	const int r = client_call(c,
	    &(struct client_request){ .method = "GET", .path = path }, ret, e);

	return r != 0 ? r : client_expect(ret, e);
}

/* All of them, or with id that one. */
static int
list(struct client *c, const char *id, bool json, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const json_t *grant, *found = NULL;
	size_t i;
	int r = get(c, "/v1/grants", &reply, e);

	if (r != 0)
		return r;
	json_array_foreach(json_object_get(reply.json, "items"), i, grant)
	{
		const char *its = client_text(grant, "id");

		if (id != NULL && (its == NULL || strcmp(id, its) != 0))
			continue;
		put_grant(&out, grant);
		found = grant;
	}
	if (id != NULL && found == NULL)
		return err_set(
		    e, ERR_NOTFOUND, "there is no grant '%.80s'", id);
	if (out.len == 0)
		buf_puts(&out, "no grants\n");
	if ((json ? show_json(id == NULL ? reply.json : found)
		  : show_print(&out)) != EXIT_OK)
		return err_set(e, ERR_INTERNAL, "cannot write the list");
	return ERR_OK;
}

/* ---- before it is given -------------------------------------------------- */

static void
put_texts(struct buf *out, const char *label, const json_t *items)
{
	const json_t *item;
	size_t i;

	if (json_array_size(items) == 0)
		return;
	buf_printf(out, "%s\n", label);
	json_array_foreach(items, i, item)
	{
		const char *text = json_is_string(item)
		    ? json_string_value(item)
		    : client_text(item, "text");

		buf_puts(out, "    ");
		text_escape(out, str_of(text));
		buf_putc(out, '\n');
	}
}

static long long
number(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

static void
put_preview(struct buf *out, const json_t *preview)
{
	const json_t *history = json_object_get(preview, "history");

	if (!json_is_true(json_object_get(preview, "possible"))) {
		text_escape(out, str_of(client_text(preview, "why_not")));
		buf_putc(out, '\n');
		return;
	}
	buf_puts(out, "It would match: ");
	text_escape(out, str_of(client_text(preview, "what")));
	buf_puts(out, "\nuntil ");
	text_escape(out, str_of(client_text(preview, "expires_at")));
	buf_printf(out,
	    "\nOf %lld calls in the last %lld days%s it would have answered "
	    "%lld;\n%lld were asked about, %lld stay denied.\n",
	    number(history, "calls"), number(history, "days"),
	    json_is_true(json_object_get(history, "complete"))
		? ""
		: " (as far as they are kept)",
	    number(history, "would_match"), number(history, "asked"),
	    number(history, "stay_denied"));
	put_texts(out, "Such as:", json_object_get(history, "matched"));
	put_texts(out, "Still asked about:",
	    json_object_get(history, "similar_but_not_matched"));
	put_texts(out, "Never:", json_object_get(preview, "never"));
}

static int
preview(
    struct client *c, const char *id, const char *const *values, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	const char *scope = values[OPT_SCOPE];
	int r;

	if (scope == NULL)
		scope = "session";
	if (strncmp(scope, "until=", 6) == 0)
		r = act_path(id, "/grant?scope=until+", &path, e);
	else
		r = act_path(id, "/grant?scope=", &path, e);
	if (r != 0)
		return r;
	scope = strncmp(scope, "until=", 6) == 0 ? scope + 6 : scope;
	if (scope[strspn(scope, SCOPE_LETTERS)] != '\0')
		return err_set(e, ERR_INVALID,
		    "--scope is session, or until=TIME, as in until=2h");
	buf_puts(&path, scope);
	r = get(c, buf_cstr(&path), &reply, e);
	if (r != 0)
		return r;
	put_preview(&out, reply.json);
	if ((values[OPT_JSON] != NULL ? show_json(reply.json)
				      : show_print(&out)) != EXIT_OK)
		return err_set(e, ERR_INTERNAL, "cannot write the preview");
	return ERR_OK;
}

/* ---- a rule instead ------------------------------------------------------ */

static int
draft_rule(struct client *c, const char *id, bool json, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const char *why, *rule;
	int r = act_path(id, "/rule", &path, e);

	if (r == 0)
		r = get(c, buf_cstr(&path), &reply, e);
	if (r != 0)
		return r;
	rule = client_text(reply.json, "rule");
	why = client_text(reply.json, "why_not");
	if (rule == NULL && !json)
		return err_set(e, ERR_DENIED, "%s",
		    why == NULL ? "no rule is made of this" : why);
	if (rule != NULL)
		text_escape_block(&out, str_of(rule));
	if ((json ? show_json(reply.json) : show_print(&out)) != EXIT_OK)
		return err_set(e, ERR_INTERNAL, "cannot write the rule");
	return ERR_OK;
}

/* ---- revoke -------------------------------------------------------------- */

static int
revoke_one(struct client *c, const char *id, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	char path[PATH_BYTES];
	const int n = snprintf(path, sizeof(path), "/v1/grants/%s", id);
	int r;

	if (n < 0 || (size_t)n >= sizeof(path) || strpbrk(id, "/?#% ") != NULL)
		return err_set(
		    e, ERR_INVALID, "'%.80s' is not the id of a grant", id);
	r = client_call(c,
	    &(struct client_request){ .method = "DELETE", .path = path },
	    &reply, e);
	return r != 0 ? r : client_expect(&reply, e);
}

/* "list", or one of the others and what it is about. */
static int
do_verb(int count, char **words, const char *const *values, struct err *e)
{
	AUTO(client_freep) struct client *c = NULL;
	const char *verb = count == 0 ? "list" : words[0];
	const bool is_list = strcmp(verb, "list") == 0;
	int r;

	if (!is_list && strcmp(verb, "revoke") != 0 &&
	    strcmp(verb, "show") != 0 && strcmp(verb, "preview") != 0 &&
	    strcmp(verb, "rule") != 0)
		return err_set(e, ERR_INVALID,
		    "'%.80s': there is list, show ID, revoke ID, preview ID "
		    "and rule ID",
		    verb);
	if (count > 0 && count != (is_list ? 1 : 2))
		return err_set(e, ERR_INVALID,
		    is_list ? "'list' takes no name"
			    : "name it; 'assent grants list' and 'assent "
			      "pending' show the ids");
	r = client_open(values[OPT_RUNTIME], CLIENT_APPROVER, &c, e);
	if (r != 0)
		return r;
	if (strcmp(verb, "revoke") == 0)
		return revoke_one(c, words[1], e);
	if (strcmp(verb, "preview") == 0)
		return preview(c, words[1], values, e);
	if (strcmp(verb, "rule") == 0)
		return draft_rule(c, words[1], values[OPT_JSON] != NULL, e);
	return list(c, is_list ? NULL : words[1], values[OPT_JSON] != NULL, e);
}

static int
run_grants(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	char *words[2] = { NULL, NULL };
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	const int count = command_parse_words(&command_grants, argc, argv,
	    values,
	    &(struct command_words){ .words = words, .max = ARRAY_LEN(words) },
	    &status);

	if (count < 0)
		return status;
	if (do_verb(count, words, values, &e) != 0)
		return show_error(&command_grants, &e, client_exit_status(&e));
	return EXIT_OK;
}

const struct command command_grants = {
	.name = "grants",
	.summary = "List approvals that last, revoke one, or preview one",
	.usage = "grants list|show|revoke|preview|rule [ID] [OPTIONS]",
	.details =
	    "A grant is an approval that lasts: 'assent approve ID --scope'. "
	    "'preview' takes the\nid of an action that waits and tells what a "
	    "grant for it would match, in the last\n30 days and from now on, "
	    "and what it never would. 'rule' writes a rule file with tests "
	    "instead, for your own\nrules or as a draft for the "
	    "organisation's.",
	.example = "assent grants revoke grt_01JD0X9T5W3V",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_grants,
};
