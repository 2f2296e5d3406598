#ifndef RULES_SHELL_PARSER_H
#define RULES_SHELL_PARSER_H
/*
 * Text to tree, by hand, refusing whatever is not certain.
 *
 *     struct parser p;
 *     parser_init(&p, script, SHELL_BASH, arena);
 *     while (parse_next(&p, &node)) ...one complete line at a time
 *     if (p.refused != NULL) ...
 *
 * Private to rules/shell. Every function that returns bool returns false
 * after a refusal (then p->refused says why) or for lack of memory.
 */
#include "base/mem.h"
#include "shell/ast.h"

#define SHELL_DEPTH_MAX 24
#define SHELL_COMMANDS_MAX 2048
#define SHELL_WORDS_MAX 4096 /* of one command */
#define SHELL_HEREDOCS_MAX 16 /* waiting for their body */
#define SHELL_FD_MAX 9999

enum token_kind {
	TOK_END,
	TOK_NEWLINE,
	TOK_WORD,
	TOK_NUMBER, /* digits right before < or > */
	TOK_SEMI, /* ; */
	TOK_AMP, /* & */
	TOK_AND, /* && */
	TOK_OR, /* || */
	TOK_PIPE, /* | */
	TOK_PIPE_AMP, /* |& */
	TOK_OPEN, /* ( */
	TOK_CLOSE, /* ) */
	TOK_DSEMI, /* ;; */
	TOK_SEMI_AMP, /* ;& */
	TOK_DSEMI_AMP, /* ;;& */
	TOK_LESS, /* < */
	TOK_GREAT, /* > */
	TOK_DLESS, /* << */
	TOK_DLESS_DASH, /* <<- */
	TOK_TLESS, /* <<< */
	TOK_DGREAT, /* >> */
	TOK_LESS_AMP, /* <& */
	TOK_GREAT_AMP, /* >& */
	TOK_LESS_GREAT, /* <> */
	TOK_CLOBBER, /* >| */
	TOK_AMP_GREAT, /* &> */
	TOK_AMP_DGREAT, /* &>> */
};

struct token {
	enum token_kind kind;
	uint32_t start, end;
	struct word *word; /* TOK_WORD */
	bool reserved; /* may be a reserved word: see lex_is */
	int number; /* TOK_NUMBER */
};

struct parser {
	struct arena *arena;
	struct str text;
	uint32_t at;
	/* Where text[0] is in the outermost script. A copy (back-quotes) has
	 * no offsets of its own: every place in it is base. */
	uint32_t base;
	bool copy;
	enum shell_dialect dialect;
	struct token tok;
	bool have_tok;
	bool assign_ok; /* a word read now may be an assignment */
	unsigned depth, commands;
	bool in_subst;
	struct redir *pending, **pending_tail;
	unsigned pending_count, pending_outer;
	const char *refused;
	uint32_t refused_at; /* in the outermost script */
	bool no_memory;
};

/* How a run of characters is read. */
enum seg_mode {
	MODE_WORD, /* to the next blank or operator */
	MODE_DQUOTE, /* to the closing " */
	MODE_HEREDOC, /* to the end of the text */
	MODE_OPERAND, /* of an unquoted ${ }: to the closing } */
	MODE_OPERAND_QUOTED, /* of a ${ } between double quotes */
	MODE_INDEX, /* to the closing ] */
	MODE_REGEX, /* behind =~ : to the next blank */
	MODE_ARITH, /* to )) */
	MODE_ARITH_PART, /* to ; or )) : for (( )) */
	MODE_SLICE, /* arithmetic, to : or } */
};

struct seg_list {
	struct seg *first, **tail;
	enum seg_mode mode;
	bool pattern; /* an operand that is a pattern */
	bool stop_slash; /* an operand that also ends at '/' */
};

void parser_init(struct parser *p, struct str text, enum shell_dialect dialect,
    struct arena *a);
/* The next complete command line; false at the end and after a refusal. */
bool parse_next(struct parser *p, struct node **ret);

/* Always false. The first reason is kept. */
bool parser_refuse(struct parser *p, uint32_t at, const char *why);
void *parser_alloc(struct parser *p, size_t size);
bool parser_enter(struct parser *p);
void parser_leave(struct parser *p);
static inline int
parser_char(const struct parser *p, uint32_t at)
{
	return at < p->text.len ? (unsigned char)p->text.s[at] : -1;
}
static inline struct str
parser_slice(const struct parser *p, uint32_t from, uint32_t to)
{
	return (struct str){ .s = p->text.s + from, .len = to - from };
}
/* Where a place in p->text is in the outermost script. */
uint32_t parser_place(const struct parser *p, uint32_t at);

/* lexer.c */
bool lex_peek(struct parser *p);
void lex_take(struct parser *p);
/* The token is this unquoted word. */
bool lex_is(const struct parser *p, const char *reserved);
/* Skips blanks, continuations and a comment. */
void lex_skip_blanks(struct parser *p);
bool lex_name_start(int c);
bool lex_name_char(int c);

/* word.c */
bool word_lex(struct parser *p, struct word **ret);
bool word_regex(struct parser *p, struct word **ret);
struct word *word_new(struct parser *p, uint32_t at);
bool segs_lex(struct parser *p, struct word *w, struct seg_list *l);
struct seg *seg_add(
    struct parser *p, struct seg_list *l, enum seg_kind kind, struct str text);
/* True when the word is exactly this text, unquoted. */
bool word_is_bare(const struct word *w, const char *text);
/* One literal unquoted text, nothing else. */
bool word_bare(const struct word *w, struct str *ret);
/* All literal (quoted or not): joined text in *ret. */
bool word_literal(struct parser *p, const struct word *w, struct str *ret);

/* expansion.c: p->at stands on the '$', '`', '<' or '>' */
bool dollar_lex(struct parser *p, struct word *w, struct seg_list *l);
bool backquote_lex(struct parser *p, struct word *w, struct seg_list *l);
bool process_lex(struct parser *p, struct word *w, struct seg_list *l);
/* Arithmetic from p->at in the given mode; p->at ends on the terminator. */
bool arith_lex(struct parser *p, enum seg_mode mode, struct word **ret);

/* param.c: p->at stands behind "${" */
bool param_lex(struct parser *p, struct word *w, struct seg_list *l);
bool index_lex(struct parser *p, struct word **ret);

/* heredoc.c */
bool heredoc_expect(struct parser *p, struct redir *r);
bool heredoc_bodies(struct parser *p);

/* parse.c */
bool parse_list(struct parser *p, struct node **ret);
bool parse_command(struct parser *p, struct node **ret);
bool parse_redirs(struct parser *p, struct redir ***tail);
bool parse_newlines(struct parser *p);
/* The token is a reserved word that ends or divides something. */
bool parse_closes(const struct parser *p);
bool parse_expect(struct parser *p, const char *reserved);
struct node *node_new(struct parser *p, enum node_kind kind);
/* The list up to ')' of a substitution or subshell. */
bool parse_body(struct parser *p, struct node **ret);

/* compound.c */
bool compound_starts(const struct parser *p);
bool parse_compound(struct parser *p, struct node **ret);
bool parse_function_body(
    struct parser *p, struct str name, uint32_t start, struct node **ret);

/* cond.c */
bool parse_cond(struct parser *p, struct node *n);

#endif
