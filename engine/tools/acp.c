/*
 * assent acp: judge what an agent asks its editor.
 * Runs in: assent, started by the editor.  Trusts: neither the editor nor the
 * agent; of the daemon only a plain allow.  Owns: the agent, and questions.
 */
#include "hooks/acp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "held.h"
#include "hook_places.h"
#include "model/command.h"
#include "model/limits.h"
#include "question.h"
#include "relay.h"
#include "show.h"

#define TIMEOUT_MS_DEFAULT 590000
#define MESSAGE_MAX (2 * ACP_LINE_MAX)
#define SAY_BYTES 4096
#define PATH_BYTES 512
#define ALLOWED_MAX 64 /* calls whose end is awaited */

extern const struct command command_acp;

enum acp_option {
	OPT_MODE,
	OPT_ASK,
	OPT_TIMEOUT,
	OPT_RUNTIME,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_MODE] = { "--mode", "enforce|advise",
	    "enforce: assent decides; advise: it may only say no" },
	[OPT_ASK] = { "--ask", "assent|editor",
	    "where a person answers: at assent (default), or in the editor" },
	[OPT_TIMEOUT] = { "--timeout", "TIME",
	    "how long a person at assent has (590s)" },
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
};

struct asked {
	struct held held;
	struct bridge *bridge;
	char *session, *call;
	bool permission, waited;
};

/* A call that may run: what it gives goes to its action. */
struct allowed {
	char *call;
	char action[ACTION_ID_MAX];
};

struct bridge {
	struct relay *relay;
	struct asker *asker;
	struct acp *acp;
	struct held_list asked;
	struct allowed allowed[ALLOWED_MAX];
	size_t next_allowed;
	char *project; /* of the last question */
	bool advise, at_editor;
	int64_t timeout_ms;
	struct buf out;
};

static void
say(const char *why)
{
	AUTO_BUF struct buf text = BUF_INIT(SAY_BYTES);

	buf_puts(&text, "assent acp: ");
	text_escape(&text, str_of(why));
	buf_putc(&text, '\n');
	(void)fputs(buf_cstr(&text), stderr);
}

/* Who sits at the editor reads it among the agent's words. */
static void
note(struct bridge *b, const char *session, const char *text)
{
	AUTO_BUF struct buf words = BUF_INIT(MESSAGE_MAX);

	if (session[0] == '\0')
		return;
	buf_printf(&words, "\n[%s]\n", text);
	buf_reset(&b->out);
	acp_put_note(&b->out, session, buf_cstr(&words));
	if (buf_done(&b->out, NULL) == 0)
		relay_to_client(b->relay, buf_str(&b->out));
}

static void
to_agent(struct bridge *b)
{
	if (buf_done(&b->out, NULL) == 0)
		relay_to_server(b->relay, buf_str(&b->out));
	buf_reset(&b->out);
}

/* ---- questions ----------------------------------------------------------- */

static void
forget_asked(struct asked *q)
{
	held_remove(&q->bridge->asked, &q->held);
	free(q->session);
	free(q->call);
	free(q);
}

static struct asked *
add_asked(struct bridge *b, const struct acp_question *from, struct str line)
{
	struct asked *q = mem_new(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->bridge = b;
	q->permission = from->permission;
	if (held_add(&b->asked, &q->held, from->id, line) != 0) {
		free(q);
		return NULL;
	}
	q->session = held_copy(str_of(from->session));
	q->call = held_copy(str_of(from->call));
	if (q->session == NULL || q->call == NULL) {
		forget_asked(q);
		return NULL;
	}
	return q;
}

static void
remember_allowed(struct bridge *b, const struct asked *q, const char *action)
{
	struct allowed *a = &b->allowed[b->next_allowed++ % ALLOWED_MAX];

	free(a->call);
	a->call = held_copy(str_of(q->call));
	(void)snprintf(a->action, sizeof(a->action), "%s", action);
}

/* To the editor's user: without what would outlast the one call. */
static void
leave_to_editor(struct bridge *b, const struct asked *q)
{
	struct err e = ERR_INIT;

	buf_reset(&b->out);
	if (!q->permission)
		relay_to_client(b->relay, held_line(&q->held));
	else if (acp_put_question(held_line(&q->held), &b->out, &e) == 0)
		relay_to_client(b->relay, buf_str(&b->out));
	else
		say(e.msg);
	buf_reset(&b->out);
}

static void
answer(struct bridge *b, const struct asked *q, enum hook_verdict verdict,
    const char *why)
{
	struct err e = ERR_INIT;
	int rc;

	buf_reset(&b->out);
	rc = acp_put_answer(held_line(&q->held), verdict, why, &b->out, &e);
	if (rc == ERR_DENIED && verdict == HOOK_ALLOW) {
		answer(b, q, HOOK_DENY, e.msg);
	} else if (rc == ERR_NOTFOUND) {
		leave_to_editor(b, q);
	} else if (rc != 0) {
		say(e.msg);
		acp_put_cancelled(str_of(q->held.id), &b->out);
		to_agent(b);
	} else {
		to_agent(b);
		if (verdict != HOOK_ALLOW)
			note(b, q->session, why);
	}
}

/* What only a person at the editor can answer has no other way than its
 * question; a file and a terminal have none. */
static bool
goes_to_editor(
    const struct bridge *b, const struct asked *q, const struct hook_ruling *r)
{
	if (r->verdict == HOOK_DENY || !q->permission)
		return false;
	return b->advise || (r->verdict == HOOK_ASK && b->at_editor);
}

static void
on_wait(void *ctx, const struct question_news *news)
{
	AUTO_BUF struct buf words = BUF_INIT(SAY_BYTES);
	struct asked *q = ctx;

	if (q->waited)
		return;
	q->waited = true;
	buf_printf(&words, "assent: a person is asked: assent approve %s",
	    news->ruling->id);
	note(q->bridge, q->session, buf_cstr(&words));
}

static void
on_end(void *ctx, const struct question_news *news)
{
	struct asked *q = ctx;
	struct bridge *b = q->bridge;
	const struct hook_ruling *r = news->ruling;

	q->held.question = NULL;
	if (r->verdict == HOOK_ALLOW && q->call[0] != '\0')
		remember_allowed(b, q, r->id);
	if (goes_to_editor(b, q, r))
		leave_to_editor(b, q);
	else
		answer(b, q, r->verdict, r->message);
	forget_asked(q);
}

static void
refuse(struct bridge *b, const struct acp_question *from, struct str line,
    const char *why)
{
	struct err e = ERR_INIT;

	(void)from;
	buf_reset(&b->out);
	if (acp_put_answer(line, HOOK_DENY, why, &b->out, &e) != 0)
		say(e.msg);
	else
		to_agent(b);
}

static void
hold(struct bridge *b, const struct acp_question *from, struct str line)
{
	/* a person at the editor can be asked of a permission alone */
	const bool waits = !from->permission || !(b->advise || b->at_editor);
	struct asked *q;

	if (held_find(&b->asked, from->id) != NULL ||
	    !held_has_room(&b->asked, line.len)) {
		refuse(b, from, line,
		    "assent: too many questions at once, or two of one id");
		return;
	}
	q = add_asked(b, from, line);
	if (q != NULL &&
	    question_ask(b->asker,
		&(struct question_options){
		    .body = from->body,
		    .timeout_ms = waits ? b->timeout_ms : 0,
		    .on_wait = waits ? on_wait : NULL,
		    .on_end = on_end,
		    .ctx = q,
		},
		&q->held.question, NULL) == 0)
		return;
	if (q != NULL)
		forget_asked(q);
	refuse(b, from, line, "assent: memory is short; it was not run");
}

/* ---- lines --------------------------------------------------------------- */

static void
cancel(struct bridge *b, struct str id, struct str line)
{
	struct asked *q = (struct asked *)held_find(&b->asked, id);

	if (q == NULL) {
		relay_to_client(b->relay, line);
		return;
	}
	question_drop(q->held.question);
	forget_asked(q);
}

static void
report(struct bridge *b, const struct acp_result *r)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES);

	for (size_t i = 0; i < ALLOWED_MAX; i++) {
		struct allowed *a = &b->allowed[i];

		if (a->call == NULL || strcmp(a->call, r->call) != 0)
			continue;
		buf_printf(&path, "/v1/actions/%s/outcome", a->action);
		asker_tell(b->asker, buf_cstr(&path), NULL, r->outcome);
		free(a->call);
		a->call = NULL;
		return;
	}
}

static void
from_agent(void *ctx, struct str line)
{
	struct bridge *b = ctx;
	struct acp_question q;
	struct acp_result result;

	switch (acp_agent(b->acp, line, &q, &result, &b->out)) {
	case ACP_PASS:
		relay_to_client(b->relay, line);
		break;
	case ACP_HOLD:
		hold(b, &q, line);
		break;
	case ACP_ANSWER:
		to_agent(b);
		break;
	case ACP_CANCEL:
		cancel(b, q.id, line);
		break;
	case ACP_DROP:
		say(buf_cstr(&b->out));
		buf_reset(&b->out);
		break;
	}
	if (result.call != NULL)
		report(b, &result);
}

/* The editor's user stops the turn: what it waits for is answered so. */
static void
cancel_session(struct bridge *b, const char *session)
{
	struct held *next;

	for (struct held *h = b->asked.first; h != NULL; h = next) {
		struct asked *q = (struct asked *)h;

		next = h->next;
		if (strcmp(q->session, session) != 0)
			continue;
		question_drop(h->question);
		if (q->permission) {
			buf_reset(&b->out);
			acp_put_cancelled(str_of(h->id), &b->out);
			to_agent(b);
		} else {
			refuse(b, NULL, held_line(h), "assent: cancelled");
		}
		forget_asked(q);
	}
}

static void
from_editor(void *ctx, struct str line)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES);
	struct bridge *b = ctx;
	struct acp_news news;

	acp_editor(b->acp, line, &news);
	relay_to_server(b->relay, line);
	if (news.report.len > 0) {
		buf_printf(&path, "/v1/sessions/%s/events", news.session);
		asker_tell(b->asker, buf_cstr(&path), NULL, news.report);
	}
	if (news.cancelled != NULL)
		cancel_session(b, news.cancelled);
}

static const char *
project(void *ctx, const char *folder)
{
	struct bridge *b = ctx;

	free(b->project);
	b->project = hook_places_project(folder);
	return b->project == NULL ? folder : b->project;
}

/* ---- the command --------------------------------------------------------- */

static void
done(struct bridge *b)
{
	while (b->asked.first != NULL) {
		question_drop(b->asked.first->question);
		forget_asked((struct asked *)b->asked.first);
	}
	asker_free(b->asker);
	relay_free(b->relay);
	acp_free(b->acp);
	for (size_t i = 0; i < ALLOWED_MAX; i++)
		free(b->allowed[i].call);
	free(b->project);
	buf_free(&b->out);
}

static int
serve(struct bridge *b, char **argv, const char *runtime)
{
	AUTO_FREE char *cwd = getcwd(NULL, 0);
	const struct acp_options o = {
		.cwd = cwd, .project = project, .ctx = b
	};
	struct err e = ERR_INIT;
	int status = EXIT_USAGE;
	int r = cwd == NULL ? err_sys(&e, "cannot tell the current folder")
			    : acp_new(&o, &b->acp, &e);

	if (r == 0)
		r = relay_new(&(struct relay_options){ .argv = argv,
				  .line_max = ACP_LINE_MAX,
				  .from_client = from_editor,
				  .from_server = from_agent,
				  .ctx = b },
		    &b->relay, &e);
	if (r == 0)
		r = asker_new(relay_loop(b->relay), runtime, &b->asker, &e);
	if (r == 0)
		status = relay_run(b->relay);
	else
		(void)show_error(&command_acp, &e, status);
	done(b);
	return status;
}

static bool
says(const char *value, const char *word)
{
	return value != NULL && strcmp(value, word) == 0;
}

static int
run_acp(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	struct bridge b = { .timeout_ms = TIMEOUT_MS_DEFAULT,
		.out = BUF_INIT(MESSAGE_MAX) };
	int status = EXIT_OK;
	const int at = command_parse(
	    &command_acp, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at >= argc)
		return command_usage_error(
		    &command_acp, "name the agent's program");
	if (values[OPT_TIMEOUT] != NULL &&
	    num_parse_duration_ms(str_of(values[OPT_TIMEOUT]), &b.timeout_ms) !=
		0)
		return command_usage_error(&command_acp,
		    "--timeout takes a time such as 30s or 9m, not '%s'",
		    values[OPT_TIMEOUT]);
	b.advise = says(values[OPT_MODE], "advise");
	b.at_editor = says(values[OPT_ASK], "editor");
	return serve(&b, argv + at, values[OPT_RUNTIME]);
}

const struct command command_acp = {
	.name = "acp",
	.summary = "Judge what an agent asks its editor",
	.usage = "acp [OPTIONS] -- AGENT...",
	.details =
	    "Give it to an editor in place of an agent that speaks the Agent "
	    "Client Protocol.\nPermissions that the agent asks for, files and "
	    "terminals that it wants from the editor\nare decided by rules. An "
	    "allow holds for one call; a denial is said to the agent and,\n"
	    "with its reason, in the editor. What an agent does without asking "
	    "is not seen here:\n'assent install' puts hooks into it.",
	.example = "assent acp -- gemini --acp",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_acp,
};
