/*
 * Terminals: one inside for the command, the caller's outside.
 * Runs in: assent-exec, on both sides.  Trusts: its caller.
 * Owns: the state of the caller's terminal while it is taken.
 */
#include "init/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys.h"

#define FLUSHES_MAX 64
#define FLUSH_MS 5

int
terminal_open(int *ret_master, int *ret_slave, struct err *e)
{
	AUTO_FD int master =
	    open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	const int unlocked = 0;
	int slave;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) != 0)
		return err_sys(e, "cannot make a terminal for the run");
	/* By descriptor: no name is looked up. */
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_sys(e, "cannot open the run's terminal");
	*ret_master = TAKE_FD(master);
	*ret_slave = slave;
	return ERR_OK;
}

void
terminal_resize(int master)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ioctl(master, TIOCSWINSZ, &size);
}

/* What was typed for the run, or answered to it, is not for the shell. Behind
 * what one flush takes more may wait, so while there is any. */
static void
put_back(const struct terminal *t)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	for (unsigned i = 0; i < FLUSHES_MAX && poll(&p, 1, FLUSH_MS) > 0; i++)
		(void)tcflush(STDIN_FILENO, TCIFLUSH);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &t->before);
}

/* In a background process group, where changing a terminal would stop us;
 * and not to be ended with our caller. */
static _Noreturn void
guard(const struct terminal *t, int gone)
{
	sigset_t all;
	char byte;
	ssize_t n;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	do
		n = read(gone, &byte, 1);
	while (n < 0 && errno == EINTR);
	/* A byte: it has been put back already. */
	if (n == 0)
		put_back(t);
	_exit(0);
}

static int
start_guard(struct terminal *t, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(e, "cannot make a pipe");
	t->guard = sys_fork(0, NULL);
	if (t->guard == 0) {
		/* Keeps the terminal and the pipe, and nobody's output. */
		(void)dup2(ends[0], STDOUT_FILENO);
		(void)sys_close_from(STDERR_FILENO);
		guard(t, STDOUT_FILENO);
	}
	(void)close(ends[0]);
	t->alive = ends[1];
	if (t->guard > 0)
		return ERR_OK;
	(void)close(ends[1]);
	return err_sys(e, "cannot start the terminal's guard");
}

int
terminal_take(struct terminal *t, struct err *e)
{
	struct termios raw;
	int r;

	*t = (struct terminal){ .alive = -1, .guard = -1 };
	if (tcgetattr(STDIN_FILENO, &t->before) != 0)
		return err_set(e, ERR_INVALID,
		    "--tty needs a terminal as the standard input");
	r = start_guard(t, e);
	if (r != 0)
		return r;
	t->taken = true;
	raw = t->before;
	cfmakeraw(&raw);
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) != 0) {
		r = err_sys(e, "cannot take the terminal");
		terminal_give_back(t);
	}
	return r;
}

void
terminal_give_back(struct terminal *t)
{
	if (!t->taken)
		return;
	put_back(t);
	t->taken = false;
	(void)!write(t->alive, "x", 1);
	fd_closep(&t->alive);
	while (waitpid(t->guard, NULL, 0) < 0 && errno == EINTR)
		;
}
