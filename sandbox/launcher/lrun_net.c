/*
 * A run's proxy in a launcher: started with the run, its questions and its
 * events passed on, ended with it. And what its broker hands to the run.
 * Runs in: assent-exec --launcher.  Trusts: nothing that comes from a run or
 * its proxy.
 * Owns: nothing; the link to the proxy is the run's.
 */
#include <string.h>
#include <unistd.h>

#include "launcher/lrun.h"
#include "start/net_link.h"
#include "proto.h"
#include "sandbox/broker_proto.h"
#include "sandbox/plan_credentials.h"

static void
on_ask(void *ctx, const struct proxy_ask *a)
{
	AUTO_BUF struct buf b = BUF_INIT(PROXY_MESSAGE_BYTES + 16);
	const struct lrun *r = ctx;

	rec_put_u64(&b, r->number);
	proxy_ask_put(&b, a);
	/* Without an engine nobody says yes. */
	(void)launcher_tell(r->l, LX_NET_ASK, &b, NULL);
}

static void
on_event(void *ctx, const struct proxy_event *ev)
{
	AUTO_BUF struct buf b = BUF_INIT(PROXY_MESSAGE_BYTES + 16);
	const struct lrun *r = ctx;

	rec_put_u64(&b, r->number);
	proxy_event_put(&b, ev);
	(void)launcher_tell(r->l, LX_NET_EVENT, &b, NULL);
}

static void
on_over(void *ctx)
{
	lrun_end_if_over(ctx);
}

static const struct net_link_events events = {
	.ask = on_ask,
	.event = on_event,
	.over = on_over,
};

int
lrun_take_values(struct lrun *r, struct err *e)
{
	const struct plan *p = r->plan;
	int code = ERR_OK;

	if (p->credential_count > 0 && r->broker < 0)
		return err_set(e, ERR_INTERNAL,
		    "the run has no link to the broker of its credentials");
	for (size_t i = 0; code == 0 && i < p->credential_count; i++) {
		if (!plan_credential_is_value(&p->credentials[i]))
			continue;
		/* Decoding a plan bounds how many there are. */
		code = broker_take_value(r->broker, p->credentials[i].name,
		    &r->values[r->value_count], e);
		r->value_count += code == 0;
	}
	return code;
}

void
lrun_close_values(struct lrun *r)
{
	while (r->value_count > 0)
		fd_closep(&r->values[--r->value_count]);
}

int
lrun_net_start(struct lrun *r, struct err *e)
{
	int code;

	if (!r->plan->online)
		return ERR_OK;
	code = net_link_start(r->l->loop, r->plan, &events, r, &r->net, e);
	if (code == 0 && r->plan->credential_count > 0)
		code = net_link_broker(r->net, r->plan, r->broker, e);
	return code;
}

void
lrun_net_listener(struct lrun *r, const struct ctl *m)
{
	AUTO_FD int fd = m->has_fd ? m->fd : -1;

	/* What nobody waits at is closed: a connection to it fails. */
	if (fd >= 0 && r->net != NULL && m->text == NULL)
		(void)net_link_listener(
		    r->net, (enum proxy_listener)m->code, fd, NULL);
	if (fd >= 0 && r->broker >= 0 && m->text != NULL &&
	    strcmp(m->text, PLAN_AGENT_SOCKET) == 0)
		(void)broker_give_agent(r->broker, fd, NULL);
}

bool
lrun_net_is_over(struct lrun *r)
{
	if (!net_link_is_over(r->net))
		net_link_stop(r->net);
	return net_link_is_over(r->net);
}

void
lrun_net_violations(const struct lrun *r, struct ctl *end)
{
	const char *const *denied;
	const size_t count = net_link_denied(r->net, &denied);
	const char *failure = net_link_failure(r->net);

	for (size_t i = 0; i < count; i++)
		ctl_add_violation(end, denied[i]);
	ctl_add_violation(end, failure);
}

void
lrun_net_answer(struct lrun *r, const struct proxy_verdict *v)
{
	if (r->net != NULL)
		(void)net_link_verdict(r->net, v, NULL);
}
