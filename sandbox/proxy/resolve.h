#ifndef PROXY_RESOLVE_H
#define PROXY_RESOLVE_H
/*
 * Names to addresses, without blocking and without files: /etc/hosts and
 * /etc/resolv.conf are read when it is made.
 *
 *     r = resolver_new(loop, &resolver, e);
 *     resolver_ask(resolver, "example.com", &wait);   calls wait.fn, perhaps
 *                                                     before it returns
 *     resolver_cancel(&wait);                         whenever
 *
 * What was found is kept for at least RESOLVE_PIN_MS: a name does not move
 * from one address to another while a program works with it.
 */
#include "base/err.h"
#include "base/loop.h"
#include "sandbox/net_addr.h"

#define RESOLVE_ADDRS_MAX 16
#define RESOLVE_NAMES_MAX 1024
#define RESOLVE_PIN_MS 300000
#define RESOLVE_FAILURE_MS 3000

struct resolver;

/* count 0: why says what went wrong, else NULL. */
typedef void resolve_fn(
    void *ctx, const struct net_addr *addrs, size_t count, const char *why);

struct resolve_wait {
	resolve_fn *fn;
	void *ctx;
	struct resolve_wait *next, **at; /* its own */
};

int resolver_new(struct loop *l, struct resolver **ret, struct err *e);
void resolver_free(struct resolver *r);
void resolver_freep(struct resolver **r);
/* name: canonical, no address. */
void resolver_ask(struct resolver *r, const char *name, struct resolve_wait *w);
void resolver_cancel(struct resolve_wait *w);

#endif
