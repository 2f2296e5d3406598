/*
 * A command that tells somebody that something waits.
 * Runs in: assent.  Trusts: nothing; says only a number.  Owns: nothing.
 */
#include "notify.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/spawn.h"

#define NUMBER_BYTES 32
#define ENV_BYTES 4096
#define ARENA_BYTES ((size_t)65536)

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
notify_run(const char *command, size_t waiting, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_BYTES);
	char *envp[ARRAY_LEN(passed) + 2] = { NULL };
	char *argv[2] = { NULL, NULL };
	char number[NUMBER_BYTES];
	size_t count = 0;
	pid_t pid;
	int pidfd = -1, r;

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
	argv[0] = arena_strdup(a, command);
	if (argv[0] == NULL || envp[count] == NULL)
		return err_nomem(e);
	r = spawn(
	    &(struct spawn_options){
		.path = command, .argv = argv, .envp = envp },
	    &pid, &pidfd, e);
	/* nobody asks how it ended; SIGCHLD is ignored, so it leaves none */
	fd_closep(&pidfd);
	return r;
}

int
notify_check(const char *command, struct err *e)
{
	if (command == NULL || command[0] == '/')
		return ERR_OK;
	return err_set(e, ERR_INVALID,
	    "--on-waiting wants the full path of a program, not '%.80s'",
	    command);
}
