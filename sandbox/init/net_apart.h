#ifndef SANDBOX_NET_APART_H
#define SANDBOX_NET_APART_H
/*
 * The network of a fresh run, made by a process of its own while the mounts
 * are made: each takes as long as the other.
 *
 *     apart = net_apart_can();                    before the namespaces
 *     r = net_apart_start(&n, e);                 in the run's first process
 *     ... mounts
 *     r = net_apart_enter(&n, e);
 *
 * Memory is common to both. What fails in the other process may change errno
 * here; it also ends the run, at net_apart_enter.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

#define NET_APART_STACK ((size_t)64 * 1024)

struct net_apart {
	pid_t pid;
	int network; /* a descriptor, common as well */
	struct err why;
	_Alignas(16) char stack[NET_APART_STACK];
};

/* False where it may be refused alone: then all namespaces are asked for at
 * once, and what is refused is known before anything was begun. */
bool net_apart_can(void);
int net_apart_start(struct net_apart *n, struct err *e);
/* Waits for it, and enters it. The process is gone then. */
int net_apart_enter(struct net_apart *n, struct err *e);

#endif
