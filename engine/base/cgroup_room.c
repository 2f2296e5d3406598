/*
 * Arrange control groups so that runs can have theirs.
 * Runs in: supervisor, and assent-exec when it stands alone.
 * Trusts: the kernel.  Owns: groups that it makes, for the life of a daemon.
 */
#include "cgroup_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

#define OURS "assent-self"
#define PIDS_BYTES 256
#define BELOW_MAX 4096
#define NUMBER_BYTES 32

static bool
is_alone(int dir)
{
	char text[PIDS_BYTES], own[NUMBER_BYTES];
	AUTO_FD int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	(void)snprintf(own, sizeof(own), "%d\n", getpid());
	return strcmp(text, own) == 0;
}

static bool
make_room_in(const char *path)
{
	AUTO_FD int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 || !is_alone(dir) ||
	    (cgroup_listed(dir, "cgroup.controllers") & CGROUP_MEMORY) == 0 ||
	    (cgroup_listed(dir, "cgroup.subtree_control") & CGROUP_MEMORY) != 0)
		return false;
	if (mkdirat(dir, OURS, 0755) != 0 && errno != EEXIST)
		return false;
	if (cgroup_write(dir, OURS "/cgroup.procs", "0") != 0)
		return false;
	if (cgroup_enable(dir) == 0)
		(void)cgroup_write(dir, "cgroup.procs", "0");
	return true;
}

bool
cgroup_room_in(const struct cgroup_mount *m, size_t count)
{
	bool moved = false;

	for (size_t i = 0; i < count; i++)
		moved = (m[i].unified && make_room_in(m[i].path)) || moved;
	return moved;
}

void
cgroup_make_room(void)
{
	AUTO_FREE struct cgroup_mount *m =
	    mem_new(CGROUP_MOUNTS_MAX, sizeof(*m));

	(void)cgroup_room_in(m, m == NULL ? 0 : cgroup_own(m));
}

static void
give(int dir, const char *name, uid_t uid, gid_t gid)
{
	static const char *const files[] = {
		".",
		"cgroup.procs",
		"cgroup.threads",
		"cgroup.subtree_control",
		"tasks",
	};
	AUTO_FD int at = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; at >= 0 && i < ARRAY_LEN(files); i++)
		(void)!fchownat(at, files[i], uid, gid, 0);
}

/* Returns false where a group cannot be made. */
static bool
make_for(int dir, const char *name, uid_t uid, gid_t gid)
{
	if (mkdirat(dir, name, 0755) != 0 && errno != EEXIST)
		return false;
	give(dir, name, uid, gid);
	return true;
}

/* In version 2 the user's own process is in a group beside those of runs. */
static void
hand_over_unified(const char *path, uid_t uid, gid_t gid, const char *pid)
{
	char name[CGROUP_NAME_MAX], inner[CGROUP_NAME_MAX + 32];
	char above[CGROUP_PATH_MAX + 4];
	AUTO_FD int dir = -1;
	AUTO_FD int at = -1;

	/* Ours is the one below the service's own: see cgroup_make_room. */
	(void)snprintf(above, sizeof(above), "%s/..", path);
	dir = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 ||
	    (cgroup_listed(dir, "cgroup.subtree_control") & CGROUP_MEMORY) == 0)
		return;
	(void)snprintf(name, sizeof(name), "assent-user-%u", uid);
	if (!make_for(dir, name, uid, gid))
		return;
	at = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0 || cgroup_enable(at) == 0 || !make_for(at, OURS, uid, gid))
		return;
	(void)snprintf(inner, sizeof(inner), OURS "/cgroup.procs");
	(void)cgroup_write(at, inner, pid);
}

static void
hand_over_each(const char *path, uid_t uid, gid_t gid, const char *pid)
{
	char name[CGROUP_NAME_MAX], inner[CGROUP_NAME_MAX + 32];
	AUTO_FD int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)snprintf(name, sizeof(name), "assent-user-%u", uid);
	if (dir < 0 || !make_for(dir, name, uid, gid))
		return;
	(void)snprintf(inner, sizeof(inner), "%s/cgroup.procs", name);
	(void)cgroup_write(dir, inner, pid);
}

void
cgroup_hand_over(uid_t uid, gid_t gid, pid_t pid)
{
	AUTO_FREE struct cgroup_mount *m =
	    mem_new(CGROUP_MOUNTS_MAX, sizeof(*m));
	const size_t count = m == NULL ? 0 : cgroup_own(m);
	char text[NUMBER_BYTES];

	(void)snprintf(text, sizeof(text), "%d", pid);
	for (size_t i = 0; i < count; i++) {
		if (m[i].unified)
			hand_over_unified(m[i].path, uid, gid, text);
		else
			hand_over_each(m[i].path, uid, gid, text);
	}
}

/* Of a launcher that is no more: what its runs left alive goes, too. */
static void
remove_one(int at, const char *name)
{
	long pid = 0;

	if (strncmp(name, CGROUP_RUN_PREFIX, strlen(CGROUP_RUN_PREFIX)) == 0)
		pid = strtol(name + strlen(CGROUP_RUN_PREFIX), NULL, 10);
	if (pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH)
		cgroup_end(at, name);
	else
		(void)unlinkat(at, name, AT_REMOVEDIR);
}

/* Groups of runs that were ended with their launcher. */
static void
remove_all(int dir, const char *name)
{
	const int at = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = at < 0 ? NULL : fdopendir(at);
	const struct dirent *d;

	for (int i = 0;
	     list != NULL && i < BELOW_MAX && (d = readdir(list)) != NULL;
	     i++) {
		if (strncmp(d->d_name, "assent-", 7) == 0)
			remove_one(at, d->d_name);
	}
	if (list != NULL)
		(void)closedir(list);
	else if (at >= 0)
		(void)close(at);
	(void)unlinkat(dir, name, AT_REMOVEDIR);
}

void
cgroup_take_back(uid_t uid)
{
	AUTO_FREE struct cgroup_mount *m =
	    mem_new(CGROUP_MOUNTS_MAX, sizeof(*m));
	const size_t count = m == NULL ? 0 : cgroup_own(m);
	char name[CGROUP_NAME_MAX], path[CGROUP_PATH_MAX + 4];

	(void)snprintf(name, sizeof(name), "assent-user-%u", uid);
	for (size_t i = 0; i < count; i++) {
		AUTO_FD int dir = -1;

		(void)snprintf(path, sizeof(path), "%s%s", m[i].path,
		    m[i].unified ? "/.." : "");
		dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir >= 0)
			remove_all(dir, name);
	}
}
