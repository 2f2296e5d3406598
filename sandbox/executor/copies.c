/*
 * Remember copies of workspaces, ask about them, pass answers on.
 * Runs in: engine.  Trusts: of a launcher nothing but that it does what it is
 * told.  Owns: nothing; links are the executor's.
 */
#include "executor/copies.h"

#include <stdio.h>
#include <string.h>

#include "proto.h"

#define ANSWER_ARENA ((size_t)1 << 20)

void
copies_remember(
    struct copies *c, uint64_t number, const char *action_id, struct ipc *by)
{
	struct copy *to = &c->at[c->next++ % COPIES_MAX];

	to->number = number;
	to->by = by;
	(void)snprintf(to->action_id, sizeof(to->action_id), "%s", action_id);
}

static int
send_it(const struct copy *c, const struct changes_request *q, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(PROTO_CHANGES_BYTES);
	int r;

	rec_put_u64(&b, c->number);
	rec_put_u64(&b, q->ticket);
	rec_put_u8(&b, (uint8_t)q->what);
	rec_put_u32(&b, (uint32_t)q->path_count);
	for (size_t i = 0; i < q->path_count; i++)
		rec_put_cstr(&b, q->paths[i]);
	r = buf_done(&b, e);
	return r == 0 ? ipc_send(c->by, XL_CHANGES, buf_str(&b), -1, e) : r;
}

int
copies_ask(struct copies *c, const struct changes_request *q, struct err *e)
{
	const struct copy *copy = NULL;
	struct question *place = NULL;
	int r;

	for (size_t i = 0; i < COPIES_MAX; i++) {
		if (c->at[i].by != NULL &&
		    strcmp(c->at[i].action_id, q->action_id) == 0)
			copy = &c->at[i];
	}
	for (size_t i = 0; i < QUESTIONS_MAX; i++) {
		if (c->questions[i].by == NULL)
			place = &c->questions[i];
	}
	if (copy == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "this action has left no copy of its workspace, or it is "
		    "gone");
	if (place == NULL)
		return err_set(
		    e, ERR_LIMIT, "too many ask for changes; try again");
	r = send_it(copy, q, e);
	if (r == 0)
		*place = (struct question){ q->ticket, copy->by };
	return r;
}

int
copies_answer(
    struct copies *c, struct ipc *by, struct str payload, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(ANSWER_ARENA);
	struct rec r = rec_of(payload);
	const uint64_t ticket = rec_u64(&r);
	struct changes_answer answer = { .code = ERR_OK };
	int code;

	if (a == NULL)
		return err_nomem(e);
	answer.code = (enum err_code) - (int)(rec_u32(&r) & 0xf);
	answer.failure = rec_cstr(&r, a);
	answer.applied = rec_u64(&r);
	answer.json = rec_str(&r);
	code = rec_done(&r, e);
	if (code != 0)
		return code;
	if (answer.code < ERR_INTERNAL ||
	    (answer.code == ERR_OK) != (answer.failure == NULL))
		return err_set(e, ERR_INVALID, "an answer that says nothing");
	for (size_t i = 0; i < QUESTIONS_MAX; i++) {
		if (c->questions[i].by != by ||
		    c->questions[i].ticket != ticket)
			continue;
		c->questions[i].by = NULL;
		c->ev->changed(c->ctx, ticket, &answer);
		return ERR_OK;
	}
	return err_set(e, ERR_INVALID, "nobody asked for these changes");
}

bool
copies_wait(const struct copies *c, const struct ipc *by)
{
	for (size_t i = 0; i < QUESTIONS_MAX; i++) {
		if (c->questions[i].by != NULL &&
		    (by == NULL || c->questions[i].by == by))
			return true;
	}
	return false;
}

void
copies_forget(struct copies *c, const struct ipc *by, const char *why)
{
	const struct changes_answer gone = {
		.code = ERR_NOTFOUND,
		.failure = why,
	};

	for (size_t i = 0; i < COPIES_MAX; i++) {
		if (c->at[i].by == by)
			c->at[i].by = NULL;
	}
	for (size_t i = 0; i < QUESTIONS_MAX; i++) {
		if (c->questions[i].by != by)
			continue;
		c->questions[i].by = NULL;
		c->ev->changed(c->ctx, c->questions[i].ticket, &gone);
	}
}
