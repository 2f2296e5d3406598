#ifndef TUI_NOTICE_H
#define TUI_NOTICE_H
/*
 * Telling a person that something waits, without a word of what it is.
 *
 *     r = notice_parse("bell,osc9", &n, e);
 *     n.command = "/usr/local/bin/on-waiting";
 *     notice_bytes(&n, waiting, &out);      for the terminal
 *     notice_run(&n, waiting, e);           the command, if there is one
 *
 * Nothing of an action goes out: only how many wait.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum notice_kind {
	NOTICE_BELL = 1,
	NOTICE_OSC9 = 2, /* iTerm2, WezTerm, Windows Terminal */
	NOTICE_OSC777 = 4, /* foot, Ghostty, urxvt, VTE */
	NOTICE_OSC99 = 8, /* kitty */
};

struct notice {
	unsigned kinds;
	const char *command; /* an absolute path, or NULL */
	bool tmux; /* wrapped so that tmux passes them on */
	int64_t last_ns;
};

#define NOTICE_EVERY_NS ((int64_t)3 * 1000000000)

/* "bell,osc9", "none". */
int notice_parse(const char *list, struct notice *ret, struct err *e);
void notice_bytes(const struct notice *n, size_t waiting, struct buf *out);
/* Starts the command with ASSENT_WAITING=N and does not wait for it. */
int notice_run(const struct notice *n, size_t waiting, struct err *e);
/* Not for each of a hundred that come at once. */
bool notice_is_due(struct notice *n, int64_t now);

#endif
