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

/*
 * For a batch: a reader that is at work takes its queue of ten in this time.
 * One that is not holds up the other destinations, and the end, no longer.
 */
#define DATAGRAM_WITHIN_NS INT64_C(20000000)

int datagram_connect(const char *path, int *ret, struct err *e);
/*
 * Waits until the receiver's queue takes it, at most until then. 0, or -1
 * with errno (EAGAIN: it did not).
 */
int datagram_send(int fd, const struct msghdr *m, int64_t deadline_ns);

#endif
