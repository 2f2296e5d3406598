#ifndef RULES_SHELL_NORM_H
#define RULES_SHELL_NORM_H
/*
 * Walks the tree as bash would run it and writes down the commands.
 *
 *     struct norm n;
 *     norm_init(&n, ctx, arena, result);
 *     norm_script(&n, script, dialect, 0);
 *
 * Private to rules/shell. Variables, functions and the directory are followed
 * through the script; where a branch may or may not run, what it changes is
 * unknown afterwards. Functions return nothing: lack of memory and limits are
 * kept in n and end everything (norm_stopped).
 */
#include "base/mem.h"
#include "shell/ast.h"
#include "shell/shell.h"

#define NORM_PARTS_MAX 2048
#define NORM_DIRS_MAX 4
#define NORM_VAR_BUCKETS 64
#define NORM_DEPTH_MAX 256 /* nested texts, calls and substitutions */
#define NORM_UNROLL_MAX 16 /* values of a loop that are looked at one by one */
#define NORM_STEPS_MAX 131072 /* words and nodes of one action */
#define NORM_TEXT_MAX ((size_t)1 << 20) /* bytes of all computed texts */
#define NORM_BRACES_MAX 256 /* words that one brace expansion gives */
#define NORM_STACK_MAX 16 /* pushd */
#define NORM_PATH_MAX 1024 /* bytes of a directory that is followed */
#define NORM_GUESSES_MAX 64

/* ---- values ------------------------------------------------------------ */

/* A text as far as it is known. Immutable. */
struct value {
	const struct shell_piece *pieces;
	uint32_t count;
	unsigned flags; /* WORD_SUBST */
};

enum var_kind {
	VAR_INHERITED, /* never touched by the script */
	VAR_SET,
	VAR_UNSET,
	VAR_MAYBE, /* value is only likely, or empty */
	VAR_LIST, /* an array with known elements */
	VAR_LIST_MAYBE, /* an array */
};

struct var {
	struct var *next;
	struct str name;
	enum var_kind kind;
	bool function; /* a function's name, in the same table */
	bool assoc, integer, reference;
	bool fixed; /* readonly, perhaps */
	bool exported;
	uint32_t epoch; /* older than n->epoch: nothing is known */
	struct value value;
	const struct value *items; /* VAR_LIST */
	uint32_t item_count;
	/* A function (VAR_SET, VAR_MAYBE); NULL: one of several. */
	struct function *def;
};

/* An old state of a variable, for undoing. */
struct trail {
	struct var *var;
	struct var old;
};

/* A set of directories; immutable. NULL: this point is never reached. */
struct dirs {
	bool unknown;
	bool below; /* these, or some directory below them */
	uint32_t count;
	struct str dir[NORM_DIRS_MAX];
};

struct dir_stack {
	const struct dir_stack *below;
	const struct dirs *dirs;
	unsigned depth;
};

/* Where the shell is after a command that worked, or failed. */
struct flow {
	const struct dirs *ok, *fail;
};

struct positional {
	const struct value *items;
	uint32_t count;
	bool unknown;
};

/* Standard input as the commands of a group inherit it. */
struct input {
	enum stdin_kind kind;
	bool shared; /* others may have read some of it before */
	struct shell_word text;
	uint32_t first, part;
};

/* What surrounds the command that is being looked at. */
struct frame {
	unsigned context;
	uint32_t parent;
	const char *via;
	struct input input;
	enum connector before, after;
	bool negated;
	unsigned subst_depth;
	bool external; /* started as a program: no builtin, no function */
	bool no_function; /* "command", "builtin" */
};

/* The definition of a function. */
struct function {
	struct str name;
	const struct node *body;
	bool called;
	bool unsure; /* some calls of the name may or may not mean it */
	unsigned busy; /* calls of it that are being followed */
};

/* What is known about a part beside what callers see. */
struct part_meta {
	unsigned subst_depth;
	uint32_t first; /* the first part of its <( ) */
	bool has_output; /* output is exactly what it writes */
	struct str output;
};

struct mark {
	uint32_t trail;
	uint32_t epoch;
	const struct dir_stack *stack;
	const struct dirs *dirs;
	struct positional args;
};

/* What "local" hides until the function ends. */
struct hidden {
	struct var old;
	bool maybe;
};

/* trap 'text' SIGNAL: looked at when the end is known. */
struct trap {
	struct str text;
	uint32_t trail, epoch;
	const struct dirs *dirs;
};

struct norm {
	const struct shell_context *ctx;
	struct arena *arena;
	struct shell_result *result;
	enum shell_dialect dialect;
	uint32_t part_cap;
	uint32_t parts_expected; /* a guess by the length of the script */
	struct part_meta *meta;
	struct var *vars[NORM_VAR_BUCKETS];
	struct trail *trail;
	uint32_t trail_count, trail_cap;
	uint32_t epoch;
	const struct dirs *dirs;
	const struct dirs *return_dirs; /* where a return may have left it */
	bool returned; /* the function being called may have ended early */
	bool may_abort; /* this line may end early, in one of abort_dirs */
	const struct dirs *abort_dirs;
	const struct dir_stack *stack;
	struct positional args;
	struct frame frame;
	struct builder *builder; /* of the word under expansion */
	unsigned depth;
	uint32_t steps;
	size_t text_used;
	uint32_t place; /* in the outermost script, of the command at hand */
	uint32_t place_end;
	bool nested; /* places inside are not offsets any more */
	bool lastpipe, xpg_echo;
	bool stdin_changed; /* exec < file */
	struct hidden *hidden;
	uint32_t hidden_count, hidden_cap;
	struct trap traps[NORM_STACK_MAX];
	uint32_t trap_count;
	bool stopped;
	bool no_memory;
	unsigned loop_depth, function_depth;
	struct flow *inner_flow; /* of what "command" and "builtin" run */
	struct function functions[NORM_GUESSES_MAX]; /* in case none calls */
	uint32_t function_count;
};

void norm_init(struct norm *n, const struct shell_context *ctx, struct arena *a,
    struct shell_result *ret);
/* The whole text is not understood; what follows only tightens. */
void norm_refuse(struct norm *n, const char *why, size_t at);
/* The same at a limit, which ends the work. */
bool norm_stopped(const struct norm *n);
/* Counts one step of work; false at the limit. */
bool norm_step(struct norm *n);
void *norm_alloc(struct norm *n, size_t count, size_t size);
bool norm_enter(struct norm *n);
void norm_leave(struct norm *n);

/* text.c */
/* The script itself. */
void norm_script(struct norm *n, struct str text, enum shell_dialect dialect);
/* Text that the same shell reads: eval, trap. */
struct flow norm_text_here(struct norm *n, struct str text);
/* Text for another shell: what it changes stays inside. */
void norm_nested(struct norm *n, struct str text, enum shell_dialect dialect,
    const struct positional *args, const struct shell_assign *assigns,
    size_t assign_count);
/* Why a text holds what is not visible, or NULL; *ret_at where. */
const char *text_refused(struct str text, size_t *ret_at);
/* Functions that nothing called, and traps. */
void norm_uncalled(struct norm *n);
void norm_traps(struct norm *n);

/* state.c */
struct var *var_find(struct norm *n, struct str name, bool function);
/* For changing: the old state goes to the trail. NULL: no memory. */
struct var *var_change(struct norm *n, struct str name, bool function);
void var_set(struct norm *n, struct str name, const struct value *v);
void var_guard(struct norm *n, struct str name);
void var_fill(struct norm *n, struct str name, const struct value *v);
void var_maybe(struct norm *n, struct str name, const struct value *likely);
/* A function is perhaps what it is now, and perhaps what other is. */
void function_maybe(struct norm *n, const struct var *other);
bool var_current(const struct norm *n, const struct var *v);
struct mark state_mark(const struct norm *n);
/* Everything since the mark is as it was before. */
void state_undo(struct norm *n, const struct mark *m);
/* Everything that changed since the mark may also not have changed. */
void state_blur(struct norm *n, const struct mark *m);
/* No variable is known any more. */
void state_forget(struct norm *n);
/* What pushd has put away is not known any more. */
void state_lose_stack(struct norm *n);
/* Something here may end the whole line. */
void state_may_abort(struct norm *n);
const struct dirs *dirs_of(struct norm *n, struct str path);
const struct dirs *dirs_unknown(struct norm *n, const struct dirs *likely);
const struct dirs *dirs_union(
    struct norm *n, const struct dirs *a, const struct dirs *b);
/* Joins and normalises lexically: "/a/b" and "../c" give "/a/c"; dir is
 * normal already. Empty when it is too long. */
struct str path_join(struct norm *n, struct str dir, struct str path);
/* Where the path leads from each directory that n is in; below: or to some
 * directory below that. NULL: no memory. */
const struct dirs *dirs_join(struct norm *n, struct str path, bool below);
/* assigned.c: what the body of a loop may set is unknown. Returns whether it
 * may change the directory. */
bool state_forget_assigned(struct norm *n, const struct node *body);

/* value.c */
struct value value_text(struct norm *n, struct str text);
struct value value_unknown(struct norm *n, enum piece_origin origin,
    struct str name, uint32_t part, struct str likely);
struct value value_digits(struct norm *n);
/* All text: in *ret. Empty is text, too. */
bool value_known(struct norm *n, const struct value *v, struct str *ret);
/* As it is likely to read. */
struct str value_likely(struct norm *n, const struct value *v);
struct value value_join(
    struct norm *n, const struct value *a, const struct value *b);
bool value_same(const struct value *a, const struct value *b);
struct shell_word word_of_value(struct norm *n, const struct value *v);
struct value value_of_word(const struct shell_word *w);
struct shell_word word_text(struct norm *n, struct str text);
struct shell_word word_unknown(struct norm *n, struct str likely);
char *norm_text(struct norm *n, size_t len);
/* Only digits, or a name: evaluating it as arithmetic runs nothing. */
bool value_is_number(const struct value *v);

/* expand.c */
struct words {
	struct shell_word *w;
	uint32_t count, cap;
};

void words_add(struct norm *n, struct words *ws, const struct shell_word *w);
void words_reserve(struct norm *n, struct words *ws, uint32_t count);
/* All the words of a list as arguments. */
void expand_words(struct norm *n, const struct word *list, struct words *ret);
/* The words of a command: export and its like do not split assignments. */
void expand_command(struct norm *n, const struct word *list, struct words *ret);
/* As one text: assignments, here-documents, redirections, case. */
struct value expand_value(struct norm *n, const struct word *w, bool tildes);
void expand_operand(struct norm *n, struct builder *b, const struct word *w);
/* Arithmetic: what it assigns is followed; unsafe texts become a part. */
void expand_arith(struct norm *n, const struct word *w);
void expand_arith_segs(struct norm *n, struct builder *b, const struct word *w);
void arith_text_check(struct norm *n, const struct value *v);

/* builder.c: fields under construction */
struct builder {
	struct builder *outer;
	struct words *out; /* NULL: one value, no splitting */
	struct shell_piece *pieces;
	bool *active; /* parallel: the text's * ? [ are patterns */
	uint32_t count, cap;
	unsigned flags;
	bool started; /* the field exists even if it is empty */
	bool may_vanish; /* ...or perhaps not */
};

void builder_text(struct norm *n, struct builder *b, struct str s, bool active);
void builder_piece(
    struct norm *n, struct builder *b, const struct shell_piece *p);
/* An unquoted expansion: split by IFS, patterns active. */
void builder_split(struct norm *n, struct builder *b, const struct value *v);
void builder_value(struct norm *n, struct builder *b, const struct value *v);
/* The field ends here. */
void builder_break(struct norm *n, struct builder *b);
/* No byte of it is certain: it may be nothing at all. */
bool word_all_unknown(const struct shell_word *w);
struct value builder_done_value(struct norm *n, struct builder *b);

/* params.c */
void expand_param(
    struct norm *n, struct builder *b, const struct param *pm, bool quoted);
struct value param_value(struct norm *n, const struct param *pm);
struct value var_value(struct norm *n, struct str name);
/* param_ops.c */
struct value param_operate(
    struct norm *n, const struct param *pm, const struct value *v);
/* Substitutions inside operands run though the result is not known. */
void param_touch(struct norm *n, const struct param *pm);

/* braces.c: a list of words without braces; NULL: cannot be told */
struct word *braces_expand(struct norm *n, const struct word *w);

/* pattern.c: 1 matches, 0 does not; only * ? and literal text */
bool pattern_simple(struct str pattern);
bool pattern_match(struct str pattern, struct str text);

/* walk.c */
struct flow walk(struct norm *n, const struct node *nd);
/* The shell is where it was. */
struct flow flow_same(const struct norm *n);
const struct dirs *flow_any(struct norm *n, const struct flow *f);
/* A body that may or may not run. */
struct flow walk_maybe(struct norm *n, const struct node *body);
/* branches.c */
struct flow walk_if(struct norm *n, const struct node *nd);
struct flow walk_case(struct norm *n, const struct node *nd);
struct flow walk_while(struct norm *n, const struct node *nd);
struct flow walk_for(struct norm *n, const struct node *nd);
struct flow walk_arith_for(struct norm *n, const struct node *nd);
struct frame frame_push(struct norm *n, unsigned context, const char *via);
void frame_pop(struct norm *n, const struct frame *saved);
/* The commands of a substitution; gives what it prints, as far as known. */
struct value walk_subst(struct norm *n, const struct subst *s);

/* parts.c */
/* Adds a part for the command; its index, or SHELL_NO_PART when full. */
uint32_t part_add(struct norm *n, const struct shell_part *p);
struct shell_part *part_at(struct norm *n, uint32_t i);
/* A part of its own that says what could not be understood. */
void part_doubt(struct norm *n, const char *why, const struct shell_word *text);

/* simple.c */
/* May it be that one of them fails, so that nothing is run? */
bool redirs_may_fail(const struct shell_redir *r, size_t count);
void input_of_redirs(struct norm *n, const struct shell_redir *r,
    uint32_t count, struct input *ret);
struct flow walk_simple(struct norm *n, const struct node *nd);
/* A command whose words are known so far: adds the part and what it starts. */
struct flow run_command(struct norm *n, struct shell_part *p);
/* Of a command whose name is not known: to tighten only. */
void guess_command(struct norm *n, const struct shell_part *p);
/* Assignments before a function or builtin: in force while it runs. */
struct saved_vars {
	struct var *vars;
	size_t count;
};
struct saved_vars assigns_apply(
    struct norm *n, const struct shell_assign *a, size_t count);
void assigns_restore(struct norm *n, const struct saved_vars *s);
/* Nothing about the shell is certain any more. */
void unknown_command_state(struct norm *n);
struct shell_redir *redirs_expand(struct norm *n, const struct redir *list,
    bool compound, uint32_t *ret_count);
void assign_value(
    struct norm *n, struct str name, bool append, const struct value *v);
struct shell_assign assign_part(
    struct norm *n, struct str name, bool append, const struct value *v);
/* NAME=VALUE as an argument (env, export, declare): false if it is none. */
bool assign_split(const struct shell_word *w, struct str *ret_name,
    bool *ret_append, struct shell_word *ret_value, struct norm *n);

/* builtins.c: true when the command is a builtin that changes the shell */
typedef void builtin_fn(struct norm *n, uint32_t part, struct flow *f);
bool builtin_run(struct norm *n, uint32_t part, struct flow *f);
void builtin_cd(struct norm *n, uint32_t part, struct flow *f);
void builtin_pushd(struct norm *n, uint32_t part, struct flow *f);
void builtin_popd(struct norm *n, uint32_t part, struct flow *f);
void builtin_declare(struct norm *n, uint32_t part, struct flow *f);
void builtin_unset(struct norm *n, uint32_t part, struct flow *f);
void builtin_read(struct norm *n, uint32_t part, struct flow *f);
void builtin_mapfile(struct norm *n, uint32_t part, struct flow *f);
void builtin_printf(struct norm *n, uint32_t part, struct flow *f);
void builtin_getopts(struct norm *n, uint32_t part, struct flow *f);
void builtin_wait(struct norm *n, uint32_t part, struct flow *f);
void builtin_let(struct norm *n, uint32_t part, struct flow *f);
bool name_plain(struct str name);
/* printf's output for known words. False: cannot be told. */
bool printf_text(
    struct norm *n, const struct shell_word *w, size_t count, struct str *ret);
void arith_assigns(struct norm *n, const struct value *v);
/* The words from `from` on, joined by blanks; false when not all are known
 * (then as they are likely to read). */
bool words_join(
    struct norm *n, const struct shell_word *w, size_t count, struct str *ret);

/* wrappers.c: true when it is a wrapper (its commands have been added) */
bool wrapper_run(struct norm *n, uint32_t part);
/* The part cannot be judged. */
void part_refuse(struct norm *n, uint32_t part, const char *why);

/* output.c: what a part writes, when that can be computed */
/* What the parts [from, to) write together. */
bool output_known(struct norm *n, uint32_t from, uint32_t to, struct str *ret);
bool output_likely(struct norm *n, uint32_t from, uint32_t to, struct str *ret);
bool part_all_known(const struct shell_part *p);
/* Some of its output goes elsewhere. */
bool output_moved(const struct shell_part *p);
/* The one part whose output is that of all; or SHELL_NO_PART. */
uint32_t last_writer(struct norm *n, uint32_t from, uint32_t to);
/* shape.c: not known, but perhaps numbers, or paths below a folder. */
struct value output_shape(struct norm *n, uint32_t from, uint32_t to);

#endif
