/*
 * Compare the first process of a run, and what is the run's alone, with what
 * they were before.
 * Runs in: assent-exec, as the first process of a prepared run.
 * Trusts: the kernel.  Owns: a descriptor.
 */
#include "init/again.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

#define TMP "/tmp"
#define OOM "/proc/self/oom_score_adj"
#define IOPRIO_WHO_PROCESS 1

/* Terminals that are gone leave none of their own. */
static const char *const nodes[] = {
	"/dev/pts",
	"/dev/pts/ptmx",
};

static bool
look_at_place(const char *path, struct again_place *ret)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return false;
	ret->inode = st.st_ino;
	ret->links = st.st_nlink;
	ret->mode = st.st_mode;
	ret->uid = st.st_uid;
	ret->gid = st.st_gid;
	ret->size = st.st_size;
	ret->changed = st.st_ctim;
	ret->modified = st.st_mtim;
	ret->accessed = st.st_atim;
	return true;
}

static bool
add_place(struct again *a, const char *path, size_t len)
{
	struct again_place *p = &a->places[a->place_count];

	for (size_t i = 0; i < a->place_count; i++) {
		if (strncmp(a->places[i].path, path, len) == 0 &&
		    a->places[i].path[len] == '\0')
			return true;
	}
	if (a->place_count == AGAIN_PLACES_MAX || len >= AGAIN_PATH_MAX)
		return false;
	memcpy(p->path, path, len);
	a->place_count++;
	return look_at_place(p->path, p);
}

/* A folder, and those on the way to it. */
static bool
add_folders(struct again *a, const char *path)
{
	bool all = plan_path_within(path, TMP);

	for (size_t len = strlen(TMP); all && path[len] != '\0'; len++)
		all = path[len + 1] != '/' && path[len + 1] != '\0'
		    ? true
		    : add_place(a, path, len + 1);
	return all;
}

static bool
look_at_tmp(uint64_t *ret_files, uint64_t *ret_free, uint64_t *ret_blocks)
{
	struct statfs fs;

	if (statfs(TMP, &fs) != 0 || fs.f_files < fs.f_ffree)
		return false;
	*ret_files = fs.f_files - fs.f_ffree;
	*ret_free = fs.f_ffree;
	*ret_blocks = fs.f_bfree;
	return true;
}

/* All that is there: else what a run did to it would not be seen. */
static bool
note_places(struct again *a, const struct plan *p)
{
	uint64_t files = 0;
	bool all = add_place(a, TMP, strlen(TMP));
	size_t in_tmp;

	for (size_t i = 0; all && i < p->op_count; i++) {
		if (p->ops[i].kind == OP_TMP)
			all = strcmp(p->ops[i].path, TMP) == 0;
		else if (p->ops[i].kind == OP_TMP_DIR)
			all = add_folders(a, p->ops[i].path);
	}
	in_tmp = a->place_count;
	for (size_t i = 0; all && i < ARRAY_LEN(nodes); i++)
		all = add_place(a, nodes[i], strlen(nodes[i]));
	return all && look_at_tmp(&files, &a->files_free, &a->blocks_free) &&
	    files == in_tmp;
}

static bool
look_at_oom(int fd, char ret[static AGAIN_OOM_BYTES])
{
	return fd >= 0 && pread(fd, ret, AGAIN_OOM_BYTES - 1, 0) > 0;
}

static bool
look_at_pending(uint64_t *ret)
{
	/* The kernel's set; the C library's has a different size. */
	return syscall(SYS_rt_sigpending, ret, sizeof(*ret)) == 0;
}

static bool
look_at_self(int oom, struct again_self *ret)
{
	bool all = true;

	memset(ret, 0, sizeof(*ret));
	for (int i = 0; i < RLIMIT_NLIMITS; i++)
		all = all &&
		    getrlimit((__rlimit_resource_t)i, &ret->limits[i]) == 0;
	ret->io_priority = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
	ret->slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
	ret->dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	return all && ret->io_priority >= 0 && ret->dumpable == 0 &&
	    syscall(SYS_sched_getattr, 0, &ret->schedule, sizeof(ret->schedule),
		0) == 0 &&
	    sched_getaffinity(0, sizeof(ret->processors), &ret->processors) ==
	    0 &&
	    look_at_oom(oom, ret->oom) && look_at_pending(&ret->pending);
}

void
again_note(struct again *a, const struct plan *p)
{
	memset(a, 0, sizeof(*a));
	a->oom = open(OOM, O_RDONLY | O_CLOEXEC);
	a->able = look_at_self(a->oom, &a->self) && a->self.pending == 0 &&
	    note_places(a, p);
}

static bool
is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec ||
	    (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

/* Times of files come from this clock, which goes by ticks: what was made in
 * this one could be changed in it, and show the same time. */
void
again_arm(struct again *a)
{
	struct timespec now;

	if (a->armed || !a->able)
		return;
	a->armed = clock_gettime(CLOCK_REALTIME_COARSE, &now) == 0;
	for (size_t i = 0; i < a->place_count; i++)
		a->armed = a->armed && is_before(&a->places[i].changed, &now);
	a->able = a->armed; /* a later run would prove nothing of this one */
}

static bool
nobody_is_left(void)
{
	int status;

	/* The kernel asks every process of this namespace but the first. */
	return kill(-1, 0) != 0 && errno == ESRCH &&
	    waitpid(-1, &status, WNOHANG | __WALL) < 0 && errno == ECHILD;
}

static bool
same_place(const struct again_place *was)
{
	struct again_place now;

	memset(&now, 0, sizeof(now));
	memcpy(now.path, was->path, sizeof(now.path));
	return look_at_place(was->path, &now) &&
	    memcmp(&now, was, sizeof(now)) == 0;
}

static bool
same_places(const struct again *a)
{
	uint64_t files, files_free, blocks_free;

	for (size_t i = 0; i < a->place_count; i++) {
		if (!same_place(&a->places[i]))
			return false;
	}
	return look_at_tmp(&files, &files_free, &blocks_free) &&
	    files_free == a->files_free && blocks_free == a->blocks_free;
}

static bool
same_self(const struct again *a)
{
	struct again_self now;

	return look_at_self(a->oom, &now) &&
	    memcmp(&now, &a->self, sizeof(now)) == 0;
}

bool
again_holds(const struct again *a)
{
	return a->able && a->armed && nobody_is_left() && same_places(a) &&
	    same_self(a);
}
