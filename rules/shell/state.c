/*
 * What the shell knows while the script is followed: variables, functions,
 * the directory; and how to take it back or make it uncertain.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing; the arena holds
 * all.
 */
#include "shell/norm.h"

#include <assert.h>
#include <string.h>

/* What pushd and popd know after a branch that may have used them. */
static const struct dir_stack stack_unknown = { .depth = NORM_STACK_MAX + 1 };

static uint32_t
name_hash(struct str name)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ (unsigned char)name.s[i]) * 16777619U;
	return h % NORM_VAR_BUCKETS;
}

struct var *
var_find(struct norm *n, struct str name, bool function)
{
	struct var *v = n->vars[name_hash(name)];

	while (v != NULL && (v->function != function || !str_eq(v->name, name)))
		v = v->next;
	return v;
}

static bool
trail_push(struct norm *n, struct var *v)
{
	if (n->trail_count == n->trail_cap) {
		const uint32_t cap = n->trail_cap == 0 ? 32 : n->trail_cap * 2;
		struct trail *const t = norm_alloc(n, cap, sizeof(*t));

		if (t == NULL)
			return false;
		if (n->trail_count > 0)
			memcpy(t, n->trail, n->trail_count * sizeof(*t));
		n->trail = t;
		n->trail_cap = cap;
	}
	n->trail[n->trail_count].var = v;
	n->trail[n->trail_count].old = *v;
	n->trail_count++;
	return true;
}

struct var *
var_change(struct norm *n, struct str name, bool function)
{
	struct var *v = var_find(n, name, function);

	if (v == NULL) {
		struct var **const bucket = &n->vars[name_hash(name)];

		v = norm_alloc(n, 1, sizeof(*v));
		if (v == NULL)
			return NULL;
		v->name = name;
		v->function = function;
		v->next = *bucket;
		*bucket = v;
	}
	return trail_push(n, v) ? v : NULL;
}

bool
var_current(const struct norm *n, const struct var *v)
{
	return v->epoch == n->epoch;
}

static void
var_store(struct norm *n, struct str name, enum var_kind kind,
    const struct value *value)
{
	struct var *const v = var_change(n, name, false);

	if (v == NULL)
		return;
	if (v->fixed)
		norm_refuse(n, "a readonly variable is set", n->place);
	v->kind = kind;
	v->epoch = n->epoch;
	v->value = *value;
	v->items = NULL;
	v->item_count = 0;
}

/* These read differently from what was stored in them. */
static bool
name_is_magic(struct str name)
{
	static const char *const names[] = {
		"RANDOM",
		"SECONDS",
		"LINENO",
		"BASHPID",
		"SRANDOM",
		"EPOCHSECONDS",
		"EPOCHREALTIME",
		"FUNCNAME",
		"BASH_COMMAND",
		"BASH_SUBSHELL",
		"DIRSTACK",
		"GROUPS",
		"PIPESTATUS",
		"HISTCMD",
		"_",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eqz(name, names[i]))
			return true;
	}
	return false;
}

void
var_set(struct norm *n, struct str name, const struct value *value)
{
	const struct var *const v = var_find(n, name, false);

	/* declare -i evaluates, declare -n means another variable. */
	if (name_is_magic(name) ||
	    (v != NULL && (v->integer || v->reference))) {
		var_maybe(n, name, value);
		if (v != NULL && v->reference)
			state_forget(n);
		return;
	}
	var_store(n, name, VAR_SET, value);
}

/* By read, printf, for or ${x:=}: no part says that it is assigned. */
void
var_guard(struct norm *n, struct str name)
{
	const enum env_effect effect = shell_env_effect(name);

	/* ENV is a usual name, and means something to few shells. */
	if (effect == ENV_SEARCH || effect == ENV_LOADER ||
	    (effect == ENV_SHELL && !str_eqz(name, "ENV") &&
		!str_eqz(name, "IFS")))
		norm_refuse(
		    n, "a variable that changes what runs is filled", n->place);
}

void
var_fill(struct norm *n, struct str name, const struct value *value)
{
	var_guard(n, name);
	assign_value(n, name, false, value);
}

void
var_maybe(struct norm *n, struct str name, const struct value *likely)
{
	var_store(n, name, VAR_MAYBE, likely);
}

void
state_forget(struct norm *n)
{
	n->epoch++;
	n->args.unknown = true;
}

void
state_lose_stack(struct norm *n)
{
	n->stack = &stack_unknown;
}

void
state_may_abort(struct norm *n)
{
	n->may_abort = true;
	n->abort_dirs = dirs_union(n, n->abort_dirs, n->dirs);
}

struct mark
state_mark(const struct norm *n)
{
	return (struct mark){
		.trail = n->trail_count,
		.epoch = n->epoch,
		.stack = n->stack,
		.dirs = n->dirs,
		.args = n->args,
	};
}

void
state_undo(struct norm *n, const struct mark *m)
{
	assert(n->trail_count >= m->trail);
	while (n->trail_count > m->trail) {
		const struct trail *const t = &n->trail[--n->trail_count];
		const bool fixed = t->var->fixed;
		struct var *const next = t->var->next;

		*t->var = t->old;
		t->var->next = next;
		t->var->fixed = fixed;
	}
	n->epoch = m->epoch;
	n->stack = m->stack;
	n->dirs = m->dirs;
	n->args = m->args;
}

static bool
var_same(const struct var *a, const struct var *b)
{
	return a->kind == b->kind && a->epoch == b->epoch &&
	    a->items == b->items && a->def == b->def &&
	    value_same(&a->value, &b->value);
}

/* Perhaps the old one, perhaps the new one. */
static void
blur_function(struct var *v, const struct var *old)
{
	if (v->kind == VAR_SET)
		v->kind = VAR_MAYBE;
	if (v->def == old->def || old->kind == VAR_INHERITED)
		return;
	if (v->def != NULL)
		v->def->unsure = true;
	if (old->def != NULL)
		old->def->unsure = true;
	v->kind = VAR_MAYBE;
	v->def = NULL;
}

void
function_maybe(struct norm *n, const struct var *other)
{
	struct var *const v = var_change(n, other->name, true);

	if (v == NULL || other->kind == VAR_INHERITED) {
		if (v != NULL && v->kind == VAR_SET)
			v->kind = VAR_MAYBE;
		return;
	}
	if (v->kind == VAR_INHERITED) {
		v->def = other->def;
		v->kind = VAR_MAYBE;
	}
	blur_function(v, other);
}

void
state_blur(struct norm *n, const struct mark *m)
{
	for (uint32_t i = m->trail; i < n->trail_count; i++) {
		const struct var *const old = &n->trail[i].old;
		struct var *const v = n->trail[i].var;

		if (var_same(v, old))
			continue;
		if (v->function) {
			blur_function(v, old);
		} else if (v->kind == VAR_SET && old->kind == VAR_SET &&
		    var_current(n, v) && old->epoch == v->epoch &&
		    value_is_number(&v->value) &&
		    value_is_number(&old->value)) {
			v->value = value_digits(n);
		} else if (v->kind == VAR_LIST || v->kind == VAR_LIST_MAYBE ||
		    old->kind == VAR_LIST || old->kind == VAR_LIST_MAYBE) {
			v->kind = VAR_LIST_MAYBE;
		} else {
			v->kind = VAR_MAYBE;
		}
	}
	if (n->stack != m->stack)
		n->stack = &stack_unknown;
	if (n->args.items != m->args.items || n->args.count != m->args.count)
		n->args.unknown = true;
}

/* ---- directories ------------------------------------------------------- */

const struct dirs *
dirs_of(struct norm *n, struct str path)
{
	struct dirs *const d = norm_alloc(n, 1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->unknown = path.len == 0 || path.s[0] != '/';
	d->count = d->unknown ? 0 : 1;
	d->dir[0] = path;
	return d;
}

const struct dirs *
dirs_unknown(struct norm *n, const struct dirs *likely)
{
	struct dirs *d;

	if (likely != NULL && likely->unknown)
		return likely;
	d = norm_alloc(n, 1, sizeof(*d));
	if (d == NULL)
		return NULL;
	if (likely != NULL)
		*d = *likely;
	d->unknown = true;
	return d;
}

static bool
dirs_has(const struct dirs *d, struct str path)
{
	for (uint32_t i = 0; i < d->count; i++) {
		if (str_eq(d->dir[i], path))
			return true;
	}
	return false;
}

const struct dirs *
dirs_union(struct norm *n, const struct dirs *a, const struct dirs *b)
{
	struct dirs *d;
	bool more = false;

	if (a == b || b == NULL)
		return a;
	if (a == NULL)
		return b;
	for (uint32_t i = 0; i < b->count; i++)
		more = more || !dirs_has(a, b->dir[i]);
	if (!more && (a->unknown || !b->unknown) && (a->below || !b->below))
		return a;
	d = norm_alloc(n, 1, sizeof(*d));
	if (d == NULL)
		return NULL;
	*d = *a;
	d->unknown = a->unknown || b->unknown;
	d->below = a->below || b->below;
	for (uint32_t i = 0; i < b->count; i++) {
		if (dirs_has(d, b->dir[i]))
			continue;
		if (d->count == NORM_DIRS_MAX)
			d->unknown = true;
		else
			d->dir[d->count++] = b->dir[i];
	}
	return d;
}

struct str
path_join(struct norm *n, struct str dir, struct str path)
{
	char *out;
	size_t len = 0;

	/* Longer ones are not followed: the result is no absolute path. */
	if (dir.len + path.len > NORM_PATH_MAX)
		return STR_NONE;
	out = norm_text(n, dir.len + path.len + 2);
	if (out == NULL)
		return STR_NONE;
	if (dir.len > 1 && !(path.len > 0 && path.s[0] == '/')) {
		memcpy(out, dir.s, dir.len);
		len = dir.len;
	}
	while (path.len > 0) {
		const struct str c = str_cut(&path, '/');

		if (c.len == 0 || str_eqz(c, "."))
			continue;
		if (str_eqz(c, "..")) {
			while (len > 0 && out[--len] != '/')
				continue;
			continue;
		}
		out[len++] = '/';
		memcpy(out + len, c.s, c.len);
		len += c.len;
	}
	if (len == 0)
		out[len++] = '/';
	return str_n(out, len);
}

const struct dirs *
dirs_join(struct norm *n, struct str path, bool below)
{
	/* An absolute path leads to one place from anywhere. */
	const struct dirs anywhere = { .count = 1 };
	const struct dirs *const from =
	    str_starts(path, STR("/")) ? &anywhere : n->dirs;
	struct dirs *d;

	if (from == NULL)
		return dirs_unknown(n, NULL);
	d = norm_alloc(n, 1, sizeof(*d));
	if (d == NULL)
		return NULL;
	*d = *from;
	d->below = d->below || below;
	for (uint32_t i = 0; i < d->count; i++) {
		d->dir[i] = path_join(n, d->dir[i], path);
		if (d->dir[i].len == 0)
			return dirs_unknown(n, NULL);
	}
	return d;
}
