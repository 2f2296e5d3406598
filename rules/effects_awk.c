/*
 * Programs of awk: what they read, write and run.
 * Runs in: engine, assent.  Trusts: nothing in the texts.  Owns: nothing.
 *
 * A "/" divides behind an operand and begins a pattern elsewhere; who took one
 * for the other would not see what lies between two of them. A file or command
 * is known only as one string that stands alone: all else is not known before.
 */
#include "effects_int.h"

#define HEADS_MAX 64 /* parentheses inside each other */

/* What the next operand is. */
enum awk_use {
	AWK_VALUE = 0,
	AWK_CALL, /* system, before its parenthesis */
	AWK_COMMAND,
	AWK_PIPE, /* a command, or getline from the one before */
	AWK_FILE,
	AWK_SOURCE, /* getline < */
};

struct awk {
	struct judge *j;
	struct str s;
	size_t at;
	enum awk_use use;
	struct str string; /* the one just before, for "cmd" | getline */
	bool has_string; /* and it stands alone */
	bool operand; /* just before: a "/" divides */
	bool open_line; /* just before: a new line ends nothing */
	bool in_print, reads; /* print; getline, until its file */
	bool head; /* if, for, while, just before */
	uint64_t heads; /* parentheses that belong to one */
	unsigned parens;
};

static void
awk_not_known(struct awk *x)
{
	effect_unknown(x->j,
	    "its program names a file or command that is not known before");
	x->use = AWK_VALUE;
}

static void
awk_command(struct awk *x, struct str text)
{
	const struct arg a = arg_text(x->j->arena, text);

	if (str_search(text, STR("/inet")) == text.len)
		judge_shell_text(x->j, &a, "a command in its program");
	effect_add(x->j,
	    &(struct effect){ .kind = EFFECT_RUN_CODE,
		.code_class = CODE_INLINE,
		.target = "sh",
		.why = "its program runs commands" });
}

static void
awk_file(struct awk *x, struct str text, bool reads)
{
	const struct arg a = arg_text(x->j->arena, text);

	x->j->by = STR("the file in its program");
	if (reads)
		effect_read(x->j, &a, false);
	else
		effect_write(x->j, &a, "writes");
	x->j->by = STR_NONE;
}

/* Blanks, and lines that go on. */
static void
awk_blanks(struct awk *x)
{
	for (;;) {
		const char c = str_at(x->s, x->at);

		if (c == ' ' || c == '\t' || c == '\r')
			x->at++;
		else if (c == '\\' && str_at(x->s, x->at + 1) == '\n')
			x->at += 2;
		else
			return;
	}
}

/* What follows a string is not joined to it. */
static bool
awk_stands_alone(struct awk *x)
{
	char c;

	awk_blanks(x);
	c = str_at(x->s, x->at);
	return x->at >= x->s.len || strchr(");}\n#,<>=&|", c) != NULL ||
	    (c == '!' && str_at(x->s, x->at + 1) == '=');
}

/* False where awks differ about what it means. */
static bool
awk_escape(struct awk *x, char *ret, size_t *n)
{
	static const char from[] = "\"\\/ntr", to[] = "\"\\/\n\t\r";
	const char c = str_at(x->s, x->at++);
	const char *at = c == '\0' ? NULL : strchr(from, c);

	if (at != NULL)
		ret[(*n)++] = to[at - from];
	return at != NULL || c == '\n';
}

/* The text that it means; the place is behind it then. */
static bool
awk_read_string(struct awk *x, struct str *ret)
{
	char *text = arena_alloc(x->j->arena, x->s.len + 1);
	bool known = text != NULL;
	size_t n = 0;

	for (x->at++; x->at < x->s.len && x->s.s[x->at] != '"';) {
		const char c = x->s.s[x->at++];

		if (text == NULL)
			continue;
		if (c != '\\')
			text[n++] = c;
		else
			known = awk_escape(x, text, &n) && known;
	}
	x->at++;
	*ret = str_n(text, n);
	return known;
}

static void
awk_string(struct awk *x)
{
	const bool joined = x->operand;
	const enum awk_use use = x->use;
	struct str text;
	const bool known = awk_read_string(x, &text);

	if (str_search(text, STR("/inet")) < text.len) {
		effect_connect(x->j, STR_NONE, PATH_UNKNOWN);
		effect_privilege(x->j, "network shell");
	}
	x->use = AWK_VALUE;
	x->has_string = known && !joined && awk_stands_alone(x);
	x->string = text;
	x->operand = true;
	if (use == AWK_VALUE)
		return;
	if (!x->has_string || use == AWK_CALL)
		awk_not_known(x);
	else if (use == AWK_FILE || use == AWK_SOURCE)
		awk_file(x, text, use == AWK_SOURCE);
	else
		awk_command(x, text);
}

static void
awk_getline(struct awk *x)
{
	if (x->use == AWK_PIPE && x->has_string)
		awk_command(x, x->string);
	else if (x->use != AWK_VALUE)
		awk_not_known(x);
	x->use = AWK_VALUE;
	x->reads = true;
}

/* Files that it reads later are named there; to look at one is no harm. */
static void
awk_argv(struct awk *x, bool second)
{
	size_t at = x->at;
	struct str rest;

	while (at < x->s.len && x->s.s[at] != ']')
		at++;
	rest = str_trim(str_from(x->s, at + (at < x->s.len ? 1 : 0)));
	if (str_at(x->s, x->at) != '[' || second || x->reads ||
	    (str_at(rest, 0) == '=' && str_at(rest, 1) != '=') ||
	    (str_at(rest, 0) != '\0' && str_at(rest, 1) == '=' &&
		strchr("+-*/%^", str_at(rest, 0)) != NULL) ||
	    str_starts(rest, STR("++")) || str_starts(rest, STR("--")) ||
	    str_starts(rest, STR("in ")))
		effect_unknown(x->j, "its program names what it reads itself");
}

static bool
awk_is_one_of(struct str w, const char *const names[])
{
	for (size_t i = 0; names[i] != NULL; i++) {
		if (str_eqz(w, names[i]))
			return true;
	}
	return false;
}

static void
awk_keyword(struct awk *x, struct str w)
{
	static const char *const before_values[] = { "return", "print",
		"printf", "in", "else", "do", "case", "exit", "delete", NULL };
	static const char *const heads[] = { "if", "for", "while", "switch",
		NULL };

	if (str_eqz(w, "print") || str_eqz(w, "printf")) {
		x->in_print = true;
		x->parens = 0;
	}
	if (str_eqz(w, "system"))
		x->use = AWK_CALL;
	if (str_eqz(w, "ENVIRON") || str_eqz(w, "PROCINFO"))
		effect_add(x->j,
		    &(struct effect){ .kind = EFFECT_READ,
			.path_class = PATH_UNKNOWN,
			.target = "environment",
			.why = "its program reads the environment" });
	x->head = awk_is_one_of(w, heads);
	x->open_line = str_eqz(w, "else") || str_eqz(w, "do");
	x->operand = !awk_is_one_of(w, before_values);
}

static void
awk_word(struct awk *x)
{
	const size_t from = x->at;
	const struct str before = str_trim(str_head(x->s, from));
	struct str w;

	while (x->at < x->s.len && lang_ident_char(x->s.s[x->at]))
		x->at++;
	w = str_head(str_from(x->s, from), x->at - from);
	if (str_eqz(w, "getline")) {
		awk_getline(x);
	} else if (x->use != AWK_VALUE) {
		awk_not_known(x);
	}
	if (str_eqz(w, "ARGV"))
		awk_argv(x, x->parens > 0 && str_ends(before, STR(",")));
	awk_keyword(x, w);
	x->has_string = false;
}

/* Between brackets a "/" ends it for one awk and does not for another. */
static void
awk_regex(struct awk *x)
{
	bool set = false;

	for (x->at++; x->at < x->s.len; x->at++) {
		const char c = x->s.s[x->at];

		if (c == '\\') {
			x->at++;
		} else if (c == '[') {
			set = true;
			if (str_at(x->s, x->at + 1) == '^')
				x->at++;
			if (str_at(x->s, x->at + 1) == ']')
				x->at++;
			if (strchr(":.=", str_at(x->s, x->at + 1)) != NULL)
				x->at++;
		} else if (c == ']') {
			set = strchr(":.=", x->s.s[x->at - 1]) != NULL;
		} else if (c == '/' && set) {
			effect_unknown(x->j, "a pattern with / in brackets");
		} else if (c == '/') {
			break;
		}
	}
	x->at++;
	x->operand = true;
	x->has_string = false;
	if (x->use != AWK_VALUE)
		awk_not_known(x);
}

static void
awk_pipe(struct awk *x)
{
	x->at++;
	x->operand = false;
	x->reads = false;
	x->open_line = true;
	if (str_at(x->s, x->at) == '|') {
		x->at++;
		x->has_string = false;
		return;
	}
	if (str_at(x->s, x->at) == '&')
		x->at++;
	x->use = AWK_PIPE;
}

static void
awk_paren(struct awk *x, char c)
{
	const uint64_t bit = (uint64_t)1
	    << (x->parens < HEADS_MAX ? x->parens : HEADS_MAX - 1);

	if (c == '(') {
		if (x->parens >= HEADS_MAX - 1)
			effect_unknown(x->j, "its program nests too deep");
		x->heads = x->head ? x->heads | bit : x->heads & ~bit;
		x->parens++;
		x->operand = false;
		if (x->use == AWK_CALL)
			x->use = AWK_COMMAND;
		else if (x->use != AWK_VALUE)
			awk_not_known(x);
		return;
	}
	if (x->parens > 0)
		x->parens--;
	x->reads = false;
	x->operand = (x->heads >> (x->parens % HEADS_MAX) & 1) == 0;
}

static void
awk_end(struct awk *x, char c)
{
	if (c == '\n' && x->open_line)
		return;
	x->in_print = x->reads = x->operand = false;
	if (x->use != AWK_VALUE)
		awk_not_known(x);
}

static void
awk_symbol(struct awk *x, char c)
{
	const char next = str_at(x->s, ++x->at);

	x->has_string = false;
	if (strchr(";{}\n", c) != NULL) {
		awk_end(x, c);
	} else if (c == '(' || c == ')') {
		awk_paren(x, c);
	} else if ((c == '+' || c == '-') && next == c) {
		x->at++; /* behind an operand it is part of that */
	} else if (x->use != AWK_VALUE) {
		awk_not_known(x);
		x->operand = false;
	} else if (c == '>' && x->in_print && x->parens == 0) {
		x->at += next == '>' ? 1 : 0;
		x->use = AWK_FILE;
		x->operand = false;
	} else if (c == '<' && x->reads) {
		x->use = AWK_SOURCE;
		x->reads = x->operand = false;
	} else {
		if (c == '@')
			effect_unknown(x->j, "its program loads another (@)");
		x->operand = c == ']' || (c == '.' && x->operand);
	}
	x->head = false;
	x->open_line =
	    strchr(",&|?:{", c) != NULL || (c == '\n' && x->open_line);
}

void
as_awk(struct judge *j, const struct arg *a, struct str param)
{
	struct awk x = { .j = j, .s = a->text };

	(void)param;
	lang_unknown_pieces(j, a, "awk");
	for (awk_blanks(&x); x.at < x.s.len; awk_blanks(&x)) {
		const char c = x.s.s[x.at];

		if (c == '#') {
			while (x.at < x.s.len && x.s.s[x.at] != '\n')
				x.at++;
			continue;
		}
		if (c == '"')
			awk_string(&x);
		else if (c == '/' && !x.operand)
			awk_regex(&x);
		else if (c == '|')
			awk_pipe(&x);
		else if (lang_ident_char(c))
			awk_word(&x);
		else
			awk_symbol(&x, c);
		if (c == '"' || (c == '/' && x.operand))
			x.open_line = x.head = false;
	}
	if (x.use != AWK_VALUE)
		awk_not_known(&x);
}
