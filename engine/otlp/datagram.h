#ifndef OTLP_DATAGRAM_H
#define OTLP_DATAGRAM_H
/*
 * Datagrams to a unix socket of this machine: syslog's, journald's.
 *
 *     r = datagram_connect("/dev/log", &fd, e);
 *     n = datagram_send(fd, &message, deadline_ns);
 */
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

#define DATAGRAM_WITHIN_NS INT64_C(5000000000) /* for a batch */

int datagram_connect(const char *path, int *ret, struct err *e);
/*
 * Waits until the receiver's queue takes it, at most until then. 0, or -1
 * with errno (EAGAIN: it did not).
 */
int datagram_send(int fd, const struct msghdr *m, int64_t deadline_ns);

#endif
