#ifndef MODEL_COMMAND_H
#define MODEL_COMMAND_H
/*
 * A subcommand of assent. One file per subcommand exports one const
 * descriptor; the top of the build puts them in a table that also makes
 * help, completion and the list in the man page.
 *
 *     const struct command command_check = { .name = "check", ... };
 */
#include <stddef.h>

enum exit_status {
	EXIT_OK = 0,
	EXIT_DENIED = 1, /* rules: findings */
	EXIT_ASKED = 2, /* asked and unanswered */
	EXIT_USAGE = 64,
	EXIT_UNAVAILABLE = 69, /* daemon unavailable */
	EXIT_INTERNAL = 70,
	EXIT_CONFIG = 78,
};

struct command_option {
	const char *name; /* "--policy" */
	/*
	 * NULL for a flag; "FILE" for any value; words in lower case with a
	 * '|' between them ("untrusted|on-request|never") are the only values
	 * that command_parse takes.
	 */
	const char *arg;
	const char *help;
};

struct command {
	const char *name, *summary;
	/*
	 * "check [OPTIONS] -- CMD...". Where the second word holds a '|', as
	 * in "log list|show|verify [OPTIONS]", completion offers its parts.
	 */
	const char *usage;
	const char *details; /* paragraphs for --help, or NULL */
	const char *example; /* or NULL */
	const struct command_option *options;
	size_t option_count;
	/* argv[0] is the subcommand's name. Returns the exit status. */
	int (*run)(int argc, char **argv);
};

/* --help of one command on stdout. */
void command_help(const struct command *c);
/* "assent NAME: message" and a pointer to --help; returns EXIT_USAGE. */
int command_usage_error(const struct command *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Options by the table: fills values[i] (argument, or the option's name for
 * a flag) for option i, and leaves the others as they are; "--name VALUE" and
 * "--name=VALUE" both work. An option given twice is an error unless on_value
 * is there: it then gets every one of them. "--" or the first operand ends
 * the options. --help (-h) prints and returns -1 with *ret_status EXIT_OK;
 * errors print and return -1 with EXIT_USAGE. Else the index of the first
 * operand. To take options behind an operand too, call it again with argv
 * moved so that argv[0] is that operand, and the same values.
 */
typedef void command_value_fn(void *ctx, size_t option, const char *value);
int command_parse(const struct command *c, int argc, char **argv,
    const char **values, command_value_fn *on_value, void *ctx,
    int *ret_status);

/*
 * Operands with the options before, between and behind them, for a command
 * that takes no other command; behind "--" all are operands. words has room
 * for max. Returns how many there are, or
 * -1 with *ret_status as above; more than max is a usage error.
 */
struct command_words {
	char **words;
	int max;
};
int command_parse_words(const struct command *c, int argc, char **argv,
    const char **values, const struct command_words *to, int *ret_status);

#endif
