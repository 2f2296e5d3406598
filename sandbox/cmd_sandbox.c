/*
 * assent sandbox: the executor alone.
 * Runs in: assent.  Trusts: the folder that assent itself was started from.
 * Owns: nothing; the work is done by assent-exec, which takes its place.
 */
#include "model/command.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "oneshot.h"

#define HELPER "assent-exec"

static int run_sandbox(int argc, char **argv);

static const struct command_option sandbox_options[] = {
	{ "--profile", "NAME", "read-only or workspace-write (the default)" },
	{ "--workspace", "DIR", "the folder to work in; default: this one" },
	{ "--home", "DIR", "the home to close; default: $HOME if it is yours" },
	{ "--timeout", "SECONDS", "end the command after this time" },
	{ "--print-plan", NULL, "print what would be done, as JSON" },
	{ "--pin", "FILE", "record exactly what would run, and run nothing" },
	{ "--pinned", "FILE", "run only what --pin recorded" },
};

const struct command command_sandbox = {
	.name = "sandbox",
	.summary = "run a command in the sandbox, without the daemon",
	.usage = "sandbox [OPTIONS] -- CMD...",
	.details =
	    "The command sees the system read-only, the workspace writable "
	    "but for\nits protected parts, and nothing of the home but tools; "
	    "it has no network,\nno privileges, and limits on time, memory, "
	    "processes, files and output.\n\nThe exit status is the "
	    "command's own (128 + the signal that ended it);\n125: denied, "
	    "124: timed out, 123: the sandbox itself failed.",
	.example = "assent sandbox --timeout 60 -- make test",
	.options = sandbox_options,
	.option_count = ARRAY_LEN(sandbox_options),
	.run = run_sandbox,
};

/* The helper beside our own program, wherever that is installed. */
static int
helper_path(char path[static PATH_MAX])
{
	const ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (n <= 0)
		return -1;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL ||
	    (size_t)(slash - path) + sizeof("/" HELPER) > PATH_MAX)
		return -1;
	memcpy(slash, "/" HELPER, sizeof("/" HELPER));
	return 0;
}

static int
run_sandbox(int argc, char **argv)
{
	char path[PATH_MAX];
	const size_t words = argc < 1 ? 0 : (size_t)argc - 1;
	AUTO_FREE char **args = mem_new(words + 3, sizeof(*args));
	char mode[] = "--oneshot", name[] = HELPER;

	if (words > 0 && strcmp(argv[1], "--help") == 0) {
		command_help(&command_sandbox);
		return EXIT_OK;
	}
	if (args == NULL || helper_path(path) != 0)
		return ONESHOT_FAILED;
	args[0] = name;
	args[1] = mode;
	if (words > 0)
		memcpy(args + 2, argv + 1, words * sizeof(*args));
	(void)execv(path, args);
	(void)fprintf(stderr, "assent: cannot start '%s': %s\n", path,
	    strerrordesc_np(errno));
	return ONESHOT_FAILED;
}
