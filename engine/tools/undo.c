/*
 * assent undo: take an answer back before it was used.
 * Runs in: assent.  Trusts: nothing of the daemon's texts.  Owns: nothing.
 */
#include "act.h"
#include "base/mem.h"
#include "show.h"

extern const struct command command_undo;

enum undo_option {
	OPT_RUNTIME,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
	[OPT_JSON] = { "--json", NULL, "print the question as JSON" },
};

static int
undo(const char *const *values, const char *id, struct client_reply *ret,
    struct err *e)
{
	AUTO(client_freep) struct client *c = NULL;
	AUTO(client_reply_done) struct client_reply seen = CLIENT_REPLY_INIT;
	struct verdict v;
	int r = client_open(values[OPT_RUNTIME], CLIENT_APPROVER, &c, e);

	if (r == 0)
		r = act_look(c, id, &seen, &v, e);
	if (r != 0)
		return r;
	return act_send(c,
	    &(struct act){ .id = id,
		.method = "DELETE",
		.rest = "/decision",
		.etag = seen.etag },
	    ret, e);
}

static int
run_undo(int argc, char **argv)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const char *values[OPT_COUNT] = { NULL };
	const char *id = NULL;
	struct err e = ERR_INIT;
	const int status = act_parse(&command_undo, argc, argv, values, &id);

	if (status != EXIT_OK || id == NULL)
		return status;
	if (undo(values, id, &reply, &e) != 0)
		return show_error(&command_undo, &e, client_exit_status(&e));
	if (values[OPT_JSON] != NULL)
		return show_json(reply.json);
	buf_printf(&out, "%s waits for an answer again\n", id);
	return show_print(&out);
}

const struct command command_undo = {
	.name = "undo",
	.summary = "Take your answer back while it has not been used",
	.usage = "undo ID [OPTIONS]",
	.details =
	    "Within 60 seconds, and only as long as nothing was started. "
	    "A grant that the\nanswer gave ends with it. What runs "
	    "already is ended by 'assent stop'.",
	.example = "assent undo act_01JD0X9T5W3V",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_undo,
};
