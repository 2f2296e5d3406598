/*
 * The reporter without a destination: takes the feed, sends nothing. Settings
 * that name a destination are refused by the configuration, so nobody takes
 * this for an export.
 * Runs in: reporter.  Trusts: nothing.  Owns: its link to engine.
 */
#include "reporter_role.h"

#include "base/mem.h"

#define ROW_BYTES_MAX ((size_t)1 << 20)

struct reporting {
	struct role_env *env;
	struct ipc *engine;
};

static int
on_row(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct rec r = rec_of(m->payload);

	(void)ctx;
	(void)rec_u64(&r);
	(void)rec_str(&r);
	return rec_done(&r, e);
}

static const struct ipc_row rows[] = {
	{ .type = ER_ROW, .len_max = ROW_BYTES_MAX, .handler = on_row },
};

static void
on_engine_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct reporting *self = ctx;

	ipc_free(i);
	self->engine = NULL;
	role_peer_closed(self->env, "engine", why);
}

static int
reporter_open(struct role_env *env, struct err *e)
{
	struct reporting *self = mem_new(1, sizeof(*self));

	if (self == NULL)
		return err_nomem(e);
	self->env = env;
	env->self = self;
	return ERR_OK;
}

static int
reporter_peer(struct role_env *env, const char *peer, int fd, struct err *e)
{
	struct reporting *self = env->self;

	ipc_freep(&self->engine);
	return ipc_new(env->loop, fd, peer, rows, ARRAY_LEN(rows), self,
	    on_engine_closed, &self->engine, e);
}

static void
reporter_close(struct role_env *env)
{
	struct reporting *self = env->self;

	ipc_free(self->engine);
	mem_freep(&self);
}

const struct role reporter_role = {
	.name = "reporter",
	.open = reporter_open,
	.peer = reporter_peer,
	.close = reporter_close,
};
