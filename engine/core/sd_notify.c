/*
 * A service manager's notification socket, without its library.
 * Runs in: supervisor.  Trusts: the environment of its starter.  Owns:
 * nothing.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "supervisor_int.h"

#define US_PER_MS 1000

void
sd_notify(const char *state)
{
	const char *path = secure_getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	AUTO_FD int fd = -1;
	size_t len;

	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return;
	len = strlen(path);
	if (len >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0'; /* an abstract name */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* A manager that does not listen is not our problem. */
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
	    (struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}

int64_t
sd_watchdog_ms(void)
{
	const char *usec = secure_getenv("WATCHDOG_USEC");
	const char *pid = secure_getenv("WATCHDOG_PID");
	uint64_t us, who;

	if (usec == NULL || num_parse_u64(str_of(usec), 1, INT64_MAX, &us) != 0)
		return 0;
	if (pid != NULL &&
	    (num_parse_u64(str_of(pid), 1, INT32_MAX, &who) != 0 ||
		who != (uint64_t)getpid()))
		return 0;
	/* Twice in its time. */
	return (int64_t)(us / US_PER_MS / 2);
}
