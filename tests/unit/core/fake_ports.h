/*
 * Ports for tests of the pipeline: a recorder in memory that can fail, a
 * classifier that reads its decision from the script, an executor that
 * counts, and a clock that stands still.
 */
#ifndef TESTS_FAKE_PORTS_H
#define TESTS_FAKE_PORTS_H

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"

#define FAKE_ROWS_MAX 4096
#define FAKE_REPLIES_MAX 4096

/* ---- recorder ---- */

struct receipt {
	char id[ACTION_ID_MAX];
	uint8_t sha256[SHA256_LEN];
	enum row_kind kind;
	uint64_t seq;
	bool valid;
};

struct fake_row {
	enum row_kind kind;
	char id[ACTION_ID_MAX];
	enum decision decision;
	enum decided_by by;
	uint8_t sha256[SHA256_LEN];
	/* Of a network row: how many connections it tells of. */
	int64_t net_count, net_bytes_up;
};

struct fake_open {
	char id[ACTION_ID_MAX], key[IDEMPOTENCY_KEY_MAX + 1];
	enum stage stage;
	struct buf record, state;
	uid_t uid;
	int64_t deadline_real_ns;
};

struct recorder {
	struct fake_row rows[FAKE_ROWS_MAX];
	size_t durable, count;
	struct fake_open open[FAKE_ROWS_MAX];
	size_t open_count;
	struct receipt *waiting[FAKE_ROWS_MAX];
	size_t waiting_count;
	unsigned commits;
	bool fail_commit, unhealthy;
	uint64_t cursor; /* of every destination */
	unsigned cursor_writes;
};

struct executor {
	unsigned started, killed;
	char last[ACTION_ID_MAX];
	bool no_launcher, refuse_plan;
	/* What a run's proxy was told, and when. */
	const struct recorder *seen;
	unsigned net_yes, net_no;
	uint64_t net_ticket;
	size_t net_durable; /* rows, as it was told */
	char net_who[128];
	uint8_t plan_salt;
};

struct fake_reply {
	uint64_t id;
	unsigned status;
	char *body, *etag;
	size_t durable_rows; /* how many rows were durable when it left */
};

struct world {
	struct engine *g;
	const char *boot_id; /* NULL: not known */
	struct recorder recorder;
	struct executor executor;
	struct fake_reply replies[FAKE_REPLIES_MAX];
	size_t reply_count;
	uint64_t next_call;
	unsigned launches;
	uint64_t last_ticket;
	struct ruling_policy policy;
	unsigned questions, cancelled;
	char asked[ACTION_ID_MAX];
	uint8_t asked_sha256[SHA256_LEN];
	bool reviewer_away, asked_again;
	bool shadow;
	unsigned review_parallel, review_queue;
	int64_t session_tokens, tokens; /* tokens: of the next answer */
	uid_t uid; /* of who proposes; 0: 1000 */
	const char *scope; /* of a person's answer, or NULL */
	uid_t approver; /* 0: 1000 */
	const char *session; /* of what is proposed, or NULL */
	bool reporter_full;
	uint64_t fed[FEEDS_MAX]; /* the last row of each feed */
	uint64_t rows_fed; /* one for several feeds is one */
	const char *profile; /* of what is proposed, or NULL */
};

extern int64_t fake_now;
/* How far the calendar was set, apart from that. */
extern int64_t fake_real_step;
extern const struct classifier_port fake_classifier;
extern const struct recorder_port fake_recorder;
extern const struct executor_port fake_executor;

void world_start(struct world *w);
/* With a provider, and reviews on. */
void world_start_reviewed(struct world *w, enum approval_policy policy);
/* As a restart of the engine: memory is lost, the store is kept. */
void world_restart(struct world *w);
void world_stop(struct world *w);

/* Calls as front would make them. The script decides: "allow", "review",
 * "ask", "deny". Returns the call's id. */
uint64_t world_propose(struct world *w, const char *script, bool execute,
    const char *key, int64_t wait_ms);
uint64_t world_call(struct world *w, struct call c);
/* To be executed, and committed. */
uint64_t world_propose_reviewed(struct world *w, const char *script);
/* How the action of a proposal stands, as an approver sees it. */
uint64_t world_look(struct world *w, uint64_t proposed);
const struct fake_reply *world_reply(struct world *w, uint64_t call_id);
/* The id of the action that a reply is about. */
const char *world_id(
    struct world *w, uint64_t call_id, char ret[static ACTION_ID_MAX]);
/* An approver's answer to the action, with its ETag and hash as shown. */
uint64_t world_answer(struct world *w, uint64_t proposed, const char *decision);
/* As a reviewer would answer the question that was asked last. */
void world_review(struct world *w, enum review_outcome outcome);
bool reply_has(const struct fake_reply *r, const char *text);
/* Hex of the action's hash in a reply; must be freed. */
char *reply_text(const struct fake_reply *r, const char *key);

#endif
