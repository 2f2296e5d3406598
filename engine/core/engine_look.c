/*
 * Look before somebody is asked: what the files hold that an action would
 * execute or edit, so that an answer counts for these bytes alone (I4).
 * Runs in: engine, which cannot open them itself; a launcher with the
 * proposer's identity does.  Trusts: that launcher.  Owns: nothing.
 */
#include <string.h>

#include "engine_int.h"
#include "operands.h"

#define LOOK_NS (20 * SECOND_NS)

/*
 * Only what a person or a reviewer will look at, and only what runs here: a
 * rule allows whatever is in the workspace, and what a client runs by itself
 * nobody here can hold on to.
 */
static bool
needs_look(const struct engine *g, const struct live *l)
{
	const struct proposal *p = &l->a->proposal;

	return g->o.executor_port != NULL && g->o.executor_port->look != NULL &&
	    p->executor == EXECUTOR_ASSENT &&
	    (p->tool == TOOL_SHELL || p->tool == TOOL_EXEC ||
		p->tool == TOOL_FILE) &&
	    ruling_asks(&l->a->classification, &g->o.set.policy) != ASKS_NOBODY;
}

/* Without a look there is nothing that could be run; a question can still be
 * asked where nothing is to run here. */
static void
give_up(struct engine *g, struct live *l, const char *why)
{
	struct err e = ERR_INIT;

	l->looking = false;
	if (!l->a->proposal.execute) {
		for (size_t i = 0; i < l->a->operand_count; i++) {
			l->a->operands[i].state = OPERAND_UNREADABLE;
			l->a->operands[i].path = l->a->operands[i].named;
			l->a->operands[i].why = arena_strdup(l->a->arena, why);
		}
		engine_enter(g, l, l->look_call_id, l->look_wait_ms);
		return;
	}
	(void)err_set(&e, ERR_SYS,
	    "the files that it would run cannot be looked at: %s", why);
	g->n.refused++;
	engine_problem_err(g, l->look_call_id, &e);
	live_remove(g->live, l);
}

static void
send_look(struct engine *g, struct live *l)
{
	struct err why = ERR_INIT;

	if (g->o.executor_port->look(g->o.executor, l->a, l->a->operands,
		l->a->operand_count, &why) != 0)
		give_up(g, l, why.msg);
}

bool
engine_look(struct engine *g, const struct call *c, struct live *l)
{
	const struct proposer *p = &l->a->proposer;
	struct err why = ERR_INIT;

	if (!needs_look(g, l))
		return false;
	l->looking = true;
	l->look_deadline_ns = g->o.env.boot_ns() + LOOK_NS;
	l->look_call_id = c->id;
	l->look_wait_ms = c->wait_ms;
	if (operands_of(l->a, l->a->arena, &l->a->operands,
		&l->a->operand_count, &why) != 0) {
		give_up(g, l, why.msg);
		return true;
	}
	if (l->a->operand_count == 0) {
		l->looking = false;
		return false;
	}
	if (g->o.executor_port->has_launcher(g->o.executor, p->uid, p->gid))
		send_look(g, l);
	else if (!engine_launch(g, l))
		give_up(g, l, "too many runs wait to be started");
	return true;
}

void
engine_look_launched(struct engine *g, struct live *l, const char *failed)
{
	if (failed != NULL)
		give_up(g, l, failed);
	else
		send_look(g, l);
}

void
engine_look_late(struct engine *g, struct live *l)
{
	give_up(g, l, "it takes too long");
}

/* Deep copy into the action: the event's text is the executor's. */
static int
keep(struct live *l, const struct operand *list, size_t count, struct err *e)
{
	struct arena *a = l->a->arena;

	if (count != l->a->operand_count)
		return err_set(e, ERR_INTERNAL, "other files were looked at");
	for (size_t i = 0; i < count; i++) {
		struct operand *to = &l->a->operands[i];

		if (strcmp(list[i].named, to->named) != 0)
			return err_set(
			    e, ERR_INTERNAL, "other files were looked at");
		to->state = list[i].state;
		/* Shown as one that nobody holds on to, and no more. */
		if (to->soft && to->state == OPERAND_UNREADABLE)
			to->state = OPERAND_OTHER;
		memcpy(to->sha256, list[i].sha256, SHA256_LEN);
		to->path = arena_strdup(
		    a, list[i].path == NULL ? to->named : list[i].path);
		to->why =
		    list[i].why == NULL ? NULL : arena_strdup(a, list[i].why);
	}
	return arena_failed(a) ? err_nomem(e) : ERR_OK;
}

void
engine_looked(void *ctx, const char *action_id, const struct operand *list,
    size_t count, const char *why)
{
	struct engine *g = ctx;
	struct live *l = live_find(g->live, action_id);
	struct err e = ERR_INIT;

	if (l == NULL || !l->looking)
		return;
	if (why != NULL || keep(l, list, count, &e) != 0) {
		give_up(g, l, why != NULL ? why : e.msg);
		return;
	}
	l->looking = false;
	engine_enter(g, l, l->look_call_id, l->look_wait_ms);
}
