/*
 * assent hook: a client's hook on stdin, its answer on stdout.
 * Runs in: assent, started by the client.  Trusts: nothing of the hook; of
 * the daemon only a plain allow.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/jsonw.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "client.h"
#include "hook_places.h"
#include "hooks/hooks.h"
#include "model/command.h"
#include "show.h"

#define DENIED_STATUS 2 /* what every client takes for a no */
#define ANSWER_MS 10000 /* of a daemon that has nothing to wait for */
#define WAIT_S 60 /* one long poll */
#define TIMEOUT_MS_DEFAULT 50000 /* less than any client waits */
#define SECOND_MS 1000
#define PATH_BYTES 256
#define BODY_MAX (ACTION_BYTES_MAX + 65536)
#define REMEDY "start assentd, or see 'assent status'"

extern const struct command command_hook;

enum hook_option {
	OPT_MODE,
	OPT_TIMEOUT,
	OPT_CONTAIN,
	OPT_WORKSPACE,
	OPT_CLIENT_VERSION,
	OPT_RUNTIME,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_MODE] = { "--mode", "enforce|advise",
	    "enforce: assent decides; advise: it may only say no" },
	[OPT_TIMEOUT] = { "--timeout", "TIME",
	    "how long a person has; less than the client waits (50s)" },
	[OPT_CONTAIN] = { "--contain", NULL,
	    "commands that are allowed run in assent's sandbox" },
	[OPT_WORKSPACE] = { "--workspace", "DIR",
	    "the project's folder; found from where the client works" },
	[OPT_CLIENT_VERSION] = { "--client-version", "VERSION",
	    "what the log says of the client" },
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
};

struct asking {
	struct hook *hook;
	struct client *client;
	int64_t deadline_ms;
};

static int64_t
left_ms(const struct asking *a)
{
	const int64_t left = a->deadline_ms - loop_now_ms();

	return left > 0 ? left : 0;
}

/* ---- the daemon's word --------------------------------------------------- */

/* One call; what it answers is a decision, or the error says why not. */
static int
call(struct asking *a, struct client_request *q, const struct hook_ruling *own,
    struct hook_ruling *ret, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	char *text;
	int r = client_call(a->client, q, &reply, e);

	if (r == 0)
		r = client_expect(&reply, e);
	if (r != 0 || reply.status == 304)
		return r;
	text = json_dumps(reply.json, JSON_COMPACT);
	if (text == NULL)
		return err_nomem(e);
	r = hook_ruling_read(str_of(text), own, ret, e);
	free(text);
	return r;
}

static int
propose(struct asking *a, struct hook_ruling *ret, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);
	const char *key = hook_key(a->hook);
	int r = hook_action(a->hook, &body, e);

	if (r != 0)
		return r;
	return call(a,
	    &(struct client_request){
		.method = "POST",
		.path = "/v1/actions",
		.body = buf_str(&body),
		.timeout_ms = ANSWER_MS,
		.idempotency_key = key[0] == '\0' ? NULL : key,
	    },
	    NULL, ret, e);
}

static int
look(struct asking *a, struct hook_ruling *ruling, struct err *e)
{
	const struct hook_ruling own = *ruling;
	char path[PATH_BYTES];
	int64_t wait_s = left_ms(a) / SECOND_MS;

	wait_s = wait_s < 1 ? 1 : wait_s > WAIT_S ? WAIT_S : wait_s;
	(void)snprintf(path, sizeof(path), "/v1/actions/%s", own.id);
	return call(a,
	    &(struct client_request){
		.method = "GET",
		.path = path,
		.wait_s = wait_s,
		.timeout_ms = wait_s * SECOND_MS + ANSWER_MS,
	    },
	    &own, ruling, e);
}

/* Nobody waits for it any more: a late answer must not look like one. */
static void
take_back(struct asking *a, const struct hook_ruling *ruling)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "/v1/actions/%s", ruling->id);
	(void)client_call(a->client,
	    &(struct client_request){
		.method = "DELETE", .path = path, .timeout_ms = ANSWER_MS },
	    &reply, NULL);
}

static int
decide(struct asking *a, bool waits, struct hook_ruling *ret, struct err *e)
{
	int r = propose(a, ret, e);

	while (r == 0 && ret->pending && waits && left_ms(a) > 0)
		r = look(a, ret, e);
	if (r == 0 && ret->pending)
		take_back(a, ret);
	return r;
}

/* A result has its place beside its action, where that can be found. */
static int
report(struct asking *a, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES);
	const bool outcome =
	    hook_event(a->hook) == HOOK_RESULT && hook_key(a->hook)[0] != '\0';
	int r;

	if (!outcome && hook_session(a->hook) == NULL)
		return ERR_OK;
	if (outcome)
		buf_puts(&path, "/v1/outcomes");
	else
		buf_printf(
		    &path, "/v1/sessions/%s/events", hook_session(a->hook));
	r = hook_report(a->hook, &body, e);
	if (r == 0)
		r = client_call(a->client,
		    &(struct client_request){
			.method = "POST",
			.path = buf_cstr(&path),
			.body = buf_str(&body),
			.timeout_ms = ANSWER_MS,
			.idempotency_key = outcome ? hook_key(a->hook) : NULL,
		    },
		    &reply, e);
	return r != 0 ? r : client_expect(&reply, e);
}

/* ---- the answer ---------------------------------------------------------- */

/* What cannot be said is a no by the exit status. */
static int
print(struct hook_output *out)
{
	if (buf_done(&out->problem, NULL) != 0 ||
	    buf_done(&out->out, NULL) != 0 ||
	    fdio_write_all(
		STDOUT_FILENO, buf_cstr(&out->out), out->out.len, NULL) != 0) {
		(void)fputs("assent: the answer could not be written; this "
			    "was not run\n",
		    stderr);
		return DENIED_STATUS;
	}
	(void)fputs(buf_cstr(&out->problem), stderr);
	return out->status;
}

static int
answer(const struct hook *h, const struct hook_ruling *ruling)
{
	struct hook_output out = HOOK_OUTPUT_INIT;
	int status;

	hook_answer(h, ruling, &out);
	status = print(&out);
	hook_output_done(&out);
	return status;
}

static int
refuse(const struct hook *h, const struct err *e)
{
	struct hook_ruling ruling;

	hook_ruling_failed(&ruling, e->msg, e->code == ERR_SYS ? REMEDY : NULL);
	return answer(h, &ruling);
}

/* The client goes on; that the log is not whole is said where it is seen. */
static int
pass(const struct hook *h, const struct err *why)
{
	struct hook_output out = HOOK_OUTPUT_INIT;
	int status;

	hook_pass(h, &out);
	if (why->code != ERR_OK) {
		buf_puts(&out.problem, "assent: not recorded: ");
		text_escape(&out.problem, str_of(why->msg));
		buf_putc(&out.problem, '\n');
	}
	status = print(&out);
	hook_output_done(&out);
	return status;
}

static int
serve(struct asking *a, const struct hook_options *o, const char *runtime)
{
	struct hook_ruling ruling = { .verdict = HOOK_DENY };
	struct err e = ERR_INIT;
	int r = ERR_OK;

	switch (hook_event(a->hook)) {
	case HOOK_IGNORED:
		return pass(a->hook, &e);
	case HOOK_CALL:
	case HOOK_PERMISSION:
		r = client_open(runtime, CLIENT_AGENT, &a->client, &e);
		if (r == 0)
			r = decide(a, o->mode == HOOK_ENFORCE, &ruling, &e);
		return r != 0 ? refuse(a->hook, &e) : answer(a->hook, &ruling);
	case HOOK_RESULT:
	case HOOK_PROMPT:
	case HOOK_SESSION_START:
	case HOOK_SESSION_END:
	case HOOK_NOTIFICATION:
		r = client_open(runtime, CLIENT_AGENT, &a->client, &e);
		if (r == 0)
			r = report(a, &e);
		(void)r;
		return pass(a->hook, &e);
	case HOOK_UNKNOWN:
		break;
	}
	(void)err_set(&e, ERR_INTERNAL, "the hook was not understood");
	return refuse(a->hook, &e);
}

static int
take_stdin(struct hook *h, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(HTTP_BODY_BYTES_MAX);
	const int r = fdio_read_all(STDIN_FILENO, &body, e);

	if (r != 0)
		return err_wrap(e, r, "the hook's JSON on standard input");
	return hook_take(h, buf_str(&body), e);
}

static int
read_options(const char *const *values, struct hook_options *o,
    int64_t *ret_timeout_ms, struct err *e)
{
	*ret_timeout_ms = TIMEOUT_MS_DEFAULT;
	o->runtime = values[OPT_RUNTIME];
	o->workspace = values[OPT_WORKSPACE];
	o->version = values[OPT_CLIENT_VERSION];
	if (values[OPT_MODE] != NULL && strcmp(values[OPT_MODE], "advise") == 0)
		o->mode = HOOK_ADVISE;
	if (values[OPT_TIMEOUT] != NULL &&
	    (num_parse_duration_ms(
		 str_of(values[OPT_TIMEOUT]), ret_timeout_ms) != 0 ||
		*ret_timeout_ms < 0))
		return err_set(e, ERR_INVALID,
		    "--timeout takes a time such as 30s or 9m, not '%s'",
		    values[OPT_TIMEOUT]);
	return ERR_OK;
}

/* An exit status other than 2 would let the client go on. */
static int
wrong_use(const char *why)
{
	(void)command_usage_error(&command_hook, "%s", why);
	return DENIED_STATUS;
}

static int
run_hook(int argc, char **argv)
{
	AUTO(hook_freep) struct hook *h = NULL;
	const char *values[OPT_COUNT] = { NULL };
	struct hook_options o = { .mode = HOOK_ENFORCE };
	struct asking a = { .client = NULL };
	struct err e = ERR_INIT;
	int64_t timeout_ms = 0;
	int status = EXIT_OK;
	const char *const client = argc > 1 ? argv[1] : "";
	const int skip = argc > 1 && client[0] != '-' ? 1 : 0;
	const int at = command_parse(&command_hook, argc - skip, argv + skip,
	    values, NULL, NULL, &status);

	if (at < 0)
		return status == EXIT_OK ? EXIT_OK : DENIED_STATUS;
	if (skip == 0 || at != argc - skip)
		return wrong_use("name one client, as in 'assent hook "
				 "claude-code', and nothing behind it");
	if (read_options(values, &o, &timeout_ms, &e) != 0)
		return wrong_use(e.msg);
	if (hook_new(str_of(client), &o, &h, &e) != 0)
		return wrong_use(e.msg);
	a.hook = h;
	a.deadline_ms = loop_now_ms() + timeout_ms;
	if (take_stdin(h, &e) != 0 ||
	    hook_places_find(h, values[OPT_CONTAIN] != NULL, &e) != 0)
		return refuse(h, &e);
	status = serve(&a, &o, values[OPT_RUNTIME]);
	client_free(a.client);
	return status;
}

const struct command command_hook = {
	.name = "hook",
	.summary = "Answer a client's hook: JSON on stdin, JSON on stdout",
	.usage =
	    "hook claude-code|codex|gemini|copilot|cursor|opencode|generic "
	    "[OPTIONS]",
	.details =
	    "'assent install CLIENT' puts this into the client's settings. "
	    "Whatever goes wrong is a\nno in that client's own form; exit "
	    "status 2 where there is no other way to say it.\nclient generic "
	    "takes an action as POST /v1/actions does, and gives exit status 0 "
	    "allow,\n1 deny, 2 nobody answered.",
	.example =
	    "echo '{\"tool\":\"shell\",\"input\":{\"script\":\"git "
	    "status\"},\"workspace\":\"'$PWD'\"}' |\n    assent hook generic",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_hook,
};
