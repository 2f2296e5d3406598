#ifndef CORE_REVIEW_HELPERS_H
#define CORE_REVIEW_HELPERS_H
/*
 * What the reviewer's process may not do itself: open files with keys, start
 * programs. The supervisor does it, and so does `assent review`, which starts
 * the same process for itself.
 *
 *     r = review_helpers_new(loop, &h, e);
 *     r = review_helpers_keys(h, config, link, e);     after SR_START
 *     rows of the link: review_helpers_rows(h, ...)
 *
 * A key is never read here: the descriptor that it can be read from is given
 * away.
 */
#include "base/ipc.h"
#include "base/loop.h"
#include "model/config.h"

#define REVIEW_PROGRAMS_MAX 128

struct review_helpers;

struct review_identity {
	bool set;
	uid_t uid;
	gid_t gid;
};

int review_helpers_new(
    struct loop *l, struct review_helpers **ret, struct err *e);
void review_helpers_free(struct review_helpers *h);
void review_helpers_freep(struct review_helpers **h);
/*
 * Takes the keys that the environment holds out of it, once, before anything
 * is started: into memory that only descriptors reach.
 */
int review_helpers_take_environment(
    struct review_helpers *h, const struct config *c, struct err *e);
/* Every key file is there, with the right owner and mode. */
int review_helpers_check(
    struct review_helpers *h, const struct config *c, struct err *e);
/* Where something secret comes from: one of them. */
struct helper_source {
	const char *file, *env;
	struct config_strings command;
	bool session; /* the command may talk to the user's session */
};

/* Takes a variable out of the environment, once; it can be opened then. */
int review_helpers_take_variable(
    struct review_helpers *h, const char *name, struct err *e);
/* It is there, as far as that can be told without a command. */
int review_helpers_check_source(
    struct review_helpers *h, const struct helper_source *s, struct err *e);
/* Gives a descriptor that it can be read from, once. */
int review_helpers_open(struct review_helpers *h, const struct helper_source *s,
    const struct review_identity *who, int *ret, struct err *e);
/* Sends SR_KEY for each provider that has a key; one that cannot be opened
 * is logged, and its provider stays without. */
void review_helpers_send_keys(struct review_helpers *h, const struct config *c,
    const struct review_identity *who, struct ipc *to);
/* RS_PROGRAM, RS_PROGRAM_DONE: the payload's handlers. */
int review_helpers_program(struct review_helpers *h, const struct config *c,
    const struct review_identity *who, struct ipc_msg *m, struct err *e);
int review_helpers_program_done(
    struct review_helpers *h, struct ipc_msg *m, struct err *e);
/* The link is gone: ends what was started for it. */
void review_helpers_forget(struct review_helpers *h, const struct ipc *link);

#endif
