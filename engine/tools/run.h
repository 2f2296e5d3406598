#ifndef TOOLS_RUN_H
#define TOOLS_RUN_H
/*
 * One proposal of `assent run`, from its first answer to its end.
 *
 *     propose -> wait while it is pending -> stream its output -> its end
 */
#include <stdbool.h>

#include "client.h"
#include "model/command.h"
#include "verdict.h"

#define RUN_DENIED 125
#define RUN_UNANSWERED 124
#define RUN_FAILED 123

struct run {
	struct client *client; /* the agent's door */
	const char *runtime; /* --runtime or NULL */
	int signal_fd; /* readable after SIGINT, SIGTERM, SIGHUP */
	bool streams; /* the program runs: signals are passed on */
	bool interrupted; /* a signal ended the wait */
	bool withdrawn; /* who asked said no */
	bool ask, json, raw, tty;
	const char *session; /* of the proposal, or NULL */
	char *workspace; /* owned */
	struct run_tty *terminal; /* with tty, while the run has it */
	int wake_fd; /* with tty: readable with signal_fd or keys; or -1 */
	int64_t timeout_ms; /* for an answer; 0: the daemon's own */
	int64_t deadline_ms; /* of run_now_ms, where there is a timeout */
	struct client_reply reply; /* the last decision */
	struct verdict now; /* of reply */
	uint64_t shown[2]; /* bytes of each stream */
	bool whole; /* all of it was shown */
};

int64_t run_now_ms(void);

/* A signal for the program, by its name without SIG. */
void run_pass_on(struct run *r, const char *name);

/* Output as it comes, to stdout and stderr; returns when it has ended. */
int run_stream(struct run *r, struct err *e);
/* A signal or a key has come: run_wake_fd is readable. */
int run_wake(struct run *r, struct err *e);
int run_wake_fd(const struct run *r);

/* On stderr: what was denied, and what would permit it. */
void run_say_denied(const struct run *r);

/*
 * Shows the question on the terminal and sends the answer to the approver
 * socket, or sets withdrawn. 0 also when nothing was typed; ERR_NOTFOUND where
 * it has to be answered elsewhere.
 */
int run_ask(struct run *r, struct err *e);

/* A call about the action: METHOD /v1/actions/ID + rest. */
int run_call(struct run *r, struct client *c, const char *rest,
    struct client_request *request, struct client_reply *ret, struct err *e);

#endif
