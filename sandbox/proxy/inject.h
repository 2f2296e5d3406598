#ifndef PROXY_INJECT_H
#define PROXY_INJECT_H
/*
 * Connections whose rule names a credential (inject: NAME): they are taken
 * over after the destination was allowed, resolved, checked and connected to,
 * and after the client was told so.
 *
 *     r = inject_begin(&(struct inject_call){ ... }, &injection, e);
 *     ...                                call.done, once, when it is over
 *     inject_end(injection);             at any time before that
 *
 * A build or a run that cannot put the credential in refuses the connection:
 * it never passes without.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/str.h"

struct inject_result {
	uint64_t bytes_up, bytes_down;
	const char *method; /* of the last request, or NULL */
	bool refused; /* reason says why; else how it ended, or NULL */
	const char *reason;
};

typedef void inject_done_fn(void *ctx, const struct inject_result *r);

struct inject_call {
	struct loop *loop;
	int client, server; /* taken on success, non-blocking, not watched */
	const char *host; /* canonical; valid while it runs */
	uint16_t port;
	const char *credential;
	struct str first; /* what the client sent already; copy it */
	inject_done_fn *done;
	void *ctx;
};

struct injection;

int inject_begin(
    const struct inject_call *call, struct injection **ret, struct err *e);
/* Closes both; done is not called. */
void inject_end(struct injection *i);

#endif
