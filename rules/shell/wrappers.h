#ifndef RULES_SHELL_WRAPPERS_H
#define RULES_SHELL_WRAPPERS_H
/*
 * Programs that start others: a table of how each is called, and how to read
 * options by it. Private to rules/shell.
 */
#include "shell/norm.h"

enum wrapper_flag {
	W_ASSIGNS = 1, /* NAME=VALUE may stand before the command */
	W_ABBREV = 2, /* long options may be shortened */
	W_TEXT = 4, /* the words are joined and read by a shell */
	W_BUILTIN = 8, /* runs builtins, too (command, builtin) */
	W_KEEP = 16, /* has effects of its own as a program: not WRAPPER */
	W_ONE_DASH = 32, /* long options with a single dash */
	W_NEEDS_DASHES = 64, /* the command stands behind "--" only */
	W_ENTRYPOINT = 128, /* --entrypoint is put before the command */
	W_ARCH = 256, /* an architecture may stand before its options */
	W_SHELL = 512, /* without a command it starts a shell */
};

struct wrapper;
typedef void wrapper_fn(
    struct norm *n, uint32_t part, const struct wrapper *w, size_t from);

/*
 * name: the program, or "program subcommand". Option lists hold names only;
 * long ones are separated by blanks. What stands in both lists of a kind
 * takes a value only when it is attached.
 */
struct wrapper {
	const char *name;
	const char *shorts; /* without a value */
	const char *short_values;
	const char *longs;
	const char *long_values;
	unsigned flags;
	unsigned context;
	unsigned skip; /* operands before the command */
	const char *text_options; /* their values are text for a shell */
	const char *dir_options; /* the command runs in their value */
	wrapper_fn *fn; /* instead of the rest */
};

extern const struct wrapper wrapper_table[];
extern const size_t wrapper_count;

/* Options in the order in which they stand. */
struct opts {
	const struct wrapper *w;
	const struct shell_word *argv;
	size_t argc, at;
	size_t cluster; /* offset in a word of short options, 0: none */
	struct str name; /* of the last option, without dashes */
	bool has_value;
	struct shell_word value;
	const char *bad;
};

/* 1: an option; 0: operands begin at o->at; -1: o->bad says why not. */
int opts_next(struct norm *n, struct opts *o);
/* The name is in a list that is separated by blanks. */
bool opts_in(const char *list, struct str name);
/* The word without its first bytes (all in its first, known piece). */
struct shell_word word_tail(
    struct norm *n, const struct shell_word *w, size_t offset);
/* Runs text that a shell other than this one reads. */
void nested_text(struct norm *n, uint32_t part, const struct shell_word *text,
    enum shell_dialect dialect, const struct inner *in);

/* Options, operands to skip, assignments, then the command. */
wrapper_fn wrap_general;
wrapper_fn wrap_shell, wrap_env, wrap_xargs, wrap_find, wrap_git, wrap_make;
wrapper_fn wrap_parallel, wrap_su, wrap_busybox, wrap_ssh, wrap_exec;
wrapper_fn wrap_kubectl, wrap_source, wrap_sudo, wrap_texts, wrap_interpreter;
wrapper_fn wrap_at, wrap_fd, wrap_flock, wrap_gdb, wrap_nix, wrap_script;
wrapper_fn wrap_sg, wrap_refuse, wrap_valgrind, wrap_watch, wrap_command;

#endif
