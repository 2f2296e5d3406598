#ifndef REVIEWER_ROLE_PROGRAM_H
#define REVIEWER_ROLE_PROGRAM_H
/*
 * One question to a program of the site's own: the supervisor starts it, its
 * standard input and output come back as a socket.
 *
 *     r = program_start(ps, &(struct call_order){ ... }, &c, e);
 *     program_cancel(c);
 *
 * What it writes until it ends with status 0 is the answer.
 */
#include "base/ipc.h"
#include "provider.h"

struct programs;
struct program_call;

int programs_new(struct loop *l, struct ipc *supervisor, struct programs **ret,
    struct err *e);
void programs_free(struct programs *ps);
int program_start(struct programs *ps, const struct call_order *o,
    struct program_call **ret, struct err *e);
void program_cancel(struct program_call *c);
/* SR_PROGRAM, SR_PROGRAM_ENDED */
int programs_started(struct programs *ps, struct ipc_msg *m, struct err *e);
int programs_ended(struct programs *ps, struct ipc_msg *m, struct err *e);

#endif
