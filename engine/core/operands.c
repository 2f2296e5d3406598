/*
 * From effects to the files whose content is approved.
 * Runs in: engine.  Trusts: the rules' effects.  Owns: nothing.
 */
#include "operands.h"

#include "operands_implied.h"

#include <stdio.h>
#include <string.h>

struct list {
	struct operand *at;
	size_t count;
};

static bool
is_below(const char *path, const char *folder)
{
	const size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/' || (n == 1 && folder[0] == '/'));
}

static bool
is_named_code(const struct effect *f)
{
	return f->kind == EFFECT_RUN_CODE && f->target != NULL &&
	    f->target[0] == '/' &&
	    (f->code_class == CODE_WORKSPACE || f->code_class == CODE_OUTSIDE);
}

/*
 * What the action itself may do to the file before it gets there: a write to
 * it or to a folder above it, or code that nobody can look into (a build).
 */
static bool
may_change(const struct effect *f, const char *path)
{
	switch (f->kind) {
	case EFFECT_WRITE:
	case EFFECT_DELETE:
		return f->target == NULL || f->target[0] != '/' ||
		    is_below(path, f->target);
	case EFFECT_RUN_CODE:
		return !is_named_code(f);
	case EFFECT_UNKNOWN:
		return true;
	case EFFECT_INVALID:
	case EFFECT_READ:
	case EFFECT_CONNECT:
	case EFFECT_SIGNAL:
	case EFFECT_PRIVILEGE:
	case EFFECT_REMOTE_STATE:
	case EFFECT_WIDEN:
		break;
	}
	return false;
}

static bool
is_frozen(const struct action *a, const char *path)
{
	const struct classification *c = &a->classification;

	for (size_t i = 0; i < c->part_count; i++) {
		if (c->parts[i].not_understood != NULL)
			return false;
		for (size_t k = 0; k < c->parts[i].effect_count; k++) {
			if (may_change(&c->parts[i].effects[k], path))
				return false;
		}
	}
	return true;
}

static int
add(struct list *l, struct operand new, struct err *e)
{
	for (size_t i = 0; i < l->count; i++) {
		if (strcmp(l->at[i].named, new.named) == 0)
			return ERR_OK;
	}
	if (l->count == ACTION_FILES_MAX && new.soft)
		return ERR_OK;
	if (l->count == ACTION_FILES_MAX)
		return err_set(e, ERR_LIMIT,
		    "it executes or edits more than %d files; do it in parts",
		    ACTION_FILES_MAX);
	l->at[l->count++] = new;
	return ERR_OK;
}

static int
add_code(const struct action *a, struct list *l, struct err *e)
{
	const struct classification *c = &a->classification;
	int r = ERR_OK;

	for (size_t i = 0; i < c->part_count; i++) {
		for (size_t k = 0; r == 0 && k < c->parts[i].effect_count;
		     k++) {
			const struct effect *f = &c->parts[i].effects[k];

			if (is_named_code(f))
				r = add(l,
				    (struct operand){ .named = f->target,
					.frozen = is_frozen(a, f->target) },
				    e);
		}
	}
	return r;
}

struct implied {
	struct list *list;
	struct arena *arena;
};

/* What is not named is compared, not covered: a build may write it. */
static int
add_implied(void *ctx, const char *path, bool soft, struct err *e)
{
	const struct implied *m = ctx;
	const char *copy = arena_strdup(m->arena, path);

	return copy == NULL
	    ? err_nomem(e)
	    : add(m->list, (struct operand){ .named = copy, .soft = soft }, e);
}

/* An edit that says which bytes it was made for needs no look. */
static int
add_edits(
    const struct action *a, struct arena *arena, struct list *l, struct err *e)
{
	const struct tool_input *in = &a->proposal.input;
	const char *cwd = a->proposal.cwd;
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < in->edit_count; i++) {
		AUTO_BUF struct buf b = BUF_INIT(2 * PATH_BYTES_MAX);
		const struct edit *edit = &in->edits[i];
		const char *path;

		if (edit->sha256 != NULL || edit->op == EDIT_CREATE ||
		    edit->path == NULL)
			continue;
		if (edit->path[0] != '/')
			buf_printf(&b, "%s/", cwd == NULL ? "" : cwd);
		buf_puts(&b, edit->path);
		path = arena_strdup(arena, buf_cstr(&b));
		r = path == NULL
		    ? err_nomem(e)
		    : add(l, (struct operand){ .named = path, .edited = true },
			  e);
	}
	return r;
}

/* Code of the workspace finds more of it by name: imports, what a makefile
 * includes, tests. All of that is compared, too. */
static int
add_found(const struct action *a, struct list *l, struct err *e)
{
	const struct classification *c = &a->classification;
	bool runs = false;

	for (size_t i = 0; i < c->part_count; i++) {
		for (size_t k = 0; k < c->parts[i].effect_count; k++) {
			const struct effect *f = &c->parts[i].effects[k];

			runs = runs ||
			    (f->kind == EFFECT_RUN_CODE &&
				f->code_class == CODE_WORKSPACE);
		}
	}
	return !runs || a->proposal.workspace == NULL
	    ? ERR_OK
	    : add(l,
		  (struct operand){
		      .named = a->proposal.workspace, .tree = true },
		  e);
}

int
operands_of(const struct action *a, struct arena *arena, struct operand **ret,
    size_t *ret_count, struct err *e)
{
	struct list l = { .count = 0 };
	int r;

	l.at = arena_array(arena, ACTION_FILES_MAX, sizeof(*l.at));
	if (l.at == NULL)
		return err_nomem(e);
	if (a->proposal.tool == TOOL_FILE)
		r = add_edits(a, arena, &l, e);
	else
		r = add_found(a, &l, e);
	if (r == 0 && a->proposal.tool != TOOL_FILE)
		r = add_code(a, &l, e);
	if (r == 0 && a->proposal.tool != TOOL_FILE)
		r = operands_implied(a, arena, add_implied,
		    &(struct implied){ .list = &l, .arena = arena }, e);
	if (r != 0)
		return r;
	*ret = l.at;
	*ret_count = l.count;
	return ERR_OK;
}
