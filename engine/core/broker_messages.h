#ifndef CORE_BROKER_MESSAGES_H
#define CORE_BROKER_MESSAGES_H
/*
 * What the engine and the broker of credentials say to each other.
 *
 *     engine -> broker  EB_RUN, EB_VERDICT
 *     broker -> engine  BE_LINK, BE_REFUSED, BE_USE
 *
 * A run gets a link before it starts; whatever is used over it is asked for
 * first, and used when the engine says that the row is durable.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "model/credential.h"

#define BROKER_MESSAGE_MAX ((size_t)8 << 10)
#define BROKER_WHAT_MAX 256
/* In the runtime folder: the certificates that runs are shown. */
#define BROKER_DIR "tls"

enum engine_to_broker {
	EB_RUN = 0x1001, /* struct broker_run */
	EB_VERDICT, /* u64 use, u8 allowed */
};

enum broker_to_engine {
	BE_LINK = 0x1101, /* u64 ticket; with the run's end of its link */
	BE_REFUSED, /* u64 ticket, cstr why */
	BE_USE, /* struct broker_use */
};

struct broker_run {
	uint64_t ticket;
	const char *action_id;
	struct credential_scope scope;
	bool values; /* it is handed those in its scope before it starts */
};

struct broker_use {
	uint64_t number; /* the broker's; comes back with the verdict */
	const char *action_id, *credential;
	const char *host; /* or NULL: not known */
	uint16_t port; /* 0: not known */
	const char *what; /* "GET /x", "sign as git" */
	bool ask; /* a person answers first */
};

void broker_run_put(struct buf *b, const struct broker_run *r);
int broker_run_get(
    struct str record, struct arena *a, struct broker_run *ret, struct err *e);
void broker_use_put(struct buf *b, const struct broker_use *u);
int broker_use_get(
    struct str record, struct arena *a, struct broker_use *ret, struct err *e);

#endif
