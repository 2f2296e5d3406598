#ifndef SANDBOX_FDS_H
#define SANDBOX_FDS_H
/*
 * Messages with descriptors between processes of ours on a SOCK_SEQPACKET
 * pair.
 */
#include <stddef.h>

#include "base/cgroup.h"
#include "base/str.h"

/* A link or a user space, another, an input and two outputs, what tells of a
 * control group and what is needed to enter it. */
#define FDS_MAX (6 + CGROUP_PLACES_MAX)

/* 0 or -1 and errno. Never blocks. Both parts are one message; the second may
 * be empty. */
int fds_send(
    int link, struct str head, struct str body, const int *fds, size_t count);
/* Waits for a message of at least min and at most max bytes; its length, or
 * -1. fds: those that came, -1 in the places of others; the caller's. */
long fds_receive(
    int link, void *bytes, size_t min, size_t max, int fds[static FDS_MAX]);

#endif
