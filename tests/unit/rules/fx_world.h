#ifndef UNIT_RULES_FX_WORLD_H
#define UNIT_RULES_FX_WORLD_H
/*
 * The shipped programs, and what a script does by them, as text.
 *
 *     struct fx_world w;
 *     fx_open(&w);
 *     fx_script(&w, "rm -rf build");
 *     fx_has(&w, "delete:generated build")
 *
 * Each test program loads the programs once, in its group setup.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/diag.h"
#include "base/yaml.h"
#include "effects.h"
#include "embedded.h"
#include "programs.h"

#define FX_ARENA ((size_t)64 << 20)
#define FX_ITEMS 400
#define FX_WORKSPACE "/home/dev/proj"
#define FX_HOME "/home/dev"

struct fx_world {
	struct programs *programs;
	struct arena *arena; /* of the last action */
	struct effects fx;
	char *items[FX_ITEMS]; /* "kind:class target", sorted, no doubles */
	size_t count;
};

static inline int
fx_open(struct fx_world *w)
{
	struct programs_file files[64];
	struct diags *d = diags_new();
	AUTO_BUF struct buf b = BUF_INIT(1 << 20);
	int r;

	memset(w, 0, sizeof(*w));
	assert_true(embedded_programs_count <= ARRAY_LEN(files));
	for (size_t i = 0; i < embedded_programs_count; i++)
		files[i] = (struct programs_file){
			.name = embedded_programs[i].name,
			.text = embedded_programs[i].text,
		};
	r = programs_new(files, embedded_programs_count, d, &w->programs, NULL);
	if (r != 0) {
		diags_print(d, &b);
		print_message("%s\n", buf_cstr(&b));
	}
	diags_free(d);
	return r;
}

static inline void
fx_close(struct fx_world *w)
{
	programs_free(w->programs);
	arena_free(w->arena);
	w->programs = NULL;
	w->arena = NULL;
}

/* A path as the tests write it. */
static inline void
fx_target(struct buf *b, const char *t)
{
	const size_t ws = sizeof(FX_WORKSPACE) - 1, home = sizeof(FX_HOME) - 1;

	if (strcmp(t, FX_WORKSPACE) == 0)
		buf_puts(b, ".");
	else if (strncmp(t, FX_WORKSPACE "/", ws + 1) == 0)
		buf_puts(b, t + ws + 1);
	else if (strcmp(t, FX_HOME) == 0)
		buf_puts(b, "~");
	else if (strncmp(t, FX_HOME "/", home + 1) == 0)
		buf_printf(b, "~%s", t + home);
	else
		buf_puts(b, t);
}

static inline void
fx_print(struct buf *b, const struct effect *f)
{
	buf_puts(b, effect_kind_name(f->kind));
	if (f->kind == EFFECT_RUN_CODE)
		buf_printf(b, ":%s", code_class_name(f->code_class));
	else if (f->path_class != PATH_NONE &&
	    f->path_class != PATH_WORKSPACE && f->kind != EFFECT_CONNECT &&
	    f->kind != EFFECT_REMOTE_STATE)
		buf_printf(b, ":%s", path_class_name(f->path_class));
	if (f->target != NULL && f->target[0] != '\0') {
		buf_putc(b, ' ');
		fx_target(b, f->target);
	}
}

static inline int
fx_by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline void
fx_collect(struct fx_world *w)
{
	size_t n = 0;

	w->count = 0;
	for (size_t i = 0; i < w->fx.count; i++) {
		const struct part *p = &w->fx.parts[i];

		for (size_t k = 0; k < p->effect_count; k++) {
			AUTO_BUF struct buf b = BUF_INIT(1 << 16);

			fx_print(&b, &p->effects[k]);
			assert_true(n < FX_ITEMS);
			w->items[n++] = arena_strdup(w->arena, buf_cstr(&b));
		}
	}
	qsort(w->items, n, sizeof(w->items[0]), fx_by_text);
	for (size_t i = 0; i < n; i++) {
		if (w->count == 0 ||
		    strcmp(w->items[w->count - 1], w->items[i]) != 0)
			w->items[w->count++] = w->items[i];
	}
}

static inline void
fx_action(struct fx_world *w, struct action *a)
{
	struct err e = ERR_INIT;

	if (a->proposal.cwd == NULL)
		a->proposal.cwd = arena_strdup(a->arena, FX_WORKSPACE);
	a->proposal.workspace = arena_strdup(a->arena, FX_WORKSPACE);
	a->proposer.home = arena_strdup(a->arena, FX_HOME);
	a->proposal.executor = EXECUTOR_ASSENT;
	arena_free(w->arena);
	w->arena = arena_new(FX_ARENA);
	assert_non_null(w->arena);
	assert_int_equal(effects_of(w->programs, a, w->arena, &w->fx, &e), 0);
	fx_collect(w);
}

/* What a script does, in w->items. */
static inline void
fx_script(struct fx_world *w, const char *script)
{
	AUTO(action_freep) struct action *a = NULL;

	assert_int_equal(action_new(&a, NULL), 0);
	a->proposal.tool = TOOL_SHELL;
	a->proposal.input.script = arena_strdup(a->arena, script);
	fx_action(w, a);
}

/* "kind:class target", or "kind:class" for any target. */
static inline bool
fx_item_is(const char *item, const char *want)
{
	const size_t n = strlen(want);

	if (strchr(want, ' ') != NULL)
		return strcmp(item, want) == 0;
	return strncmp(item, want, n) == 0 &&
	    (item[n] == '\0' || item[n] == ' ');
}

static inline bool
fx_has(const struct fx_world *w, const char *want)
{
	for (size_t i = 0; i < w->count; i++) {
		if (fx_item_is(w->items[i], want))
			return true;
	}
	return false;
}

static inline void
fx_show(const struct fx_world *w, struct buf *b)
{
	for (size_t i = 0; i < w->count; i++)
		buf_printf(b, "%s%s", i > 0 ? ", " : "", w->items[i]);
}

#endif
