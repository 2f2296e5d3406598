/*
 * assent approve, assent deny: a person's answer over the approver socket.
 * Runs in: assent.  Trusts: nothing of the daemon's texts.  Owns: nothing.
 */
#include "answer.h"

#include <string.h>

#include "base/jsonw.h"
#include "base/mem.h"
#include "model/command.h"
#include "model/limits.h"
#include "show.h"
#include "verdict.h"

#define BODY_BYTES_MAX ((size_t)6 * REASON_BYTES_MAX + 1024) /* escaped */

extern const struct command command_approve, command_deny;

/* "/v1/actions/ID" and what follows; the id may come from a command line. */
static int
action_path(const char *id, const char *rest, struct buf *out, struct err *e)
{
	static const char safe[] = "_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz";

	if (id[0] == '\0' || id[strspn(id, safe)] != '\0')
		return err_set(e, ERR_INVALID,
		    "'%s' is not the id of an action (act_...)", id);
	buf_printf(out, "/v1/actions/%s%s", id, rest);
	return buf_done(out, e);
}

/* The action as it stands: its hash and its ETag go into the answer. */
static int
look(struct client *c, const char *id, struct client_reply *ret,
    struct verdict *v, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	int r = action_path(id, "", &path, e);

	if (r == 0)
		r = client_call(c,
		    &(struct client_request){ .method = "GET", .path = path.s },
		    ret, e);
	if (r == 0)
		r = client_expect(ret, e);
	if (r == 0)
		r = verdict_read(ret->json, NULL, v, e);
	if (r == 0 && strcmp(v->id, id) != 0)
		r = err_set(e, ERR_INTERNAL,
		    "the answer is about %s, not about %s", v->id, id);
	return r;
}

static int
check_seen(
    const struct verdict *v, const struct answer_options *o, struct err *e)
{
	const size_t len = o->sha256 == NULL ? 0 : strlen(o->sha256);

	if (o->sha256 == NULL)
		return ERR_OK;
	if (len < ANSWER_PREFIX_MIN)
		return err_set(e, ERR_INVALID,
		    "'%s' is too short; give at least %d digits of the hash",
		    o->sha256, ANSWER_PREFIX_MIN);
	if (strncmp(v->sha256, o->sha256, len) != 0)
		return err_set(e, ERR_CONFLICT,
		    "%s is another action now: its hash is %s", v->id,
		    v->sha256);
	return ERR_OK;
}

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
	jsonw_end(&w);
}

int
answer_send(struct client *approver, const struct answer_options *o,
    struct client_reply *ret, struct err *e)
{
	AUTO(client_reply_done) struct client_reply seen = CLIENT_REPLY_INIT;
	AUTO(client_reply_done) struct client_reply after = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf body = BUF_INIT(BODY_BYTES_MAX);
	struct verdict v, now;
	int r;

	r = look(approver, o->id, &seen, &v, e);
	if (r == 0)
		r = check_seen(&v, o, e);
	if (r == 0)
		r = action_path(o->id, "/decision", &path, e);
	if (r != 0)
		return r;
	put_body(&body, o, &v);
	r = buf_done(&body, e);
	if (r == 0)
		r = client_call(approver,
		    &(struct client_request){ .method = "PUT",
			.path = path.s,
			.body = buf_str(&body),
			.if_match = seen.etag },
		    &after, e);
	if (r == 0)
		r = client_expect(&after, e);
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
	OPT_RUNTIME,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_SHA256] = { "--sha256", "PREFIX",
	    "only if the action's hash begins so (8 digits or more)" },
	[OPT_REASON] = { "--reason", "TEXT", "for the agent and the log" },
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
	[OPT_JSON] = { "--json", NULL, "print the decision as JSON" },
};

/* Options before and after the one operand. */
static int
parse(const struct command *c, int argc, char **argv, const char **values,
    const char **ret_id)
{
	int status = EXIT_OK;
	int at = command_parse(c, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at >= argc)
		return command_usage_error(c,
		    "name the action; 'assent pending' lists those that wait");
	*ret_id = argv[at];
	argc -= at;
	argv += at;
	at = command_parse(c, argc, argv, values, NULL, NULL, &status);
	if (at < 0)
		return status;
	if (at != argc)
		return command_usage_error(c, "one action at a time");
	return EXIT_OK;
}

static int
run_answer(const struct command *c, bool allow, int argc, char **argv)
{
	AUTO(client_freep) struct client *approver = NULL;
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const char *values[OPT_COUNT] = { NULL };
	struct answer_options o = { .allow = allow };
	struct err e = ERR_INIT;
	int status = parse(c, argc, argv, values, &o.id);

	/* --help has no id and is no error */
	if (status != EXIT_OK || o.id == NULL)
		return status;
	o.sha256 = values[OPT_SHA256];
	o.reason = values[OPT_REASON];
	if (client_open(values[OPT_RUNTIME], CLIENT_APPROVER, &approver, &e) !=
		0 ||
	    answer_send(approver, &o, &reply, &e) != 0)
		return show_error(c, &e, client_exit_status(&e));
	if (values[OPT_JSON] != NULL)
		return show_json(reply.json);
	buf_printf(&out, "%s %s\n", allow ? "approved" : "denied", o.id);
	return show_print(&out);
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
	.summary = "Approve a pending action, once",
	.usage = "approve ID [--sha256 PREFIX] [--reason TEXT] [OPTIONS]",
	.details = "The answer counts for this action, this once, and for "
		   "nothing else. It goes to\nthe approver socket, which an "
		   "agent in a sandbox cannot reach.",
	.example = "assent approve act_01JD0X9T5W3V --sha256 3f9a1c22",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_approve,
};

const struct command command_deny = {
	.name = "deny",
	.summary = "Deny a pending action",
	.usage = "deny ID [--reason TEXT] [OPTIONS]",
	.example = "assent deny act_01JD0X9T5W3V --reason 'use a branch'",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_deny,
};
