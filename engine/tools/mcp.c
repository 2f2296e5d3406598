/*
 * assent mcp: an MCP server on standard input and output.
 * Runs in: assent, started by a client.  Trusts: nothing of a message; of the
 * daemon only a plain allow.  Owns: nothing.
 */
#include "hooks/mcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/num.h"
#include "held.h"
#include "hooks/mcp_menu.h"
#include "lines.h"
#include "mcp_watch.h"
#include "model/command.h"
#include "model/limits.h"
#include "question.h"
#include "show.h"

#define TIMEOUT_MS_DEFAULT 590000
#define PATH_BYTES 256
#define FAREWELL_MS 5000 /* for answers under way */
#define OUT_MAX ((size_t)64 << 20)

extern const struct command command_mcp;

enum mcp_option {
	OPT_WORKSPACE,
	OPT_TIMEOUT,
	OPT_RUNTIME,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_WORKSPACE] = { "--workspace", "DIR",
	    "the project's folder; the current one if not given" },
	[OPT_TIMEOUT] = { "--timeout", "TIME", "how long a person has (590s)" },
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
};

struct server {
	struct loop *loop;
	struct line_in *in;
	struct line_out *out;
	struct asker *asker;
	struct held_list calls;
	struct loop_timer *farewell;
	struct mcp_session *session;
	struct watches *watches;
	const char *runtime, *workspace;
	int64_t timeout_ms;
	int status; /* to end with */
	bool ends; /* no more is read: what is asked is still answered */
	struct buf text;
};

/* A call of a tool while the daemon has it. */
struct call {
	struct held held;
	struct server *server;
	struct mcp *mcp;
	char action[ACTION_ID_MAX]; /* or "": it was not told that it waits */
	bool runs;
};

static void
send_text(struct server *s)
{
	if (buf_done(&s->text, NULL) == 0)
		line_out_put(s->out, buf_str(&s->text));
	buf_reset(&s->text);
}

static void
end_if_idle(const struct server *s)
{
	if (s->ends && s->calls.first == NULL && line_out_len(s->out) == 0)
		loop_stop(s->loop);
}

static void
on_room(void *ctx)
{
	end_if_idle(ctx);
}

static void
forget_call(struct call *c)
{
	const struct server *s = c->server;

	held_remove(&c->server->calls, &c->held);
	mcp_free(c->mcp);
	free(c);
	end_if_idle(s);
}

/* What the message has to say before its answer. */
static void
send_told(struct server *s, struct mcp *m)
{
	struct str told = mcp_told(m);

	while (told.len > 0)
		line_out_put(s->out, str_cut(&told, '\n'));
	mcp_told_done(m, loop_now_ms());
}

/* ---- what the daemon says ------------------------------------------------ */

static void
on_wait(void *ctx, const struct question_news *news)
{
	struct call *c = ctx;

	if (c->server->ends)
		return;
	(void)snprintf(c->action, sizeof(c->action), "%s", news->ruling->id);
	c->runs = !news->ruling->pending;
	mcp_hear_wait(c->mcp, news->ruling);
	send_told(c->server, c->mcp);
}

static void
on_end(void *ctx, const struct question_news *news)
{
	struct call *c = ctx;
	struct server *s = c->server;

	c->held.question = NULL;
	(void)mcp_hear_daemon(c->mcp, news->status, news->text, &s->text);
	send_told(s, c->mcp);
	send_text(s);
	forget_call(c);
}

/* ---- calls --------------------------------------------------------------- */

static int
ask(struct call *c, struct err *e)
{
	static const char *const paths[] = {
		[MCP_PROPOSE] = NULL, /* the usual */
		[MCP_EVALUATE] = "/v1/evaluate",
		[MCP_VERSION] = "/v1/version",
		[MCP_REQUIREMENTS] = "/v1/requirements",
	};
	const struct mcp_question *q = mcp_question(c->mcp);
	char path[PATH_BYTES];
	struct question_options o = { .body = q->body,
		.timeout_ms = q->waits ? c->server->timeout_ms : 0,
		.keeps = q->keeps,
		.sees_end = q->waits,
		.on_wait = on_wait,
		.on_end = on_end,
		.ctx = c };

	o.path = paths[q->route];
	if (q->route == MCP_VERSION || q->route == MCP_REQUIREMENTS)
		o.method = "GET";
	if (q->id != NULL) {
		(void)snprintf(path, sizeof(path), "/v1/actions/%s%s", q->id,
		    q->route == MCP_EXPLAIN ? "/explain" : "");
		o.method = "GET";
		o.path = path;
	}
	return question_ask(c->server->asker, &o, &c->held.question, e);
}

/* mcp is taken. */
static void
hold(struct server *s, struct mcp *m)
{
	struct call *c = mem_new(1, sizeof(*c));
	const bool room = held_has_room(&s->calls, 0) &&
	    held_find(&s->calls, mcp_id(m)) == NULL;
	struct err e = ERR_INIT;

	if (c == NULL || !room ||
	    held_add(&s->calls, &c->held, mcp_id(m), STR_NONE) != 0) {
		buf_reset(&s->text);
		rpc_put_error(&s->text, mcp_id(m), RPC_NO_REQUEST,
		    "there are too many calls at once, or two of one id");
		send_text(s);
		mcp_free(m);
		free(c);
		return;
	}
	c->server = s;
	c->mcp = m;
	if (ask(c, &e) == 0)
		return;
	(void)mcp_hear_daemon(m, 0, str_of(e.msg), &s->text);
	send_text(s);
	forget_call(c);
}

static void
stop_call(struct call *c)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES);

	if (c->runs) {
		buf_printf(&path, "/v1/actions/%s/signal", c->action);
		asker_tell(c->server->asker, buf_cstr(&path), NULL,
		    STR("{\"signal\":\"TERM\"}"));
	}
	question_drop(c->held.question);
	c->held.question = NULL;
}

static void
cancel(struct server *s, struct str id)
{
	struct call *c = (struct call *)held_find(&s->calls, id);

	if (c == NULL)
		return;
	stop_call(c);
	mcp_withdraw(c->mcp);
	send_told(s, c->mcp);
	forget_call(c);
}

static void
take_reply(struct server *s, const struct mcp *reply)
{
	for (struct held *h = s->calls.first; h != NULL; h = h->next) {
		struct call *c = (struct call *)h;

		if (!mcp_asks(c->mcp, reply))
			continue;
		if (mcp_hear_client(c->mcp, reply, loop_now_ms(), &s->text) !=
		    MCP_SAY)
			return;
		stop_call(c);
		send_text(s);
		forget_call(c);
		return;
	}
}

/* ---- messages ------------------------------------------------------------ */

static void
on_line(void *ctx, struct str line)
{
	struct server *s = ctx;
	AUTO(mcp_freep) struct mcp *m = NULL;

	if (line.len == 0)
		return;
	if (mcp_new(s->session, &m, NULL) != 0) {
		loop_stop(s->loop);
		return;
	}
	buf_reset(&s->text);
	switch (mcp_take(m, line, &s->text)) {
	case MCP_QUIET:
	case MCP_WAIT: /* no tool of ours waits for anything else */
		break;
	case MCP_SAY:
		send_text(s);
		if (mcp_is_subscription(m))
			watches_follow(s->watches, s->session);
		break;
	case MCP_ASK:
		hold(s, TAKE_PTR(m));
		break;
	case MCP_CANCEL:
		cancel(s, mcp_about(m));
		break;
	case MCP_REPLY:
		take_reply(s, m);
		break;
	}
}

/* What a person has, or what runs, is for nobody any more. */
static void
drop_known(struct server *s)
{
	struct held *next;

	for (struct held *h = s->calls.first; h != NULL; h = next) {
		struct call *c = (struct call *)h;

		next = h->next;
		if (c->action[0] == '\0')
			continue;
		stop_call(c);
		forget_call(c);
	}
}

static void
on_farewell(void *ctx)
{
	struct server *s = ctx;

	s->farewell = NULL;
	loop_stop(s->loop);
}

static void
on_input_end(void *ctx, const struct err *why)
{
	struct server *s = ctx;

	if (why->code != ERR_OK)
		s->status = show_error(&command_mcp, why, EXIT_USAGE);
	drop_known(s);
	s->ends = true;
	end_if_idle(s);
	/* nobody is left to hear a person's answer */
	if (loop_after(
		s->loop, FAREWELL_MS, on_farewell, s, &s->farewell, NULL) != 0)
		loop_stop(s->loop);
}

static void
on_change(void *ctx, const char *uri)
{
	struct server *s = ctx;

	buf_reset(&s->text);
	mcp_put_updated(&s->text, uri);
	send_text(s);
}

static void
done(struct server *s)
{
	while (s->calls.first != NULL) {
		stop_call((struct call *)s->calls.first);
		forget_call((struct call *)s->calls.first);
	}
	watches_free(s->watches);
	mcp_session_free(s->session);
	asker_free(s->asker);
	line_in_free(s->in);
	line_out_free(s->out);
	if (s->loop != NULL)
		loop_cancel(s->loop, s->farewell);
	loop_free(s->loop);
	buf_free(&s->text);
}

static int
serve(struct server *s)
{
	struct err e = ERR_INIT;
	int r = loop_new(&s->loop, &e);

	if (r == 0)
		r = mcp_session_new(&mcp_assent, s->workspace, &s->session, &e);
	if (r == 0)
		r = watches_new(
		    s->loop, s->runtime, on_change, s, &s->watches, &e);
	if (r == 0)
		r = asker_new(s->loop, s->runtime, &s->asker, &e);
	if (r == 0)
		r = line_out_new(
		    s->loop, STDOUT_FILENO, on_room, s, &s->out, &e);
	if (r == 0)
		r = line_in_new(&(struct line_in_options){ .loop = s->loop,
				    .fd = STDIN_FILENO,
				    .line_max = HTTP_BODY_BYTES_MAX,
				    .on_line = on_line,
				    .on_end = on_input_end,
				    .ctx = s },
		    &s->in, &e);
	if (r == 0)
		r = loop_run(s->loop, &e);
	if (r != 0)
		s->status = show_error(&command_mcp, &e, EXIT_INTERNAL);
	done(s);
	return s->status;
}

static int
run_mcp(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	AUTO_FREE char *cwd = getcwd(NULL, 0);
	struct server s = {
		.timeout_ms = TIMEOUT_MS_DEFAULT,
		.text = BUF_INIT(OUT_MAX),
	};
	int status = EXIT_OK;
	const int at = command_parse(
	    &command_mcp, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at != argc)
		return command_usage_error(
		    &command_mcp, "no operand is expected");
	if (values[OPT_TIMEOUT] != NULL &&
	    num_parse_duration_ms(str_of(values[OPT_TIMEOUT]), &s.timeout_ms) !=
		0)
		return command_usage_error(&command_mcp,
		    "--timeout takes a time such as 30s or 9m, not '%s'",
		    values[OPT_TIMEOUT]);
	s.runtime = values[OPT_RUNTIME];
	s.workspace =
	    values[OPT_WORKSPACE] == NULL ? cwd : values[OPT_WORKSPACE];
	return serve(&s);
}

const struct command command_mcp = {
	.name = "mcp",
	.summary = "Be an MCP server on stdin and stdout",
	.usage = "mcp [OPTIONS]",
	.details =
	    "Tools: run (decide, run in the sandbox), request_approval (decide "
	    "about what the caller\nruns; also as Claude Code's "
	    "--permission-prompt-tool mcp__assent__request_approval),\n"
	    "check_approval, explain.",
	.example = "claude mcp add assent -- assent mcp",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_mcp,
};
