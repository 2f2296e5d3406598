/*
 * A provider that fails is left alone for a while.
 * Runs in: reviewer.  Trusts: nothing.  Owns: nothing.
 */
#include "breaker.h"

#define MS_NS INT64_C(1000000)

bool
breaker_try(struct breaker *b, int64_t now_ns)
{
	if (b->open_until_ns == 0)
		return true;
	if (now_ns < b->open_until_ns || b->probing)
		return false;
	b->probing = true;
	return true;
}

void
breaker_ok(struct breaker *b)
{
	*b = (struct breaker){ .failures = 0 };
}

void
breaker_dropped(struct breaker *b)
{
	b->probing = false;
}

void
breaker_failed(struct breaker *b, int64_t now_ns, bool hard)
{
	const bool was_probe = b->probing;

	b->probing = false;
	b->failures++;
	if (!hard && !was_probe && b->failures < BREAKER_FAILURES)
		return;
	/* What was under way when it opened changes nothing. */
	if (b->open_until_ns > now_ns && !was_probe)
		return;
	b->pause_ns =
	    b->pause_ns == 0 ? BREAKER_PAUSE_MS * MS_NS : b->pause_ns * 2;
	if (b->pause_ns > BREAKER_PAUSE_MAX_MS * MS_NS)
		b->pause_ns = BREAKER_PAUSE_MAX_MS * MS_NS;
	b->open_until_ns = now_ns + b->pause_ns;
}

const char *
breaker_state(const struct breaker *b, int64_t now_ns)
{
	if (b->open_until_ns == 0)
		return "closed";
	return now_ns < b->open_until_ns ? "open" : "half-open";
}
