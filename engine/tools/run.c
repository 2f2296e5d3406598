/*
 * assent run: propose a command, wait for the decision, show what it does.
 * Runs in: assent.  Trusts: an allow only with the id and the hash of the
 * action that was proposed.  Owns: nothing.
 */
#include "run.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/jsonw.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "model/limits.h"
#include "run_tty.h"
#include "show.h"

#define LOOK_WAIT_S 60
#define STDIN_BYTES_MAX SCRIPT_BYTES_MAX
#define PATH_BYTES 256
#define SECOND_MS 1000

extern const struct command command_run;

enum run_option {
	OPT_PROFILE,
	OPT_OVERLAY,
	OPT_WORKSPACE,
	OPT_SESSION,
	OPT_JUSTIFICATION,
	OPT_TIMEOUT,
	OPT_ASK,
	OPT_STDIN,
	OPT_TTY,
	OPT_RAW,
	OPT_APPROVED,
	OPT_SHA256,
	OPT_RUNTIME,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_OVERLAY] = { "--overlay", NULL,
	    "work on a copy of the workspace; see 'assent changes'" },
	[OPT_PROFILE] = { "--profile", "NAME",
	    "run under this profile (read-only, workspace-write, ...)" },
	[OPT_WORKSPACE] = { "--workspace", "DIR",
	    "the project's folder; the current one if not given" },
	[OPT_SESSION] = { "--session", "NAME",
	    "the session it belongs to; approvals may count for it" },
	[OPT_JUSTIFICATION] = { "--justification", "TEXT",
	    "why, for the person who is asked" },
	[OPT_TIMEOUT] = { "--timeout", "TIME",
	    "give up after that long unanswered (30s, 10m)" },
	[OPT_ASK] = { "--ask", NULL,
	    "show the question here and answer it with your passphrase; "
	    "without one it says where to answer" },
	[OPT_STDIN] = { "--stdin", NULL, "pass standard input on" },
	[OPT_TTY] = { "--tty", NULL,
	    "give it a terminal of its own; each line that is typed is "
	    "judged" },
	[OPT_RAW] = { "--raw", NULL,
	    "do not make output harmless for the terminal" },
	[OPT_APPROVED] = { "--approved", "ID",
	    "run an action that was decided already; with --sha256" },
	[OPT_SHA256] = { "--sha256", "HEX",
	    "the hash that it was decided with" },
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
	[OPT_JSON] = { "--json", NULL,
	    "print the last decision, output included, as JSON" },
};

/* ---- the proposal -------------------------------------------------------- */

static int
put_stdin(struct jsonw *w, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(STDIN_BYTES_MAX);
	int r = fdio_read_all(STDIN_FILENO, &text, e);

	if (r != 0)
		return err_wrap(e, r, "standard input");
	if (!text_is_utf8(buf_str(&text)))
		return err_set(e, ERR_INVALID,
		    "standard input is not UTF-8; an action is text");
	jsonw_key(w, "stdin");
	jsonw_str(w, buf_str(&text));
	return ERR_OK;
}

static int
put_input(struct jsonw *w, char **cmd, const char *const *values, struct err *e)
{
	int r = ERR_OK;

	jsonw_key(w, "input");
	jsonw_object(w);
	jsonw_key(w, "argv");
	jsonw_array(w);
	for (; *cmd != NULL; cmd++) {
		if (!text_is_utf8(str_of(*cmd)))
			return err_set(e, ERR_INVALID,
			    "the argument '%s' is not UTF-8", *cmd);
		jsonw_cstr(w, *cmd);
	}
	jsonw_end(w);
	if (values[OPT_STDIN] != NULL)
		r = put_stdin(w, e);
	jsonw_end(w);
	return r;
}

/* A name may lead elsewhere since it was chosen: a run in the folder before
 * can have put a link in its place. */
static int
find_workspace(struct run *run, const char *path, struct err *e)
{
	size_t len = strlen(path);
	struct stat st;

	while (len > 1 && path[len - 1] == '/')
		len--;
	run->workspace = realpath(path, NULL);
	if (run->workspace == NULL)
		return err_sys(e, "workspace '%s'", path);
	if (path[0] == '/' ? !str_eqz(str_n(path, len), run->workspace)
			   : lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		return err_set(e, ERR_INVALID,
		    "the workspace '%s' leads through a symbolic link: give "
		    "the real path of the folder, if '%s' is what you mean",
		    path, run->workspace);
	return ERR_OK;
}

static int
put_action(struct run *run, struct buf *out, char **cmd,
    const char *const *values, struct err *e)
{
	AUTO_FREE char *cwd = getcwd(NULL, 0);
	struct jsonw w = jsonw_on(out);
	int r;

	if (cwd == NULL)
		return err_sys(e, "cannot tell the current folder");
	if (values[OPT_WORKSPACE] != NULL) {
		r = find_workspace(run, values[OPT_WORKSPACE], e);
		if (r != 0)
			return r;
	}
	if (run->workspace == NULL)
		run->workspace = mem_strndup(cwd, strlen(cwd));
	if (run->workspace == NULL)
		return err_nomem(e);
	jsonw_object(&w);
	jsonw_kstr(&w, "tool", "exec");
	r = put_input(&w, cmd, values, e);
	if (r != 0)
		return r;
	jsonw_kstr(&w, "cwd", cwd);
	jsonw_kstr(&w, "workspace", run->workspace);
	if (values[OPT_PROFILE] != NULL)
		jsonw_kstr(&w, "profile", values[OPT_PROFILE]);
	if (values[OPT_SESSION] != NULL)
		jsonw_kstr(&w, "session", values[OPT_SESSION]);
	if (values[OPT_JUSTIFICATION] != NULL)
		jsonw_kstr(&w, "justification", values[OPT_JUSTIFICATION]);
	jsonw_kstr(&w, "executor", "assent");
	jsonw_kbool(&w, "execute", true);
	if (values[OPT_OVERLAY] != NULL)
		jsonw_kbool(&w, "overlay", true);
	if (values[OPT_TTY] != NULL)
		jsonw_kbool(&w, "tty", true);
	jsonw_end(&w);
	return buf_done(out, e);
}

/* ---- the daemon's answers ------------------------------------------------ */

int
run_call(struct run *r, struct client *c, const char *rest,
    struct client_request *request, struct client_reply *ret, struct err *e)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "/v1/actions/%s%s", r->now.id, rest);
	request->path = path;
	return client_call(c, request, ret, e);
}

/* The reply becomes the newest state, unless it is about something else. */
static int
take(struct run *r, struct client_reply *reply, bool first, struct err *e)
{
	struct verdict v;
	int result = client_expect(reply, e);

	if (result == 0)
		result =
		    verdict_read(reply->json, first ? NULL : &r->now, &v, e);
	if (result != 0)
		return result;
	client_reply_done(&r->reply);
	r->reply = *reply;
	r->now = v;
	*reply = (struct client_reply)CLIENT_REPLY_INIT;
	return ERR_OK;
}

static int
propose(struct run *r, struct str body, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf key = BUF_INIT(PATH_BYTES);
	unsigned char random[16];
	int result;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_sys(e, "no random bytes");
	text_hex(&key, random, sizeof(random));
	result = client_call(r->client,
	    &(struct client_request){ .method = "POST",
		.path = "/v1/actions",
		.body = body,
		.idempotency_key = buf_cstr(&key) },
	    &reply, e);
	return result != 0 ? result : take(r, &reply, true, e);
}

/* Runs what is recorded under this id, if it is what was decided. */
static int
execute(struct run *r, const char *id, const char *sha256, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf body = BUF_INIT(PATH_BYTES);
	struct jsonw w = jsonw_on(&body);
	int result = verdict_of(id, sha256, &r->now, e);

	jsonw_object(&w);
	jsonw_kstr(&w, "action_sha256", sha256);
	jsonw_end(&w);
	if (result == 0)
		result = run_call(r, r->client, "/execution",
		    &(struct client_request){
			.method = "POST", .body = buf_str(&body) },
		    &reply, e);
	return result != 0 ? result : take(r, &reply, false, e);
}

/* The action again; waits for a change for wait_s seconds at most. */
static int
look(struct run *r, int64_t wait_s, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	int result = run_call(r, r->client, "",
	    &(struct client_request){ .method = "GET",
		.wait_s = wait_s,
		.if_none_match =
		    r->reply.etag[0] == '\0' ? NULL : r->reply.etag },
	    &reply, e);

	if (result != 0 || reply.status == 304)
		return result;
	return take(r, &reply, false, e);
}

static void
cancel(struct run *r)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;

	(void)run_call(r, r->client, "",
	    &(struct client_request){ .method = "DELETE" }, &reply, NULL);
}

/* ---- signals ------------------------------------------------------------- */

void
run_pass_on(struct run *r, const char *name)
{
	AUTO(client_freep) struct client *c = NULL;
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf body = BUF_INIT(PATH_BYTES);
	struct jsonw w = jsonw_on(&body);

	jsonw_object(&w);
	jsonw_kstr(&w, "signal", name);
	jsonw_end(&w);
	/* r->client is busy with the stream */
	if (client_open(r->runtime, CLIENT_AGENT, &c, NULL) == 0)
		(void)run_call(r, c, "/signal",
		    &(struct client_request){
			.method = "POST", .body = buf_str(&body) },
		    &reply, NULL);
}

static const char *
name_of_signal(uint32_t signo)
{
	switch (signo) {
	case SIGINT:
		return "INT";
	case SIGHUP:
		return "HUP";
	default:
		return "TERM";
	}
}

static bool
keys_wait(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* While the program runs, it gets the signal; before that, we stop waiting. */
int
run_wake(struct run *r, struct err *e)
{
	struct signalfd_siginfo got;

	if (r->terminal != NULL && keys_wait())
		return run_tty_keys(r->terminal, r, e);
	if (read(r->signal_fd, &got, sizeof(got)) != sizeof(got))
		return ERR_OK;
	if (got.ssi_signo == SIGWINCH) {
		if (r->terminal != NULL)
			run_tty_size(r);
		return ERR_OK;
	}
	if (r->streams) {
		run_pass_on(r, name_of_signal(got.ssi_signo));
		return ERR_OK;
	}
	r->interrupted = true;
	return err_set(e, ERR_CONFLICT, "interrupted; nothing was run");
}

int
run_wake_fd(const struct run *r)
{
	return r->terminal != NULL ? r->wake_fd : r->signal_fd;
}

static int
on_signal(void *ctx, struct err *e)
{
	return run_wake(ctx, e);
}

static int
watch_signals(struct run *r, struct err *e)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	if (r->tty)
		(void)sigaddset(&set, SIGWINCH);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return err_sys(e, "cannot block signals");
	r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->signal_fd < 0)
		return err_sys(e, "cannot watch signals");
	return ERR_OK;
}

/* ---- from pending to its end --------------------------------------------- */

/* Nobody needs to hurry: a reviewer has it, and has not left it to people. */
static bool
is_reviewed(const json_t *decision)
{
	const char *word = client_text(decision, "decision");

	return word != NULL && strcmp(word, "review") == 0 &&
	    json_object_get(decision, "review") == NULL;
}

static void
say_waiting(const struct run *r)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);

	buf_printf(&out, "assent run: waits for %s: %s: ",
	    is_reviewed(r->now.json)
		? "the reviewer or, where there is none, a person"
		: "a person's answer",
	    r->now.id);
	text_escape(&out, str_of(client_text(r->now.json, "reason")));
	buf_printf(&out,
	    "\n  from another terminal: assent tui, or assent approve %s\n",
	    r->now.id);
	(void)fputs(buf_cstr(&out), stderr);
}

static int
ask(struct run *r, struct err *e)
{
	int result = r->ask ? run_ask(r, e) : ERR_NOTFOUND;

	if (result == ERR_NOTFOUND) {
		say_waiting(r);
		return ERR_OK;
	}
	/* somebody else was faster, or it ran out of time: look again */
	return result == ERR_CONFLICT ? ERR_OK : result;
}

int64_t
run_now_ms(void)
{
	return loop_now_ns() / 1000000;
}

/* Until it is no longer pending, or for as long as the caller waits. */
static int
wait_for_answer(struct run *r, bool *ret_gave_up, struct err *e)
{
	int result;

	r->deadline_ms = run_now_ms() + r->timeout_ms;
	result = r->now.stage == STAGE_PENDING ? ask(r, e) : ERR_OK;
	*ret_gave_up = false;
	while (result == 0 && r->now.stage == STAGE_PENDING && !r->withdrawn) {
		int64_t wait_s = LOOK_WAIT_S;

		if (r->timeout_ms > 0) {
			const int64_t left_ms = r->deadline_ms - run_now_ms();

			if (left_ms <= 0) {
				*ret_gave_up = true;
				return ERR_OK;
			}
			if (left_ms / SECOND_MS + 1 < wait_s)
				wait_s = left_ms / SECOND_MS + 1;
		}
		result = look(r, wait_s, e);
	}
	return result;
}

/* Signals and keys, by one descriptor. */
static int
watch_keys(struct run *r, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN };

	r->wake_fd = epoll_create1(EPOLL_CLOEXEC);
	if (r->wake_fd < 0 ||
	    epoll_ctl(r->wake_fd, EPOLL_CTL_ADD, r->signal_fd, &ev) != 0 ||
	    epoll_ctl(r->wake_fd, EPOLL_CTL_ADD, STDIN_FILENO, &ev) != 0)
		return err_sys(e, "cannot watch the terminal");
	client_interrupt_by(r->client, r->wake_fd, on_signal, r);
	return ERR_OK;
}

static int
see_terminal(struct run *r, struct err *e)
{
	struct run_tty t = { .taken = false };
	int result = run_tty_take(&t, e);

	if (result == 0)
		result = watch_keys(r, e);
	if (result == 0) {
		r->terminal = &t;
		run_tty_size(r);
		result = run_stream(r, e);
		r->terminal = NULL;
		client_interrupt_by(r->client, r->signal_fd, on_signal, r);
	}
	run_tty_give_back(&t);
	return result;
}

static int
see_it_end(struct run *r, struct err *e)
{
	int result = ERR_OK;

	r->streams = true;
	if (r->tty)
		result = see_terminal(r, e);
	else if (!r->json)
		result = run_stream(r, e);
	while (result == 0 && !verdict_is_over(&r->now))
		result = look(r, LOOK_WAIT_S, e);
	return result;
}

static int
refused(const struct run *r)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);

	buf_puts(&out, "assent run: ");
	show_ruling(&out, r->now.json);
	(void)fputs(buf_cstr(&out), stderr);
	if (r->now.stage == STAGE_DECIDED && !r->now.by_timeout)
		return RUN_DENIED;
	return RUN_UNANSWERED;
}

static int
failed(const char *why)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);

	buf_puts(&out, "assent run: ");
	text_escape(&out, str_of(why));
	buf_putc(&out, '\n');
	(void)fputs(buf_cstr(&out), stderr);
	return RUN_FAILED;
}

/* The command's own status, as a shell would give it. */
static int
status_of_end(const struct run *r)
{
	const json_t *o = json_object_get(r->now.json, "outcome");
	const json_t *code = json_object_get(o, "exit");
	const json_t *signo = json_object_get(o, "signal");
	const char *failure = client_text(o, "failure");

	if (r->now.stage == STAGE_UNKNOWN)
		return failed("it was started, and nobody saw its end");
	if (failure != NULL)
		return failed(failure);
	if (json_is_true(json_object_get(o, "timed_out")))
		return RUN_UNANSWERED;
	if (json_is_integer(signo))
		return 128 + (int)json_integer_value(signo);
	if (json_is_integer(code))
		return (int)json_integer_value(code);
	return failed("the daemon does not say how it ended");
}

static int
follow(struct run *r, struct err *e)
{
	bool gave_up = false;
	int result = wait_for_answer(r, &gave_up, e), status;

	if (r->interrupted || gave_up || r->withdrawn)
		cancel(r);
	if (result != 0)
		return failed(e->msg);
	if (r->withdrawn) {
		(void)failed("you said no; nothing was run");
		return RUN_DENIED;
	}
	if (gave_up) {
		(void)failed("nobody answered in time; cancelled");
		return RUN_UNANSWERED;
	}
	if (!verdict_allows(&r->now))
		return refused(r);
	result = see_it_end(r, e);
	if (result != 0)
		return failed(e->msg);
	if (!r->json)
		run_say_denied(r);
	status = status_of_end(r);
	if (!r->json && !r->whole && status == 0)
		return failed("some of its output was lost on the way");
	return status;
}

/* ---- the command --------------------------------------------------------- */

static int
read_options(struct run *r, const char *const *values, struct err *e)
{
	r->runtime = values[OPT_RUNTIME];
	r->ask = values[OPT_ASK] != NULL;
	r->json = values[OPT_JSON] != NULL;
	r->tty = values[OPT_TTY] != NULL;
	r->raw = values[OPT_RAW] != NULL || r->tty;
	r->session = values[OPT_SESSION];
	if (r->tty &&
	    (r->json || values[OPT_STDIN] != NULL ||
		values[OPT_APPROVED] != NULL))
		return err_set(e, ERR_INVALID,
		    "--tty does not go with --json, --stdin or --approved");
	if (r->tty && (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1))
		return err_set(e, ERR_INVALID,
		    "--tty needs a terminal as standard input and output");
	if (values[OPT_TIMEOUT] == NULL)
		return ERR_OK;
	if (num_parse_duration_ms(
		str_of(values[OPT_TIMEOUT]), &r->timeout_ms) != 0 ||
	    r->timeout_ms <= 0)
		return err_set(e, ERR_INVALID,
		    "--timeout takes a time such as 30s or 10m, not '%s'",
		    values[OPT_TIMEOUT]);
	return ERR_OK;
}

static int
run_it(struct run *r, char **cmd, const char *const *values)
{
	AUTO_BUF struct buf body = BUF_INIT(ACTION_BYTES_MAX);
	const char *const approved = values[OPT_APPROVED];
	struct err e = ERR_INIT;
	int status;

	if ((approved == NULL && put_action(r, &body, cmd, values, &e) != 0) ||
	    client_open(r->runtime, CLIENT_AGENT, &r->client, &e) != 0 ||
	    watch_signals(r, &e) != 0 ||
	    (approved == NULL
		    ? propose(r, buf_str(&body), &e)
		    : execute(r, approved, values[OPT_SHA256], &e)) != 0)
		return show_error(&command_run, &e, RUN_FAILED);
	/* Not before: what was proposed has to be known to be cancelled. */
	client_interrupt_by(r->client, r->signal_fd, on_signal, r);
	status = follow(r, &e);
	if (r->json && r->now.json != NULL && show_json(r->now.json) != EXIT_OK)
		return RUN_FAILED;
	return status;
}

static int
run_run(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	struct run r = { .signal_fd = -1, .wake_fd = -1 };
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	const int at = command_parse(
	    &command_run, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if ((values[OPT_APPROVED] == NULL) != (values[OPT_SHA256] == NULL))
		return command_usage_error(
		    &command_run, "--approved and --sha256 belong together");
	if ((at >= argc) != (values[OPT_APPROVED] != NULL))
		return command_usage_error(&command_run,
		    "name a command, or an action that was decided already");
	if (read_options(&r, values, &e) != 0)
		return command_usage_error(&command_run, "%s", e.msg);
	status = run_it(&r, argv + at, values);
	client_reply_done(&r.reply);
	client_free(r.client);
	fd_closep(&r.signal_fd);
	fd_closep(&r.wake_fd);
	mem_freep(&r.workspace);
	return status;
}

const struct command command_run = {
	.name = "run",
	.summary = "Propose a command and run it in the sandbox once allowed",
	.usage = "run [OPTIONS] -- CMD...",
	.details =
	    "The daemon decides. Where it asks a person, this waits; it never "
	    "answers its own\nquestion. Exit status: the command's own; 125 "
	    "denied, 124 unanswered or timed out,\n123 own failure.",
	.example = "assent run --profile read-only -- git log -3",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_run,
};
