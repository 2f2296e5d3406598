/*
 * Stands where the sandbox's launcher stands: says over its socket who it is
 * and what it was given, then waits until the other end hangs up.
 */
#include <dirent.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define SOCKET_FD 3

/* All that are open but the one that lists them. */
static void
say_fds(char *out, size_t size)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *d;
	size_t len = 0;

	if (dir == NULL)
		return;
	while ((d = readdir(dir)) != NULL && len < size) {
		char own[16];

		(void)snprintf(own, sizeof(own), "%d", dirfd(dir));
		if (d->d_name[0] != '.' && strcmp(d->d_name, own) != 0)
			len += (size_t)snprintf(
			    out + len, size - len, "%s,", d->d_name);
	}
	(void)closedir(dir);
}

int
main(int argc, char **argv)
{
	char fds[256] = "", text[512];
	char byte;

	if (argc != 2 || strcmp(argv[1], "--launcher") != 0)
		return 64;
	say_fds(fds, sizeof(fds));
	(void)snprintf(text, sizeof(text),
	    "uid=%u euid=%u gid=%u groups=%d fds=%s env=%s", getuid(),
	    geteuid(), getgid(), getgroups(0, NULL), fds,
	    environ[0] == NULL ? "none" : environ[0]);
	if (send(SOCKET_FD, text, strlen(text), 0) < 0)
		return 70;
	(void)recv(SOCKET_FD, &byte, 1, 0);
	return 0;
}
