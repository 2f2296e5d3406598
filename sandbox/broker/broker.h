#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H
/*
 * What the parts of the broker share: its secrets, its runs, and the way to
 * the engine, without whom nothing is used.
 *
 *     broker_run_new -> (over its link) broker_agent_open, broker_inject_open
 *             -> broker_ask -> used -> broker_run_free
 */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ipc.h"
#include "base/loop.h"
#include "ca.h"
#include "core/broker_messages.h"
#include "core/role.h"
#include "credentials/usable.h"
#include "model/credential.h"
#include "tls_end.h"

#define BROKER_RUNS_MAX 256
#define BROKER_CONNECTIONS_MAX 256 /* of one run, each kind */
#define BROKER_REMEMBERED_MAX 64 /* answers of a person, of one run */

struct broker;
struct broker_run_state;

/* A credential of the settings, and its secret once it has come. */
struct holding {
	const struct config_credential *c;
	struct usable *u; /* NULL: not there (yet) */
	SSL_CTX *tls; /* to its hosts; NULL: not injected */
};

/* allowed: recorded, and now it may be used. Exactly once for each ask that
 * returned a number, unless it was forgotten. */
typedef void broker_used_fn(void *ctx, bool allowed);

struct use {
	uint64_t number;
	broker_used_fn *fn;
	void *ctx;
	struct broker_run_state *run;
	const struct holding *h;
	char host[BROKER_WHAT_MAX];
	bool asked; /* a person answers it */
	struct use *next;
};

struct answer {
	const struct holding *h;
	char host[BROKER_WHAT_MAX];
};

struct agent_conn;
struct forwarding;
struct injecting;
struct opening;
struct handing;

struct broker_run_state {
	struct broker *b;
	char id[ACTION_ID_MAX];
	struct arena *arena; /* of scope */
	struct credential_scope scope;
	int link; /* our end */
	int listener; /* of the agent, or -1 */
	struct agent_conn *agents;
	struct injecting *injections;
	size_t agent_count, injection_count;
	struct handing *handing; /* values that it is handed; or NULL */
	struct answer remembered[BROKER_REMEMBERED_MAX];
	size_t remembered_count;
	struct broker_run_state *next;
};

struct broker {
	struct role_env *env;
	struct ipc *engine; /* or NULL */
	struct holding *held;
	size_t held_count;
	struct ca *ca;
	SSL_CTX *server; /* for runs' ends */
	struct broker_run_state *runs;
	size_t run_count;
	struct use *uses;
	struct opening *openings; /* that the supervisor was asked for */
	uint64_t last_use, last_opening;
	const char *ca_dir;
};

/* ---- runs.c --------------------------------------------------------------- */

/* *ret_link is the run's end. */
int broker_run_new(struct broker *b, const struct broker_run *r,
    struct broker_run_state **ret, int *ret_link, struct err *e);
void broker_run_free(struct broker_run_state *r);

/* ---- broker_role.c: answers to the engine ----------------------------------- */

int broker_send_link(
    struct broker *b, uint64_t ticket, int link, struct err *e);
void broker_refuse_run(struct broker *b, uint64_t ticket, const char *why);

/* ---- handing.c ------------------------------------------------------------ */

/* Answers the ticket when each value of the run has been recorded and lies in
 * the link, or one may not be had. Takes the link. */
int broker_hand_over(
    struct broker_run_state *r, uint64_t ticket, int link, struct err *e);
/* What was handed out is wiped. */
void broker_take_back(struct broker_run_state *r);

/* ---- uses.c --------------------------------------------------------------- */

struct use_wish {
	const struct holding *h;
	const char *host; /* or NULL */
	uint16_t port;
	const char *what;
	const char *same; /* what an answer holds for; NULL: host and port */
};

/* 0 and *ret: fn is called later. Else it may not be used. */
int broker_ask(struct broker_run_state *r, const struct use_wish *w,
    broker_used_fn *fn, void *ctx, uint64_t *ret, struct err *e);
void broker_forget_use(struct broker *b, uint64_t number);
void broker_verdict(struct broker *b, uint64_t number, bool allowed);
/* The engine is gone: nothing that waits is used. */
void broker_refuse_all(struct broker *b);

/* ---- sources.c ------------------------------------------------------------ */

/* fd: where the secret is, to be taken; -1: why not. Exactly once, unless it
 * was forgotten. */
typedef void broker_opened_fn(void *ctx, int fd, const char *why);
int broker_open_source(struct broker *b, const struct holding *h,
    broker_opened_fn *fn, void *ctx, uint64_t *ret, struct err *e);
void broker_forget_source(struct broker *b, uint64_t number);
/* Takes fd. */
void broker_source_opened(
    struct broker *b, uint64_t number, int fd, const char *why);

/* ---- forwarding.c --------------------------------------------------------- */

struct forward_wish {
	const struct holding *h; /* of an agent */
	struct str binding; /* as the client said it; or empty */
	struct str data;
	uint32_t flags;
};

/* signature: as the agent's message has it; empty: it did not sign. */
typedef void broker_signed_fn(void *ctx, struct str signature);
/* 0 and *ret: fn is called later, once, unless it was canceled. */
int broker_forward(struct broker *b, const struct forward_wish *w,
    broker_signed_fn *fn, void *ctx, struct forwarding **ret, struct err *e);
void broker_forward_cancel(struct forwarding *f);

/* ---- agents.c ------------------------------------------------------------- */

/* Takes the listener. */
int broker_agent_open(struct broker_run_state *r, int listener, struct err *e);
void broker_agent_close(struct broker_run_state *r);

/* ---- injecting.c ---------------------------------------------------------- */

struct injection {
	const char *host;
	uint16_t port;
	bool tls;
	const char *credential; /* or NULL */
	int upstream, client; /* taken, also on failure */
};

int broker_inject_open(
    struct broker_run_state *r, const struct injection *i, struct err *e);
void broker_inject_close_all(struct broker_run_state *r);

/* ---- trust.c -------------------------------------------------------------- */

/* Before confinement: contexts of TLS, the files that runs are shown. */
int broker_trust_open(struct broker *b, struct err *e);
void broker_trust_close(struct broker *b);

#endif
