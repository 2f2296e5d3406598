/*
 * Builtins that set variables or move: cd, export, read, printf -v, ...
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

#include <string.h>

#include "shell/parser.h"

/* ---- directories ------------------------------------------------------- */

/* Where a relative or absolute path leads from each known directory. */
static const struct dirs *
dirs_enter(struct norm *n, const struct shell_word *w)
{
	struct str path = w->text;
	bool below = false;
	const bool up = str_search(path, STR("..")) < path.len;

	if (!shell_word_known(w)) {
		/* A pattern's match or what find printed lies below. */
		for (size_t i = 0; i < w->piece_count; i++)
			below = below || w->pieces[i].kind != PIECE_TEXT;
		for (size_t i = 0; i < w->piece_count; i++)
			below = below && w->pieces[i].kind != PIECE_UNKNOWN;
		path = shell_word_prefix(w);
		if (!below || (w->flags & WORD_SPLIT) != 0 || up)
			return dirs_unknown(n, n->dirs);
		path = str_head(path,
		    str_rfind(path, '/') == path.len
			? 0
			: str_rfind(path, '/') + 1);
	}
	if (up && n->dirs != NULL && n->dirs->below &&
	    !str_starts(path, STR("/")))
		return dirs_unknown(n, n->dirs);
	return dirs_join(n, path, below);
}

/* The directory operand behind cd's or pushd's options; NULL: refused. */
static bool
cd_operand(struct norm *n, uint32_t part, size_t *ret)
{
	const struct shell_part *const p = part_at(n, part);
	size_t i = 1;

	while (i < p->argc && shell_word_known(&p->argv[i]) &&
	    p->argv[i].text.len > 1 && p->argv[i].text.s[0] == '-') {
		const struct str w = p->argv[i].text;

		i++;
		if (str_eqz(w, "--"))
			break;
		for (size_t k = 1; k < w.len; k++) {
			if (strchr("LPe@n", w.s[k]) == NULL)
				return false;
		}
	}
	*ret = i;
	return true;
}

static const struct dirs *
cd_target(struct norm *n, uint32_t part)
{
	const struct shell_part *const p = part_at(n, part);
	const struct var *const cdpath = var_find(n, STR("CDPATH"), false);
	const struct value home = var_value(n, STR("HOME"));
	size_t i = 0;

	if (!cd_operand(n, part, &i) ||
	    (cdpath != NULL && cdpath->kind != VAR_INHERITED))
		return dirs_unknown(n, n->dirs);
	for (size_t k = 0; k < n->ctx->env_count; k++) {
		if (str_eqz(n->ctx->env[k].name, "CDPATH"))
			return dirs_unknown(n, n->dirs);
	}
	if (i >= p->argc) {
		const struct shell_word w = word_of_value(n, &home);

		return dirs_enter(n, &w);
	}
	if (shell_word_is(&p->argv[i], "-") || i + 1 < p->argc)
		return dirs_unknown(n, n->dirs);
	return dirs_enter(n, &p->argv[i]);
}

static void
forget_pwd(struct norm *n)
{
	const struct value none = { .count = 0 };

	if (var_find(n, STR("PWD"), false) != NULL)
		var_maybe(n, STR("PWD"), &none);
}

void
builtin_cd(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part *const p = part_at(n, part);
	/* It is everywhere, and everybody may enter it. */
	const bool surely = p->argc == 2 && p->redir_count == 0 &&
	    shell_word_is(&p->argv[1], "/tmp");

	f->ok = cd_target(n, part);
	f->fail = surely ? NULL : n->dirs;
	forget_pwd(n);
}

void
builtin_pushd(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part *const p = part_at(n, part);
	struct dir_stack *const s = norm_alloc(n, 1, sizeof(*s));
	const unsigned depth = n->stack == NULL ? 0 : n->stack->depth;

	f->fail = n->dirs;
	forget_pwd(n);
	if (s == NULL)
		return;
	if (p->argc < 2 || p->argv[1].text.len == 0 ||
	    strchr("+-", p->argv[1].text.s[0]) != NULL ||
	    depth >= NORM_STACK_MAX) {
		f->ok = dirs_unknown(n, n->dirs);
		s->depth = NORM_STACK_MAX + 1;
		n->stack = s;
		return;
	}
	s->below = n->stack;
	s->dirs = n->dirs;
	s->depth = depth + 1;
	n->stack = s;
	f->ok = cd_target(n, part);
}

void
builtin_popd(struct norm *n, uint32_t part, struct flow *f)
{
	f->fail = n->dirs;
	forget_pwd(n);
	if (n->stack == NULL || n->stack->depth > NORM_STACK_MAX ||
	    part_at(n, part)->argc > 1) {
		f->ok = dirs_unknown(n, n->dirs);
		return;
	}
	f->ok = n->stack->dirs;
	n->stack = n->stack->below;
}

/* ---- declare, export, local, readonly ---------------------------------- */

struct declare {
	bool integer, reference, assoc, exported, function, print, local;
	bool fixed, global;
};

/* Options; false: one that is not known. */
static bool
declare_options(const struct shell_part *p, struct declare *d, size_t *ret_from)
{
	size_t i = 1;

	for (; i < p->argc; i++) {
		const struct str w = p->argv[i].text;

		if (!shell_word_known(&p->argv[i]) || w.len < 2 ||
		    (w.s[0] != '-' && w.s[0] != '+'))
			break;
		if (str_eqz(w, "--")) {
			i++;
			break;
		}
		for (size_t k = 1; k < w.len; k++) {
			if (strchr("aAfFgiIlnprtux", w.s[k]) == NULL)
				return false;
			d->integer = d->integer || w.s[k] == 'i';
			d->reference = d->reference || w.s[k] == 'n';
			d->assoc = d->assoc || w.s[k] == 'A';
			d->exported =
			    d->exported || (w.s[k] == 'x' && w.s[0] == '-');
			d->function =
			    d->function || w.s[k] == 'f' || w.s[k] == 'F';
			d->print = d->print || w.s[k] == 'p';
			d->fixed = d->fixed || w.s[k] == 'r';
			d->global = d->global || w.s[k] == 'g';
			if (w.s[k] == 'l' || w.s[k] == 'u')
				d->integer = true;
		}
	}
	*ret_from = i;
	return true;
}

static void
hide(struct norm *n, struct str name)
{
	const unsigned unsure = CONTEXT_CONDITION | CONTEXT_LOOP;
	const struct var *const v = var_find(n, name, false);

	if (n->hidden_count == n->hidden_cap) {
		const uint32_t cap = n->hidden_cap == 0 ? 8 : n->hidden_cap * 2;
		struct hidden *const h = norm_alloc(n, cap, sizeof(*h));

		if (h == NULL)
			return;
		if (n->hidden_count > 0)
			memcpy(h, n->hidden, n->hidden_count * sizeof(*h));
		n->hidden = h;
		n->hidden_cap = cap;
	}
	struct hidden *const h = &n->hidden[n->hidden_count++];

	h->old = v != NULL ? *v : (struct var){ .kind = VAR_INHERITED };
	h->old.name = name;
	h->maybe = (n->frame.context & unsure) != 0;
}

/* Is there a local variable of that name? */
static bool
is_hidden(const struct norm *n, struct str name)
{
	for (uint32_t i = 0; i < n->hidden_count; i++) {
		if (str_eq(n->hidden[i].old.name, name))
			return true;
	}
	return false;
}

static void
declare_flags(struct norm *n, struct str name, const struct declare *d)
{
	struct var *const v = var_change(n, name, false);

	if (v == NULL)
		return;
	v->integer = v->integer || d->integer;
	v->reference = v->reference || d->reference;
	v->assoc = v->assoc || d->assoc;
	v->exported = v->exported || d->exported;
	if (d->local || d->assoc) {
		v->kind = d->assoc ? VAR_LIST_MAYBE : VAR_UNSET;
		v->epoch = n->epoch;
		v->value = (struct value){ .count = 0 };
	}
}

/* What is readonly stays as it is: setting it later is an error. */
static void
fix(struct norm *n, struct str name, const struct declare *d)
{
	struct var *const v = d->fixed ? var_change(n, name, false) : NULL;

	if (v != NULL)
		v->fixed = true;
}

/* One operand: NAME or NAME=VALUE. False: what it sets is not known. */
static bool
declare_one(struct norm *n, const struct shell_word *w, const struct declare *d,
    struct shell_assign *ret, bool *ret_assigns)
{
	struct str name;
	bool append = false;
	struct shell_word value;
	struct value v;

	*ret_assigns = assign_split(w, &name, &append, &value, n);
	if (!*ret_assigns) {
		if (!shell_word_known(w) || !name_plain(w->text))
			return false;
		if (d->local)
			hide(n, w->text);
		declare_flags(n, w->text, d);
		fix(n, w->text, d);
		return true;
	}
	if (!name_plain(name) || (w->flags & WORD_SPLIT) != 0 ||
	    (d->global && is_hidden(n, name)))
		return false;
	v = value_of_word(&value);
	*ret = assign_part(n, name, append, &v);
	if (d->local)
		hide(n, name);
	declare_flags(n, name, d);
	assign_value(n, name, append, &v);
	fix(n, name, d);
	return true;
}

void
builtin_declare(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part p = *part_at(n, part);
	const struct str self = p.argv[0].text;
	struct declare d = {
		.exported = str_eqz(self, "export"),
		.local = str_eqz(self, "local"),
		.fixed = str_eqz(self, "readonly"),
	};
	struct shell_assign *const list = norm_alloc(n, p.argc, sizeof(*list));
	size_t i = 1, count = 0;

	(void)f;
	if (list == NULL)
		return;
	if (!declare_options(&p, &d, &i)) {
		part_refuse(n, part, "an option that is not known");
		state_forget(n);
		return;
	}
	/* Inside a function, declare is local, too. */
	if ((str_eqz(self, "declare") || str_eqz(self, "typeset")) &&
	    n->function_depth > 0)
		d.local = !d.global;
	/* Elsewhere "local" is an error that sets nothing. */
	if (str_eqz(self, "local") && n->function_depth == 0)
		return;
	/* export and readonly set what they are given beside a -p. */
	if (d.function || (d.print && !d.exported && !d.fixed))
		return;
	if (d.reference)
		part_refuse(n, part, "a variable that means another one");
	for (; i < p.argc; i++) {
		bool assigns = false;

		if (declare_one(n, &p.argv[i], &d, &list[count], &assigns)) {
			count += assigns ? 1U : 0U;
			continue;
		}
		part_refuse(n, part, "an assignment whose name is not plain");
		state_forget(n);
	}
	if (count == 0)
		return;
	part_at(n, part)->kind = PART_ASSIGN;
	part_at(n, part)->assigns = list;
	part_at(n, part)->assign_count = count;
}

void
builtin_unset(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part p = *part_at(n, part);
	bool function = false;

	(void)f;
	for (size_t i = 1; i < p.argc; i++) {
		struct var *v;

		if (shell_word_is(&p.argv[i], "-f"))
			function = true;
		if (shell_word_is(&p.argv[i], "-f") ||
		    shell_word_is(&p.argv[i], "-v"))
			continue;
		if (!shell_word_known(&p.argv[i]) ||
		    !name_plain(p.argv[i].text)) {
			part_refuse(
			    n, part, "unset of a name that is not plain");
			state_forget(n);
			continue;
		}
		v = var_change(n, p.argv[i].text, function);
		if (v == NULL)
			return;
		if (v->fixed)
			norm_refuse(
			    n, "a readonly variable is unset", n->place);
		v->kind = function ? VAR_INHERITED : VAR_UNSET;
		v->epoch = n->epoch;
		v->value = (struct value){ .count = 0 };
		/* Without -f a function of that name goes if there is no
		 * variable. */
		v = function ? NULL : var_find(n, p.argv[i].text, true);
		if (v != NULL && v->kind == VAR_SET) {
			v = var_change(n, p.argv[i].text, true);
			if (v != NULL)
				v->kind = VAR_MAYBE;
		}
	}
}

/* ---- read and its like ------------------------------------------------- */

static void
set_unknown(struct norm *n, uint32_t part, struct str name, struct str likely)
{
	const struct value v =
	    value_unknown(n, ORIGIN_INPUT, name, part, likely);

	var_fill(n, name, &v);
}

/* The first line of a text that only this command reads. */
static bool
own_line(struct norm *n, uint32_t part, struct str *ret)
{
	const struct shell_part *const p = part_at(n, part);
	size_t last = p->redir_count;

	for (size_t i = 0; i < p->redir_count; i++) {
		if (p->redirs[i].fd == 0)
			last = i;
	}
	(void)n;
	if (last == p->redir_count || p->redirs[last].op != REDIR_TEXT ||
	    !shell_word_known(&p->redirs[last].target))
		return false;
	*ret = str_head(p->redirs[last].target.text,
	    str_find(p->redirs[last].target.text, '\n'));
	return str_find(*ret, '\\') == ret->len;
}

static bool
option_takes(const char *with_values, struct str w)
{
	return w.len >= 2 && strchr(with_values, w.s[w.len - 1]) != NULL;
}

/* Blanks cut a line into fields; the last gets the rest. */
static void
read_fields(struct norm *n, uint32_t part, const struct shell_word *names,
    size_t count, struct str line, bool exact)
{
	struct str rest = str_trim(line);

	for (size_t i = 0; i < count; i++) {
		size_t end = 0;
		struct str field = rest;

		while (
		    end < rest.len && rest.s[end] != ' ' && rest.s[end] != '\t')
			end++;
		if (i + 1 < count) {
			field = str_head(rest, end);
			rest = str_trim(str_from(rest, end));
		}
		const struct value v = value_text(n, field);

		if (exact)
			var_fill(n, names[i].text, &v);
		else
			set_unknown(n, part, names[i].text, field);
	}
}

void
builtin_read(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part p = *part_at(n, part);
	const struct value ifs = var_value(n, STR("IFS"));
	struct str line = STR(""), ifs_text;
	size_t i = 1;
	bool exact = own_line(n, part, &line) && p.assign_count == 0 &&
	    value_known(n, &ifs, &ifs_text) && str_eqz(ifs_text, " \t\n");

	(void)f;
	for (; i < p.argc && shell_word_known(&p.argv[i]) &&
	     p.argv[i].text.len > 1 && p.argv[i].text.s[0] == '-';
	     i++) {
		const struct str w = p.argv[i].text;

		if (!str_eqz(w, "-r"))
			exact = false;
		if (option_takes("a", w) && i + 1 < p.argc &&
		    name_plain(p.argv[i + 1].text)) {
			struct var *const v =
			    var_change(n, p.argv[++i].text, false);

			if (v != NULL)
				v->kind = VAR_LIST_MAYBE;
		} else if (option_takes("adinNptu", w)) {
			i++;
		}
	}
	for (size_t k = i; k < p.argc; k++) {
		if (shell_word_known(&p.argv[k]) && name_plain(p.argv[k].text))
			continue;
		part_refuse(n, part, "read into a name that is not plain");
		state_forget(n);
		return;
	}
	if (i < p.argc)
		read_fields(n, part, p.argv + i, p.argc - i, line, exact);
	else
		set_unknown(n, part, STR("REPLY"), line);
}

void
builtin_mapfile(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part p = *part_at(n, part);
	struct str name = STR("MAPFILE");

	(void)f;
	for (size_t i = 1; i < p.argc; i++) {
		const struct str w = p.argv[i].text;

		if (!shell_word_known(&p.argv[i]) ||
		    (w.len > 1 && w.s[0] == '-' && w.s[1] == 'C')) {
			part_refuse(n, part, "mapfile that can run a command");
			return;
		}
		if (w.len > 1 && w.s[0] == '-') {
			i += w.len == 2 && strchr("dnOsuc", w.s[1]) != NULL
			    ? 1U
			    : 0U;
			continue;
		}
		name = w;
	}
	if (!name_plain(name)) {
		part_refuse(n, part, "mapfile into a name that is not plain");
		state_forget(n);
		return;
	}
	struct var *const v = var_change(n, name, false);

	if (v != NULL) {
		v->kind = VAR_LIST_MAYBE;
		v->epoch = n->epoch;
	}
}

void
builtin_printf(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part p = *part_at(n, part);
	struct str name, text;
	size_t from = 3;

	(void)f;
	if (p.argc < 2 ||
	    (shell_word_known(&p.argv[1]) &&
		!str_starts(p.argv[1].text, STR("-v"))))
		return;
	if (!shell_word_known(&p.argv[1])) {
		if (shell_word_may_be_option(&p.argv[1])) {
			part_refuse(n, part,
			    "printf with a format that could "
			    "be an option");
			state_forget(n);
		}
		return;
	}
	name = str_from(p.argv[1].text, 2);
	if (name.len == 0 && p.argc > 2 && shell_word_known(&p.argv[2]))
		name = p.argv[2].text;
	else
		from = 2;
	if (!name_plain(name)) {
		part_refuse(n, part, "printf into a name that is not plain");
		state_forget(n);
		return;
	}
	if (from < p.argc &&
	    printf_text(n, p.argv + from, p.argc - from, &text)) {
		const struct value v = value_text(n, text);

		var_fill(n, name, &v);
	} else {
		set_unknown(n, SHELL_NO_PART, name, STR_NONE);
	}
}

void
builtin_getopts(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part p = *part_at(n, part);

	(void)f;
	if (p.argc < 3 || !shell_word_known(&p.argv[2]) ||
	    !name_plain(p.argv[2].text)) {
		part_refuse(n, part, "getopts into a name that is not plain");
		state_forget(n);
		return;
	}
	set_unknown(n, SHELL_NO_PART, p.argv[2].text, STR_NONE);
	set_unknown(n, SHELL_NO_PART, STR("OPTARG"), STR_NONE);
}

/* "$!" is a number, and so is a copy of it. */
static bool
is_last_job(const struct shell_word *w)
{
	return w->piece_count == 1 && w->pieces[0].kind == PIECE_DIGITS;
}

/* "wait -p NAME" evaluates the subscript of NAME. */
static bool
wait_word(struct norm *n, const struct shell_part *p, size_t *at)
{
	const struct shell_word *const w = &p->argv[*at];
	const size_t letter = str_find(w->text, 'p');
	struct str name;

	if (!shell_word_known(w))
		return is_last_job(w) || !shell_word_may_be_option(w);
	if (w->text.len < 2 || w->text.s[0] != '-' || letter == w->text.len)
		return true;
	name = str_from(w->text, letter + 1);
	if (name.len == 0 && ++*at < p->argc && shell_word_known(&p->argv[*at]))
		name = p->argv[*at].text;
	if (!name_plain(name))
		return false;
	set_unknown(n, SHELL_NO_PART, name, STR_NONE);
	return true;
}

void
builtin_wait(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part p = *part_at(n, part);

	(void)f;
	for (size_t i = 1; i < p.argc; i++) {
		if (wait_word(n, &p, &i))
			continue;
		part_refuse(n, part, "wait into a name that is not plain");
		state_forget(n);
		return;
	}
}

void
builtin_let(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part p = *part_at(n, part);

	(void)f;
	for (size_t i = 1; i < p.argc; i++) {
		const struct value v = value_of_word(&p.argv[i]);

		arith_text_check(n, &v);
		arith_assigns(n, &v);
	}
}
