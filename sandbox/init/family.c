/*
 * Follow parents and children in /proc.
 * Runs in: assent-exec, as the first process of a run without namespaces.
 * Trusts: the kernel.  Owns: nothing.
 */
#include "init/family.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/mem.h"

#define ROUNDS_MAX 64
#define STAT_BYTES 512
#define ALL_MAX 65536

int
family_adopt(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

static pid_t
parent_of(const char *pid)
{
	char path[64], text[STAT_BYTES];
	AUTO_FD int fd = -1;
	const char *at;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	/* Behind the name, which may hold anything: ") S 123". */
	at = strrchr(text, ')');
	return at == NULL || strlen(at) < 5 ? -1
					    : (pid_t)strtol(at + 4, NULL, 10);
}

struct pair {
	pid_t pid, parent;
};

static size_t
read_all(struct pair *all)
{
	DIR *dir = opendir("/proc");
	const struct dirent *d;
	size_t n = 0;

	while (dir != NULL && n < ALL_MAX && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] < '1' || d->d_name[0] > '9')
			continue;
		all[n].pid = (pid_t)strtol(d->d_name, NULL, 10);
		all[n++].parent = parent_of(d->d_name);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return n;
}

static bool
is_in(const pid_t *list, size_t count, pid_t pid)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i] == pid)
			return true;
	}
	return false;
}

/* Numbers go round, so a child may come before its parent. */
size_t
family_list(pid_t *ret, size_t max)
{
	AUTO_FREE struct pair *all = mem_new(ALL_MAX, sizeof(*all));
	const size_t count = all == NULL ? 0 : read_all(all);
	const pid_t us = getpid();
	size_t n = 0, before;

	do {
		before = n;
		for (size_t i = 0; i < count && n < max; i++) {
			if ((all[i].parent == us ||
				is_in(ret, n, all[i].parent)) &&
			    !is_in(ret, n, all[i].pid))
				ret[n++] = all[i].pid;
		}
	} while (n > before && n < max);
	return n;
}

bool
family_has(pid_t pid)
{
	char text[16];

	for (int i = 0; i < ALL_MAX && pid > 1; i++) {
		(void)snprintf(text, sizeof(text), "%d", pid);
		pid = parent_of(text);
		if (pid == getpid())
			return true;
	}
	return false;
}

static size_t
signal_all(pid_t *list, int signo)
{
	const size_t n = family_list(list, FAMILY_MAX);

	for (size_t i = 0; i < n; i++)
		(void)kill(list[i], signo);
	return n;
}

void
family_kill(void)
{
	AUTO_FREE pid_t *list = mem_new(FAMILY_MAX, sizeof(*list));
	size_t before = 0, n;

	if (list == NULL)
		return;
	/* What has stopped makes no others. */
	for (int i = 0; i < ROUNDS_MAX; i++) {
		n = signal_all(list, SIGSTOP);
		if (n == before)
			break;
		before = n;
	}
	(void)signal_all(list, SIGKILL);
}
