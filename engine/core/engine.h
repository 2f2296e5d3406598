#ifndef CORE_ENGINE_H
#define CORE_ENGINE_H
/*
 * The pipeline: propose, classify, ask, record, execute, report.
 *
 *     r = engine_new(&options, &g, e);
 *     r = engine_recover(g, e);           what a restart must find again
 *     engine_call(g, &call);              for each request of a batch
 *     engine_commit(g);                   one commit for the batch; then the
 *                                         replies leave and runs start
 *     engine_tick(g);                     deadlines, a few times a second
 *
 * No reply that tells of a decision leaves, and nothing runs, before the
 * commit that holds its row has returned (I1). Single-threaded; no I/O of
 * its own: everything goes through the ports and engine_out.
 */
#include "core/broker_messages.h"
#include "core/messages.h"
#include "core/ports.h"
#include "model/config.h"
#include "ruling.h"

struct engine;
struct config;

#define BOOT_ID_MAX 40

/* Where the pipeline's words go. */
struct engine_out {
	void *ctx;
	void (*reply)(void *ctx, const struct reply *r);
	void (*chunk)(void *ctx, uint64_t call_id, struct str bytes);
	void (*end)(void *ctx, uint64_t call_id);
	/* Asks the supervisor for a launcher under this identity. */
	void (*launch)(void *ctx, uint64_t ticket, uid_t uid, gid_t gid);
	/* Asks it to kill the one that it started; may be NULL. */
	void (*end_launcher)(void *ctx, uid_t uid, gid_t gid);
	/* Sends to the reviewer; failure means that a person is asked. */
	int (*review)(
	    void *ctx, const struct review_question *q, struct err *e);
	void (*cancel_review)(void *ctx, const char *action_id);
	/* A row for feeds of the reporter, a bit each; false: not now, it
	 * comes again. */
	bool (*row)(void *ctx, uint32_t feeds, uint64_t seq, struct str json);
	/* The same for a checkpoint of so many rows. May be NULL. */
	bool (*checkpoint)(void *ctx, uint64_t rows, struct str json);
	/* Rules came into force: kept for a rollback. May be NULL. */
	void (*loaded)(void *ctx, const uint8_t digest[static SHA256_LEN],
	    struct str archive);
	/* Asks the supervisor for a reader of a repository's rules under this
	 * identity. NULL: repositories have none. */
	int (*project)(void *ctx, uint64_t ticket, uid_t uid, gid_t gid,
	    const char *workspace, struct err *e);
	/* Asks the broker for a run's link, and answers it about a use. NULL:
	 * there is none. */
	int (*broker_run)(void *ctx, const struct broker_run *r, struct err *e);
	void (*broker_verdict)(void *ctx, uint64_t use, bool allowed);
};

/* What the reporter says of a place to which the log is sent. */
struct destination_lag {
	uint64_t seq; /* it has the rows up to here */
	uint64_t refused; /* rows that it will never take */
	uint64_t failures; /* in a row */
	uint64_t attested; /* rows of the newest checkpoint that it has */
	const char *why; /* of the last failure, or NULL */
};

/* What the pipeline takes from the machine; injected in tests. */
struct engine_env {
	int64_t (*boot_ns)(void);
	int64_t (*real_ns)(void);
	int (*random)(void *bytes, size_t len);
	int (*home)(uid_t uid, struct arena *a, char **ret, struct err *e);
	int (*check_place)(struct action *a, struct err *e);
	/* ERR_DENIED: pid is who proposed, or was started by it. NULL: not
	 * looked at. */
	int (*answers_itself)(
	    pid_t pid, const struct proposer *of, struct err *e);
	/* Is uid in that group of this machine? ERR_NOTFOUND: there is none of
	 * that name. NULL: nobody can tell. */
	int (*in_group)(uid_t uid, const char *group, bool *ret, struct err *e);
	/* Finds out who proposes: the agent behind a hook, when it began. */
	void (*meet)(struct proposer *p);
	const char *boot_id; /* of this boot; NULL: not known */
};

/* What may change while the daemon runs. */
struct engine_settings {
	enum log_payloads payloads; /* invalid: masked */
	struct ruling_policy policy;
	unsigned contained_clients; /* see config_contains */
	int64_t ask_timeout_ms;
	int64_t retention_ms; /* of bodies in the log; 0: for ever */
	unsigned destinations; /* that the log is sent to */
	int64_t review_timeout_ms;
	bool shadow; /* the reviewer is asked, a person decides */
	unsigned review_parallel, review_queue; /* 0: as many as there are */
	int64_t review_session_tokens; /* 0: no limit */
	bool full_access; /* danger-full-access is permitted */
	enum elevated_mode elevated;
	bool elevated_set_up, elevated_ready;
	const char *elevated_why_not; /* of the configuration, or NULL */
	unsigned may_cover; /* see classifier_options */
	/* The administrator's; of the configuration, or NULL. */
	const struct config_ceiling *ceiling;
	const struct config_credential *credentials; /* as well */
	size_t credential_count;
	const char *passphrases; /* of people; of the configuration, or NULL */
};

struct engine_options {
	const struct classifier_port *classifier_port;
	struct classifier_options classifier_options;
	struct classifier *classifier; /* taken */
	const struct recorder_port *recorder_port;
	struct recorder *recorder; /* borrowed */
	const struct executor_port *executor_port; /* NULL: runs nothing */
	struct executor *executor; /* borrowed */
	const struct reviewer_port *reviewer_port; /* NULL: asks nobody */
	struct engine_out out;
	struct engine_env env;
	struct engine_settings set;
	const char *const *own_dirs; /* real paths: no workspace is there */
	size_t own_dir_count;
};

int engine_new(
    const struct engine_options *o, struct engine **ret, struct err *e);
void engine_free(struct engine *g);
/* The executor needs the engine for its events, so it comes after it. */
void engine_set_executor(struct engine *g, struct executor *x);
/* After a start: pending stay pending (judged again by today's rules),
 * running become unknown and are never run again. */
int engine_recover(struct engine *g, struct err *e);
void engine_call(struct engine *g, const struct call *c);
/* The client behind a call has gone. */
void engine_gone(struct engine *g, uint64_t call_id);
/* It has taken so many bytes more of a paced body. */
void engine_taken(struct engine *g, uint64_t call_id, uint64_t bytes);
/* Every client has gone (the link to front broke). */
void engine_all_gone(struct engine *g);
void engine_commit(struct engine *g);
void engine_tick(struct engine *g);
/* More for readers of events who are behind; true: call it again soon. */
bool engine_events_catch_up(struct engine *g);
/* fd is taken. */
void engine_launched(struct engine *g, uint64_t ticket, int fd);
void engine_launch_failed(struct engine *g, uint64_t ticket, const char *why);
/* What the reader for the ticket read: a record of model/project.h. */
void engine_project_read(struct engine *g, uint64_t ticket, struct str record);
void engine_reviewed(struct engine *g, const struct review_answer *r);
/* There is a link to the reviewer. */
void engine_reviewer_came(struct engine *g);
/* The link to the reviewer broke: what it had goes to a person. */
void engine_reviewer_gone(struct engine *g);
/* The broker's answers, fd is taken; and what a run would use. */
void engine_broker_link(struct engine *g, uint64_t ticket, int fd);
void engine_broker_refused(struct engine *g, uint64_t ticket, const char *why);
void engine_broker_use(struct engine *g, const struct broker_use *u);
/* The link to the broker broke: runs that wait for it fail. */
void engine_broker_gone(struct engine *g);
/* A feed is for that destination; *ret_seq: it has the rows up to there. */
int engine_feed_open(struct engine *g, uint32_t feed, const char *name,
    uint64_t *ret_seq, struct err *e);
/* The reporter wants at most count rows after seq. */
int engine_feed(struct engine *g, uint32_t feed, uint64_t seq, uint32_t count,
    struct err *e);
/* The link to the reporter broke: it asks anew when it is back. */
void engine_reporter_gone(struct engine *g);
/* How far the destination of a feed has come; text is copied. */
int engine_lag(struct engine *g, uint32_t feed,
    const struct destination_lag *lag, struct err *e);
/* Makes durable how far they have come; engine_tick does so, too. */
void engine_feeds_save(struct engine *g);
/* Destinations of before are none any more: those of now open their feeds. */
void engine_feeds_forget(struct engine *g);
/* The last words: what is durable is signed and on its way. False: a
 * destination that takes rows does not have all of it yet; call it again. */
bool engine_farewell(struct engine *g);
/* Says each new checkpoint where the log's owner cannot take it back. */
void engine_checkpoint_tick(struct engine *g);
/* How the providers are, in the reviewer's own words; ERR_INVALID when that
 * is no JSON object. */
int engine_set_reviewer(struct engine *g, struct str json, struct err *e);
/* JSON of all roles and what is enforced in each, for readyz and doctor. */
void engine_set_roles(struct engine *g, struct str json, bool all_up);
/* Tells engine_out.loaded of the rules in force. */
void engine_keep_rules(struct engine *g);
/* The rules were to change and could not: said in the log and by readyz,
 * until rules load. d may be NULL. */
void engine_rules_stay(
    struct engine *g, const struct diags *d, const char *why);
/* A configuration that was refused: the one of before holds, and a row says
 * so. */
void engine_settings_stay(struct engine *g, const char *why);
/* What the state of rules says now: archive, off, candidate of o. Borrowed
 * until the next time. */
void engine_set_rule_state(
    struct engine *g, const struct classifier_options *o);
/* Loads the rules again; keeps the old set on any error. Diagnostics as
 * JSON in *ret_json (may be NULL). */
int engine_reload(struct engine *g, struct buf *ret_json, struct err *e);
/* The same under other settings; keeps the old ones, too, on any error. */
int engine_reload_settings(
    struct engine *g, const struct engine_settings *s, struct err *e);
/* What the configuration says. */
struct engine_settings engine_settings_of(const struct config *c);
/* Which boot it is, for grants that outlive this process; "": not known. */
void engine_read_boot_id(char ret[static BOOT_ID_MAX]);
/* The executor's events; ctx is the engine. */
extern const struct executor_events engine_executor_events;

#endif
