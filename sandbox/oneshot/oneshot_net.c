/*
 * The proxy of a run without a daemon.
 * Runs in: assent-exec, on the host's side.  Trusts: the plan; nothing that
 * comes from the run.
 * Owns: the proxy's link.
 */
#include "oneshot/oneshot_net.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "start/net_link.h"
#include "oneshot/oneshot.h"

#define END_TURNS_MAX 40
#define END_TURN_MS 50

struct oneshot_net {
	struct loop *loop;
	struct net_link *link;
};

static void
on_ask(void *ctx, const struct proxy_ask *a)
{
	const struct oneshot_net *n = ctx;

	(void)net_link_verdict(
	    n->link, &(struct proxy_verdict){ .ticket = a->ticket }, NULL);
}

static void
on_event(void *ctx, const struct proxy_event *ev)
{
	(void)ctx;
	(void)ev;
}

static void
on_over(void *ctx)
{
	(void)ctx;
}

static const struct net_link_events events = {
	.ask = on_ask,
	.event = on_event,
	.over = on_over,
	.flag = "--host",
};

int
oneshot_net_start(const struct plan *p, struct oneshot_net **ret, struct err *e)
{
	struct oneshot_net *n;
	int r;

	*ret = NULL;
	if (!p->online)
		return ERR_OK;
	n = mem_new(1, sizeof(*n));
	if (n == NULL)
		return err_nomem(e);
	r = loop_new(&n->loop, e);
	if (r == 0)
		r = net_link_start(n->loop, p, &events, n, &n->link, e);
	if (r != 0) {
		loop_free(n->loop);
		free(n);
		return r;
	}
	*ret = n;
	return ERR_OK;
}

int
oneshot_net_fd(const struct oneshot_net *n)
{
	return n == NULL ? -1 : loop_poll_fd(n->loop);
}

void
oneshot_net_turn(struct oneshot_net *n)
{
	if (n != NULL)
		(void)loop_once(n->loop, 0, NULL);
}

void
oneshot_net_listener(struct oneshot_net *n, const struct ctl *m)
{
	AUTO_FD int fd = m->has_fd ? m->fd : -1;

	if (fd < 0 || n == NULL || m->text != NULL)
		return;
	(void)net_link_listener(
	    n->link, (enum proxy_listener)m->code, fd, NULL);
	oneshot_net_turn(n);
}

void
oneshot_net_end(struct oneshot_net *n)
{
	const char *const *denied;
	size_t count;

	if (n == NULL)
		return;
	net_link_stop(n->link);
	for (int i = 0; i < END_TURNS_MAX && !net_link_is_over(n->link); i++)
		(void)loop_once(n->loop, END_TURN_MS, NULL);
	count = net_link_denied(n->link, &denied);
	for (size_t i = 0; i < count; i++)
		oneshot_say("denied: %s", denied[i]);
	if (net_link_failure(n->link) != NULL)
		oneshot_say("%s", net_link_failure(n->link));
	net_link_free(n->link);
	loop_free(n->loop);
	free(n);
}
