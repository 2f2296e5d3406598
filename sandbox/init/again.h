#ifndef SANDBOX_AGAIN_H
#define SANDBOX_AGAIN_H
/*
 * Is this first process as it was before it had a run? What a run may change
 * without asking the supervisor, and what would outlive it.
 *
 *     again_note(&a, plan)     all is given up, and no command was started
 *     again_arm(&a)            a command begins
 *     again_holds(&a)          after its end: nothing can be told from before
 *
 * False whenever something cannot be looked at.
 */
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "sandbox/plan.h"

#define AGAIN_PLACES_MAX 24
#define AGAIN_PATH_MAX 96
#define AGAIN_OOM_BYTES 16

/* As linux/sched/types.h has it, whose header is at odds with the C
 * library's. */
struct again_schedule {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

/* What others of the same user may set of a process, or its child. */
struct again_self {
	struct rlimit limits[RLIMIT_NLIMITS];
	struct again_schedule schedule;
	cpu_set_t processors;
	long io_priority, slack, dumpable;
	char oom[AGAIN_OOM_BYTES];
	uint64_t pending; /* signals */
};

/* A folder or node that this run has for itself. */
struct again_place {
	char path[AGAIN_PATH_MAX];
	ino_t inode;
	nlink_t links;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	off_t size;
	struct timespec changed, modified, accessed;
};

struct again {
	bool able; /* all was noted */
	bool armed; /* later changes bear another time */
	int oom; /* its own oom_score_adj, or -1; owned */
	struct again_self self;
	struct again_place places[AGAIN_PLACES_MAX];
	size_t place_count;
	uint64_t files_free, blocks_free; /* in /tmp */
};

void again_note(struct again *a, const struct plan *p);
void again_arm(struct again *a);
bool again_holds(const struct again *a);

#endif
