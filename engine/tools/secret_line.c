/*
 * Read a line from a terminal without showing it there.
 * Runs in: assent.  Trusts: the terminal.  Owns: its settings, meanwhile.
 */
#include "secret_line.h"

#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/text.h"

static int
hide(int tty, struct termios *before, struct err *e)
{
	struct termios hidden;

	if (tcgetattr(tty, before) != 0)
		return err_sys(e, "cannot ask the terminal");
	hidden = *before;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	hidden.c_lflag |= ICANON;
	/* What was typed ahead is no passphrase. */
	if (tcsetattr(tty, TCSAFLUSH, &hidden) != 0)
		return err_sys(e, "cannot hide what is typed");
	return ERR_OK;
}

static int
read_hidden(const struct secret_line *o, struct secret_text *ret, struct err *e)
{
	struct pollfd wait[] = {
		{ .fd = o->tty, .events = POLLIN },
		{ .fd = o->stop_fd, .events = POLLIN },
	};
	ssize_t n;

	if (fdio_write_all(o->tty, o->prompt, strlen(o->prompt), e) != 0)
		return ERR_SYS;
	if (poll(wait, ARRAY_LEN(wait), o->timeout_ms) <= 0 ||
	    wait[1].revents != 0)
		return err_set(e, ERR_NOTFOUND, "nothing was typed");
	n = read(o->tty, ret->s, sizeof(ret->s));
	if (n <= 0)
		return err_set(e, ERR_NOTFOUND, "the terminal has ended");
	ret->len = (size_t)n;
	if (ret->s[ret->len - 1] != '\n')
		return err_set(e, ERR_INVALID,
		    "a passphrase has at most %d bytes", PASSPHRASE_LEN_MAX);
	ret->len--;
	if (!text_is_utf8(str_n(ret->s, ret->len)))
		return err_set(e, ERR_INVALID, "a passphrase is UTF-8");
	return ERR_OK;
}

int
secret_line(const struct secret_line *o, struct secret_text *ret, struct err *e)
{
	struct termios before;
	int r = hide(o->tty, &before, e);

	if (r != 0)
		return r;
	r = read_hidden(o, ret, e);
	(void)tcsetattr(o->tty, TCSAFLUSH, &before);
	(void)fdio_write_all(o->tty, "\n", 1, NULL);
	if (r != 0)
		secret_line_wipe(ret);
	return r;
}

void
secret_line_wipe(struct secret_text *t)
{
	explicit_bzero(t, sizeof(*t));
}
