/*
 * Does one rule match every call that another matches? Proved from their
 * conditions, or not claimed.
 * Runs in: assent.  Trusts: nothing.  Owns: nothing.
 */
#include "lint.h"

#include <string.h>

static bool
mask_implied(unsigned a, unsigned b)
{
	return b == 0 || (a != 0 && (a & ~b) == 0);
}

/* Everything that the glob a matches, b matches. */
static bool
glob_implied(const struct glob *a, const struct glob *b)
{
	if (str_eq(a->text, b->text))
		return true;
	if (b->style != GLOB_PATH && str_eqz(b->text, "*"))
		return true;
	return a->literal && b->style != GLOB_PATH && glob_match(b, a->text);
}

static bool
globs_implied(const struct globs *a, const struct globs *b)
{
	for (size_t i = 0; i < a->count; i++) {
		bool some = false;

		for (size_t k = 0; k < b->count && !some; k++)
			some = glob_implied(&a->v[i], &b->v[k]);
		if (!some)
			return false;
	}
	return true;
}

/* "One of these": b does not restrict, or a is one of fewer. */
static bool
choice_implied(const struct globs *a, const struct globs *b)
{
	return b->count == 0 || (a->count > 0 && globs_implied(a, b));
}

/* ---- options ----------------------------------------------------------- */

static bool
spelling_in(struct str name, const struct option_want *w)
{
	for (size_t i = 0; i < w->count; i++) {
		if (str_eq(name, w->names[i]))
			return true;
	}
	return false;
}

/* Where the option a is, so is b. */
static bool
option_implied(const struct option_want *a, const struct option_want *b)
{
	if (b->value.text.s != NULL &&
	    (a->value.text.s == NULL || !glob_implied(&a->value, &b->value)))
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (!spelling_in(a->names[i], b))
			return false;
	}
	return true;
}

static bool
some_implies(const struct options_want *list, const struct option_want *b)
{
	for (size_t i = 0; i < list->count; i++) {
		if (option_implied(&list->v[i], b))
			return true;
	}
	return false;
}

static bool
all_options_implied(const struct options_want *a, const struct options_want *b)
{
	for (size_t i = 0; i < b->count; i++) {
		if (!some_implies(a, &b->v[i]))
			return false;
	}
	return true;
}

static bool
option_in(const struct option_want *a, const struct options_want *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (option_implied(a, &list->v[i]))
			return true;
	}
	return false;
}

static bool
any_option_implied(const struct command_cond *a, const struct command_cond *b)
{
	if (b->any_option.count == 0)
		return true;
	for (size_t i = 0; i < a->options.count; i++) {
		if (option_in(&a->options.v[i], &b->any_option))
			return true;
	}
	for (size_t i = 0; i < a->any_option.count; i++) {
		if (!option_in(&a->any_option.v[i], &b->any_option))
			return false;
	}
	return a->any_option.count > 0;
}

/* ---- commands ---------------------------------------------------------- */

/* In a rule that tightens, "remote" also means "remote add". */
static bool
subcommand_implied(const struct glob *a, const struct glob *b, bool prefix)
{
	if (glob_implied(a, b))
		return true;
	return prefix && a->literal && b->literal &&
	    str_starts(a->text, b->text) && a->text.len > b->text.len &&
	    a->text.s[b->text.len] == ' ';
}

static bool
subcommands_implied(const struct globs *a, const struct globs *b, bool prefix)
{
	if (b->count == 0)
		return true;
	for (size_t i = 0; i < a->count; i++) {
		bool some = false;

		for (size_t k = 0; k < b->count && !some; k++)
			some = subcommand_implied(&a->v[i], &b->v[k], prefix);
		if (!some)
			return false;
	}
	return a->count > 0;
}

static bool
operands_implied(const struct command_cond *a, const struct command_cond *b)
{
	const bool has_some = a->any_operand.count > 0 ||
	    a->all_operands.count > 0 || a->operands == OPERANDS_SOME;

	if (b->operands == OPERANDS_NONE && a->operands != OPERANDS_NONE)
		return false;
	if (b->operands == OPERANDS_SOME && !has_some)
		return false;
	return (choice_implied(&a->any_operand, &b->any_operand) ||
		   (a->all_operands.count > 0 &&
		       globs_implied(&a->all_operands, &b->any_operand))) &&
	    choice_implied(&a->all_operands, &b->all_operands) &&
	    globs_implied(&b->no_operand, &a->no_operand);
}

static bool
command_implied(
    const struct command_cond *a, const struct command_cond *b, bool prefix)
{
	if (b == NULL)
		return true;
	return a != NULL && choice_implied(&a->programs, &b->programs) &&
	    subcommands_implied(&a->subcommands, &b->subcommands, prefix) &&
	    all_options_implied(&a->options, &b->options) &&
	    any_option_implied(a, b) &&
	    all_options_implied(&a->no_option, &b->no_option) &&
	    operands_implied(a, b);
}

/* ---- effects ----------------------------------------------------------- */

static bool
target_implied(const struct target *a, const struct target *b)
{
	if (b->kind == TARGET_ANY)
		return true;
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case TARGET_ANY:
	case TARGET_UNKNOWN_HOST:
		return true;
	case TARGET_PATH_CLASS:
		return a->path_class == b->path_class;
	case TARGET_CODE_CLASS:
		return a->code_class == b->code_class;
	case TARGET_PATH:
	case TARGET_HOST:
	case TARGET_TEXT:
		return glob_implied(&a->glob, &b->glob);
	}
	return false;
}

static bool
want_has(const struct effects_want *b, unsigned kind, const struct target *t)
{
	for (size_t i = 0; i < b->count; i++) {
		if (b->v[i].kind != kind &&
		    (b->v[i].kind != EFFECT_ANY || kind == EFFECT_START))
			continue;
		for (size_t k = 0; k < b->v[i].count; k++) {
			if (target_implied(t, &b->v[i].targets[k]))
				return true;
		}
	}
	return false;
}

bool
effects_implied(const struct effects_want *a, const struct effects_want *b)
{
	for (size_t i = 0; i < a->count; i++) {
		for (size_t k = 0; k < a->v[i].count; k++) {
			if (!want_has(b, a->v[i].kind, &a->v[i].targets[k]))
				return false;
		}
	}
	return true;
}

/* ---- the rest ---------------------------------------------------------- */

static bool
regex_implied(const struct regex *a, const struct regex *b)
{
	if (b == NULL)
		return true;
	return a != NULL && str_eq(regex_pattern(a), regex_pattern(b)) &&
	    (regex_is_whole(a) || !regex_is_whole(b));
}

static bool
users_implied(const struct users *a, const struct users *b)
{
	for (size_t i = 0; i < a->count; i++) {
		bool some = false;

		for (size_t k = 0; k < b->count; k++)
			some = some || a->v[i] == b->v[k];
		if (!some && b->count > 0)
			return false;
	}
	return b->count == 0 || a->count > 0;
}

static bool
arg_implied(const struct mcp_cond *a, const struct arg_want *b)
{
	for (size_t i = 0; i < a->args.count; i++) {
		const struct arg_want *x = &a->args.v[i];

		if (str_eq(x->pointer, b->pointer) && x->absent == b->absent &&
		    choice_implied(&x->values, &b->values) &&
		    regex_implied(x->regex, b->regex))
			return true;
	}
	return false;
}

static bool
mcp_implied(const struct mcp_cond *a, const struct mcp_cond *b)
{
	if (b == NULL)
		return true;
	if (a == NULL || !choice_implied(&a->servers, &b->servers) ||
	    !choice_implied(&a->tools, &b->tools))
		return false;
	for (size_t i = 0; i < b->args.count; i++) {
		if (!arg_implied(a, &b->args.v[i]))
			return false;
	}
	return true;
}

static bool
cond_implied(const struct cond *a, const struct cond *b, bool prefix)
{
	if (b->not_understood != UNDERSTOOD_ANY &&
	    a->not_understood != b->not_understood)
		return false;
	if (b->effects.count > 0 &&
	    (a->effects.count == 0 ||
		!effects_implied(&a->effects, &b->effects)))
		return false;
	return mask_implied(a->tools, b->tools) &&
	    mask_implied(a->policies, b->policies) &&
	    mask_implied(a->executors, b->executors) &&
	    command_implied(a->command, b->command, prefix) &&
	    regex_implied(a->regex, b->regex) &&
	    choice_implied(&a->paths, &b->paths) &&
	    choice_implied(&a->hosts, &b->hosts) &&
	    mcp_implied(a->mcp, b->mcp) &&
	    choice_implied(&a->agents, &b->agents) &&
	    choice_implied(&a->sessions, &b->sessions) &&
	    users_implied(&a->users, &b->users);
}

bool
rule_implies(const struct rule *a, const struct rule *b)
{
	const bool b_loosens =
	    b->decision == DECISION_ALLOW || b->covers.count > 0;
	const bool a_loosens =
	    a->decision == DECISION_ALLOW || a->covers.count > 0;

	/* Rules that loosen match less of what they say; one that allows
	 * also leaves out what was not understood. */
	if ((b_loosens && !a_loosens) ||
	    (b->decision == DECISION_ALLOW && a->decision != DECISION_ALLOW))
		return false;
	if (b->unless.count > 0 || b->rollout != NULL ||
	    b->expires_real_ns != 0 || b->mode != MODE_ENFORCE || b->disabled)
		return false;
	return cond_implied(&a->when, &b->when, !b_loosens);
}
