/*
 * Programs of awk: what they read, write and run.
 * Runs in: engine, assent.  Trusts: nothing in the texts.  Owns: nothing.
 */
#include "effects_int.h"

struct awk {
	struct judge *j;
	struct str s;
	size_t at;
	struct str
	    last_string; /* the string just before, for "cmd" | getline */
	bool in_print, after_operator, after_pipe, after_redirect;
	unsigned parens;
	bool after_system, after_getline, after_less;
};

static void
awk_command(struct awk *x, struct str text)
{
	const struct arg a = arg_text(x->j->arena, text);

	if (str_search(text, STR("/inet/")) < text.len) {
		effect_connect(x->j, STR_NONE, PATH_UNKNOWN);
		effect_privilege(x->j, "network shell");
	} else {
		judge_shell_text(x->j, &a, "a command in its program");
	}
	effect_add(x->j,
	    &(struct effect){ .kind = EFFECT_RUN_CODE,
		.code_class = CODE_INLINE,
		.target = "sh",
		.why = "its program runs commands" });
}

static void
awk_string(struct awk *x)
{
	const size_t from = ++x->at;
	struct str text;

	while (x->at < x->s.len && x->s.s[x->at] != '"') {
		if (x->s.s[x->at] == '\\')
			x->at++;
		x->at++;
	}
	text = str_head(str_from(x->s, from), x->at - from);
	x->at++;
	if (str_search(text, STR("/inet")) < text.len) {
		effect_connect(x->j, STR_NONE, PATH_UNKNOWN);
		effect_privilege(x->j, "network shell");
	}
	if (x->after_redirect) {
		const struct arg a = arg_text(x->j->arena, text);

		x->j->by = STR("the file in its program");
		effect_write(x->j, &a, "writes");
		x->j->by = STR_NONE;
	} else if (x->after_less) {
		const struct arg a = arg_text(x->j->arena, text);

		x->j->by = STR("the file in its program");
		effect_read(x->j, &a, false);
		x->j->by = STR_NONE;
	} else if (x->after_pipe || x->after_system) {
		awk_command(x, text);
	}
	x->after_redirect = x->after_pipe = x->after_system = false;
	x->after_less = x->after_getline = false;
	x->last_string = text;
	x->after_operator = false;
}

static void
awk_word(struct awk *x)
{
	const size_t from = x->at;
	struct str w;

	while (x->at < x->s.len && lang_ident_char(x->s.s[x->at]))
		x->at++;
	w = str_head(str_from(x->s, from), x->at - from);
	if (x->after_redirect || x->after_pipe || x->after_system) {
		if (!(x->after_pipe && str_eq(w, STR("getline"))))
			effect_unknown(x->j,
			    "its program names a file or command that is not "
			    "known before");
		x->after_redirect = x->after_pipe = x->after_system = false;
	}
	if (str_eq(w, STR("print")) || str_eq(w, STR("printf")))
		x->in_print = true;
	else if (str_eq(w, STR("system")))
		x->after_system = true;
	else if (str_eq(w, STR("getline")) && x->last_string.len > 0)
		awk_command(x, x->last_string);
	else if (str_eq(w, STR("ENVIRON")) || str_eq(w, STR("PROCINFO")))
		effect_add(x->j,
		    &(struct effect){ .kind = EFFECT_READ,
			.path_class = PATH_UNKNOWN,
			.target = "environment",
			.why = "its program reads the environment" });
	x->after_operator = str_eq(w, STR("return")) || x->in_print;
	x->after_getline =
	    str_eq(w, STR("getline")) || (x->after_getline && !x->after_less);
	x->last_string = STR_NONE;
}

static void
awk_regex(struct awk *x)
{
	bool set = false;

	for (x->at++; x->at < x->s.len; x->at++) {
		const char c = x->s.s[x->at];

		if (c == '\\')
			x->at++;
		else if (c == '[')
			set = true;
		else if (c == ']')
			set = false;
		else if (c == '/' && !set)
			break;
	}
	x->at++;
	x->after_operator = false;
}

static void
awk_pipe(struct awk *x)
{
	if (x->at + 1 < x->s.len && x->s.s[x->at + 1] == '|') {
		x->at += 2;
		x->after_operator = true;
		return;
	}
	x->at++;
	if (x->at < x->s.len && x->s.s[x->at] == '&')
		x->at++;
	x->after_pipe = true;
	x->after_operator = true;
}

static void
awk_symbol(struct awk *x, char c)
{
	x->at++;
	if (c == '(')
		x->parens++;
	else if (c == ')' && x->parens > 0)
		x->parens--;
	else if (c == ';' || c == '}' || c == '{' || c == '\n')
		x->in_print = x->after_redirect = false;
	else if (c == '>' && x->in_print && x->parens == 0) {
		if (x->at < x->s.len && x->s.s[x->at] == '>')
			x->at++;
		x->after_redirect = true;
	} else if (c == '@')
		effect_unknown(x->j, "its program loads another (@)");
	else if (c == '<')
		x->after_less = x->after_getline;
	if (c == '$' && x->after_redirect) {
		effect_unknown(x->j, "the file it writes is not known before");
		x->after_redirect = false;
	}
	x->after_operator = strchr(")]$", c) == NULL;
}

void
as_awk(struct judge *j, const struct arg *a, struct str param)
{
	struct awk x = { .j = j, .s = a->text, .after_operator = true };

	(void)param;
	lang_unknown_pieces(j, a, "awk");
	while (x.at < x.s.len) {
		const char c = x.s.s[x.at];

		if (c == ' ' || c == '\t')
			x.at++;
		else if (c == '"')
			awk_string(&x);
		else if (c == '#')
			while (x.at < x.s.len && x.s.s[x.at] != '\n')
				x.at++;
		else if (c == '/' && x.after_operator)
			awk_regex(&x);
		else if (c == '|')
			awk_pipe(&x);
		else if (lang_ident_char(c))
			awk_word(&x);
		else
			awk_symbol(&x, c);
	}
}
