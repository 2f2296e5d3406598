#ifndef SANDBOX_EXECUTOR_INT_H
#define SANDBOX_EXECUTOR_INT_H
/* What the files of the executor share. */
#include "base/ipc.h"
#include "executor/copies.h"
#include "core/ports.h"
#include "executor/elevate.h"

struct profile_set;

struct launcher_link {
	struct executor *x;
	uid_t uid;
	gid_t gid;
	struct ipc *ipc;
	bool pinged; /* and it has not answered yet */
	unsigned missed; /* beats since then */
	struct launcher_link *next;
};

struct started {
	uint64_t number;
	char action_id[ACTION_ID_MAX];
	struct launcher_link *by;
	uid_t account; /* that it runs as; 0: the proposer's own */
	bool is_look; /* no run: files are looked at */
	bool overlay;
	struct started *next;
};

struct executor {
	struct loop *loop;
	const struct executor_events *ev;
	void *ctx;
	struct launcher_link *launchers;
	struct started *runs;
	uint64_t last_number;
	int64_t patience_ms; /* with a launcher that does not answer */
	struct loop_timer *beat; /* while anything runs */
	struct arena *arena; /* holds profiles */
	struct profile_set *profiles;
	struct elevation elevation;
	struct config *config; /* for its credentials; or NULL */
	struct broker_link *brokers; /* that wait for their runs */
	struct copies copies;
};

/* Of this launcher; NULL: nothing of that number was begun by it. */
struct started *executor_find_number(
    const struct launcher_link *l, uint64_t number);

struct started *executor_find_action(
    const struct executor *x, const char *action_id);

/* executor.c: the link is of no use any more: all that it was to do has failed.
 * Frees l. */
void executor_lost(struct launcher_link *l, const struct err *why);

/* executor_watch.c: from now on, as long as anything runs. */
void executor_watch(struct executor *x);
void executor_unwatch(struct executor *x);
ipc_handler executor_on_pong;

/* executor_output.c */
ipc_handler executor_on_output;
void executor_taken(struct executor *x, const char *action_id, uint64_t bytes);

/* executor_plan.c */
struct plan;
/* What is approved by its hash, without the texts that show it. */
int executor_make_plan(struct executor *x, const struct action *a,
    struct arena *arena, struct plan_ref *ret, struct plan **ret_plan,
    struct err *e);
int executor_plan(struct executor *x, const struct action *a,
    struct arena *arena, struct plan_ref *ret, struct err *e);

/* executor_broker.c */
int executor_give_broker(
    struct executor *x, const struct action *a, int fd, struct err *e);
/* Before the run itself; nothing where it has none. */
int executor_send_broker(
    struct executor *x, const struct started *s, struct err *e);
void executor_forget_brokers(struct executor *x);

/* executor_net.c */
int executor_net_answer(struct launcher_link *l, uint64_t number,
    uint64_t ticket, bool allow, const char *who, struct err *e);
ipc_handler executor_on_net_ask, executor_on_net_event;

#endif
