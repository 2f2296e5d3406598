/*
 * Conditions on the command as it was understood.
 * Runs in: every program that judges.  Trusts: nothing.  Owns: nothing.
 */
#include <string.h>

#include "match.h"

static const char *const system_folders[] = { "/bin/", "/sbin/", "/usr/bin/",
	"/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/" };

/* "/usr/bin/git" is git; "./git" only claims to be. */
static bool
is_system_spelling(const struct part_command *cmd)
{
	const size_t slash = str_rfind(cmd->written, '/');
	const struct str folder = str_head(cmd->written, slash + 1);

	if (slash == cmd->written.len)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(system_folders); i++) {
		if (str_eqz(folder, system_folders[i]))
			return true;
	}
	return false;
}

static bool
program_is(
    const struct glob *g, const struct part_command *cmd, struct strictness s)
{
	if (str_find(g->text, '/') < g->text.len)
		return glob_match(g, cmd->written);
	if (s.loosens && !is_system_spelling(cmd))
		return false;
	return glob_match(g, cmd->program) ||
	    (cmd->program.len == 0 && glob_match(g, cmd->written));
}

static enum tri
match_program(const struct globs *want, const struct part_command *cmd,
    struct strictness s)
{
	if (want->count == 0)
		return TRI_YES;
	if (cmd->dynamic)
		return TRI_MAYBE;
	if (cmd->program.len == 0 && cmd->written.len == 0)
		return TRI_NO;
	for (size_t i = 0; i < want->count; i++) {
		if (program_is(&want->v[i], cmd, s))
			return TRI_YES;
	}
	return TRI_NO;
}

static bool
any_unknown_operand(const struct part_command *cmd)
{
	for (size_t i = 0; i < cmd->operand_count; i++) {
		if (cmd->operands[i].unknown)
			return true;
	}
	return cmd->operands_open;
}

/* "remote" also means "remote add", in a rule that tightens. */
static bool
subcommand_is(const struct glob *g, struct str subcommand, struct strictness s)
{
	struct str head = subcommand;

	if (glob_match(g, subcommand))
		return true;
	if (s.loosens)
		return false;
	for (;;) {
		const size_t space = str_rfind(head, ' ');

		if (space == head.len)
			return false;
		head = str_head(head, space);
		if (glob_match(g, head))
			return true;
	}
}

static enum tri
match_subcommand(const struct globs *want, const struct part_command *cmd,
    struct strictness s)
{
	if (want->count == 0)
		return TRI_YES;
	if (cmd->subcommand.len == 0)
		return any_unknown_operand(cmd) || cmd->options_open ? TRI_MAYBE
								     : TRI_NO;
	for (size_t i = 0; i < want->count; i++) {
		if (subcommand_is(&want->v[i], cmd->subcommand, s))
			return TRI_YES;
	}
	return TRI_NO;
}

/* ---- options ----------------------------------------------------------- */

static bool
is_spelling(const struct option_want *w, const struct command_opt *opt)
{
	for (size_t i = 0; i < w->count; i++) {
		if (str_eq(w->names[i], opt->name) ||
		    str_eq(w->names[i], opt->spelt))
			return true;
	}
	return false;
}

/* Of a program that is not described, "-xf" may be -x and -f. */
static bool
may_be_bundled(const struct option_want *w, const struct command_opt *opt)
{
	const struct str spelt = opt->spelt.len > 0 ? opt->spelt : opt->name;

	if (spelt.len < 3 || spelt.s[0] != '-' || spelt.s[1] == '-')
		return false;
	for (size_t i = 0; i < w->count; i++) {
		const struct str name = w->names[i];

		if (name.len == 2 &&
		    str_find(str_from(spelt, 1), name.s[1]) < spelt.len - 1)
			return true;
	}
	return false;
}

static enum tri
option_value(const struct option_want *w, const struct command_opt *opt,
    const struct part_command *cmd)
{
	if (w->value.text.s == NULL)
		return TRI_YES;
	if (opt->unknown_value || (opt->value.s == NULL && !cmd->described))
		return TRI_MAYBE;
	if (opt->value.s == NULL)
		return TRI_NO;
	return glob_match(&w->value, opt->value) ? TRI_YES : TRI_NO;
}

/* Is the option there? */
static enum tri
match_option(const struct option_want *w, const struct part_command *cmd)
{
	enum tri best = cmd->options_open ? TRI_MAYBE : TRI_NO;

	for (size_t i = 0; i < cmd->option_count; i++) {
		const struct command_opt *opt = &cmd->options[i];

		if (is_spelling(w, opt))
			best = tri_max(best, option_value(w, opt, cmd));
		else if (!cmd->described && may_be_bundled(w, opt))
			best = tri_max(best, TRI_MAYBE);
	}
	return best;
}

static enum tri
match_all_options(const struct options_want *w, const struct part_command *cmd)
{
	enum tri all = TRI_YES;

	for (size_t i = 0; i < w->count; i++)
		all = tri_min(all, match_option(&w->v[i], cmd));
	return all;
}

static enum tri
match_some_option(const struct options_want *w, const struct part_command *cmd)
{
	enum tri best = TRI_NO;

	for (size_t i = 0; i < w->count; i++)
		best = tri_max(best, match_option(&w->v[i], cmd));
	return best;
}

/* ---- operands ---------------------------------------------------------- */

static enum tri
operand_is(const struct globs *want, const struct command_operand *op)
{
	if (op->unknown)
		return TRI_MAYBE;
	for (size_t i = 0; i < want->count; i++) {
		if (glob_match(&want->v[i], op->text))
			return TRI_YES;
	}
	return TRI_NO;
}

static enum tri
match_some_operand(const struct globs *want, const struct part_command *cmd)
{
	enum tri best = cmd->operands_open ? TRI_MAYBE : TRI_NO;

	for (size_t i = 0; i < cmd->operand_count; i++)
		best = tri_max(best, operand_is(want, &cmd->operands[i]));
	return best;
}

/* Every operand, and there is one. */
static enum tri
match_every_operand(const struct globs *want, const struct part_command *cmd)
{
	enum tri all = cmd->operands_open ? TRI_MAYBE : TRI_YES;

	if (cmd->operand_count == 0)
		return cmd->operands_open ? TRI_MAYBE : TRI_NO;
	for (size_t i = 0; i < cmd->operand_count; i++)
		all = tri_min(all, operand_is(want, &cmd->operands[i]));
	return all;
}

static enum tri
match_operand_number(
    const struct command_cond *c, const struct part_command *cmd)
{
	const bool some = cmd->operand_count > 0;
	const bool unsure = cmd->operands_open ||
	    (cmd->operand_count == 1 && cmd->operands[0].unknown);

	switch (c->operands) {
	case OPERANDS_ANY:
		return TRI_YES;
	case OPERANDS_NONE:
		return unsure ? TRI_MAYBE : some ? TRI_NO : TRI_YES;
	case OPERANDS_SOME:
		return unsure ? TRI_MAYBE : some ? TRI_YES : TRI_NO;
	}
	return TRI_MAYBE;
}

static enum tri
match_operands(const struct command_cond *c, const struct part_command *cmd)
{
	enum tri t = match_operand_number(c, cmd);

	if (c->any_operand.count > 0)
		t = tri_min(t, match_some_operand(&c->any_operand, cmd));
	if (c->all_operands.count > 0)
		t = tri_min(t, match_every_operand(&c->all_operands, cmd));
	if (c->no_operand.count > 0)
		t = tri_min(
		    t, tri_not(match_some_operand(&c->no_operand, cmd)));
	return t;
}

static bool
is_command(enum tool t)
{
	return t == TOOL_SHELL || t == TOOL_EXEC || t == TOOL_STDIN;
}

enum tri
match_command(const struct command_cond *c, const struct match_input *in,
    struct strictness s)
{
	const struct part_command *cmd = in->cmd;
	enum tri t;

	if (!is_command(cmd->tool))
		return TRI_NO;
	t = match_program(&c->programs, cmd, s);
	if (t != TRI_NO)
		t = tri_min(t, match_subcommand(&c->subcommands, cmd, s));
	if (t != TRI_NO)
		t = tri_min(t, match_all_options(&c->options, cmd));
	if (t != TRI_NO && c->any_option.count > 0)
		t = tri_min(t, match_some_option(&c->any_option, cmd));
	if (t != TRI_NO && c->no_option.count > 0)
		t = tri_min(t, tri_not(match_some_option(&c->no_option, cmd)));
	return t == TRI_NO ? t : tri_min(t, match_operands(c, cmd));
}
