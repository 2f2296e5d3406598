/*
 * assent opencode: answer the permissions that an opencode server asks for.
 * Runs in: assent.  Trusts: nothing of the server; of the daemon only a plain
 * allow.  Owns: the stream of events, and questions.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fdio.h"
#include "base/jsonw.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "events.h"
#include "held.h"
#include "hook_places.h"
#include "hooks/acp.h"
#include "http_loop.h"
#include "model/command.h"
#include "model/json_in.h"
#include "model/limits.h"
#include "question.h"
#include "show.h"

#define PORT_DEFAULT 4096
#define TIMEOUT_MS_DEFAULT 590000
#define ANSWER_MS 10000
#define AGAIN_MS 2000 /* between two tries to reach it */
#define REPLY_BYTES_MAX ((size_t)16 << 20)
#define REQUEST_BYTES_MAX ((size_t)1 << 20)
#define PATH_BYTES 256
#define ID_BYTES 128
#define SAY_BYTES 4096
#define SECRET_BYTES 256

extern const struct command command_opencode;

enum opencode_option {
	OPT_PORT,
	OPT_PASSWORD,
	OPT_TIMEOUT,
	OPT_RUNTIME,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_PORT] = { "--port", "PORT",
	    "where it listens on this machine (4096)" },
	[OPT_PASSWORD] = { "--password-file", "FILE",
	    "its OPENCODE_SERVER_PASSWORD" },
	[OPT_TIMEOUT] = { "--timeout", "TIME", "how long a person has (590s)" },
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
};

struct sidecar {
	struct loop *loop;
	struct asker *asker;
	struct acp *acp; /* it says what a permission is as its ACP does */
	struct held_list asked;
	struct http_running *stream;
	struct asked *listing; /* under way, or NULL */
	struct events events;
	struct loop_timer *again;
	char *project;
	char name[PATH_BYTES]; /* where it is, for sentences */
	char authorization[SECRET_BYTES * 2];
	uint16_t port;
	int64_t timeout_ms;
	unsigned stream_status;
	bool was_there;
	int status;
};

/* A permission: its session is looked up, it is judged, and answered. */
struct asked {
	struct held held; /* line: the permission's JSON */
	struct sidecar *sidecar;
	struct http_running *http;
	struct buf body;
	unsigned status;
};

static void
say(const char *why)
{
	AUTO_BUF struct buf text = BUF_INIT(SAY_BYTES);

	buf_puts(&text, "assent opencode: ");
	text_escape(&text, str_of(why));
	buf_putc(&text, '\n');
	(void)fputs(buf_cstr(&text), stderr);
}

static bool
is_name(const char *s)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-";

	return s != NULL && s[0] != '\0' && strlen(s) < ID_BYTES &&
	    s[strspn(s, letters)] == '\0';
}

/* ---- requests ------------------------------------------------------------ */

static void
put_request(struct buf *out, const struct sidecar *s, const char *method,
    const char *path, struct str body)
{
	buf_printf(out,
	    "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n"
	    "Accept: %s\r\n",
	    method, path, s->port,
	    strcmp(path, "/event") == 0 ? "text/event-stream"
					: "application/json");
	if (s->authorization[0] != '\0')
		buf_printf(out, "Authorization: %s\r\n", s->authorization);
	if (body.len > 0)
		buf_printf(out,
		    "Content-Type: application/json\r\n"
		    "Content-Length: %zu\r\n",
		    body.len);
	buf_puts(out, "\r\n");
	buf_put_str(out, body);
}

static int
on_head(void *ctx, const struct http_head *head, struct err *e)
{
	struct asked *q = ctx;

	(void)e;
	q->status = head->status;
	return ERR_OK;
}

static int
on_body(void *ctx, struct str bytes, struct err *e)
{
	struct asked *q = ctx;

	buf_put_str(&q->body, bytes);
	return buf_done(&q->body, e);
}

static int
request(struct asked *q, const char *method, const char *path, struct str body,
    http_done_fn *done, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(REQUEST_BYTES_MAX);
	const struct sidecar *s = q->sidecar;
	int r;

	put_request(&text, s, method, path, body);
	r = buf_done(&text, e);
	if (r != 0)
		return r;
	buf_reset(&q->body);
	return http_start(s->loop,
	    &(struct http_call){ .socket = s->name,
		.port = s->port,
		.request = buf_str(&text),
		.on_head = on_head,
		.on_body = on_body,
		.ctx = q,
		.timeout_ms = ANSWER_MS,
		.interrupt_fd = -1 },
	    done, q, &q->http, e);
}

/* ---- a permission -------------------------------------------------------- */

static void
forget(struct asked *q)
{
	http_stop(q->http);
	question_drop(q->held.question);
	held_remove(&q->sidecar->asked, &q->held);
	buf_free(&q->body);
	free(q);
}

/* It waits on at the server, and is asked again when it is listed again. */
static void
on_replied(void *ctx, int r, const struct err *why)
{
	struct asked *q = ctx;

	q->http = NULL;
	if (r != 0)
		say(why->msg);
	else if (q->status >= 400 && q->status != 404)
		say("opencode does not take the answer");
	forget(q);
}

static void
reply(struct asked *q, const struct hook_ruling *ruling)
{
	AUTO_BUF struct buf body = BUF_INIT(REQUEST_BYTES_MAX);
	const char *word = ruling->verdict == HOOK_ALLOW ? "once" : "reject";
	struct jsonw w = jsonw_on(&body);
	struct err e = ERR_INIT;
	char path[PATH_BYTES];

	jsonw_object(&w);
	jsonw_kstr(&w, "reply", word);
	jsonw_kstr(&w, "message", ruling->message);
	jsonw_end(&w);
	(void)snprintf(path, sizeof(path), "/permission/%s/reply", q->held.id);
	if (request(q, "POST", path, buf_str(&body), on_replied, &e) != 0) {
		say(e.msg);
		forget(q);
	}
}

static void
refuse(struct asked *q, const char *why)
{
	struct hook_ruling ruling;

	hook_ruling_failed(&ruling, why, NULL);
	reply(q, &ruling);
}

static void
on_end(void *ctx, const struct question_news *news)
{
	struct asked *q = ctx;

	q->held.question = NULL;
	reply(q, news->ruling);
}

/* The permission as its own agent protocol would have asked for it. */
static json_t *
as_acp(const json_t *permission)
{
	static const struct {
		const char *permission, *kind;
	} kinds[] = {
		{ "bash", "execute" },
		{ "edit", "edit" },
		{ "write", "edit" },
		{ "webfetch", "fetch" },
	};
	const char *name = client_text(permission, "permission");
	const json_t *tool = json_object_get(permission, "tool");
	const char *call = client_text(tool, "callID");
	const char *kind = "other";

	for (size_t i = 0; name != NULL && i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].permission, name) == 0)
			kind = kinds[i].kind;
	}
	return json_pack("{s:s,s:s,s:s,s:{s:s,s:[],s:{s:s,s:s,s:s,s:O*,s:O*}}}",
	    "jsonrpc", "2.0", "id", client_text(permission, "id"), "method",
	    "session/request_permission", "params", "sessionId",
	    client_text(permission, "sessionID"), "options", "toolCall",
	    "toolCallId", call == NULL ? "" : call, "kind", kind, "title",
	    name == NULL ? "" : name, "rawInput",
	    json_object_get(permission, "metadata"), "patterns",
	    json_object_get(permission, "patterns"));
}

static void
place_session(struct sidecar *s, const char *session, const char *folder)
{
	json_auto_t *load = json_pack("{s:s,s:i,s:s,s:{s:s,s:s}}", "jsonrpc",
	    "2.0", "id", 0, "method", "session/load", "params", "sessionId",
	    session, "cwd", folder);
	AUTO_FREE char *text = json_dumps(load, JSON_COMPACT);
	struct bridge_news news;

	if (text != NULL)
		acp_editor(s->acp, str_of(text), &news);
}

static int
judge(struct asked *q, const json_t *permission, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(REPLY_BYTES_MAX);
	json_auto_t *message = as_acp(permission);
	AUTO_FREE char *text = json_dumps(message, JSON_COMPACT);
	struct bridge_question found;
	struct bridge_result result;

	if (text == NULL)
		return err_set(
		    e, ERR_INVALID, "its permission has another form");
	if (acp_agent(q->sidecar->acp, str_of(text), &found, &result, &out) !=
	    BRIDGE_HOLD)
		return err_set(e, ERR_INVALID, "%.200s", buf_cstr(&out));
	return question_ask(q->sidecar->asker,
	    &(struct question_options){ .body = found.body,
		.timeout_ms = q->sidecar->timeout_ms,
		.on_end = on_end,
		.ctx = q },
	    &q->held.question, e);
}

/* Where the session works: paths of its calls begin there. */
static void
on_session(void *ctx, int r, const struct err *why)
{
	struct asked *q = ctx;
	json_auto_t *session = NULL, *permission = NULL;
	struct err e = *why;
	const char *folder;

	q->http = NULL;
	if (r == 0)
		r = json_in(buf_str(&q->body), &session, &e);
	if (r == 0)
		r = json_in(held_line(&q->held), &permission, &e);
	folder = client_text(session, "directory");
	if (r == 0 && (q->status != 200 || folder == NULL || folder[0] != '/'))
		r = err_set(&e, ERR_INVALID,
		    "opencode does not say where the session works");
	if (r == 0) {
		place_session(
		    q->sidecar, client_text(permission, "sessionID"), folder);
		r = judge(q, permission, &e);
	}
	if (r != 0)
		refuse(q, e.msg);
}

static void
take_permission(struct sidecar *s, const json_t *permission)
{
	const char *id = client_text(permission, "id");
	const char *session = client_text(permission, "sessionID");
	AUTO_FREE char *text = json_dumps(permission, JSON_COMPACT);
	struct asked *q;
	struct err e = ERR_INIT;
	char path[PATH_BYTES];

	if (!is_name(id) || !is_name(session) || text == NULL) {
		say("a permission has another form; it is not answered");
		return;
	}
	if (held_find(&s->asked, str_of(id)) != NULL ||
	    !held_has_room(&s->asked, strlen(text)))
		return;
	q = mem_new(1, sizeof(*q));
	if (q == NULL ||
	    held_add(&s->asked, &q->held, str_of(id), str_of(text)) != 0) {
		free(q);
		return;
	}
	q->sidecar = s;
	q->body = (struct buf)BUF_INIT(REPLY_BYTES_MAX);
	(void)snprintf(path, sizeof(path), "/session/%s", session);
	if (request(q, "GET", path, STR_NONE, on_session, &e) != 0) {
		say(e.msg);
		forget(q);
	}
}

/* ---- events -------------------------------------------------------------- */

static int
on_event(void *ctx, struct str name, struct str data, struct err *e)
{
	struct sidecar *s = ctx;
	json_auto_t *event = NULL;
	const char *type;
	const json_t *about;

	(void)name;
	(void)e;
	/* events of other kinds may have any form */
	if (json_in(data, &event, NULL) != 0)
		return ERR_OK;
	type = client_text(event, "type");
	about = json_object_get(event, "properties");
	if (type == NULL)
		return ERR_OK;
	if (strcmp(type, "permission.asked") == 0)
		take_permission(s, about);
	if (strcmp(type, "permission.replied") == 0) {
		const char *id = client_text(about, "requestID");
		struct asked *q = id == NULL
		    ? NULL
		    : (struct asked *)held_find(&s->asked, str_of(id));

		/* somebody at its own screen was faster */
		if (q != NULL && q->http == NULL)
			forget(q);
	}
	return ERR_OK;
}

static int
on_stream_head(void *ctx, const struct http_head *head, struct err *e)
{
	struct sidecar *s = ctx;

	s->stream_status = head->status;
	if (head->status == 200)
		s->was_there = true;
	return head->status == 200
	    ? ERR_OK
	    : err_set(e, ERR_DENIED, "opencode at %s answers with status %u%s",
		  s->name, head->status,
		  head->status == 401 ? "; give its --password-file" : "");
}

static int
on_stream_body(void *ctx, struct str bytes, struct err *e)
{
	struct sidecar *s = ctx;

	return events_feed(&s->events, bytes, e);
}

static void follow(struct sidecar *s);

static void
on_again(void *ctx)
{
	struct sidecar *s = ctx;

	s->again = NULL;
	follow(s);
}

/* Without us its permissions wait: nothing runs. A server that was never
 * there is an error of who started us. */
static void
try_again(struct sidecar *s, const struct err *why)
{
	if (!s->was_there) {
		struct err e = *why;

		if (why->sys_errno == ECONNREFUSED)
			(void)err_set(&e, ERR_SYS,
			    "no opencode server at '%s'; start 'opencode serve "
			    "--port %u', or name its port with --port",
			    s->name, s->port);
		(void)show_error(&command_opencode, &e, EXIT_UNAVAILABLE);
		s->status = EXIT_UNAVAILABLE;
		loop_stop(s->loop);
		return;
	}
	if (loop_after(s->loop, AGAIN_MS, on_again, s, &s->again, NULL) != 0)
		loop_stop(s->loop);
}

static void
on_stream_end(void *ctx, int r, const struct err *why)
{
	struct sidecar *s = ctx;
	struct err e = *why;

	s->stream = NULL;
	events_done(&s->events);
	if (r == 0)
		(void)err_set(&e, ERR_SYS, "opencode ends its events");
	if (s->was_there)
		say(e.msg);
	try_again(s, &e);
}

static void
drop_listing(struct sidecar *s)
{
	struct asked *const q = s->listing;

	s->listing = NULL;
	if (q == NULL)
		return;
	http_stop(q->http);
	buf_free(&q->body);
	free(q);
}

/* What waited before we listened. */
static void
on_list(void *ctx, int r, const struct err *why)
{
	struct asked *q = ctx;
	struct sidecar *s = q->sidecar;
	json_auto_t *list = NULL;
	const json_t *one;
	size_t i;

	q->http = NULL;
	(void)why;
	if (r == 0 && q->status == 200 &&
	    json_in(buf_str(&q->body), &list, NULL) == 0) {
		json_array_foreach(list, i, one) take_permission(s, one);
	}
	drop_listing(s);
}

static void
list_waiting(struct sidecar *s)
{
	struct asked *q = mem_new(1, sizeof(*q));

	drop_listing(s);
	if (q == NULL)
		return;
	q->sidecar = s;
	q->body = (struct buf)BUF_INIT(REPLY_BYTES_MAX);
	s->listing = q;
	if (request(q, "GET", "/permission", STR_NONE, on_list, NULL) != 0)
		drop_listing(s);
}

static void
follow(struct sidecar *s)
{
	AUTO_BUF struct buf text = BUF_INIT(REQUEST_BYTES_MAX);
	struct err e = ERR_INIT;

	put_request(&text, s, "GET", "/event", STR_NONE);
	s->events = (struct events)EVENTS_INIT(on_event, s);
	if (http_start(s->loop,
		&(struct http_call){ .socket = s->name,
		    .port = s->port,
		    .request = buf_str(&text),
		    .on_head = on_stream_head,
		    .on_body = on_stream_body,
		    .ctx = s,
		    .interrupt_fd = -1 },
		on_stream_end, s, &s->stream, &e) != 0) {
		try_again(s, &e);
		return;
	}
	list_waiting(s);
}

/* ---- the command --------------------------------------------------------- */

static const char *
project(void *ctx, const char *folder)
{
	struct sidecar *s = ctx;

	free(s->project);
	s->project = hook_places_project(folder);
	return s->project == NULL ? folder : s->project;
}

static int
read_password(struct sidecar *s, const char *path, struct err *e)
{
	AUTO_BUF struct buf file = BUF_INIT(SECRET_BYTES);
	AUTO_BUF struct buf plain = BUF_INIT(SECRET_BYTES);
	AUTO_BUF struct buf text = BUF_INIT(sizeof(s->authorization) - 1);
	int r;

	if (path == NULL)
		return ERR_OK;
	r = fdio_read_file(path, &file, e);
	if (r != 0)
		return r;
	buf_puts(&plain, "opencode:");
	buf_put_str(&plain, str_trim(buf_str(&file)));
	buf_puts(&text, "Basic ");
	text_base64(&text, buf_str(&plain));
	r = buf_done(&plain, e) != 0 ? ERR_LIMIT : buf_done(&text, e);
	if (r != 0)
		return err_set(
		    e, ERR_LIMIT, "the password in '%s' is too long", path);
	(void)snprintf(
	    s->authorization, sizeof(s->authorization), "%s", buf_cstr(&text));
	return ERR_OK;
}

static void
on_signal(void *ctx, int signo)
{
	struct sidecar *s = ctx;

	s->status = 128 + signo;
	loop_stop(s->loop);
}

static void
done(struct sidecar *s)
{
	while (s->asked.first != NULL)
		forget((struct asked *)s->asked.first);
	drop_listing(s);
	http_stop(s->stream);
	events_done(&s->events);
	asker_free(s->asker);
	acp_free(s->acp);
	if (s->loop != NULL)
		loop_cancel(s->loop, s->again);
	loop_free(s->loop);
	free(s->project);
}

static int
serve(struct sidecar *s, const char *const *values)
{
	const struct bridge_options o = {
		.cwd = "/", .project = project, .ctx = s
	};
	struct err e = ERR_INIT;
	int r = read_password(s, values[OPT_PASSWORD], &e);

	if (r == 0)
		r = loop_new(&s->loop, &e);
	if (r == 0)
		r = acp_new(&o, &s->acp, &e);
	if (r == 0)
		r = asker_new(s->loop, values[OPT_RUNTIME], &s->asker, &e);
	if (r == 0)
		r = loop_signal(s->loop, SIGTERM, on_signal, s, &e);
	if (r == 0)
		r = loop_signal(s->loop, SIGINT, on_signal, s, &e);
	if (r == 0) {
		follow(s);
		r = loop_run(s->loop, &e);
	}
	if (r != 0)
		s->status = show_error(&command_opencode, &e, EXIT_USAGE);
	done(s);
	return s->status;
}

static int
run_opencode(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	struct sidecar s = { .timeout_ms = TIMEOUT_MS_DEFAULT };
	uint64_t port = PORT_DEFAULT;
	int status = EXIT_OK;
	const int at = command_parse(
	    &command_opencode, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at != argc)
		return command_usage_error(
		    &command_opencode, "no operand is expected");
	if (values[OPT_PORT] != NULL &&
	    num_parse_u64(str_of(values[OPT_PORT]), 1, UINT16_MAX, &port) != 0)
		return command_usage_error(&command_opencode,
		    "--port takes a number from 1 to 65535, not '%s'",
		    values[OPT_PORT]);
	if (values[OPT_TIMEOUT] != NULL &&
	    num_parse_duration_ms(str_of(values[OPT_TIMEOUT]), &s.timeout_ms) !=
		0)
		return command_usage_error(&command_opencode,
		    "--timeout takes a time such as 30s or 9m, not '%s'",
		    values[OPT_TIMEOUT]);
	s.port = (uint16_t)port;
	(void)snprintf(s.name, sizeof(s.name), "127.0.0.1:%u", s.port);
	return serve(&s, values);
}

const struct command command_opencode = {
	.name = "opencode",
	.summary = "Answer the permissions of an opencode server",
	.usage = "opencode [OPTIONS]",
	.details =
	    "Follows the events of 'opencode serve' on this machine, and "
	    "answers each permission that\nit asks for: once, or reject with "
	    "the reason, which the model reads. It asks only where\nits own "
	    "settings say \"ask\"; 'assent install opencode' sees every call. "
	    "Without assent\nits permissions wait.",
	.example = "assent opencode --port 4096 --password-file ~/.oc-password",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_opencode,
};
