/*
 * Compound commands: groups, loops, branches, functions.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/parser.h"

#include <string.h>

static bool
refuse_here(struct parser *p, const char *why)
{
	return parser_refuse(p, p->have_tok ? p->tok.start : p->at, why);
}

/* A list that must hold a command. */
static bool
parse_full_list(struct parser *p, struct node **ret)
{
	return parse_list(p, ret) &&
	    (*ret != NULL || refuse_here(p, "a command is missing here"));
}

static bool
parse_group(struct parser *p, struct node *n)
{
	n->kind = NODE_GROUP;
	return parse_full_list(p, &n->b) && parse_expect(p, "}");
}

static bool
parse_subshell(struct parser *p, struct node *n)
{
	n->kind = NODE_SUBSHELL;
	if (!parse_full_list(p, &n->b))
		return false;
	if (p->tok.kind != TOK_CLOSE)
		return refuse_here(p, "a subshell that is not closed");
	lex_take(p);
	return true;
}

/* Behind "((": p->at stands on the expression. */
static bool
parse_arith(struct parser *p, struct node *n)
{
	n->kind = NODE_ARITH;
	if (p->dialect == SHELL_POSIX)
		return refuse_here(p, "arithmetic in (( )) in sh");
	if (!arith_lex(p, MODE_ARITH, &n->words))
		return false;
	p->at += 2;
	return true;
}

static bool
parse_if(struct parser *p, struct node *n)
{
	n->kind = NODE_IF;
	if (!parse_full_list(p, &n->a) || !parse_expect(p, "then") ||
	    !parse_full_list(p, &n->b))
		return false;
	if (lex_is(p, "elif")) {
		struct node *inner;

		if (p->tok.word->continued || !parser_enter(p))
			return refuse_here(p, "an unusual 'elif'");
		inner = node_new(p, NODE_IF);
		if (inner == NULL)
			return false;
		lex_take(p);
		n->c = inner;
		/* The inner one takes the "fi". */
		if (!parse_if(p, inner))
			return false;
		parser_leave(p);
		return true;
	}
	if (lex_is(p, "else")) {
		if (!parse_expect(p, "else") || !parse_full_list(p, &n->c))
			return false;
	}
	return parse_expect(p, "fi");
}

static bool
parse_while(struct parser *p, struct node *n, enum node_kind kind)
{
	n->kind = kind;
	return parse_full_list(p, &n->a) && parse_expect(p, "do") &&
	    parse_full_list(p, &n->b) && parse_expect(p, "done");
}

/* "do list done" or "{ list }", after optional newlines. */
static bool
parse_loop_body(struct parser *p, struct node *n)
{
	if (!parse_newlines(p))
		return false;
	if (lex_is(p, "{") && p->dialect == SHELL_BASH) {
		return parse_expect(p, "{") && parse_full_list(p, &n->b) &&
		    parse_expect(p, "}");
	}
	return parse_expect(p, "do") && parse_full_list(p, &n->b) &&
	    parse_expect(p, "done");
}

static bool
parse_words_to_line_end(struct parser *p, struct node *n)
{
	struct word **tail = &n->words;

	for (;;) {
		p->assign_ok = false;
		if (!lex_peek(p))
			return false;
		if (p->tok.kind != TOK_WORD)
			break;
		if (p->tok.word->assign != NULL && p->tok.word->assign->list)
			return refuse_here(p, "an array in a list of words");
		if (++n->word_count > SHELL_WORDS_MAX)
			return refuse_here(p, "too many words in a list");
		*tail = p->tok.word;
		tail = &p->tok.word->next;
		lex_take(p);
	}
	if (p->tok.kind != TOK_SEMI && p->tok.kind != TOK_NEWLINE)
		return refuse_here(p, "a list of words that does not end");
	lex_take(p);
	return true;
}

/* for (( a; b; c )): p->at stands behind "((". */
static bool
parse_arith_for(struct parser *p, struct node *n)
{
	struct word **tail = &n->words;

	n->kind = NODE_ARITH_FOR;
	for (int i = 0; i < 3; i++) {
		if (!arith_lex(p, MODE_ARITH_PART, tail))
			return false;
		tail = &(*tail)->next;
		if (i < 2 && parser_char(p, p->at) != ';')
			return refuse_here(p, "an unusual 'for (( ))'");
		p->at += i < 2 ? 1U : 0U;
	}
	if (parser_char(p, p->at) != ')')
		return refuse_here(p, "an unusual 'for (( ))'");
	p->at += 2;
	if (!lex_peek(p))
		return false;
	if (p->tok.kind == TOK_SEMI)
		lex_take(p);
	return parse_loop_body(p, n);
}

static bool
parse_for(struct parser *p, struct node *n, enum node_kind kind)
{
	n->kind = kind;
	lex_skip_blanks(p);
	if (kind == NODE_FOR && parser_char(p, p->at) == '(' &&
	    parser_char(p, p->at + 1) == '(' && p->dialect != SHELL_POSIX) {
		p->at += 2;
		return parse_arith_for(p, n);
	}
	p->assign_ok = false;
	if (!lex_peek(p))
		return false;
	if (p->tok.kind != TOK_WORD || !word_bare(p->tok.word, &n->name) ||
	    p->tok.word->continued ||
	    !lex_name_start((unsigned char)n->name.s[0]))
		return refuse_here(p, "a loop over an unusual name");
	for (size_t i = 0; i < n->name.len; i++) {
		if (!lex_name_char((unsigned char)n->name.s[i]))
			return refuse_here(p, "a loop over an unusual name");
	}
	lex_take(p);
	if (!parse_newlines(p))
		return false;
	if (lex_is(p, "in")) {
		n->has_in = true;
		if (!parse_expect(p, "in") || !parse_words_to_line_end(p, n))
			return false;
	} else if (p->tok.kind == TOK_SEMI) {
		lex_take(p);
	}
	return parse_loop_body(p, n);
}

/* ---- case -------------------------------------------------------------- */

static bool
parse_patterns(struct parser *p, struct case_item *it)
{
	struct word **tail = &it->patterns;

	for (;;) {
		p->assign_ok = false;
		if (!lex_peek(p))
			return false;
		if (p->tok.kind != TOK_WORD)
			return refuse_here(p, "a pattern is missing");
		if (p->tok.word->assign != NULL && p->tok.word->assign->list)
			return refuse_here(p, "an array as a pattern");
		*tail = p->tok.word;
		tail = &p->tok.word->next;
		lex_take(p);
		if (!lex_peek(p))
			return false;
		if (p->tok.kind == TOK_CLOSE)
			break;
		if (p->tok.kind != TOK_PIPE)
			return refuse_here(p, "a pattern that does not end");
		lex_take(p);
	}
	lex_take(p);
	return true;
}

static bool
parse_case_item(struct parser *p, struct case_item **ret, bool *ret_last)
{
	struct case_item *const it = parser_alloc(p, sizeof(*it));

	if (it == NULL)
		return false;
	if (p->tok.kind == TOK_OPEN)
		lex_take(p);
	if (!parse_patterns(p, it) || !parse_list(p, &it->body))
		return false;
	*ret_last = true;
	if (p->tok.kind == TOK_DSEMI || p->tok.kind == TOK_SEMI_AMP ||
	    p->tok.kind == TOK_DSEMI_AMP) {
		*ret_last = false;
		lex_take(p);
	}
	*ret = it;
	return true;
}

static bool
parse_case(struct parser *p, struct node *n)
{
	struct case_item **tail = &n->items;
	bool last = false;

	n->kind = NODE_CASE;
	p->assign_ok = false;
	if (!lex_peek(p))
		return false;
	if (p->tok.kind != TOK_WORD ||
	    (p->tok.word->assign != NULL && p->tok.word->assign->list))
		return refuse_here(p, "a case without a subject");
	n->words = p->tok.word;
	lex_take(p);
	if (!parse_newlines(p) || !parse_expect(p, "in"))
		return false;
	for (;;) {
		p->assign_ok = false;
		if (!parse_newlines(p))
			return false;
		if (last || lex_is(p, "esac"))
			break;
		if (!parse_case_item(p, tail, &last))
			return false;
		tail = &(*tail)->next;
	}
	return parse_expect(p, "esac");
}

/* ---- functions and the rest -------------------------------------------- */

bool
parse_function_body(
    struct parser *p, struct str name, uint32_t start, struct node **ret)
{
	struct node *const n = node_new(p, NODE_FUNCTION);

	if (n == NULL)
		return false;
	n->start = start;
	n->name = name;
	for (size_t i = 0; i < name.len; i++) {
		const int c = (unsigned char)name.s[i];

		if (!lex_name_char(c) && strchr("-.:+", c) == NULL)
			return refuse_here(p, "a function of an unusual name");
	}
	if (!parse_newlines(p))
		return false;
	if (p->tok.kind != TOK_OPEN && !compound_starts(p))
		return refuse_here(p, "a function without a body");
	if (lex_is(p, "function") || lex_is(p, "coproc"))
		return refuse_here(p, "a function without a body");
	if (!parse_command(p, &n->b))
		return false;
	n->end = n->b->end;
	*ret = n;
	return true;
}

/* Behind "function". */
static bool
parse_function(struct parser *p, struct node **ret, uint32_t start)
{
	struct str name;

	p->assign_ok = false;
	if (!lex_peek(p))
		return false;
	if (p->dialect == SHELL_POSIX || p->tok.kind != TOK_WORD ||
	    !word_bare(p->tok.word, &name) || p->tok.word->continued)
		return refuse_here(p, "a function of an unusual name");
	lex_take(p);
	if (!lex_peek(p))
		return false;
	if (p->tok.kind == TOK_OPEN) {
		lex_take(p);
		if (!lex_peek(p))
			return false;
		/* "function f (list)" has a subshell as its body. */
		if (p->tok.kind != TOK_CLOSE)
			return refuse_here(p, "an unusual function");
		lex_take(p);
	}
	return parse_function_body(p, name, start, ret);
}

/* Behind "coproc": [NAME] compound, or a simple command. */
static bool
parse_coproc(struct parser *p, struct node *n)
{
	n->kind = NODE_COPROC;
	if (p->dialect == SHELL_POSIX)
		return refuse_here(p, "a coprocess in sh");
	if (!lex_peek(p))
		return false;
	if (p->tok.kind == TOK_WORD && !compound_starts(p)) {
		const struct parser before = *p;

		lex_take(p);
		if (!lex_peek(p))
			return false;
		if (parse_closes(p))
			return refuse_here(p, "an unusual coprocess");
		if (p->tok.kind != TOK_OPEN && !compound_starts(p))
			*p = before;
	}
	return parse_command(p, &n->a);
}

static const char *const openers[] = {
	"{",
	"if",
	"for",
	"while",
	"until",
	"case",
	"[[",
	"select",
	"function",
	"coproc",
};

bool
compound_starts(const struct parser *p)
{
	if (p->tok.kind == TOK_OPEN)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(openers); i++) {
		if (lex_is(p, openers[i]))
			return true;
	}
	return false;
}

/* p->tok is the opener. */
static bool
parse_by_word(struct parser *p, struct node *n)
{
	if (lex_is(p, "{")) {
		lex_take(p);
		return parse_group(p, n);
	}
	if (lex_is(p, "if")) {
		lex_take(p);
		return parse_if(p, n);
	}
	if (lex_is(p, "for") || lex_is(p, "select")) {
		const bool is_for = lex_is(p, "for");

		lex_take(p);
		return parse_for(p, n, is_for ? NODE_FOR : NODE_SELECT);
	}
	if (lex_is(p, "while") || lex_is(p, "until")) {
		const bool is_while = lex_is(p, "while");

		lex_take(p);
		return parse_while(p, n, is_while ? NODE_WHILE : NODE_UNTIL);
	}
	if (lex_is(p, "case")) {
		lex_take(p);
		return parse_case(p, n);
	}
	if (lex_is(p, "[[")) {
		lex_take(p);
		return parse_cond(p, n);
	}
	lex_take(p);
	return parse_coproc(p, n);
}

bool
parse_compound(struct parser *p, struct node **ret)
{
	struct node *const n = node_new(p, NODE_GROUP);
	struct redir **tail;
	bool ok;

	if (n == NULL)
		return false;
	if (lex_is(p, "function")) {
		lex_take(p);
		return parse_function(p, ret, n->start);
	}
	if (p->tok.kind == TOK_OPEN) {
		lex_take(p);
		if (parser_char(p, p->at) == '(') {
			p->at++;
			ok = parse_arith(p, n);
		} else {
			ok = parse_subshell(p, n);
		}
	} else {
		ok = parse_by_word(p, n);
	}
	if (!ok)
		return false;
	n->end = parser_place(p, p->at);
	tail = &n->redirs;
	/* A coprocess' command has taken its own redirections. */
	if (n->kind != NODE_COPROC && !parse_redirs(p, &tail))
		return false;
	*ret = n;
	return true;
}
