/*
 * assent shell: a shell for frameworks that let one be chosen. A script goes
 * the way of assent run.
 * Runs in: assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/command.h"

#define SHELL_PROGRAM "assent-shell"
#define WORDS_MAX 4096
#define RUN_OWN_WORDS 10 /* what is put before the caller's words */

extern const struct command command_run;
extern const struct command command_shell;

/* Flags that a caller gives beside -c: a login shell, one with a terminal. */
static const char letters_ignored[] = "li";
static const char letters_kept[] = "eufx";

struct shell_call {
	char flags[sizeof(letters_kept) + 1];
	size_t flag_count;
	bool script; /* -c was there */
	char *runtime; /* or NULL */
};

static bool
take_letters(const char *word, struct shell_call *c)
{
	for (const char *at = word + 1; *at != '\0'; at++) {
		if (*at == 'c')
			c->script = true;
		else if (strchr(letters_kept, *at) != NULL &&
		    memchr(c->flags, *at, c->flag_count) == NULL)
			c->flags[c->flag_count++] = *at;
		else if (strchr(letters_ignored, *at) == NULL &&
		    strchr(letters_kept, *at) == NULL)
			return false;
	}
	return true;
}

/* A file has an end; a pipe may be somebody else's conversation. */
static bool
stdin_is_file(void)
{
	struct stat st;

	return fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode);
}

static int
run_script(struct shell_call *c, char **words, size_t count)
{
	AUTO_FREE char **argv = mem_new(count + RUN_OWN_WORDS, sizeof(*argv));
	char run[] = "run", raw[] = "--raw", input[] = "--stdin", end[] = "--";
	char runtime[] = "--runtime", bash[] = "bash",
	     flags[sizeof(c->flags) + 2] = "-";
	int argc = 0;

	if (argv == NULL)
		return EXIT_INTERNAL;
	argv[argc++] = run;
	if (isatty(STDOUT_FILENO) == 0)
		argv[argc++] = raw;
	if (stdin_is_file())
		argv[argc++] = input;
	if (c->runtime != NULL) {
		argv[argc++] = runtime;
		argv[argc++] = c->runtime;
	}
	argv[argc++] = end;
	argv[argc++] = bash;
	memcpy(flags + 1, c->flags, c->flag_count);
	flags[1 + c->flag_count] = 'c';
	flags[2 + c->flag_count] = '\0';
	argv[argc++] = flags;
	for (size_t i = 0; i < count; i++)
		argv[argc++] = words[i];
	argv[argc] = NULL;
	return command_run.run(argc, argv);
}

bool
shell_is_name(const char *called)
{
	const char *const slash = strrchr(called, '/');

	return strcmp(slash == NULL ? called : slash + 1, SHELL_PROGRAM) == 0;
}

int
shell_run(int argc, char **argv)
{
	struct shell_call c = { .flag_count = 0 };
	int at = 1;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		command_help(&command_shell);
		return EXIT_OK;
	}
	for (; at < argc && argv[at][0] == '-' && !c.script; at++) {
		if (strcmp(argv[at], "--runtime") == 0 && at + 1 < argc)
			c.runtime = argv[++at];
		else if (argv[at][1] == '-' || !take_letters(argv[at], &c))
			return command_usage_error(&command_shell,
			    "'%s' is no option of it; it takes -c, and beside "
			    "it -l -i -e -u -f -x",
			    argv[at]);
	}
	if (at < argc && strcmp(argv[at], "--") == 0)
		at++;
	if (!c.script || at >= argc)
		return command_usage_error(
		    &command_shell, "it runs scripts: -c SCRIPT");
	if (argc - at > WORDS_MAX)
		return command_usage_error(
		    &command_shell, "at most %d arguments", WORDS_MAX);
	return run_script(&c, argv + at, (size_t)(argc - at));
}

const struct command command_shell = {
	.name = "shell",
	.summary = "Be the shell of a framework: run -c SCRIPT once allowed",
	.usage = "shell [--runtime DIR] [-lieufx] -c SCRIPT [NAME [ARG...]]",
	.details =
	    "The same as the program assent-shell, for SHELL=, make and "
	    "frameworks that start a\nshell with -c. The script goes the way "
	    "of 'assent run': decided, recorded, run in the\nsandbox; its "
	    "status is the script's own, 125 denied, 124 unanswered, 123 own "
	    "failure.\nStandard input is passed on when it is a file.",
	.example = "make SHELL=assent-shell test",
	.run = shell_run,
};
