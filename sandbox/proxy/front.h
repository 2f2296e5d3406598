#ifndef PROXY_FRONT_H
#define PROXY_FRONT_H
/*
 * The languages in which a run asks for a destination.
 *
 *     r = c->front->read(c);       FRONT_READY: c->host and c->port are set
 *     c->front->welcome(c, &out);
 *     c->front->refuse(c, cause, why, &out);
 */
#include "base/buf.h"
#include "sandbox/proxy_proto.h"

struct conn;

enum cause {
	CAUSE_DENIED,
	CAUSE_MALFORMED,
	CAUSE_TOO_LARGE,
	CAUSE_SLOW,
	CAUSE_UNSUPPORTED,
	CAUSE_BUSY,
	/* Allowed, but it did not work. */
	CAUSE_NO_NAME,
	CAUSE_UNREACHABLE,
	CAUSE_REFUSED,
	CAUSE_TIMEOUT,
	CAUSE_BAD_ANSWER,
};

enum front_result {
	FRONT_MORE, /* bytes are needed */
	FRONT_READY,
	FRONT_OVER, /* it was refused */
};

struct front {
	/* Before the first byte; NULL: nothing to do. */
	enum front_result (*begin)(struct conn *c);
	enum front_result (*read)(struct conn *c);
	void (*welcome)(struct conn *c, struct buf *out);
	void (*refuse)(
	    struct conn *c, enum cause cause, const char *why, struct buf *out);
};

/* NULL for kinds that are not connections. */
const struct front *front_of(enum proxy_listener kind);
/* An answer of our own. */
void front_http_refusal(enum cause cause, const char *why, struct buf *out);

extern const struct front front_http, front_socks, front_transparent, front_dns;

#endif
