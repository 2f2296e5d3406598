/*
 * Simple commands: words, assignments and redirections to a part, then what
 * the command means for the shell and what it starts.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

#include <string.h>

#include "base/num.h"
#include "shell/parser.h"

/* ---- redirections ------------------------------------------------------ */

static bool
redir_target(struct norm *n, const struct redir *r, struct shell_word *ret)
{
	struct words ws = { .count = 0 };
	struct word one;

	if (r->op == REDIR_TEXT) {
		const struct value v = expand_value(n, r->target, !r->heredoc);
		const struct value nl = value_text(n, STR("\n"));
		const struct value whole =
		    r->heredoc ? v : value_join(n, &v, &nl);

		*ret = word_of_value(n, &whole);
		return true;
	}
	one = *r->target;
	one.next = NULL;
	words_reserve(n, &ws, 1);
	expand_words(n, &one, &ws);
	if (ws.count == 1) {
		*ret = ws.w[0];
		return true;
	}
	/* None or several: bash refuses; say that it is not known. */
	*ret = word_unknown(n, ws.count > 0 ? ws.w[0].text : STR_NONE);
	return true;
}

struct shell_redir *
redirs_expand(struct norm *n, const struct redir *list, bool compound,
    uint32_t *ret_count)
{
	uint32_t count = 0;
	struct shell_redir *out;

	for (const struct redir *r = list; r != NULL; r = r->next)
		count++;
	*ret_count = 0;
	if (count == 0)
		return NULL;
	out = norm_alloc(n, count, sizeof(*out));
	if (out == NULL)
		return NULL;
	for (const struct redir *r = list; r != NULL && norm_step(n);
	     r = r->next) {
		struct shell_redir *const o = &out[*ret_count];

		o->op = r->op;
		o->fd = r->fd;
		o->compound = compound;
		if (redir_target(n, r, &o->target))
			(*ret_count)++;
	}
	return out;
}

void
input_of_redirs(struct norm *n, const struct shell_redir *r, uint32_t count,
    struct input *ret)
{
	(void)n;
	for (uint32_t i = 0; i < count; i++) {
		struct input in = { .part = SHELL_NO_PART };

		if (r[i].fd != 0)
			continue;
		in.first = SHELL_NO_PART;
		in.text = r[i].target;
		if (r[i].op == REDIR_TEXT)
			in.kind = STDIN_TEXT;
		else if (r[i].op == REDIR_READ || r[i].op == REDIR_READ_WRITE)
			in.kind = STDIN_FILE;
		else if (r[i].op == REDIR_DUP)
			in.kind = str_eqz(r[i].target.text, "-") ? STDIN_CLOSED
								 : STDIN_OTHER;
		else
			continue;
		*ret = in;
	}
}

/* ---- assignments ------------------------------------------------------- */

struct shell_assign
assign_part(struct norm *n, struct str name, bool append, const struct value *v)
{
	return (struct shell_assign){
		.name = name,
		.effect = shell_env_effect(name),
		.append = append,
		.value = word_of_value(n, v),
	};
}

bool
assign_split(const struct shell_word *w, struct str *ret_name, bool *ret_append,
    struct shell_word *ret_value, struct norm *n)
{
	const struct str first =
	    w->piece_count > 0 && w->pieces[0].kind == PIECE_TEXT
	    ? w->pieces[0].text
	    : STR_NONE;
	const size_t eq = str_find(first, '=');
	struct shell_piece *p;
	struct value v = { .count = 0 };

	if (eq == first.len || eq == 0)
		return false;
	*ret_append = first.s[eq - 1] == '+';
	*ret_name = str_head(first, *ret_append ? eq - 1 : eq);
	p = norm_alloc(n, w->piece_count, sizeof(*p));
	if (p == NULL)
		return false;
	memcpy(p, w->pieces, w->piece_count * sizeof(*p));
	p[0].text = str_from(first, eq + 1);
	v.pieces = p[0].text.len > 0 ? p : p + 1;
	v.count = (uint32_t)w->piece_count - (p[0].text.len > 0 ? 0U : 1U);
	*ret_value = word_of_value(n, &v);
	ret_value->flags |= w->flags & (WORD_SUBST | WORD_SPLIT | WORD_GLOB);
	return true;
}

/* The subscript of [KEY]=VALUE is evaluated. */
static void
check_element(struct norm *n, const struct shell_word *w)
{
	const size_t close = str_find(w->text, ']');
	struct value v = value_of_word(w);

	if (w->text.len == 0 || w->text.s[0] != '[' || close == 0)
		return;
	if (shell_word_known(w) && close == w->text.len)
		return;
	if (shell_word_known(w))
		v = value_text(n, str_n(w->text.s + 1, close - 1));
	arith_text_check(n, &v);
}

/* What the array holds before NAME+=( ), if that is known. */
static bool
list_before(struct norm *n, const struct assign *as, const struct var *v,
    struct words *ret)
{
	if (!as->append ||
	    (v != NULL && v->kind == VAR_UNSET && var_current(n, v)))
		return true;
	/* An inherited variable would be its first element. */
	if (v == NULL || v->kind != VAR_LIST || !var_current(n, v))
		return false;
	for (uint32_t i = 0; i < v->item_count && norm_step(n); i++) {
		const struct shell_word w = word_of_value(n, &v->items[i]);

		words_add(n, ret, &w);
	}
	return true;
}

/* NAME=( ... ): elements as arguments. */
static void
assign_list(struct norm *n, const struct assign *as)
{
	struct words ws = { .count = 0 };
	struct value *items;
	struct var *v = var_find(n, as->name, false);
	const bool assoc = v != NULL && v->assoc && var_current(n, v);
	bool plain = list_before(n, as, v, &ws) && !assoc;
	const uint32_t from = ws.count;

	for (const struct word *w = as->value; w != NULL; w = w->next)
		plain = plain &&
		    !(w->segs != NULL && w->segs->kind == SEG_TEXT &&
			!w->segs->quoted && w->segs->text.s[0] == '[');
	expand_words(n, as->value, &ws);
	for (uint32_t i = from; i < ws.count; i++) {
		plain =
		    plain && (ws.w[i].flags & (WORD_SPLIT | WORD_GLOB)) == 0;
		if (!assoc)
			check_element(n, &ws.w[i]);
	}
	items = norm_alloc(n, ws.count + 1, sizeof(*items));
	v = var_change(n, as->name, false);
	if (items == NULL || v == NULL)
		return;
	for (uint32_t i = 0; i < ws.count; i++)
		items[i] = value_of_word(&ws.w[i]);
	v->kind =
	    plain && !v->integer && !v->reference ? VAR_LIST : VAR_LIST_MAYBE;
	v->epoch = n->epoch;
	v->items = items;
	v->item_count = ws.count;
	v->value = ws.count > 0 ? items[0] : (struct value){ .count = 0 };
}

/* NAME[i]=value */
static void
assign_element(struct norm *n, const struct assign *as)
{
	const struct value index = expand_value(n, as->index, false);
	const struct value value = expand_value(n, as->value, true);
	struct var *v = var_find(n, as->name, false);
	const bool assoc = v != NULL && v->assoc && var_current(n, v);
	const bool list = v != NULL && v->kind == VAR_LIST && var_current(n, v);
	struct str text;
	uint64_t at;
	struct value *items;

	const bool number = value_known(n, &index, &text) &&
	    num_parse_u64(text, 0, SHELL_WORDS_MAX, &at) == 0;

	if (!number && !assoc) {
		arith_text_check(n, &index);
		state_may_abort(n);
	}
	v = var_change(n, as->name, false);
	if (v == NULL)
		return;
	const uint32_t count = list ? v->item_count : 0;
	const bool fresh = v->kind == VAR_INHERITED || v->kind == VAR_UNSET;

	if (!number || at > count || assoc || as->append || v->integer ||
	    (!list && !fresh) || !var_current(n, v)) {
		v->kind = VAR_LIST_MAYBE;
		v->epoch = n->epoch;
		return;
	}
	n->steps += count / 8;
	items = norm_alloc(n, count + 1, sizeof(*items));
	if (items == NULL)
		return;
	if (count > 0)
		memcpy(items, v->items, count * sizeof(*items));
	items[at] = value;
	v->kind = VAR_LIST;
	v->items = items;
	v->item_count = at == count ? count + 1 : count;
	v->value = items[0];
}

static void
assign_one(struct norm *n, const struct assign *as)
{
	struct value v;

	if (as->list) {
		assign_list(n, as);
		return;
	}
	if (as->index != NULL) {
		assign_element(n, as);
		return;
	}
	v = expand_value(n, as->value, true);
	assign_value(n, as->name, as->append, &v);
}

/* Names whose assignment changes how the rest is read. */
static bool
changes_reading(struct str name)
{
	return str_eqz(name, "POSIXLY_CORRECT") ||
	    str_eqz(name, "BASH_COMPAT") || str_eqz(name, "SHELLOPTS") ||
	    str_eqz(name, "BASHOPTS") || str_eqz(name, "HISTCHARS") ||
	    str_eqz(name, "UID") || str_eqz(name, "EUID") ||
	    str_eqz(name, "PPID") || str_eqz(name, "BASH_VERSINFO");
}

void
assign_value(
    struct norm *n, struct str name, bool append, const struct value *v)
{
	const struct var *const old = var_find(n, name, false);
	struct value now, both;

	if (changes_reading(name))
		norm_refuse(n,
		    "a variable that changes how bash reads the "
		    "rest",
		    n->place);
	if (old != NULL && (old->integer || old->reference))
		arith_text_check(n, v);
	if (!append) {
		var_set(n, name, v);
		return;
	}
	if (old != NULL &&
	    (old->kind == VAR_LIST || old->kind == VAR_LIST_MAYBE)) {
		struct var *const list = var_change(n, name, false);

		if (list != NULL)
			list->kind = VAR_LIST_MAYBE;
		return;
	}
	now = var_value(n, name);
	both = value_join(n, &now, v);
	var_set(n, name, &both);
}

/* ---- the command ------------------------------------------------------- */

static struct shell_assign *
assigns_expand(
    struct norm *n, const struct node *nd, bool keep, uint32_t *ret_count)
{
	uint32_t count = 0;
	struct shell_assign *out;

	for (const struct assign *a = nd->assigns; a != NULL; a = a->next)
		count++;
	*ret_count = 0;
	if (count == 0)
		return NULL;
	out = norm_alloc(n, count, sizeof(*out));
	if (out == NULL)
		return NULL;
	for (const struct assign *a = nd->assigns; a != NULL && norm_step(n);
	     a = a->next) {
		struct shell_assign *const o = &out[(*ret_count)++];
		struct value v;

		/* Those behind it have its value, and not yet its effect. */
		if (a->next != NULL && str_eqz(a->name, "IFS"))
			norm_refuse(
			    n, "IFS before other assignments", n->place);
		/* bash treats these in a way of its own. */
		if ((a->list || a->index != NULL) &&
		    (!keep || str_eqz(a->name, "IFS")))
			norm_refuse(n, "an array before a command", n->place);
		if (keep || a->list || a->index != NULL) {
			assign_one(n, a);
			v = var_value(n, a->name);
			*o = assign_part(n, a->name, false, &v);
			o->append = a->append;
			o->array = a->list || a->index != NULL;
			continue;
		}
		v = expand_value(n, a->value, true);
		*o = assign_part(n, a->name, a->append, &v);
		if (changes_reading(a->name))
			norm_refuse(n,
			    "a variable that changes how bash "
			    "reads the rest",
			    n->place);
	}
	return out;
}

void
unknown_command_state(struct norm *n)
{
	state_forget(n);
	n->dirs = dirs_unknown(n, n->dirs);
}

struct saved_vars
assigns_apply(struct norm *n, const struct shell_assign *a, size_t count)
{
	struct saved_vars s = { .count = 0 };

	if (count == 0)
		return s;
	s.vars = norm_alloc(n, count, sizeof(*s.vars));
	if (s.vars == NULL)
		return s;
	for (size_t i = 0; i < count; i++) {
		const struct var *const v = var_find(n, a[i].name, false);
		const struct value value = value_of_word(&a[i].value);

		s.vars[i] = v != NULL ? *v : (struct var){ .kind = 0 };
		s.vars[i].name = a[i].name;
		assign_value(n, a[i].name, a[i].append, &value);
	}
	s.count = count;
	return s;
}

void
assigns_restore(struct norm *n, const struct saved_vars *s)
{
	for (size_t i = s->count; i > 0; i--) {
		const struct var *const old = &s->vars[i - 1];
		struct var *const v = var_change(n, old->name, false);
		struct var *next;

		if (v == NULL)
			return;
		next = v->next;
		*v = *old;
		v->next = next;
	}
}

/* The variables that were local to a function are the outer ones again. */
static void
hidden_restore(struct norm *n, uint32_t down_to)
{
	while (n->hidden_count > down_to) {
		const struct hidden *const h = &n->hidden[--n->hidden_count];
		struct var *const v = var_change(n, h->old.name, false);
		struct var *next;

		if (v == NULL)
			return;
		next = v->next;
		*v = h->old;
		v->next = next;
		if (h->maybe)
			var_maybe(n, h->old.name, &h->old.value);
	}
}

/* A function that the script defines. */
static struct flow
run_function(struct norm *n, uint32_t part, struct function *f)
{
	const struct shell_part p = *part_at(n, part);
	const struct positional old_args = n->args;
	const struct dirs *const old_return = n->return_dirs;
	const bool old_returned = n->returned;
	const uint32_t hidden = n->hidden_count;
	const struct mark m = state_mark(n);
	struct value *const items = norm_alloc(n, p.argc, sizeof(*items));
	struct frame saved;
	struct flow r;

	f->called = true;
	/* The second time round nothing is known, which covers all others. */
	if (items == NULL || f->busy > 0)
		unknown_command_state(n);
	if (items == NULL || f->busy > 1)
		return flow_same(n);
	n->args = (struct positional){ .items = items };
	for (size_t i = 1; i < p.argc; i++) {
		items[i - 1] = value_of_word(&p.argv[i]);
		n->args.count = (uint32_t)i;
		if ((p.argv[i].flags & (WORD_SPLIT | WORD_GLOB)) != 0)
			n->args.unknown = true;
	}
	saved = frame_push(n, CONTEXT_FUNCTION, "function");
	n->frame.parent = part;
	n->frame.input = (struct input){
		.kind = p.stdin_kind,
		.text = p.stdin_text,
		.first = p.stdin_first,
		.part = p.stdin_part,
	};
	n->return_dirs = NULL;
	n->returned = false;
	const struct saved_vars vars =
	    assigns_apply(n, p.assigns, p.assign_count);

	n->args.unknown = n->args.unknown || f->busy > 0;
	f->busy++;
	n->function_depth++;
	r = walk(n, f->body);
	n->function_depth--;
	f->busy--;
	frame_pop(n, &saved);
	hidden_restore(n, hidden);
	assigns_restore(n, &vars);
	if (n->returned)
		state_blur(n, &m);
	r.ok = dirs_union(n, r.ok, n->return_dirs);
	r.fail = dirs_union(n, r.fail, n->return_dirs);
	n->return_dirs = old_return;
	n->returned = old_returned;
	n->args = old_args;
	return r;
}

static struct flow
run_known(struct norm *n, uint32_t part, struct str name)
{
	struct var *const f = n->frame.external || n->frame.no_function
	    ? NULL
	    : var_find(n, name, true);
	struct flow r = flow_same(n), g;
	const bool current = f != NULL && f->kind != VAR_INHERITED;

	for (size_t i = 0; i < name.len; i++) {
		if ((unsigned char)name.s[i] >= 0x80)
			part_refuse(n, part,
			    "a command's name that is not plain ASCII");
	}
	if (current && f->kind == VAR_SET && var_current(n, f) &&
	    f->def != NULL) {
		part_at(n, part)->kind = PART_WRAPPER;
		part_at(n, part)->function_call = true;
		return run_function(n, part, f->def);
	}
	if (n->frame.external || !builtin_run(n, part, &r)) {
		struct flow *const outer = n->inner_flow;

		n->inner_flow = &r;
		(void)wrapper_run(n, part);
		n->inner_flow = outer;
	}
	if (!current)
		return r;
	if (f->def == NULL) {
		/* Their bodies are looked at with nothing known. */
		unknown_command_state(n);
		return flow_same(n);
	}
	/* Perhaps a function: what is in it may run, too. */
	const struct mark m = state_mark(n);

	part_at(n, part)->function_call = true;
	g = run_function(n, part, f->def);
	state_blur(n, &m);
	return (struct flow){
		.ok = dirs_union(n, r.ok, g.ok),
		.fail = dirs_union(n, r.fail, g.fail),
	};
}

struct flow
run_command(struct norm *n, struct shell_part *p)
{
	struct input in = n->frame.input;
	const struct mark m = state_mark(n);
	uint32_t part;
	struct flow f = flow_same(n);

	if (!norm_step(n) || !norm_enter(n))
		return f;
	if (p->kind == PART_INVALID)
		p->kind = PART_COMMAND;
	if (p->redir_count > 0) {
		input_of_redirs(n, p->redirs, (uint32_t)p->redir_count, &in);
		p->stdin_kind = in.kind;
		p->stdin_text = in.text;
	}
	part = part_add(n, p);
	if (part == SHELL_NO_PART) {
		norm_leave(n);
		return f;
	}
	if (shell_word_known(&p->argv[0])) {
		f = run_known(n, part, p->argv[0].text);
		if (redirs_may_fail(p->redirs, p->redir_count)) {
			state_blur(n, &m);
			f.fail = dirs_union(n, f.fail, m.dirs);
		}
	} else {
		if ((n->frame.context & CONTEXT_GUESS) == 0)
			guess_command(n, p);
		unknown_command_state(n);
		f = flow_same(n);
	}
	norm_leave(n);
	return f;
}

/* No command word: assignments last, redirections create files. */
static struct flow
run_no_command(struct norm *n, const struct node *nd)
{
	struct shell_part p = { .kind = PART_ASSIGN };
	uint32_t count = 0;

	p.redirs = redirs_expand(n, nd->redirs, false, &count);
	p.redir_count = count;
	p.assigns = assigns_expand(n, nd, true, &count);
	p.assign_count = count;
	if (p.assign_count == 0)
		p.kind = PART_REDIR;
	if (p.assign_count > 0 || p.redir_count > 0)
		(void)part_add(n, &p);
	return flow_same(n);
}

/* export a=(x): the builtin sees the words only. */
static void
assign_arrays(struct norm *n, const struct node *nd)
{
	for (const struct word *w = nd->words; w != NULL; w = w->next) {
		if (w->assign != NULL && w->assign->list)
			assign_one(n, w->assign);
	}
}

struct flow
walk_simple(struct norm *n, const struct node *nd)
{
	struct words ws = { .count = 0 };
	struct shell_part p = { .kind = PART_COMMAND };
	uint32_t count = 0;

	words_reserve(n, &ws, nd->word_count);
	expand_command(n, nd->words, &ws);
	if (ws.count == 0)
		return run_no_command(n, nd);
	p.argv = ws.w;
	p.argc = ws.count;
	p.redirs = redirs_expand(n, nd->redirs, false, &count);
	p.redir_count = count;
	p.assigns = assigns_expand(n, nd, false, &count);
	p.assign_count = count;
	if (nd->assigns != NULL && !shell_word_known(&p.argv[0])) {
		/* If the word vanishes, the assignments last. */
		for (uint32_t i = 0; i < count; i++) {
			const struct value v =
			    value_of_word(&p.assigns[i].value);

			var_maybe(n, p.assigns[i].name, &v);
		}
	}
	const struct flow f = run_command(n, &p);

	assign_arrays(n, nd);
	n->dirs = dirs_union(n, f.ok, f.fail);
	return f;
}
