/*
 * Limits of bytes and of bytes per second.
 * Runs in: assent-proxy.  Trusts: nothing.  Owns: nothing.
 */
#include "meter.h"

#define NS_PER_S 1000000000
/* What may pile up: a quarter of a second. */
#define BURST_PARTS 4
#define BURST_MIN 16384

static uint64_t
burst(const struct meter *m)
{
	const uint64_t part = m->per_second / BURST_PARTS;

	return part < BURST_MIN ? BURST_MIN : part;
}

static void
fill(struct meter *m, int64_t now_ns)
{
	int64_t passed = now_ns - m->filled_ns;
	uint64_t more;

	if (m->filled_ns == 0 || passed > NS_PER_S)
		passed = NS_PER_S;
	if (passed <= 0)
		return;
	more = (uint64_t)((double)m->per_second * (double)passed / NS_PER_S);
	if (more == 0)
		return; /* a little later it is a byte */
	m->filled_ns = now_ns;
	m->tokens += more;
	if (m->tokens > burst(m))
		m->tokens = burst(m);
}

static size_t
at_most(size_t want, uint64_t have)
{
	return have < want ? (size_t)have : want;
}

size_t
meter_allow(struct meter *m, bool up, int64_t now_ns, size_t want)
{
	const uint64_t max = up ? m->up_max : m->down_max;
	const uint64_t used = up ? m->up : m->down;

	if (max != 0)
		want = at_most(want, used < max ? max - used : 0);
	if (m->per_second != 0) {
		fill(m, now_ns);
		want = at_most(want, m->tokens);
	}
	return want;
}

void
meter_count(struct meter *m, bool up, size_t bytes)
{
	if (up)
		m->up += bytes;
	else
		m->down += bytes;
	m->tokens -= at_most(bytes, m->tokens);
}

enum proxy_limit
meter_limit(const struct meter *m)
{
	if (m->up_max != 0 && m->up >= m->up_max)
		return PROXY_LIMIT_UP;
	return m->down_max != 0 && m->down >= m->down_max ? PROXY_LIMIT_DOWN
							  : PROXY_LIMIT_NONE;
}

const char *
meter_over(const struct meter *m)
{
	switch (meter_limit(m)) {
	case PROXY_LIMIT_UP:
		return "the run has sent all that it may (network_limits: up)";
	case PROXY_LIMIT_DOWN:
		return "the run has received all that it may "
		       "(network_limits: down)";
	case PROXY_LIMIT_IDLE:
	case PROXY_LIMIT_CONNECTIONS:
	case PROXY_LIMIT_NONE:
		break;
	}
	return NULL;
}
