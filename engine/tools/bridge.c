/*
 * Judge what an agent asks the client that started it.
 * Runs in: assent, started by the client.  Trusts: neither the client nor the
 * agent; of the daemon only a plain allow.  Owns: the agent, and questions.
 */
#include "bridge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "held.h"
#include "hooks/rpc.h"
#include "hook_places.h"
#include "model/command.h"
#include "model/limits.h"
#include "question.h"
#include "relay.h"
#include "show.h"

#define TIMEOUT_MS_DEFAULT 590000
#define MESSAGE_MAX (2 * BRIDGE_LINE_MAX)
#define SAY_BYTES 4096
#define PATH_BYTES 512
#define ID_DIGITS_MAX 15 /* whole in every reader's numbers */
#define ALLOWED_MAX 64 /* calls whose end is awaited */

const struct command_option bridge_options[BRIDGE_OPTION_COUNT] = {
	[BRIDGE_OPT_MODE] = { "--mode", "enforce|advise",
	    "enforce: assent decides; advise: it may only say no" },
	[BRIDGE_OPT_ASK] = { "--ask", "assent|editor",
	    "where a person answers: at assent (default), or in the editor" },
	[BRIDGE_OPT_TIMEOUT] = { "--timeout", "TIME",
	    "how long a person at assent has (590s)" },
	[BRIDGE_OPT_RUNTIME] = { "--runtime", "DIR",
	    "the daemon's runtime folder" },
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
	const struct bridge_program *program;
	const struct bridge_protocol *protocol;
	struct relay *relay;
	struct asker *asker;
	void *talk; /* the protocol's */
	struct held_list asked;
	struct allowed allowed[ALLOWED_MAX];
	size_t next_allowed;
	char *project; /* of the last question */
	bool advise, at_client;
	int64_t timeout_ms;
	struct buf out;
};

static void
say(const struct bridge *b, const char *why)
{
	AUTO_BUF struct buf text = BUF_INIT(SAY_BYTES);

	buf_printf(&text, "assent %s: ", b->program->command->name);
	text_escape(&text, str_of(why));
	buf_putc(&text, '\n');
	(void)fputs(buf_cstr(&text), stderr);
}

/* Who sits at the client reads it among the agent's words. */
static void
note(struct bridge *b, const char *session, const char *text)
{
	AUTO_BUF struct buf words = BUF_INIT(MESSAGE_MAX);

	if (session[0] == '\0')
		return;
	buf_printf(&words, "\n[%s]\n", text);
	buf_reset(&b->out);
	b->protocol->put_note(&b->out, session, buf_cstr(&words));
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

/* The model reads it, where the answer itself has no place for it. */
static void
tell_model(struct bridge *b, const char *session, const char *why)
{
	if (b->protocol->put_told == NULL || session[0] == '\0')
		return;
	buf_reset(&b->out);
	b->protocol->put_told(&b->out, session, why);
	to_agent(b);
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
add_asked(struct bridge *b, const struct bridge_question *from, struct str line)
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

/* To the client's user: without what would outlast the one call. */
static void
leave_to_client(struct bridge *b, const struct asked *q)
{
	struct err e = ERR_INIT;

	buf_reset(&b->out);
	if (!q->permission)
		relay_to_client(b->relay, held_line(&q->held));
	else if (b->protocol->put_question(held_line(&q->held), &b->out, &e) ==
	    0)
		relay_to_client(b->relay, buf_str(&b->out));
	else
		say(b, e.msg);
	buf_reset(&b->out);
}

/* What the model is told goes first: it is there when the call comes back. */
static void
answer_no(
    struct bridge *b, const char *session, struct str line, const char *why)
{
	AUTO_BUF struct buf out = b->out;

	b->out = (struct buf)BUF_INIT(MESSAGE_MAX);
	if (b->protocol->answer_tells == NULL ||
	    !b->protocol->answer_tells(line))
		tell_model(b, session, why);
	if (buf_done(&out, NULL) == 0)
		relay_to_server(b->relay, buf_str(&out));
	note(b, session, why);
}

static void
answer(struct bridge *b, const struct asked *q, enum hook_verdict verdict,
    const char *why)
{
	struct err e = ERR_INIT;
	int rc;

	buf_reset(&b->out);
	rc = b->protocol->put_answer(
	    held_line(&q->held), verdict, why, &b->out, &e);
	if (rc == ERR_DENIED && verdict == HOOK_ALLOW) {
		answer(b, q, HOOK_DENY, e.msg);
	} else if (rc == ERR_NOTFOUND) {
		leave_to_client(b, q);
	} else if (rc != 0) {
		say(b, e.msg);
		b->protocol->put_cancelled(str_of(q->held.id), &b->out);
		to_agent(b);
	} else if (verdict == HOOK_ALLOW) {
		to_agent(b);
	} else {
		answer_no(b, q->session, held_line(&q->held), why);
	}
}

/* What only a person at the client can answer has no other way than its
 * question; a file and a terminal have none. */
static bool
goes_to_client(
    const struct bridge *b, const struct asked *q, const struct hook_ruling *r)
{
	if (r->verdict == HOOK_DENY || !q->permission)
		return false;
	return b->advise || (r->verdict == HOOK_ASK && b->at_client);
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
	if (goes_to_client(b, q, r))
		leave_to_client(b, q);
	else
		answer(b, q, r->verdict, r->message);
	forget_asked(q);
}

static void
refuse(struct bridge *b, const char *session, struct str line, const char *why)
{
	struct err e = ERR_INIT;

	buf_reset(&b->out);
	if (b->protocol->put_answer(line, HOOK_DENY, why, &b->out, &e) != 0)
		say(b, e.msg);
	else
		answer_no(b, session, line, why);
}

/* One that every reader takes for the same: 0.0, 0e0 and "\u0030" are 0 to
 * some. */
static bool
is_plain_id(struct str id)
{
	if (str_starts(id, STR("\"")))
		return str_find(id, '\\') == id.len;
	for (size_t i = str_starts(id, STR("-")) ? 1 : 0; i < id.len; i++) {
		if (id.s[i] < '0' || id.s[i] > '9')
			return false;
	}
	return id.len <= ID_DIGITS_MAX && !str_eqz(id, "-0");
}

/* Some look a number up as a text. */
static struct str
bare_id(struct str id)
{
	return str_starts(id, STR("\"")) && id.len >= 2
	    ? str_head(str_from(id, 1), id.len - 2)
	    : id;
}

/* Whether an agent may take it for the id of what is held. */
static bool
may_be_held(const struct bridge *b, struct str id)
{
	for (const struct held *h = b->asked.first; h != NULL; h = h->next) {
		if (!is_plain_id(id) ||
		    str_eq(bare_id(id), bare_id(str_of(h->id))))
			return true;
	}
	return false;
}

static void
hold(struct bridge *b, const struct bridge_question *from, struct str line)
{
	/* a person at the client can be asked of a permission alone */
	const bool waits = !from->permission || !(b->advise || b->at_client);
	struct asked *q;

	if (!is_plain_id(from->id)) {
		refuse(b, from->session, line,
		    "assent: the id of a question must be a whole number or "
		    "a plain text");
		return;
	}
	if (may_be_held(b, from->id) || !held_has_room(&b->asked, line.len)) {
		refuse(b, from->session, line,
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
	refuse(
	    b, from->session, line, "assent: memory is short; it was not run");
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
report(struct bridge *b, const struct bridge_result *r)
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
	struct bridge_question q;
	struct bridge_result result;

	switch (b->protocol->agent(b->talk, line, &q, &result, &b->out)) {
	case BRIDGE_PASS:
		relay_to_client(b->relay, line);
		break;
	case BRIDGE_HOLD:
		hold(b, &q, line);
		break;
	case BRIDGE_ANSWER:
		to_agent(b);
		break;
	case BRIDGE_CANCEL:
		cancel(b, q.id, line);
		break;
	case BRIDGE_DROP:
		if (b->out.len > 0)
			say(b, buf_cstr(&b->out));
		buf_reset(&b->out);
		break;
	}
	if (result.call != NULL)
		report(b, &result);
}

/* The client's user stops the turn: what it waits for is answered so. */
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
			b->protocol->put_cancelled(str_of(h->id), &b->out);
			to_agent(b);
		} else {
			refuse(b, "", held_line(h), "assent: cancelled");
		}
		forget_asked(q);
	}
}

/* What cannot be read goes nowhere; a request is told so. */
static void
refuse_client(struct bridge *b, const struct bridge_news *news)
{
	AUTO_BUF struct buf why = BUF_INIT(SAY_BYTES);

	buf_printf(&why, "a message of the client was not passed on: %s",
	    news->unread.msg);
	say(b, buf_cstr(&why));
	if (news->refuse.len == 0)
		return;
	buf_reset(&b->out);
	rpc_put_error(&b->out, news->refuse, RPC_NO_REQUEST, buf_cstr(&why));
	if (buf_done(&b->out, NULL) == 0)
		relay_to_client(b->relay, buf_str(&b->out));
	buf_reset(&b->out);
}

static void
from_client(void *ctx, struct str line)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES);
	struct bridge *b = ctx;
	struct bridge_news news;

	if (str_trim(line).len == 0)
		return;
	b->protocol->client(b->talk, line, &news);
	if (news.unread.code != ERR_OK) {
		refuse_client(b, &news);
		return;
	}
	if (news.answers.len > 0 && may_be_held(b, news.answers)) {
		say(b, "the client answers what it was not asked; assent does");
		return;
	}
	relay_to_server(b->relay, news.instead.len > 0 ? news.instead : line);
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
	if (b->talk != NULL)
		b->protocol->close(b->talk);
	for (size_t i = 0; i < ALLOWED_MAX; i++)
		free(b->allowed[i].call);
	free(b->project);
	buf_free(&b->out);
}

static int
serve(struct bridge *b, char **argv, const char *runtime)
{
	AUTO_FREE char *cwd = getcwd(NULL, 0);
	const struct bridge_options o = {
		.cwd = cwd, .project = project, .ctx = b
	};
	struct err e = ERR_INIT;
	int status = EXIT_USAGE;
	int r = cwd == NULL ? err_sys(&e, "cannot tell the current folder")
			    : b->protocol->open(&o, &b->talk, &e);

	if (r == 0)
		r = relay_new(&(struct relay_options){ .argv = argv,
				  .line_max = BRIDGE_LINE_MAX,
				  .from_client = from_client,
				  .from_server = from_agent,
				  .ctx = b },
		    &b->relay, &e);
	if (r == 0)
		r = asker_new(relay_loop(b->relay), runtime, &b->asker, &e);
	if (r == 0)
		status = relay_run(b->relay);
	else
		(void)show_error(b->program->command, &e, status);
	done(b);
	return status;
}

static bool
says(const char *value, const char *word)
{
	return value != NULL && strcmp(value, word) == 0;
}

static int
read_options(struct bridge *b, const char *const *values)
{
	const char *timeout = values[BRIDGE_OPT_TIMEOUT];

	if (timeout != NULL &&
	    num_parse_duration_ms(str_of(timeout), &b->timeout_ms) != 0)
		return command_usage_error(b->program->command,
		    "--timeout takes a time such as 30s or 9m, not '%s'",
		    timeout);
	b->advise = says(values[BRIDGE_OPT_MODE], "advise");
	b->at_client = says(values[BRIDGE_OPT_ASK], "editor");
	return EXIT_OK;
}

int
bridge_main(const struct bridge_program *p, int argc, char **argv)
{
	const char *values[BRIDGE_OPTION_COUNT] = { NULL };
	struct bridge b = { .program = p,
		.protocol = p->protocol,
		.timeout_ms = TIMEOUT_MS_DEFAULT,
		.out = BUF_INIT(MESSAGE_MAX) };
	int status = EXIT_OK;
	const int at =
	    command_parse(p->command, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at >= argc)
		return command_usage_error(
		    p->command, "name the agent's program");
	status = read_options(&b, values);
	return status != EXIT_OK
	    ? status
	    : serve(&b, argv + at, values[BRIDGE_OPT_RUNTIME]);
}
