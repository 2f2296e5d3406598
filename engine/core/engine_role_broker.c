/*
 * The engine's link to the broker of credentials.
 * Runs in: engine.  Trusts: the broker only as far as records are well-formed.
 * Owns: the link.
 */
#include "base/log.h"
#include "broker_messages.h"
#include "engine_role_int.h"

#define TICKET_BYTES 8
#define ARENA_MAX ((size_t)32 << 10)

static int
send_broker(
    struct engine_process *p, uint16_t type, const struct buf *b, struct err *e)
{
	const int r = buf_done(b, e);

	if (r != 0)
		return r;
	if (p->broker == NULL)
		return err_set(e, ERR_SYS, "it is not there");
	return ipc_send(p->broker, type, buf_str(b), -1, e);
}

int
engine_out_broker_run(void *ctx, const struct broker_run *r, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(BROKER_MESSAGE_MAX);

	broker_run_put(&b, r);
	return send_broker(ctx, EB_RUN, &b, e);
}

void
engine_out_broker_verdict(void *ctx, uint64_t use, bool allowed)
{
	AUTO_BUF struct buf b = BUF_INIT(TICKET_BYTES + 2);
	struct err why = ERR_INIT;

	rec_put_u64(&b, use);
	rec_put_u8(&b, allowed);
	if (send_broker(ctx, EB_VERDICT, &b, &why) != 0)
		log_warn("broker", "a verdict was lost: %s", why.msg);
}

static int
on_link(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct engine_process *p = ctx;
	struct rec in = rec_of(m->payload);
	const uint64_t ticket = rec_u64(&in);
	const int r = rec_done(&in, e);

	if (r == 0)
		engine_broker_link(p->engine, ticket, TAKE_FD(m->fd));
	return r;
}

static int
on_refused(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	struct engine_process *p = ctx;
	struct refusal f;
	const int r = refusal_read(m, "it refused", a, &f, e);

	if (r == 0)
		engine_broker_refused(p->engine, f.ticket, f.why);
	return r;
}

static int
on_use(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	struct engine_process *p = ctx;
	struct broker_use u;
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = broker_use_get(m->payload, a, &u, e);
	if (r == 0)
		engine_broker_use(p->engine, &u);
	return r;
}

static const struct ipc_row broker_rows[] = {
	{
	    .type = BE_LINK,
	    .flags = IPC_FD,
	    .len_max = TICKET_BYTES,
	    .handler = on_link,
	},
	{
	    .type = BE_REFUSED,
	    .len_max = BROKER_MESSAGE_MAX,
	    .handler = on_refused,
	},
	{
	    .type = BE_USE,
	    .len_max = BROKER_MESSAGE_MAX,
	    .handler = on_use,
	},
};

static void
broker_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct engine_process *p = ctx;

	role_peer_closed(p->env, "broker", why);
	ipc_free(i);
	p->broker = NULL;
	engine_broker_gone(p->engine);
}

int
engine_broker_peer(struct engine_process *p, int fd, struct err *e)
{
	if (p->broker != NULL)
		engine_broker_gone(p->engine);
	ipc_freep(&p->broker);
	return ipc_new(p->env->loop, fd, "broker", broker_rows,
	    ARRAY_LEN(broker_rows), p, broker_closed, &p->broker, e);
}
