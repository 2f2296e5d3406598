/*
 * Branches and loops: what may or may not run, and what may have run before.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

/* Walks one of several branches; what it changed is taken back, and given in
 * *ret_changed so that it can be made uncertain at the end. */
struct branch {
	struct var *ends; /* what it changed, as it left it */
	uint32_t count;
	bool forgot;
	struct positional args;
	bool args_changed, stack_changed;
};

static void
branch_end(struct norm *n, const struct mark *m, struct branch *ret)
{
	const uint32_t count = n->trail_count - m->trail;

	ret->forgot = n->epoch != m->epoch;
	ret->args = n->args;
	ret->args_changed = n->args.unknown != m->args.unknown ||
	    n->args.items != m->args.items || n->args.count != m->args.count;
	ret->stack_changed = n->stack != m->stack;
	if (count > 0) {
		ret->ends = norm_alloc(n, count, sizeof(struct var));
		if (ret->ends == NULL)
			return;
	}
	for (uint32_t i = 0; i < count; i++)
		ret->ends[i] = *n->trail[m->trail + i].var;
	ret->count = count;
	state_undo(n, m);
}

static void
branch_forget(struct norm *n, const struct branch *b)
{
	for (uint32_t i = 0; i < b->count; i++) {
		const struct var *const v = &b->ends[i];

		if (v->function)
			function_maybe(n, v);
		else
			var_maybe(n, v->name, &v->value);
	}
	if (b->args_changed) {
		n->args = b->args;
		n->args.unknown = true;
	}
	if (b->stack_changed)
		state_lose_stack(n);
	if (b->forgot)
		state_forget(n);
}

struct flow
walk_if(struct norm *n, const struct node *nd)
{
	const struct frame saved = frame_push(n, 0, NULL);
	struct flow c = walk(n, nd->a);
	const struct mark m = state_mark(n);
	struct branch then = { .count = 0 };
	struct flow f, g;

	n->dirs = c.ok;
	f = walk_maybe(n, nd->b);
	branch_end(n, &m, &then);
	n->dirs = c.fail;
	if (nd->c != NULL)
		g = walk_maybe(n, nd->c);
	else
		g = flow_same(n);
	state_blur(n, &m);
	branch_forget(n, &then);
	frame_pop(n, &saved);
	f.ok = dirs_union(n, f.ok, g.ok);
	f.fail = dirs_union(n, f.fail, g.fail);
	n->dirs = flow_any(n, &f);
	return f;
}

struct flow
walk_case(struct norm *n, const struct node *nd)
{
	const struct frame saved = frame_push(n, CONTEXT_CONDITION, NULL);
	const struct dirs *const start = n->dirs;
	const struct dirs *end = start;
	struct mark m;

	(void)expand_value(n, nd->words, true);
	m = state_mark(n);
	for (const struct case_item *i = nd->items; i != NULL && norm_step(n);
	     i = i->next) {
		for (const struct word *w = i->patterns; w != NULL; w = w->next)
			(void)expand_value(n, w, true);
		/* ;& comes from the branch before. */
		n->dirs = end;
		state_blur(n, &m);
		m = state_mark(n);
		if (i->body == NULL)
			continue;
		const struct flow f = walk(n, i->body);

		end = dirs_union(n, end, flow_any(n, &f));
	}
	state_blur(n, &m);
	frame_pop(n, &saved);
	n->dirs = end;
	return flow_same(n);
}

struct flow
walk_while(struct norm *n, const struct node *nd)
{
	const struct frame saved = frame_push(n, CONTEXT_LOOP, NULL);
	const bool moves_a = state_forget_assigned(n, nd->a);
	const bool moves_b = state_forget_assigned(n, nd->b);
	const struct mark m = state_mark(n);
	struct flow c, f;

	if (moves_a || moves_b)
		n->dirs = dirs_unknown(n, n->dirs);
	c = walk(n, nd->a);
	n->dirs = nd->kind == NODE_WHILE ? c.ok : c.fail;
	f = walk_maybe(n, nd->b);
	state_blur(n, &m);
	frame_pop(n, &saved);
	n->dirs = dirs_union(n, flow_any(n, &c), flow_any(n, &f));
	if (moves_a || moves_b)
		n->dirs = dirs_unknown(n, n->dirs);
	return flow_same(n);
}

/* One round of a loop with a value for its variable. */
static void
loop_round(
    struct norm *n, const struct node *nd, const struct value *v, bool moves)
{
	struct flow f;

	if (moves)
		n->dirs = dirs_unknown(n, n->dirs);
	if (nd->name.len > 0)
		var_fill(n, nd->name, v);
	f = walk(n, nd->b);
	n->dirs = flow_any(n, &f);
	(void)state_forget_assigned(n, nd->b);
}

/* The values that the loop's words may give. */
static void
loop_values(struct norm *n, const struct node *nd, struct words *ret)
{
	if (nd->has_in) {
		expand_words(n, nd->words, ret);
		return;
	}
	for (uint32_t i = 0; i < n->args.count && !n->args.unknown; i++) {
		const struct shell_word w = word_of_value(n, &n->args.items[i]);

		words_add(n, ret, &w);
	}
	if (n->args.unknown) {
		struct shell_word w = word_unknown(n, STR_NONE);

		w.flags |= WORD_SPLIT;
		words_add(n, ret, &w);
	}
}

/* One of the values; several are more than their text. */
static struct value
loop_value(struct norm *n, const struct shell_word *w)
{
	const struct value v = value_of_word(w);

	if ((w->flags & WORD_SPLIT) == 0)
		return v;
	/* One of the words of one output: where it is from is known. */
	if (v.count == 1 && v.pieces[0].kind == PIECE_UNKNOWN)
		return value_unknown(n, v.pieces[0].origin, v.pieces[0].name,
		    v.pieces[0].part, value_likely(n, &v));
	for (uint32_t i = 0; i < v.count; i++) {
		if (v.pieces[i].kind != PIECE_DIGITS &&
		    v.pieces[i].kind != PIECE_BELOW)
			return value_unknown(n, ORIGIN_NONE, STR_NONE,
			    SHELL_NO_PART, value_likely(n, &v));
	}
	return v;
}

struct flow
walk_for(struct norm *n, const struct node *nd)
{
	struct words ws = { .count = 0 };
	struct frame saved;
	struct mark m;
	const struct dirs *const start = n->dirs;
	const unsigned depth = n->loop_depth;
	bool moves, several;

	loop_values(n, nd, &ws);
	if (ws.count == 0)
		return flow_same(n);
	saved = frame_push(n, CONTEXT_LOOP, NULL);
	moves = state_forget_assigned(n, nd->b);
	m = state_mark(n);
	several = nd->kind == NODE_SELECT ||
	    ws.count > ((uint32_t)NORM_UNROLL_MAX >> (2 * n->loop_depth));
	n->loop_depth += n->loop_depth < 8 ? 1U : 0U;
	for (uint32_t i = 0; i < ws.count && norm_step(n); i++) {
		struct value v = loop_value(n, &ws.w[i]);

		if (several)
			v = value_unknown(n, ORIGIN_NONE, STR_NONE,
			    SHELL_NO_PART, ws.w[0].text);
		loop_round(n, nd, &v, moves);
		if (several)
			break;
	}
	n->loop_depth = depth;
	state_blur(n, &m);
	frame_pop(n, &saved);
	if (moves)
		n->dirs = dirs_unknown(n, dirs_union(n, start, n->dirs));
	return flow_same(n);
}

struct flow
walk_arith_for(struct norm *n, const struct node *nd)
{
	const struct frame saved = frame_push(n, CONTEXT_LOOP, NULL);
	const struct word *w = nd->words;
	const bool moves = state_forget_assigned(n, nd->b);
	struct mark m;
	struct flow f;

	expand_arith(n, w);
	m = state_mark(n);
	if (moves)
		n->dirs = dirs_unknown(n, n->dirs);
	expand_arith(n, w->next);
	f = walk_maybe(n, nd->b);
	n->dirs = dirs_union(n, n->dirs, flow_any(n, &f));
	expand_arith(n, w->next->next);
	/* What the third expression sets is seen by the next round. */
	expand_arith(n, w->next);
	state_blur(n, &m);
	frame_pop(n, &saved);
	if (moves)
		n->dirs = dirs_unknown(n, n->dirs);
	return flow_same(n);
}
