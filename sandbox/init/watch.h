#ifndef SANDBOX_WATCH_H
#define SANDBOX_WATCH_H
/*
 * Memory (memory.h), disk use and number of all processes of a run together.
 */
#include <stdint.h>

#include "init/memory.h"
#include "sandbox/plan.h"

#define WATCH_EVERY_MS 50

struct watch {
	const struct plan_limits *limits;
	struct memory *memory; /* NULL: a control group bounds it; borrowed */
	unsigned tick;
	uint64_t free_at_start; /* of the workspace's file system */
	int workspace; /* O_PATH; owned */
	bool bare; /* /tmp is not the run's own */
};

void watch_open(struct watch *w, const struct plan *p, struct memory *memory);
/* From now on what goes is the run's. */
void watch_start(struct watch *w);
void watch_close(struct watch *w);
/* 0, CTL_MEMORY or CTL_DISK: then the run is over. */
uint32_t watch_check(struct watch *w);
/* Limits that the kernel holds and tells the program alone: CTL_CROWDED and
 * CTL_TMP_FULL, as things are now. */
uint32_t watch_reached(const struct watch *w);
uint32_t watch_tmp(const struct watch *w);

#endif
