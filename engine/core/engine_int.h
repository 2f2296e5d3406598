#ifndef CORE_ENGINE_INT_H
#define CORE_ENGINE_INT_H
/*
 * What the files of the pipeline share. A request becomes a change; changes
 * of a batch are committed together, and only then applied and answered.
 */
#include "base/jsonw.h"
#include "engine.h"
#include "grants.h"
#include "live.h"
#include "review_sessions.h"
#include "projects.h"
#include "sessions.h"

#define EVENT_READERS_MAX 64
#define DESTINATION_WHY_MAX 256
#define LAUNCHES_MAX 256
#define SECOND_NS INT64_C(1000000000)
#define APPROVAL_LIFE_NS (600 * SECOND_NS) /* an unused approval expires */
#define UNDO_NS (60 * SECOND_NS)

/* What to answer when the change is durable. */
enum change_reply {
	ANSWER_CALL_NONE,
	ANSWER_CALL_PROPOSED, /* 200 decided, done; 202 pending; may wait */
	ANSWER_CALL_DECISION, /* 200 with the decision */
	ANSWER_CALL_CREATED, /* 201: a run */
	ANSWER_CALL_EMPTY, /* 204 */
};

struct change {
	struct live *live; /* NULL: a row that belongs to no action, but */
	const char *session; /* to this session, or NULL; and */
	uid_t uid; /* to this user */
	enum stage to; /* STAGE_INVALID: stays */
	bool is_new; /* forget the action when the commit fails */
	bool has_ruling;
	struct ruling ruling;
	bool has_deadline;
	int64_t deadline_ns; /* CLOCK_BOOTTIME; 0: none */
	bool run; /* start it: intent is durable then */
	struct receipt *receipt;
	uint64_t seq;
	uint8_t log_hash[SHA256_LEN];
	enum change_reply answer;
	uint64_t call_id;
	int64_t wait_ms; /* -1: not stated */
	bool has_asking;
	struct inquiry asking;
	bool proved; /* who answered has shown it by his passphrase */
	uint64_t use; /* of a credential: the broker hears of it; 0: none */
	struct grant *grant; /* that it adds or ends; owned while it adds */
	enum grant_change {
		GRANT_STAYS,
		GRANT_ADDS,
		GRANT_ENDS,
	} grant_change;
};

struct launch {
	uint64_t ticket;
	int64_t deadline_ns; /* boot time */
	bool broker; /* it waits for the broker, else for a launcher */
	char id[ACTION_ID_MAX];
};

/* A proposal that waits for the rules of its repository. */
#define PARKED_MAX 256
struct parked {
	uint64_t ticket, call_id;
	struct buf call; /* encoded */
};

/* Who follows the output of which action. */
struct output_call {
	uint64_t call_id;
	char id[ACTION_ID_MAX];
};

struct event_reader {
	uint64_t call_id;
	uint64_t seq; /* sent up to here */
	bool behind; /* there may be more rows than were sent in a turn */
};

/* Rows that the reporter waits for, and the destination they are for. */
struct feed {
	char name[DESTINATION_NAME_MAX]; /* "": not opened */
	uint64_t seq; /* sent up to here */
	uint32_t count; /* still wanted */
	uint64_t taken, saved; /* it has them up to here; so says the file */
	uint64_t refused, failures;
	uint64_t attested;
	char why[DESTINATION_WHY_MAX];
};

#define RULES_PROBLEM_MAX 512
#define REVIEW_QUEUE_MAX 1000

/* Ids of actions that wait for a place with the reviewer; oldest first. */
struct review_queue {
	char ids[REVIEW_QUEUE_MAX][ACTION_ID_MAX];
	size_t first, count;
};

struct engine_counters {
	uint64_t calls, proposed, commits, commit_failures, rows;
	uint64_t allowed, denied, asked, reviewed;
	uint64_t by[BY_CEILING + 1];
	uint64_t runs, run_failures, refused;
	uint64_t net_allowed, net_denied;
	uint64_t review_approved, review_denied, review_escalated;
	uint64_t review_failed, review_late, review_cached;
	uint64_t review_tokens_in, review_tokens_cached, review_tokens_out;
	uint64_t shadow_agreed, shadow_differed;
	uint64_t bodies_dropped;
	int64_t commit_ns, commit_max_ns;
};

/* Somebody who typed a wrong passphrase. */
#define GUESSERS_MAX 16
struct guesser {
	uid_t uid;
	unsigned wrong; /* in a row; 0: the place is free */
	int64_t until_boot_ns; /* the next one is not looked at before */
};

struct engine {
	struct engine_options o;
	struct guesser guessers[GUESSERS_MAX];
	struct classifier *classifier;
	uint8_t policy_sha256[SHA256_LEN];
	struct live_table *live;
	struct sessions *sessions;
	struct projects *projects;
	struct parked parked[PARKED_MAX];
	size_t parked_count;
	bool had_candidate; /* when rules were loaded last */
	bool resuming; /* a call that was parked: it waits no longer */
	struct grants grants;
	struct change *changes;
	size_t change_count, change_cap;
	struct launch launches[LAUNCHES_MAX];
	size_t launch_count;
	uint64_t next_ticket;
	struct event_reader events[EVENT_READERS_MAX];
	size_t event_count;
	struct output_call *output_calls;
	size_t output_call_count, output_call_cap;
	struct feed feeds[FEEDS_MAX];
	uint8_t mask_key[SHA256_LEN];
	bool has_mask_key;
	int64_t ping_ns, idle_ns, feeds_saved_ns, retain_ns;
	bool retain_told; /* why it drops nothing */
	/* rows of the newest checkpoint that was said, and exported */
	uint64_t checkpoint_said, checkpoint_sent;
	struct engine_counters n;
	struct buf scratch; /* row bodies, replies: reused */
	struct review_sessions *review_sessions;
	struct review_queue review_queue;
	unsigned reviews_out; /* questions that the reviewer has */
	char rules_problem[RULES_PROBLEM_MAX]; /* "": the files are in force */
	char settings_problem[RULES_PROBLEM_MAX]; /* the same */
	struct buf roles_json, reviewer_json;
	bool roles_up, booted, reviewer_there;
};

/* ---- engine.c: changes ------------------------------------------------- */

/* Adds a row for live (or none) to the open transaction. */
int engine_append(struct engine *g, struct change *c, enum row_kind kind,
    struct str body, struct receipt **receipt, struct err *e);
/* Stores what a restart must know about it once c is applied. */
int engine_put_open(struct engine *g, const struct change *c, struct err *e);
/* Takes the change into the batch; marks its action busy. */
int engine_push(struct engine *g, const struct change *c, struct err *e);
/* A change to an action that the open batch changes: commit that first. */
void engine_settle(struct engine *g, struct live *l);

/* ---- engine_state.c: what a restart must know ---------------------------- */

struct stored_state {
	struct ruling ruling;
	struct inquiry asking;
	int64_t proposed_real_ns;
	int exit, signal;
	bool had_output, timed_out;
	const char *failure; /* of its run; or NULL */
	uint64_t seq;
	uint8_t log_hash[SHA256_LEN], sha256[SHA256_LEN];
	struct operand *operands;
	size_t operand_count;
	pid_t pid; /* of who proposed, and when it began */
	uint64_t started;
	const char *during; /* of a question of a run: that run; or NULL */
	/* When it ends, by the clock of that boot; NULL: no longer known. */
	int64_t deadline_boot_ns;
	const char *boot_id;
};

/* boot_id: of now, or NULL. */
void engine_state_put(
    const struct change *c, const char *boot_id, struct buf *out);
/* Texts in the arena. */
int engine_state_get(
    struct str state, struct arena *a, struct stored_state *ret, struct err *e);

/* ---- engine_reply.c ---------------------------------------------------- */

void engine_reply_json(
    struct engine *g, uint64_t call_id, unsigned status, struct str json);
void engine_problem(struct engine *g, uint64_t call_id, unsigned status,
    const char *code, const char *detail);
/* Status and code by the kind of error; ERR_SYS, ERR_NOMEM: 503. */
void engine_problem_err(
    struct engine *g, uint64_t call_id, const struct err *e);
/* The decision as it stands: 200, or 202 while it waits. */
void engine_reply_decision(
    struct engine *g, uint64_t call_id, const struct live *l, unsigned status);
void engine_etag(const struct live *l, char ret[static 40]);
/* Answers those for whom this is what they waited for. */
void engine_wake(struct engine *g, struct live *l);
void engine_set_deadline(struct engine *g, struct live *l, int64_t boot_ns);
/* Answers the call now, or parks it when it may wait. */
void engine_answer_or_wait(
    struct engine *g, struct live *l, const struct change *c);

/* ---- engine_text.c: text of others in rows ------------------------------ */

#define ROW_MASKED_KEY "masked" /* keyed hashes of what was masked */

/* What somebody says of an action: secrets masked. */
void row_put_remark(
    struct engine *g, struct jsonw *w, const char *key, const char *text);
/* What an action is or gave: as log.payloads says. */
void row_put_payload(
    struct engine *g, struct jsonw *w, const char *key, const char *text);
/* A field of what a client reports. */
void row_put_report(
    struct engine *g, struct jsonw *w, const struct env_var *field);
/* Hashes of the secrets of a proposal, of a report. */
void row_put_masked_of(
    struct engine *g, struct jsonw *w, const struct proposal *p);
void row_put_masked_in(struct engine *g, struct jsonw *w, const struct call *c);

/* ---- engine_rows.c: bodies of rows ------------------------------------- */

void row_body_proposed(struct engine *g, const struct live *l, struct buf *out);
void row_body_decided(
    struct engine *g, const struct change *c, struct buf *out);
void row_body_intent(const struct live *l, struct buf *out);
void row_body_outcome(struct engine *g, const struct live *l,
    const struct outcome *o, struct buf *out);
void row_body_reviewed(
    struct engine *g, const struct review_answer *r, struct buf *out);
void row_body_note(
    struct engine *g, const char *key, const char *text, struct buf *out);

/* ---- engine_propose.c, engine_decide.c, engine_run.c, ... --------------- */

typedef void engine_call_fn(struct engine *g, const struct call *c);
engine_call_fn engine_propose, engine_evaluate;
engine_call_fn engine_decide, engine_undo, engine_cancel;
engine_call_fn engine_changes;
engine_call_fn engine_execute, engine_output, engine_signal, engine_outcome;
engine_call_fn engine_get, engine_list, engine_explain, engine_log;
engine_call_fn engine_verify, engine_events, engine_rules, engine_reload_call;
engine_call_fn engine_metrics, engine_ready, engine_version;
engine_call_fn engine_refused, engine_session_event;
engine_call_fn engine_grants_call, engine_revoke_call, engine_grant_preview;
engine_call_fn engine_rule_draft, engine_rules_preview, engine_checkpoint;
engine_call_fn engine_requirements;
/* engine_credentials.c */
engine_call_fn engine_credentials;
/* In the open transaction. */
int engine_credential_note(struct engine *g, const struct action *a,
    const struct broker_use *u, struct err *e);
/* Plans the action (l->plan), and says as whom it will run. */
int engine_plan(struct engine *g, struct live *l, struct err *e);
/* What the administrator's requirements do not permit is denied, whatever
 * rules say of it. */
int engine_hold_to_ceiling(struct engine *g, struct action *a, struct err *e);
void engine_rules_invalid(
    struct engine *g, uint64_t call_id, const char *why, struct str diags);

/* ---- engine_project.c --------------------------------------------------- */

/* The call waits until the rules of its repository are read. */
bool engine_parks(
    struct engine *g, const struct call *c, const struct action *a);
/* Classifies by all rules: those in force, and the repository's. */
int engine_classify(struct engine *g, struct action *a, struct err *e);
/* The client that runs it says that it does so in a sandbox. */
bool engine_is_contained(const struct engine *g, const struct action *a);
/* Are the repository's rules those that the action was judged by? */
bool engine_project_is_same(struct engine *g, const struct action *a);
void engine_project_tick(struct engine *g, int64_t now_ns);
/* The client behind a call has gone; 0: all have. */
void engine_unpark(struct engine *g, uint64_t call_id);

/* The live action a call names, if the caller may see it; else answers 404
 * (also for another's) and returns NULL. */
struct live *engine_target(struct engine *g, const struct call *c);
/* An action that is only in the store, brought back; NULL: none. */
struct live *engine_load(struct engine *g, const char *id);
/* The call names the very action (I4). ERR_INVALID, ERR_CONFLICT. */
int engine_check_hash(
    const struct call *c, const struct live *l, struct err *e);
/* Classifies, plans and hashes: the part of propose that restart shares. */
int engine_judge(struct engine *g, struct live *l, struct err *e);
/* Asks for a launcher for this action; false: too many are asked for. */
bool engine_launch(struct engine *g, struct live *l);
/* Those that wait for too long end. */
void engine_launches_tick(struct engine *g, int64_t now_ns);
/* The action that waited for it, unless it is over. */
struct live *engine_take_launch(struct engine *g, uint64_t ticket);
/* All that it needs is there. */
void engine_start_now(struct engine *g, struct live *l);
void engine_run_failed(struct engine *g, struct live *l, const char *why);
/* engine_broker.c: true when it waits for the broker now, or failed. */
bool engine_broker_first(struct engine *g, struct live *l);
/* The row of a use is durable, or never will be. */
void engine_broker_used(struct engine *g, const struct change *c, bool durable);
/* The executor's event. */
void engine_looked(void *ctx, const char *action_id, const struct operand *list,
    size_t count, const char *why);
/* The executor's event. */
void engine_changed(void *ctx, uint64_t ticket, const struct changes_answer *a);
/* engine_look.c: true when the action's files are being looked at, and it
 * goes on with engine_looked. */
bool engine_look(struct engine *g, const struct call *c, struct live *l);
/* Somebody has a launcher now, or never will. */
void engine_look_launched(struct engine *g, struct live *l, const char *failed);
void engine_look_late(struct engine *g, struct live *l);
/* Judges, records, answers: what follows the look. */
void engine_enter(
    struct engine *g, struct live *l, uint64_t call_id, int64_t wait_ms);
/* By the rules that were loaded just now: what waits may be decided by them;
 * what is decided stays so, but shows nothing of the rules that are gone. */
void engine_judge_again(struct engine *g);
/* May the proposer ask for this at all? */
int engine_check_claim(struct engine *g, struct action *a, struct err *e);
/* The change that rules alone make of a judged action: decided or pending. */
int engine_rule(
    struct engine *g, struct live *l, struct change *c, struct err *e);
/* A question that waits is answered by a grant, if one does: recorded, into
 * the batch. */
bool engine_rule_by_grant(struct engine *g, struct live *l);
/* Rows for a ruling: decided, and the intent when it will run at once. */
int engine_record_ruling(struct engine *g, struct change *c, struct err *e);
/* A ruling that somebody's answer made: its life, its rows, into the batch.
 * c names live, ruling, and to = STAGE_DECIDED. */
int engine_push_answer(struct engine *g, struct change *c, struct err *e);
/* The intent of c->live is durable: start it, by way of a launcher. */
void engine_run(struct engine *g, struct live *l);
/* Sends the rows since the last time to those who follow the events. */
void engine_events_send(struct engine *g);
void engine_events_ping(struct engine *g);
/* ---- engine_output.c ----------------------------------------------------- */

/* The executor's event. */
void engine_on_output(
    void *ctx, const char *action_id, int stream, struct str bytes);
void engine_output_ended(struct engine *g, struct live *l);
/* A reader of the output of l hung up; 0: front has gone, with all. */
void engine_output_gone(struct engine *g, struct live *l, uint64_t call_id);
void engine_output_tick(struct engine *g, struct live *l, int64_t now_ns);

/* Retention, a step at a time, while nobody waits. */
void engine_retain_tick(struct engine *g);
/* Gives the reporter what it waits for, writes down what it has. */
void engine_feeds_tick(struct engine *g);
void engine_feeds_metrics(
    const struct engine *g, uint64_t head, struct buf *out);
/* The question is durable: ask whom rules name. */
void engine_ask(struct engine *g, struct live *l);
/* Member "reviewer": who answers reviews, and how they are. */
void engine_put_reviewer(const struct engine *g, struct jsonw *w);
/* Said by readyz until a reload is taken. */
void engine_settings_problem(struct engine *g, const char *why);
void engine_keep_review(struct live *l, const struct review_answer *r);
/* Takes the question back, if it is out: nobody needs the answer. */
void engine_review_left(struct engine *g, struct live *l);
/* Sends what waits, as far as there is room. */
void engine_review_pump(struct engine *g);
/* A person decided: the session starts afresh, and in shadow the two are
 * compared. */
void engine_review_person(struct engine *g, const struct live *l);
/* A decision of 'review': true when the call was that, and is answered. */
bool engine_review_again(struct engine *g, const struct call *c);
/* The reviewer has had more than its time. */
void engine_review_late(struct engine *g, struct live *l);
/* Questions and approvals whose time is over. */
void engine_expire(struct engine *g, struct live *l);

/* ---- engine_network.c ----------------------------------------------------- */

/* The executor's events. */
void engine_net_asked(
    void *ctx, const char *action_id, const struct net_question *q);
void engine_net_happened(
    void *ctx, const char *action_id, const struct net_fact *f);
/* A question of a running call, as an action of its own. */
int engine_net_ask(struct engine *g, struct live *run,
    const struct net_question *q, struct err *e);
/* engine_broker.c: what a question is about; and its answer. */
int engine_broker_keep(
    struct live *l, const struct broker_use *u, struct err *e);
int engine_broker_show(const struct live *l, struct err *e);
void engine_broker_answered(
    struct engine *g, const struct live *l, bool allowed);
/* A run's question has its answer, durably: its proxy hears of it. */
void engine_net_decided(struct engine *g, const struct live *l);
/* The question is not in the log: that is a no. */
void engine_net_undone(struct engine *g, const struct live *l);
/* Nobody need answer what an ended run has asked. */
void engine_net_run_over(struct engine *g, const char *run);
/* A row that belongs to a run and changes nothing of it. */
int engine_net_append(struct engine *g, const struct action *run,
    const struct net_fact *f, struct str body, struct err *e);
/* engine_net_sums.c: false without memory. */
bool engine_net_sum(struct live *run, const struct net_fact *f);
void engine_net_sums_write(struct engine *g, struct live *run);
/* Takes a question back for who asked it. */
void engine_withdraw(struct engine *g, struct live *l);

/* ---- engine_asking.c ------------------------------------------------------ */

engine_call_fn engine_escalate, engine_present, engine_revise;
void engine_approver(const struct call *c, char ret[static APPROVER_MAX]);
/* ERR_DENIED: this caller may not answer, and why. */
int engine_may_answer(struct engine *g, const struct call *c,
    const struct live *l, bool allows, struct err *e);
/* engine_passphrase.c: whether the call is a person's, as its passphrase says.
 * ERR_DENIED: it is another one, or there were too many. */
int engine_prove_person(struct engine *g, const struct call *c, struct err *e);
/* Whether it was asked for, and hence right where the answer counts. */
bool engine_has_passphrase(const struct call *c);
/* May who asked answer himself? "passphrase" or "never". */
const char *engine_asker_answers(const struct engine *g, const struct live *l);
/* Counts one more yes into c->asking. approver is kept. */
int engine_count_approval(const struct engine *g, const struct live *l,
    const char *approver, struct change *c, bool *ret_enough, struct err *e);
/* Of which group somebody has to allow it: copied into the action. */
int engine_keep_group(const struct engine *g, struct action *a);
/* It is not enough yet: recorded, the question stands. */
int engine_record_approval(struct engine *g, struct change *c, struct err *e);
/* The action that l takes the place of is denied in this batch. */
int engine_supersede(struct engine *g, const struct live *l, struct err *e);
/* Forgets those who have looked away. */
void engine_present_over(struct live *l, int64_t now);
/* The pending action that an approver's call is about, as he saw it; else
 * answers and returns NULL. */
struct live *engine_to_answer(struct engine *g, const struct call *c);

/* ---- engine_grants.c ------------------------------------------------------ */

/* The grant that the answer asks for, not yet recorded. ERR_DENIED, ERR_INVALID
 * with a sentence; *ret NULL when the answer counts once. */
int engine_grant_prepare(struct engine *g, const struct live *l,
    const struct call *c, const char *approver, struct grant **ret,
    struct err *e);
/* Takes the grant into the batch. */
int engine_grant_record(struct engine *g, struct grant *grant, struct err *e);
/* Ends it in this batch; it matches nothing from now on. */
int engine_grant_end(struct engine *g, struct grant *grant, const char *why,
    struct change *c, struct err *e);
void engine_grant_apply(struct engine *g, struct change *c);
void engine_grant_undo(struct change *c);
/* Does a grant answer this? Then the ruling, and it is counted as used. */
bool engine_grant_rules(struct engine *g, struct live *l, struct ruling *ret);
/* What waits already and is of the kind of a new grant is answered by it. */
void engine_grants_answer(struct engine *g);
void engine_grants_expire(struct engine *g);
void engine_grants_end_session(
    struct engine *g, uid_t uid, const char *session);
/* A grant of the store, if the log says so. */
void engine_grant_load(struct engine *g, const struct open_action *o);

#endif
