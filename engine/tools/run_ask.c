/*
 * Ask the person at the terminal. The answer goes to the approver socket,
 * where the daemon decides whether this person may answer at all: nobody
 * answers what he asked himself, but by a passphrase that no program knows.
 * Runs in: assent run --ask.  Trusts: the terminal.  Owns: nothing.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "answer.h"
#include "base/fdio.h"
#include "base/text.h"
#include "run.h"
#include "secret_line.h"
#include "show.h"

#define ANSWER_BYTES_MAX 64
#define TTY_PATH "/dev/tty"
#define PASSPHRASE_TRIES 3

enum typed {
	TYPED_INVALID,
	TYPED_YES,
	TYPED_NO,
	TYPED_NOTHING,
};

/* A whole word: a slip of the finger is not an answer. */
static enum typed
typed_of(struct str line)
{
	line = str_trim(line);
	if (str_eqz(line, "yes"))
		return TYPED_YES;
	if (str_eqz(line, "no"))
		return TYPED_NO;
	return TYPED_INVALID;
}

/* For poll: how long the caller still waits; -1 for ever. */
static int
time_left_ms(const struct run *r)
{
	const int64_t left = r->deadline_ms - run_now_ms();

	if (r->timeout_ms == 0)
		return -1;
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* One line, until a signal, the deadline or the end of the terminal. */
static enum typed
read_line(const struct run *r, int tty)
{
	struct pollfd wait[] = {
		{ .fd = tty, .events = POLLIN },
		{ .fd = r->signal_fd, .events = POLLIN },
	};
	char line[ANSWER_BYTES_MAX];
	ssize_t n;

	if (poll(wait, 2, time_left_ms(r)) <= 0 || wait[1].revents != 0)
		return TYPED_NOTHING;
	n = read(tty, line, sizeof(line));
	if (n <= 0)
		return TYPED_NOTHING;
	return typed_of(str_n(line, (size_t)n));
}

static enum typed
ask_yes_or_no(const struct run *r, int tty)
{
	const struct str words = STR("Type yes or no: ");
	const struct str first = STR("Approve this one run? ");
	enum typed said = TYPED_INVALID;

	/* what was typed before the question was there answers nothing */
	(void)tcflush(tty, TCIFLUSH);
	if (fdio_write_all(tty, first.s, first.len, NULL) != 0)
		return TYPED_NOTHING;
	while (said == TYPED_INVALID) {
		if (fdio_write_all(tty, words.s, words.len, NULL) != 0)
			return TYPED_NOTHING;
		said = read_line(r, tty);
	}
	return said;
}

/* ---- the answer ------------------------------------------------------------ */

static void
say(int tty, const char *text)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);

	buf_puts(&out, "assent run: ");
	text_escape(&out, str_of(text));
	buf_putc(&out, '\n');
	(void)fdio_write_all(tty, out.s, out.len, NULL);
}

/* Once more when it was mistyped; ERR_DENIED when it never was right. */
static int
say_yes(struct run *r, struct client *approver, int tty, struct err *e)
{
	struct answer_options o = {
		.id = r->now.id,
		.sha256 = r->now.sha256,
		.allow = true,
	};
	struct secret_text typed;
	int result = ERR_DENIED;

	for (int i = 0; i < PASSPHRASE_TRIES && result == ERR_DENIED; i++) {
		const struct secret_line ask = {
			.tty = tty,
			.stop_fd = r->signal_fd,
			.prompt = "Your passphrase: ",
			.timeout_ms = time_left_ms(r),
		};

		if (i > 0)
			say(tty, e->msg);
		result = secret_line(&ask, &typed, e);
		if (result != 0)
			return result == ERR_NOTFOUND ? ERR_OK : result;
		typed.s[typed.len] = '\0';
		o.passphrase = typed.s;
		result = answer_send(approver, &o, NULL, e);
		secret_line_wipe(&typed);
	}
	return result;
}

/* What the daemon says of it: "passphrase" or "never". */
static bool
can_answer_here(const json_t *explanation)
{
	const char *how = client_text(explanation, "asker_answers");

	return how != NULL && strcmp(how, "passphrase") == 0;
}

static int
show(const struct run *r, int tty, const json_t *explanation, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);

	show_question(&out, r->now.json, explanation);
	if (buf_done(&out, e) != 0)
		return ERR_LIMIT;
	return fdio_write_all(tty, out.s, out.len, e);
}

static int
take_answer(struct run *r, int tty, struct err *e)
{
	AUTO(client_freep) struct client *approver = NULL;
	int result = client_open(r->runtime, CLIENT_APPROVER, &approver, e);

	if (result != 0)
		return result;
	switch (ask_yes_or_no(r, tty)) {
	case TYPED_YES:
		result = say_yes(r, approver, tty, e);
		break;
	case TYPED_NO:
		/* who asked may take it back, and that is what it is */
		r->withdrawn = true;
		break;
	case TYPED_NOTHING:
	case TYPED_INVALID:
		break;
	}
	if (result != ERR_DENIED)
		return result;
	say(tty, e->msg);
	return err_set(e, ERR_NOTFOUND, "not answered here");
}

int
run_ask(struct run *r, struct err *e)
{
	AUTO(client_reply_done) struct client_reply why = CLIENT_REPLY_INIT;
	AUTO_FD int tty = open(TTY_PATH, O_RDWR | O_CLOEXEC | O_NOCTTY);
	int result;

	if (tty < 0)
		return err_set(e, ERR_NOTFOUND,
		    "--ask needs a terminal; answer with: assent approve %s",
		    r->now.id);
	result = run_call(r, r->client, "/explain",
	    &(struct client_request){ .method = "GET" }, &why, e);
	if (result == 0)
		result = show(r, tty, why.json, e);
	if (result != 0)
		return result;
	if (can_answer_here(why.json))
		return take_answer(r, tty, e);
	say(tty,
	    "nobody answers his own question without a passphrase, and you "
	    "have none here: see 'assent passphrase --help'");
	return err_set(e, ERR_NOTFOUND, "not answered here");
}
