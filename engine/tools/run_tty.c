/*
 * A terminal for a run of the daemon, a line at a time.
 * Runs in: assent.  Trusts: an allow only with the id and hash of the line
 * that was sent; the run's output is shown as it comes, as --tty asks.
 * Owns: the state of the caller's terminal while it is taken.
 */
#include "run_tty.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/limits.h"
#include "show.h"

#define KEYS_MAX 256
#define BODY_BYTES ((size_t)64 << 10)
#define PATH_BYTES 256
#define WAIT_S 60
#define FLUSHES_MAX 64
#define FLUSH_MS 5

enum key {
	KEY_INTERRUPT = 3, /* Ctrl-C */
	KEY_END = 4, /* Ctrl-D */
	KEY_ERASE = 8,
	KEY_KILL = 21, /* Ctrl-U */
	KEY_QUIT = 28, /* Ctrl-\ */
	KEY_DELETE = 127,
};

int
run_tty_take(struct run_tty *t, struct err *e)
{
	struct termios raw;

	*t = (struct run_tty){ .line = BUF_INIT(RUN_TTY_LINE_MAX) };
	if (tcgetattr(STDIN_FILENO, &t->before) != 0 ||
	    isatty(STDOUT_FILENO) != 1)
		return err_set(e, ERR_INVALID,
		    "--tty needs a terminal as standard input and output");
	raw = t->before;
	cfmakeraw(&raw);
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) != 0)
		return err_sys(e, "cannot take the terminal");
	t->taken = true;
	return ERR_OK;
}

/* What was typed for the run, or answered to it by the terminal, is not for
 * the shell: behind what one flush takes more may wait. */
void
run_tty_give_back(struct run_tty *t)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	buf_free(&t->line);
	if (!t->taken)
		return;
	for (unsigned i = 0; i < FLUSHES_MAX && poll(&p, 1, FLUSH_MS) > 0; i++)
		(void)tcflush(STDIN_FILENO, TCIFLUSH);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &t->before);
	t->taken = false;
}

static void
show(const char *text, size_t len)
{
	(void)fdio_write_all(STDOUT_FILENO, text, len, NULL);
}

/* Our echo goes; the run's own, if it has one, comes instead. */
static void
erase(struct run_tty *t, size_t count)
{
	while (count-- > 0 && t->line.len > 0) {
		t->line.len--;
		/* One character may be more bytes than one. */
		while (t->line.len > 0 &&
		    ((unsigned char)t->line.s[t->line.len] & 0xc0) == 0x80)
			t->line.len--;
		show("\b \b", 3);
	}
}

static void
say(const char *words, const char *more)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);

	buf_puts(&out, "\r\nassent run: ");
	text_escape(&out, str_of(words));
	if (more != NULL && more[0] != '\0') {
		buf_puts(&out, ": ");
		text_escape(&out, str_of(more));
	}
	buf_puts(&out, "\r\n");
	show(out.s, out.len);
}

static int
line_body(const struct run *r, struct str text, struct buf *out, struct err *e)
{
	AUTO_FREE char *cwd = getcwd(NULL, 0);
	struct jsonw w = jsonw_on(out);

	if (cwd == NULL)
		return err_sys(e, "cannot tell the current folder");
	jsonw_object(&w);
	jsonw_kstr(&w, "tool", "stdin");
	jsonw_key(&w, "input");
	jsonw_object(&w);
	jsonw_kstr(&w, "action", r->now.id);
	jsonw_key(&w, "text");
	jsonw_str(&w, text);
	jsonw_end(&w);
	jsonw_kstr(&w, "cwd", cwd);
	jsonw_kstr(&w, "workspace", r->workspace);
	if (r->session != NULL)
		jsonw_kstr(&w, "session", r->session);
	jsonw_kstr(&w, "executor", "assent");
	jsonw_kbool(&w, "execute", true);
	jsonw_end(&w);
	return buf_done(out, e);
}

/* Waits while it is asked about; the run goes on meanwhile. */
static int
see_decided(struct client *c, struct client_reply *reply, struct verdict *v,
    struct err *e)
{
	int result = client_expect(reply, e);
	bool said = false;

	if (result == 0)
		result = verdict_read(reply->json, NULL, v, e);
	while (result == 0 && v->stage == STAGE_PENDING) {
		char path[PATH_BYTES];
		struct verdict before = *v;

		if (!said)
			say("waits for an answer; assent approve", v->id);
		said = true;
		(void)snprintf(path, sizeof(path), "/v1/actions/%s", v->id);
		client_reply_done(reply);
		result = client_call(c,
		    &(struct client_request){
			.method = "GET", .path = path, .wait_s = WAIT_S },
		    reply, e);
		if (result == 0)
			result = client_expect(reply, e);
		if (result == 0)
			result = verdict_read(reply->json, &before, v, e);
	}
	return result;
}

/* A line that is denied is said so, and the run goes on without it. */
static void
send_line(struct run *r, struct str text)
{
	AUTO(client_freep) struct client *c = NULL;
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf body = BUF_INIT(BODY_BYTES);
	struct err e = ERR_INIT;
	struct verdict v;
	int result = client_open(r->runtime, CLIENT_AGENT, &c, &e);

	if (result == 0)
		result = line_body(r, text, &body, &e);
	if (result == 0)
		result = client_call(c,
		    &(struct client_request){ .method = "POST",
			.path = "/v1/actions",
			.body = buf_str(&body),
			.wait_s = 1 },
		    &reply, &e);
	if (result == 0)
		result = see_decided(c, &reply, &v, &e);
	if (result != 0)
		say("the line was not sent", e.msg);
	else if (!verdict_allows(&v))
		say("denied", client_text(reply.json, "reason"));
}

static void
end_line(struct run_tty *t, struct run *r)
{
	AUTO_BUF struct buf text = BUF_INIT(RUN_TTY_LINE_MAX + 2);

	buf_put_str(&text, buf_str(&t->line));
	buf_putc(&text, '\n');
	erase(t, t->line.len);
	if (buf_done(&text, NULL) != 0 || !text_is_utf8(buf_str(&text)))
		say("the line was not sent", "it is no UTF-8");
	else
		send_line(r, buf_str(&text));
}

static void
take_key(struct run_tty *t, struct run *r, unsigned char key)
{
	const char c = (char)key;

	switch (key) {
	case '\r':
	case '\n':
		end_line(t, r);
		return;
	case KEY_INTERRUPT:
	case KEY_QUIT:
		erase(t, t->line.len);
		run_pass_on(r, key == KEY_QUIT ? "QUIT" : "INT");
		return;
	case KEY_END:
		if (t->line.len == 0)
			send_line(r, STR("\004"));
		return;
	case KEY_ERASE:
	case KEY_DELETE:
		erase(t, 1);
		return;
	case KEY_KILL:
		erase(t, t->line.len);
		return;
	default:
		break;
	}
	/* What moves cursors is for programs that see each key. */
	if (key < ' ' || t->line.len + 2 > RUN_TTY_LINE_MAX)
		return;
	buf_putc(&t->line, c);
	show(&c, 1);
}

int
run_tty_keys(struct run_tty *t, struct run *r, struct err *e)
{
	unsigned char keys[KEYS_MAX];
	const ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return ERR_OK;
	if (n <= 0) {
		run_pass_on(r, "HUP");
		return err_set(e, ERR_CONFLICT, "the terminal is gone");
	}
	/* An escape sequence of a cursor key is not text. */
	if (keys[0] == 27)
		return ERR_OK;
	for (ssize_t i = 0; i < n; i++)
		take_key(t, r, keys[i]);
	return ERR_OK;
}

void
run_tty_size(struct run *r)
{
	AUTO(client_freep) struct client *c = NULL;
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf body = BUF_INIT(PATH_BYTES);
	struct jsonw w = jsonw_on(&body);
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 ||
	    size.ws_col == 0)
		return;
	jsonw_object(&w);
	jsonw_kstr(&w, "signal", "WINCH");
	jsonw_kint(&w, "rows", size.ws_row);
	jsonw_kint(&w, "columns", size.ws_col);
	jsonw_end(&w);
	if (client_open(r->runtime, CLIENT_AGENT, &c, NULL) == 0)
		(void)run_call(r, c, "/signal",
		    &(struct client_request){
			.method = "POST", .body = buf_str(&body) },
		    &reply, NULL);
}
