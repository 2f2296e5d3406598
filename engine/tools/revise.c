/*
 * assent revise: edit an action before it is allowed.
 * Runs in: assent.  Trusts: nothing of the daemon's texts.  Owns: nothing.
 */
#include <string.h>

#include "act.h"
#include "answer.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "model/limits.h"
#include "show.h"

extern const struct command command_revise;

enum revise_option {
	OPT_SCRIPT,
	OPT_APPROVE,
	OPT_RUNTIME,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_SCRIPT] = { "--script", "TEXT",
	    "what the shell shall run instead" },
	[OPT_APPROVE] = { "--approve", NULL,
	    "allow the edited action at once, where it still waits" },
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
	[OPT_JSON] = { "--json", NULL, "print the edited action as JSON" },
};

/* A command line edits scripts; other tools are edited over the API. */
static int
put_edit(const json_t *old, const char *script, struct buf *out, struct err *e)
{
	const json_t *proposal = json_object_get(old, "proposal");
	const char *tool = client_text(proposal, "tool");
	struct jsonw w = jsonw_on(out);

	if (proposal == NULL)
		return err_set(e, ERR_CONFLICT,
		    "it does not wait any more; nothing has changed");
	if (tool == NULL || strcmp(tool, "shell") != 0)
		return err_set(e, ERR_INVALID,
		    "only shell actions are edited here; use the API for "
		    "others");
	jsonw_object(&w);
	jsonw_kstr(&w, "tool", tool);
	jsonw_kstr(&w, "workspace", client_text(proposal, "workspace"));
	jsonw_key(&w, "input");
	jsonw_object(&w);
	jsonw_kstr(&w, "script", script);
	jsonw_end(&w);
	jsonw_end(&w);
	return buf_done(out, e);
}

static int
revise(struct client *c, const char *id, const char *script,
    struct client_reply *ret, struct err *e)
{
	AUTO(client_reply_done) struct client_reply seen = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf body = BUF_INIT(ACTION_BYTES_MAX);
	struct verdict v;
	int r = act_look(c, id, &seen, &v, e);

	if (r == 0)
		r = put_edit(seen.json, script, &body, e);
	return r != 0 ? r
		      : act_send(c,
			    &(struct act){ .id = id,
				.method = "POST",
				.rest = "/revision",
				.body = buf_str(&body),
				.etag = seen.etag },
			    ret, e);
}

/* The very action that came back, by its hash. */
static int
approve(struct client *c, struct client_reply *edited, struct err *e)
{
	AUTO(client_reply_done) struct client_reply after = CLIENT_REPLY_INIT;
	struct verdict v;
	int r = verdict_read(edited->json, NULL, &v, e);

	if (r != 0 || v.stage != STAGE_PENDING)
		return r;
	r = answer_send(c,
	    &(struct answer_options){
		.id = v.id, .sha256 = v.sha256, .allow = true },
	    &after, e);
	if (r != 0)
		return r;
	client_reply_done(edited);
	*edited = after;
	after = (struct client_reply)CLIENT_REPLY_INIT;
	return ERR_OK;
}

static int
show_edited(const json_t *decision)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const char *state = client_text(decision, "state");

	if (state != NULL && strcmp(state, "pending") == 0)
		show_question(&out, decision, NULL);
	else
		show_ruling(&out, decision);
	return show_print(&out);
}

static int
run_revise(int argc, char **argv)
{
	AUTO(client_freep) struct client *c = NULL;
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	const char *values[OPT_COUNT] = { NULL };
	const char *id = NULL;
	struct err e = ERR_INIT;
	const int status = act_parse(&command_revise, argc, argv, values, &id);
	int r;

	if (status != EXIT_OK || id == NULL)
		return status;
	if (values[OPT_SCRIPT] == NULL)
		return command_usage_error(
		    &command_revise, "give the new script with --script");
	r = client_open(values[OPT_RUNTIME], CLIENT_APPROVER, &c, &e);
	if (r == 0)
		r = revise(c, id, values[OPT_SCRIPT], &reply, &e);
	if (r == 0 && values[OPT_APPROVE] != NULL)
		r = approve(c, &reply, &e);
	if (r != 0)
		return show_error(&command_revise, &e, client_exit_status(&e));
	return values[OPT_JSON] != NULL ? show_json(reply.json)
					: show_edited(reply.json);
}

const struct command command_revise = {
	.name = "revise",
	.summary = "Edit an action before it is allowed",
	.usage = "revise ID --script TEXT [--approve] [OPTIONS]",
	.details = "The edited action is a new one with a hash of its own, "
		   "judged again by the rules;\nthe old one is denied. It "
		   "waits for your answer unless rules allow it.",
	.example = "assent revise act_01JD0X9T5W3V --script 'rm -r build' "
		   "--approve",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_revise,
};
