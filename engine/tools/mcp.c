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

#include "base/fdio.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/num.h"
#include "client.h"
#include "hooks/hooks.h"
#include "model/command.h"
#include "show.h"

#define ANSWER_MS 10000
#define WAIT_S 30 /* one long poll */
#define TIMEOUT_MS_DEFAULT 590000
#define PATH_BYTES 256
#define LINE_MAX_BYTES (HTTP_BODY_BYTES_MAX + 1)
#define READ_BYTES 65536
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
	struct mcp *mcp;
	const char *runtime;
	int64_t timeout_ms;
	struct buf out;
};

static int64_t
now_ms(void)
{
	return loop_now_ns() / 1000000;
}

/* ---- the daemon ---------------------------------------------------------- */

static int
call(struct server *s, struct client_request *q, long *ret_status,
    struct buf *ret, struct err *e)
{
	AUTO(client_freep) struct client *c = NULL;
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_FREE char *text = NULL;
	int r = client_open(s->runtime, CLIENT_AGENT, &c, e);

	if (r == 0)
		r = client_call(c, q, &reply, e);
	if (r != 0)
		return r;
	*ret_status = reply.status;
	if (reply.status == 304)
		return ERR_OK;
	text = json_dumps(reply.json, JSON_COMPACT);
	if (text == NULL)
		return err_nomem(e);
	buf_reset(ret);
	buf_puts(ret, text);
	return buf_done(ret, e);
}

static int
ask_once(struct server *s, const struct mcp_question *q, long *ret_status,
    struct buf *ret, struct err *e)
{
	char path[PATH_BYTES];
	const bool posts = q->route == MCP_PROPOSE || q->route == MCP_EVALUATE;

	if (posts)
		(void)snprintf(path, sizeof(path), "%s",
		    q->route == MCP_PROPOSE ? "/v1/actions" : "/v1/evaluate");
	else
		(void)snprintf(path, sizeof(path), "/v1/actions/%s%s", q->id,
		    q->route == MCP_EXPLAIN ? "/explain" : "");
	return call(s,
	    &(struct client_request){
		.method = posts ? "POST" : "GET",
		.path = path,
		.body = q->body,
		.timeout_ms = ANSWER_MS,
	    },
	    ret_status, ret, e);
}

/* Whether the text is a decision that may still change. */
static bool
is_open(struct str json, struct hook_ruling *ret)
{
	struct hook_ruling now;

	if (hook_ruling_read(
		json, ret->id[0] == '\0' ? NULL : ret, &now, NULL) != 0)
		return false;
	*ret = now;
	return now.pending ||
	    (now.verdict == HOOK_ALLOW &&
		str_search(json, STR("\"state\":\"running\"")) < json.len);
}

static int
ask(struct server *s, const struct mcp_question *q, long *ret_status,
    struct buf *ret, struct err *e)
{
	const int64_t end = now_ms() + s->timeout_ms;
	struct hook_ruling ruling = { .verdict = HOOK_DENY };
	int r = ask_once(s, q, ret_status, ret, e);

	while (r == 0 && q->waits && *ret_status < 400 &&
	    is_open(buf_str(ret), &ruling) && now_ms() < end) {
		char path[PATH_BYTES];

		(void)snprintf(path, sizeof(path), "/v1/actions/%s", ruling.id);
		r = call(s,
		    &(struct client_request){
			.method = "GET",
			.path = path,
			.wait_s = WAIT_S,
			.timeout_ms = WAIT_S * 1000 + ANSWER_MS,
		    },
		    ret_status, ret, e);
	}
	return r;
}

/* ---- messages ------------------------------------------------------------ */

static void
take(struct server *s, struct str line)
{
	AUTO_BUF struct buf reply = BUF_INIT(OUT_MAX);
	struct err e = ERR_INIT;
	long status = 0;

	buf_reset(&s->out);
	switch (mcp_take(s->mcp, line, &s->out)) {
	case MCP_QUIET:
		return;
	case MCP_SAY:
		break;
	case MCP_ASK:
		if (ask(s, mcp_question(s->mcp), &status, &reply, &e) == 0)
			mcp_answer(
			    s->mcp, (unsigned)status, buf_str(&reply), &s->out);
		else
			mcp_answer(s->mcp, 0, str_of(e.msg), &s->out);
		break;
	}
	buf_putc(&s->out, '\n');
	if (buf_done(&s->out, NULL) == 0)
		(void)fdio_write_all(
		    STDOUT_FILENO, buf_cstr(&s->out), s->out.len, NULL);
}

/* Lines until the end; one that is too long ends it: what follows it is not
 * known to be a message. */
static int
serve(struct server *s)
{
	AUTO_BUF struct buf in = BUF_INIT(LINE_MAX_BYTES + READ_BYTES);

	for (;;) {
		char *to = buf_reserve(&in, READ_BYTES);
		ssize_t n;
		size_t end;

		if (to == NULL)
			return EXIT_INTERNAL;
		n = read(STDIN_FILENO, to, READ_BYTES);
		if (n <= 0)
			return n == 0 ? EXIT_OK : EXIT_INTERNAL;
		buf_advance(&in, (size_t)n);
		while ((end = str_find(buf_str(&in), '\n')) < in.len) {
			const struct str line =
			    str_trim(str_head(buf_str(&in), end));

			if (line.len > 0)
				take(s, line);
			buf_consume(&in, end + 1);
		}
		if (in.len >= LINE_MAX_BYTES)
			return EXIT_USAGE;
	}
}

static int
run_mcp(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	AUTO_FREE char *cwd = getcwd(NULL, 0);
	struct server s = {
		.timeout_ms = TIMEOUT_MS_DEFAULT,
		.out = BUF_INIT(OUT_MAX),
	};
	struct err e = ERR_INIT;
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
	if (mcp_new(values[OPT_WORKSPACE] == NULL ? cwd : values[OPT_WORKSPACE],
		&s.mcp, &e) != 0)
		return show_error(&command_mcp, &e, EXIT_INTERNAL);
	status = serve(&s);
	mcp_free(s.mcp);
	buf_free(&s.out);
	return status;
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
