/*
 * A network policy as bytes and as JSON.
 * Runs in: engine, assent-exec, assent-proxy.  Trusts: nothing that it reads.
 * Owns: nothing.
 */
#include "sandbox/net_policy.h"

static const char *const decision_names[] = {
	[NET_DECISION_INVALID] = "invalid",
	[NET_ALLOW] = "allow",
	[NET_ASK] = "ask",
	[NET_DENY] = "deny",
};

static const char *const protocol_names[] = {
	[NET_ANY] = "any",
	[NET_HTTP] = "http",
	[NET_TLS] = "tls",
	[NET_TCP] = "tcp",
	[NET_DNS] = "dns",
	[NET_UDP] = "udp",
};

const char *
net_decision_name(enum net_decision d)
{
	return (size_t)d < ARRAY_LEN(decision_names) ? decision_names[d]
						     : "invalid";
}

const char *
net_protocol_name(enum net_protocol p)
{
	return (size_t)p < ARRAY_LEN(protocol_names) ? protocol_names[p]
						     : "invalid";
}

static void
put_rule(struct buf *b, const struct net_rule *r)
{
	rec_put_cstr(b, r->host);
	rec_put_u16(b, r->port_min);
	rec_put_u16(b, r->port_max);
	rec_put_u8(b, (uint8_t)r->protocol);
	rec_put_u8(b, (uint8_t)r->decision);
	rec_put_u32(b, r->flags);
	rec_put_u32(b, (uint32_t)r->method_count);
	for (size_t i = 0; i < r->method_count; i++)
		rec_put_cstr(b, r->methods[i]);
	rec_put_cstr(b, r->id);
	rec_put_cstr(b, r->inject);
}

static void
put_limits(struct buf *b, const struct net_limits *l)
{
	rec_put_u32(b, l->connections);
	rec_put_u64(b, l->bytes_up);
	rec_put_u64(b, l->bytes_down);
	rec_put_u64(b, l->bytes_per_second);
	rec_put_u32(b, l->idle_ms);
	rec_put_u32(b, l->head_ms);
	rec_put_u32(b, l->head_bytes);
	rec_put_u32(b, l->connect_ms);
	rec_put_u32(b, l->ask_ms);
	rec_put_u32(b, l->asks);
}

void
net_policy_put(struct buf *b, const struct net_policy *p)
{
	rec_put_u8(b, (uint8_t)p->otherwise);
	rec_put_u32(b, p->flags);
	rec_put_u32(b, (uint32_t)p->rule_count);
	for (size_t i = 0; i < p->rule_count; i++)
		put_rule(b, &p->rules[i]);
	put_limits(b, &p->limits);
	rec_put_cstr(b, p->upstream);
	rec_put_u32(b, (uint32_t)p->hiding_count);
	for (size_t i = 0; i < p->hiding_count; i++)
		put_rule(b, &p->hiding[i]);
}

static int
get_rule(struct rec *r, struct arena *a, struct net_rule *ret)
{
	const char **methods;

	*ret = (struct net_rule){ .host = rec_cstr(r, a) };
	ret->port_min = rec_u16(r);
	ret->port_max = rec_u16(r);
	ret->protocol = rec_u8(r);
	ret->decision = rec_u8(r);
	ret->flags = rec_u32(r);
	ret->method_count = rec_count(r, NET_METHODS_MAX);
	methods = arena_array(a, ret->method_count + 1, sizeof(*methods));
	if (methods == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < ret->method_count; i++)
		methods[i] = rec_cstr(r, a);
	ret->methods = methods;
	ret->id = rec_cstr(r, a);
	ret->inject = rec_cstr(r, a);
	return ERR_OK;
}

static void
get_limits(struct rec *r, struct net_limits *ret)
{
	ret->connections = rec_u32(r);
	ret->bytes_up = rec_u64(r);
	ret->bytes_down = rec_u64(r);
	ret->bytes_per_second = rec_u64(r);
	ret->idle_ms = rec_u32(r);
	ret->head_ms = rec_u32(r);
	ret->head_bytes = rec_u32(r);
	ret->connect_ms = rec_u32(r);
	ret->ask_ms = rec_u32(r);
	ret->asks = rec_u32(r);
}

static int
get_rules(struct rec *r, struct arena *a, struct net_rule **ret,
    size_t *ret_count, struct err *e)
{
	const size_t count = rec_count(r, NET_RULES_MAX);
	struct net_rule *list = arena_array(a, count + 1, sizeof(*list));

	if (list == NULL)
		return err_nomem(e);
	for (size_t i = 0; !r->failed && i < count; i++) {
		if (get_rule(r, a, &list[i]) != 0)
			return err_nomem(e);
	}
	*ret = list;
	*ret_count = count;
	return ERR_OK;
}

int
net_policy_get(
    struct rec *r, struct arena *a, struct net_policy *ret, struct err *e)
{
	struct net_policy p = { .otherwise = rec_u8(r) };
	int code;

	p.flags = rec_u32(r);
	code = get_rules(r, a, &p.rules, &p.rule_count, e);
	if (code != 0)
		return code;
	get_limits(r, &p.limits);
	p.upstream = rec_cstr(r, a);
	code = get_rules(r, a, &p.hiding, &p.hiding_count, e);
	if (code != 0)
		return code;
	if (r->failed)
		return err_set(e, ERR_INVALID, "malformed network policy");
	*ret = p;
	return net_policy_check(&p, e);
}

/* ---- for people -------------------------------------------------------- */

static void
json_rule(struct jsonw *w, const struct net_rule *r)
{
	jsonw_object(w);
	jsonw_kstr(w, "id", r->id);
	jsonw_kstr(w, "host", r->host);
	jsonw_kint(w, "port_min", r->port_min);
	jsonw_kint(w, "port_max", r->port_max);
	jsonw_kstr(w, "protocol", net_protocol_name(r->protocol));
	jsonw_kstr(w, "decision", net_decision_name(r->decision));
	jsonw_kbool(
	    w, "may_be_private", (r->flags & NET_RULE_MAY_BE_PRIVATE) != 0);
	jsonw_key(w, "methods");
	jsonw_array(w);
	for (size_t i = 0; i < r->method_count; i++)
		jsonw_cstr(w, r->methods[i]);
	jsonw_end(w);
	if (r->inject != NULL)
		jsonw_kstr(w, "inject", r->inject);
	jsonw_end(w);
}

static void
json_limits(struct jsonw *w, const struct net_limits *l)
{
	jsonw_object(w);
	jsonw_kint(w, "connections", l->connections);
	jsonw_key(w, "bytes_up");
	jsonw_uint(w, l->bytes_up);
	jsonw_key(w, "bytes_down");
	jsonw_uint(w, l->bytes_down);
	jsonw_key(w, "bytes_per_second");
	jsonw_uint(w, l->bytes_per_second);
	jsonw_kint(w, "idle_ms", l->idle_ms);
	jsonw_kint(w, "head_ms", l->head_ms);
	jsonw_kint(w, "head_bytes", l->head_bytes);
	jsonw_kint(w, "connect_ms", l->connect_ms);
	jsonw_kint(w, "ask_ms", l->ask_ms);
	jsonw_kint(w, "asks", l->asks);
	jsonw_end(w);
}

void
net_policy_json(struct jsonw *w, const struct net_policy *p)
{
	jsonw_object(w);
	jsonw_kstr(w, "otherwise", net_decision_name(p->otherwise));
	jsonw_key(w, "rules");
	jsonw_array(w);
	for (size_t i = 0; i < p->rule_count; i++)
		json_rule(w, &p->rules[i]);
	jsonw_end(w);
	jsonw_kbool(w, "encrypted_hello", (p->flags & NET_POLICY_ECH) != 0);
	jsonw_key(w, "encrypted_hello_hosts");
	jsonw_array(w);
	for (size_t i = 0; i < p->hiding_count; i++)
		json_rule(w, &p->hiding[i]);
	jsonw_end(w);
	jsonw_kbool(w, "names_v6", (p->flags & NET_POLICY_NAMES_V6) != 0);
	jsonw_kstr(w, "upstream", p->upstream);
	jsonw_key(w, "limits");
	json_limits(w, &p->limits);
	jsonw_end(w);
}
