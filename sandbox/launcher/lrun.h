#ifndef SANDBOX_LRUN_H
#define SANDBOX_LRUN_H
/*
 * A launcher's runs: how each begins, what passes between it and the engine,
 * how it ends. Only for launcher.c and lrun*.c.
 *
 *     r = lrun_new(l, number);
 *     lrun_read_plan(r, e);
 *     lrun_begin(r, e);      else lrun_free(r)
 *     lrun_add_input(r, bytes);
 *
 * A run that has begun frees itself when it is over.
 */
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "audit/link.h"
#include "base/buf.h"
#include "base/ipc.h"
#include "base/loop.h"
#include "base/mem.h"
#include "start/ctl.h"
#include "launcher/held.h"
#include "launcher/pool.h"
#include "start/run.h"
#include "sandbox/plan.h"

struct lrun;
struct outcome;

struct stream {
	struct lrun *run;
	int fd; /* -1: at its end */
	uint8_t number;
	uint64_t passed; /* bytes */
	bool waiting; /* to begin, or for the engine to take what is queued */
};

struct lrun {
	struct launcher *l;
	uint64_t number;
	struct arena *arena;
	struct str record; /* of the plan */
	struct plan *plan;
	bool prepared; /* plan has only what pool_plan leaves of it */
	struct run run;
	struct stream out[2];
	int in; /* -1: closed */
	uint16_t rows, columns; /* of its terminal; 0: nobody said */
	struct buf in_bytes;
	bool in_ends; /* after in_bytes */
	struct loop_timer *late_timer; /* its first process lets it run on */
	bool late;
	struct loop_timer *kill_timer;
	struct ctl end;
	bool gone, reported, answered, truncated;
	bool too_much; /* it wrote more than limits.stream */
	uint64_t under_way; /* bytes of output that the engine has not taken */
	bool told; /* that it has started */
	bool spoken; /* its first process was sent more than its job */
	bool released; /* its first process may end */
	struct lent lent; /* by the pool */
	struct net_link *net; /* of a run that is online */
	int broker; /* its link to the broker of credentials, or -1 */
	int values[CREDENTIAL_VALUES_MAX]; /* that it is handed */
	size_t value_count;
	int64_t started_ns;
	struct lrun_audit {
		pid_t command; /* as the host counts; 0: not said */
		uint64_t losses; /* when it began */
		uint64_t domain; /* that was asked about */
		struct loop_timer *timer;
		bool waits, over;
		struct audit_denials denials;
	} audit;
	int workspace; /* of a run on a copy, or -1 */
	struct timespec began;
	struct lrun *next;
};

/* Links to the broker whose runs come next. */
#define BROKERS_WAITING_MAX 8
struct broker_waiting {
	uint64_t number;
	int fd;
};

struct launcher {
	struct loop *loop;
	struct ipc *engine;
	struct lrun *runs;
	size_t run_count; /* that are not answered */
	size_t ending;
	struct loop_timer *resume;
	struct loop_timer *release; /* of first processes that have reported */
	struct loop_timer *sweep; /* of control groups, once */
	size_t unreleased;
	struct pool *pool;
	struct cgroup_places groups; /* found with the first run */
	struct broker_waiting brokers[BROKERS_WAITING_MAX];
	size_t broker_count;
	struct held *held; /* copies that somebody has to decide on */
	struct audit_link *audit; /* or NULL */
	struct loop_task audit_due; /* runs whose answer has come */
	bool over, knows_groups, knows_audit;
	char no_audit[ERR_MSG_MAX]; /* why there is none */
};

/* An error when the engine has gone: events of the batch in which its link
 * broke still come. */
int launcher_tell(
    struct launcher *l, uint16_t type, const struct buf *b, struct err *e);
void launcher_send_ended(
    struct launcher *l, uint64_t number, const struct outcome *o);

/* lrun.c */
/* NULL without memory. */
struct lrun *lrun_new(struct launcher *l, uint64_t number);
/* An error: the record cannot be read. */
int lrun_read_plan(struct lrun *r, struct err *e);
int lrun_begin(struct lrun *r, struct err *e);
/* At once, and its first process if that does not see to it. */
void lrun_kill(struct lrun *r);
/* Its last word goes out when all has been said; it frees itself then. */
void lrun_end_if_over(struct lrun *r);
void lrun_free(struct lrun *r);

/* lrun_stream.c */
void lrun_on_output(void *ctx, int fd, unsigned events);
void lrun_on_input(void *ctx, int fd, unsigned events);
void lrun_add_input(struct lrun *r, struct str bytes);
/* The engine has taken so much of its output. */
void lrun_taken(struct lrun *r, uint64_t bytes);
/* It has started, and may write for long. */
void lrun_listen(struct lrun *r);
/* Nothing of it is alive: what is in its pipes is read whoever waits. */
void lrun_drain(struct lrun *r);
/* The terminal of a run that has one: its output, and where input goes. */
int lrun_take_terminal(struct lrun *r, int master, struct err *e);
void lrun_resize(struct lrun *r);
/* A key that means a signal, typed: who runs in front gets it. */
bool lrun_type_signal(struct lrun *r, uint32_t signo);
/* Closes a descriptor that the loop may know. */
void lrun_unwatch(struct lrun *r, int *fd);

/* lrun_net.c */
struct proxy_verdict;
/* Before lrun_net_start, which gives the link to the proxy, too. */
int lrun_take_values(struct lrun *r, struct err *e);
void lrun_close_values(struct lrun *r);
int lrun_net_start(struct lrun *r, struct err *e);
/* Takes the descriptor of m. */
void lrun_net_listener(struct lrun *r, const struct ctl *m);
/* Has its proxy said its last word? Else it is told to, and
 * lrun_end_if_over is called when it has. */
bool lrun_net_is_over(struct lrun *r);
void lrun_net_violations(const struct lrun *r, struct ctl *end);
void lrun_net_answer(struct lrun *r, const struct proxy_verdict *v);

/* lrun_audit.c: what the kernel says of its denials */
void lrun_audit_begin(struct lrun *r);
/* Has the kernel's word been heard, or is there none? Else lrun_end_if_over is
 * called, soon. */
bool lrun_audit_is_over(struct lrun *r);
void lrun_audit_violations(struct lrun *r, struct ctl *end);
void lrun_audit_done(struct lrun *r);

#endif
