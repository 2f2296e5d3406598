/*
 * What a run may reach, as part of its plan.
 * Runs in: engine, assent-exec.  Trusts: nothing.  Owns: nothing; all memory
 * is the caller's arena.
 */
#include "sandbox/plan.h"

#include <stdio.h>
#include <string.h>

#include "model/action.h"
#include "sandbox/plan_credentials.h"

#define RULE_BY_PROFILE "profile"
#define RULE_BY_CALL "call"
#define RULE_BY_REQUIREMENT "requirement"

/* What programs that know of no proxy connect to. */
static const uint16_t usual_ports[] = { 22, 80, 443, 9418 };

static void
add_port(struct plan *p, uint16_t port)
{
	for (size_t i = 0; i < p->port_count; i++) {
		if (p->ports[i] == port)
			return;
	}
	if (p->port_count < PLAN_PORTS_MAX)
		p->ports[p->port_count++] = port;
}

/* The configuration's word for one name is as good for an address of this
 * site; for all names below another it is not, and a call's names an address
 * only where it names the address itself. */
static int
add_profile_rule(
    struct net_policy *net, const char *text, struct arena *a, struct err *e)
{
	struct net_rule *rule = &net->rules[net->rule_count];
	int r;

	if (net->rule_count == NET_RULES_MAX)
		return err_set(e, ERR_LIMIT, "too many hosts");
	r = net_rule_parse_line(str_of(text), a, rule, e);
	if (r != 0)
		return r;
	rule->decision = NET_ALLOW;
	rule->id = RULE_BY_PROFILE;
	if (strpbrk(rule->host, "*/") == NULL)
		rule->flags = NET_RULE_MAY_BE_PRIVATE;
	net->rule_count++;
	return ERR_OK;
}

static void
add_once(struct net_policy *net, const struct net_rule *rule)
{
	for (size_t i = 0; i < net->rule_count; i++) {
		if (net_rule_same(&net->rules[i], rule))
			return;
	}
	if (net->rule_count < NET_RULES_MAX)
		net->rules[net->rule_count++] = *rule;
}

/* Where a profile says by which protocol and methods a host is reached, a
 * call that names it gets that much. True: of all that it names. */
static bool
add_bounded(struct net_policy *net, const struct net_rule *call,
    const char *const *bounds, struct arena *a)
{
	bool whole = false;

	for (size_t i = 0; i < profile_list_len(bounds); i++) {
		struct net_rule bound, both;

		if (net_rule_parse_line(str_of(bounds[i]), a, &bound, NULL) !=
			0 ||
		    (bound.protocol == NET_ANY && bound.method_count == 0) ||
		    !net_rule_meet(call, &bound, &both))
			continue;
		both.decision = NET_ALLOW;
		both.id = RULE_BY_CALL;
		add_once(net, &both);
		whole = whole ||
		    (strcmp(both.host, call->host) == 0 &&
			both.port_min == call->port_min &&
			both.port_max == call->port_max);
	}
	return whole;
}

/* A pattern that cannot be one of a proxy (host.*) is asked about. */
static void
add_call_rule(struct net_policy *net, const char *text, const struct profile *p,
    struct arena *a)
{
	struct net_rule rule;
	bool whole;

	if (net_rule_parse(str_of(text), a, &rule, NULL) != 0 ||
	    strcmp(rule.host, "*") == 0)
		return;
	rule.decision = NET_ALLOW;
	rule.flags = NET_RULE_YIELDS;
	rule.id = RULE_BY_CALL;
	whole = add_bounded(net, &rule, p->hosts, a);
	whole = add_bounded(net, &rule, p->bounds, a) || whole;
	if (!whole)
		add_once(net, &rule);
}

/* The administrator's word also for the addresses that names lead to. */
static int
add_denied(
    struct net_policy *net, const char *text, struct arena *a, struct err *e)
{
	struct net_rule *rule = &net->rules[net->rule_count];
	int r;

	if (net->rule_count == NET_RULES_MAX)
		return err_set(e, ERR_LIMIT, "too many hosts");
	r = net_rule_parse(str_of(text), a, rule, e);
	if (r != 0)
		return err_wrap(e, r, "requirements, hosts denied");
	rule->decision = NET_DENY;
	rule->id = RULE_BY_REQUIREMENT;
	net->rule_count++;
	return ERR_OK;
}

/* A pattern that the proxy does not know (host.*): false. */
static bool
add_denied_by_rule(
    struct net_policy *net, const struct denied_host *d, struct arena *a)
{
	struct net_rule *rule = &net->rules[net->rule_count];

	if (net->rule_count == NET_RULES_MAX ||
	    net_rule_parse(str_of(d->host), a, rule, NULL) != 0)
		return false;
	rule->decision = NET_DENY;
	rule->id = arena_strdup(a, d->rule);
	net->rule_count++;
	return rule->id != NULL;
}

/* A rule denies some host, and it cannot be told here which: what the profile
 * names is asked about, and then the rule itself is. */
static void
ask_about_profile(struct net_policy *net)
{
	for (size_t i = 0; i < net->rule_count; i++) {
		if (net->rules[i].decision == NET_ALLOW)
			net->rules[i].decision = NET_ASK;
	}
}

bool
plan_options_online(const struct plan_options *o)
{
	return !o->profile->unconfined &&
	    (o->profile->online || o->network || o->host_count > 0);
}

static int
add_hiding(struct net_policy *net, const char *const *list, struct arena *a,
    struct err *e)
{
	const size_t count = profile_list_len(list);
	int r = ERR_OK;

	net->hiding = arena_array(a, count + 1, sizeof(*net->hiding));
	if (net->hiding == NULL)
		return err_nomem(e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct net_rule *rule = &net->hiding[net->hiding_count];

		r = net_rule_parse(str_of(list[i]), a, rule, e);
		rule->decision = NET_ALLOW; /* of the hello alone */
		rule->id = RULE_BY_PROFILE;
		net->hiding_count += r == 0;
	}
	return r;
}

static void
take_limits(const struct profile_network *from, struct net_policy *net)
{
	struct net_limits *l = &net->limits;

	if (from->connections != 0 && from->connections < l->connections)
		l->connections = (uint32_t)from->connections;
	l->bytes_up = from->up_bytes;
	l->bytes_down = from->down_bytes;
	l->bytes_per_second = from->rate_bytes;
	if (from->idle_ms > 0 && from->idle_ms < UINT32_MAX)
		l->idle_ms = (uint32_t)from->idle_ms;
	net->upstream = from->upstream;
}

int
plan_make_net(const struct plan_options *o, struct plan *p, struct arena *a,
    struct err *e)
{
	const size_t named = profile_list_len(o->profile->hosts);
	const size_t bounds = named + profile_list_len(o->profile->bounds);
	struct net_policy net = net_policy_default();
	bool clear = true;
	int r = ERR_OK;

	if (!p->online)
		return ERR_OK;
	net.flags |= NET_POLICY_NAMES_V6;
	net.rules = arena_array(a,
	    named + o->host_count * (bounds + 1) + o->denied_count +
		o->rules_denied_count + 1,
	    sizeof(*net.rules));
	p->ports = arena_array(a, PLAN_PORTS_MAX, sizeof(*p->ports));
	if (net.rules == NULL || p->ports == NULL)
		return err_nomem(e);
	for (size_t i = 0; r == 0 && i < o->denied_count; i++)
		r = add_denied(&net, o->denied[i], a, e);
	for (size_t i = 0; r == 0 && i < o->rules_denied_count; i++)
		clear =
		    add_denied_by_rule(&net, &o->rules_denied[i], a) && clear;
	for (size_t i = 0; r == 0 && i < named; i++)
		r = add_profile_rule(&net, o->profile->hosts[i], a, e);
	if (!clear)
		ask_about_profile(&net);
	for (size_t i = 0; r == 0 && i < o->host_count; i++)
		add_call_rule(&net, o->hosts[i], o->profile, a);
	if (r == 0)
		r = add_hiding(&net, o->profile->ech, a, e);
	take_limits(&o->profile->net, &net);
	net.otherwise =
	    o->can_ask && !o->profile->hosts_only ? NET_ASK : NET_DENY;
	p->net = net;
	for (size_t i = 0; i < sizeof(usual_ports) / sizeof(usual_ports[0]);
	     i++)
		add_port(p, usual_ports[i]);
	for (size_t i = 0; i < net.rule_count; i++) {
		if (net.rules[i].port_min == net.rules[i].port_max)
			add_port(p, net.rules[i].port_min);
	}
	return r;
}

static void
put_rule(const struct net_rule *r, struct buf *out)
{
	const bool v6 = strchr(r->host, ':') != NULL;
	const bool every = r->port_min == 1 && r->port_max == UINT16_MAX;

	if (every)
		buf_puts(out, r->host);
	else
		buf_printf(out, v6 ? "[%s]:%u" : "%s:%u", r->host, r->port_min);
	if (r->port_max != r->port_min && !every)
		buf_printf(out, "-%u", r->port_max);
	if (r->protocol != NET_ANY)
		buf_printf(out, " by %s", net_protocol_name(r->protocol));
	for (size_t i = 0; i < r->method_count; i++)
		buf_printf(out, "%s%s", i == 0 ? " with " : "/", r->methods[i]);
}

/* As it is written in a configuration. */
static void
put_size(uint64_t bytes, struct buf *out)
{
	static const char units[] = "KMG";
	size_t i = 0;

	while (units[i] != '\0' && bytes >= 1024 && bytes % 1024 == 0) {
		bytes /= 1024;
		i++;
	}
	buf_printf(out, "%llu", (unsigned long long)bytes);
	if (i > 0)
		buf_putc(out, units[i - 1]);
	else
		buf_puts(out, " bytes");
}

static void
put_idle(uint32_t ms, struct buf *out)
{
	const bool minutes = ms % 60000 == 0, seconds = ms % 1000 == 0;

	buf_printf(out, "; none idle for %u%s",
	    minutes       ? ms / 60000
		: seconds ? ms / 1000
			  : ms,
	    minutes       ? "m"
		: seconds ? "s"
			  : "ms");
}

/* What the profile says of it beyond the usual. */
static void
put_limits(const struct net_policy *net, struct buf *out)
{
	const struct net_policy usual = net_policy_default();
	const struct {
		uint64_t value;
		const char *text;
	} limits[] = {
		{ net->limits.bytes_up, "up" },
		{ net->limits.bytes_down, "down" },
		{ net->limits.bytes_per_second, "a second" },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (limits[i].value == 0)
			continue;
		buf_puts(out, "; at most ");
		put_size(limits[i].value, out);
		buf_printf(out, " %s", limits[i].text);
	}
	if (net->limits.connections != usual.limits.connections)
		buf_printf(out, "; at most %u connections at a time",
		    net->limits.connections);
	if (net->limits.idle_ms != usual.limits.idle_ms)
		put_idle(net->limits.idle_ms, out);
	for (size_t i = 0; i < net->hiding_count; i++) {
		buf_puts(
		    out, i == 0 ? "; with encrypted TLS hellos to " : ", ");
		put_rule(&net->hiding[i], out);
	}
	if (net->upstream != NULL)
		buf_printf(out, "; through the proxy %s", net->upstream);
}

static void
put_credentials(const struct plan *p, struct buf *out, bool values)
{
	size_t n = 0;

	for (size_t i = 0; i < p->credential_count; i++) {
		const struct config_credential *c = &p->credentials[i];

		if (plan_credential_is_value(c) != values)
			continue;
		buf_printf(out, "%s %s",
		    n++ > 0      ? ","
			: values ? "; is handed the value of"
				 : "; may use the credential",
		    c->name);
	}
}

static void
put_hosts(const struct plan *p, struct buf *out)
{
	const bool asks = p->net.otherwise == NET_ASK;
	size_t n = 0;

	for (size_t i = 0; i < p->net.rule_count; i++) {
		if (p->net.rules[i].decision != NET_ALLOW)
			continue;
		buf_puts(out, n++ == 0 ? "runs with network: " : ", ");
		put_rule(&p->net.rules[i], out);
	}
	if (n == 0)
		buf_puts(out,
		    asks ? "runs with network; each host is asked about first"
			 : "runs with network, but no host is named");
	else
		buf_puts(out,
		    asks ? " only; each other host is asked about first"
			 : " only");
	put_limits(&p->net, out);
}

void
plan_network_text(const struct plan *p, struct buf *out)
{
	if (p->unconfined)
		buf_puts(out, "runs with the host's network");
	else if (p->online)
		put_hosts(p, out);
	else
		buf_puts(out, "runs offline");
	put_credentials(p, out, false);
	put_credentials(p, out, true);
}
