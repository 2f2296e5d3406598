/*
 * Arithmetic: what it evaluates could run commands, what it sets is a number
 * afterwards, and where it is wrong the line ends.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

#include <string.h>

#include "shell/parser.h"

static void
arith_doubt(struct norm *n, const struct value *v)
{
	const struct shell_word w = word_of_value(n, v);

	part_doubt(n,
	    "arithmetic on a text that is not known could run a command", &w);
}

static void arith_check(struct norm *n, const struct value *v, unsigned depth);

/* Evaluating a variable's name evaluates its text. */
static void
arith_name(struct norm *n, struct str name, unsigned depth)
{
	const struct var *const v = var_find(n, name, false);
	const bool current = v != NULL && var_current(n, v);

	if ((v == NULL || v->kind == VAR_INHERITED) && n->epoch == 0)
		return;
	if (current && (v->kind == VAR_UNSET || v->integer))
		return;
	if (current && v->kind == VAR_SET && depth < 8) {
		arith_check(n, &v->value, depth + 1);
		return;
	}
	if (current && v->kind == VAR_LIST && depth < 8) {
		for (uint32_t i = 0; i < v->item_count; i++)
			arith_check(n, &v->items[i], depth + 1);
		return;
	}
	const struct value what =
	    value_unknown(n, ORIGIN_VARIABLE, name, SHELL_NO_PART, name);

	arith_doubt(n, &what);
}

/* Every name in a text that is evaluated. False: more than plain. */
static bool
arith_names(struct norm *n, struct str text, unsigned depth)
{
	for (size_t i = 0; i < text.len;) {
		const size_t from = i;
		const int c = (unsigned char)text.s[i];

		if (c == '[' || c == '$' || c == '`' || c == '"' || c == '\'' ||
		    c == '\\')
			return false;
		if (!lex_name_char(c)) {
			i++;
			continue;
		}
		while (i < text.len && lex_name_char((unsigned char)text.s[i]))
			i++;
		if (lex_name_start(c))
			arith_name(n, str_n(text.s + from, i - from), depth);
	}
	return true;
}

static void
arith_check(struct norm *n, const struct value *v, unsigned depth)
{
	for (uint32_t i = 0; i < v->count && !norm_stopped(n); i++) {
		const struct shell_piece *const p = &v->pieces[i];

		if (p->kind == PIECE_DIGITS)
			continue;
		if (p->kind != PIECE_TEXT || !arith_names(n, p->text, depth)) {
			arith_doubt(n, v);
			return;
		}
	}
}

void
arith_text_check(struct norm *n, const struct value *v)
{
	arith_check(n, v, 0);
}

/* ---- can it fail ------------------------------------------------------- */

/*
 * bash gives up the whole line when an expression is wrong: then nothing
 * that follows on it has happened. This accepts only expressions that are
 * certainly right.
 */
struct check {
	struct norm *n;
	const struct value *v; /* text with numbers as pieces */
	uint32_t piece;
	size_t at;
	unsigned depth;
};

/* The character here; 0 at the end, 1 at a number that is not text. */
static char
check_char(struct check *c)
{
	while (c->piece < c->v->count) {
		const struct shell_piece *const p = &c->v->pieces[c->piece];

		if (p->kind == PIECE_DIGITS)
			return '\1';
		if (p->kind != PIECE_TEXT)
			return '\2';
		if (c->at < p->text.len)
			return p->text.s[c->at];
		c->piece++;
		c->at = 0;
	}
	return '\0';
}

static void
check_skip(struct check *c)
{
	if (c->v->pieces[c->piece].kind != PIECE_TEXT)
		c->piece++;
	else
		c->at++;
}

static char
check_next(struct check *c)
{
	const struct shell_piece *const p = &c->v->pieces[c->piece];

	return p->kind == PIECE_TEXT && c->at + 1 < p->text.len
	    ? p->text.s[c->at + 1]
	    : '\0';
}

static void
check_blanks(struct check *c)
{
	while (check_char(c) == ' ' || check_char(c) == '\t' ||
	    check_char(c) == '\n')
		check_skip(c);
}

/* The variable holds a number, or nothing. */
static bool
name_is_safe(struct norm *n, struct str name)
{
	const struct var *const v = var_find(n, name, false);

	if (v == NULL || v->kind == VAR_INHERITED)
		return n->epoch == 0 && name.s[0] >= 'a' && name.s[0] <= 'z' &&
		    name.len < 32;
	if (!var_current(n, v))
		return false;
	if (v->kind == VAR_UNSET)
		return true;
	return v->kind == VAR_SET &&
	    (value_is_number(&v->value) || v->value.count == 0);
}

static bool check_expr(struct check *c);

/* NAME, perhaps set: "x=...", "x+=...", "x++". */
static bool
check_name(struct check *c, bool *ret_sets)
{
	const struct shell_piece *const p = &c->v->pieces[c->piece];
	const size_t from = c->at;
	struct str name;
	char a, b;

	while (c->at < p->text.len &&
	    lex_name_char((unsigned char)p->text.s[c->at]))
		c->at++;
	name = str_n(p->text.s + from, c->at - from);
	check_blanks(c);
	a = check_char(c);
	b = a > '\2' ? check_next(c) : '\0';
	*ret_sets = a == '=' && b != '=';
	if (*ret_sets) {
		check_skip(c);
		return true;
	}
	if ((a == '+' || a == '-' || a == '*') && b == '=') {
		check_skip(c);
		check_skip(c);
		*ret_sets = true;
	} else if ((a == '+' || a == '-') && b == a) {
		check_skip(c);
		check_skip(c);
	}
	return name_is_safe(c->n, name);
}

static bool
check_number(struct check *c)
{
	const char first = check_char(c);
	unsigned digits = 0;

	if (first == '\1') {
		check_skip(c);
		/* "1" beside other digits is another number. */
		return !lex_name_char((unsigned char)check_char(c)) &&
		    check_char(c) != '\1';
	}
	while (check_char(c) >= '0' && check_char(c) <= '9') {
		check_skip(c);
		digits++;
	}
	return digits > 0 && digits < 18 && (first != '0' || digits == 1) &&
	    check_char(c) != '\1' && check_char(c) != '#' &&
	    !lex_name_char((unsigned char)check_char(c));
}

static bool
check_operand(struct check *c, bool *ret_sets)
{
	*ret_sets = false;
	check_blanks(c);
	while (check_char(c) == '!' || check_char(c) == '~' ||
	    check_char(c) == '-' || check_char(c) == '+') {
		const char sign = check_char(c);

		check_skip(c);
		if (check_char(c) == sign && (sign == '-' || sign == '+'))
			return false;
		check_blanks(c);
	}
	if (check_char(c) == '(') {
		bool ok;

		if (++c->depth > 16)
			return false;
		check_skip(c);
		ok = check_expr(c);
		check_blanks(c);
		if (!ok || check_char(c) != ')')
			return false;
		check_skip(c);
		c->depth--;
		return true;
	}
	if (lex_name_start((unsigned char)check_char(c)))
		return check_name(c, ret_sets);
	return check_number(c);
}

/* 1: an operator was taken; 0: the expression ends here; -1: not certain. */
static int
check_operator(struct check *c)
{
	static const char *const two[] = { "<<", ">>",
		"<=", ">=", "==", "!=", "&&", "||" };
	const char a = check_char(c);
	const char b = a > '\2' ? check_next(c) : '\0';

	if (a == '\0' || a == ')')
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(two); i++) {
		if (a == two[i][0] && b == two[i][1]) {
			check_skip(c);
			check_skip(c);
			return 1;
		}
	}
	if (a <= '\2' || b == '=' || strchr("+-*<>&|^,", a) == NULL)
		return -1;
	/* "a--b" and "2**x" are for bash to read. */
	if ((a == '*' || a == '+' || a == '-') && b == a)
		return -1;
	check_skip(c);
	return 1;
}

static bool
check_expr(struct check *c)
{
	bool may_set = true;

	for (;;) {
		bool sets;
		int r;

		if (!check_operand(c, &sets) || (sets && !may_set))
			return false;
		if (sets)
			continue;
		check_blanks(c);
		may_set = check_char(c) == ',';
		r = check_operator(c);
		if (r <= 0)
			return r == 0;
	}
}

static bool
arith_certain(struct norm *n, const struct value *v)
{
	struct check c = { .n = n, .v = v };

	check_blanks(&c);
	if (check_char(&c) == '\0')
		return true;
	return check_expr(&c) && check_char(&c) == '\0';
}

/* ---- what it sets ------------------------------------------------------ */

/* "x=1", "x += 1", "x++", "x[0]=": the text behind a name. */
static bool
sets_name(struct str rest)
{
	static const char *const operators[] = { "++", "--", "+=", "-=", "*=",
		"/=", "%=", "&=", "^=", "|=", "<<=", ">>=", "[" };

	rest = str_trim(rest);
	for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
		if (str_starts(rest, str_of(operators[i])))
			return true;
	}
	return str_at(rest, 0) == '=' && str_at(rest, 1) != '=';
}

/* "++x" */
static bool
steps_name(struct str before)
{
	before = str_trim(before);
	return str_ends(before, STR("++")) || str_ends(before, STR("--"));
}

static void
set_names(struct norm *n, struct str text)
{
	for (size_t i = 0; i < text.len;) {
		const size_t from = i;
		const struct value v = value_digits(n);

		while (i < text.len && lex_name_char((unsigned char)text.s[i]))
			i++;
		if (i == from)
			i++;
		else if (lex_name_start((unsigned char)text.s[from]) &&
		    (sets_name(str_from(text, i)) ||
			steps_name(str_head(text, from))))
			var_set(n, str_n(text.s + from, i - from), &v);
	}
}

/* "0 && (x=1)", "a ? b : (x=1)" may leave x as it was. */
static bool
may_skip(struct str text)
{
	return str_search(text, STR("&&")) < text.len ||
	    str_search(text, STR("||")) < text.len ||
	    str_find(text, '?') < text.len;
}

static void
assign(struct norm *n, const struct value *v, bool certain)
{
	const struct mark m = state_mark(n);
	bool maybe = !certain;

	for (uint32_t i = 0; i < v->count; i++) {
		if (v->pieces[i].kind != PIECE_TEXT)
			continue;
		maybe = maybe || may_skip(v->pieces[i].text);
		set_names(n, v->pieces[i].text);
	}
	if (maybe)
		state_blur(n, &m);
}

void
arith_assigns(struct norm *n, const struct value *v)
{
	assign(n, v, arith_certain(n, v));
}

void
expand_arith(struct norm *n, const struct word *w)
{
	struct builder b = { .out = NULL };
	struct value v;
	bool certain;

	expand_arith_segs(n, &b, w);
	v = builder_done_value(n, &b);
	arith_text_check(n, &v);
	certain = arith_certain(n, &v);
	if (!certain)
		state_may_abort(n);
	assign(n, &v, certain);
}
