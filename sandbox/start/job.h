#ifndef SANDBOX_JOB_H
#define SANDBOX_JOB_H
/*
 * What a prepared process is told to run: a plan record, as one message on its
 * control link. It has the command's input and output already.
 *
 *     job_send(ctl, record, e)             the launcher, once
 *     job_receive(ctl, bytes, &record, e)  the prepared process, once
 *
 * One that serves another run is told of that before, with what its command has
 * as 0, 1 and 2.
 *
 *     job_send_again(ctl, stdio, e)        the launcher
 *     job_receive_again(ctl, stdio)        the prepared process
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

/* A longer plan is run with everything fresh. */
#define JOB_BYTES_MAX ((size_t)128 * 1024)

/* Never blocks. */
int job_send(int ctl, struct str record, struct err *e);
/* Waits. ERR_NOTFOUND when the other end is gone. The record is in bytes. */
int job_receive(
    int ctl, char bytes[static JOB_BYTES_MAX], struct str *ret, struct err *e);

/* Never blocks. */
int job_send_again(int ctl, const int stdio[static 3], struct err *e);
/* Waits. False when the other end is gone, or says something else. */
bool job_receive_again(int ctl, int ret_stdio[static 3]);

#endif
