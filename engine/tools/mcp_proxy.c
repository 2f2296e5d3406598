/*
 * assent mcp-proxy: judge the calls to somebody else's MCP server.
 * Runs in: assent, started by the client.  Trusts: neither the client nor the
 * server; of the daemon only a plain allow.  Owns: the server, and calls that
 * wait or are under way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/program.h"
#include "base/text.h"
#include "held.h"
#include "hooks/gate.h"
#include "model/command.h"
#include "model/limits.h"
#include "model/provider_url.h"
#include "pins.h"
#include "question.h"
#include "relay.h"
#include "show.h"

#define TIMEOUT_MS_DEFAULT 590000
#define MESSAGE_MAX (2 * GATE_LINE_MAX)
#define SAY_BYTES 4096
#define SESSION_MAX 48
#define PATH_BYTES 4096
#define SANDBOX_WORDS 9 /* before the server's own */
#define SERVER_WORDS_MAX 1024
#define SANDBOX_TIMEOUT "24h"

extern const struct command command_mcp_proxy;

enum proxy_option {
	OPT_URL,
	OPT_HEADERS,
	OPT_CA,
	OPT_NAME,
	OPT_PROFILE,
	OPT_WORKSPACE,
	OPT_TIMEOUT,
	OPT_FORGET,
	OPT_STATE,
	OPT_RUNTIME,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_URL] = { "--url", "URL",
	    "a server over streamable HTTP, instead of a program" },
	[OPT_HEADERS] = { "--header-file", "FILE",
	    "lines 'Name: value' that --url is sent, such as Authorization" },
	[OPT_CA] = { "--ca-file", "FILE",
	    "who vouches for --url, instead of the system's list" },
	[OPT_NAME] = { "--name", "SERVER",
	    "the server's name in rules; its program's or host's if not "
	    "given" },
	[OPT_PROFILE] = { "--profile", "NAME",
	    "run the server in assent's sandbox, under this profile" },
	[OPT_WORKSPACE] = { "--workspace", "DIR",
	    "the project's folder; the current one if not given" },
	[OPT_TIMEOUT] = { "--timeout", "TIME", "how long a person has (590s)" },
	[OPT_FORGET] = { "--forget", NULL,
	    "forget how the server of --name described its tools" },
	[OPT_STATE] = { "--state", "DIR", "where descriptions are kept" },
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
};

/* A call that is held until it is decided, or with the server until it is
 * answered. */
struct call {
	struct held held;
	struct proxy *proxy;
	char *progress, *tool; /* progress: its token, or NULL */
	unsigned waited;
	uint8_t digest[SHA256_LEN]; /* of the new description; of changed */
	bool changed;
	char action[ACTION_ID_MAX]; /* with the server */
};

struct proxy {
	struct relay *relay;
	struct asker *asker;
	struct gate *gate;
	struct pins *pins;
	struct held_list calls;
	int64_t timeout_ms;
	struct buf out;
};

static void
say(const char *why)
{
	AUTO_BUF struct buf text = BUF_INIT(SAY_BYTES);

	buf_puts(&text, "assent mcp-proxy: ");
	text_escape(&text, str_of(why));
	buf_putc(&text, '\n');
	(void)fputs(buf_cstr(&text), stderr);
}

/* What is in out goes to the client. */
static void
reply(struct proxy *p)
{
	if (buf_done(&p->out, NULL) == 0)
		relay_to_client(p->relay, buf_str(&p->out));
	buf_reset(&p->out);
}

/* ---- calls --------------------------------------------------------------- */

static struct call *
find_call(const struct proxy *p, struct str id)
{
	return (struct call *)held_find(&p->calls, id);
}

static void
forget_call(struct call *c)
{
	held_remove(&c->proxy->calls, &c->held);
	free(c->progress);
	free(c->tool);
	free(c);
}

static struct call *
add_call(struct proxy *p, const struct gate_call *g, struct str line)
{
	struct call *c = mem_new(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->proxy = p;
	if (held_add(&p->calls, &c->held, g->id, line) != 0) {
		free(c);
		return NULL;
	}
	c->tool = held_copy(str_of(g->tool));
	if (g->progress.len > 0)
		c->progress = held_copy(g->progress);
	c->changed = g->state == GATE_CHANGED &&
	    pins_digest(p->pins, g->tool, c->digest) == 0;
	if (c->tool == NULL) {
		forget_call(c);
		return NULL;
	}
	return c;
}

/* ---- what the daemon says ------------------------------------------------ */

static void
on_wait(void *ctx, const struct question_news *news)
{
	AUTO_BUF struct buf words = BUF_INIT(SAY_BYTES);
	struct call *c = ctx;

	if (c->waited == 0) {
		buf_printf(&words, "%s waits: assent approve %s", c->tool,
		    news->ruling->id);
		say(buf_cstr(&words));
		buf_reset(&words);
	}
	c->waited++;
	if (c->progress == NULL)
		return;
	buf_printf(&words, "assent: a person is asked (%s)", news->ruling->id);
	gate_put_progress(
	    &c->proxy->out, str_of(c->progress), c->waited, buf_cstr(&words));
	reply(c->proxy);
}

static bool
by_a_person(struct str text)
{
	return str_search(text, STR("\"decided_by\":\"human\"")) < text.len;
}

static void
on_end(void *ctx, const struct question_news *news)
{
	struct call *c = ctx;
	struct proxy *p = c->proxy;

	c->held.question = NULL;
	if (news->ruling->verdict != HOOK_ALLOW) {
		gate_put_denied(
		    &p->out, str_of(c->held.id), news->ruling->message);
		reply(p);
		forget_call(c);
		return;
	}
	/* who allowed it has seen the change beside the call */
	if (c->changed && by_a_person(news->text))
		pins_accept(p->pins, c->tool, c->digest);
	(void)snprintf(c->action, sizeof(c->action), "%s", news->ruling->id);
	relay_to_server(p->relay, held_line(&c->held));
	held_let_go(&p->calls, &c->held);
}

/* ---- lines --------------------------------------------------------------- */

static void
refuse(struct proxy *p, struct str id, const char *why)
{
	gate_put_denied(&p->out, id, why);
	reply(p);
}

static void
hold(struct proxy *p, const struct gate_call *g, struct str line)
{
	struct call *c;

	if (find_call(p, g->id) != NULL) {
		refuse(p, g->id, "assent: another call has this id");
		return;
	}
	if (!held_has_room(&p->calls, line.len)) {
		refuse(p, g->id,
		    "assent: too many calls at once; it was not passed on, try "
		    "again when others have ended");
		return;
	}
	c = add_call(p, g, line);
	if (c == NULL ||
	    question_ask(p->asker,
		&(struct question_options){
		    .body = g->body,
		    .timeout_ms = p->timeout_ms,
		    .on_wait = on_wait,
		    .on_end = on_end,
		    .ctx = c,
		},
		&c->held.question, NULL) != 0) {
		refuse(p, g->id, "assent: memory is short; not passed on");
		if (c != NULL)
			forget_call(c);
	}
}

/* A call that is held never reaches the server, nor does its end. */
static void
cancel(struct proxy *p, struct str id, struct str line)
{
	struct call *c = find_call(p, id);

	if (c == NULL || c->held.question == NULL) {
		relay_to_server(p->relay, line);
		return;
	}
	question_drop(c->held.question);
	forget_call(c);
}

static void
from_client(void *ctx, struct str line)
{
	struct proxy *p = ctx;
	struct gate_call call;

	switch (gate_client(p->gate, line, &call, &p->out)) {
	case GATE_PASS:
		relay_to_server(p->relay, line);
		break;
	case GATE_HOLD:
		hold(p, &call, line);
		break;
	case GATE_ANSWER:
		reply(p);
		break;
	case GATE_CANCEL:
		cancel(p, call.id, line);
		break;
	case GATE_DROP:
		say(buf_cstr(&p->out));
		buf_reset(&p->out);
		break;
	}
}

static void
record(struct proxy *p, struct call *c, const struct gate_reply *r)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES);

	buf_printf(&path, "/v1/actions/%s/outcome", c->action);
	asker_tell(p->asker, buf_cstr(&path), NULL, r->outcome);
	forget_call(c);
}

static void
from_server(void *ctx, struct str line)
{
	struct proxy *p = ctx;
	struct gate_reply r;
	struct call *c;

	gate_server(p->gate, line, &r);
	c = r.id.len == 0 ? NULL : find_call(p, r.id);
	/* it answers what it has not been asked */
	if (c != NULL && c->held.question != NULL) {
		say("the server answers a call that it was not given; "
		    "not passed on");
		return;
	}
	if (r.unread)
		say("a message of the server is not understood; it is passed "
		    "on, and not recorded");
	relay_to_client(p->relay, line);
	if (c != NULL)
		record(p, c, &r);
}

/* ---- the server's tools -------------------------------------------------- */

static struct gate_definition
definition(void *ctx, const char *tool)
{
	const struct proxy *p = ctx;

	return pins_definition(p->pins, tool);
}

static void
on_tool(void *ctx, const char *tool, struct str json)
{
	struct proxy *p = ctx;

	pins_take(p->pins, tool, json);
	if (pins_definition(p->pins, tool).state == GATE_CHANGED) {
		AUTO_BUF struct buf words = BUF_INIT(SAY_BYTES);

		buf_printf(&words,
		    "the server describes '%s' in other words than before; "
		    "a person is asked before it is called",
		    tool);
		say(buf_cstr(&words));
	}
}

/* ---- the command --------------------------------------------------------- */

static bool
is_name(const char *name)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.";

	return name[0] != '\0' && name[0] != '.' &&
	    strlen(name) <= NAME_BYTES_MAX &&
	    name[strspn(name, letters)] == '\0';
}

/* Rules and what is remembered go by it: it must tell servers apart. */
static int
default_name(char *const *argv, char *ret, size_t size, struct err *e)
{
	static const char *const starters[] = { "npx", "bunx", "pnpx", "uvx",
		"node", "python", "python3", "uv", "docker", "deno" };
	const char *word = argv[0];
	const char *slash = strrchr(word, '/');

	word = slash == NULL ? word : slash + 1;
	for (size_t i = 0; i < ARRAY_LEN(starters); i++) {
		if (strcmp(word, starters[i]) == 0)
			return err_set(e, ERR_INVALID,
			    "'%s' starts many servers; give this one a --name",
			    word);
	}
	if (!is_name(word) || strlen(word) >= size)
		return err_set(e, ERR_INVALID,
		    "'%.64s' is no name for rules; give the server a --name",
		    word);
	(void)snprintf(ret, size, "%s", word);
	return ERR_OK;
}

/* The one name that is this machine wherever names are looked up: as digits,
 * so that nobody's answer sends a key elsewhere. */
static int
plain_url(const char *text, char ret[static URL_BYTES_MAX], struct err *e)
{
	static const char local[] = "http://localhost";
	const char *rest = text + strlen(local);

	if (strncmp(text, local, strlen(local)) != 0 ||
	    strchr(":/?", rest[0]) == NULL)
		rest = text;
	if (snprintf(ret, URL_BYTES_MAX, "%s%s",
		rest == text ? "" : "http://127.0.0.1", rest) >= URL_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "--url is too long");
	return ERR_OK;
}

static int
name_of_url(const char *text, char *ret, size_t size, struct err *e)
{
	struct provider_url url;
	const char *why = NULL;

	if (strncmp(text, "https://", 8) != 0 &&
	    strncmp(text, "http://", 7) != 0)
		return err_set(e, ERR_INVALID,
		    "--url '%s' begins with neither https:// nor http://",
		    text);
	if (provider_url_parse(text, &url, &why) != 0)
		return err_set(e, ERR_INVALID, "--url '%s': %s", text, why);
	if (url.host.len >= size)
		return err_set(e, ERR_LIMIT, "--url has too long a host");
	if (address_is_loopback(url.host))
		return err_set(e, ERR_INVALID,
		    "many servers are on this machine; give this one a --name");
	(void)snprintf(ret, size, "%.*s", STR_ARG(url.host));
	if (!is_name(ret))
		return err_set(e, ERR_INVALID,
		    "'%.64s' is no name for rules; give the server a --name",
		    ret);
	return ERR_OK;
}

/* A program stands in for the remote one: ret is its path. */
static int
stand_in(const char *const *values, char *path, char **words, struct err *e)
{
	const char *const all[] = { path, values[OPT_URL],
		values[OPT_HEADERS] == NULL ? "" : values[OPT_HEADERS],
		values[OPT_CA] == NULL ? "" : values[OPT_CA] };
	int r = program_beside("assent-mcp-remote", path, e);

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		words[i] = (char *)(uintptr_t)all[i];
	words[ARRAY_LEN(all)] = NULL;
	return r;
}

static int
session_name(char ret[static SESSION_MAX], struct err *e)
{
	AUTO_BUF struct buf hex = BUF_INIT(SESSION_MAX);
	unsigned char random[8];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_sys(e, "no random bytes");
	text_hex(&hex, random, sizeof(random));
	(void)snprintf(ret, SESSION_MAX, "mcp-proxy:%s", buf_cstr(&hex));
	return ERR_OK;
}

/* The server's words behind those that put it into the sandbox. */
static int
contain(char **words, const char *self, const char *profile,
    const char *workspace, char **argv, struct err *e)
{
	const char *const head[SANDBOX_WORDS] = { self, "sandbox", "--profile",
		profile, "--workspace", workspace, "--timeout", SANDBOX_TIMEOUT,
		"--" };
	size_t n = 0;

	for (; n < SANDBOX_WORDS; n++)
		words[n] = (char *)(uintptr_t)head[n];
	for (; *argv != NULL; argv++) {
		if (n == SERVER_WORDS_MAX)
			return err_set(
			    e, ERR_LIMIT, "the server has too many words");
		words[n++] = *argv;
	}
	words[n] = NULL;
	return ERR_OK;
}

static void
done(struct proxy *p)
{
	while (p->calls.first != NULL) {
		question_drop(p->calls.first->question);
		forget_call((struct call *)p->calls.first);
	}
	asker_free(p->asker);
	relay_free(p->relay);
	gate_free(p->gate);
	pins_free(p->pins);
	buf_free(&p->out);
}

static int
begin(struct proxy *p, const char *const *values, char **argv,
    struct gate_options *g, struct err *e)
{
	int r = pins_open(values[OPT_STATE], g->server, &p->pins, e);

	g->definition = definition;
	g->on_tool = on_tool;
	g->ctx = p;
	if (r == 0)
		r = gate_new(g, &p->gate, e);
	if (r == 0)
		r = relay_new(&(struct relay_options){ .argv = argv,
				  .line_max = GATE_LINE_MAX,
				  .from_client = from_client,
				  .from_server = from_server,
				  .ctx = p },
		    &p->relay, e);
	return r != 0 ? r
		      : asker_new(relay_loop(p->relay), values[OPT_RUNTIME],
			    &p->asker, e);
}

static int
serve(const char *const *values, char **argv, const char *name,
    int64_t timeout_ms)
{
	AUTO_FREE char *workspace = realpath(
	    values[OPT_WORKSPACE] == NULL ? "." : values[OPT_WORKSPACE], NULL);
	AUTO_FREE char *self = realpath("/proc/self/exe", NULL);
	char session[SESSION_MAX], *words[SERVER_WORDS_MAX + 1];
	char remote[PROGRAM_PATH_MAX];
	struct proxy p = { .timeout_ms = timeout_ms,
		.out = BUF_INIT(MESSAGE_MAX) };
	struct gate_options g = {
		.server = name, .workspace = workspace, .session = session
	};
	struct err e = ERR_INIT;
	int r = ERR_OK, status = EXIT_USAGE;

	if (workspace == NULL || self == NULL)
		r = err_sys(&e, "workspace '%s'",
		    values[OPT_WORKSPACE] == NULL ? "."
						  : values[OPT_WORKSPACE]);
	if (r == 0)
		r = session_name(session, &e);
	if (r == 0 && values[OPT_URL] != NULL) {
		r = stand_in(values, remote, words, &e);
		argv = words;
	}
	if (r == 0 && values[OPT_PROFILE] != NULL) {
		r = contain(
		    words, self, values[OPT_PROFILE], workspace, argv, &e);
		argv = words;
	}
	if (r == 0)
		r = begin(&p, values, argv, &g, &e);
	if (r == 0)
		status = relay_run(p.relay);
	else
		(void)show_error(&command_mcp_proxy, &e, status);
	done(&p);
	return status;
}

static int
forget(const char *const *values)
{
	struct err e = ERR_INIT;

	if (values[OPT_NAME] == NULL)
		return command_usage_error(
		    &command_mcp_proxy, "--forget needs the --name");
	if (pins_forget(values[OPT_STATE], values[OPT_NAME], &e) != 0)
		return show_error(&command_mcp_proxy, &e, EXIT_INTERNAL);
	return EXIT_OK;
}

/* A program or a URL, and what goes with it; url: as it is spoken to. */
static int
check_place(const char **values, bool has_words, char url[static URL_BYTES_MAX],
    struct err *e)
{
	const char *given = values[OPT_URL];

	if (has_words == (given != NULL))
		return err_set(
		    e, ERR_INVALID, "name the server's program, or its --url");
	if (given != NULL && values[OPT_PROFILE] != NULL)
		return err_set(
		    e, ERR_INVALID, "--profile is for a server's program");
	if (given == NULL &&
	    (values[OPT_HEADERS] != NULL || values[OPT_CA] != NULL))
		return err_set(e, ERR_INVALID,
		    "--header-file and --ca-file are for --url");
	if (given == NULL)
		return ERR_OK;
	values[OPT_URL] = url;
	return plain_url(given, url, e);
}

static int
run_mcp_proxy(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	char name[NAME_BYTES_MAX + 1] = "", url[URL_BYTES_MAX];
	int64_t timeout_ms = TIMEOUT_MS_DEFAULT;
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	const int at = command_parse(
	    &command_mcp_proxy, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (values[OPT_NAME] != NULL && !is_name(values[OPT_NAME]))
		return command_usage_error(&command_mcp_proxy,
		    "--name takes letters, digits, '-', '_' and '.'");
	if (values[OPT_FORGET] != NULL)
		return forget(values);
	if (check_place(values, at < argc, url, &e) != 0)
		return command_usage_error(&command_mcp_proxy, "%s", e.msg);
	if (values[OPT_TIMEOUT] != NULL &&
	    num_parse_duration_ms(str_of(values[OPT_TIMEOUT]), &timeout_ms) !=
		0)
		return command_usage_error(&command_mcp_proxy,
		    "--timeout takes a time such as 30s or 9m, not '%s'",
		    values[OPT_TIMEOUT]);
	if (values[OPT_NAME] == NULL &&
	    (values[OPT_URL] != NULL
		    ? name_of_url(values[OPT_URL], name, sizeof(name), &e)
		    : default_name(argv + at, name, sizeof(name), &e)) != 0)
		return command_usage_error(&command_mcp_proxy, "%s", e.msg);
	return serve(values, argv + at,
	    values[OPT_NAME] == NULL ? name : values[OPT_NAME], timeout_ms);
}

const struct command command_mcp_proxy = {
	.name = "mcp-proxy",
	.summary = "Judge the calls to another MCP server",
	.usage = "mcp-proxy [OPTIONS] [--url URL | -- SERVER...]",
	.details =
	    "Put it in front of a server that speaks MCP on stdin and stdout, "
	    "or over HTTP (--url).\nEach tools/call is decided by rules (tool: "
	    "mcp) before the server sees it; a person\nanswers while the "
	    "client waits; a denial is an error that the model reads. All "
	    "else\npasses as it is. A tool whose description has changed "
	    "since it was seen first is a\nquestion, which shows the change.",
	.example = "claude mcp add notes -- assent mcp-proxy --name notes -- "
		   "notes-server --stdio",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_mcp_proxy,
};
