/*
 * Which destinations a run may reach: rules, strictest first, then addresses.
 * Runs in: engine, assent-exec, assent-proxy.  Trusts: nothing that it reads.
 * Owns: nothing.
 */
#include "sandbox/net_policy.h"

#include <string.h>

#include "base/num.h"

#define PORT_MAX 65535

struct net_policy
net_policy_default(void)
{
	return (struct net_policy){
		.otherwise = NET_DENY,
		.limits = {
			.connections = 1024,
			.idle_ms = 600000,
			.head_ms = 10000,
			.head_bytes = 32768,
			.connect_ms = 10000,
			.ask_ms = 600000,
			.asks = 256,
		},
	};
}

/* ---- reading a rule ---------------------------------------------------- */

static int
bad_rule(struct str text, const char *what, struct err *e)
{
	return err_set(
	    e, ERR_INVALID, "network rule '%.*s': %s", STR_ARG(text), what);
}

/* The pattern in its one form, or ERR_INVALID. */
static int
parse_pattern(struct str text, struct arena *a, const char **ret, struct err *e)
{
	const bool below = str_starts(text, STR("*."));
	struct net_block block;
	struct net_host h;
	char name[NET_HOST_MAX + 3] = "*.";
	int r;

	if (str_eqz(text, "*") || str_find(text, '/') < text.len) {
		if (text.len > 1 && net_block_parse(text, &block) != 0)
			return err_set(e, ERR_INVALID,
			    "'%.*s' is not a block of addresses",
			    STR_ARG(text));
		*ret = arena_strndup(a, text.s, text.len);
		return *ret == NULL ? err_nomem(e) : ERR_OK;
	}
	r = net_host_parse(below ? str_from(text, 2) : text, &h, e);
	if (r != 0)
		return r;
	if (below && h.is_addr)
		return err_set(e, ERR_INVALID, "nothing is below an address");
	memcpy(name + (below ? 2 : 0), h.name, strlen(h.name) + 1);
	*ret = arena_strdup(a, name);
	return *ret == NULL ? err_nomem(e) : ERR_OK;
}

static int
parse_ports(struct str text, struct net_rule *rule)
{
	const size_t dash = str_find(text, '-');
	uint64_t min, max;

	if (str_eqz(text, "*"))
		return ERR_OK;
	if (num_parse_u64(str_head(text, dash), 1, PORT_MAX, &min) != 0)
		return ERR_INVALID;
	max = min;
	if (dash < text.len &&
	    num_parse_u64(str_from(text, dash + 1), min, PORT_MAX, &max) != 0)
		return ERR_INVALID;
	rule->port_min = (uint16_t)min;
	rule->port_max = (uint16_t)max;
	return ERR_OK;
}

/* *ret_ports is empty where no port follows. */
static int
split(struct str text, struct str *ret_host, struct str *ret_ports)
{
	size_t colon = str_rfind(text, ':');

	*ret_ports = STR_NONE;
	*ret_host = text;
	if (text.len > 0 && text.s[0] == '[') {
		const size_t end = str_find(text, ']');

		if (end + 1 >= text.len)
			return end < text.len ? ERR_OK : ERR_INVALID;
		if (text.s[end + 1] != ':')
			return ERR_INVALID;
		colon = end + 1;
	} else if (colon == text.len || str_find(text, ':') != colon) {
		return ERR_OK; /* none, or an address with colons */
	}
	*ret_host = str_head(text, colon);
	*ret_ports = str_from(text, colon + 1);
	return ret_ports->len > 0 ? ERR_OK : ERR_INVALID;
}

int
net_rule_parse(
    struct str text, struct arena *a, struct net_rule *ret, struct err *e)
{
	struct net_rule rule = { .port_min = 1, .port_max = PORT_MAX };
	struct str host, ports;
	int r;

	if (split(text, &host, &ports) != 0)
		return bad_rule(text,
		    "expected HOST, HOST:PORT or "
		    "HOST:PORT-PORT",
		    e);
	if (ports.len > 0 && parse_ports(ports, &rule) != 0)
		return bad_rule(text, "ports are numbers from 1 to 65535", e);
	r = parse_pattern(host, a, &rule.host, e);
	if (r != 0)
		return err_wrap(e, r, "network rule '%.*s'", STR_ARG(text));
	*ret = rule;
	return ERR_OK;
}

static bool
is_method(const char *m)
{
	const size_t len = strlen(m);

	/* As they are written on the wire; they are compared with case. */
	return len > 0 && len <= NET_METHOD_BYTES_MAX &&
	    strspn(m, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == len;
}

static bool
take_protocol(struct str word, struct net_rule *r)
{
	static const enum net_protocol spoken[] = { NET_HTTP, NET_TLS,
		NET_TCP };

	for (size_t i = 0; i < sizeof(spoken) / sizeof(spoken[0]); i++) {
		if (str_eqz(word, net_protocol_name(spoken[i]))) {
			r->protocol = spoken[i];
			return true;
		}
	}
	return false;
}

int
net_rule_parse_line(
    struct str line, struct arena *a, struct net_rule *ret, struct err *e)
{
	struct str rest = line;
	struct net_rule rule;
	const char **methods;
	int r = net_rule_parse(str_cut(&rest, ' '), a, &rule, e);

	if (r == 0 && str_ends(line, STR(" ")))
		r = bad_rule(line, "it ends with a space", e);
	if (r != 0)
		return r;
	methods = arena_array(a, NET_METHODS_MAX, sizeof(*methods));
	while (methods != NULL && rest.len > 0) {
		const struct str word = str_cut(&rest, ' ');

		if (rule.method_count == 0 && rule.protocol == NET_ANY &&
		    take_protocol(word, &rule))
			continue;
		if (rule.method_count == NET_METHODS_MAX)
			return bad_rule(line, "too many methods", e);
		methods[rule.method_count] = arena_strndup(a, word.s, word.len);
		if (methods[rule.method_count] == NULL)
			return err_nomem(e);
		if (!is_method(methods[rule.method_count++]))
			return bad_rule(line,
			    "after the host come http, tls or tcp, and "
			    "methods such as GET",
			    e);
	}
	if (methods == NULL)
		return err_nomem(e);
	if (rule.method_count > 0 && rule.protocol > NET_HTTP)
		return bad_rule(
		    line, "methods are seen in plain requests only", e);
	rule.methods = methods;
	*ret = rule;
	return ERR_OK;
}

/* ---- checking ---------------------------------------------------------- */

static const char *
wrong_with(const struct net_rule *r, struct arena *a)
{
	const char *same = NULL;

	if (r->host == NULL || parse_pattern(str_of(r->host), a, &same, NULL))
		return "its host is no name, pattern, address or block";
	if (strcmp(same, r->host) != 0)
		return "its host is not in canonical form";
	if (r->port_min == 0 || r->port_min > r->port_max)
		return "its ports are not a range";
	if (r->protocol > NET_TCP)
		return "its protocol is not one of a rule";
	if (r->decision == NET_DECISION_INVALID || r->decision > NET_DENY)
		return "it has no decision";
	if ((r->flags & ~(unsigned)NET_RULE_FLAGS) != 0)
		return "it has unknown flags";
	for (size_t i = 0; i < r->method_count; i++) {
		if (r->methods[i] == NULL || !is_method(r->methods[i]))
			return "a method is not a word of capitals";
	}
	return NULL;
}

static int
check_limits(const struct net_limits *l, struct err *e)
{
	if (l->connections == 0 || l->idle_ms == 0 || l->head_ms == 0 ||
	    l->connect_ms == 0 || l->ask_ms == 0 || l->head_bytes < 1024 ||
	    l->head_bytes > (1u << 20))
		return err_set(e, ERR_INVALID,
		    "a network policy needs limits for connections, times and "
		    "heads (1 KiB to 1 MiB)");
	return ERR_OK;
}

static int
check_upstream(const char *text, struct arena *a, struct err *e)
{
	struct net_rule up;

	if (text == NULL)
		return ERR_OK;
	if (net_rule_parse(str_of(text), a, &up, e) != 0 ||
	    up.port_min != up.port_max || strpbrk(up.host, "*/") != NULL)
		return err_set(e, ERR_INVALID,
		    "upstream proxy '%s' is not HOST:PORT", text);
	return ERR_OK;
}

int
net_policy_check(const struct net_policy *p, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(NET_POLICY_BYTES_MAX);

	if (a == NULL)
		return err_nomem(e);
	if (p->rule_count > NET_RULES_MAX)
		return err_set(
		    e, ERR_LIMIT, "more than %d network rules", NET_RULES_MAX);
	for (size_t i = 0; i < p->rule_count; i++) {
		const char *wrong = wrong_with(&p->rules[i], a);

		if (wrong != NULL)
			return err_set(e, ERR_INVALID, "network rule %zu: %s",
			    i + 1, wrong);
	}
	for (size_t i = 0; i < p->hiding_count; i++) {
		const char *wrong = wrong_with(&p->hiding[i], a);

		if (wrong != NULL)
			return err_set(
			    e, ERR_INVALID, "encrypted hellos: %s", wrong);
	}
	if (p->otherwise != NET_ASK && p->otherwise != NET_DENY)
		return err_set(e, ERR_INVALID,
		    "what no network rule names is asked or denied");
	if ((p->flags & ~(unsigned)NET_POLICY_FLAGS) != 0)
		return err_set(e, ERR_INVALID, "unknown network flags");
	if (check_upstream(p->upstream, a, e) != 0)
		return ERR_INVALID;
	return check_limits(&p->limits, e);
}

/* ---- matching ---------------------------------------------------------- */

static bool
is_block(const char *pattern, struct net_block *ret)
{
	return net_block_parse(str_of(pattern), ret) == 0;
}

/* What a NAT64 leads to is denied (or asked about) with the address itself; it
 * is not allowed with it. */
static bool
block_holds(
    const struct net_block *b, const struct net_addr *a, enum net_decision d)
{
	struct net_addr behind;

	return net_block_has(b, a) ||
	    (d != NET_ALLOW && net_addr_behind(a, &behind) &&
		net_block_has(b, &behind));
}

static bool
host_matches(const struct net_rule *r, const struct net_host *h)
{
	const char *pattern = r->host;
	struct net_block block;

	if (strcmp(pattern, "*") == 0)
		return true;
	if (h->is_addr)
		return is_block(pattern, &block) &&
		    block_holds(&block, &h->addr, r->decision);
	if (pattern[0] == '*') /* "*.example.com": its dot, too */
		return strlen(h->name) > strlen(pattern + 1) &&
		    str_ends(str_of(h->name), str_of(pattern + 1));
	return strcmp(pattern, h->name) == 0;
}

static bool
port_matches(const struct net_rule *r, uint16_t port)
{
	return port >= r->port_min && port <= r->port_max;
}

/* A protocol that was not seen yet is looked at again when it is. */
static bool
protocol_matches(const struct net_rule *r, enum net_protocol p)
{
	return r->protocol == NET_ANY || p == NET_ANY || r->protocol == p;
}

static bool
method_matches(const struct net_rule *r, struct str method)
{
	if (r->method_count == 0)
		return true;
	if (method.len == 0)
		return r->decision != NET_ALLOW;
	for (size_t i = 0; i < r->method_count; i++) {
		if (str_eqz(method, r->methods[i]))
			return true;
	}
	return false;
}

static bool
yields(const struct net_policy *p, const struct net_rule *r,
    const struct net_target *t)
{
	if ((r->flags & NET_RULE_YIELDS) == 0)
		return false;
	for (size_t i = 0; i < p->rule_count; i++) {
		const struct net_rule *o = &p->rules[i];

		if ((o->flags & NET_RULE_YIELDS) == 0 &&
		    port_matches(o, t->port) && host_matches(o, t->host))
			return true;
	}
	return false;
}

struct net_ruling
net_policy_match(const struct net_policy *p, const struct net_target *t)
{
	struct net_ruling got = { .decision = NET_DECISION_INVALID };

	for (size_t i = 0; i < p->rule_count; i++) {
		const struct net_rule *r = &p->rules[i];

		if (r->decision > got.decision && port_matches(r, t->port) &&
		    protocol_matches(r, t->protocol) &&
		    method_matches(r, t->method) && host_matches(r, t->host) &&
		    !yields(p, r, t))
			got = (struct net_ruling){ r->decision, r };
	}
	if (got.rule == NULL)
		got.decision = p->otherwise;
	return got;
}

bool
net_policy_may_hide(
    const struct net_policy *p, const struct net_host *host, uint16_t port)
{
	bool may = (p->flags & NET_POLICY_ECH) != 0;

	for (size_t i = 0; i < p->hiding_count; i++)
		may = may ||
		    (port_matches(&p->hiding[i], port) &&
			host_matches(&p->hiding[i], host));
	return may;
}

/* Denied on every port, or by nothing but the otherwise? */
bool
net_policy_knows_name(const struct net_policy *p, const struct net_host *host)
{
	bool named = p->otherwise == NET_ASK;

	for (size_t i = 0; i < p->rule_count; i++) {
		const struct net_rule *r = &p->rules[i];

		if (!host_matches(r, host))
			continue;
		if (r->decision != NET_DENY)
			named = true;
		else if (r->port_min == 1 && r->port_max == PORT_MAX &&
		    r->protocol == NET_ANY && r->method_count == 0)
			return false;
	}
	return named;
}

/* ---- addresses --------------------------------------------------------- */

/* A block that names the address for this port, with this decision. */
static bool
is_named(const struct net_policy *p, const struct net_addr *a, uint16_t port,
    enum net_decision d)
{
	const bool exact = d == NET_ALLOW && net_addr_class(a) == NET_METADATA;
	struct net_block block;

	for (size_t i = 0; i < p->rule_count; i++) {
		const struct net_rule *r = &p->rules[i];

		if (r->decision == d && port_matches(r, port) &&
		    is_block(r->host, &block) && block_holds(&block, a, d) &&
		    (!exact || block.bits == a->len * 8))
			return true;
	}
	return false;
}

bool
net_policy_names_addr(
    const struct net_policy *p, const struct net_addr *addr, uint16_t port)
{
	return is_named(p, addr, port, NET_ALLOW);
}

/* An address that was asked for by the rule that names it. */
static bool
is_named_by(const struct net_rule *r, const struct net_addr *a)
{
	const bool exact = net_addr_class(a) == NET_METADATA;
	struct net_block block;

	return r != NULL && is_block(r->host, &block) &&
	    net_block_has(&block, a) && (!exact || block.bits == a->len * 8);
}

int
net_policy_check_addr(const struct net_policy *p, const struct net_ruling *by,
    const struct net_addr *addr, uint16_t port, struct err *e)
{
	const enum net_class class = net_addr_class(addr);
	const bool v6 = addr->len != 4;
	char text[NET_ADDR_TEXT_MAX];

	net_addr_print(addr, text);
	if (by->decision != NET_ALLOW || class == NET_CLASS_INVALID)
		return err_set(e, ERR_DENIED, "nothing allows this");
	if (is_named(p, addr, port, NET_DENY))
		return err_set(
		    e, ERR_DENIED, "a rule denies its address %s", text);
	if (class == NET_PUBLIC || is_named(p, addr, port, NET_ALLOW) ||
	    is_named_by(by->rule, addr))
		return ERR_OK;
	if (by->rule != NULL &&
	    (by->rule->flags & NET_RULE_MAY_BE_PRIVATE) != 0 &&
	    (class == NET_PRIVATE || class == NET_SHARED))
		return ERR_OK;
	return err_set(e, ERR_DENIED,
	    "its address %s (%s) is not public and must be named itself: "
	    "network: [\"%s%s%s:%u\"] in the profile",
	    text, net_class_name(class), v6 ? "[" : "", text, v6 ? "]" : "",
	    port);
}
