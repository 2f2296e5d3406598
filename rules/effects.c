/*
 * What an action does: its tool, then its parts, then their effects.
 * Runs in: engine, assent.  Trusts: nothing in the action.
 * Owns: nothing; all in the arena.
 */
#include "effects.h"

#include "effects_int.h"
#include "effects_script.h"
#include "effects_tools.h"
#include "hosts.h"

#define DISPLAY_BYTES_MAX ((size_t)2 << 20)

/* ---- shell, exec, stdin ------------------------------------------------ */

/* A program is a shell by its name only where the system keeps its own: any
 * other file of that name does what it wants with the text. */
static const char *
shell_name(const char *shell)
{
	static const char *const folders[] = { "/bin/", "/usr/bin/",
		"/usr/local/bin/" };

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		if (strncmp(shell, folders[i], strlen(folders[i])) == 0)
			return shell + strlen(folders[i]);
	}
	return shell;
}

static enum shell_dialect
dialect_of(const char *shell)
{
	const char *base = shell == NULL ? "bash" : shell_name(shell);

	if (strcmp(base, "bash") == 0)
		return SHELL_BASH;
	if (strcmp(base, "sh") == 0 || strcmp(base, "dash") == 0)
		return SHELL_POSIX;
	return SHELL_OTHER;
}

static struct script_options
options_of(struct run *run)
{
	const struct proposal *p = &run->action->proposal;
	struct script_options o = { .via = NULL };

	o.shell.cwd = str_of(p->cwd);
	o.shell.home = str_of(run->action->proposer.home);
	o.shell.dialect = dialect_of(p->input.shell);
	if (p->input.stdin_text != NULL) {
		o.shell.stdin_known = true;
		o.shell.stdin_text = str_of(p->input.stdin_text);
	}
	return o;
}

/* Variables that the action sets: as if written before the command. */
static int
env_part(struct run *run, struct shell_context *ctx)
{
	const struct tool_input *in = &run->action->proposal.input;
	struct shell_env *env;

	if (in->env_count == 0)
		return ERR_OK;
	env = arena_array(run->arena, in->env_count, sizeof(*env));
	if (env == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < in->env_count; i++)
		env[i] = (struct shell_env){ .name = str_of(in->env[i].name),
			.value = str_of(in->env[i].value) };
	ctx->env = env;
	ctx->env_count = in->env_count;
	return tools_env(run);
}

static int
judge_shell_tool(struct run *run)
{
	const struct tool_input *in = &run->action->proposal.input;
	struct script_options o = options_of(run);
	int r = env_part(run, &o.shell);

	if (r != ERR_OK)
		return r;
	if (run->action->proposal.tool == TOOL_EXEC)
		return script_judge_argv(run, in->argv, in->argc, &o);
	/* Only comments, conditions and the like: understood, and nothing. */
	run->empty_ok = true;
	return script_judge(run, str_of(in->script), &o);
}

/* Text for a program that runs already: a command, as far as one can tell;
 * where it runs is not known. */
static int
judge_stdin_tool(struct run *run)
{
	struct str text;
	struct script_options o = options_of(run);

	o.shell.cwd = STR_NONE;
	o.shell.stdin_known = false;
	o.via = "text for a running program";
	text = str_of(run->action->proposal.input.stdin_text);
	/* A last Ctrl-D is the end of input and no part of a command. */
	if (text.len > 0 && text.s[text.len - 1] == '\004')
		text.len--;
	/* An empty line may be somebody's "yes": that is not nothing. */
	run->empty_ok = text.len == 0;
	return script_judge(run, text, &o);
}

static int
judge_action(struct run *run)
{
	switch (run->action->proposal.tool) {
	case TOOL_SHELL:
	case TOOL_EXEC:
		return judge_shell_tool(run);
	case TOOL_STDIN:
		return judge_stdin_tool(run);
	case TOOL_FILE:
		return tools_file(run);
	case TOOL_FETCH:
		return tools_fetch(run);
	case TOOL_MCP:
		return tools_mcp(run);
	case TOOL_PERMISSION:
		return tools_permission(run);
	case TOOL_INVALID:
		break;
	}
	return ERR_OK;
}

/* ---- the whole --------------------------------------------------------- */

static bool
connects_away(const struct part *p)
{
	for (size_t i = 0; i < p->effect_count; i++) {
		const struct effect *f = &p->effects[i];

		if (f->kind == EFFECT_CONNECT &&
		    !(f->target != NULL && host_is_loopback(str_of(f->target))))
			return true;
	}
	return false;
}

static int
append_effect(struct run *run, struct part *p, const struct effect *f)
{
	struct effect *next =
	    arena_array(run->arena, p->effect_count + 1, sizeof(*next));

	if (next == NULL)
		return ERR_NOMEM;
	if (p->effect_count > 0)
		memcpy(next, p->effects, p->effect_count * sizeof(*next));
	next[p->effect_count] = *f;
	p->effects = next;
	p->effect_count++;
	return ERR_OK;
}

/* A secret read anywhere in an action that also connects may leave by it:
 * files, variables and processes carry data that pipes do not show. */
static int
note_leaks(struct run *run)
{
	const struct effect leak = { .kind = EFFECT_REMOTE_STATE,
		.path_class = PATH_SECRET,
		.target = "send secret",
		.why = "the same action reads a secret and connects" };
	int r = ERR_OK;

	if ((run->flow_all & FLOW_SECRET) == 0)
		return ERR_OK;
	for (size_t i = 0; i < run->count && r == ERR_OK; i++) {
		if (connects_away(&run->parts[i]))
			r = append_effect(run, &run->parts[i], &leak);
	}
	return r;
}

/* There is always a part, and a limit that was passed shows in one. */
static int
note_limits(struct run *run)
{
	const char *why = run->overflow
	    ? "it has more parts than are judged"
	    : "there is nothing in it that can be judged";
	struct effect *f;
	struct part part = { .text = "(the whole action)" };
	struct part_command command = { .tool = run->action->proposal.tool };

	if (run->count > 0 && !run->overflow)
		return ERR_OK;
	f = arena_alloc(run->arena, sizeof(*f));
	if (f == NULL)
		return ERR_NOMEM;
	*f = (struct effect){ .kind = EFFECT_UNKNOWN, .why = why };
	part.effects = f;
	part.effect_count = 1;
	part.not_understood = run->overflow ? why : NULL;
	if (run->count == 0 && !run->overflow && run->empty_ok) {
		part.text = "(nothing)";
		part.effect_count = 0;
	}
	if (run->count >= PARTS_MAX)
		run->count = PARTS_MAX - 1;
	return run_add_part(run, &part, &command);
}

static void
put_argv(struct buf *b, const struct tool_input *in)
{
	for (size_t i = 0; i < in->argc; i++) {
		if (i > 0)
			buf_putc(b, ' ');
		buf_puts(b, in->argv[i]);
	}
}

static const char *
display_of(struct run *run)
{
	AUTO_BUF struct buf b = BUF_INIT(DISPLAY_BYTES_MAX);
	const struct tool_input *in = &run->action->proposal.input;
	struct str shown;
	char *copy;

	switch (run->action->proposal.tool) {
	case TOOL_SHELL:
		buf_puts(&b, in->script == NULL ? "" : in->script);
		break;
	case TOOL_EXEC:
		put_argv(&b, in);
		break;
	case TOOL_STDIN:
		buf_puts(&b, in->stdin_text == NULL ? "" : in->stdin_text);
		break;
	case TOOL_FILE:
	case TOOL_FETCH:
	case TOOL_MCP:
	case TOOL_PERMISSION:
	case TOOL_INVALID:
		for (size_t i = 0; i < run->count; i++)
			buf_printf(
			    &b, "%s%s", i > 0 ? "\n" : "", run->parts[i].text);
		break;
	}
	if (b.failed != 0)
		return "(too long to show)";
	shown = secrets_mask(run->arena, buf_str(&b));
	copy = arena_strndup(
	    run->arena, shown.s == NULL ? "" : shown.s, shown.len);
	return copy == NULL ? "" : copy;
}

static const char *
real_path(struct run *run, const char *path)
{
	AUTO_BUF struct buf b = BUF_INIT(2 * PATH_BYTES_MAX);
	char *copy;

	if (path == NULL || path_follow(path, &b, NULL) != ERR_OK)
		return path;
	copy = arena_strndup(run->arena, b.s, b.len);
	return copy == NULL ? path : copy;
}

/* Links are followed where the action is about to be done on this machine;
 * what is only asked about is judged by its names. */
static void
follow_links(struct run *run)
{
	const struct action *a = run->action;

	run->follow =
	    a->proposal.execute || a->proposal.executor == EXECUTOR_CLIENT;
	if (!run->follow)
		return;
	run->real_workspace = real_path(run, a->proposal.workspace);
	run->real_home = real_path(run, a->proposer.home);
}

int
effects_of(const struct programs *p, const struct action *a,
    struct arena *arena, struct effects *ret, struct err *e)
{
	struct run *run = arena_alloc(arena, sizeof(*run));
	int r;

	if (run == NULL)
		return err_nomem(e);
	run->programs = p;
	run->action = a;
	run->arena = arena;
	follow_links(run);
	r = judge_action(run);
	if (r == ERR_LIMIT) {
		run->overflow = true;
		r = ERR_OK;
	}
	if (r == ERR_OK)
		r = note_leaks(run);
	if (r == ERR_OK)
		r = note_limits(run);
	if (r != ERR_OK || arena_failed(arena))
		return err_nomem(e);
	for (size_t i = 0; i < run->count; i++)
		run->commands[i].tool = a->proposal.tool;
	*ret = (struct effects){
		.parts = run->parts,
		.commands = run->commands,
		.count = run->count,
		.display = display_of(run),
	};
	return ERR_OK;
}
