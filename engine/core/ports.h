#ifndef CORE_PORTS_H
#define CORE_PORTS_H
/*
 * The five things the pipeline needs from others, each an interface with one
 * production instance (named below) and fakes in tests.
 *
 * The pipeline does no I/O of its own. A port never calls back into the
 * pipeline except through the callback it was given.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/err.h"
#include "base/loop.h"
#include "model/action.h"

/* ---- classifier: rules/ ------------------------------------------------ */

struct classifier;

struct rule_dir {
	const char *path;
	enum rule_layer {
		LAYER_PACK,
		LAYER_REQUIREMENTS,
		LAYER_ORGANISATION,
		LAYER_PROJECT,
		LAYER_USER,
	} layer;
	bool optional; /* a default place: it may not be there yet */
};

struct classifier_options {
	const struct rule_dir *dirs;
	size_t dir_count;
	bool no_packs;
	const char *data_dir; /* packs and programs; NULL: as built in */
	enum approval_policy policy;
	bool reviewer; /* a provider is configured and allowed to answer */
	bool check_owner; /* refuse files that others may write */
	/* Layers whose rules may cover, a bit each, besides what the files of
	 * rules say; 0: all that may. */
	unsigned may_cover;
	/* What the port archived of a set of before: instead of dirs. */
	struct str archive;
	/* Ids of rules that do not apply; floors that are shipped do. */
	const char *const *off;
	size_t off_count;
	const char *candidate; /* a folder that is only tried, or NULL */
	/*
	 * What would be if these rules were the organisation's: a file's text
	 * or a folder. They stand in for those of archive, or beside them.
	 */
	struct str trial_text;
	const char *trial_dir; /* or NULL */
	bool trial_adds;
};

struct classifier_port {
	/*
	 * A repository's own rules, from the record that model/project.h
	 * makes of its files; a->project. They only tighten. What is broken
	 * or could not be read becomes rules that ask, and say why; so this
	 * fails only for lack of memory. May be NULL: there are none.
	 */
	int (*project_open)(
	    struct str record, struct project_rules **ret, struct err *e);
	void (*project_close)(struct project_rules *p);
	/* All findings go to d; no partial load. */
	int (*open)(const struct classifier_options *o, struct diags *d,
	    struct classifier **ret, struct err *e);
	void (*close)(struct classifier *c);
	/* Pure: reads a->proposal and a->proposer; text into the arena.
	 * Fails only for lack of memory; doubt is a decision. */
	int (*classify)(struct classifier *c, const struct action *a,
	    struct arena *arena, struct classification *ret, struct err *e);
	void (*digest)(
	    const struct classifier *c, uint8_t ret[static SHA256_LEN]);
	/*
	 * What the log keeps of a call, beside its text, so that it can be
	 * judged again: the tool's input as JSON, secrets masked. Nothing for
	 * a script, whose text says it all, and for what is too long. May be
	 * NULL.
	 */
	void (*input)(
	    const struct action *a, struct arena *arena, struct buf *out);
	/* The files of the set, packs aside, for classifier_options.archive.
	 * May be NULL, and metrics as well. */
	struct str (*archive)(const struct classifier *c);
	/* Prometheus' lines about what is only tried. */
	void (*metrics)(const struct classifier *c, struct buf *out);
	/* A rule file that allows the kind of a classified action. ERR_DENIED:
	 * why there is none. May be NULL. */
	int (*suggest)(const struct action *a, struct buf *out, struct err *e);
	/* The active set as JSON: files, rules, digest. */
	void (*describe)(const struct classifier *c, struct buf *out);
	/* Text as the log keeps it: secrets masked. May be NULL: then none of
	 * it is kept. */
	struct str (*mask)(struct arena *a, struct str text);
	/* Each value in text that is masked. May be NULL. */
	void (*secrets)(struct str text,
	    void (*fn)(void *ctx, struct str value), void *ctx);
};

extern const struct classifier_port rules_classifier;

/* ---- reviewer: reviewer/ ----------------------------------------------- */

/* What the engine itself says about a review; the question is answered by
 * the reviewer's own process (messages.h, ER_ASK). Pure functions. */
struct reviewer_port {
	/* One line of ASCII JSON for the model. ERR_LIMIT: does not fit, a
	 * person has to look. */
	int (*evidence)(const struct action *a, struct buf *out, struct err *e);
	/* What code noticed: no answer of a model can be below it. */
	enum risk (*least_risk)(const struct action *a);
	/* Why a person has to look whatever a model would say, or NULL. */
	const char *(*for_person)(const struct action *a);
};

extern const struct reviewer_port llm_reviewer;

/* ---- recorder: db/ ----------------------------------------------------- */

struct recorder;

enum row_kind {
	ROW_INVALID,
	ROW_BOOT, /* what is enforced, version, policy */
	ROW_PROPOSED, /* only for actions that wait */
	ROW_DECIDED, /* proposal, classification and ruling */
	ROW_INTENT, /* a run is about to start */
	ROW_OUTCOME, /* a run ended */
	ROW_UNKNOWN, /* a run whose end nobody saw */
	ROW_CANCELLED,
	ROW_EXPIRED,
	ROW_UNDONE, /* an approval was taken back */
	ROW_GRANT,
	ROW_REVOKED,
	ROW_RELOAD,
	ROW_AUTH, /* a refused caller */
	ROW_EVALUATED, /* somebody asked "what if" */
	ROW_EVENT, /* prompts and tool results that clients report */
	ROW_NETWORK,
	ROW_DEGRADED,
	ROW_REVIEWED, /* a reviewer did not decide: why */
	ROW_PRUNED, /* bodies that were exported are dropped up to a row */
	ROW_APPROVED, /* one of several approvals that it needs */
	ROW_ESCALATED, /* raised to another person or group */
	ROW_REVISED, /* an edited action took its place */
	ROW_CREDENTIAL, /* a run uses one; never the value */
};

const char *row_kind_name(enum row_kind k);

/* What is stored for one event. All borrowed for the call. */
struct row {
	enum row_kind kind;
	const char *action_id; /* or NULL */
	const char *session; /* or NULL */
	uid_t uid;
	enum tool tool;
	enum decision decision;
	enum decided_by by;
	const char *rule_id; /* or NULL */
	int64_t time_real_ns;
	struct str body; /* JSON: the facts of the event */
	const uint8_t *action_sha256; /* or NULL */
	const uint8_t *policy_sha256; /* or NULL */
};

/* An action that a restart must find again (not part of the chain). */
struct open_action {
	const char *id;
	enum stage stage;
	struct str record; /* canonical; empty: keep what is stored */
	const char *idempotency_key; /* or NULL */
	uid_t uid;
	int64_t deadline_real_ns; /* 0: none */
	struct str state; /* the core's own notes, opaque to db/ */
};

/*
 * Proof that a row is durable. Only db/ can make one (the type is complete
 * there alone), and only after its commit returned. The executor demands one
 * of kind ROW_INTENT for the very action and hash that it starts (I1).
 */
struct receipt;
const char *receipt_action_id(const struct receipt *r);
const uint8_t *receipt_action_sha256(const struct receipt *r);
enum row_kind receipt_kind(const struct receipt *r);
uint64_t receipt_seq(const struct receipt *r);
void receipt_free(struct receipt *r);
void receipt_freep(struct receipt **r);

typedef int open_action_fn(
    void *ctx, const struct open_action *a, struct err *e);
/* json: the row as it is exported. Non-zero stops. */
typedef int log_row_fn(void *ctx, uint64_t seq, struct str json, struct err *e);

struct log_filter {
	uint64_t from_seq;
	uint32_t limit;
	const char *action_id, *session; /* or NULL */
};

struct recorder_port {
	int (*open)(
	    const char *state_dir, struct recorder **ret, struct err *e);
	void (*close)(struct recorder *r);
	/*
	 * Adds a row to the open transaction; gives its seq and hash, which
	 * mean nothing before commit. ret_receipt may be NULL; the receipt is
	 * the caller's to free, and says nothing (kind ROW_INVALID) until
	 * commit has returned 0. It may be freed before.
	 */
	int (*append)(struct recorder *r, const struct row *row,
	    uint64_t *ret_seq, uint8_t ret_hash[static SHA256_LEN],
	    struct receipt **ret_receipt, struct err *e);
	/* Insert or update, in the same transaction. */
	int (*put_open)(
	    struct recorder *r, const struct open_action *a, struct err *e);
	/*
	 * Durable when it returns 0. On failure everything since the last
	 * commit is undone, no receipt is valid, and the recorder is
	 * degraded until a later commit works.
	 */
	int (*commit)(struct recorder *r, struct err *e);
	/* Nothing may be allowed while this is false. */
	bool (*healthy)(struct recorder *r, struct err *ret_why);
	/* Tries to work again (full disk, read-only store): 0 when it does. */
	int (*recover)(struct recorder *r, struct err *e);
	/* Pending, running, and decided with a deadline; oldest first. */
	int (*each_open)(
	    struct recorder *r, open_action_fn *fn, void *ctx, struct err *e);
	/* ERR_NOTFOUND: no action of that uid has the key. */
	int (*find_idempotent)(struct recorder *r, uid_t uid, const char *key,
	    struct buf *ret_action_id, struct err *e);
	/* The last open_action stored under an id: record and state. Those
	 * that ended are kept for a while; then ERR_NOTFOUND. */
	int (*get_open)(struct recorder *r, const char *id, open_action_fn *fn,
	    void *ctx, struct err *e);
	int (*list)(struct recorder *r, const struct log_filter *f,
	    log_row_fn *fn, void *ctx, struct err *e);
	/* Whole chain; ret_seq: how far it is good. */
	int (*verify)(struct recorder *r, uint64_t *ret_seq, struct err *e);
	void (*head)(struct recorder *r, uint64_t *ret_seq,
	    uint8_t ret_hash[static SHA256_LEN]);
	/* How far a destination of exports has the log (0: nothing yet), as
	 * retention respects it. Both may be NULL. */
	int (*cursor_get)(
	    struct recorder *r, const char *name, uint64_t *ret, struct err *e);
	int (*cursor_put)(
	    struct recorder *r, const char *name, uint64_t seq, struct err *e);
	/* Something small that is of use after a restart, beside the chain, in
	 * the open transaction; and as it is durable, ERR_NOTFOUND. Both may
	 * be NULL. */
	int (*memo_put)(struct recorder *r, const char *key, struct str value,
	    struct err *e);
	int (*memo_get)(struct recorder *r, const char *key, struct buf *ret,
	    struct err *e);
	/* The key of this store with which masked values are hashed, so that
	 * whoever knows a secret can look for it. May be NULL. */
	int (*mask_key)(
	    struct recorder *r, uint8_t ret[static SHA256_LEN], struct err *e);
	/*
	 * The newest signed checkpoint: how many rows it attests (0: there is
	 * none), and the note, which is good until the next call of a port.
	 * May be NULL.
	 */
	uint64_t (*checkpoint)(struct recorder *r, struct str *ret_note);
	/* Signs what is durable now, not when it is due: at the end. May be
	 * NULL. */
	void (*seal)(struct recorder *r);
	/*
	 * Retention: drops some of the bodies that are older than that, that
	 * every cursor beside those of the daemon's destinations has, and
	 * whose rows are not above exported, which those destinations have
	 * (UINT64_MAX: there are none). The rows and all hashes stay.
	 * ERR_NOTFOUND: nothing was ever exported.
	 * May be NULL.
	 */
	int (*retain)(struct recorder *r, int64_t before_real_ns,
	    uint64_t exported, uint64_t *ret_dropped, struct err *e);
	/*
	 * Housekeeping while nobody waits, about once a second: signs what
	 * is not signed yet, copies the write-ahead log back. May be NULL.
	 */
	void (*idle)(struct recorder *r);
};

extern const struct recorder_port db_recorder;

/* ---- history: db/, for the command line -------------------------------- */

/* Something that was decided, or waits to be. Borrowed for the call. */
struct history_row {
	uint64_t seq;
	int64_t time_real_ns;
	uid_t uid;
	struct str session, tool, decision, by;
	const uint8_t *body_sha256;
	struct str body; /* JSON; empty when it was dropped by retention */
};

/* Non-zero stops. */
typedef int history_fn(void *ctx, const struct history_row *h, struct err *e);

struct history_query {
	const char *state_dir; /* NULL: the default */
	const char *since, *until; /* as a person writes them, or NULL */
	bool answers; /* only what a person decided */
};

struct history_port {
	/* Each action once: its decision, or, while there is none, its
	 * question. Every row was checked against its hash. */
	int (*each)(const struct history_query *q, history_fn *fn, void *ctx,
	    struct err *e);
};

extern const struct history_port db_history;

/* ---- executor: sandbox/ ------------------------------------------------ */

struct config;
struct executor;

/* A plan as bytes: printed, hashed, approved, sent to assent-exec. */
struct plan_ref {
	struct str record;
	uint8_t sha256[SHA256_LEN];
	const char *text; /* JSON for people and --print-plan */
	/* The profile under which it may use credentials: the broker comes
	 * first. NULL: it uses none. */
	const char *credentials;
	bool values; /* it is handed some of them itself */
	const char *network; /* one sentence, or NULL */
	uint64_t output_bytes; /* of each stream that are kept; 0: default */
	/* As an account of its own, by root's launcher; else as the proposer,
	 * and why that is so though it is not preferred, or NULL. */
	bool elevated;
	uid_t account;
	const char *why_not;
};

/* What a run on a copy of its workspace has changed, and what becomes of it. */
#define CHANGES_PATHS_MAX 1000
enum changes_what {
	CHANGES_INVALID,
	CHANGES_LIST, /* nothing yet */
	CHANGES_ALL,
	CHANGES_NONE,
	CHANGES_SOME, /* paths */
};

struct changes_request {
	const char *action_id;
	uint64_t ticket; /* comes back with the answer */
	enum changes_what what;
	const char *const *paths;
	size_t path_count;
};

struct changes_answer {
	enum err_code code;
	const char *failure; /* NULL: it worked */
	uint64_t applied;
	struct str json; /* an array */
};

/* A running program wants to connect where nobody has decided yet. */
struct net_question {
	uint64_t ticket; /* comes back with the answer */
	const char *host; /* a name in punycode, or an address */
	uint16_t port;
	const char *protocol;
	/* A credential would be used: a person answers. Else NULL. */
	const struct broker_use *use;
};

/* What became of one connection or request of a run. */
struct net_fact {
	bool allow;
	const char *host; /* NULL: none could be read */
	uint16_t port;
	const char *address; /* that was connected to, or NULL */
	const char *protocol;
	uint64_t bytes_up, bytes_down;
	int64_t ms;
	const char *method; /* of a plain request, or NULL */
	const char *by; /* a rule, a grant, a person; or NULL */
	const char *reason; /* or NULL */
};

struct executor_events {
	void (*started)(void *ctx, const char *action_id);
	void (*output)(
	    void *ctx, const char *action_id, int stream, struct str bytes);
	/* Exactly once for each look that returned 0. why: it failed. */
	void (*looked)(void *ctx, const char *action_id,
	    const struct operand *list, size_t count, const char *why);
	/* Exactly once for each request for changes that returned 0. */
	void (*changed)(
	    void *ctx, uint64_t ticket, const struct changes_answer *a);
	/* Of a run; answered by the port's net_answer. Both may be NULL: then
	 * every answer is no. */
	void (*net_asked)(
	    void *ctx, const char *action_id, const struct net_question *q);
	void (*net_happened)(
	    void *ctx, const char *action_id, const struct net_fact *f);
	/* The launcher of this identity does not answer: it has to be killed.
	 * Before its runs are told to have ended; may be NULL. */
	void (*silent)(void *ctx, uid_t uid, gid_t gid);
	/* Exactly once for each start that returned 0. */
	void (*ended)(
	    void *ctx, const char *action_id, const struct outcome *o);
};

struct executor_port {
	int (*open)(struct loop *l, const struct executor_events *ev, void *ctx,
	    struct executor **ret, struct err *e);
	void (*close)(struct executor *x);
	/* Would configure take this? For the supervisor, before any role is
	 * told, and for assentd --check. May be NULL. */
	int (*check)(const struct config *c, struct err *e);
	/* Takes the profiles of a configuration, which may go away then; the
	 * old ones stay on errors. May be NULL. */
	int (*configure)(
	    struct executor *x, const struct config *c, struct err *e);
	/*
	 * Whether an action may ask for the profile that it names (none: the
	 * default). ERR_INVALID: there is none; ERR_DENIED: above the ceiling.
	 * *ret_wider: it permits something that the default does not, or has
	 * a credential that the default has not.
	 * May be NULL: then the pipeline knows the built-in ones.
	 */
	int (*profile)(struct executor *x, const struct action *a,
	    bool *ret_wider, struct err *e);
	/* Pure. Fails where the profile cannot be enforced here. */
	int (*plan)(struct executor *x, const struct action *a,
	    struct arena *arena, struct plan_ref *ret, struct err *e);
	/*
	 * Launchers are processes that the supervisor starts under an
	 * identity; the executor keeps them. When has_launcher says no, the
	 * engine asks the supervisor and gives the socket (taken) to
	 * add_launcher, then starts. A launcher that dies is forgotten (its
	 * runs end with a failure) and has_launcher says no again.
	 */
	bool (*has_launcher)(struct executor *x, uid_t uid, gid_t gid);
	int (*add_launcher)(
	    struct executor *x, uid_t uid, gid_t gid, int fd, struct err *e);
	/*
	 * Runs the plan under the proposer's identity. The receipt must be
	 * of kind ROW_INTENT for this action and hash (I1, I4).
	 */
	int (*start)(struct executor *x, const struct action *a,
	    const struct plan_ref *plan, const struct receipt *receipt,
	    struct err *e);
	/*
	 * Looks at the named files with the proposer's eyes: what they hold
	 * now. Needs a launcher. May be NULL: then nothing is pinned.
	 */
	int (*look)(struct executor *x, const struct action *a,
	    const struct operand *list, size_t count, struct err *e);
	/* Of an action whose run worked on a copy and has ended. ERR_NOTFOUND:
	 * there is no copy (any more). May be NULL. */
	int (*changes)(
	    struct executor *x, const struct changes_request *q, struct err *e);
	/* The run's link to the broker, before start; fd is taken. NULL: no
	 * run has credentials. */
	int (*give_broker)(
	    struct executor *x, const struct action *a, int fd, struct err *e);
	/* Only after the decision is durable (I1). who: for the record, when
	 * such a connection ends. May be NULL. */
	int (*net_answer)(struct executor *x, const char *action_id,
	    uint64_t ticket, bool allow, const char *who, struct err *e);
	/* So many bytes of a run's output need not be kept any more: it waits
	 * while RUN_WINDOW_BYTES are under way. May be NULL. */
	void (*taken)(
	    struct executor *x, const char *action_id, uint64_t bytes);
	int (*send_stdin)(struct executor *x, const char *action_id,
	    struct str text, struct err *e);
	int (*kill)(struct executor *x, const char *action_id, int signo,
	    struct err *e);
	/* The size of the terminal of a run that has one. May be NULL. */
	int (*resize)(struct executor *x, const char *action_id, uint16_t rows,
	    uint16_t columns, struct err *e);
};

extern const struct executor_port sandbox_executor;

/* ---- reporter: engine/otlp --------------------------------------------- */

struct reporter;

struct reporter_port {
	void (*row)(struct reporter *r, uint64_t seq, struct str json);
};

#endif
