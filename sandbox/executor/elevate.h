#ifndef SANDBOX_ELEVATE_H
#define SANDBOX_ELEVATE_H
/*
 * As which account a run runs: one of those that 'assent setup --elevated'
 * made, or the proposer's own.
 *
 *     elevation_set(&x, config);
 *     r = elevation_choose(&x, &asked, busy, &choice, e);
 *
 * Where elevated runs are required and cannot be had, there is no choice:
 * ERR_DENIED says why. Where they are only preferred, why_not does.
 */
#include "base/err.h"
#include "model/config.h"
#include "sandbox/plan.h"

#define ELEVATE_TEXT_MAX 256

struct elevate_account {
	char name[64];
	uint32_t uid, gid;
};

/* Whose session has which account of the pool. */
struct elevate_slot {
	uint8_t key[SHA256_LEN];
	uint64_t used; /* 0: nobody has it; else when, in calls */
};

struct elevation {
	enum elevated_mode mode;
	bool set_up, ready;
	char why_not[ELEVATE_TEXT_MAX];
	char permits[ELEVATE_TEXT_MAX]; /* the requirement, or "" */
	struct elevate_account offline, online[ELEVATED_POOL_MAX];
	size_t online_count;
	struct elevate_slot slots[ELEVATED_POOL_MAX];
	uint64_t calls;
};

struct elevate_asked {
	const struct proposer *proposer;
	const char *session; /* or NULL */
	const struct profile *profile;
};

struct elevate_choice {
	struct plan_who who;
	bool elevated;
	const char *why_not; /* though it is preferred; or NULL */
};

/* Accounts that sessions have stay theirs where they are still there. */
void elevation_set(struct elevation *x, const struct config *c);
/* busy: a bit for each account of the pool with a run. The texts are x's. */
int elevation_choose(struct elevation *x, const struct elevate_asked *asked,
    uint64_t busy, struct elevate_choice *ret, struct err *e);

#endif
