/*
 * assent escalate: raise a question to another person or group.
 * Runs in: assent.  Trusts: nothing of the daemon's texts.  Owns: nothing.
 */
#include "act.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/limits.h"
#include "show.h"

#define BODY_BYTES_MAX ((size_t)12 * REASON_BYTES_MAX + 1024) /* escaped */

extern const struct command command_escalate;

enum escalate_option {
	OPT_TO,
	OPT_REASON,
	OPT_RUNTIME,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_TO] = { "--to", "WHO",
	    "uid:N, who alone may allow it then; or a name to show" },
	[OPT_REASON] = { "--reason", "TEXT", "for that person and the log" },
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
	[OPT_JSON] = { "--json", NULL, "print the question as JSON" },
};

static int
escalate(const char *const *values, const char *id, struct client_reply *ret,
    struct err *e)
{
	AUTO(client_freep) struct client *c = NULL;
	AUTO(client_reply_done) struct client_reply seen = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf body = BUF_INIT(BODY_BYTES_MAX);
	struct jsonw w = jsonw_on(&body);
	struct verdict v;
	int r = client_open(values[OPT_RUNTIME], CLIENT_APPROVER, &c, e);

	if (r == 0)
		r = act_look(c, id, &seen, &v, e);
	jsonw_object(&w);
	jsonw_kstr(&w, "to", values[OPT_TO]);
	if (values[OPT_REASON] != NULL)
		jsonw_kstr(&w, "reason", values[OPT_REASON]);
	jsonw_end(&w);
	if (r == 0)
		r = buf_done(&body, e);
	return r != 0 ? r
		      : act_send(c,
			    &(struct act){ .id = id,
				.method = "POST",
				.rest = "/escalate",
				.body = buf_str(&body),
				.etag = seen.etag },
			    ret, e);
}

static int
run_escalate(int argc, char **argv)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const char *values[OPT_COUNT] = { NULL };
	const char *id = NULL;
	struct err e = ERR_INIT;
	const int status =
	    act_parse(&command_escalate, argc, argv, values, &id);

	if (status != EXIT_OK || id == NULL)
		return status;
	if (values[OPT_TO] == NULL)
		return command_usage_error(
		    &command_escalate, "say to whom, with --to");
	if (escalate(values, id, &reply, &e) != 0)
		return show_error(
		    &command_escalate, &e, client_exit_status(&e));
	if (values[OPT_JSON] != NULL)
		return show_json(reply.json);
	buf_printf(&out, "raised %s to ", id);
	text_escape(&out, str_of(values[OPT_TO]));
	buf_puts(&out, "; another person has to allow it now\n");
	return show_print(&out);
}

const struct command command_escalate = {
	.name = "escalate",
	.summary = "Raise a question to another person or group",
	.usage = "escalate ID --to WHO [--reason TEXT] [OPTIONS]",
	.details = "You can still deny it, but no longer allow it alone.",
	.example = "assent escalate act_01JD0X9T5W3V --to group:security",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_escalate,
};
