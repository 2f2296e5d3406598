#ifndef TOOLS_NOTIFY_H
#define TOOLS_NOTIFY_H
/*
 * A command that tells somebody that something waits: a desktop notice, a
 * webhook. It learns how many wait, and not a word of what.
 *
 *     r = notify_check(command, e);
 *     r = notify_run(command, waiting, e);
 */
#include <stddef.h>

#include "base/err.h"

/* A full path, or NULL; else ERR_INVALID. */
int notify_check(const char *command, struct err *e);
/* Starts it with ASSENT_WAITING=N and does not wait for it: SIGCHLD has to be
 * ignored. */
int notify_run(const char *command, size_t waiting, struct err *e);

#endif
