/*
 * What two rules of a network policy both name.
 * Runs in: engine, assent-exec.  Trusts: nothing.
 * Owns: nothing.
 */
#include "sandbox/net_policy.h"

#include <string.h>

/* Is all that narrow names also named by wide? */
static bool
host_within(const char *narrow, const char *wide)
{
	struct net_block n, w;

	if (strcmp(wide, "*") == 0 || strcmp(narrow, wide) == 0)
		return true;
	if (net_block_parse(str_of(narrow), &n) == 0)
		return net_block_parse(str_of(wide), &w) == 0 &&
		    w.bits <= n.bits && net_block_has(&w, &n.addr);
	return wide[0] == '*' && strlen(narrow) > strlen(wide + 1) &&
	    str_ends(str_of(narrow), str_of(wide + 1));
}

bool
net_rule_meet(const struct net_rule *r, const struct net_rule *limit,
    struct net_rule *ret)
{
	const bool within = host_within(r->host, limit->host);

	if (!within && !host_within(limit->host, r->host))
		return false;
	*ret = *limit;
	ret->flags = 0;
	ret->host = within ? r->host : limit->host;
	if (r->port_min > ret->port_min)
		ret->port_min = r->port_min;
	if (r->port_max < ret->port_max)
		ret->port_max = r->port_max;
	return ret->port_min <= ret->port_max;
}

bool
net_rule_same(const struct net_rule *a, const struct net_rule *b)
{
	if (strcmp(a->host, b->host) != 0 || a->port_min != b->port_min ||
	    a->port_max != b->port_max || a->protocol != b->protocol ||
	    a->decision != b->decision || a->method_count != b->method_count)
		return false;
	for (size_t i = 0; i < a->method_count; i++) {
		if (strcmp(a->methods[i], b->methods[i]) != 0)
			return false;
	}
	return true;
}
