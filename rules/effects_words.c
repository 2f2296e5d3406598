/*
 * The words of a command, noted for the conditions of rules.
 * Runs in: every program that judges.  Trusts: nothing.  Owns: nothing;
 * results are in the judge's arena.
 */
#include "effects_int.h"

void
words_note_operand(struct judge *j, const struct shell_word *word)
{
	struct part_command *c = j->command;

	if (c->operands == NULL)
		c->operands = arena_array(
		    j->arena, j->shell->argc + 1, sizeof(*c->operands));
	if (c->operands == NULL || c->operand_count > j->shell->argc) {
		c->operands_open = true;
		return;
	}
	c->operands[c->operand_count++] = (struct command_operand){
		.text = secrets_mask(j->arena, word->text),
		.unknown = !shell_word_known(word),
	};
}

/* "--name=value" is an option and its value; other options have none that
 * could be told from an operand. */
static void
note_option(struct judge *j, const struct shell_word *word)
{
	struct part_command *c = j->command;
	const size_t eq = str_find(word->text, '=');
	struct command_opt *opt;

	if (c->options == NULL)
		c->options = arena_array(
		    j->arena, j->shell->argc + 1, sizeof(*c->options));
	if (c->options == NULL || c->option_count > j->shell->argc) {
		c->options_open = true;
		return;
	}
	opt = &c->options[c->option_count++];
	opt->name = opt->spelt = str_head(word->text, eq);
	if (eq < word->text.len)
		opt->value =
		    secrets_mask(j->arena, str_from(word->text, eq + 1));
	opt->unknown_value = !shell_word_known(word);
}

void
words_note_all(struct judge *j)
{
	struct part_command *c = j->command;
	bool options_end = false;

	for (size_t i = 1; i < j->shell->argc; i++) {
		const struct shell_word *w = &j->shell->argv[i];

		if ((w->flags & (WORD_SPLIT | WORD_GLOB)) != 0)
			c->operands_open = true;
		if (!options_end && shell_word_is(w, "--")) {
			options_end = true;
			continue;
		}
		if (!options_end && w->text.len > 1 && w->text.s[0] == '-') {
			note_option(j, w);
			continue;
		}
		if (!options_end && !shell_word_known(w) &&
		    shell_word_may_be_option(w))
			c->options_open = true;
		if (i == 1 && c->subcommand.len > 0)
			continue;
		words_note_operand(j, w);
	}
}
