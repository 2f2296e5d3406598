#ifndef SANDBOX_NET_LINK_H
#define SANDBOX_NET_LINK_H
/*
 * The proxy of one run (assent-proxy), seen from whoever started both.
 *
 *     r = net_link_start(loop, plan, &events, ctx, &link, e);
 *     net_link_listener(link, PROXY_HTTP, fd, e);
 *     net_link_verdict(link, &verdict, e);
 *     net_link_stop(link);       the last events, then over
 *     net_link_free(link);
 *
 * It lives in the host's network and sees nothing else of the host; what it
 * says is taken as a claim of the run.
 */
#include <stdbool.h>

#include "base/loop.h"
#include "sandbox/plan.h"
#include "sandbox/proxy_proto.h"

#define NET_DENIED_MAX 16
/* Who the proxies of root's runs are: an account that owns nothing. */
#define NET_PROXY_UID 59997

struct net_link;

struct net_link_events {
	void (*ask)(void *ctx, const struct proxy_ask *a);
	void (*event)(void *ctx, const struct proxy_event *ev);
	/* Once, also when it died: nothing of it is left. */
	void (*over)(void *ctx);
	const char *flag; /* that would let a refused host through, or NULL */
};

int net_link_start(struct loop *l, const struct plan *p,
    const struct net_link_events *ev, void *ctx, struct net_link **ret,
    struct err *e);
/* Hosts with a credential, and the link to their broker; borrowed. */
int net_link_broker(
    struct net_link *n, const struct plan *p, int link, struct err *e);
/* fd is borrowed. */
int net_link_listener(
    struct net_link *n, enum proxy_listener kind, int fd, struct err *e);
int net_link_verdict(
    struct net_link *n, const struct proxy_verdict *v, struct err *e);
/* n may be NULL. over is called from the loop, within a second. */
void net_link_stop(struct net_link *n);
bool net_link_is_over(const struct net_link *n);
/* What was refused or cut, for the agent: one sentence for each host and port,
 * and for each limit. */
size_t net_link_denied(const struct net_link *n, const char *const **ret);
/* What went wrong with the proxy itself, or NULL. */
const char *net_link_failure(const struct net_link *n);
void net_link_free(struct net_link *n);

#endif
