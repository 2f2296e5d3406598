/*
 * What the body of a loop may set, before it is walked: a round may see what
 * an earlier one left.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

#include "shell/parser.h"

static void forget_in(struct norm *n, const struct node *nd, bool *moves);

static void
forget_name(struct norm *n, struct str name)
{
	const struct value likely = var_value(n, name);

	var_maybe(n, name, &likely);
}

/* A number before and numbers assigned: a number after. */
static void
forget_number(struct norm *n, struct str name)
{
	const struct value now = var_value(n, name);
	const struct value digits = value_digits(n);

	if (value_is_number(&now))
		var_set(n, name, &digits);
	else
		var_maybe(n, name, &now);
}

static bool
assigns_number(const struct assign *a)
{
	const struct seg *const s = a->value == NULL ? NULL : a->value->segs;

	if (a->list || a->index != NULL || a->append || s == NULL ||
	    s->next != NULL)
		return false;
	if (s->kind == SEG_ARITH)
		return true;
	if (s->kind != SEG_TEXT)
		return false;
	for (size_t i = 0; i < s->text.len; i++) {
		if (s->text.s[i] < '0' || s->text.s[i] > '9')
			return false;
	}
	return true;
}

/* Every name in an expression that may be set. */
static void
forget_arith(struct norm *n, const struct word *w)
{
	for (const struct seg *s = w->segs; s != NULL; s = s->next) {
		const struct str t = s->text;

		if (s->kind != SEG_TEXT)
			continue;
		for (size_t i = 0; i < t.len;) {
			const size_t from = i;

			while (
			    i < t.len && lex_name_char((unsigned char)t.s[i]))
				i++;
			if (i > from &&
			    lex_name_start((unsigned char)t.s[from]))
				forget_number(n, str_n(t.s + from, i - from));
			if (i == from)
				i++;
		}
	}
}

static bool
arith_sets(const struct word *w)
{
	for (const struct seg *s = w->segs; s != NULL; s = s->next) {
		if (s->kind != SEG_TEXT)
			continue;
		if (str_find(s->text, '=') < s->text.len ||
		    str_search(s->text, STR("++")) < s->text.len ||
		    str_search(s->text, STR("--")) < s->text.len)
			return true;
	}
	return false;
}

/* Expansions that set variables: ${x:=w}, $((x++)). */
static void
forget_in_word(struct norm *n, const struct word *w)
{
	for (; w != NULL && norm_step(n); w = w->next) {
		for (const struct seg *s = w->segs; s != NULL; s = s->next) {
			if (s->kind == SEG_ARITH && arith_sets(s->u.arith))
				forget_arith(n, s->u.arith);
			if (s->kind == SEG_PARAM &&
			    s->u.param->op == PARAM_ASSIGN)
				forget_name(n, s->u.param->name);
			if (s->kind == SEG_PARAM && s->u.param->arg != NULL)
				forget_in_word(n, s->u.param->arg);
		}
	}
}

static bool
is_any(struct str name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (str_eqz(name, names[i]))
			return true;
	}
	return false;
}

/* A command that may set variables or move. */
static void
forget_command(struct norm *n, const struct node *nd, bool *moves)
{
	static const char *const setters[] = {
		"read",
		"mapfile",
		"readarray",
		"printf",
		"getopts",
		"let",
		"declare",
		"typeset",
		"local",
		"export",
		"readonly",
		"unset",
		"wait",
	};
	static const char *const movers[] = { "cd", "pushd", "popd" };
	static const char *const anything[] = {
		"eval",
		"source",
		".",
	};
	static const char *const runners[] = { "command", "builtin" };
	static const char *const arguments[] = { "set", "shift" };
	struct str name;
	const struct var *f;

	if (!word_bare(nd->words, &name)) {
		/* A word that may turn out to be any of these. */
		*moves = true;
		state_forget(n);
		return;
	}
	f = var_find(n, name, true);
	if ((f != NULL && f->kind != VAR_INHERITED) ||
	    is_any(name, anything, ARRAY_LEN(anything))) {
		*moves = true;
		state_forget(n);
	}
	/* "command -v" runs nothing. */
	if (is_any(name, runners, ARRAY_LEN(runners)) &&
	    !(nd->words->next != NULL && word_is_bare(nd->words->next, "-v"))) {
		*moves = true;
		state_forget(n);
	}
	if (is_any(name, arguments, ARRAY_LEN(arguments)))
		n->args.unknown = true;
	if (is_any(name, movers, ARRAY_LEN(movers)))
		*moves = true;
	if (!is_any(name, setters, ARRAY_LEN(setters)))
		return;
	for (const struct word *w = nd->words->next; w != NULL; w = w->next) {
		struct str arg;

		if (w->assign != NULL)
			forget_name(n, w->assign->name);
		else if (word_bare(w, &arg) && arg.len > 0 &&
		    lex_name_start((unsigned char)arg.s[0]))
			forget_name(n, arg);
		else if (!word_bare(w, &arg) &&
		    !is_any(name, (const char *const[]){ "printf" }, 1))
			state_forget(n);
	}
	if (str_eqz(name, "read"))
		forget_name(n, STR("REPLY"));
	if (str_eqz(name, "mapfile") || str_eqz(name, "readarray"))
		forget_name(n, STR("MAPFILE"));
}

static void
forget_simple(struct norm *n, const struct node *nd, bool *moves)
{
	for (const struct assign *a = nd->assigns; a != NULL; a = a->next) {
		if (assigns_number(a))
			forget_number(n, a->name);
		else
			forget_name(n, a->name);
		if (a->value != NULL)
			forget_in_word(n, a->value);
	}
	if (nd->words == NULL)
		return;
	forget_in_word(n, nd->words);
	forget_command(n, nd, moves);
}

static void
forget_list(struct norm *n, const struct node *nd, bool *moves)
{
	for (const struct node *i = nd; i != NULL; i = i->next)
		forget_in(n, i, moves);
}

static void
forget_in(struct norm *n, const struct node *nd, bool *moves)
{
	bool inside = false;

	if (nd == NULL || !norm_step(n) || !norm_enter(n))
		return;
	switch (nd->kind) {
	case NODE_SIMPLE:
		forget_simple(n, nd, moves);
		break;
	case NODE_FUNCTION:
		*moves = true;
		state_forget(n);
		break;
	case NODE_FOR:
	case NODE_SELECT:
		forget_name(n, nd->name);
		forget_in(n, nd->b, moves);
		break;
	case NODE_ARITH:
	case NODE_ARITH_FOR:
		for (const struct word *w = nd->words; w != NULL; w = w->next)
			forget_arith(n, w);
		forget_in(n, nd->b, moves);
		break;
	case NODE_CASE:
		for (const struct case_item *i = nd->items; i != NULL;
		     i = i->next)
			forget_in(n, i->body, moves);
		break;
	case NODE_SUBSHELL:
	case NODE_COPROC:
		/* Nothing in it lasts; for its own loops see their walk. */
		break;
	case NODE_PIPE:
		for (const struct node *i = nd->a; i != NULL; i = i->next)
			forget_in(n, i, n->lastpipe ? moves : &inside);
		break;
	case NODE_LIST:
	case NODE_ANDOR:
		forget_list(n, nd->a, moves);
		break;
	case NODE_COND:
	case NODE_NOT:
	case NODE_TIME:
	case NODE_GROUP:
	case NODE_IF:
	case NODE_WHILE:
	case NODE_UNTIL:
		forget_in_word(n, nd->words);
		forget_in(n, nd->a, moves);
		forget_in(n, nd->b, moves);
		forget_in(n, nd->c, moves);
		break;
	}
	norm_leave(n);
}

bool
state_forget_assigned(struct norm *n, const struct node *body)
{
	bool moves = false;

	forget_in(n, body, &moves);
	return moves;
}
