/*
 * May the run go there? Rules, then a question, then the name's addresses.
 * Runs in: assent-proxy.  Trusts: the policy, the launcher's answers; not
 * what name servers say.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "conn.h"

#define HTTP_PORT 80
#define HTTPS_PORT 443
#define NS_PER_MS 1000000

/* What such a port usually carries; it is looked at when it flows. */
static enum net_protocol
presumed(const struct conn *c)
{
	if (c->plain || c->port == HTTP_PORT)
		return NET_HTTP;
	return c->port == HTTPS_PORT ? NET_TLS : NET_ANY;
}

static struct net_ruling
match(const struct conn *c, enum net_protocol protocol)
{
	return net_policy_match(&c->p->policy,
	    &(struct net_target){ &c->host, c->port, protocol,
		c->plain ? str_of(c->method) : STR_NONE });
}

/* A rule that says tcp: whatever it is, it may pass unseen. */
static struct net_ruling
match_opaque(const struct conn *c)
{
	const struct net_ruling got = match(c, NET_TCP);

	if (got.decision == NET_ALLOW && got.rule != NULL &&
	    got.rule->protocol == NET_TCP)
		return got;
	return (struct net_ruling){ .decision = NET_DECISION_INVALID };
}

bool
conn_is_opaque(const struct conn *c)
{
	return !c->plain && c->ruling.rule != NULL &&
	    c->ruling.rule->protocol == NET_TCP &&
	    c->ruling.decision == NET_ALLOW;
}

bool
conn_expects_requests(const struct conn *c)
{
	return c->port == HTTP_PORT && match_opaque(c).decision != NET_ALLOW;
}

/* ---- addresses --------------------------------------------------------- */

/* Those that may be connected to; the reason of the first that may not. */
static void
keep_permitted(
    struct conn *c, const struct net_addr *addrs, size_t count, struct err *e)
{
	struct err other;

	c->addr_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (net_policy_check_addr(&c->p->policy, &c->ruling, &addrs[i],
			c->port, e->code == 0 ? e : &other) == 0)
			c->addrs[c->addr_count++] = addrs[i];
	}
}

static void
on_addrs(void *ctx, const struct net_addr *addrs, size_t count, const char *why)
{
	struct conn *c = ctx;
	struct err e = ERR_INIT;

	if (count == 0) {
		conn_refuse(
		    c, CAUSE_NO_NAME, "host '%s': %s", c->host.name, why);
		conn_watch(c);
		return;
	}
	if (c->to_upstream) {
		memcpy(c->addrs, addrs, count * sizeof(*addrs));
		c->addr_count = count;
	} else {
		keep_permitted(c, addrs, count, &e);
	}
	c->addr_next = 0;
	if (c->addr_count == 0)
		conn_refuse(
		    c, CAUSE_DENIED, "host '%s': %s", c->host.name, e.msg);
	else
		conn_dial(c);
	conn_watch(c);
}

static void
on_slow_name(void *ctx)
{
	struct conn *c = ctx;

	c->timer = NULL;
	conn_refuse(c, CAUSE_TIMEOUT,
	    "host '%s': no address and no connection in %u ms", c->host.name,
	    c->p->policy.limits.connect_ms);
	conn_watch(c);
}

/* To the site's own proxy, which the policy names. */
static void
look_up_upstream(struct conn *c)
{
	struct str rest = str_of(c->p->policy.upstream);
	struct net_host up;
	struct err e = ERR_INIT;

	rest = str_head(rest, str_rfind(rest, ':'));
	if (net_host_parse(rest, &up, &e) != 0)
		conn_refuse(c, CAUSE_UNREACHABLE, "upstream proxy: %s", e.msg);
	else if (up.is_addr)
		on_addrs(c, &up.addr, 1, NULL);
	else
		resolver_ask(c->p->resolver, up.name, &c->name);
}

static void
look_up(struct conn *c)
{
	const uint32_t ms = c->p->policy.limits.connect_ms;
	struct err e = ERR_INIT;

	c->allowed = true;
	c->state = CONN_WAITING;
	c->deadline_ns = loop_now_ns() + (int64_t)ms * NS_PER_MS;
	conn_set_timer(c, ms, on_slow_name);
	if (c->state == CONN_DEAD)
		return;
	c->name = (struct resolve_wait){ .fn = on_addrs, .ctx = c };
	c->to_upstream = c->p->policy.upstream != NULL;
	/* An address is checked also where another proxy connects to it. */
	if (c->host.is_addr &&
	    net_policy_check_addr(
		&c->p->policy, &c->ruling, &c->host.addr, c->port, &e) != 0)
		conn_refuse(
		    c, CAUSE_DENIED, "host '%s': %s", c->host.name, e.msg);
	else if (c->to_upstream)
		look_up_upstream(c);
	else if (c->host.is_addr)
		on_addrs(c, &c->host.addr, 1, NULL);
	else
		resolver_ask(c->p->resolver, c->host.name, &c->name);
}

/* ---- the decision ------------------------------------------------------ */

static void
deny(struct conn *c)
{
	const bool by_method = c->plain && c->ruling.rule == NULL;

	if (c->ruling.rule != NULL)
		conn_refuse(c, CAUSE_DENIED,
		    "%s:%u is denied by network rule '%s'", c->host.name,
		    c->port,
		    c->ruling.rule->id == NULL ? "" : c->ruling.rule->id);
	else
		conn_refuse(c, CAUSE_DENIED, "no network rule allows %s%s%s:%u",
		    by_method ? c->method : "", by_method ? " to " : "",
		    c->host.name, c->port);
}

static void
on_answer(void *ctx, bool allow, const char *who, const char *why)
{
	struct conn *c = ctx;

	if (who != NULL)
		(void)snprintf(c->who, sizeof(c->who), "%s", who);
	if (!allow && why != NULL) {
		conn_refuse(
		    c, CAUSE_DENIED, "%s:%u: %s", c->host.name, c->port, why);
	} else if (!allow) {
		conn_refuse(c, CAUSE_DENIED, "%s:%u was refused by %s",
		    c->host.name, c->port, who);
	} else {
		/* What else the rule says of the host holds as well. */
		c->answered = true;
		c->ruling.decision = NET_ALLOW;
		look_up(c);
	}
	conn_watch(c);
}

void
conn_decide(struct conn *c)
{
	struct net_ruling opaque;

	c->protocol = presumed(c);
	c->ruling = match(c, c->protocol);
	opaque = c->plain
	    ? (struct net_ruling){ .decision = NET_DECISION_INVALID }
	    : match_opaque(c);
	if (c->ruling.decision != NET_ALLOW && c->ruling.rule == NULL &&
	    opaque.decision == NET_ALLOW)
		c->ruling = opaque;
	switch (c->ruling.decision) {
	case NET_ALLOW:
		look_up(c);
		break;
	case NET_ASK:
		c->state = CONN_WAITING;
		loop_cancel(c->p->loop, TAKE_PTR(c->timer));
		c->ask = (struct ask_wait){ .fn = on_answer, .ctx = c };
		asks_put(&c->p->asks, &c->host, c->port, c->protocol, &c->ask);
		break;
	case NET_DENY:
	case NET_DECISION_INVALID:
		deny(c);
		break;
	}
}

bool
conn_recheck(struct conn *c, enum net_protocol protocol)
{
	struct net_ruling now;

	c->protocol = protocol;
	now = match(c, protocol);
	if (now.decision == NET_ALLOW ||
	    (now.decision == NET_ASK && c->answered))
		return true;
	c->ruling = now;
	conn_refuse(c, CAUSE_DENIED, "%s:%u carries %s%s%s, which %s",
	    c->host.name, c->port, net_protocol_name(protocol),
	    c->plain ? " with " : "", c->plain ? c->method : "",
	    now.rule == NULL ? "no network rule allows"
			     : "a network rule does not allow");
	return false;
}
