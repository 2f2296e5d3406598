/*
 * A connected unix datagram socket, and patience with its receiver.
 * Runs in: reporter.  Trusts: the path of the configuration.  Owns: nothing.
 */
#include "datagram.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>

#include "base/loop.h"
#include "base/mem.h"

#define NS_PER_MS 1000000

int
datagram_connect(const char *path, int *ret, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	AUTO_FD int fd = -1;

	if (strlen(path) >= sizeof(to.sun_path))
		return err_set(e, ERR_LIMIT, "'%s' is too long", path);
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "cannot make a socket");
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
		return err_sys(e, "cannot connect to '%s'", path);
	*ret = TAKE_FD(fd);
	return ERR_OK;
}

static bool
wait_for_room(int fd, int64_t deadline_ns)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	const int64_t ms = (deadline_ns - loop_now_ns()) / NS_PER_MS;

	return ms > 0 && poll(&p, 1, (int)ms) > 0;
}

int
datagram_send(int fd, const struct msghdr *m, int64_t deadline_ns)
{
	for (;;) {
		if (sendmsg(fd, m, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -1;
		if (!wait_for_room(fd, deadline_ns)) {
			errno = EAGAIN;
			return -1;
		}
	}
}
