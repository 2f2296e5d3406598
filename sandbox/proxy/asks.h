#ifndef PROXY_ASKS_H
#define PROXY_ASKS_H
/*
 * Questions about hosts that no rule decides: one for each host and port.
 *
 *     asks_put(&asks, &host, port, protocol, &wait);   wait.fn answers,
 *                                                      perhaps at once
 *     asks_verdict(&asks, &verdict);
 *     asks_cancel(&wait);
 */
#include "base/loop.h"
#include "sandbox/net_policy.h"
#include "sandbox/proxy_proto.h"

#define ASKS_WHO_MAX 64

/* who: who said so, or NULL; why: instead, when nobody did. */
typedef void ask_fn(void *ctx, bool allow, const char *who, const char *why);

struct ask_wait {
	ask_fn *fn;
	void *ctx;
	struct ask_wait *next, **at; /* its own */
};

/* Sends the question; negative: it cannot be asked. */
typedef int ask_send_fn(void *ctx, const struct proxy_ask *a);

struct asks {
	struct loop *loop;
	ask_send_fn *send;
	void *ctx;
	uint32_t max, wait_ms;
	struct ask **list;
	size_t count, cap;
	uint64_t tickets;
};

void asks_done(struct asks *a);
void asks_put(struct asks *a, const struct net_host *host, uint16_t port,
    enum net_protocol protocol, struct ask_wait *w);
/* An answer that comes too late is no error, and no answer. */
void asks_verdict(struct asks *a, const struct proxy_verdict *v);
void asks_cancel(struct ask_wait *w);

#endif
