#ifndef PROXY_METER_H
#define PROXY_METER_H
/*
 * How much a run may still send and receive, and how fast.
 *
 *     n = meter_allow(&meter, up, now, want);   0: not now
 *     meter_count(&meter, up, n);
 *     if ((why = meter_over(&meter)) != NULL)   the run has had its share
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/proxy_proto.h"

struct meter {
	uint64_t up_max, down_max, per_second; /* 0: no limit */
	uint64_t up, down;
	uint64_t tokens; /* bytes that may move now */
	int64_t filled_ns;
};

size_t meter_allow(struct meter *m, bool up, int64_t now_ns, size_t want);
void meter_count(struct meter *m, bool up, size_t bytes);
enum proxy_limit meter_limit(const struct meter *m);
/* The sentence that says which limit, or NULL. */
const char *meter_over(const struct meter *m);

#endif
