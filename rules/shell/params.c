/*
 * Parameters: what a variable holds here, and what ${ } makes of it.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

#include <string.h>

#include "base/num.h"
#include "shell/parser.h"

/* What is known about a parameter. */
enum known {
	KNOWN_SET, /* set, value holds it (pieces may be unknown) */
	KNOWN_UNSET,
	KNOWN_MAYBE, /* perhaps set; value is likely */
};

static const struct shell_env *
context_env(const struct norm *n, struct str name)
{
	for (size_t i = n->ctx->env_count; i > 0; i--) {
		if (str_eq(n->ctx->env[i - 1].name, name))
			return &n->ctx->env[i - 1];
	}
	return NULL;
}

static struct value
likely_variable(struct norm *n, struct str name, struct str likely)
{
	return value_unknown(n, ORIGIN_VARIABLE, name, SHELL_NO_PART, likely);
}

/* $PWD: the directory, if there is only one. */
static struct value
pwd_value(struct norm *n)
{
	const struct dirs *const d = n->dirs;

	if (d != NULL && !d->unknown && d->count == 1)
		return value_text(n, d->dir[0]);
	return likely_variable(
	    n, STR("PWD"), d != NULL && d->count > 0 ? d->dir[0] : STR_NONE);
}

static bool
name_is_number(struct str name)
{
	static const char *const names[] = {
		"RANDOM",
		"SRANDOM",
		"SECONDS",
		"LINENO",
		"BASHPID",
		"PPID",
		"UID",
		"EUID",
		"EPOCHSECONDS",
		"COLUMNS",
		"LINES",
		"SHLVL",
		"BASH_SUBSHELL",
		"OPTIND",
		"HISTCMD",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eqz(name, names[i]))
			return true;
	}
	return false;
}

/* A variable that the script has not touched. */
static enum known
inherited(struct norm *n, struct str name, struct value *ret)
{
	const struct shell_env *const env = context_env(n, name);
	const bool forgot = n->epoch > 0;

	if (str_eqz(name, "PWD")) {
		*ret = pwd_value(n);
		return KNOWN_SET;
	}
	if (str_eqz(name, "IFS")) {
		*ret = forgot ? likely_variable(n, name, STR(" \t\n"))
			      : value_text(n, STR(" \t\n"));
		return KNOWN_SET;
	}
	if (env != NULL) {
		*ret = forgot ? likely_variable(n, name, env->value)
			      : value_text(n, env->value);
		return forgot ? KNOWN_MAYBE : KNOWN_SET;
	}
	if (str_eqz(name, "HOME") && n->ctx->home.len > 0) {
		*ret = forgot ? likely_variable(n, name, n->ctx->home)
			      : value_text(n, n->ctx->home);
		return KNOWN_SET;
	}
	if (name_is_number(name) && !forgot) {
		*ret = value_digits(n);
		return KNOWN_SET;
	}
	*ret = likely_variable(n, name, STR_NONE);
	return KNOWN_MAYBE;
}

static enum known
variable(struct norm *n, struct str name, struct value *ret)
{
	const struct var *const v = var_find(n, name, false);

	if (v == NULL || v->kind == VAR_INHERITED)
		return inherited(n, name, ret);
	if (!var_current(n, v)) {
		*ret = likely_variable(n, name, value_likely(n, &v->value));
		return KNOWN_MAYBE;
	}
	switch (v->kind) {
	case VAR_SET:
		*ret = v->value;
		return KNOWN_SET;
	case VAR_UNSET:
		*ret = value_text(n, STR(""));
		return KNOWN_UNSET;
	case VAR_LIST:
		*ret = v->item_count > 0 ? v->items[0] : value_text(n, STR(""));
		return v->item_count > 0 ? KNOWN_SET : KNOWN_UNSET;
	case VAR_MAYBE:
		*ret = likely_variable(n, name, value_likely(n, &v->value));
		return KNOWN_MAYBE;
	case VAR_LIST_MAYBE:
	case VAR_INHERITED:
		break;
	}
	*ret = likely_variable(n, name, STR_NONE);
	return KNOWN_MAYBE;
}

struct value
var_value(struct norm *n, struct str name)
{
	struct value v = { .count = 0 };

	(void)variable(n, name, &v);
	return v;
}

/* $1 and so on. */
static enum known
positional(struct norm *n, uint64_t at, struct value *ret)
{
	const struct positional *const a = &n->args;
	struct value likely = { .count = 0 };

	if (at == 0) {
		*ret = likely_variable(n, STR("0"), STR("bash"));
		return KNOWN_SET;
	}
	if (at <= a->count)
		likely = a->items[at - 1];
	if (!a->unknown) {
		*ret = likely;
		return at <= a->count ? KNOWN_SET : KNOWN_UNSET;
	}
	*ret = likely_variable(n, STR("1"), value_likely(n, &likely));
	return KNOWN_MAYBE;
}

/* One element of an array. */
static enum known
element(struct norm *n, const struct param *pm, struct value *ret)
{
	const struct var *const v = var_find(n, pm->name, false);
	const struct value index = expand_value(n, pm->index, false);
	struct str text;
	uint64_t at;
	const bool number = value_known(n, &index, &text) &&
	    num_parse_u64(text, 0, SHELL_WORDS_MAX, &at) == 0;
	const bool assoc = v != NULL && v->assoc && var_current(n, v);

	if (!number && !assoc) {
		arith_text_check(n, &index);
		state_may_abort(n);
	}
	if (v != NULL && var_current(n, v) && v->kind == VAR_LIST && number &&
	    !assoc) {
		if (at < v->item_count) {
			*ret = v->items[at];
			return KNOWN_SET;
		}
		return KNOWN_UNSET;
	}
	if (number && at == 0 && !assoc)
		return variable(n, pm->name, ret);
	*ret = likely_variable(n, pm->name, STR_NONE);
	return KNOWN_MAYBE;
}

static bool
is_list(const struct param *pm)
{
	if (pm->indexed)
		return word_is_bare(pm->index, "@") ||
		    word_is_bare(pm->index, "*");
	return str_eqz(pm->name, "@") || str_eqz(pm->name, "*");
}

static enum known
scalar(struct norm *n, const struct param *pm, struct value *ret)
{
	uint64_t at;
	const char c = pm->name.s[0];

	*ret = (struct value){ .count = 0 };
	if (pm->indexed)
		return element(n, pm, ret);
	if (lex_name_start((unsigned char)c))
		return variable(n, pm->name, ret);
	if (num_parse_u64(pm->name, 0, 1000000, &at) == 0)
		return positional(n, at, ret);
	if (c == '#' && !n->args.unknown) {
		char *const t = norm_text(n, 16);
		const int len = t == NULL
		    ? 0
		    : snprintf(t, 16, "%u", (unsigned)n->args.count);

		*ret = value_text(n, str_n(t, (size_t)(len > 0 ? len : 0)));
		return KNOWN_SET;
	}
	*ret = c == '-' ? likely_variable(n, pm->name, STR("hBc"))
			: value_digits(n);
	return KNOWN_SET;
}

/* ---- the forms --------------------------------------------------------- */

static void
add(struct norm *n, struct builder *b, const struct value *v, bool quoted)
{
	if (quoted) {
		b->started = true;
		builder_value(n, b, v);
	} else {
		builder_split(n, b, v);
	}
}

/* Runs what stands in the operand, for it may run. */
static struct str
operand_likely(struct norm *n, const struct word *w)
{
	const struct mark m = state_mark(n);
	const struct value v = expand_value(n, w, false);

	state_blur(n, &m);
	return value_likely(n, &v);
}

/* Whether ${x:-w} and the like see a value. */
static enum known
choice_state(struct norm *n, const struct param *pm, struct value *ret)
{
	const enum known k = scalar(n, pm, ret);

	if (k != KNOWN_SET || !pm->colon)
		return k;
	if (ret->count == 0)
		return KNOWN_UNSET;
	for (uint32_t i = 0; i < ret->count; i++) {
		if (ret->pieces[i].kind != PIECE_UNKNOWN)
			return KNOWN_SET;
	}
	return KNOWN_MAYBE;
}

/* ${x:-w} ${x:=w} ${x:?w} ${x:+w} */
static void
expand_choice(
    struct norm *n, struct builder *b, const struct param *pm, bool quoted)
{
	struct value v;
	const enum known k = choice_state(n, pm, &v);
	const bool alternate = pm->op == PARAM_ALTERNATE;

	if (k == KNOWN_MAYBE) {
		const struct str operand = operand_likely(n, pm->arg);

		v = likely_variable(n, pm->name,
		    pm->op == PARAM_ERROR ? value_likely(n, &v) : operand);
		if (pm->op == PARAM_ASSIGN && !pm->indexed) {
			var_guard(n, pm->name);
			var_maybe(n, pm->name, &v);
		}
		add(n, b, &v, quoted);
	} else if ((k == KNOWN_SET) != alternate) {
		if (!alternate)
			add(n, b, &v, quoted);
		else if (quoted)
			b->started = true;
	} else if (pm->op == PARAM_ASSIGN) {
		v = expand_value(n, pm->arg, true);
		if (!pm->indexed)
			var_fill(n, pm->name, &v);
		else
			var_maybe(n, pm->name, &v);
		add(n, b, &v, quoted);
	} else {
		expand_operand(n, b, pm->arg);
		if (quoted)
			b->started = true;
	}
}

/* ${!x}: the variable that x names. */
static struct value
indirect(struct norm *n, const struct param *pm)
{
	const struct value v = var_value(n, pm->name);
	struct str name;
	bool plain = value_known(n, &v, &name) && name.len > 0 &&
	    lex_name_start((unsigned char)name.s[0]);

	for (size_t i = 0; plain && i < name.len; i++)
		plain = lex_name_char((unsigned char)name.s[i]);
	if (plain)
		return var_value(n, name);
	const struct shell_word w = word_of_value(n, &v);

	part_doubt(n, "${!name} of a text that could run a command", &w);
	return likely_variable(n, pm->name, STR_NONE);
}

/* Lists: $@ $* ${a[@]} ${a[*]}. */
static void
expand_list(
    struct norm *n, struct builder *b, const struct param *pm, bool quoted)
{
	const bool star =
	    pm->indexed ? word_is_bare(pm->index, "*") : str_eqz(pm->name, "*");
	const struct var *const v =
	    pm->indexed ? var_find(n, pm->name, false) : NULL;
	const struct value *items = n->args.items;
	uint32_t count = n->args.count;
	bool known = !n->args.unknown;

	if (pm->indexed) {
		known = v != NULL && v->kind == VAR_LIST && !v->assoc &&
		    var_current(n, v);
		items = known ? v->items : NULL;
		count = known ? v->item_count : 0;
	}
	if (!known || pm->op != PARAM_PLAIN ||
	    (star && (quoted || b->out == NULL) && count > 1)) {
		struct value u = likely_variable(n, pm->name,
		    count > 0 ? value_likely(n, &items[0]) : STR_NONE);

		if (pm->op != PARAM_PLAIN)
			param_touch(n, pm);
		builder_piece(n, b, &u.pieces[0]);
		b->flags |= WORD_SPLIT;
		b->started = b->started || (star && quoted);
		return;
	}
	if (star && quoted)
		b->started = true;
	/* "$x$@" without arguments and with an empty x is no argument. */
	if (!star && quoted && count == 0)
		b->may_vanish = true;
	for (uint32_t i = 0; i < count && norm_step(n); i++) {
		if (i > 0 && b->out != NULL)
			builder_break(n, b);
		else if (i > 0)
			builder_text(n, b, STR(" "), false);
		add(n, b, &items[i], quoted);
	}
}

void
expand_param(
    struct norm *n, struct builder *b, const struct param *pm, bool quoted)
{
	struct value v;

	if (pm->op == PARAM_LENGTH) {
		if (pm->indexed && !is_list(pm))
			(void)element(n, pm, &v);
		v = value_digits(n);
		add(n, b, &v, quoted);
		return;
	}
	if (pm->op == PARAM_NAMES) {
		v = likely_variable(n, pm->name, STR_NONE);
		builder_split(n, b, &v);
		b->flags |= WORD_SPLIT;
		return;
	}
	if (pm->op == PARAM_TRANSFORM && pm->anchor == 'P') {
		v = var_value(n, pm->name);
		const struct shell_word w = word_of_value(n, &v);

		part_doubt(n, "${name@P} runs what it holds", &w);
	}
	if (is_list(pm)) {
		expand_list(n, b, pm, quoted);
		return;
	}
	switch (pm->op) {
	case PARAM_DEFAULT:
	case PARAM_ASSIGN:
	case PARAM_ERROR:
	case PARAM_ALTERNATE:
		expand_choice(n, b, pm, quoted);
		return;
	case PARAM_INDIRECT:
		v = indirect(n, pm);
		break;
	case PARAM_TRANSFORM:
		v = likely_variable(n, pm->name, STR_NONE);
		break;
	case PARAM_PLAIN:
		(void)scalar(n, pm, &v);
		break;
	case PARAM_REMOVE_PREFIX:
	case PARAM_REMOVE_SUFFIX:
	case PARAM_REPLACE:
	case PARAM_UPPER:
	case PARAM_LOWER:
	case PARAM_SLICE: {
		struct value whole;

		(void)scalar(n, pm, &whole);
		v = param_operate(n, pm, &whole);
		break;
	}
	case PARAM_LENGTH:
	case PARAM_NAMES:
		return;
	}
	add(n, b, &v, quoted);
}
