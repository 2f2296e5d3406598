/*
 * From an action to a sandbox plan.
 * Runs in: engine.  Trusts: the kernel's word on the proposer, the rules'
 * word on the profile; nothing else in the action.
 * Owns: nothing.
 */
#include "executor/action_plan.h"

#include <stdio.h>
#include <string.h>

#include "executor/action_credentials.h"
#include "base/text.h"
#include "model/requirements.h"

#define SHELL_DEFAULT "/bin/bash"

static const char *const env_base[] = {
	"LANG=C.UTF-8",
	"TERM=dumb",
	"NO_COLOR=1",
	"SHELL=/bin/bash",
	"GIT_TERMINAL_PROMPT=0",
};

static int
set_argv(const struct action *a, struct arena *arena, struct plan_options *o,
    struct err *e)
{
	const struct tool_input *in = &a->proposal.input;
	const char **argv;

	if (a->proposal.tool == TOOL_EXEC) {
		o->argv = (const char *const *)in->argv;
		o->argc = in->argc;
		return ERR_OK;
	}
	argv = arena_array(arena, 4, sizeof(*argv));
	if (argv == NULL)
		return err_nomem(e);
	argv[0] = in->shell == NULL ? SHELL_DEFAULT : in->shell;
	argv[1] = "-c";
	argv[2] = in->script;
	o->argv = argv;
	o->argc = 3;
	return in->script != NULL
	    ? ERR_OK
	    : err_set(e, ERR_INVALID, "there is no script to run");
}

static int
set_env(const struct action *a, struct arena *arena, struct plan_options *o,
    const struct plan_strings *more, struct err *e)
{
	const struct tool_input *in = &a->proposal.input;
	const size_t base = ARRAY_LEN(env_base);
	const char **env = arena_array(
	    arena, in->env_count + base + more->count + 2, sizeof(*env));

	if (env == NULL)
		return err_nomem(e);
	/* What was approved with the action comes first and wins. */
	for (size_t i = 0; i < in->env_count; i++) {
		AUTO_BUF struct buf b = BUF_INIT(ACTION_BYTES_MAX);

		buf_printf(&b, "%s=%s", in->env[i].name, in->env[i].value);
		env[i] = arena_strndup(arena, buf_cstr(&b), b.len);
		if (b.failed != 0 || env[i] == NULL)
			return err_nomem(e);
	}
	memcpy(env + in->env_count, env_base, sizeof(env_base));
	if (more->count > 0)
		memcpy(env + in->env_count + base, more->items,
		    more->count * sizeof(*env));
	o->set_env = env;
	o->set_env_count = in->env_count + base + more->count;
	if (o->tty)
		env[o->set_env_count++] = "TERM=xterm";
	return ERR_OK;
}

static int
set_profile(const struct action *a, const struct profile_set *profiles,
    struct plan_options *o, struct err *e)
{
	const struct execution_profile *p = &a->classification.profile;
	const char *name = p->name != NULL ? p->name : a->proposal.profile;
	const int r = profile_set_get(profiles, name, &o->profile, e);

	if (r != 0)
		return r;
	if (o->profile->unconfined)
		return err_set(e, ERR_DENIED,
		    "the profile '%s' has no sandbox, and assent runs nothing "
		    "without one",
		    name);
	o->network = p->online;
	o->hosts = (const char *const *)p->hosts;
	o->host_count = p->host_count;
	o->rules_denied = p->denied;
	o->rules_denied_count = p->denied_count;
	o->can_ask = true;
	o->write = p->write;
	o->write_count = p->write_count;
	o->read = p->read;
	o->read_count = p->read_count;
	return ERR_OK;
}

/* What was seen when somebody was asked, and what must still be so. */
static int
set_pins(const struct action *a, struct arena *arena, struct plan_options *o,
    struct err *e)
{
	struct plan_pin *pins =
	    arena_array(arena, a->operand_count + 1, sizeof(*pins));

	if (pins == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < a->operand_count; i++) {
		const struct operand *from = &a->operands[i];
		struct plan_pin *to = &pins[o->pin_count];

		if (from->state == OPERAND_UNREADABLE)
			return err_set(e, ERR_DENIED, "'%s' cannot be run: %s",
			    from->named,
			    from->why == NULL ? "it cannot be read"
					      : from->why);
		if (from->state != OPERAND_FILE &&
		    from->state != OPERAND_ABSENT &&
		    from->state != OPERAND_TREE)
			continue;
		to->kind = from->state == OPERAND_ABSENT ? PIN_ABSENT
		    : from->state == OPERAND_TREE        ? PIN_TREE
		    : from->frozen                       ? PIN_FROZEN
							 : PIN_CHECKED;
		to->path = from->path;
		if (strcmp(from->path, from->named) != 0)
			to->named = from->named;
		memcpy(to->sha256, from->sha256, SHA256_LEN);
		o->pin_count++;
	}
	o->pins = pins;
	return ERR_OK;
}

static enum plan_edit_op
edit_op(enum edit_op op)
{
	switch (op) {
	case EDIT_CREATE:
		return PLAN_EDIT_CREATE;
	case EDIT_REPLACE:
		return PLAN_EDIT_REPLACE;
	case EDIT_PATCH:
		return PLAN_EDIT_PATCH;
	case EDIT_DELETE:
		return PLAN_EDIT_DELETE;
	case EDIT_MOVE:
		return PLAN_EDIT_MOVE;
	case EDIT_INVALID:
		break;
	}
	return PLAN_EDIT_INVALID;
}

static int
set_edits(const struct action *a, struct arena *arena, struct plan_options *o,
    struct err *e)
{
	const struct tool_input *in = &a->proposal.input;
	struct plan_edit *edits =
	    arena_array(arena, in->edit_count + 1, sizeof(*edits));

	if (edits == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < in->edit_count; i++) {
		const struct edit *from = &in->edits[i];

		edits[i] = (struct plan_edit){
			.op = edit_op(from->op),
			.path = from->path,
			.to = from->to,
			.content =
			    str_of(from->op == EDIT_PATCH ? from->patch
							  : from->content),
			.has_sha256 = from->sha256 != NULL,
		};
		if (from->sha256 != NULL &&
		    text_unhex(
			str_of(from->sha256), edits[i].sha256, SHA256_LEN) != 0)
			return err_set(e, ERR_INVALID,
			    "the sha256 of '%s' is not 64 hex digits",
			    from->path);
	}
	o->edits = edits;
	o->edit_count = in->edit_count;
	return in->edit_count > 0
	    ? ERR_OK
	    : err_set(e, ERR_INVALID, "there are no edits to apply");
}

static int
set_tool(const struct action *a, struct arena *arena, struct plan_options *o,
    struct err *e)
{
	switch (a->proposal.tool) {
	case TOOL_SHELL:
	case TOOL_EXEC:
		return set_argv(a, arena, o, e);
	case TOOL_FILE:
		return set_edits(a, arena, o, e);
	case TOOL_FETCH:
		return action_fetch(a, arena, o, e);
	case TOOL_STDIN:
	case TOOL_MCP:
	case TOOL_PERMISSION:
	case TOOL_INVALID:
		break;
	}
	return err_set(e, ERR_INVALID, "'%s' is not run in the sandbox",
	    tool_name(a->proposal.tool));
}

void
action_plan_deny(const struct config *c, struct plan_options *o)
{
	const struct config_requirement *q = c == NULL
	    ? NULL
	    : requirement_find(&c->ceiling, "hosts", REQUIREMENT_DENIED);

	if (q == NULL)
		return;
	o->denied = q->values.items;
	o->denied_count = q->values.count;
}

void
action_plan_records(const struct config *c, struct plan_options *o)
{
	switch (c == NULL ? SANDBOX_AUDIT_AUTO : c->sandbox_audit) {
	case SANDBOX_AUDIT_ON:
		o->records = PLAN_RECORDS_ON;
		break;
	case SANDBOX_AUDIT_AUTO:
		o->records = PLAN_RECORDS_AUTO;
		break;
	case SANDBOX_AUDIT_OFF:
	case SANDBOX_AUDIT_INVALID:
		o->records = PLAN_RECORDS_OFF;
		break;
	}
}

static int
set_who(const struct action *a, const struct action_plan_with *with,
    struct plan_options *o, struct elevate_choice *ret, struct err *e)
{
	const struct elevate_asked asked = {
		.proposer = &a->proposer,
		.session = a->proposal.session,
		.profile = o->profile,
	};
	const int r =
	    elevation_choose(with->elevation, &asked, with->busy, ret, e);

	if (r == 0)
		o->who = ret->who;
	return r;
}

int
action_plan(const struct action *a, const struct action_plan_with *with,
    struct arena *arena, struct plan **ret, struct elevate_choice *ret_who,
    struct err *e)
{
	struct plan_strings credentials = { .count = 0 };
	const struct proposal *p = &a->proposal;
	struct plan_options o = {
		.workspace = p->workspace,
		.home = a->proposer.home,
		.cwd = p->cwd,
		.wall_ms = p->input.timeout_ms,
		.overlay = p->overlay,
		.tty = p->tty,
	};
	int r;

	if (p->workspace == NULL)
		return err_set(e, ERR_INVALID, "the action has no workspace");
	if (p->input.stdin_text != NULL) {
		o.has_stdin = true;
		o.stdin_text = str_of(p->input.stdin_text);
	}
	action_plan_deny(with->config, &o);
	action_plan_records(with->config, &o);
	r = set_profile(a, with->profiles, &o, e);
	if (r == 0)
		r = set_who(a, with, &o, ret_who, e);
	if (r == 0)
		r = set_tool(a, arena, &o, e);
	if (r == 0)
		r = action_credentials(
		    a, with->config, arena, &o, &credentials, e);
	if (r == 0)
		r = set_env(a, arena, &o, &credentials, e);
	if (r == 0)
		r = set_pins(a, arena, &o, e);
	return r == 0 ? plan_make(&o, arena, ret, e) : r;
}
