/*
 * Ask the person at the terminal. The answer goes to the approver socket,
 * where the daemon decides whether this person may answer at all.
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
#include "run.h"
#include "show.h"

#define ANSWER_BYTES_MAX 64
#define TTY_PATH "/dev/tty"

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
question(const struct run *r, int tty, const json_t *explanation)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	enum typed said = TYPED_INVALID;

	show_question(&out, r->now.json, explanation);
	buf_puts(&out, "Approve this one run? Type yes or no: ");
	/* what was typed before the question was there answers nothing */
	(void)tcflush(tty, TCIFLUSH);
	if (buf_done(&out, NULL) != 0 ||
	    fdio_write_all(tty, out.s, out.len, NULL) != 0)
		return TYPED_NOTHING;
	while (said == TYPED_INVALID) {
		said = read_line(r, tty);
		if (said == TYPED_INVALID)
			(void)fdio_write_all(tty, "Type yes or no: ", 16, NULL);
	}
	return said;
}

int
run_ask(struct run *r, struct err *e)
{
	AUTO(client_freep) struct client *approver = NULL;
	AUTO(client_reply_done) struct client_reply why = CLIENT_REPLY_INIT;
	AUTO_FD int tty = open(TTY_PATH, O_RDWR | O_CLOEXEC | O_NOCTTY);
	enum typed said;
	int result;

	if (tty < 0)
		return err_set(e, ERR_NOTFOUND,
		    "--ask needs a terminal; answer with: assent approve %s",
		    r->now.id);
	result = client_open(r->runtime, CLIENT_APPROVER, &approver, e);
	if (result == 0)
		result = run_call(r, r->client, "/explain",
		    &(struct client_request){ .method = "GET" }, &why, e);
	if (result != 0)
		return result;
	said = question(r, tty, why.json);
	if (said == TYPED_NOTHING)
		return ERR_OK;
	return answer_send(approver,
	    &(struct answer_options){ .id = r->now.id,
		.sha256 = r->now.sha256,
		.allow = said == TYPED_YES },
	    NULL, e);
}
