/*
 * What a wrapper starts: words that are a command, or text for a shell.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/wrappers.h"

/* Somewhere else nothing is known about folders and variables. */
static void
go_elsewhere(struct norm *n, unsigned context)
{
	const struct value none = { .count = 0 };

	if ((context & (CONTEXT_REMOTE | CONTEXT_CONTAINER)) == 0)
		return;
	n->dirs = dirs_unknown(n, NULL);
	var_maybe(n, STR("HOME"), &none);
	var_maybe(n, STR("PWD"), &none);
}

const struct dirs *
dirs_moved(struct norm *n, const struct shell_word *w, bool below)
{
	if (!shell_word_known(w) || n->dirs == NULL)
		return dirs_unknown(n, n->dirs);
	return dirs_join(n, w->text, below);
}

static struct frame
inner_push(struct norm *n, uint32_t part, const struct inner *in)
{
	const struct shell_part *const p = part_at(n, part);
	const struct frame saved = frame_push(n, in->context, in->via);

	n->frame.parent = part;
	n->frame.before = saved.before;
	n->frame.after = saved.after;
	n->frame.external = in->external;
	n->frame.no_function = in->no_function;
	n->frame.input = (struct input){
		.kind = p->stdin_kind,
		.shared = saved.input.shared,
		.text = p->stdin_text,
		.first = p->stdin_first,
		.part = p->stdin_part,
	};
	/* A here-document belongs to this command alone. */
	if (p->redir_count > 0 && p->stdin_kind == STDIN_TEXT)
		n->frame.input.shared = false;
	if ((in->context & CONTEXT_INPUT_ARGS) != 0)
		n->frame.input = (struct input){
			.kind = in->no_input ? STDIN_CLOSED : STDIN_OTHER,
			.first = SHELL_NO_PART,
			.part = SHELL_NO_PART,
		};
	return saved;
}

struct inner
inner_of(const struct wrapper *w)
{
	return (struct inner){
		.context = w->context,
		.via = w->name,
		.external = true,
	};
}

void
inner_assigns(struct inner *in, const struct shell_part *p)
{
	in->assigns = p->assigns;
	in->assign_count = p->assign_count;
}

void
inner_run(struct norm *n, uint32_t part, const struct inner *in,
    const struct shell_word *argv, size_t argc)
{
	struct shell_part p = {
		.kind = PART_COMMAND,
		.argv = argv,
		.argc = argc,
		.assigns = in->assigns,
		.assign_count = in->assign_count,
	};
	const struct frame saved = inner_push(n, part, in);
	const struct mark m = state_mark(n);
	struct flow f = { .ok = n->dirs, .fail = n->dirs };

	if (in->moved)
		n->dirs = in->dirs;
	go_elsewhere(n, in->context);
	if (argc > 0)
		f = run_command(n, &p);
	if (in->external)
		state_undo(n, &m);
	else if (n->inner_flow != NULL)
		*n->inner_flow = f;
	frame_pop(n, &saved);
}

void
nested_text(struct norm *n, uint32_t part, const struct shell_word *text,
    enum shell_dialect dialect, const struct inner *in)
{
	const struct frame saved = inner_push(n, part, in);
	const struct mark m = state_mark(n);
	struct value *items = NULL;
	struct positional args = { .count = 0 };

	if (!shell_word_known(text)) {
		part_refuse(n, part, "text for a shell that is not known");
		n->frame.context |= CONTEXT_GUESS;
	}
	if (in->arg_count > 1) {
		items = norm_alloc(n, in->arg_count, sizeof(*items));
		for (size_t i = 1; items != NULL && i < in->arg_count; i++)
			items[i - 1] = value_of_word(&in->args[i]);
		args.items = items;
		args.count = items == NULL ? 0 : (uint32_t)in->arg_count - 1;
	}
	/* $0 alone may be several words, too. */
	for (size_t i = 0; i < in->arg_count; i++)
		args.unknown = args.unknown ||
		    (in->args[i].flags & (WORD_SPLIT | WORD_GLOB)) != 0;
	if (in->moved)
		n->dirs = in->dirs;
	go_elsewhere(n, in->context);
	norm_nested(
	    n, text->text, dialect, &args, in->assigns, in->assign_count);
	state_undo(n, &m);
	frame_pop(n, &saved);
}

void
inner_text(struct norm *n, uint32_t part, const struct inner *in,
    const struct shell_word *argv, size_t argc)
{
	struct shell_word w;
	struct str text;

	if (argc == 0)
		return;
	w = words_join(n, argv, argc, &text) ? word_text(n, text)
					     : word_unknown(n, text);
	nested_text(n, part, &w, SHELL_BASH, in);
}

void
inner_code(struct norm *n, uint32_t part, const char *via, const char *language,
    const struct shell_word *text)
{
	struct shell_part code = {
		.kind = PART_CODE,
		.language = language,
		.code = *text,
	};
	const struct frame saved = frame_push(n, 0, via);

	n->frame.parent = part;
	(void)part_add(n, &code);
	frame_pop(n, &saved);
}

void
runs_stdin(struct norm *n, uint32_t part)
{
	part_at(n, part)->code_from_stdin = true;
	part_refuse(n, part, "it runs what it reads from standard input");
}
