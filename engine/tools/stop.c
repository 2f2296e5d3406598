/*
 * assent stop: end a run.
 * Runs in: assent.  Trusts: nothing of the daemon's texts.  Owns: nothing.
 */
#include "act.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "model/limits.h"
#include "show.h"

#define BODY_BYTES_MAX ((size_t)12 * REASON_BYTES_MAX + 1024) /* escaped */

extern const struct command command_stop;

enum stop_option {
	OPT_SIGNAL,
	OPT_RUNTIME,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_SIGNAL] = { "--signal", "NAME",
	    "TERM (as it is without), KILL, INT, HUP, QUIT, USR1 or USR2" },
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
	[OPT_JSON] = { "--json", NULL, "print the action as JSON" },
};

static int
stop(const char *const *values, const char *id, struct client_reply *ret,
    struct err *e)
{
	AUTO(client_freep) struct client *c = NULL;
	AUTO_BUF struct buf body = BUF_INIT(BODY_BYTES_MAX);
	struct jsonw w = jsonw_on(&body);
	int r = client_open(values[OPT_RUNTIME], CLIENT_APPROVER, &c, e);

	jsonw_object(&w);
	jsonw_kstr(&w, "signal",
	    values[OPT_SIGNAL] == NULL ? "TERM" : values[OPT_SIGNAL]);
	jsonw_end(&w);
	if (r == 0)
		r = buf_done(&body, e);
	return r != 0 ? r
		      : act_send(c,
			    &(struct act){ .id = id,
				.method = "POST",
				.rest = "/signal",
				.body = buf_str(&body) },
			    ret, e);
}

static int
run_stop(int argc, char **argv)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const char *values[OPT_COUNT] = { NULL };
	const char *id = NULL;
	struct err e = ERR_INIT;
	const int status = act_parse(&command_stop, argc, argv, values, &id);

	if (status != EXIT_OK || id == NULL)
		return status;
	if (stop(values, id, &reply, &e) != 0)
		return show_error(&command_stop, &e, client_exit_status(&e));
	if (values[OPT_JSON] != NULL)
		return show_json(reply.json);
	buf_printf(&out, "sent %s to %s\n",
	    values[OPT_SIGNAL] == NULL ? "TERM" : values[OPT_SIGNAL], id);
	return show_print(&out);
}

const struct command command_stop = {
	.name = "stop",
	.summary = "Send a signal to an action that runs, to end it",
	.usage = "stop ID [--signal NAME] [OPTIONS]",
	.details = "TERM asks the program to end; KILL ends it and all that it "
		   "started.",
	.example = "assent stop act_01JD0X9T5W3V --signal KILL",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_stop,
};
