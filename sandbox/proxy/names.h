#ifndef PROXY_NAMES_H
#define PROXY_NAMES_H
/*
 * Addresses inside of the run that stand for names outside of it.
 *
 *     r = names_address(names, "example.com", false, &addr);
 *     name = names_find(names, &addr);      NULL: nobody was told this one
 *
 * They are the run's own loopback (127.64.0.0/16, and fd61:7373:656e:7400::/112
 * where it has that), so a program that connects to one comes to the proxy's
 * listener, and the address says which name it meant.
 */
#include <stdbool.h>

#include "sandbox/net_addr.h"

#define NAMES_MAX 4096

struct names {
	char **list;
	size_t count, cap;
};

void names_done(struct names *n);
/* The same name has the same address. ERR_LIMIT, ERR_NOMEM. */
int names_address(
    struct names *n, const char *name, bool v6, struct net_addr *ret);
const char *names_find(const struct names *n, const struct net_addr *a);

#endif
