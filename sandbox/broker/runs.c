/*
 * Runs that may use credentials: their links, and what comes over them.
 * Runs in: assent-broker.  Trusts: the engine for whose a link is; nothing
 * that comes over it.  Owns: the links and all that came by them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker.h"
#include "sandbox/broker_proto.h"

#define SCOPE_ARENA ((size_t)16 << 10)

/* ---- what comes over a link ---------------------------------------------- */

static int
on_agent(struct broker_run_state *r, struct broker_received *m, struct err *e)
{
	if (m->payload.len != 0 || m->fds[0] < 0 || m->fds[1] >= 0)
		return err_set(e, ERR_INVALID, "an agent of another form");
	return broker_agent_open(r, TAKE_FD(m->fds[0]), e);
}

static int
on_inject(struct broker_run_state *r, struct broker_received *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(2 * BROKER_BYTES_MAX);
	struct rec in = rec_of(m->payload);
	struct injection i = { .upstream = -1, .client = -1 };
	int code;

	if (a == NULL)
		return err_nomem(e);
	i.port = rec_u16(&in);
	i.tls = rec_u8(&in) != 0;
	i.host = rec_cstr(&in, a);
	i.credential = rec_cstr(&in, a);
	code = rec_done(&in, e);
	if (code == 0 && (i.host == NULL || m->fds[1] < 0))
		code = err_set(e, ERR_INVALID, "a connection to nowhere");
	if (code != 0)
		return code;
	i.upstream = TAKE_FD(m->fds[0]);
	i.client = TAKE_FD(m->fds[1]);
	return broker_inject_open(r, &i, e);
}

/* What is refused is closed, and the next message is looked at. */
static void
obey(struct broker_run_state *r, struct broker_received *m)
{
	struct err e = ERR_INIT;
	int code;

	if (m->type == BL_AGENT)
		code = on_agent(r, m, &e);
	else if (m->type == BL_INJECT)
		code = on_inject(r, m, &e);
	else
		code = err_set(&e, ERR_INVALID, "an unknown message");
	for (size_t i = 0; i < BROKER_FDS_MAX; i++)
		fd_closep(&m->fds[i]);
	if (code != 0)
		log_warn("refused", "id=%s why=%s", r->id, e.msg);
}

static void
on_link(void *ctx, int fd, unsigned events)
{
	struct broker_run_state *r = ctx;
	struct broker_received m;
	struct err e = ERR_INIT;
	int n;

	(void)events;
	while ((n = broker_receive(fd, &m, &e)) > 0)
		obey(r, &m);
	if (n == ERR_CONFLICT)
		return;
	if (n < 0)
		log_warn("link-broken", "id=%s why=%s", r->id, e.msg);
	broker_run_free(r);
}

/* ---- life ------------------------------------------------------------------ */

static bool
has_any(const struct broker *b, const struct credential_scope *s)
{
	for (size_t i = 0; i < b->held_count; i++) {
		if (credential_fits(b->held[i].c, s))
			return true;
	}
	return false;
}

static int
keep_scope(
    struct broker_run_state *n, const struct broker_run *r, struct err *e)
{
	const struct credential_scope *s = &r->scope;

	n->arena = arena_new(SCOPE_ARENA);
	if (n->arena == NULL)
		return err_nomem(e);
	(void)snprintf(n->id, sizeof(n->id), "%s", r->action_id);
	n->scope = (struct credential_scope){
		.uid = s->uid,
		.session = s->session == NULL
		    ? NULL
		    : arena_strdup(n->arena, s->session),
		.agent =
		    s->agent == NULL ? NULL : arena_strdup(n->arena, s->agent),
		.profile = arena_strdup(n->arena, s->profile),
	};
	return arena_failed(n->arena) ? err_nomem(e) : ERR_OK;
}

static void
discard(struct broker_run_state *n)
{
	fd_closep(&n->link);
	arena_free(n->arena);
	mem_freep(&n);
}

static int
connect_run(struct broker_run_state *n, int *ret_link, struct err *e)
{
	AUTO_FD int theirs = -1;
	int pair[2], code;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, pair) != 0)
		return err_sys(e, "cannot make a link for a run");
	n->link = pair[0];
	theirs = pair[1];
	code = loop_fd(n->b->env->loop, n->link, LOOP_READ, on_link, n, e);
	if (code == 0)
		*ret_link = TAKE_FD(theirs);
	return code;
}

int
broker_run_new(struct broker *b, const struct broker_run *r,
    struct broker_run_state **ret, int *ret_link, struct err *e)
{
	struct broker_run_state *n;
	int code;

	if (!has_any(b, &r->scope))
		return err_set(e, ERR_DENIED, "no credential is for this run");
	if (b->run_count >= BROKER_RUNS_MAX)
		return err_set(
		    e, ERR_LIMIT, "%d runs have credentials", BROKER_RUNS_MAX);
	n = mem_new(1, sizeof(*n));
	if (n == NULL)
		return err_nomem(e);
	n->b = b;
	n->link = n->listener = -1;
	code = keep_scope(n, r, e);
	if (code == 0)
		code = connect_run(n, ret_link, e);
	if (code != 0) {
		discard(n);
		return code;
	}
	n->next = b->runs;
	b->runs = n;
	b->run_count++;
	log_info("run", "id=%s uid=%u profile=%s", n->id,
	    (unsigned)n->scope.uid, n->scope.profile);
	*ret = n;
	return ERR_OK;
}

void
broker_run_free(struct broker_run_state *r)
{
	struct broker *b = r->b;
	struct broker_run_state **at = &b->runs;

	while (*at != NULL && *at != r)
		at = &(*at)->next;
	if (*at == r) {
		*at = r->next;
		b->run_count--;
	}
	broker_agent_close(r);
	broker_inject_close_all(r);
	broker_take_back(r);
	loop_forget(b->env->loop, r->link);
	log_info("run-ended", "id=%s", r->id);
	discard(r);
}
