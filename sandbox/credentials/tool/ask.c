/*
 * assent credentials list, as the daemon has them.
 * Runs in: assent.  Trusts: nothing of the daemon's texts.  Owns: nothing.
 */
#include "ask.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/command.h"
#include "tools/client.h"
#include "tools/show.h"

extern const struct command command_credentials;

static bool
is_wanted(const json_t *c, char **names, int count)
{
	const char *name = client_text(c, "name");

	for (int i = 0; i < count; i++) {
		if (name != NULL && strcmp(names[i], name) == 0)
			return true;
	}
	return count == 0;
}

/* The others are taken out; each name must be there. */
static int
choose(json_t *all, char **names, int count, struct err *e)
{
	for (size_t i = json_array_size(all); i > 0; i--) {
		if (!is_wanted(json_array_get(all, i - 1), names, count))
			(void)json_array_remove(all, i - 1);
	}
	for (int n = 0; n < count; n++) {
		bool found = false;

		for (size_t i = 0; i < json_array_size(all); i++)
			found = found ||
			    is_wanted(json_array_get(all, i), &names[n], 1);
		if (!found)
			return err_set(e, ERR_NOTFOUND,
			    "there is no credential '%.64s'", names[n]);
	}
	return ERR_OK;
}

static void
put(struct buf *out, const char *before, const char *text)
{
	if (text == NULL)
		return;
	buf_puts(out, before);
	text_escape(out, str_of(text));
}

static void
put_list(struct buf *out, const char *label, const json_t *c, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(c, name), i, item)
	    put(out, i == 0 ? label : ", ", json_string_value(item));
}

static void
put_one(const json_t *c, struct buf *out)
{
	const json_t *last = json_object_get(c, "last_use");

	put(out, "", client_text(c, "name"));
	put(out, "  ", client_text(c, "kind"));
	put_list(out, "  for ", c, "hosts");
	put(out, "\n    secret: ", client_text(c, "source"));
	put(out, "; variable ", client_text(c, "variable"));
	if (json_is_true(json_object_get(c, "ask")))
		buf_puts(out, "; a person is asked");
	put_list(out, "\n    profiles: ", c, "profiles");
	put_list(out, "\n    agents: ", c, "agents");
	put_list(out, "\n    sessions: ", c, "sessions");
	put_list(out, "\n    users: ", c, "users");
	if (!json_is_object(last)) {
		buf_puts(out, "\n    never used\n");
		return;
	}
	put(out, "\n    last used: ", client_text(last, "time"));
	put(out, " for ", client_text(last, "host"));
	put(out, " by ", client_text(last, "action_id"));
	buf_putc(out, '\n');
}

static int
ask(const char *runtime, struct client_reply *reply, struct err *e)
{
	AUTO(client_freep) struct client *c = NULL;
	int r = client_open(runtime, CLIENT_AGENT, &c, e);

	if (r == 0)
		r = client_call(c,
		    &(struct client_request){
			.method = "GET", .path = "/v1/credentials" },
		    reply, e);
	return r == 0 ? client_expect(reply, e) : r;
}

int
credentials_ask(const char *runtime, bool json, char **names, int count)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	struct err e = ERR_INIT;
	json_t *all;
	const json_t *one;
	size_t i;
	int r = ask(runtime, &reply, &e);

	if (r != 0)
		return show_error(
		    &command_credentials, &e, client_exit_status(&e));
	all = json_object_get(reply.json, "credentials");
	if (choose(all, names, count, &e) != 0)
		return show_error(&command_credentials, &e, EXIT_USAGE);
	if (json)
		return show_json(reply.json);
	json_array_foreach(all, i, one) put_one(one, &out);
	if (json_array_size(all) == 0)
		buf_puts(&out, "no credentials\n");
	return show_print(&out);
}
