/*
 * MCP messages that wait for the engine, for their client or for a time.
 * Runs in: front.  Trusts: nothing of a message; of the engine a plain allow.
 * Owns: the messages.
 */
#include "mcp_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define SLOT_BITS 16
#define ANSWER_BYTES_MAX ((size_t)64 << 20)
#define FIRST_WAIT_MS 250 /* most are decided by then: no word of waiting */
#define LOOK_WAIT_MS 15000

/* ---- slots --------------------------------------------------------------- */

/* Nobody's subscriptions keep others from calling. */
static bool
is_one_too_many(const struct mcp_hub *hub, uid_t uid)
{
	const struct mcp_work *w;
	size_t at = 0, count = 0;

	while ((w = mcp_work_next(hub, &at)) != NULL)
		count += w->who.uid == uid;
	return count >= MCP_WORKS_PER_UID_MAX;
}

static int
take_slot(struct mcp_hub *hub, struct mcp_work *w)
{
	size_t slot = 0;

	if (is_one_too_many(hub, w->who.uid))
		return ERR_LIMIT;
	while (slot < hub->work_cap && hub->works[slot] != NULL)
		slot++;
	if (slot >= MCP_WORKS_MAX)
		return ERR_LIMIT;
	if (slot == hub->work_cap &&
	    mem_grow(&hub->works, &hub->work_cap, slot + 1,
		sizeof(struct mcp_work *)) != 0)
		return ERR_NOMEM;
	hub->works[slot] = w;
	w->slot = slot;
	return ERR_OK;
}

_Static_assert(MCP_SLOT_FIRST + 2 * MCP_WORKS_MAX <= 1u << SLOT_BITS,
    "a call's id holds every slot that mem_grow may make");

int
mcp_work_new(struct mcp_hub *hub, const struct mcp_caller *who,
    struct mcp_work **ret, struct err *e)
{
	struct mcp_work *w = mem_new(1, sizeof(*w));

	if (w == NULL)
		return err_nomem(e);
	w->hub = hub;
	w->who = *who;
	if (take_slot(hub, w) != 0) {
		free(w);
		return err_set(e, ERR_LIMIT,
		    "too many calls are under way; try again later");
	}
	*ret = w;
	return ERR_OK;
}

struct mcp_work *
mcp_work_next(const struct mcp_hub *hub, size_t *at)
{
	while (*at < hub->work_cap) {
		struct mcp_work *w = hub->works[(*at)++];

		if (w != NULL)
			return w;
	}
	return NULL;
}

static void
mcp_work_unask(struct mcp_work *w)
{
	const uint64_t id = w->call_id;

	w->call_id = 0;
	front_unask(w->hub->front, id);
}

void
mcp_work_free(struct mcp_work *w)
{
	mcp_work_unask(w);
	loop_cancel(w->hub->front->loop, w->timer);
	if (w->client != NULL)
		w->client->work = NULL;
	if (w->session != NULL && w->mcp != NULL)
		w->session->work_count--;
	mcp_free(w->mcp);
	mcp_session_free(w->own);
	w->hub->works[w->slot] = NULL;
	free(w->uri);
	free(w);
}

int
mcp_work_call(struct mcp_work *w, struct call *call)
{
	call->role = w->who.role;
	call->uid = w->who.uid;
	call->gid = w->who.gid;
	call->pid = w->who.pid;
	if (front_send(w->hub->front, MCP_SLOT_FIRST + w->slot, call) != 0)
		return -1;
	w->call_id = call->id;
	return 0;
}

/* ---- what is said -------------------------------------------------------- */

/* Before its answer: on its own stream, or on the session's. */
static void
send_told(struct mcp_work *w)
{
	struct str told = mcp_told(w->mcp);
	struct mcp_stream *st = w->stream;

	if (st == NULL && w->session != NULL)
		st = mcp_stream_find(w->session, 0);
	while (told.len > 0) {
		const struct str line = str_cut(&told, '\n');

		if (st != NULL)
			mcp_stream_put(st, line);
	}
	mcp_told_done(w->mcp, loop_now_ms());
}

static void
finish(struct mcp_work *w, const struct buf *out)
{
	const bool good = buf_done(out, NULL) == 0;
	struct mcp_stream *st = w->stream;
	struct client *c = w->client;

	if (st != NULL && good)
		mcp_stream_put(st, buf_str(out));
	if (st != NULL)
		mcp_stream_cut(st, true);
	mcp_work_free(w);
	if (c != NULL)
		mcped_send(c, 200, out, NULL);
}

static void step(struct mcp_work *w, enum mcp_next next, struct buf *out);

static void
fail(struct mcp_work *w, const char *why)
{
	AUTO_BUF struct buf out = BUF_INIT(ANSWER_BYTES_MAX);

	if (mcp_offer(w->mcp) == NULL) {
		(void)mcp_fail(w->mcp, RPC_INTERNAL, why, &out);
		finish(w, &out);
		return;
	}
	step(w, mcp_hear_daemon(w->mcp, 0, str_of(why), &out), &out);
}

void
mcp_work_fail(struct mcp_work *w, const char *why)
{
	mcp_work_unask(w);
	fail(w, why);
}

/* ---- what the engine has ------------------------------------------------- */

static void
tell_engine(struct mcp_work *w, enum api_route route)
{
	struct env_var signal = { .name = (char[]){ "signal" },
		.value = (char[]){ "TERM" } };
	struct call call = {
		.route = route,
		.role = w->who.role,
		.uid = w->who.uid,
		.gid = w->who.gid,
		.pid = w->who.pid,
		.wait_ms = -1,
		.target = w->ruling.id,
		.fields = &signal,
		.field_count = route == ROUTE_SIGNAL ? 1 : 0,
	};

	(void)front_call(w->hub->front, NULL, &call);
}

/* Nobody waits for it: it must not happen unseen later. */
static void
take_back(struct mcp_work *w)
{
	if (w->ruling.id[0] == '\0')
		return;
	if (w->ruling.pending)
		tell_engine(w, ROUTE_CANCEL);
	else if (w->ruling.verdict == HOOK_ALLOW)
		tell_engine(w, ROUTE_SIGNAL);
}

/* Its proposal may not be answered yet: then its id is not known. */
static void
give_up(struct mcp_work *w)
{
	const bool unknown = w->call_id != 0 && w->ruling.id[0] == '\0' &&
	    mcp_question(w->mcp)->route == MCP_PROPOSE;

	if (!unknown) {
		take_back(w);
		mcp_work_free(w);
		return;
	}
	if (w->session != NULL)
		w->session->work_count--;
	if (w->client != NULL)
		w->client->work = NULL;
	/* the message is read of the session's no more */
	w->session = NULL;
	w->stream = NULL;
	w->client = NULL;
	w->dropped = true;
}

static int
ask(struct mcp_work *w, int64_t wait_ms)
{
	const struct mcp_question *q = mcp_question(w->mcp);
	AUTO(arena_freep) struct arena *a = arena_new((size_t)1 << 16);
	struct call call = { .wait_ms = wait_ms };
	struct err e = ERR_INIT;

	if (a == NULL ||
	    (q->id != NULL && (call.target = arena_strdup(a, q->id)) == NULL)) {
		fail(w, "memory is short");
		return -1;
	}
	if (mcped_question(w->hub->front, &w->who, q, &call, &e) != 0) {
		fail(w, e.msg);
		return -1;
	}
	if (mcp_work_call(w, &call) != 0) {
		fail(w, "the engine is not there; nothing was decided");
		return -1;
	}
	return 0;
}

static void
look(struct mcp_work *w)
{
	struct call call = { .route = ROUTE_GET,
		.wait_ms = LOOK_WAIT_MS,
		.target = w->ruling.id };

	if (mcp_work_call(w, &call) != 0)
		fail(w, "the engine is not there; nothing was decided");
}

/* ---- steps --------------------------------------------------------------- */

static void
on_clock(void *ctx)
{
	AUTO_BUF struct buf out = BUF_INIT(ANSWER_BYTES_MAX);
	struct mcp_work *w = ctx;

	w->timer = NULL;
	step(w, mcp_hear_clock(w->mcp, &out), &out);
}

static void
step(struct mcp_work *w, enum mcp_next next, struct buf *out)
{
	send_told(w);
	switch (next) {
	case MCP_SAY:
		finish(w, out);
		break;
	case MCP_ASK:
		(void)ask(w, mcp_question(w->mcp)->waits ? FIRST_WAIT_MS : 0);
		break;
	case MCP_WAIT:
		if (mcp_cuts(w->mcp) && w->stream != NULL)
			mcp_stream_cut(w->stream, false);
		if (mcp_pause_ms(w->mcp) >= 0 &&
		    loop_after(w->hub->front->loop, mcp_pause_ms(w->mcp),
			on_clock, w, &w->timer, NULL) != 0)
			fail(w, "memory is short");
		break;
	case MCP_QUIET:
	case MCP_CANCEL:
	case MCP_REPLY:
		break;
	}
}

static bool
goes_on(const struct mcp_work *w, struct str text)
{
	if (w->session == NULL || !mcp_question(w->mcp)->waits ||
	    w->stream == NULL)
		return false;
	if (w->ruling.pending)
		return true;
	return w->ruling.verdict == HOOK_ALLOW &&
	    str_search(text, STR("\"state\":\"running\"")) < text.len;
}

static void
take_decision(struct mcp_work *w, const struct reply *reply)
{
	AUTO_BUF struct buf out = BUF_INIT(ANSWER_BYTES_MAX);
	const struct hook_ruling before = w->ruling;
	struct err e = ERR_INIT;

	if (hook_ruling_read(reply->body, before.id[0] == '\0' ? NULL : &before,
		&w->ruling, &e) != 0) {
		w->ruling = before;
		if (before.pending)
			tell_engine(w, ROUTE_CANCEL);
		/* dropped: what a message would go to is freed */
		if (w->dropped)
			mcp_work_free(w);
		else
			fail(w, e.msg);
		return;
	}
	if (w->dropped) {
		take_back(w);
		mcp_work_free(w);
		return;
	}
	if (goes_on(w, reply->body)) {
		mcp_hear_wait(w->mcp, &w->ruling);
		send_told(w);
		look(w);
		return;
	}
	if (w->ruling.pending && !mcp_question(w->mcp)->keeps)
		tell_engine(w, ROUTE_CANCEL);
	step(
	    w, mcp_hear_daemon(w->mcp, reply->status, reply->body, &out), &out);
}

static void
take_reply(struct mcp_work *w, const struct reply *reply)
{
	AUTO_BUF struct buf out = BUF_INIT(ANSWER_BYTES_MAX);

	if (mcp_question(w->mcp)->route == MCP_PROPOSE && reply->status < 400) {
		take_decision(w, reply);
		return;
	}
	if (w->dropped) {
		mcp_work_free(w);
		return;
	}
	step(
	    w, mcp_hear_daemon(w->mcp, reply->status, reply->body, &out), &out);
}

/* ---- from outside -------------------------------------------------------- */

void
mcp_work_reply(struct mcp_hub *hub, const struct reply *reply)
{
	const size_t slot =
	    (reply->id & ((1u << SLOT_BITS) - 1)) - MCP_SLOT_FIRST;
	struct mcp_work *w = slot < hub->work_cap ? hub->works[slot] : NULL;

	if (w == NULL || w->call_id != reply->id)
		return;
	w->call_id = 0;
	if (w->mcp == NULL)
		mcp_watched_reply(w, reply);
	else
		take_reply(w, reply);
}

void
mcp_work_engine_gone(struct mcp_hub *hub)
{
	struct mcp_work *w;
	size_t at = 0;

	while ((w = mcp_work_next(hub, &at)) != NULL) {
		if (w->call_id == 0)
			continue;
		w->call_id = 0;
		if (w->mcp == NULL || w->dropped)
			mcp_work_free(w);
		else
			fail(w,
			    "the engine went away before it answered; nothing "
			    "is known to be allowed");
	}
}

static struct mcp_work *
find(const struct mcp_http *s, struct str id)
{
	struct mcp_work *w;
	size_t at = 0;

	while ((w = mcp_work_next(s->hub, &at)) != NULL) {
		if (w->session == s && w->mcp != NULL &&
		    str_eq(mcp_id(w->mcp), id))
			return w;
	}
	return NULL;
}

bool
mcp_work_has(const struct mcp_http *s, struct str id)
{
	return find(s, id) != NULL;
}

void
mcp_work_cancel(struct mcp_http *s, struct str id)
{
	struct mcp_work *w = find(s, id);

	if (w == NULL)
		return;
	mcp_withdraw(w->mcp);
	send_told(w);
	if (w->stream != NULL)
		mcp_stream_cut(w->stream, true);
	if (w->client != NULL)
		client_answer(w->client, &(struct answer){ .status = 202 });
	give_up(w);
}

void
mcp_work_hear(struct mcp_http *s, const struct mcp *reply)
{
	AUTO_BUF struct buf out = BUF_INIT(ANSWER_BYTES_MAX);
	struct mcp_work *w;
	enum mcp_next next;
	size_t at = 0;

	while ((w = mcp_work_next(s->hub, &at)) != NULL) {
		if (w->session == s && w->mcp != NULL &&
		    mcp_asks(w->mcp, reply))
			break;
	}
	if (w == NULL)
		return;
	next = mcp_hear_client(w->mcp, reply, loop_now_ms(), &out);
	if (next == MCP_SAY) {
		take_back(w);
		mcp_work_unask(w);
	}
	step(w, next, &out);
}

void
mcp_works_end(struct mcp_http *s)
{
	struct mcp_work *w;
	size_t at = 0;

	while ((w = mcp_work_next(s->hub, &at)) != NULL) {
		if (w->session != s)
			continue;
		if (w->client != NULL)
			client_answer(
			    w->client, &(struct answer){ .status = 404 });
		if (w->mcp == NULL)
			mcp_work_free(w);
		else
			give_up(w);
	}
}

void
mcp_works_free(struct mcp_hub *hub)
{
	struct mcp_work *w;
	size_t at = 0;

	while ((w = mcp_work_next(hub, &at)) != NULL)
		mcp_work_free(w);
}

/* What stays open is what check_approval can tell of. */
void
mcp_work_client_gone(struct mcp_work *w)
{
	w->client->work = NULL;
	w->client = NULL;
	if (mcp_question(w->mcp)->keeps)
		mcp_work_free(w);
	else
		give_up(w);
}

/* ---- the beginning ------------------------------------------------------- */

static int
begin_stream(struct mcp_work *w, struct client *c, struct err *e)
{
	if (mcp_stream_new(w->session, mcp_id(w->mcp), &w->stream) != 0)
		return err_set(e, ERR_LIMIT,
		    "too many calls are under way in this session");
	mcp_stream_open(w->stream, c, 0);
	return ERR_OK;
}

int
mcp_work_begin(
    struct mcp_hub *hub, const struct mcp_work_options *o, struct err *e)
{
	AUTO(mcp_freep) struct mcp *m = o->mcp;
	AUTO(mcp_session_freep) struct mcp_session *said = o->said;
	AUTO_BUF struct buf none = BUF_INIT(0);
	struct mcp_work *w;
	int r;

	if (o->session != NULL &&
	    o->session->work_count >= MCP_WORKS_PER_SESSION_MAX)
		return err_set(e, ERR_LIMIT,
		    "too many calls are under way in this session");
	r = mcp_work_new(hub, &o->who, &w, e);
	if (r != 0)
		return r;
	w->mcp = TAKE_PTR(m);
	w->own = TAKE_PTR(said);
	w->session = o->session;
	if (w->session != NULL)
		w->session->work_count++;
	if (o->streams) {
		r = begin_stream(w, o->client, e);
		if (r != 0) {
			mcp_work_free(w);
			return r;
		}
		step(w, o->next, &none);
		return ERR_OK;
	}
	w->client = o->client;
	o->client->work = w;
	send_told(w);
	if (o->next == MCP_ASK)
		(void)ask(w, mcp_question(w->mcp)->waits ? o->wait_ms : 0);
	else
		step(w, o->next, &none);
	return ERR_OK;
}
