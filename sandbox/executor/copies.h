#ifndef SANDBOX_COPIES_H
#define SANDBOX_COPIES_H
/*
 * Which ended runs have left a copy of their workspace with which launcher,
 * and who waits to hear what is in it. The engine's half of held.h.
 */
#include "base/ipc.h"
#include "core/ports.h"

#define COPIES_MAX 64 /* the oldest gives way */
#define QUESTIONS_MAX 32

struct copy {
	uint64_t number; /* of the run */
	char action_id[ACTION_ID_MAX];
	struct ipc *by; /* its launcher; NULL: a free place */
};

struct question {
	uint64_t ticket;
	struct ipc *by; /* NULL: a free place */
};

struct copies {
	struct copy at[COPIES_MAX];
	size_t next;
	struct question questions[QUESTIONS_MAX];
	const struct executor_events *ev;
	void *ctx;
};

void copies_remember(
    struct copies *c, uint64_t number, const char *action_id, struct ipc *by);
/* Sends XL_CHANGES to the launcher that has the copy. */
int copies_ask(
    struct copies *c, const struct changes_request *q, struct err *e);
/* LX_CHANGES. ERR_INVALID ends the sender. */
int copies_answer(
    struct copies *c, struct ipc *by, struct str payload, struct err *e);
/* Somebody waits for this launcher's answer; NULL: for any. */
bool copies_wait(const struct copies *c, const struct ipc *by);
/* The launcher is gone, and with it its copies. */
void copies_forget(struct copies *c, const struct ipc *by, const char *why);

#endif
