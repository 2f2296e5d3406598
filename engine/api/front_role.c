/*
 * The front as a role: what it opens, what it keeps, who its peers are.
 * Runs in: front.  Trusts: the supervisor.  Owns: the front.
 */
#include "front_role.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "front.h"
#include "openapi.h"

/* Beyond what every role has: new clients, and pairs of sockets for the HTTP
 * library, which wakes itself by an eventfd that is open already. No file can
 * be opened, no connection made, no port bound. */
static const int front_syscalls[] = {
	SYS_accept4,
	SYS_socketpair,
	SYS_setsockopt,
	SYS_getsockname,
	SYS_getpeername,
};

static int
take_tokens(const struct config *config, struct tokens **ret, struct err *e)
{
	*ret = NULL;
	if (config->token == NULL)
		return ERR_OK;
	return tokens_parse(config->token, ret, e);
}

static int
front_open(struct role_env *env, struct err *e)
{
	struct front *f;
	int r;

	r = front_new(env->loop, geteuid(), &f, e);
	if (r != 0)
		return r;
	env->self = f;
	f->env = env;
	r = openapi_json(&f->openapi, e);
	if (r == 0)
		r = take_tokens(env->config, &f->tokens, e);
	f->listen_tcp = env->config->listen_tcp;
	return r;
}

static int
front_limits(struct role_env *env, struct confine_options *o, struct err *e)
{
	(void)env;
	(void)e;
	o->syscalls = front_syscalls;
	o->syscall_count = ARRAY_LEN(front_syscalls);
	return ERR_OK;
}

static int
front_listener(
    struct role_env *env, enum listener_kind kind, int fd, struct err *e)
{
	struct front *f = env->self;

	if (kind == LISTENER_TCP && f->tokens == NULL) {
		fd_closep(&fd);
		return err_set(e, ERR_DENIED,
		    "a TCP listener without tokens is not served; set "
		    "listen.token_file");
	}
	return front_listen(f, kind, fd, e);
}

static void
engine_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct front *f = ctx;

	(void)i;
	role_peer_closed(f->env, "engine", why);
	front_engine_gone(f);
}

static int
front_peer(struct role_env *env, const char *peer, int fd, struct err *e)
{
	if (!str_eqz(str_of(peer), "engine")) {
		fd_closep(&fd);
		return err_set(
		    e, ERR_INVALID, "front has no business with %s", peer);
	}
	return front_engine(env->self, fd, engine_closed, e);
}

static int
front_status(struct role_env *env, struct str json, bool all_up, struct err *e)
{
	(void)env;
	(void)json;
	(void)all_up;
	(void)e;
	return ERR_OK;
}

static int
front_check(struct role_env *env, const struct config *now, struct err *e)
{
	AUTO(tokens_freep) struct tokens *tokens = NULL;

	(void)env;
	return take_tokens(now, &tokens, e);
}

static int
front_reload(struct role_env *env, const struct config *now, struct err *e)
{
	struct front *f = env->self;
	struct tokens *tokens;
	int r;

	r = take_tokens(now, &tokens, e);
	if (r != 0)
		return r;
	tokens_free(f->tokens);
	f->tokens = tokens;
	f->listen_tcp = now->listen_tcp;
	return ERR_OK;
}

static void
front_close(struct role_env *env)
{
	front_free(env->self);
	env->self = NULL;
}

const struct role front_role = {
	.name = "front",
	.secrets = SECRETS_OF_FRONT,
	.open = front_open,
	.limits = front_limits,
	.listener = front_listener,
	.peer = front_peer,
	.status = front_status,
	.check = front_check,
	.reload = front_reload,
	.close = front_close,
};
