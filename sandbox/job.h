#ifndef SANDBOX_JOB_H
#define SANDBOX_JOB_H
/*
 * What a prepared process is told to run: a plan record and the command's
 * input and output, as one message on its control link.
 *
 *     job_send(ctl, record, stdio, e)          the launcher, once
 *     job_receive(ctl, arena, &record, stdio)  the prepared process, once
 */
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

/* A longer plan is run with everything fresh. */
#define JOB_BYTES_MAX ((size_t)128 * 1024)

/* stdio: 0, 1, 2 of the command; borrowed. Never blocks. */
int job_send(
    int ctl, struct str record, const int stdio[static 3], struct err *e);
/* Waits. ERR_NOTFOUND when the other end is gone. The record lives in the
 * arena, the descriptors are the caller's. */
int job_receive(int ctl, struct arena *a, struct str *ret,
    int ret_stdio[static 3], struct err *e);

#endif
