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

/* ---- wrap_opts.c ------------------------------------------------------- */

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

/* The options of w in the part's words from `from` on; borrows both. */
struct opts opts_from(
    const struct wrapper *w, const struct shell_part *p, size_t from);
/* 1: an option; 0: operands begin at o->at; -1: o->bad says why not. */
int opts_next(struct norm *n, struct opts *o);
/* The name is in a list that is separated by blanks. */
bool opts_in(const char *list, struct str name);
/* Where the words that begin with a dash end: for a guess, once the options
 * could not be read. */
size_t past_dashes(const struct shell_part *p, size_t at);
/* The word without its first bytes (all in its first, known piece). */
struct shell_word word_tail(
    struct norm *n, const struct shell_word *w, size_t offset);

/* ---- wrap_inner.c ------------------------------------------------------ */

/* How what a part starts runs; zero: as a command of the same shell. */
struct inner {
	unsigned context;
	const char *via;
	bool external; /* a program: neither builtin nor function */
	bool no_function;
	bool no_input; /* its standard input is empty */
	bool moved; /* runs in dirs instead of where the wrapper runs */
	const struct dirs *dirs;
	const struct shell_assign *assigns;
	size_t assign_count;
	const struct shell_word *args; /* of a text: $0, $1... */
	size_t arg_count;
};

/* What w starts: a program, in w's context. */
struct inner inner_of(const struct wrapper *w);
/* The assignments before the wrapper reach what it starts. */
void inner_assigns(struct inner *in, const struct shell_part *p);
/* For in->dirs: the folder that the word names; below: or one below it. */
const struct dirs *dirs_moved(
    struct norm *n, const struct shell_word *w, bool below);
/* These words are a command (no words: nothing runs). */
void inner_run(struct norm *n, uint32_t part, const struct inner *in,
    const struct shell_word *argv, size_t argc);
/* These words, joined by blanks, are text for bash (no words: none). */
void inner_text(struct norm *n, uint32_t part, const struct inner *in,
    const struct shell_word *argv, size_t argc);
/* One word is text for a shell other than this one. */
void nested_text(struct norm *n, uint32_t part, const struct shell_word *text,
    enum shell_dialect dialect, const struct inner *in);
/* The word is code in another language. */
void inner_code(struct norm *n, uint32_t part, const char *via,
    const char *language, const struct shell_word *text);
/* The part runs its standard input, and that is not known. */
void runs_stdin(struct norm *n, uint32_t part);

/* ---- wrap_args.c: words that are made ---------------------------------- */

/* What the part reads; not known. */
struct shell_word input_word(struct norm *n, uint32_t part);
/* The word holds the mark in what is known of it. */
bool has_mark(const struct shell_word *w, struct str mark);
/* The word with every mark replaced. */
struct shell_word replace_mark(struct norm *n, const struct shell_word *w,
    struct str mark, const struct shell_word *by);

/* ---- a function a kind of program; from: the first word behind its name - */

/* Options, operands to skip, assignments, then the command. */
wrapper_fn wrap_general;
wrapper_fn wrap_shell, wrap_env, wrap_xargs, wrap_find, wrap_git, wrap_make;
wrapper_fn wrap_parallel, wrap_su, wrap_busybox, wrap_ssh, wrap_exec;
wrapper_fn wrap_kubectl, wrap_source, wrap_sudo, wrap_texts, wrap_interpreter;
wrapper_fn wrap_at, wrap_fd, wrap_flock, wrap_gdb, wrap_nix, wrap_script;
wrapper_fn wrap_sg, wrap_refuse, wrap_valgrind, wrap_watch, wrap_command;

#endif
