#ifndef CORE_MESSAGES_H
#define CORE_MESSAGES_H
/*
 * What roles say to each other: one enum a direction, one record a message.
 * Every payload is a base/buf.h record; readers end in rec_done, so a byte
 * too many ends the sender (I6).
 *
 *     front -> engine    FE_CALL, FE_GONE, FE_TAKEN
 *     engine -> front    EF_REPLY, EF_CHUNK, EF_END
 *     role -> supervisor RS_READY, RS_PEER_ENDED, RS_PROGRAM, RS_PROGRAM_DONE,
 *                        RS_SOURCE, RS_RELOADED
 *     supervisor -> role SR_START, SR_LISTENER, SR_PEER, SR_STATUS,
 *                        SR_RELOAD, SR_CHECK, SR_STOP, SR_KEY, SR_PROGRAM,
 *                        SR_PROGRAM_ENDED, SR_SOURCE, SR_SOURCE_FAILED
 *     engine <-> supervisor ES_LAUNCH, SE_LAUNCHED, SE_LAUNCH_FAILED,
 *                        ES_PROJECT, SE_PROJECT, SE_PROJECT_FAILED,
 *                        SE_NOT_RELOADED
 *     engine <-> reviewer   ER_ASK, ER_CANCEL, RE_ANSWER, RE_STATUS
 *     engine -> reporter ER_CURSOR, ER_ROW, ER_CHECKPOINT
 *     reporter -> engine RE_OPEN, RE_FEED, RE_LAG
 */
#include "base/buf.h"
#include "model/action.h"

enum front_to_engine {
	FE_CALL = 0x101,
	FE_GONE, /* u64 call id: nobody waits for that reply any more */
	/* u64 call id, u64 bytes: its client has taken so many more of a
	 * paced body */
	FE_TAKEN,
};

enum engine_to_front {
	EF_REPLY = 0x201,
	EF_CHUNK, /* u64 call id, str: more of a streamed body */
	EF_END, /* u64 call id: the stream is complete */
};

enum role_to_supervisor {
	RS_READY = 0x301, /* confine_report */
	/* cstr role, cstr why: that peer sent what it may not (I6) */
	RS_PEER_ENDED,
	/* Reviewer: u64 ticket, u32 provider: start that one's program */
	RS_PROGRAM,
	RS_PROGRAM_DONE, /* u64 ticket: end it if it still runs */
	/* Broker: u64 ticket, u32 credential: open where its secret is */
	RS_SOURCE,
	/* u8 it is taken, cstr why not or NULL: of SR_CHECK or SR_RELOAD */
	RS_RELOADED,
	RS_PONG, /* the answer to SR_PING */
};

enum supervisor_to_role {
	SR_START = 0x401, /* config record (model/config.h), once */
	SR_LISTENER, /* u8 enum listener_kind; with the socket */
	SR_PEER, /* cstr role name; with the link to it */
	SR_STATUS, /* u8 all up, str JSON of all roles: readyz, doctor */
	SR_RELOAD, /* SIGHUP: the new config record, whole or not at all */
	SR_STOP, /* finish what is under way, then exit 0 */
	/* Reviewer: u32 provider; with what its key can be read from */
	SR_KEY,
	/* u64 ticket; with the program's standard input and output */
	SR_PROGRAM,
	SR_PROGRAM_ENDED, /* u64 ticket, u8 it ended with status 0 */
	SR_SOURCE, /* u64 ticket; with what it can be read from */
	SR_SOURCE_FAILED, /* u64 ticket, cstr why */
	SR_CHECK, /* a config record: could it be taken? Nothing changes */
	SR_PING, /* is anybody there? */
};

enum engine_supervisor {
	ES_LAUNCH = 0x501, /* u64 ticket, u32 uid, u32 gid */
	SE_LAUNCHED, /* u64 ticket; with the launcher's socket */
	SE_LAUNCH_FAILED, /* u64 ticket, cstr why */
	ES_PROJECT, /* u64 ticket, u32 uid, u32 gid, cstr workspace */
	SE_PROJECT, /* u64 ticket; with the pipe that a reader writes to */
	SE_PROJECT_FAILED, /* u64 ticket, cstr why */
	/* cstr why: SIGHUP, and the new configuration is none */
	SE_NOT_RELOADED,
	/* u32 uid, u32 gid: that launcher does not answer; it is killed */
	ES_END_LAUNCHER,
};

enum engine_to_reporter {
	/* u32 feed, u64 seq: that destination has the rows up to here */
	ER_CURSOR = 0x601,
	/* u32 feeds, a bit each; u64 seq, str JSON: a row of the log */
	ER_ROW,
	/* u64 rows, str JSON: the log had so many rows and is signed up to
	 * there; for every destination that has them */
	ER_CHECKPOINT,
};

enum reporter_to_engine {
	/* u32 feed, cstr name of its destination: answered by ER_CURSOR */
	RE_OPEN = 0x701,
	/* u32 feed, u64 seq, u32 count: at most so many rows after seq, as
	 * they become durable. Replaces what was asked for before. */
	RE_FEED,
	/* u32 feed, u64 seq, u64 refused, u64 failures, u64 attested, cstr
	 * why or NULL: how far its destination has come, rows that it will
	 * never take, failed attempts since the last success with the latest
	 * reason, rows of the newest checkpoint that it has. */
	RE_LAG,
};

#define FEEDS_MAX 8
#define FEED_ROWS_MAX 1024 /* in one RE_FEED */
#define DESTINATION_NAME_MAX 32

enum engine_to_reviewer {
	ER_ASK = 0x601, /* struct review_question */
	ER_CANCEL, /* cstr action id: an answer would come too late */
};

enum reviewer_to_engine {
	RE_ANSWER = 0x701, /* struct review_answer */
	RE_STATUS, /* str JSON: the providers and their state */
};

#define REVIEW_RATIONALE_MAX 600
#define REVIEW_IN_FLIGHT_MAX 64
#define REVIEW_STATUS_BYTES_MAX ((size_t)16 << 10)

/* What the reviewer is asked. Text is borrowed. */
struct review_question {
	char *action_id;
	uint8_t sha256[SHA256_LEN];
	enum risk least_risk;
	char *session; /* or NULL */
	bool again; /* a person wants this one looked at once more */
	struct str evidence; /* one line of ASCII JSON */
};

/* outcome REVIEW_INVALID: it failed, and cause says how. */
struct review_answer {
	char *action_id;
	uint8_t sha256[SHA256_LEN];
	enum review_outcome outcome;
	enum risk risk;
	char *rationale, *model, *provider; /* or NULL */
	char *cause; /* one word; NULL for approve and deny */
	int64_t latency_ms;
	int64_t input_tokens, cached_tokens, output_tokens; /* -1: unknown */
	uint32_t attempts;
	bool cached; /* the answer to the same question, given before */
};

enum listener_kind {
	LISTENER_INVALID,
	LISTENER_AGENT, /* unix */
	LISTENER_APPROVER, /* unix */
	LISTENER_TCP, /* bearer token */
};

/* Who may call what (contract.md, HTTP). A caller has exactly one. */
enum caller_role {
	CALLER_INVALID,
	CALLER_AGENT,
	CALLER_APPROVER,
	CALLER_AUDITOR,
	CALLER_ADMIN,
};

enum api_route {
	ROUTE_INVALID,
	ROUTE_PROPOSE, /* POST /v1/actions */
	ROUTE_GET, /* GET /v1/actions/{id} */
	ROUTE_LIST, /* GET /v1/actions */
	ROUTE_CANCEL, /* DELETE /v1/actions/{id} */
	ROUTE_DECIDE, /* PUT /v1/actions/{id}/decision */
	ROUTE_UNDO, /* DELETE /v1/actions/{id}/decision */
	ROUTE_EXPLAIN, /* GET /v1/actions/{id}/explain */
	ROUTE_EXECUTE, /* POST /v1/actions/{id}/execution */
	ROUTE_OUTPUT, /* GET /v1/actions/{id}/output */
	ROUTE_SIGNAL, /* POST /v1/actions/{id}/signal */
	ROUTE_EVALUATE, /* POST /v1/evaluate */
	ROUTE_EVENTS, /* GET /v1/events */
	ROUTE_LOG, /* GET /v1/log */
	ROUTE_VERIFY, /* POST /v1/log/verify */
	ROUTE_RULES, /* GET /v1/rules */
	ROUTE_RELOAD, /* POST /v1/rules/reload */
	ROUTE_GRANTS, /* GET /v1/grants */
	ROUTE_REVOKE, /* DELETE /v1/grants/{id} */
	ROUTE_OUTCOME, /* POST /v1/actions/{id}/outcome */
	ROUTE_SESSION_EVENT, /* POST /v1/sessions/{id}/events */
	ROUTE_METRICS, /* GET /metrics */
	ROUTE_HEALTH, /* GET /healthz */
	ROUTE_READY, /* GET /readyz */
	ROUTE_VERSION, /* GET /v1/version */
	ROUTE_GRANT_PREVIEW, /* GET /v1/actions/{id}/grant */
	ROUTE_RULE_DRAFT, /* GET /v1/actions/{id}/rule */
	ROUTE_ESCALATE, /* POST /v1/actions/{id}/escalate */
	ROUTE_REVISE, /* POST /v1/actions/{id}/revision */
	ROUTE_PRESENT, /* PUT /v1/actions/{id}/presence */
	ROUTE_CHANGES, /* POST /v1/actions/{id}/changes */
	ROUTE_RULES_PREVIEW, /* POST /v1/rules/preview */
	ROUTE_REQUIREMENTS, /* GET /v1/requirements */
	ROUTE_CREDENTIALS, /* GET /v1/credentials */
	ROUTE_CHECKPOINT, /* GET /v1/log/checkpoint */
	ROUTE_REFUSED, /* front refused a caller: recorded, not answered */
};

/* One HTTP request after front has parsed and validated it. */
struct call {
	uint64_t id; /* front's; unique on the link */
	enum api_route route;
	enum caller_role role;
	uid_t uid;
	gid_t gid;
	pid_t pid; /* 0 over TCP */
	char *target; /* {id} of the path, or NULL */
	char *idempotency_key, *if_match, *if_none_match, *traceparent;
	int64_t wait_ms; /* Prefer: wait; -1 when not stated */
	bool stream; /* Accept: text/event-stream */
	uint64_t last_event_id;
	/* ROUTE_PROPOSE, ROUTE_EVALUATE, ROUTE_REVISE: the canonical record. */
	struct str action_record;
	/* ROUTE_DECIDE, ROUTE_EXECUTE, ROUTE_SIGNAL, ROUTE_LIST, ROUTE_LOG,
	 * ROUTE_SESSION_EVENT, ROUTE_OUTCOME: fields by name (validated names,
	 * each once). */
	struct env_var *fields;
	size_t field_count;
};

#define CALL_FIELDS_MAX 32

void review_question_encode(const struct review_question *q, struct buf *out);
int review_question_decode(struct str record, struct arena *a,
    struct review_question *ret, struct err *e);
void review_answer_encode(const struct review_answer *r, struct buf *out);
int review_answer_decode(struct str record, struct arena *a,
    struct review_answer *ret, struct err *e);

void call_encode(const struct call *c, struct buf *out);
/* action_record borrows from record; the rest is in the arena. */
int call_decode(
    struct str record, struct arena *a, struct call *ret, struct err *e);
/* The value of a field, or NULL. */
const char *call_field(const struct call *c, const char *name);

enum body_type {
	BODY_JSON,
	BODY_PROBLEM, /* application/problem+json */
	BODY_EVENTS, /* text/event-stream; chunks follow */
	BODY_PROMETHEUS, /* text/plain; version=0.0.4 */
	BODY_TEXT,
	BODY_JSONL, /* application/jsonl; chunks follow when streamed */
};

struct reply {
	uint64_t id;
	unsigned status;
	enum body_type type;
	bool chunks; /* EF_CHUNK follow until EF_END */
	bool paced; /* FE_TAKEN says how much of them was taken */
	char *etag, *location;
	uint32_t retry_after_s; /* 0: none */
	struct str body;
};

void reply_encode(const struct reply *r, struct buf *out);
int reply_decode(
    struct str record, struct arena *a, struct reply *ret, struct err *e);

/*
 * RFC 9457. code is our stable word, detail says what to change; both are
 * escaped. extra, when not NULL, is JSON members ("\"errors\":[...]").
 */
void problem_json(struct buf *out, unsigned status, const char *code,
    const char *detail, const char *extra);

#endif
