/*
 * Which condition keeps a rule from matching: for explain and for tests.
 * Runs in: assent.  Trusts: nothing.  Owns: nothing.
 *
 * Each condition is tried alone, by the same code that judges.
 */
#include "match.h"

#include <stdio.h>
#include <string.h>

struct field {
	const char *key;
	size_t offset, size;
};

#define FIELD(type, key_, member)                                              \
	{                                                                      \
		key_, offsetof(struct type, member),                           \
		    sizeof(((struct type *)0)->member)                         \
	}

static const struct field cond_fields[] = {
	FIELD(cond, "tool", tools),
	FIELD(cond, "policy", policies),
	FIELD(cond, "executor", executors),
	FIELD(cond, "user", users),
	FIELD(cond, "not_understood", not_understood),
	FIELD(cond, "agent", agents),
	FIELD(cond, "session", sessions),
	FIELD(cond, "command", command),
	FIELD(cond, "mcp", mcp),
	FIELD(cond, "regex", regex),
	FIELD(cond, "effects", effects),
	FIELD(cond, "path", paths),
	FIELD(cond, "host", hosts),
};

static const struct field command_fields[] = {
	FIELD(command_cond, "command.program", programs),
	FIELD(command_cond, "command.subcommand", subcommands),
	FIELD(command_cond, "command.options", options),
	FIELD(command_cond, "command.any_option", any_option),
	FIELD(command_cond, "command.no_option", no_option),
	FIELD(command_cond, "command.operands", operands),
	FIELD(command_cond, "command.any_operand", any_operand),
	FIELD(command_cond, "command.all_operands", all_operands),
	FIELD(command_cond, "command.no_operand", no_operand),
};

static enum tri
cond_alone(
    const struct cond *c, const struct match_input *in, struct strictness s)
{
	struct slots hits = { 0 }, sure = { 0 };

	return match_cond(c, in, s, &hits, &sure);
}

/* The key below "command" that says less than yes. */
static const char *
why_not_command(const struct cond *c, const struct match_input *in,
    struct strictness s, enum tri wanted)
{
	for (size_t i = 0; i < ARRAY_LEN(command_fields); i++) {
		const struct field *f = &command_fields[i];
		struct command_cond command = { 0 };
		struct cond one = { .command = &command };

		memcpy((char *)&command + f->offset,
		    (const char *)c->command + f->offset, f->size);
		if (cond_alone(&one, in, s) <= wanted)
			return f->key;
	}
	return "command";
}

static const char *
why_not_cond(const struct cond *c, const struct match_input *in,
    struct strictness s, enum tri wanted)
{
	for (size_t i = 0; i < ARRAY_LEN(cond_fields); i++) {
		const struct field *f = &cond_fields[i];
		struct cond one = { 0 };

		memcpy((char *)&one + f->offset, (const char *)c + f->offset,
		    f->size);
		if (cond_alone(&one, in, s) > wanted)
			continue;
		if (one.command != NULL)
			return why_not_command(&one, in, s, wanted);
		return f->key;
	}
	return NULL;
}

const char *
rule_why_not(const struct rule *r, const struct match_input *in)
{
	const bool loosens =
	    r->decision == DECISION_ALLOW || r->covers.count > 0;
	const struct strictness s = { .loosens = loosens,
		.pack = r->layer == LAYER_PACK };
	struct slots hits;
	const char *key;
	const enum tri t = rule_match(r, in, &hits);

	if (t == TRI_YES)
		return NULL;
	if (r->mode == MODE_OFF)
		return "mode";
	if (r->disabled)
		return "disable";
	if (r->decision == DECISION_ALLOW && in->part->not_understood != NULL)
		return "not_understood";
	key = why_not_cond(&r->when, in, s, t);
	if (key != NULL)
		return key;
	if (rule_is_over(r, in->action))
		return "expires";
	if (!rule_in_rollout(r, in->action))
		return "rollout";
	return r->unless.count > 0 ? "unless" : "covers";
}
