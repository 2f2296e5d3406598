/*
 * assent grants: approvals that last, and taking them back.
 * Runs in: assent.  Trusts: nothing of the daemon's texts.  Owns: nothing.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "client.h"
#include "model/command.h"
#include "show.h"

#define PATH_BYTES 256

extern const struct command command_grants;

enum grants_option {
	OPT_RUNTIME,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
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

static int
list(struct client *c, bool json, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const json_t *grant;
	size_t i;
	int r = client_call(c,
	    &(struct client_request){ .method = "GET", .path = "/v1/grants" },
	    &reply, e);

	if (r == 0)
		r = client_expect(&reply, e);
	if (r != 0)
		return r;
	json_array_foreach(json_object_get(reply.json, "items"), i, grant)
	{
		text_escape(&out, str_of(client_text(grant, "id")));
		put_member(&out, grant, "scope");
		put_member(&out, grant, "approver");
		put_member(&out, grant, "expires_at");
		put_member(&out, grant, "what");
		buf_putc(&out, '\n');
	}
	if (out.len == 0)
		buf_puts(&out, "no grants\n");
	if ((json ? show_json(reply.json) : show_print(&out)) != EXIT_OK)
		return err_set(e, ERR_INTERNAL, "cannot write the list");
	return ERR_OK;
}

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

/* verb and operand: "list" or "revoke ID"; list when there is none. */
static int
do_verb(int count, char **words, const char *const *values, struct err *e)
{
	AUTO(client_freep) struct client *c = NULL;
	int r;

	if (count > 0 && strcmp(words[0], "revoke") == 0 && count != 2)
		return err_set(e, ERR_INVALID,
		    "name the grant; 'assent grants list' shows them");
	if (count > 0 && strcmp(words[0], "revoke") != 0 &&
	    (strcmp(words[0], "list") != 0 || count != 1))
		return err_set(e, ERR_INVALID,
		    "'%s': there is 'list' and 'revoke ID'", words[0]);
	r = client_open(values[OPT_RUNTIME], CLIENT_APPROVER, &c, e);
	if (r != 0)
		return r;
	if (count == 2)
		return revoke_one(c, words[1], e);
	return list(c, values[OPT_JSON] != NULL, e);
}

static int
run_grants(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	char *words[2] = { NULL, NULL };
	struct err e = ERR_INIT;
	int count = 0, status = EXIT_OK;

	/* options may stand before, between and after the words */
	for (;;) {
		const int at = command_parse(
		    &command_grants, argc, argv, values, NULL, NULL, &status);

		if (at < 0)
			return status;
		if (at >= argc)
			break;
		if (count == 2)
			return command_usage_error(
			    &command_grants, "too many words");
		words[count++] = argv[at];
		argc -= at;
		argv += at;
	}
	if (do_verb(count, words, values, &e) != 0)
		return show_error(&command_grants, &e, client_exit_status(&e));
	return EXIT_OK;
}

const struct command command_grants = {
	.name = "grants",
	.summary = "List remembered approvals, or revoke one",
	.usage = "grants list|revoke [ID] [OPTIONS]",
	.example = "assent grants revoke grt_01JD0X9T5W3V",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_grants,
};
