#ifndef RULES_SHELL_AST_H
#define RULES_SHELL_AST_H
/*
 * The tree of one script. Everything lives in the arena; lists are linked by
 * next, in the order of the text. Texts are slices of the script where no
 * character had to be removed.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "shell/shell.h"

struct word;
struct node;

enum seg_kind {
	SEG_TEXT, /* literal; not quoted: globs and braces are active in it */
	SEG_PARAM, /* $x ${x...} */
	SEG_SUBST, /* $( ) ` ` <( ) >( ) */
	SEG_ARITH, /* $(( )) */
};

struct seg {
	struct seg *next;
	enum seg_kind kind;
	bool quoted; /* splitting and globbing are off */
	struct str text; /* SEG_TEXT: the text; others: as written */
	union {
		struct param *param;
		struct subst *subst;
		struct word *arith;
	} u;
};

/* A sequence of segments; the text of a here-document is one, too. */
struct word {
	struct word *next;
	struct seg *segs;
	bool quoted; /* has quotes or backslashes: no reserved word */
	bool quoted_null; /* has '' or "": is an argument even when empty */
	bool braces; /* an unquoted '{' */
	bool globs; /* an unquoted * ? [ */
	bool tilde; /* an unquoted ~ */
	bool continued; /* a backslash-newline was removed from it */
	bool arith; /* in [[ ]]: evaluated, or the name of a variable */
	struct assign *assign; /* set when it has the form of one */
	uint32_t start, end;
};

enum param_op {
	PARAM_PLAIN,
	PARAM_LENGTH, /* ${#x} */
	PARAM_INDIRECT, /* ${!x} */
	PARAM_NAMES, /* ${!x@} ${!x*} ${!x[@]} */
	PARAM_DEFAULT, /* - */
	PARAM_ASSIGN, /* = */
	PARAM_ERROR, /* ? */
	PARAM_ALTERNATE, /* + */
	PARAM_REMOVE_PREFIX, /* # */
	PARAM_REMOVE_SUFFIX, /* % */
	PARAM_REPLACE, /* / */
	PARAM_UPPER, /* ^ */
	PARAM_LOWER, /* , */
	PARAM_SLICE, /* : */
	PARAM_TRANSFORM, /* @ */
};

struct param {
	struct str name; /* also "1", "@", "?" ... */
	enum param_op op;
	bool colon; /* :- := :? :+ */
	bool doubled; /* ## %% // ^^ ,, */
	char anchor; /* REPLACE: '#', '%' or 0; TRANSFORM: the letter */
	bool indexed;
	struct word *index; /* of [ ]; with indexed */
	struct word *arg, *arg2; /* operand; REPLACE: by what; SLICE: length */
};

enum subst_kind {
	SUBST_OUTPUT, /* $( ) and ` ` */
	SUBST_READ, /* <( ) */
	SUBST_WRITE, /* >( ) */
};

struct subst {
	enum subst_kind kind;
	struct node *body; /* NULL: empty */
};

struct assign {
	struct assign *next;
	struct str name;
	bool append;
	struct word *index; /* or NULL */
	bool list;
	struct word *value; /* list: its elements, linked */
};

struct redir {
	struct redir *next;
	struct redir *next_pending; /* here-documents whose body is to come */
	enum redir_op op;
	int fd; /* as written or by default */
	bool heredoc, strip_tabs;
	struct str delimiter;
	struct word *target; /* the body, for a here-document */
	uint32_t start;
};

enum node_kind {
	NODE_LIST, /* items joined by SEQ and BACKGROUND */
	NODE_ANDOR, /* items joined by AND and OR */
	NODE_PIPE, /* items joined by PIPE and PIPE_BOTH */
	NODE_NOT,
	NODE_TIME,
	NODE_SIMPLE,
	NODE_SUBSHELL,
	NODE_GROUP,
	NODE_IF, /* a: condition, b: then, c: else or NULL */
	NODE_WHILE, /* a: condition, b: body */
	NODE_UNTIL,
	NODE_FOR, /* name, words, b: body */
	NODE_SELECT,
	NODE_ARITH_FOR, /* words: three expressions; b: body */
	NODE_CASE, /* words: the subject; items */
	NODE_FUNCTION, /* name, b: body */
	NODE_COND, /* [[ ]]: words are all operands */
	NODE_ARITH, /* (( )): words: one */
	NODE_COPROC, /* a */
};

struct case_item {
	struct case_item *next;
	struct word *patterns;
	struct node *body; /* or NULL */
};

struct node {
	struct node *next;
	enum node_kind kind;
	enum connector after; /* what joins it with the next of its list */
	uint32_t start, end;
	struct node *a, *b, *c;
	struct assign *assigns; /* SIMPLE */
	struct word *words;
	uint32_t word_count;
	struct redir *redirs;
	struct str name;
	bool has_in; /* FOR, SELECT: "in words" was there */
	struct case_item *items;
};

#endif
