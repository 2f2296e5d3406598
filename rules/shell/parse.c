/*
 * Lists, pipelines, simple commands and redirections.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/parser.h"

#include <assert.h>
#include <string.h>

void
parser_init(struct parser *p, struct str text, enum shell_dialect dialect,
    struct arena *a)
{
	*p = (struct parser){
		.arena = a,
		.text = text,
		.dialect = dialect,
		.assign_ok = true,
	};
	p->pending_tail = &p->pending;
}

uint32_t
parser_place(const struct parser *p, uint32_t at)
{
	return p->copy ? p->base : p->base + at;
}

bool
parser_refuse(struct parser *p, uint32_t at, const char *why)
{
	if (p->refused == NULL) {
		p->refused = why == NULL ? "memory is short" : why;
		p->refused_at = parser_place(p, at);
	}
	return false;
}

void *
parser_alloc(struct parser *p, size_t size)
{
	void *const m = arena_alloc(p->arena, size);

	if (m == NULL) {
		p->no_memory = true;
		(void)parser_refuse(p, p->at, "memory is short");
	}
	return m;
}

bool
parser_enter(struct parser *p)
{
	if (++p->depth > SHELL_DEPTH_MAX)
		return parser_refuse(p, p->at, "nested too deeply");
	return true;
}

void
parser_leave(struct parser *p)
{
	p->depth--;
}

struct node *
node_new(struct parser *p, enum node_kind kind)
{
	struct node *const n = parser_alloc(p, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->kind = kind;
	n->start = parser_place(p, p->have_tok ? p->tok.start : p->at);
	n->end = n->start;
	return n;
}

/* ---- redirections ------------------------------------------------------ */

static bool
parse_is_redir(const struct parser *p)
{
	return p->tok.kind == TOK_NUMBER || p->tok.kind >= TOK_LESS;
}

/* N>&M, N>&-, N>&M-: a number or a dash; else >&FILE. */
static bool
redir_dup(struct parser *p, struct redir *r, bool has_fd, bool output)
{
	struct str t;

	if (word_bare(r->target, &t)) {
		struct str digits = t;

		if (digits.len > 0 && digits.s[digits.len - 1] == '-')
			digits = str_head(digits, digits.len - 1);
		if (str_eqz(t, "-") || str_is_digits(digits)) {
			r->op = REDIR_DUP;
			return true;
		}
	} else {
		/* A quoted or dynamic word may turn out to be a number. */
		return parser_refuse(
		    p, p->at, "a descriptor that is not a plain number");
	}
	if (!output || has_fd || p->dialect == SHELL_POSIX)
		return parser_refuse(
		    p, p->at, "a descriptor that is not a plain number");
	r->op = REDIR_BOTH;
	return true;
}

static bool
redir_op_set(struct parser *p, struct redir *r, enum token_kind op, bool has_fd)
{
	static const enum redir_op ops[] = {
		[TOK_LESS] = REDIR_READ,
		[TOK_GREAT] = REDIR_WRITE,
		[TOK_CLOBBER] = REDIR_WRITE,
		[TOK_DGREAT] = REDIR_APPEND,
		[TOK_LESS_GREAT] = REDIR_READ_WRITE,
		[TOK_AMP_GREAT] = REDIR_BOTH,
		[TOK_AMP_DGREAT] = REDIR_BOTH_APPEND,
		[TOK_TLESS] = REDIR_TEXT,
		[TOK_DLESS] = REDIR_TEXT,
		[TOK_DLESS_DASH] = REDIR_TEXT,
	};

	if (op == TOK_LESS_AMP || op == TOK_GREAT_AMP)
		return redir_dup(p, r, has_fd, op == TOK_GREAT_AMP);
	assert((size_t)op < ARRAY_LEN(ops) && ops[op] != REDIR_INVALID);
	r->op = ops[op];
	if (has_fd && (r->op == REDIR_BOTH || r->op == REDIR_BOTH_APPEND))
		return parser_refuse(p, p->at, "a number before '&>'");
	r->heredoc = op == TOK_DLESS || op == TOK_DLESS_DASH;
	r->strip_tabs = op == TOK_DLESS_DASH;
	return !r->heredoc || heredoc_expect(p, r);
}

static bool
parse_redir(struct parser *p, struct redir **ret)
{
	struct redir *const r = parser_alloc(p, sizeof(*r));
	const bool has_fd = p->tok.kind == TOK_NUMBER;
	enum token_kind op;
	bool input;

	if (r == NULL)
		return false;
	r->start = parser_place(p, p->tok.start);
	if (has_fd) {
		r->fd = p->tok.number;
		lex_take(p);
		if (!lex_peek(p))
			return false;
	}
	op = p->tok.kind;
	lex_take(p);
	p->assign_ok = false;
	if (!lex_peek(p))
		return false;
	if (p->tok.kind != TOK_WORD)
		return parser_refuse(
		    p, p->tok.start, "a redirection without a target");
	if (p->tok.word->assign != NULL && p->tok.word->assign->list)
		return parser_refuse(
		    p, p->tok.start, "an array as a redirection's target");
	r->target = p->tok.word;
	lex_take(p);
	input = op == TOK_LESS || op == TOK_DLESS || op == TOK_DLESS_DASH ||
	    op == TOK_TLESS || op == TOK_LESS_AMP || op == TOK_LESS_GREAT;
	if (!has_fd)
		r->fd = input ? 0 : 1;
	if (!redir_op_set(p, r, op, has_fd))
		return false;
	*ret = r;
	return true;
}

/* Redirections behind a compound command. */
bool
parse_redirs(struct parser *p, struct redir ***tail)
{
	for (;;) {
		struct redir *r = NULL;

		if (!lex_peek(p))
			return false;
		if (!parse_is_redir(p))
			return true;
		if (!parse_redir(p, &r))
			return false;
		**tail = r;
		*tail = &r->next;
	}
}

/* ---- simple commands --------------------------------------------------- */

/* Only these take NAME=( ) as an argument. */
static bool
takes_arrays(const struct node *n)
{
	static const char *const names[] = {
		"declare",
		"typeset",
		"local",
		"export",
		"readonly",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (n->words != NULL && word_is_bare(n->words, names[i]))
			return true;
	}
	return false;
}

struct simple_tails {
	struct assign **assigns;
	struct word **words;
	struct redir **redirs;
};

static bool
simple_word(struct parser *p, struct node *n, struct simple_tails *t)
{
	struct word *const w = p->tok.word;

	if (n->words == NULL && w->assign != NULL) {
		*t->assigns = w->assign;
		t->assigns = &w->assign->next;
		lex_take(p);
		return true;
	}
	if (w->assign != NULL && w->assign->list && !takes_arrays(n))
		return parser_refuse(
		    p, p->tok.start, "an array that is no assignment");
	if (++n->word_count > SHELL_WORDS_MAX)
		return parser_refuse(
		    p, p->tok.start, "too many words in one command");
	*t->words = w;
	t->words = &w->next;
	lex_take(p);
	return true;
}

/* NAME() when n is one plain word so far. */
static bool
simple_function(struct parser *p, const struct node *n, struct node **ret)
{
	struct str name;

	if (n->word_count != 1 || n->assigns != NULL || n->redirs != NULL ||
	    !word_bare(n->words, &name) || n->words->continued)
		return parser_refuse(
		    p, p->tok.start, "an unexpected parenthesis");
	lex_take(p);
	if (!lex_peek(p))
		return false;
	if (p->tok.kind != TOK_CLOSE)
		return parser_refuse(
		    p, p->tok.start, "an unexpected parenthesis");
	lex_take(p);
	return parse_function_body(p, name, n->start, ret);
}

static bool
parse_simple(struct parser *p, struct node **ret)
{
	struct node *const n = node_new(p, NODE_SIMPLE);
	struct simple_tails t;

	if (n == NULL)
		return false;
	t.assigns = &n->assigns;
	t.words = &n->words;
	t.redirs = &n->redirs;
	for (;;) {
		p->assign_ok = n->words == NULL;
		if (!lex_peek(p))
			return false;
		if (p->tok.kind == TOK_WORD) {
			if (!simple_word(p, n, &t))
				return false;
		} else if (parse_is_redir(p)) {
			struct redir *r = NULL;

			if (!parse_redir(p, &r))
				return false;
			*t.redirs = r;
			t.redirs = &r->next;
		} else if (p->tok.kind == TOK_OPEN) {
			return simple_function(p, n, ret);
		} else {
			break;
		}
		n->end = parser_place(p, p->at);
	}
	if (n->words == NULL && n->assigns == NULL && n->redirs == NULL)
		return parser_refuse(
		    p, p->tok.start, "a command is missing here");
	*ret = n;
	return true;
}

bool
parse_closes(const struct parser *p)
{
	static const char *const closers[] = {
		"then",
		"else",
		"elif",
		"fi",
		"do",
		"done",
		"esac",
		"}",
		"]]",
	};

	for (size_t i = 0; i < ARRAY_LEN(closers); i++) {
		if (lex_is(p, closers[i]))
			return true;
	}
	return false;
}

bool
parse_command(struct parser *p, struct node **ret)
{
	if (++p->commands > SHELL_COMMANDS_MAX)
		return parser_refuse(p, p->at, "too many commands");
	if (!lex_peek(p))
		return false;
	if (p->tok.kind == TOK_OPEN || compound_starts(p)) {
		if (p->tok.kind == TOK_WORD && p->tok.word->continued)
			return parser_refuse(p, p->tok.start,
			    "a line continuation at a reserved word");
		if (!parser_enter(p) || !parse_compound(p, ret))
			return false;
		parser_leave(p);
		return true;
	}
	if (parse_closes(p) || lex_is(p, "!") || lex_is(p, "in"))
		return parser_refuse(
		    p, p->tok.start, "a reserved word in the wrong place");
	return parse_simple(p, ret);
}

/* ---- pipelines and lists ----------------------------------------------- */

bool
parse_newlines(struct parser *p)
{
	for (;;) {
		if (!lex_peek(p))
			return false;
		if (p->tok.kind != TOK_NEWLINE)
			return true;
		lex_take(p);
	}
}

bool
parse_expect(struct parser *p, const char *reserved)
{
	if (!lex_peek(p))
		return false;
	if (!lex_is(p, reserved) || p->tok.word->continued)
		return parser_refuse(
		    p, p->tok.start, "a reserved word is missing");
	lex_take(p);
	return true;
}

/* Items joined by | and |& ; one item alone is returned as it is. */
static bool
parse_pipe(struct parser *p, struct node **ret)
{
	struct node *list = NULL, **tail = NULL;
	struct node *item = NULL;

	if (!parse_command(p, &item))
		return false;
	for (;;) {
		if (!lex_peek(p))
			return false;
		if (p->tok.kind != TOK_PIPE && p->tok.kind != TOK_PIPE_AMP)
			break;
		if (list == NULL) {
			list = node_new(p, NODE_PIPE);
			if (list == NULL)
				return false;
			list->start = item->start;
			list->a = item;
		}
		item->after =
		    p->tok.kind == TOK_PIPE ? CONNECT_PIPE : CONNECT_PIPE_BOTH;
		tail = &item->next;
		lex_take(p);
		if (!parse_newlines(p) || !parse_command(p, &item))
			return false;
		*tail = item;
	}
	if (list != NULL)
		list->end = item->end;
	*ret = list != NULL ? list : item;
	return true;
}

/* "time -p", "!" in any number, then a pipe. */
static bool
parse_pipeline(struct parser *p, struct node **ret)
{
	struct node *outer = NULL, **slot = &outer;
	struct node *inner = NULL;

	for (unsigned marks = 0;; marks++) {
		struct node *n;

		if (!lex_peek(p))
			return false;
		const bool bang = lex_is(p, "!");

		if (!bang && !lex_is(p, "time"))
			break;
		if (p->tok.word->continued || marks > SHELL_DEPTH_MAX ||
		    (!bang && p->dialect == SHELL_POSIX))
			return parser_refuse(
			    p, p->tok.start, "an unusual '!' or 'time'");
		n = node_new(p, bang ? NODE_NOT : NODE_TIME);
		if (n == NULL)
			return false;
		lex_take(p);
		if (!bang && lex_peek(p) && lex_is(p, "-p"))
			lex_take(p);
		*slot = n;
		slot = &n->a;
	}
	if (outer != NULL && p->tok.kind != TOK_WORD &&
	    p->tok.kind != TOK_OPEN && !parse_is_redir(p))
		return parser_refuse(
		    p, p->tok.start, "'!' or 'time' without a command");
	if (!parse_pipe(p, &inner))
		return false;
	/* bash takes that in some places and refuses it in others. */
	if (outer != NULL &&
	    (inner->kind == NODE_FUNCTION ||
		(p->in_subst && inner->kind != NODE_SIMPLE)))
		return parser_refuse(
		    p, p->at, "an unusual command behind '!' or 'time'");
	*slot = inner;
	*ret = outer;
	return true;
}

static bool
parse_andor(struct parser *p, struct node **ret)
{
	struct node *list = NULL, **tail = NULL;
	struct node *item = NULL;

	if (!parse_pipeline(p, &item))
		return false;
	for (;;) {
		if (!lex_peek(p))
			return false;
		if (p->tok.kind != TOK_AND && p->tok.kind != TOK_OR)
			break;
		if (list == NULL) {
			list = node_new(p, NODE_ANDOR);
			if (list == NULL)
				return false;
			list->start = item->start;
			list->a = item;
		}
		item->after = p->tok.kind == TOK_AND ? CONNECT_AND : CONNECT_OR;
		tail = &item->next;
		lex_take(p);
		if (!parse_newlines(p) || !parse_pipeline(p, &item))
			return false;
		*tail = item;
	}
	if (list != NULL)
		list->end = item->end;
	*ret = list != NULL ? list : item;
	return true;
}

/* True at what ends a list inside something else. */
static bool
at_list_end(const struct parser *p)
{
	return p->tok.kind == TOK_END || p->tok.kind == TOK_CLOSE ||
	    p->tok.kind == TOK_DSEMI || p->tok.kind == TOK_SEMI_AMP ||
	    p->tok.kind == TOK_DSEMI_AMP || parse_closes(p);
}

/*
 * Reads items to the end of the list (or of the line). An item that an '&'
 * ends stays one item. *ret gets what was complete also after a refusal.
 */
static bool
parse_items(struct parser *p, bool one_line, struct node **ret)
{
	struct node *list = node_new(p, NODE_LIST);
	struct node **tail;

	if (list == NULL)
		return false;
	tail = &list->a;
	for (;;) {
		struct node *item = NULL;

		if (!one_line && !parse_newlines(p))
			return false;
		if (!lex_peek(p))
			return false;
		if (at_list_end(p) || p->tok.kind == TOK_NEWLINE)
			break;
		if (!parse_andor(p, &item))
			return false;
		*tail = item;
		tail = &item->next;
		list->end = item->end;
		*ret = list;
		if (p->tok.kind == TOK_AMP)
			item->after = CONNECT_BACKGROUND;
		else if (p->tok.kind == TOK_SEMI ||
		    (p->tok.kind == TOK_NEWLINE && !one_line))
			item->after = CONNECT_SEQ;
		else
			break;
		lex_take(p);
	}
	return true;
}

bool
parse_list(struct parser *p, struct node **ret)
{
	*ret = NULL;
	return parse_items(p, false, ret);
}

bool
parse_body(struct parser *p, struct node **ret)
{
	if (!parse_list(p, ret))
		return false;
	if (p->tok.kind != TOK_CLOSE && p->tok.kind != TOK_END)
		return parser_refuse(
		    p, p->tok.start, "something unexpected in a list");
	return true;
}

bool
parse_next(struct parser *p, struct node **ret)
{
	*ret = NULL;
	if (!parse_newlines(p) || p->tok.kind == TOK_END)
		return false;
	if (!parse_items(p, true, ret))
		return false;
	if (p->tok.kind == TOK_NEWLINE)
		lex_take(p);
	else if (p->tok.kind != TOK_END)
		return parser_refuse(
		    p, p->tok.start, "something unexpected behind a command");
	else if (p->pending_count > 0)
		return parser_refuse(
		    p, p->at, "a here-document that does not end");
	return true;
}
