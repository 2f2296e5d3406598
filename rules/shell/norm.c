/*
 * The entry: a script, or words without a shell, to parts.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

#include <string.h>

#include "model/limits.h"

void
norm_refuse(struct norm *n, const char *why, size_t at)
{
	if (n->result->not_understood != NULL)
		return;
	n->result->not_understood = why;
	n->result->offset = at;
}

static void
norm_stop(struct norm *n, const char *why)
{
	norm_refuse(n, why, n->place);
	n->stopped = true;
}

bool
norm_stopped(const struct norm *n)
{
	return n->stopped || n->no_memory;
}

bool
norm_step(struct norm *n)
{
	if (norm_stopped(n))
		return false;
	if (++n->steps > NORM_STEPS_MAX) {
		norm_stop(n, "it does too much to be followed");
		return false;
	}
	return true;
}

void *
norm_alloc(struct norm *n, size_t count, size_t size)
{
	void *const m = arena_array(n->arena, count, size);

	if (m == NULL)
		n->no_memory = true;
	return m;
}

bool
norm_enter(struct norm *n)
{
	if (n->depth >= NORM_DEPTH_MAX) {
		norm_stop(n, "nested too deeply");
		return false;
	}
	n->depth++;
	return true;
}

void
norm_leave(struct norm *n)
{
	n->depth--;
}

void
norm_init(struct norm *n, const struct shell_context *ctx, struct arena *a,
    struct shell_result *ret)
{
	*n = (struct norm){
		.ctx = ctx,
		.arena = a,
		.result = ret,
	};
	*ret = (struct shell_result){ .not_understood = NULL };
	n->frame.parent = SHELL_NO_PART;
	n->frame.input.part = SHELL_NO_PART;
	n->frame.input.first = SHELL_NO_PART;
	if (ctx->stdin_known) {
		n->frame.input.kind = STDIN_TEXT;
		n->frame.input.text = word_text(n, ctx->stdin_text);
	}
	n->dirs = dirs_of(n,
	    ctx->cwd.len > 0 && ctx->cwd.s[0] == '/'
		? path_join(n, STR_NONE, ctx->cwd)
		: STR_NONE);
}

static int
norm_end(struct norm *n, struct err *e)
{
	norm_traps(n);
	norm_uncalled(n);
	if (n->no_memory)
		return err_nomem(e);
	return ERR_OK;
}

int
shell_understand(struct str script, const struct shell_context *ctx,
    struct arena *a, struct shell_result *ret, struct err *e)
{
	struct norm n;

	norm_init(&n, ctx, a, ret);
	n.parts_expected =
	    (uint32_t)(str_head(script, SCRIPT_UNDERSTOOD_MAX).len / 24);
	norm_script(&n, script, ctx->dialect);
	return norm_end(&n, e);
}

int
shell_understand_argv(char *const *argv, size_t argc,
    const struct shell_context *ctx, struct arena *a, struct shell_result *ret,
    struct err *e)
{
	struct norm n;
	struct words ws = { .count = 0 };
	struct shell_part p = { .kind = PART_COMMAND };

	norm_init(&n, ctx, a, ret);
	n.nested = true;
	n.frame.external = true;
	if (argc == 0 || argc > ARGV_WORDS_MAX)
		norm_refuse(&n, argc == 0 ? "no command" : "too many words", 0);
	for (size_t i = 0; i < argc && i < ARGV_WORDS_MAX; i++) {
		struct shell_word w = word_text(&n, str_of(argv[i]));
		size_t at;

		w.flags = WORD_QUOTED;
		if (text_refused(w.text, &at) != NULL && i == 0)
			norm_refuse(
			    &n, "a command's name with hidden characters", 0);
		words_add(&n, &ws, &w);
	}
	p.argv = ws.w;
	p.argc = ws.count;
	if (ws.count > 0)
		(void)run_command(&n, &p);
	return norm_end(&n, e);
}
