#ifndef HOOKS_HOOKS_H
#define HOOKS_HOOKS_H
/*
 * Hooks of agents' clients: their JSON in, an action out; our decision in,
 * their JSON out. Pure: nothing here reads a file or asks a daemon.
 *
 *     r = hook_new(STR("claude-code"), &options, &h, e);
 *     r = hook_take(h, bytes, e);
 *     switch (hook_event(h)) case HOOK_CALL: r = hook_action(h, &json, e);
 *     r = hook_ruling_read(reply, NULL, &ruling, e);    what the daemon said
 *     hook_answer(h, &ruling, &out);                    whatever went wrong
 *
 * hook_answer works after every failure: a zeroed ruling is a no, said in the
 * client's own words.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "model/action.h"

#define HOOK_KEY_MAX 72
#define HOOK_MESSAGE_MAX 2048
#define HOOK_ASKS_MAX 1024
#define HOOK_OUTPUT_MAX ((size_t)8 << 20)
#define HOOK_REPORT_TEXT_MAX ((size_t)32 << 10)

enum hook_mode {
	HOOK_ENFORCE, /* assent decides; its allow skips the client's prompt */
	HOOK_ADVISE, /* assent may only say no; the client asks as ever */
};

enum hook_event {
	HOOK_UNKNOWN, /* not read, or not a contract that we know */
	HOOK_CALL, /* a tool call that waits for us */
	HOOK_PERMISSION, /* a prompt of the client's that we may answer */
	HOOK_RESULT, /* what a call gave */
	HOOK_PROMPT,
	HOOK_SESSION_START,
	HOOK_SESSION_END,
	HOOK_NOTIFICATION,
	HOOK_IGNORED, /* known, and nothing to do with us */
};

struct hook_options {
	enum hook_mode mode;
	/* The client's session runs in this folder; NULL: what it says. */
	const char *workspace;
	/* A program that runs approved actions: where the client lets a hook
	 * rewrite a command, it becomes that program's. NULL: no rewriting. */
	const char *runner;
	const char *runtime; /* for the runner, or NULL */
	const char *version; /* of the client, or NULL */
};

enum hook_verdict {
	HOOK_DENY, /* zero: whatever is not known is a no */
	HOOK_ASK, /* nobody answered: the client's own prompt where it has one */
	HOOK_ALLOW,
};

struct hook_ruling {
	enum hook_verdict verdict;
	bool pending; /* it may still be decided */
	char id[ACTION_ID_MAX]; /* or "" */
	char sha256[2 * SHA256_LEN + 1];
	char message[HOOK_MESSAGE_MAX]; /* for the model */
	char asks[HOOK_ASKS_MAX]; /* of a question: for who is asked */
};

/* What a program prints, or the body of an answer to HTTP. */
struct hook_output {
	struct buf out; /* stdout */
	struct buf problem; /* stderr; with status 2 a client reads this */
	int status;
	bool events; /* out is a stream of server-sent events */
};

#define HOOK_OUTPUT_INIT                                                       \
	{                                                                      \
		.out = BUF_INIT(HOOK_OUTPUT_MAX),                              \
		.problem = BUF_INIT(HOOK_OUTPUT_MAX)                           \
	}

void hook_output_done(struct hook_output *o);

/* The names of clients, for help and completion; NULL ends them. */
const char *const *hook_clients(void);

struct hook;

/* Texts of options are kept (borrowed) until hook_free. ERR_NOTFOUND: there
 * is no such client. */
int hook_new(struct str client, const struct hook_options *options,
    struct hook **ret, struct err *e);
void hook_free(struct hook *h);
void hook_freep(struct hook **h);
/* body is copied. After a failure the event is HOOK_UNKNOWN. */
int hook_take(struct hook *h, struct str body, struct err *e);
enum hook_event hook_event(const struct hook *h);
/* Where the client says it works, or NULL. */
const char *hook_cwd(const struct hook *h);
/* What its bytes could not say; after hook_take. */
bool hook_has_workspace(const struct hook *h);
int hook_set_workspace(struct hook *h, const char *folder, struct err *e);
int hook_set_runner(struct hook *h, const char *program, struct err *e);
void hook_set_mode(struct hook *h, enum hook_mode mode);
/* The session's name for assent, or NULL. */
const char *hook_session(const struct hook *h);
/* Of HOOK_CALL and HOOK_RESULT, the same for both; "" where the client gives
 * its calls no name. */
const char *hook_key(const struct hook *h);
/* HOOK_CALL, HOOK_PERMISSION: the proposal as JSON. */
int hook_action(struct hook *h, struct buf *json, struct err *e);
/* Every other event but HOOK_IGNORED: fields as POST .../events takes them;
 * HOOK_RESULT with a key: as POST /v1/outcomes takes them. */
int hook_report(struct hook *h, struct buf *json, struct err *e);
/* The beginning of a text, as much as a report takes; no half character. */
struct str hook_cut(struct str text);
/* Would hook_answer turn this call into one of the runner's? Then the action
 * was proposed for our own sandbox. */
bool hook_rewrites(const struct hook *h);

/* A decision as the daemon gives it; own, when not NULL, is the ruling that
 * the same action had before. Everything that is not plainly an allow is none;
 * ERR_INTERNAL: it is no decision at all. */
int hook_ruling_read(struct str json, const struct hook_ruling *own,
    struct hook_ruling *ret, struct err *e);
/* A ruling for what could not be decided: a no with the reason. */
void hook_ruling_failed(
    struct hook_ruling *ret, const char *why, const char *remedy);
/* The same for a refusal of the daemon (RFC 9457). */
void hook_ruling_problem(struct hook_ruling *ret, struct str problem);
void hook_answer(const struct hook *h, const struct hook_ruling *ruling,
    struct hook_output *out);
/* The answer to what is no call: the client goes on. */
void hook_pass(const struct hook *h, struct hook_output *out);

#endif
