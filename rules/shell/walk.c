/*
 * Follows the tree in the order in which bash runs it. Every node gives where
 * the shell is afterwards if it worked and if it failed.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

#include <string.h>

#include "shell/parser.h"

struct flow
flow_same(const struct norm *n)
{
	return (struct flow){ .ok = n->dirs, .fail = n->dirs };
}

const struct dirs *
flow_any(struct norm *n, const struct flow *f)
{
	return dirs_union(n, f->ok, f->fail);
}

struct frame
frame_push(struct norm *n, unsigned context, const char *via)
{
	const struct frame saved = n->frame;

	n->frame.context |= context;
	if (via != NULL)
		n->frame.via = via;
	n->frame.before = CONNECT_NONE;
	n->frame.after = CONNECT_NONE;
	n->frame.negated = false;
	if ((context & (CONTEXT_LOOP | CONTEXT_CONDITION | CONTEXT_FUNCTION)) !=
	    0)
		n->frame.input.shared = true;
	return saved;
}

void
frame_pop(struct norm *n, const struct frame *saved)
{
	n->frame = *saved;
}

/* A body whose changes to the shell do not last. */
static struct flow
walk_body_isolated(struct norm *n, const struct node *body, unsigned context)
{
	const struct mark m = state_mark(n);
	const struct frame saved = frame_push(n, context, NULL);
	const bool may_abort = n->may_abort;

	if (body != NULL)
		(void)walk(n, body);
	frame_pop(n, &saved);
	state_undo(n, &m);
	/* It ends the subshell only. */
	n->may_abort = may_abort;
	return flow_same(n);
}

/* A body that may or may not run. */
struct flow
walk_maybe(struct norm *n, const struct node *body)
{
	const struct frame saved = frame_push(n, CONTEXT_CONDITION, NULL);
	const struct flow f = walk(n, body);

	frame_pop(n, &saved);
	return f;
}

/* ---- lists ------------------------------------------------------------- */

static struct flow
walk_item(struct norm *n, const struct node *item, enum connector before,
    enum connector after)
{
	const enum connector old_before = n->frame.before;
	const enum connector old_after = n->frame.after;
	struct flow f;

	n->frame.before = before;
	n->frame.after = after;
	if (after == CONNECT_BACKGROUND)
		f = walk_body_isolated(
		    n, item, CONTEXT_SUBSHELL | CONTEXT_BACKGROUND);
	else
		f = walk(n, item);
	n->frame.before = old_before;
	n->frame.after = old_after;
	return f;
}

static struct flow
walk_list(struct norm *n, const struct node *list)
{
	struct flow f = flow_same(n);
	enum connector before = CONNECT_NONE;
	const bool shared = n->frame.input.shared;

	if (list->a != NULL && list->a->next != NULL)
		n->frame.input.shared = true;
	for (const struct node *i = list->a; i != NULL && norm_step(n);
	     i = i->next) {
		n->dirs = flow_any(n, &f);
		f = walk_item(n, i, before, i->after);
		before = i->after;
	}
	n->frame.input.shared = shared;
	n->dirs = flow_any(n, &f);
	return f;
}

/* The builtin "true" or ":", by a word that can be nothing else. */
static bool
says_true(struct norm *n, const struct word *w)
{
	const struct seg *const s = w->segs;

	return w->next == NULL && s != NULL && s->next == NULL &&
	    s->kind == SEG_TEXT &&
	    (str_eq(s->text, STR("true")) || str_eq(s->text, STR(":"))) &&
	    var_find(n, s->text, true) == NULL;
}

/* Can never fail and reads nothing, so that what follows && always runs, with
 * the input as it was. */
static bool
always_works(struct norm *n, const struct node *nd)
{
	if (nd->kind != NODE_SIMPLE || nd->redirs != NULL ||
	    (nd->words != NULL && !says_true(n, nd->words)))
		return false;
	for (const struct assign *a = nd->assigns; a != NULL; a = a->next) {
		const struct seg *const s =
		    a->value == NULL ? NULL : a->value->segs;

		if (a->list || a->index != NULL ||
		    (s != NULL && (s->kind != SEG_TEXT || s->next != NULL)))
			return false;
	}
	return true;
}

static struct flow
walk_andor(struct norm *n, const struct node *list)
{
	const struct node *item = list->a;
	struct flow f = walk_item(n, item, n->frame.before, item->after);
	bool certain = always_works(n, item) && item->after == CONNECT_AND;
	struct mark m = state_mark(n);
	bool skipped = false; /* the item before may not have run */

	for (; item->next != NULL && norm_step(n); item = item->next) {
		const bool and = item->after == CONNECT_AND;
		const struct node *const next = item->next;

		certain = certain && and; /* behind || nothing is */
		const struct frame saved =
		    frame_push(n, certain ? 0U : CONTEXT_CONDITION, NULL);
		struct flow g;

		n->frame.input.shared = n->frame.input.shared || !certain;
		/* What an earlier item changed may not have happened here:
		 * in "a || b && c", c also follows a. */
		if (!and || skipped) {
			state_blur(n, &m);
			m = state_mark(n);
		}
		skipped = !and;
		n->dirs = and? f.ok : f.fail;
		g = walk_item(n, next, item->after,
		    next->next != NULL ? next->after : n->frame.after);
		frame_pop(n, &saved);
		if (and) {
			f.fail = dirs_union(n, f.fail, g.fail);
			f.ok = g.ok;
		} else {
			f.ok = dirs_union(n, f.ok, g.ok);
			f.fail = g.fail;
		}
		if (certain) {
			certain = always_works(n, next);
			m = state_mark(n);
		}
	}
	state_blur(n, &m);
	n->dirs = flow_any(n, &f);
	return f;
}

/* ---- pipes ------------------------------------------------------------- */

/* The parts [from, to) write into what comes next. */
static void
pipe_input(struct norm *n, uint32_t from, uint32_t to, struct input *ret)
{
	struct str text;

	*ret = (struct input){ .kind = STDIN_PIPE, .part = SHELL_NO_PART };
	if (to <= from)
		return;
	ret->first = from;
	ret->part = to - 1;
	for (uint32_t i = from; i < to; i++) {
		/* The command itself, not those inside it. */
		if (n->meta[i].subst_depth == n->frame.subst_depth) {
			ret->part = i;
			break;
		}
	}
	if (output_known(n, from, to, &text)) {
		ret->kind = STDIN_TEXT;
		ret->text = word_text(n, text);
	} else if (output_likely(n, from, to, &text)) {
		ret->text = word_unknown(n, text);
	}
}

static void
pipe_output(struct norm *n, uint32_t from, uint32_t to, uint32_t reader)
{
	if (reader >= n->result->part_count)
		return;
	for (uint32_t i = from; i < to; i++) {
		struct shell_part *const p = part_at(n, i);

		if (n->meta[i].subst_depth == n->frame.subst_depth &&
		    p->stdout_part == SHELL_NO_PART)
			p->stdout_part = reader;
	}
}

static struct flow
walk_pipe(struct norm *n, const struct node *list)
{
	const struct mark m = state_mark(n);
	const struct frame outer = n->frame;
	const bool may_abort = n->may_abort;
	uint32_t from = 0, to = 0;
	enum connector before = outer.before;

	for (const struct node *i = list->a; i != NULL && norm_step(n);
	     i = i->next) {
		const uint32_t start = (uint32_t)n->result->part_count;
		const struct frame saved =
		    frame_push(n, CONTEXT_SUBSHELL, NULL);

		if (i != list->a)
			pipe_input(n, from, to, &n->frame.input);
		n->frame.before = before;
		n->frame.after = i->next != NULL ? i->after : outer.after;
		n->frame.negated = outer.negated;
		(void)walk(n, i);
		frame_pop(n, &saved);
		state_undo(n, &m);
		if (i != list->a)
			pipe_output(n, from, to, start);
		from = start;
		to = (uint32_t)n->result->part_count;
		before = i->after;
	}
	n->may_abort = may_abort;
	if (n->lastpipe) {
		state_forget(n);
		n->dirs = dirs_unknown(n, n->dirs);
	}
	return flow_same(n);
}

/* ---- the rest ---------------------------------------------------------- */

static struct flow
walk_cond(struct norm *n, const struct node *nd)
{
	for (const struct word *w = nd->words; w != NULL && norm_step(n);
	     w = w->next) {
		const struct value v = expand_value(n, w, true);

		if (w->arith)
			arith_text_check(n, &v);
	}
	return flow_same(n);
}

/* A definition is one thing, however often it is walked past. */
static struct function *
function_of(struct norm *n, const struct node *nd)
{
	struct function *f;

	for (uint32_t i = 0; i < n->function_count; i++) {
		if (n->functions[i].body == nd->b)
			return &n->functions[i];
	}
	if (n->function_count == ARRAY_LEN(n->functions)) {
		norm_refuse(n, "too many functions", n->place);
		return NULL;
	}
	f = &n->functions[n->function_count++];
	f->name = nd->name;
	f->body = nd->b;
	return f;
}

static struct flow
walk_function(struct norm *n, const struct node *nd)
{
	struct var *const v = var_change(n, nd->name, true);

	if (v == NULL)
		return flow_same(n);
	v->kind = VAR_SET;
	v->epoch = n->epoch;
	v->def = function_of(n, nd);
	return flow_same(n);
}

/* May it be that there is no such file, or that it cannot be opened? */
bool
redirs_may_fail(const struct shell_redir *r, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (r[i].op != REDIR_DUP && r[i].op != REDIR_TEXT &&
		    !shell_word_is(&r[i].target, "/dev/null"))
			return true;
	}
	return false;
}

/*
 * What is redirected around a compound command is a part of its own. False:
 * it may fail, and then the command is not run.
 */
static bool
compound_redirs(struct norm *n, const struct node *nd)
{
	struct shell_part p = { .kind = PART_REDIR };
	uint32_t count = 0;
	struct shell_redir *const r =
	    redirs_expand(n, nd->redirs, true, &count);

	if (r == NULL)
		return false;
	p.redirs = r;
	p.redir_count = count;
	(void)part_add(n, &p);
	input_of_redirs(n, r, count, &n->frame.input);
	return !redirs_may_fail(r, count);
}

static struct flow
walk_kind(struct norm *n, const struct node *nd)
{
	switch (nd->kind) {
	case NODE_LIST:
		return walk_list(n, nd);
	case NODE_ANDOR:
		return walk_andor(n, nd);
	case NODE_PIPE:
		return walk_pipe(n, nd);
	case NODE_SIMPLE:
		return walk_simple(n, nd);
	case NODE_SUBSHELL:
		return walk_body_isolated(n, nd->b, CONTEXT_SUBSHELL);
	case NODE_IF:
		return walk_if(n, nd);
	case NODE_WHILE:
	case NODE_UNTIL:
		return walk_while(n, nd);
	case NODE_FOR:
	case NODE_SELECT:
		return walk_for(n, nd);
	case NODE_ARITH_FOR:
		return walk_arith_for(n, nd);
	case NODE_CASE:
		return walk_case(n, nd);
	case NODE_FUNCTION:
		return walk_function(n, nd);
	case NODE_COND:
		return walk_cond(n, nd);
	case NODE_ARITH:
		expand_arith(n, nd->words);
		return flow_same(n);
	case NODE_COPROC:
		return walk_body_isolated(
		    n, nd->a, CONTEXT_SUBSHELL | CONTEXT_BACKGROUND);
	case NODE_GROUP:
	case NODE_NOT:
	case NODE_TIME:
		break;
	}
	return walk(n, nd->kind == NODE_GROUP ? nd->b : nd->a);
}

/* A compound command behind its redirections. */
static struct flow
walk_redirected(struct norm *n, const struct node *nd)
{
	const struct frame saved = frame_push(n, 0, NULL);
	const bool sure = compound_redirs(n, nd);
	const struct mark m = state_mark(n);
	struct flow f = walk_kind(n, nd);

	if (!sure) {
		state_blur(n, &m);
		f.fail = dirs_union(n, f.fail, m.dirs);
	}
	frame_pop(n, &saved);
	return f;
}

struct flow
walk(struct norm *n, const struct node *nd)
{
	struct flow f;

	if (nd == NULL || !norm_step(n) || !norm_enter(n))
		return flow_same(n);
	if (!n->nested) {
		n->place = nd->start;
		n->place_end = nd->end;
	}
	if (nd->kind == NODE_NOT) {
		const bool old = n->frame.negated;

		n->frame.negated = !old;
		f = walk_kind(n, nd);
		n->frame.negated = old;
		norm_leave(n);
		return (struct flow){ .ok = f.fail, .fail = f.ok };
	}
	f = nd->redirs == NULL || nd->kind == NODE_SIMPLE
	    ? walk_kind(n, nd)
	    : walk_redirected(n, nd);
	norm_leave(n);
	return f;
}

/* <(ls) stands for a name such as /dev/fd/63; <() for nothing. */
static struct value
file_name_value(struct norm *n, uint32_t part)
{
	struct builder b = { .out = NULL };
	const struct shell_piece number = {
		.kind = PIECE_DIGITS,
		.origin = ORIGIN_FILE_NAME,
		.text = STR("63"),
		.part = part,
	};

	builder_text(n, &b, STR("/dev/fd/"), false);
	builder_piece(n, &b, &number);
	return builder_done_value(n, &b);
}

static struct value
subst_value(struct norm *n, const struct subst *s, uint32_t from)
{
	const uint32_t to = (uint32_t)n->result->part_count;
	struct str text;
	struct value v;

	if (s->kind != SUBST_OUTPUT && s->body != NULL) {
		if (to > from) {
			n->meta[to - 1].first = from;
			n->meta[to - 1].has_output =
			    output_known(n, from, to, &n->meta[to - 1].output);
		}
		v = file_name_value(n, to > from ? to - 1 : SHELL_NO_PART);
	} else if (to == from) {
		v = value_text(n, STR(""));
	} else if (output_known(n, from, to, &text)) {
		while (text.len > 0 && text.s[text.len - 1] == '\n')
			text.len--;
		v = value_text(n, text);
	} else {
		v = output_shape(n, from, to);
	}
	v.flags |= WORD_SUBST;
	return v;
}

struct value
walk_subst(struct norm *n, const struct subst *s)
{
	const uint32_t from = (uint32_t)n->result->part_count;
	const uint32_t place = n->place, place_end = n->place_end;
	struct frame saved;

	if (s->body == NULL)
		return subst_value(n, s, from);
	saved = frame_push(n, 0, s->kind == SUBST_OUTPUT ? "$( )" : "<( )");
	n->frame.subst_depth++;
	if (s->kind == SUBST_WRITE)
		n->frame.input = (struct input){
			.kind = STDIN_PIPE,
			.part = SHELL_NO_PART,
		};
	(void)walk_body_isolated(n, s->body, CONTEXT_SUBST);
	frame_pop(n, &saved);
	n->place = place;
	n->place_end = place_end;
	return subst_value(n, s, from);
}
