/*
 * assent-cli: find the subcommand in the table and run it.
 * Runs in: assent-cli, which takes the place of assent (front_main.c).
 * Trusts: nothing; arguments are escaped when shown.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "tools/commands.h"
#include "tools/completion.h"
#include "tools/shell.h"

#define OUTPUT_BYTES_MAX ((size_t)1 << 20)
#define COMMANDS_MAX 64
#define NAME_COLUMN 14

/* Whole or not at all: half a completion script is no success. */
static int
print_whole(FILE *to, const struct buf *b)
{
	if (buf_done(b, NULL) != 0)
		return EXIT_INTERNAL;
	if (fwrite(buf_cstr(b), 1, b->len, to) != b->len || fflush(to) != 0)
		return EXIT_INTERNAL;
	return EXIT_OK;
}

/* Headings of the help: what each group of the table begins with. */
static const struct {
	const char *first, *heading;
} groups[] = {
	{ "check", "Judge by rules" },
	{ "run", "Run commands" },
	{ "pending", "Answer questions" },
	{ "status", "Look after it" },
	{ "install", "Connect agents" },
	{ "completion", "In the shell" },
};

static void
put_command(struct buf *out, const struct command *c)
{
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		if (strcmp(c->name, groups[i].first) == 0)
			buf_printf(out, "\n%s:\n", groups[i].heading);
	}
	buf_printf(out, "  %-*s%s\n", NAME_COLUMN, c->name, c->summary);
}

static int
overview(FILE *to)
{
	AUTO_BUF struct buf out = BUF_INIT(OUTPUT_BYTES_MAX);

	buf_puts(&out,
	    "Usage: assent COMMAND [OPTIONS] ...\n\n"
	    "Decide, record and run what coding agents propose.\n");
	for (size_t i = 0; i < command_count; i++)
		put_command(&out, commands[i]);
	buf_puts(&out,
	    "\n'assent COMMAND --help' tells more about one.\n"
	    "Exit status: 0 allowed or done, 1 denied, 2 asked and "
	    "unanswered,\n"
	    "64 usage, 69 daemon unavailable, 70 internal, 78 configuration "
	    "or\n"
	    "rules. 'run' and 'sandbox' give the command's own; 125 denied,\n"
	    "124 unanswered or timed out, 123 own failure.\n");
	return print_whole(to, &out);
}

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < command_count; i++) {
		if (strcmp(name, commands[i]->name) == 0)
			return commands[i];
	}
	return NULL;
}

/* "rules shadow" when these are the words; NULL: none. */
static const struct command *
find_verb(const char *name, const char *verb)
{
	const size_t len = strlen(name);

	for (size_t i = 0; i < command_verb_count; i++) {
		const char *full = command_verbs[i]->name;

		if (strncmp(full, name, len) == 0 && full[len] == ' ' &&
		    strcmp(full + len + 1, verb) == 0)
			return command_verbs[i];
	}
	return NULL;
}

static int
unknown_command(const char *name)
{
	AUTO_BUF struct buf out = BUF_INIT(OUTPUT_BYTES_MAX);
	const char *names[COMMANDS_MAX] = { NULL };
	const char *nearest;
	size_t count = 0;

	for (size_t i = 0; i < command_count && count < COMMANDS_MAX; i++)
		names[count++] = commands[i]->name;
	nearest = text_nearest(str_of(name), names, count);
	buf_puts(&out, "assent: unknown command '");
	text_escape(&out, str_of(name));
	buf_puts(&out, "'");
	if (name[0] == '-')
		buf_puts(&out, "; options follow the command");
	else if (nearest != NULL)
		buf_printf(&out, "; did you mean '%s'?", nearest);
	buf_puts(&out, "\nTry 'assent --help'.\n");
	print_whole(stderr, &out);
	return EXIT_USAGE;
}

extern const struct command command_completion;

static int
run_completion(int argc, char **argv)
{
	AUTO_BUF struct buf out = BUF_INIT(OUTPUT_BYTES_MAX);
	struct err e = ERR_INIT;
	int status;
	const int at = command_parse(
	    &command_completion, argc, argv, NULL, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (argc - at != 1)
		return command_usage_error(
		    &command_completion, "name one shell: bash, zsh or fish");
	if (strcmp(argv[at], "mdoc") == 0)
		completion_mdoc(commands, command_count, &out);
	else if (completion_print(
		     argv[at], commands, command_count, &out, &e) != 0)
		return command_usage_error(&command_completion, "%s", e.msg);
	return print_whole(stdout, &out);
}

const struct command command_completion = {
	.name = "completion",
	.summary = "Print a completion script for a shell",
	.usage = "completion bash|zsh|fish",
	.details = "For bash: assent completion bash > "
		   "~/.local/share/bash-completion/completions/assent\n"
		   "For zsh:  assent completion zsh > a folder of $fpath, as "
		   "_assent\n"
		   "For fish: assent completion fish > "
		   "~/.config/fish/completions/assent.fish",
	.example = "source <(assent completion bash)",
	.run = run_completion,
};

static int
help_on(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2)
		return overview(stdout);
	c = find_command(argv[1]);
	if (c == NULL)
		return unknown_command(argv[1]);
	command_help(c);
	return EXIT_OK;
}

int
main(int argc, char **argv)
{
	const struct command *c;

	if (argc > 0 && shell_is_name(argv[0]))
		return shell_run(argc, argv);
	if (argc < 2) {
		overview(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return overview(stdout);
	if (strcmp(argv[1], "--version") == 0) {
		puts("assent " ASSENT_VERSION);
		return EXIT_OK;
	}
	if (strcmp(argv[1], "help") == 0)
		return help_on(argc - 1, argv + 1);
	c = argc < 3 ? NULL : find_verb(argv[1], argv[2]);
	if (c != NULL)
		return c->run(argc - 2, argv + 2);
	c = find_command(argv[1]);
	if (c == NULL)
		return unknown_command(argv[1]);
	return c->run(argc - 1, argv + 1);
}
