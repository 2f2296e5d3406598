#ifndef TEST_SHELL_SKETCH_H
#define TEST_SHELL_SKETCH_H
/*
 * A script's parts as one text, for tables: a part a line, after a letter
 * (c command, w wrapper, a assignment, r redirection, k code), "~" when it is
 * only a guess, "@DIR" when it does not run in /w, and "!" with the reason
 * when it is not understood.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/limits.h"
#include "shell/shell.h"

#define SKETCH_MAX ((size_t)1 << 20)

struct sketch_case {
	const char *script, *expected;
};

static inline void
sketch_part(struct buf *out, const struct shell_part *p)
{
	static const char letters[] = "?cwark";

	buf_putc(out, letters[p->kind]);
	if ((p->context & CONTEXT_GUESS) != 0)
		buf_putc(out, '~');
	buf_putc(out, ' ');
	shell_part_print(out, p);
	if (p->cwd_count == 0)
		buf_puts(out, " @?");
	for (size_t i = 0; i < p->cwd_count; i++) {
		if (i > 0 || !str_eqz(p->cwds[i], "/w")) {
			buf_puts(out, " @");
			buf_put_str(out, p->cwds[i]);
		}
	}
	if (p->cwd_below)
		buf_puts(out, "/+");
	if (p->cwd_unknown && p->cwd_count > 0)
		buf_puts(out, " @?");
	if (p->not_understood != NULL)
		buf_printf(out, " !%s", p->not_understood);
	buf_putc(out, '\n');
}

static inline void
sketch(struct buf *out, struct str script)
{
	static const struct shell_context context = {
		.cwd = { .s = "/w", .len = 2 },
		.home = { .s = "/home/dev", .len = 9 },
	};
	AUTO(arena_freep) struct arena *a = arena_new(ACTION_ARENA_MAX);
	struct shell_result r;

	assert_int_equal(shell_understand(script, &context, a, &r, NULL), 0);
	if (r.not_understood != NULL)
		buf_printf(out, "! %s\n", r.not_understood);
	for (size_t i = 0; i < r.part_count; i++)
		sketch_part(out, &r.parts[i]);
}

static inline void
check_sketches(const struct sketch_case *cases, size_t count)
{
	unsigned bad = 0;

	for (size_t i = 0; i < count; i++) {
		AUTO_BUF struct buf out = BUF_INIT(SKETCH_MAX);

		sketch(&out, str_of(cases[i].script));
		if (strcmp(buf_cstr(&out), cases[i].expected) == 0)
			continue;
		print_error("script:\n%s\nexpected:\n%sgot:\n%s\n",
		    cases[i].script, cases[i].expected, buf_cstr(&out));
		bad++;
	}
	assert_int_equal(bad, 0);
}

#endif
