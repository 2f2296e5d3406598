#ifndef SANDBOX_PROXY_PROTO_H
#define SANDBOX_PROXY_PROTO_H
/*
 * What a launcher and the proxy of one run (assent-proxy) say to each other
 * over base/ipc.h; the proxy's end is descriptor 3.
 *
 *     launcher -> proxy  LP_START, LP_BROKER where the run has credentials,
 *                        then LP_LISTENER..., LP_VERDICT, LP_STOP
 *     proxy -> launcher  PL_READY, PL_ASK, PL_EVENT
 *
 * A question is asked once for each host and port; whoever waits for the same
 * shares the answer. It names no address where host is a name: nothing of an
 * unknown name is looked up before somebody said yes. Every connection ends
 * with exactly one PL_EVENT; on a plain HTTP connection every request does.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "sandbox/net_policy.h"

#define PROXY_MESSAGE_BYTES ((size_t)8 * 1024)
#define PROXY_REASON_MAX 200
#define PROXY_BROKER_BYTES ((size_t)256 * 1024)

enum proxy_type {
	LP_START = 0xa01, /* net policy; once */
	LP_LISTENER, /* u8 kind; a descriptor */
	LP_VERDICT, /* struct proxy_verdict */
	LP_STOP, /* empty: end all connections, report them, exit */
	/* plan_credentials.h: hosts with a credential; with the run's link
	 * to the broker. Before any listener. */
	LP_BROKER,
	PL_READY = 0xb01, /* base/confine.h report */
	PL_ASK, /* struct proxy_ask */
	PL_EVENT, /* struct proxy_event */
};

/* Listening sockets, made inside of the run's network namespace. */
enum proxy_listener {
	PROXY_LISTENER_INVALID,
	PROXY_HTTP, /* CONNECT and absolute-form requests */
	PROXY_SOCKS5,
	PROXY_DNS_UDP, /* a bound datagram socket */
	PROXY_DNS_TCP,
	/* Accepts on every address of the name service (bound to 0.0.0.0 or
	 * ::); the port that was connected to is the destination's. */
	PROXY_TRANSPARENT,
	PROXY_LISTENER_LAST = PROXY_TRANSPARENT,
};

struct proxy_ask {
	uint64_t ticket;
	const char *host;
	uint16_t port;
	enum net_protocol protocol; /* NET_ANY where it is not known yet */
	const char *address; /* NULL: host is a name */
};

struct proxy_verdict {
	uint64_t ticket;
	bool allow;
	bool remember; /* for this run; else for who waits now */
	const char *who; /* for events: a rule, a grant, a person */
};

/* Of network_limits: what the run has met. */
enum proxy_limit {
	PROXY_LIMIT_NONE,
	PROXY_LIMIT_UP, /* it has used that up */
	PROXY_LIMIT_DOWN,
	PROXY_LIMIT_IDLE,
	PROXY_LIMIT_CONNECTIONS,
	PROXY_LIMIT_LAST = PROXY_LIMIT_CONNECTIONS,
};

struct proxy_event {
	bool allow;
	const char *host; /* punycode; NULL where none could be read */
	uint16_t port;
	const char *address; /* that was connected to, or NULL */
	enum net_protocol protocol;
	uint64_t bytes_up, bytes_down;
	int64_t ms;
	const char *method; /* of a plain request, or NULL */
	const char *by; /* rule id or who, or NULL: the policy's otherwise */
	const char *reason; /* why denied or how it ended; NULL: as usual */
	enum proxy_limit limit; /* that ended or refused it */
};

void proxy_ask_put(struct buf *b, const struct proxy_ask *a);
int proxy_ask_get(
    struct rec *r, struct arena *a, struct proxy_ask *ret, struct err *e);
void proxy_verdict_put(struct buf *b, const struct proxy_verdict *v);
int proxy_verdict_get(
    struct rec *r, struct arena *a, struct proxy_verdict *ret, struct err *e);
void proxy_event_put(struct buf *b, const struct proxy_event *ev);
int proxy_event_get(
    struct rec *r, struct arena *a, struct proxy_event *ret, struct err *e);

#endif
