#ifndef SANDBOX_NET_POLICY_H
#define SANDBOX_NET_POLICY_H
/*
 * What a run may reach: rules per destination, what happens where none
 * matches, limits. A value: part of the sandbox plan, hashed and shown.
 *
 *     r = net_rule_parse(STR("*.example.com:443"), arena, &rule, e);
 *     rule.decision = NET_ALLOW;
 *     net_policy_put(&record, &policy);         into a plan or a message
 *     ruling = net_policy_match(&policy, &(struct net_target){ ... });
 *     r = net_policy_check_addr(&policy, &ruling, &addr, port, e);
 *
 * The strictest matching rule decides (deny, ask, allow); the otherwise of
 * the policy where none matches. What a connection does not show (the method
 * inside of a tunnel) counts as a match for deny and ask, as none for allow.
 *
 * After a name was resolved its address is checked, too: whatever is not
 * public is refused, unless an allow rule names the address or a block that
 * holds it (metadata: that very address), or the rule that allowed the name
 * says may_be_private. A deny rule for a block also stops names.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "sandbox/net_addr.h"

#define NET_RULES_MAX 4096
#define NET_METHODS_MAX 32
#define NET_METHOD_BYTES_MAX 32
#define NET_POLICY_BYTES_MAX ((size_t)1 << 20)

enum net_decision {
	NET_DECISION_INVALID,
	NET_ALLOW,
	NET_ASK, /* a person, a reviewer: while the connection waits */
	NET_DENY,
};

/* What flows, as far as the proxy can see. */
enum net_protocol {
	NET_ANY, /* in a rule: all; of a connection: not known yet */
	NET_HTTP, /* plain requests: method and host are visible */
	NET_TLS, /* the hello names the host */
	NET_TCP, /* anything else: ssh, git, databases */
	NET_DNS, /* of an event only: a name that was not answered */
	NET_UDP, /* of an event only: refused */
	NET_PROTOCOL_LAST = NET_UDP,
};

enum net_rule_flags {
	NET_RULE_MAY_BE_PRIVATE = 1, /* the name may resolve to such */
	/* Says nothing of what a rule without this flag names, whatever its
	 * protocol and methods: a call does not lift what a profile limits. */
	NET_RULE_YIELDS = 2,
	NET_RULE_FLAGS = NET_RULE_MAY_BE_PRIVATE | NET_RULE_YIELDS,
};

struct net_rule {
	/* "example.com", "*.example.com" (below it, not itself), "*" (every
	 * name and every public address), "192.0.2.7", "10.0.0.0/8" */
	const char *host;
	uint16_t port_min, port_max; /* 1 and 65535: every port */
	enum net_protocol protocol; /* ANY, HTTP, TLS or TCP */
	enum net_decision decision;
	unsigned flags;
	const char *const *methods; /* none: every method */
	size_t method_count;
	const char *id; /* of the rule, for events */
	const char *inject; /* name of a credential, or NULL */
};

enum net_policy_flags {
	NET_POLICY_ECH = 1, /* TLS with an encrypted hello may pass */
	NET_POLICY_NAMES_V6 = 2, /* the name service gives IPv6, too */
	NET_POLICY_FLAGS = NET_POLICY_ECH | NET_POLICY_NAMES_V6,
};

/* 0 in bytes and rates: no limit. */
struct net_limits {
	uint32_t connections; /* at one time */
	uint64_t bytes_up, bytes_down; /* of the run */
	uint64_t bytes_per_second; /* both directions together */
	uint32_t idle_ms; /* a connection on which nothing moves */
	uint32_t head_ms; /* from the first byte to a whole head */
	uint32_t head_bytes;
	uint32_t connect_ms; /* names and handshakes */
	uint32_t ask_ms; /* a question without an answer is a no */
	uint32_t asks; /* questions of one run */
};

struct net_policy {
	struct net_rule *rules;
	size_t rule_count;
	enum net_decision otherwise; /* ASK with a daemon, DENY without */
	unsigned flags;
	struct net_limits limits;
	const char *upstream; /* "host:port" of a site's HTTP proxy, or NULL */
	/* Hosts and ports of which nothing else is said: their TLS hello may
	 * have an encrypted part. They are allowed by the rules, or not. */
	struct net_rule *hiding;
	size_t hiding_count;
};

struct net_target {
	const struct net_host *host;
	uint16_t port;
	enum net_protocol protocol;
	struct str method; /* empty: cannot be seen */
};

struct net_ruling {
	enum net_decision decision;
	const struct net_rule *rule; /* NULL: otherwise */
};

/* Sensible limits, nothing allowed, otherwise deny. */
struct net_policy net_policy_default(void);
/* The text in the arena: host[:port[-port]], IPv6 in brackets when a port
 * follows. decision stays invalid, methods and id are not set. */
int net_rule_parse(
    struct str text, struct arena *a, struct net_rule *ret, struct err *e);
/* The same with what may be spoken there and by which methods:
 * "host[:port[-port]] [http|tls|tcp] [METHOD...]". */
int net_rule_parse_line(
    struct str line, struct arena *a, struct net_rule *ret, struct err *e);
/* The hosts and ports that both name, with what limit says of protocol and
 * methods. False: there are none. */
bool net_rule_meet(const struct net_rule *r, const struct net_rule *limit,
    struct net_rule *ret);
/* But for flags, id and credential. */
bool net_rule_same(const struct net_rule *a, const struct net_rule *b);
/* ERR_INVALID names the rule and what is wrong with it. */
int net_policy_check(const struct net_policy *p, struct err *e);
struct net_ruling net_policy_match(
    const struct net_policy *p, const struct net_target *t);
/* May a TLS hello for it have a part that cannot be read? */
bool net_policy_may_hide(
    const struct net_policy *p, const struct net_host *host, uint16_t port);
/* Can the name lead to anything, on whatever port? For the name service. */
bool net_policy_knows_name(
    const struct net_policy *p, const struct net_host *host);
/* ERR_DENIED with a sentence: this address may not be connected to. by may
 * come from a person's answer (the rule that asked, or NULL; decision allow). */
int net_policy_check_addr(const struct net_policy *p,
    const struct net_ruling *by, const struct net_addr *addr, uint16_t port,
    struct err *e);

/* Does an allow rule name this address, or a block that holds it? */
bool net_policy_names_addr(
    const struct net_policy *p, const struct net_addr *addr, uint16_t port);

void net_policy_put(struct buf *b, const struct net_policy *p);
/* The policy lives in the arena and was checked. */
int net_policy_get(
    struct rec *r, struct arena *a, struct net_policy *ret, struct err *e);
/* An object. */
void net_policy_json(struct jsonw *w, const struct net_policy *p);
const char *net_decision_name(enum net_decision d);
const char *net_protocol_name(enum net_protocol p);

#endif
