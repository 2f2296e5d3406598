/*
 * assent approve, assent deny: a person's answer over the approver socket.
 * Runs in: assent.  Trusts: nothing of the daemon's texts.  Owns: nothing.
 */
#include "answer.h"

#include <string.h>

#include "act.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/limits.h"
#include "show.h"

#define BODY_BYTES_MAX ((size_t)12 * REASON_BYTES_MAX + 1024) /* escaped */

extern const struct command command_approve, command_deny;

static void
put_body(
    struct buf *out, const struct answer_options *o, const struct verdict *v)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "decision", o->allow ? "allow" : "deny");
	jsonw_kstr(&w, "action_sha256", v->sha256);
	if (o->reason != NULL)
		jsonw_kstr(&w, "reason", o->reason);
	if (o->message != NULL)
		jsonw_kstr(&w, "message", o->message);
	if (o->scope != NULL)
		jsonw_kstr(&w, "scope", o->scope);
	if (o->passphrase != NULL)
		jsonw_kstr(&w, "passphrase", o->passphrase);
	jsonw_end(&w);
}

int
answer_send(struct client *approver, const struct answer_options *o,
    struct client_reply *ret, struct err *e)
{
	AUTO(client_reply_done) struct client_reply seen = CLIENT_REPLY_INIT;
	AUTO(client_reply_done) struct client_reply after = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf body = BUF_INIT(BODY_BYTES_MAX);
	struct verdict v, now;
	int r;

	r = act_look(approver, o->id, &seen, &v, e);
	if (r == 0)
		r = act_check_seen(&v, o->sha256, e);
	if (r != 0)
		return r;
	put_body(&body, o, &v);
	r = buf_done(&body, e);
	if (r == 0)
		r = act_send(approver,
		    &(struct act){ .id = o->id,
			.method = "PUT",
			.rest = "/decision",
			.body = buf_str(&body),
			.etag = seen.etag },
		    &after, e);
	if (r == 0)
		r = verdict_read(after.json, &v, &now, e);
	if (r == 0 && ret != NULL) {
		*ret = after;
		after = (struct client_reply)CLIENT_REPLY_INIT;
	}
	return r;
}

/* ---- the commands -------------------------------------------------------- */

enum answer_option {
	OPT_SHA256,
	OPT_REASON,
	OPT_MESSAGE,
	OPT_RUNTIME,
	OPT_JSON,
	OPT_SCOPE, /* approve alone */
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_SHA256] = { "--sha256", "PREFIX",
	    "only if the action's hash begins so (8 digits or more)" },
	[OPT_REASON] = { "--reason", "TEXT", "for the agent and the log" },
	[OPT_MESSAGE] = { "--message", "TEXT",
	    "what the agent is told, instead of the reason" },
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
	[OPT_JSON] = { "--json", NULL, "print the decision as JSON" },
	[OPT_SCOPE] = { "--scope", "SCOPE",
	    "once (as it is without), session, or until=TIME" },
};

/* "until=2h" is "until 2h" on the wire. */
static int
read_scope(const char *given, struct buf *out, struct err *e)
{
	const struct str text = str_of(given);

	if (str_starts(text, STR("until=")) || str_starts(text, STR("until ")))
		buf_printf(out, "until %s", given + 6);
	else if (str_eqz(text, "once") || str_eqz(text, "session"))
		buf_puts(out, given);
	else
		return err_set(e, ERR_INVALID,
		    "--scope is once, session, or until=TIME, as in until=2h "
		    "or until=2026-11-25T18:00:00Z");
	return buf_done(out, e);
}

static int
show_answer(const struct answer_options *o, const json_t *decision)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const char *state = client_text(decision, "state");
	const char *grant = client_text(decision, "grant");

	if (state != NULL && strcmp(state, "pending") == 0) {
		buf_printf(&out, "counted %s: ", o->id);
		text_escape(&out, str_of(client_text(decision, "approvals")));
		buf_puts(&out, " approvals, it still waits\n");
		return show_print(&out);
	}
	buf_printf(&out, "%s %s\n", o->allow ? "approved" : "denied", o->id);
	if (o->allow && grant != NULL) {
		buf_puts(&out, "granted ");
		text_escape(&out, str_of(grant));
		buf_puts(
		    &out, "; 'assent grants show' tells what it matches\n");
	}
	return show_print(&out);
}

static int
run_answer(const struct command *c, bool allow, int argc, char **argv)
{
	AUTO(client_freep) struct client *approver = NULL;
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf scope = BUF_INIT(NAME_BYTES_MAX);
	const char *values[OPT_COUNT] = { NULL };
	struct answer_options o = { .allow = allow };
	struct err e = ERR_INIT;
	int status = act_parse(c, argc, argv, values, &o.id);

	/* --help has no id and is no error */
	if (status != EXIT_OK || o.id == NULL)
		return status;
	o.sha256 = values[OPT_SHA256];
	o.reason = values[OPT_REASON];
	o.message = values[OPT_MESSAGE];
	if (values[OPT_SCOPE] != NULL) {
		if (read_scope(values[OPT_SCOPE], &scope, &e) != 0)
			return command_usage_error(c, "%s", e.msg);
		o.scope = buf_cstr(&scope);
	}
	if (client_open(values[OPT_RUNTIME], CLIENT_APPROVER, &approver, &e) !=
		0 ||
	    answer_send(approver, &o, &reply, &e) != 0)
		return show_error(c, &e, client_exit_status(&e));
	if (values[OPT_JSON] != NULL)
		return show_json(reply.json);
	return show_answer(&o, reply.json);
}

static int
run_approve(int argc, char **argv)
{
	return run_answer(&command_approve, true, argc, argv);
}

static int
run_deny(int argc, char **argv)
{
	return run_answer(&command_deny, false, argc, argv);
}

const struct command command_approve = {
	.name = "approve",
	.summary = "Approve a pending action: once, for the session, or until",
	.usage = "approve ID [--scope session|until=TIME] [OPTIONS]",
	.details =
	    "Without --scope the answer counts for this action, this once, and "
	    "for nothing\nelse. With it, a grant answers what is the same in "
	    "kind: 'assent grants preview ID'\nshows what that is, and 'assent "
	    "grants revoke' takes it back. The answer goes to\nthe approver "
	    "socket, which an agent in a sandbox cannot reach.",
	.example = "assent approve act_01JD0X9T5W3V --sha256 3f9a1c22 --scope "
		   "until=2h",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_approve,
};

const struct command command_deny = {
	.name = "deny",
	.summary = "Deny a pending action, and tell the agent why",
	.usage = "deny ID [--message TEXT] [OPTIONS]",
	.example = "assent deny act_01JD0X9T5W3V --message 'use a branch'",
	.options = options,
	.option_count = OPT_SCOPE,
	.run = run_deny,
};
