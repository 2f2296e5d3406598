/*
 * Calls to the engine and what comes back.
 * Runs in: front.  Trusts: nothing that is read: ill-formed records end the
 * link (I6).  Owns: the link.
 */
#include "front.h"

#include "base/log.h"
#include "hooked.h"
#include "mcp_hub.h"

#define SLOT_BITS 16
#define REPLY_ARENA_MAX ((size_t)1 << 20)

_Static_assert(HTTP_CONNECTIONS_MAX + TOLD_MAX < MCP_SLOT_FIRST,
    "a call's id holds the slot of its client");

/* Who waits for it, or NULL: he has hung up. */
static struct client *
caller(struct front *f, uint64_t id)
{
	const size_t slot = id & ((1u << SLOT_BITS) - 1);
	struct client *c = slot < f->client_cap ? f->clients[slot] : NULL;

	return c != NULL && c->call_id == id && id != 0 ? c : NULL;
}

static int
on_reply(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(REPLY_ARENA_MAX);
	struct front *f = ctx;
	struct reply reply;
	struct client *c;
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = reply_decode(m->payload, a, &reply, e);
	if (r != 0)
		return r;
	if ((reply.id & MCP_SLOT_FIRST) != 0) {
		mcp_work_reply(f->mcp, &reply);
		return ERR_OK;
	}
	c = caller(f, reply.id);
	if (c == NULL)
		return ERR_OK;
	if (c->state != CLIENT_WAITING)
		return err_set(e, ERR_INVALID, "a call was answered twice");
	if (!reply.chunks)
		c->call_id = 0;
	if (form_reply(c, &reply))
		return ERR_OK;
	client_answer(c,
	    &(struct answer){
		.status = reply.status,
		.type = reply.type,
		.body = reply.body,
		.chunks = reply.chunks,
		.paced = reply.paced,
		.etag = reply.etag,
		.location = reply.location,
		.retry_after_s = reply.retry_after_s,
	    });
	if (reply.chunks && c->head_only)
		front_call_gone(f, c);
	return ERR_OK;
}

/* A client that reads too slowly is told so and sent away. */
static void
drop_slow(struct front *f, struct client *c)
{
	const struct str words = c->heartbeat
	    ? STR("event: dropped\ndata: {\"reason\":\"too slow: reconnect "
		  "with Last-Event-ID\"}\n\n")
	    : STR_NONE;

	log_warn(
	    "stream_dropped", "request=%s uid=%u", c->request_id, c->peer.uid);
	front_call_gone(f, c);
	c->close_after = true;
	link_end(c->link, words);
}

static int
on_chunk(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct front *f = ctx;
	struct rec in = rec_of(m->payload);
	const uint64_t id = rec_u64(&in);
	const struct str bytes = rec_str(&in);
	struct client *c;

	if (rec_done(&in, e) != 0)
		return ERR_INVALID;
	c = caller(f, id);
	if (c != NULL && c->streaming && !link_chunk(c->link, bytes))
		drop_slow(f, c);
	return ERR_OK;
}

static int
on_end(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct front *f = ctx;
	struct rec in = rec_of(m->payload);
	const uint64_t id = rec_u64(&in);
	struct client *c;

	if (rec_done(&in, e) != 0)
		return ERR_INVALID;
	c = caller(f, id);
	if (c == NULL)
		return ERR_OK;
	c->call_id = 0;
	if (c->link != NULL)
		link_end(c->link, STR_NONE);
	return ERR_OK;
}

static const struct ipc_row rows[] = {
	{ .type = EF_REPLY, .len_max = IPC_PAYLOAD_MAX, .handler = on_reply },
	{ .type = EF_CHUNK, .len_max = IPC_PAYLOAD_MAX, .handler = on_chunk },
	{ .type = EF_END, .len_max = 64, .handler = on_end },
};

int
front_engine(struct front *f, int fd, ipc_closed_fn *closed, struct err *e)
{
	front_engine_gone(f);
	return ipc_new(f->loop, fd, "engine", rows, ARRAY_LEN(rows), f, closed,
	    &f->engine, e);
}

static void
tell(struct client *c)
{
	if (c->call_id == 0)
		return;
	c->call_id = 0;
	if (c->state == CLIENT_WAITING) {
		client_problem(c, 503, "engine_unavailable",
		    "the engine went away before it answered; nothing is "
		    "known to be allowed; try again with the same "
		    "Idempotency-Key",
		    1);
		return;
	}
	c->close_after = true;
	if (c->link != NULL)
		link_end(c->link,
		    c->heartbeat
			? STR("event: end\ndata: {\"reason\":\"the engine "
			      "restarted: reconnect with Last-Event-ID\"}\n\n")
			: STR_NONE);
}

void
front_engine_gone(struct front *f)
{
	ipc_freep(&f->engine);
	if (f->mcp != NULL)
		mcp_work_engine_gone(f->mcp);
	for (size_t i = 0; i < f->client_cap; i++) {
		if (f->clients[i] != NULL)
			tell(f->clients[i]);
	}
}

int
front_send(struct front *f, size_t slot, struct call *call)
{
	struct err e = ERR_INIT;

	if (f->engine == NULL)
		return -1;
	call->id = ++f->calls << SLOT_BITS | slot;
	buf_reset(&f->call);
	call_encode(call, &f->call);
	if (buf_done(&f->call, &e) != 0 ||
	    ipc_send(f->engine, FE_CALL, buf_str(&f->call), -1, &e) != 0) {
		log_warn("call_failed", "error=%s", e.msg);
		return -1;
	}
	return 0;
}

int
front_call(struct front *f, struct client *c, struct call *call)
{
	if (front_send(f, c == NULL ? 0 : c->slot, call) != 0)
		return -1;
	if (c != NULL)
		c->call_id = call->id;
	return 0;
}

void
front_taken(struct front *f, const struct client *c, uint64_t bytes)
{
	AUTO_BUF struct buf b = BUF_INIT(64);

	if (c->call_id == 0 || f->engine == NULL)
		return;
	rec_put_u64(&b, c->call_id);
	rec_put_u64(&b, bytes);
	(void)ipc_send(f->engine, FE_TAKEN, buf_str(&b), -1, NULL);
}

void
front_unask(struct front *f, uint64_t call_id)
{
	AUTO_BUF struct buf b = BUF_INIT(64);

	if (call_id == 0 || f->engine == NULL)
		return;
	rec_put_u64(&b, call_id);
	(void)ipc_send(f->engine, FE_GONE, buf_str(&b), -1, NULL);
}

void
front_call_gone(struct front *f, struct client *c)
{
	front_unask(f, c->call_id);
	c->call_id = 0;
}
