/*
 * The broker's process around its work: links, secrets, confinement.
 * Runs in: assent-broker.  Trusts: the supervisor; the engine as far as
 * records are well-formed.  Owns: the secrets.
 */
#include "broker_role.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker.h"
#include "sources.h"

#define ARENA_MAX ((size_t)32 << 10)
#define TICKET_BYTES 8

/* A secret on its way: a file, or a pipe from a command. */
struct incoming {
	struct broker *b;
	size_t at; /* which credential's */
	int fd; /* -1: none */
	size_t len;
	char bytes[CREDENTIAL_BYTES_MAX + 2];
};

struct process {
	struct broker b;
	struct incoming in[CREDENTIALS_MAX];
};

/* ---- words of the engine --------------------------------------------------- */

void
broker_refuse_run(struct broker *b, uint64_t ticket, const char *why)
{
	AUTO_BUF struct buf out = BUF_INIT(BROKER_MESSAGE_MAX);

	rec_put_u64(&out, ticket);
	rec_put_cstr(&out, why);
	if (b->engine != NULL)
		(void)ipc_send(b->engine, BE_REFUSED, buf_str(&out), -1, NULL);
}

int
broker_send_link(struct broker *b, uint64_t ticket, int link, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(TICKET_BYTES + 1);

	if (b->engine == NULL)
		return err_set(e, ERR_SYS, "the engine is not there");
	rec_put_u64(&out, ticket);
	return ipc_send(b->engine, BE_LINK, buf_str(&out), link, e);
}

static int
on_run(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	AUTO_FD int link = -1;
	struct broker *b = ctx;
	struct broker_run_state *state;
	struct err why = ERR_INIT;
	struct broker_run run;
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = broker_run_get(m->payload, a, &run, e);
	if (r != 0)
		return r;
	r = broker_run_new(b, &run, &state, &link, &why);
	if (r == 0 && !run.values)
		return broker_send_link(b, run.ticket, link, e);
	if (r == 0) {
		r = broker_hand_over(state, run.ticket, TAKE_FD(link), &why);
		if (r != 0)
			broker_run_free(state);
	}
	if (r != 0)
		broker_refuse_run(b, run.ticket, why.msg);
	return ERR_OK;
}

static int
on_verdict(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct broker *b = ctx;
	struct rec in = rec_of(m->payload);
	const uint64_t number = rec_u64(&in);
	const uint8_t allowed = rec_u8(&in);
	const int r = rec_done(&in, e);

	if (r == 0)
		broker_verdict(b, number, allowed == 1);
	return r;
}

static const struct ipc_row engine_rows[] = {
	{
	    .type = EB_RUN,
	    .len_max = BROKER_MESSAGE_MAX,
	    .handler = on_run,
	},
	{
	    .type = EB_VERDICT,
	    .len_max = TICKET_BYTES + 1,
	    .handler = on_verdict,
	},
};

static void
on_engine_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct broker *b = ctx;

	role_peer_closed(b->env, "engine", why);
	ipc_free(i);
	b->engine = NULL;
	broker_refuse_all(b);
}

static int
broker_peer(struct role_env *env, const char *peer, int fd, struct err *e)
{
	struct process *p = env->self;
	struct broker *b = &p->b;
	AUTO_FD int link = fd;

	if (strcmp(peer, "engine") != 0)
		return err_set(
		    e, ERR_INVALID, "the broker has no link to '%s'", peer);
	if (b->engine != NULL)
		broker_refuse_all(b);
	ipc_freep(&b->engine);
	return ipc_new(env->loop, TAKE_FD(link), "engine", engine_rows,
	    ARRAY_LEN(engine_rows), b, on_engine_closed, &b->engine, e);
}

/* ---- secrets ---------------------------------------------------------------- */

static void
end_secret(struct incoming *in, bool complete)
{
	struct holding *h = &in->b->held[in->at];
	struct err e = ERR_INIT;
	int r;

	loop_forget(in->b->env->loop, in->fd);
	fd_closep(&in->fd);
	usable_freep(&h->u);
	r = complete ? usable_make(h->c, str_n(in->bytes, in->len), &h->u, &e)
		     : err_set(&e, ERR_INVALID, "its secret cannot be read");
	explicit_bzero(in->bytes, sizeof(in->bytes));
	in->len = 0;
	if (r != 0)
		log_err("no-secret", "credential=%s why=%s", h->c->name, e.msg);
	else
		log_info("holds", "credential=%s kind=%s", h->c->name,
		    h->c->kind_name);
}

/* False once it has ended. */
static bool
read_secret(struct incoming *in)
{
	const ssize_t n =
	    read(in->fd, in->bytes + in->len, sizeof(in->bytes) - in->len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (n > 0)
		in->len += (size_t)n;
	if (n > 0 && in->len < sizeof(in->bytes))
		return true;
	end_secret(in, n == 0);
	return false;
}

static void
on_secret_bytes(void *ctx, int fd, unsigned events)
{
	struct incoming *in = ctx;

	(void)fd;
	(void)events;
	while (read_secret(in))
		;
}

static int
on_secret(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct role_env *env = ctx;
	struct process *p = env->self;
	struct rec rec = rec_of(m->payload);
	const uint32_t at = rec_u32(&rec);
	struct incoming *in;
	int r = rec_done(&rec, e);

	if (r == 0 && at >= p->b.held_count)
		r = err_set(e, ERR_INTERNAL, "a secret for no credential");
	if (r == 0)
		r = fdio_nonblock(m->fd, e);
	if (r != 0)
		return r;
	in = &p->in[at];
	if (in->fd >= 0)
		end_secret(in, false);
	in->fd = TAKE_FD(m->fd);
	/* epoll takes no files; reading one never waits. */
	if (loop_fd(env->loop, in->fd, LOOP_READ, on_secret_bytes, in, NULL) !=
	    0)
		on_secret_bytes(in, in->fd, LOOP_READ);
	return ERR_OK;
}

static int
on_source(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct role_env *env = ctx;
	struct process *p = env->self;
	struct rec in = rec_of(m->payload);
	const uint64_t number = rec_u64(&in);
	const int r = rec_done(&in, e);

	if (r == 0)
		broker_source_opened(&p->b, number, TAKE_FD(m->fd), NULL);
	return r;
}

static int
on_source_failed(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	struct role_env *env = ctx;
	struct process *p = env->self;
	struct rec in = rec_of(m->payload);
	const uint64_t number = rec_u64(&in);
	const char *why;
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = rec_reason(&in, a, "it is not there", &why, e);
	if (r == 0)
		broker_source_opened(&p->b, number, -1, why);
	return r;
}

static const struct ipc_row supervisor_rows[] = {
	{
	    .type = SR_SOURCE,
	    .flags = IPC_FD,
	    .len_max = TICKET_BYTES,
	    .handler = on_source,
	},
	{
	    .type = SR_SOURCE_FAILED,
	    .len_max = BROKER_MESSAGE_MAX,
	    .handler = on_source_failed,
	},
	{
	    .type = SR_KEY,
	    .flags = IPC_FD,
	    .len_max = 4,
	    .handler = on_secret,
	},
};

/* ---- life -------------------------------------------------------------------- */

static int
open_folder(struct broker *b, char path[static PATH_BYTES_MAX], struct err *e)
{
	if (snprintf(path, PATH_BYTES_MAX, "%s/" BROKER_DIR,
		b->env->config->runtime_dir) >= PATH_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "the runtime folder is too long");
	b->ca_dir = path;
	return ERR_OK;
}

/* No secret comes for these; it stays where it is. */
static void
hold_agents(struct holding *h)
{
	struct err e = ERR_INIT;

	if (h->c->agent == NULL)
		return;
	if (usable_make_agent(h->c, &h->u, &e) != 0)
		log_err("no-secret", "credential=%s why=%s", h->c->name, e.msg);
	else
		log_info("holds", "credential=%s kind=%s in an agent",
		    h->c->name, h->c->kind_name);
}

static int
broker_open(struct role_env *env, struct err *e)
{
	struct process *p = mem_new(1, sizeof(*p));
	const struct config *c = env->config;
	char path[PATH_BYTES_MAX];
	int r;

	if (p == NULL)
		return err_nomem(e);
	env->self = p;
	p->b.env = env;
	for (size_t i = 0; i < CREDENTIALS_MAX; i++) {
		p->in[i].b = &p->b;
		p->in[i].at = i;
		p->in[i].fd = -1;
	}
	p->b.held = mem_new(c->credential_count + 1, sizeof(*p->b.held));
	if (p->b.held == NULL)
		return err_nomem(e);
	p->b.held_count = c->credential_count;
	for (size_t i = 0; i < c->credential_count; i++) {
		p->b.held[i].c = &c->credentials[i];
		hold_agents(&p->b.held[i]);
	}
	r = open_folder(&p->b, path, e);
	if (r == 0)
		r = broker_trust_open(&p->b, e);
	p->b.ca_dir = NULL;
	return r;
}

/* Sockets that others connected, a pair for each run; no files at all. What
 * is secret stays out of swap. */
static const int broker_syscalls[] = {
	SYS_accept4,
	SYS_socketpair,
	SYS_getpeername,
	SYS_getsockname,
	SYS_mlock,
	SYS_munlock,
};

static int
broker_limits(struct role_env *env, struct confine_options *o, struct err *e)
{
	(void)env;
	(void)e;
	o->syscalls = broker_syscalls;
	o->syscall_count = ARRAY_LEN(broker_syscalls);
	return ERR_OK;
}

static void
broker_close(struct role_env *env)
{
	struct process *p = env->self;
	struct broker *b = p == NULL ? NULL : &p->b;

	if (b == NULL)
		return;
	while (b->runs != NULL)
		broker_run_free(b->runs);
	while (b->openings != NULL)
		broker_source_opened(b, b->openings->number, -1, "it ended");
	for (size_t i = 0; i < CREDENTIALS_MAX; i++) {
		if (p->in[i].fd >= 0)
			loop_forget(env->loop, p->in[i].fd);
		fd_closep(&p->in[i].fd);
		explicit_bzero(p->in[i].bytes, sizeof(p->in[i].bytes));
	}
	ipc_free(b->engine);
	broker_trust_close(b);
	for (size_t i = 0; i < b->held_count; i++)
		usable_free(b->held[i].u);
	mem_freep(&b->held);
	mem_freep(&env->self);
}

const struct role broker_role = {
	.name = "broker",
	.open = broker_open,
	.limits = broker_limits,
	.peer = broker_peer,
	.close = broker_close,
	.rows = supervisor_rows,
	.row_count = ARRAY_LEN(supervisor_rows),
};
