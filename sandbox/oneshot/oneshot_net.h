#ifndef SANDBOX_ONESHOT_NET_H
#define SANDBOX_ONESHOT_NET_H
/*
 * The proxy of `assent sandbox`: named hosts only, for nobody is there to be
 * asked.
 *
 *     r = oneshot_net_start(plan, &net, e);     NULL for a run offline
 *     poll(oneshot_net_fd(net)), then oneshot_net_turn(net)
 *     oneshot_net_end(net);                     says what was refused
 */
#include "start/ctl.h"
#include "sandbox/plan.h"

struct oneshot_net;

int oneshot_net_start(
    const struct plan *p, struct oneshot_net **ret, struct err *e);
int oneshot_net_fd(const struct oneshot_net *n); /* -1: never ready */
void oneshot_net_turn(struct oneshot_net *n);
/* Takes the descriptor of m. */
void oneshot_net_listener(struct oneshot_net *n, const struct ctl *m);
/* n may be NULL. */
void oneshot_net_end(struct oneshot_net *n);

#endif
