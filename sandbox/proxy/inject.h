#ifndef PROXY_INJECT_H
#define PROXY_INJECT_H
/*
 * Hosts for which the run has a credential. Their connections go through the
 * broker: after the destination was allowed, resolved, checked and connected
 * to, the socket to it is given away, and one to the broker takes its place.
 * To all else here that is the destination.
 *
 *     r = inject_set(&p->inject, record, link, e);        LP_BROKER
 *     name = inject_find(&p->inject, host, port);
 *     r = inject_replace(&p->inject, &(struct inject_call){ ... }, &fd, e);
 *
 * A connection that cannot have its credential is refused: it never passes
 * without.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct inject {
	int link; /* to the broker, or -1; owned */
	struct arena *arena;
	struct config_credential *list;
	size_t count;
};

struct inject_call {
	const char *host; /* canonical */
	uint16_t port;
	const char *credential;
	bool tls; /* a tunnel, in which TLS is spoken */
};

void inject_init(struct inject *i);
void inject_done(struct inject *i);
/* The link is taken, also on failure. */
int inject_set(struct inject *i, struct str record, int link, struct err *e);
/* The credential for a host, or NULL. */
const char *inject_find(
    const struct inject *i, const char *host, uint16_t port);
int inject_replace(const struct inject *i, const struct inject_call *call,
    int *server, struct err *e);

#endif
