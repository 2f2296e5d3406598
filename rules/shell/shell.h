#ifndef RULES_SHELL_SHELL_H
#define RULES_SHELL_SHELL_H
/*
 * Script text to the commands that it would run, or "not understood".
 *
 *     struct shell_context ctx = { .cwd = STR("/home/dev/proj"),
 *         .home = STR("/home/dev") };
 *     struct shell_result r;
 *     if (shell_understand(script, &ctx, arena, &r, e) != 0) ...no memory
 *     if (r.not_understood != NULL) ...never allow
 *     for (size_t i = 0; i < r.part_count; i++) judge(&r.parts[i]);
 *
 * The contract: when neither the result nor any of its parts carries a
 * not_understood, every program that the script can start is one of the
 * parts, and its arguments match the part's words. Nothing is guessed: what
 * is not known is a piece of its own kind, never an invented text.
 *
 * Wrappers (env, sudo, xargs, find -exec, bash -c, ssh, ...) are parts of
 * their own, followed by the commands inside them. Everything lives in the
 * arena; texts may point into the script, which must outlive the result.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

/* ---- words ------------------------------------------------------------- */

enum piece_kind {
	PIECE_INVALID,
	PIECE_TEXT, /* exactly this text */
	/*
	 * What a file name pattern matched, or will: part of one component of
	 * a path, without '/'. text is the pattern. (A pattern that matches
	 * nothing stays as written.)
	 */
	PIECE_GLOB,
	/* Any path below what precedes: may hold '/', never a ".." component
	 * (find's {}). Symbolic links on the way are possible. */
	PIECE_BELOW,
	PIECE_DIGITS, /* a whole number, perhaps with a '-' */
	/* Anything, also nothing. text is what is likely (a value that one
	 * branch gave, the output that was computed), or empty: good for rules
	 * that tighten, never for one that allows. */
	PIECE_UNKNOWN,
};

enum piece_origin {
	ORIGIN_NONE,
	ORIGIN_VARIABLE, /* name: a variable that the script did not set, or
	                    whose value depends on what happens */
	ORIGIN_OUTPUT, /* of a substitution; part: its last command */
	ORIGIN_INPUT, /* standard input (xargs, read); part: who reads it */
	ORIGIN_FILE_NAME, /* the number in /dev/fd/N of a <( ) or >( ) */
};

struct shell_piece {
	enum piece_kind kind;
	enum piece_origin origin;
	struct str text;
	struct str name; /* of the variable, with ORIGIN_VARIABLE */
	uint32_t part; /* index; UINT32_MAX: none */
};

enum word_flag {
	WORD_DYNAMIC = 1, /* some piece is not PIECE_TEXT */
	WORD_SPLIT = 2, /* becomes none, one or several arguments */
	WORD_GLOB = 4, /* is expanded to file names here */
	WORD_SUBST = 8, /* holds or came from a substitution */
	WORD_QUOTED = 16, /* some of it was quoted */
};

/*
 * One argument (several, with WORD_SPLIT or WORD_GLOB). Quotes are removed,
 * braces and tildes expanded, variables with known values replaced.
 */
struct shell_word {
	unsigned flags;
	/* Known: the argument. WORD_DYNAMIC: how it is likely to read, with
	 * the likely texts of unknown pieces; for people and for rules that
	 * tighten. */
	struct str text;
	const struct shell_piece *pieces;
	size_t piece_count;
};

/* The argument is exactly w->text. */
bool shell_word_known(const struct shell_word *w);
/* Known and equal to text. */
bool shell_word_is(const struct shell_word *w, const char *text);
/* The text that the argument certainly starts with (may be empty). */
struct str shell_word_prefix(const struct shell_word *w);
/* False when it certainly is no option: starts with a known byte that is not
 * '-'. A word that may vanish or split counts by each of its arguments. */
bool shell_word_may_be_option(const struct shell_word *w);
/* As a person would write it: known text quoted where needed, unknown pieces
 * as $name, $(...), *. Not escaped for terminals (text_escape does). */
void shell_word_print(struct buf *out, const struct shell_word *w);

/* ---- parts ------------------------------------------------------------- */

enum redir_op {
	REDIR_INVALID,
	REDIR_READ, /* < */
	REDIR_WRITE, /* > and >| : truncates */
	REDIR_APPEND, /* >> */
	REDIR_READ_WRITE, /* <> */
	REDIR_BOTH, /* &> and >&FILE: output and errors, truncates */
	REDIR_BOTH_APPEND, /* &>> */
	REDIR_DUP, /* N>&M, N<&M: no file; target is M ("-" closes) */
	REDIR_TEXT, /* here-document or here-string: target is the text */
};

struct shell_redir {
	enum redir_op op;
	int fd; /* as written, or 0 or 1 by default */
	/* File name, number or text. bash gives /dev/tcp/HOST/PORT and
	 * /dev/udp/HOST/PORT a meaning: connect. */
	struct shell_word target;
	bool compound; /* stands behind a group or loop: the shell opens it
	                  once, before the parts that follow; PART_REDIR */
};

/* What setting a variable can change, by its name. */
enum env_effect {
	ENV_PLAIN, /* nothing that is known */
	ENV_SEARCH, /* PATH, CDPATH: which program or folder is meant */
	ENV_LOADER, /* LD_*, GCONV_PATH...: code in every program */
	ENV_SHELL, /* BASH_ENV, ENV, IFS, PS4, PROMPT_COMMAND, SHELLOPTS... */
	ENV_RUNTIME, /* PYTHON*, NODE_OPTIONS, PERL5*, RUBYOPT, JAVA_*... */
	ENV_TOOL, /* GIT_*, PAGER, EDITOR, MAKEFLAGS, TAR_OPTIONS, LESSOPEN...:
	             makes some program run another or read another file */
	ENV_NETWORK, /* proxies, package indexes, certificate checks */
	ENV_ACCOUNT, /* KUBECONFIG, AWS_*, DOCKER_HOST...: whom it acts on */
};

struct shell_assign {
	struct str name;
	enum env_effect effect;
	bool append; /* += */
	bool array; /* an element or a list: value is unknown then */
	struct shell_word value;
};

enum part_kind {
	PART_INVALID,
	PART_COMMAND, /* argv is a program, a builtin or unknown */
	PART_WRAPPER, /* a command that starts others: judge only what it does
	                 by itself; the commands inside follow as parts */
	PART_ASSIGN, /* assignments only (also export, declare, readonly...) */
	PART_REDIR, /* redirections only: > file */
	PART_CODE, /* text that an interpreter gets: code, language */
};

enum connector {
	CONNECT_NONE, /* first, or last */
	CONNECT_SEQ, /* ; or newline */
	CONNECT_AND, /* && */
	CONNECT_OR, /* || */
	CONNECT_PIPE, /* | */
	CONNECT_PIPE_BOTH, /* |& */
	CONNECT_BACKGROUND, /* & */
};

/* What surrounds a part; several may hold. */
enum part_context {
	CONTEXT_SUBSHELL = 1, /* ( ), a part of a pipe, background */
	CONTEXT_SUBST = 2, /* $( ), ` `, <( ), >( ) */
	CONTEXT_LOOP = 4,
	CONTEXT_CONDITION = 8, /* runs only if something else says so */
	CONTEXT_FUNCTION = 16, /* in the body of a function */
	CONTEXT_UNCALLED = 32, /* ...that nothing here calls */
	CONTEXT_TRAP = 64, /* trap 'text' SIGNAL */
	CONTEXT_PRIVILEGE = 128, /* inside sudo, doas, su, pkexec... */
	CONTEXT_REMOTE = 256, /* on another machine: ssh, kubectl exec... */
	CONTEXT_CONTAINER =
	    512, /* in another file system: docker run, chroot */
	CONTEXT_INPUT_ARGS = 1024, /* gets arguments from a file or a pipe */
	CONTEXT_BACKGROUND = 2048,
	CONTEXT_GUESS = 4096, /* found while recovering from something that was
	                         not understood, or in a shell of another kind:
	                         good for rules that tighten only */
	CONTEXT_REPEATED = 8192, /* watch, at, cron-like: later, again */
};

enum stdin_kind {
	STDIN_INHERIT, /* the action's own */
	STDIN_PIPE, /* from the part stdin_part */
	STDIN_TEXT, /* stdin_text: here-document, here-string, or a pipe whose
	               text could be computed (then stdin_part is set, too) */
	STDIN_FILE, /* stdin_text is the name */
	STDIN_CLOSED,
	STDIN_OTHER, /* another descriptor: 0<&3 */
};

#define SHELL_NO_PART UINT32_MAX

struct shell_part {
	enum part_kind kind;
	unsigned context; /* enum part_context */
	enum connector before, after;
	bool negated;
	/* argv[0] is the command word. For PART_CODE: the interpreter. */
	const struct shell_word *argv;
	size_t argc;
	/* For this command: before it, and by env. */
	const struct shell_assign *assigns;
	size_t assign_count;
	const struct shell_redir *redirs;
	size_t redir_count;
	/*
	 * Directories that relative paths may be meant against, absolute and
	 * without "." and "..": [0] when every cd worked, the others when one
	 * of those before it failed and the script went on. Empty with
	 * cwd_unknown: cannot be told. In a container or on another machine
	 * always unknown.
	 */
	const struct str *cwds;
	size_t cwd_count;
	bool cwd_unknown; /* besides cwds, another is possible */
	bool cwd_below; /* these, or some directory below them */
	enum stdin_kind stdin_kind;
	struct shell_word stdin_text;
	uint32_t stdin_part; /* who writes into it; SHELL_NO_PART */
	uint32_t stdin_first; /* [stdin_first, stdin_part] and what they start:
	                         all that may have a hand in it */
	uint32_t stdout_part; /* who reads its output; SHELL_NO_PART */
	/* The wrapper, function call, eval or substitution user that this part
	 * stands in; SHELL_NO_PART at the top. */
	uint32_t parent;
	const char *via; /* "env", "$( )", "function f", "find -exec"; NULL */
	/* PART_CODE: language is "python3", "bash", ... ; code its text. */
	const char *language;
	struct shell_word code;
	/* This command is a shell or interpreter that reads what it runs from
	 * standard input, and the text is not known: stdin_part tells whose. */
	bool code_from_stdin;
	/* Is or calls a function that the script defines: its body's commands
	 * follow. PART_WRAPPER then. */
	bool function_call;
	/* Why this part cannot be judged, or NULL: never allow. */
	const char *not_understood;
	/* Place in the script (0-based byte offsets; of the outermost text). */
	size_t start, end;
};

struct shell_result {
	/* Why the whole text was not understood, or NULL. Then parts holds what
	 * could be found all the same: for rules that tighten. */
	const char *not_understood;
	size_t offset; /* where */
	struct shell_part *parts;
	size_t part_count;
};

enum shell_dialect {
	SHELL_BASH,
	SHELL_POSIX, /* sh: what bash and dash read differently is refused */
	SHELL_OTHER, /* zsh, fish, ksh...: all parts CONTEXT_GUESS */
};

struct shell_env {
	struct str name, value;
};

struct shell_context {
	struct str cwd; /* absolute, or empty: not known */
	struct str home; /* absolute, or empty: ~ and $HOME not known */
	enum shell_dialect dialect;
	/* Variables that the action sets itself. Others are unknown. */
	const struct shell_env *env;
	size_t env_count;
	bool stdin_known; /* stdin_text is all that it will read */
	struct str stdin_text;
};

/*
 * 0 or ERR_NOMEM. Every doubt is in the result. Time is linear in the text,
 * memory bounded by SCRIPT_UNDERSTOOD_MAX and PARTS_MAX.
 */
int shell_understand(struct str script, const struct shell_context *ctx,
    struct arena *a, struct shell_result *ret, struct err *e);
/* The same for a command without a shell: wrappers are unwrapped. */
int shell_understand_argv(char *const *argv, size_t argc,
    const struct shell_context *ctx, struct arena *a, struct shell_result *ret,
    struct err *e);

/* The program's name without its folder when argv[0] is a plain name or lies
 * in a folder of the system (/bin, /usr/bin, /usr/local/bin, ...sbin); else
 * the word as it is; empty when it is not known. */
struct str shell_part_program(const struct shell_part *p);
enum env_effect shell_env_effect(struct str name);
const char *env_effect_name(enum env_effect v);
/* One line: the command as a person would write it. */
void shell_part_print(struct buf *out, const struct shell_part *p);
/* Everything, one part a paragraph: for tests and for debugging. */
void shell_result_print(struct buf *out, const struct shell_result *r);

#endif
