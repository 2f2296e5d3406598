/*
 * Any bytes as a shell script: followed to its parts, which are printed; what
 * the header promises about them must hold.
 * Runs in: the fuzzer and its replay.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/shell.h"

#include <assert.h>
#include <stdint.h>

#include "model/limits.h"

#define PRINTED_MAX ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_word(const struct shell_word *w)
{
	bool all_text = true;

	for (size_t i = 0; i < w->piece_count; i++) {
		assert(w->pieces[i].kind != PIECE_INVALID);
		all_text = all_text && w->pieces[i].kind == PIECE_TEXT;
	}
	assert(all_text || (w->flags & WORD_DYNAMIC) != 0);
	/* A known word is its one text, or empty. */
	if (shell_word_known(w))
		assert(w->piece_count <= 1);
}

static void
check_part(const struct shell_result *r, size_t i, size_t size)
{
	const struct shell_part *const p = &r->parts[i];

	assert(p->kind != PART_INVALID);
	assert(p->start <= p->end && p->end <= size);
	assert(p->parent == SHELL_NO_PART || p->parent < i);
	assert(p->stdin_part == SHELL_NO_PART || p->stdin_part < i);
	assert(
	    p->stdout_part == SHELL_NO_PART || p->stdout_part < r->part_count);
	assert(p->cwd_count > 0 || p->cwd_unknown);
	for (size_t k = 0; k < p->cwd_count; k++)
		assert(p->cwds[k].len > 0 && p->cwds[k].s[0] == '/');
	for (size_t k = 0; k < p->argc; k++)
		check_word(&p->argv[k]);
	for (size_t k = 0; k < p->redir_count; k++)
		check_word(&p->redirs[k].target);
	for (size_t k = 0; k < p->assign_count; k++)
		check_word(&p->assigns[k].value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct shell_context context = {
		.cwd = { .s = "/work", .len = 5 },
		.home = { .s = "/home/dev", .len = 9 },
	};
	AUTO(arena_freep) struct arena *a = arena_new(ACTION_ARENA_MAX);
	AUTO_BUF struct buf out = BUF_INIT(PRINTED_MAX);
	struct shell_result r;

	if (size > SCRIPT_BYTES_MAX ||
	    shell_understand(
		str_n((const char *)data, size), &context, a, &r, NULL) != 0)
		return 0;
	for (size_t i = 0; i < r.part_count; i++)
		check_part(&r, i, size);
	shell_result_print(&out, &r);
	return 0;
}
