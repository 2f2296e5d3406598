#ifndef CORE_LIVE_H
#define CORE_LIVE_H
/*
 * The actions in memory: pending, running, and those that ended lately.
 *
 *     r = live_table_new(&t, e);
 *     r = live_add(t, action, &l, e);         takes the action
 *     l = live_find(t, id);
 *
 * Ended actions are kept until LIVE_ENDED_MAX newer ones have ended, or their
 * output is too much together and their uid has most of it; what is gone from here is read from the store,
 * which has no output.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/ports.h"
#include "model/action.h"
#include "outflow.h"

#define LIVE_ENDED_MAX 256
#define LIVE_OUTPUT_MAX RUN_OUTPUT_BYTES_DEFAULT

/* Somebody who waits for this action: a parked HTTP call. */
struct waiter {
	struct waiter *next;
	uint64_t call_id;
	int64_t deadline_ns; /* CLOCK_BOOTTIME */
	bool for_done; /* not satisfied by a decision, waits for the end */
	bool not_modified; /* answers 304 at its deadline */
};

/* Connections of a run that have no row of their own. */
#define NET_SUMS_MAX 128 /* hosts that are told apart */
#define NET_SUM_HOST_MAX 254
struct net_sum {
	bool allow;
	uint16_t port;
	char host[NET_SUM_HOST_MAX];
	uint64_t connections, bytes_up, bytes_down;
};
struct net_sums {
	struct net_sum items[NET_SUMS_MAX];
	size_t count;
	struct net_sum other_allowed, other_refused;
};

struct live {
	struct action *a;
	struct str record; /* canonical; in the action's arena */
	struct str input; /* JSON for the log, or empty; in the arena */
	struct plan_ref plan;
	bool has_plan;
	const char *idempotency_key; /* or NULL */
	const char *traceparent; /* of the proposal; NULL after a restart */
	int64_t deadline_ns; /* of the question or the approval; 0: none */
	int64_t decided_ns;
	unsigned judged_again; /* by other rules than those it was shown with */
	bool busy; /* changed by the open transaction */
	bool run_requested;
	bool in_review; /* the reviewer has it; a person may answer first */
	bool review_sent; /* the question is out */
	enum review_outcome shadow; /* what it said, while a person decides */
	int64_t review_deadline_ns;
	struct receipt *intent; /* owned */
	const char *revised_by; /* who edited it, or NULL */
	/* Its files are looked at; not recorded yet, known to nobody. */
	bool looking;
	int64_t look_deadline_ns;
	uint64_t look_call_id;
	int64_t look_wait_ms;
	/* Of a question about a credential: what is used then. */
	struct broker_use *use;
	unsigned credential_rows; /* uses of this run in the log */
	uint64_t net_ticket; /* of a question during a run: its proxy's */
	unsigned net_rows[2]; /* refused and other connections in the log */
	struct net_sums *net_sums; /* of those beyond; owned, or NULL */
	struct outflow output;
	int64_t output_late_ns; /* nobody reads it by then; 0: no matter */
	int64_t output_over_ns; /* readers can have it all since; 0: not yet */
	int64_t kill_ns; /* its reader hung up; 0: no */
	struct waiter *waiters;
	bool in_ended;
	struct live *hash_next, *older, *newer, *ended_next;
};

struct live_table;

int live_table_new(struct live_table **ret, struct err *e);
void live_table_free(struct live_table *t);
void live_table_freep(struct live_table **t);
/* Takes *a on success. */
int live_add(
    struct live_table *t, struct action **a, struct live **ret, struct err *e);
struct live *live_find(struct live_table *t, const char *id);
void live_remove(struct live_table *t, struct live *l);
/* Oldest first: *from NULL starts; NULL ends. */
struct live *live_next(struct live_table *t, struct live *from);
/* The only way to change a stage: keeps the counts, asserts the table. */
void live_set_stage(struct live_table *t, struct live *l, enum stage to);
/* Forgets ended actions beyond LIVE_ENDED_MAX that nobody waits for. */
void live_trim(struct live_table *t);
/* How much more of l's output may be kept: no uid keeps more than it leaves to
 * others; and that so much of it was. */
size_t live_may_keep(struct live_table *t, const struct live *l);
void live_kept(struct live_table *t, const struct live *l, size_t bytes);
/* Ended ones keep too much, and its uid more than its part of that. */
bool live_is_greedy(const struct live_table *t, const struct live *l);
size_t live_pending(const struct live_table *t);
size_t live_pending_of(const struct live_table *t, uid_t uid);

int live_wait(struct live *l, const struct waiter *w, struct err *e);
/* Removes the waiters of a call that is gone. */
void live_gone(struct live *l, uint64_t call_id);

#endif
