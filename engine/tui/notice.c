/*
 * Bell, notices of terminals, a command.
 * Runs in: assent.  Trusts: nothing; says only our own words and a number.
 * Owns: nothing.
 */
#include "notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"

#define TEXT_BYTES 64
#define ENV_BYTES 4096
#define ARENA_BYTES ((size_t)65536)

static const struct {
	const char *name;
	unsigned kind;
} kinds[] = {
	{ "bell", NOTICE_BELL },
	{ "osc9", NOTICE_OSC9 },
	{ "osc777", NOTICE_OSC777 },
	{ "osc99", NOTICE_OSC99 },
	{ "none", 0 },
};

int
notice_parse(const char *list, struct notice *ret, struct err *e)
{
	struct str rest = str_of(list);

	ret->kinds = 0;
	do {
		const struct str word = str_cut(&rest, ',');
		size_t i = 0;

		while (i < ARRAY_LEN(kinds) && !str_eqz(word, kinds[i].name))
			i++;
		if (i == ARRAY_LEN(kinds))
			return err_set(e, ERR_INVALID,
			    "'%.*s' is no notice: there is bell, osc9, "
			    "osc777, osc99 and none",
			    STR_ARG(str_head(word, TEXT_BYTES)));
		ret->kinds |= kinds[i].kind;
	} while (rest.len > 0);
	return ERR_OK;
}

/* tmux passes on what stands in a DCS, with each ESC doubled. */
static void
put_osc(const struct notice *n, struct buf *out, const char *text)
{
	const char *esc = n->tmux ? "\033\033" : "\033";

	if (n->tmux)
		buf_puts(out, "\033Ptmux;");
	buf_puts(out, esc);
	buf_putc(out, ']');
	buf_puts(out, text);
	buf_puts(out, esc);
	buf_putc(out, '\\');
	if (n->tmux)
		buf_puts(out, "\033\\");
}

void
notice_bytes(const struct notice *n, size_t waiting, struct buf *out)
{
	char what[TEXT_BYTES], text[2 * TEXT_BYTES];

	(void)snprintf(what, sizeof(what), "assent: %zu request%s waiting",
	    waiting, waiting == 1 ? "" : "s");
	if ((n->kinds & NOTICE_BELL) != 0)
		buf_putc(out, '\a');
	if ((n->kinds & NOTICE_OSC9) != 0) {
		(void)snprintf(text, sizeof(text), "9;%s", what);
		put_osc(n, out, text);
	}
	if ((n->kinds & NOTICE_OSC777) != 0) {
		(void)snprintf(
		    text, sizeof(text), "777;notify;assent;%s", what);
		put_osc(n, out, text);
	}
	if ((n->kinds & NOTICE_OSC99) != 0) {
		(void)snprintf(text, sizeof(text), "99;i=assent;%s", what);
		put_osc(n, out, text);
	}
}

bool
notice_is_due(struct notice *n, int64_t now)
{
	if (n->last_ns != 0 && now >= n->last_ns &&
	    now - n->last_ns < NOTICE_EVERY_NS)
		return false;
	n->last_ns = now;
	return true;
}

/* Variables that a program needs to reach this person; nothing else passes. */
static const char *const passed[] = { "PATH", "HOME", "USER", "LANG", "TERM",
	"DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR",
	"DBUS_SESSION_BUS_ADDRESS" };

/* "NAME=value" in the arena, or NULL. */
static char *
variable(struct arena *a, const char *name, const char *value)
{
	AUTO_BUF struct buf text = BUF_INIT(ENV_BYTES);

	buf_printf(&text, "%s=%s", name, value);
	return text.failed != 0 ? NULL : arena_strdup(a, text.s);
}

int
notice_run(const struct notice *n, size_t waiting, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_BYTES);
	char *envp[ARRAY_LEN(passed) + 2] = { NULL };
	char *argv[2] = { NULL, NULL };
	char number[TEXT_BYTES];
	size_t count = 0;
	pid_t pid;
	int pidfd = -1, r;

	if (n->command == NULL)
		return ERR_OK;
	if (a == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < ARRAY_LEN(passed); i++) {
		const char *value = getenv(passed[i]);

		if (value != NULL)
			envp[count] = variable(a, passed[i], value);
		if (envp[count] != NULL)
			count++;
	}
	(void)snprintf(number, sizeof(number), "%zu", waiting);
	envp[count] = variable(a, "ASSENT_WAITING", number);
	argv[0] = arena_strdup(a, n->command);
	if (argv[0] == NULL || envp[count] == NULL)
		return err_nomem(e);
	r = spawn(
	    &(struct spawn_options){
		.path = n->command, .argv = argv, .envp = envp },
	    &pid, &pidfd, e);
	/* nobody asks how it ended; SIGCHLD is ignored, so it leaves none */
	fd_closep(&pidfd);
	return r;
}
