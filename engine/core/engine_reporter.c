/*
 * The engine's end of the link to the reporter: rows out, wishes in.
 * Runs in: engine.  Trusts: nothing of the reporter.  Owns: the link.
 */
#include "engine_reporter.h"

#include "base/mem.h"

#define FEED_BYTES_MAX 64
#define OPEN_BYTES_MAX 256
#define LAG_BYTES_MAX 4096
#define TEXT_ARENA_MAX ((size_t)16 << 10)
/* Beyond this the reporter has enough to do. */
#define QUEUED_BYTES_MAX ((size_t)8 << 20)

struct reporter_link {
	struct reporter_link_options o;
	struct ipc *ipc;
};

static int
on_feed(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct reporter_link *r = ctx;
	struct rec in = rec_of(m->payload);
	const uint32_t feed = rec_u32(&in);
	const uint64_t seq = rec_u64(&in);
	const uint32_t count = rec_u32(&in);
	const int done = rec_done(&in, e);

	return done != 0 ? done : engine_feed(r->o.engine, feed, seq, count, e);
}

static int
on_open(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(TEXT_ARENA_MAX);
	AUTO_BUF struct buf reply = BUF_INIT(FEED_BYTES_MAX);
	struct reporter_link *r = ctx;
	struct rec in = rec_of(m->payload);
	const uint32_t feed = rec_u32(&in);
	const char *name;
	uint64_t seq = 0;
	int done;

	if (a == NULL)
		return err_nomem(e);
	name = rec_cstr(&in, a);
	done = rec_done(&in, e);
	if (done == 0)
		done = engine_feed_open(r->o.engine, feed, name, &seq, e);
	if (done != 0)
		return done;
	rec_put_u32(&reply, feed);
	rec_put_u64(&reply, seq);
	done = buf_done(&reply, e);
	return done != 0 ? done
			 : ipc_send(r->ipc, ER_CURSOR, buf_str(&reply), -1, e);
}

static int
on_lag(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(TEXT_ARENA_MAX);
	struct reporter_link *r = ctx;
	struct rec in = rec_of(m->payload);
	const uint32_t feed = rec_u32(&in);
	struct destination_lag lag;
	int done;

	if (a == NULL)
		return err_nomem(e);
	lag.seq = rec_u64(&in);
	lag.refused = rec_u64(&in);
	lag.failures = rec_u64(&in);
	lag.attested = rec_u64(&in);
	lag.why = rec_cstr(&in, a);
	done = rec_done(&in, e);
	return done != 0 ? done : engine_lag(r->o.engine, feed, &lag, e);
}

static const struct ipc_row rows[] = {
	{ .type = RE_OPEN, .len_max = OPEN_BYTES_MAX, .handler = on_open },
	{ .type = RE_FEED, .len_max = FEED_BYTES_MAX, .handler = on_feed },
	{ .type = RE_LAG, .len_max = LAG_BYTES_MAX, .handler = on_lag },
};

static void
on_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct reporter_link *r = ctx;

	(void)i;
	engine_reporter_gone(r->o.engine);
	r->o.closed(r->o.ctx, why);
}

int
reporter_link_open(struct loop *l, int fd,
    const struct reporter_link_options *o, struct reporter_link **ret,
    struct err *e)
{
	AUTO_FD int link = fd;
	struct reporter_link *r = mem_new(1, sizeof(*r));
	int done;

	if (r == NULL)
		return err_nomem(e);
	r->o = *o;
	done = ipc_new(l, TAKE_FD(link), "reporter", rows, ARRAY_LEN(rows), r,
	    on_closed, &r->ipc, e);
	if (done != 0) {
		mem_freep(&r);
		return done;
	}
	*ret = r;
	return ERR_OK;
}

void
reporter_link_free(struct reporter_link *r)
{
	if (r == NULL)
		return;
	ipc_free(r->ipc);
	mem_freep(&r);
}

bool
reporter_link_row(
    struct reporter_link *r, uint32_t feeds, uint64_t seq, struct str json)
{
	AUTO_BUF struct buf body = BUF_INIT(IPC_PAYLOAD_MAX);

	if (r == NULL || ipc_queued(r->ipc) > QUEUED_BYTES_MAX)
		return false;
	rec_put_u32(&body, feeds);
	rec_put_u64(&body, seq);
	rec_put_str(&body, json);
	return buf_done(&body, NULL) == 0 &&
	    ipc_send(r->ipc, ER_ROW, buf_str(&body), -1, NULL) == 0;
}

bool
reporter_link_checkpoint(
    struct reporter_link *r, uint64_t size, struct str json)
{
	AUTO_BUF struct buf body = BUF_INIT(IPC_PAYLOAD_MAX);

	if (r == NULL)
		return false;
	rec_put_u64(&body, size);
	rec_put_str(&body, json);
	return buf_done(&body, NULL) == 0 &&
	    ipc_send(r->ipc, ER_CHECKPOINT, buf_str(&body), -1, NULL) == 0;
}
