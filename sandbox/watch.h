#ifndef SANDBOX_WATCH_H
#define SANDBOX_WATCH_H
/*
 * Memory and disk use of all processes of a run together, where no cgroup
 * can be asked: /proc of the run's own process namespace is summed up.
 */
#include <stdint.h>

#include "sandbox/plan.h"

#define WATCH_EVERY_MS 50

struct watch {
	const struct plan_limits *limits;
	unsigned tick;
	uint64_t free_at_start; /* of the workspace's file system */
	int workspace; /* O_PATH; owned */
};

void watch_open(struct watch *w, const struct plan *p);
void watch_close(struct watch *w);
/* 0, CTL_MEMORY or CTL_DISK. */
uint32_t watch_check(struct watch *w);

#endif
