/*
 * The last words to a terminal: what a signal handler may do.
 * Runs in: assent.  Trusts: nothing.  Owns: the settings that the terminal had
 * (a handler has no other way to know them).
 */
#include "term_crash.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"

static struct termios before;
static volatile sig_atomic_t armed;

static const int fatal[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE };

static void
on_fatal(int signo)
{
	/* keys normal, paste, focus and mouse reports off, cursor on, the
	 * other screen gone, plain style */
	static const char words[] =
	    "\033[?1l\033>\033[?2004l\033[?1004l\033[?1006l\033[?1000l"
	    "\033[?25h\033[?1049l\033[0m\r\n";

	if (armed) {
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
		if (write(STDOUT_FILENO, words, sizeof(words) - 1) < 0)
			armed = 0;
	}
	(void)signal(signo, SIG_DFL);
	(void)raise(signo);
}

void
term_crash_arm(void)
{
	struct sigaction a = { .sa_handler = on_fatal };

	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return;
	armed = 1;
	(void)sigemptyset(&a.sa_mask);
	a.sa_flags = (int)SA_RESETHAND;
	for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
		(void)sigaction(fatal[i], &a, NULL);
}

void
term_crash_disarm(void)
{
	armed = 0;
	for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
		(void)signal(fatal[i], SIG_DFL);
}
